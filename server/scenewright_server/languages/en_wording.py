"""English words for what a scene tells: articles, keys, places, and a fact as a sentence."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from scenewright_server.languages.en import BELOW_TWENTY, article
from scenewright_server.languages.speaking import Labels, M
from scenewright_server.scene import expressions as x
from scenewright_server.scene.amounts import Amount
from scenewright_server.scene.kinds import is_noun
from scenewright_server.scene.matching import single
from scenewright_server.scene.replies import Bearing
from scenewright_server.scene.states import is_state
from scenewright_server.scene.topics import nearest, topic_of
from scenewright_server.scene.words import COLOURS, MATERIALS, is_chinese

SIGNS = {"EUR": "€", "USD": "$", "GBP": "£", "CNY": "¥", "INR": "₹", "KRW": "₩"}
SIDES: Mapping[Bearing, str] = {
    "left": "on your left", "right": "on your right", "middle": "straight ahead of you", "you": "behind you",
    "back left": "on your left, a little behind you", "back right": "on your right, a little behind you",
    "you left": "behind you, to the left", "you right": "behind you, to the right",
}  # fmt: skip
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
_SAYING = set("sign text note notice inscription message warning label".split())
_DOING = set(
    "closes opens begins finishes stops returns serves seats heals holds contains needs takes starts ends leaves "
    "departs arrives lasts unlocks restores protects eats costs weighs sells shows plays speaks sleeps lives "
    "works fits hides guards teaches loves likes dislikes hates fears wants knows remembers misses collects "
    "drinks wears bites barks rides runs leads goes comes sits stands turns belongs".split()
)
_NUMBERED = ("lives", "works", "plays", "drinks", "shows", "rides")
"""Of these, what is a noun before a bare number: three lives."""
_BEING = set(
    "from by for in on with missing wearing holding carrying guarding selling playing showing open closed available "
    "known afraid made built found born founded painted free due good allergic".split()
)
"""First words of keys that are no nouns: what stands between a thing and a value."""
_COUNTED = ("free", "open", "available", "missing")
"""Of these, what a noun follows in keys of numbers: "free chairs"."""
_STANDING = set("on in at off out weak native good fit free due hardy".split())
_IS_DATE = re.compile(r"\b1[5-9]\d\d|\b20\d\d|\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)|\bago\b")
_OPEN_ENDS = set("in on at to of for from with by than until since after before and or if when".split())
_NO_NOUNS = set(
    "left remaining died pregnant wounded injured sick ill married divorced single alive dead asleep awake drunk lost "
    "due late early next last previous now today tonight tomorrow yesterday since until ago here there where when why "
    "how who away inside outside above below behind beside before after with without from to via of by for at on off "
    "in happened used wanted must may can should please never always".split()
)
"""Keys that are no nouns and of which no other sentence is made."""
_HOW_MANY = re.compile(r"\d|(?:an?|half|one|two|three|four|five|six|seven|eight|nine|ten|about|some|plenty)\b", re.I)
_HAS_LEFT = ("left", "remaining", "still left", "remains")
_ONE = set("bus gas lens atlas canvas news series christmas chess species headquarters tennis always".split())


def the(k: int, labels: Labels[M]) -> list[str | M]:
    """A thing with its article; names of people, works and engines have none."""
    return [f"{_article(labels.text(k))}", labels.mention(k)] if _article(labels.text(k)) else [labels.mention(k)]


def _article(label: str) -> str:
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
    words = topic_of(key).words
    return key if key in words else words[0].replace("_", " ")


def phrase_of(among: x.Set) -> str | None:
    """What is so of a thing that is in a set: "on the table"; None where there are no few words for it."""
    match among:
        case x.Look(words):
            return words if _ADJECTIVE.search(words.casefold()) or words.casefold() in COLOURS | MATERIALS else None
        case x.Named(words) | x.Kind(words):
            return f"{article(words.lower())} {words}" if words[:1].islower() and not words.endswith("s") else None
        case x.Related(relation, x.Me()):
            return BY_USER.get(relation)
        case x.Related(relation, x.Named(words), False, False):
            return f"{PLACES[relation]} {_article(words)}{words}"
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
    last = re.split(r" (?:of|with|for|in|by|on|at) ", label)[0].split(" ")[-1]
    is_name = last[:1].isupper() and label[:1].islower()
    is_plural = last.casefold() not in _ONE and re.search("[^suia]s$", last.casefold()) is not None
    return bool(_article(label)) and is_plural and not is_name


def be(things: Sequence[int], labels: Labels[M]) -> str:
    """ "is" or "are"."""
    return "is" if len(things) == 1 and not are_many(things[0], labels) else "are"


def _is_standing(key: str) -> bool:
    """Whether a key with an open end tells how a thing is: "reserved for", "on duty until"."""
    first, *_, last = key.casefold().split(" ")
    return last == "by" or first in _STANDING or first.endswith("ed")


def is_no_noun(key: str) -> bool:
    """Whether a key is a name, "Lisbon", ends in the middle of a phrase, "goes with", or is no noun by itself."""
    first, *rest = key.split(" ")
    if key.casefold().split(" ")[-1] in _OPEN_ENDS:
        return True
    if topic_of(key).words[1:]:
        return False
    is_name = first[:1].isupper() and first[1:].islower()
    ends_so = re.search("(?:[a-z]{2,}(?:able|ible|ful|less|ous)|[^eaou]{2,}ed)$", key) is not None and not is_noun(key)
    is_alone = not rest and (is_name or ends_so)
    return is_alone or key.casefold() in _NO_NOUNS


def of_whom(key: str, things: list[str | M]) -> list[str | M]:
    """ "the price of the chair", and of a key that is no noun: "“leads to” of the chair"."""
    return [f"“{key}” of " if is_no_noun(key) else f"the {name_of(key)} of ", *things]


def tell(key: str, value: str, things: list[str | M], is_one: bool) -> list[str | M]:
    """What is told of things under a key as a sentence, "The state of the door is open." in words that suit the key."""
    name, (first, *_) = name_of(key, value), key.casefold().split(" ")
    quoted = f"“{value}”" if not value.startswith("“") else value
    if first in _SAYING and is_one:
        return [*things, f" says {quoted}."] if name == "text" else [f"The {name} of ", *things, f" says {quoted}."]
    is_open = key.casefold().split(" ")[-1] in _OPEN_ENDS
    at = "at " if not is_open and re.match(r"\d{1,2}:\d\d$", value) else ""
    if first in ("every", "each"):
        return [*things, f": {key} {value}."]
    if first in _DOING and is_one and not (first in _NUMBERED and value.isdigit()):
        return [*things, f" {key} {at}{value}."]
    if re.fullmatch(r"[a-z]{3,}[^e]ed", key) and _IS_DATE.search(value) and not is_noun(key):
        return [*things, f" {'was' if is_one else 'were'} {key} {at}{value}."]
    is_counted = first in _COUNTED and key.casefold() != first and is_noun(single(key.casefold().split()[-1]))
    if (first in _BEING and not is_counted) or (is_open and key.casefold() != first and _is_standing(key)):
        return [*things, f" {'is' if is_one else 'are'} {key} {at}{value}."]
    if key.casefold() in _HAS_LEFT and _HOW_MANY.match(value):
        return [*things, f" {'has' if is_one else 'have'} {value} left."]
    if is_no_noun(key):
        return [f"{key}: {value}."] if things == ["it"] else [*things, f", {key}: {value}."]
    if name == "state" and is_state(value):
        return [*things, f" {'is' if is_one else 'are'} {value}."]
    verb = "are" if re.search("[^sui]s$", name) else "is"
    if things == ["it"]:
        return [f"its {name} {verb} {value}."]
    return [f"The {name} of ", *things, f" {verb} {value}."]
