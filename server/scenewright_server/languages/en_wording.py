"""English words for what a scene tells: articles, keys and places."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from scenewright_server.languages.apart import called
from scenewright_server.languages.en import BELOW_TWENTY, article
from scenewright_server.languages.en_keys import is_plural
from scenewright_server.languages.speaking import Labels, M
from scenewright_server.scene import expressions as x
from scenewright_server.scene.amounts import Amount
from scenewright_server.scene.replies import Bearing, Kindness
from scenewright_server.scene.states import is_state_alone
from scenewright_server.scene.topics import nearest, topic_of
from scenewright_server.scene.words import COLOURS, MATERIALS, is_chinese

SIGNS = {"EUR": "€", "USD": "$", "GBP": "£", "CNY": "¥", "INR": "₹", "KRW": "₩"}
SIDES: Mapping[Bearing, str] = {
    "left": "on your left", "right": "on your right", "middle": "straight ahead of you", "you": "behind you",
    "back left": "on your left, a little behind you", "back right": "on your right, a little behind you",
    "you left": "behind you, to the left", "you right": "behind you, to the right",
}  # fmt: skip
ROWS: Mapping[int, str] = {
    1: "furthest to the left", 2: "second from the left", 3: "third from the left", 4: "fourth from the left",
    -1: "furthest to the right", -2: "second from the right", -3: "third from the right", -4: "fourth from the right",
}  # fmt: skip
"""Of up to eight things in a row: see `Ask`."""
KIND: Mapping[Kindness, str] = {
    "thanks": "You are welcome.", "bye": "Goodbye.", "hello": "Hello. Ask me about the things that are here.",
}  # fmt: skip
"""What is said to what is said for courtesy alone."""
PLACES: Mapping[x.Relation, str] = {
    "on": "on", "under": "under", "in": "in", "beside": "beside", "left of": "to the left of", "above": "above",
    "right of": "to the right of", "in front of": "in front of", "behind": "behind", "near": "near",
}  # fmt: skip
BY_USER: Mapping[x.Relation, str] = {
    "left of": "on your left", "right of": "on your right", "in front of": "in front of you", "behind": "behind you",
    "near": "near you", "beside": "beside you", "above": "above you", "under": "under you",
}  # fmt: skip
VERBS = {
    "price": ("costs ", "cost ", ""), "weight": ("weighs ", "weigh ", ""), "height": ("is ", "are ", " tall"),
    "width": ("is ", "are ", " wide"), "depth": ("is ", "are ", " deep"), "length": ("is ", "are ", " long"),
}  # fmt: skip
"""How an amount under a key is said of one thing, of several, and what follows it."""
COMPARATIVES = {
    "height": ("taller", "shorter"), "width": ("wider", "narrower"), "depth": ("deeper", "less deep"),
    "length": ("longer", "shorter"), "distance": ("farther away", "nearer"), "price": ("more expensive", "cheaper"),
    "weight": ("heavier", "lighter"), "age": ("older", "younger"), "year": ("later", "earlier"),
}  # fmt: skip


_ADJECTIVE = re.compile("(able|ible|ed|proof|free|en|an|ful|less|ic|al|ous|ing|ish|y)$")


def the(k: int, labels: Labels[M]) -> list[str | M]:
    """A thing with its article, and what tells it apart; names of people, works and engines have none."""
    if (apart := called(k, labels)) is not None:
        return apart
    return [f"{article_of(labels.text(k))}", labels.mention(k)] if article_of(labels.text(k)) else [labels.mention(k)]


def article_of(label: str) -> str:
    first, *rest = label.split() or [""]
    if first.lower() in ("the", "my", "your", "a", "an"):
        return ""
    is_name = first[:1].isupper() and (not rest or any(word[:1].isupper() or word == "the" for word in rest))
    is_name |= first[:1].isupper() and first.endswith(("'s", "’s"))
    return "" if is_name or any(c in label for c in "_(") else "the "


def name_of(key: str, value: str | Amount | None = None) -> str:
    """What a key is called in English, with such a value; one in Chinese that is not known as it is."""
    if is_chinese(key):
        return nearest(key, value, in_chinese=False)
    if " per " in key:
        return key
    if key == "was" and (not isinstance(value, str) or value[-1:].isdigit()):
        return "old price"
    words = topic_of(key).words
    return key if key in words else words[0].replace("_", " ")


def phrase_of(among: x.Set) -> str | None:
    """What is so of a thing that is in a set: "on the table"; None where there are no few words for it."""
    match among:
        case x.Look(words):
            return words if _ADJECTIVE.search(words.casefold()) or words.casefold() in COLOURS | MATERIALS else None
        case x.Named(words) if is_state_alone(words):
            return words
        case x.Named(words) | x.Kind(words):
            return f"{article(words.lower())} {words}" if words[:1].islower() and not words.endswith("s") else None
        case x.Related(relation, x.Me()):
            return BY_USER.get(relation)
        case x.Related(relation, x.Named(words), False, False):
            return f"{PLACES[relation]} {article_of(words)}{words}"
        case x.Clock(hour):
            return f"at {BELOW_TWENTY[hour]} o'clock"
        case x.Reachable():
            return "within your reach"
        case x.Visible():
            return "in view"
        case x.Empty():
            return "empty"
    return None


def are_many(k: int, labels: Labels[M]) -> bool:
    """Whether a thing's own name is a plural: "toilets", "scissors"."""
    label = labels.text(k)
    head = re.sub(
        r"(?: size)?(?: [A-Z]?\d+[a-z]?| [A-Z])+$",
        "",
        re.split(r" (?:of|with|for|in|by|on|at|to|from|under) ", label)[0],
    )
    last = head.split(" ")[-1]
    is_name = last[:1].isupper() and label[:1].islower()
    return bool(article_of(label)) and is_plural(last) and not is_name


def be(things: Sequence[int], labels: Labels[M]) -> str:
    """ "is" or "are"."""
    return "is" if len(things) == 1 and not are_many(things[0], labels) else "are"
