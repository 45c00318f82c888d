"""What is known of things under keys, as it is told, or else measured."""

from __future__ import annotations

import re
from dataclasses import replace

from scenewright_server.scene import expressions as x
from scenewright_server.scene.choosing import Choosing
from scenewright_server.scene.descriptions import QUOTE_CHARS, in_full, sentences
from scenewright_server.scene.entries import GraphObject
from scenewright_server.scene.facts import is_plain
from scenewright_server.scene.failures import Several
from scenewright_server.scene.matching import fold, looks_so, single
from scenewright_server.scene.measures import PLACES, SIDES, is_worn
from scenewright_server.scene.replies import Nothing, Result, Told
from scenewright_server.scene.scene import Scene
from scenewright_server.scene.states import is_so
from scenewright_server.scene.words import is_chinese

_EXTENTS = (x.Key("width"), x.Key("height"), x.Key("depth"))


def tell_all(choosing: Choosing, keys: tuple[x.Key, ...], of: x.Set, each: bool) -> tuple[Result, ...]:
    """What is known by these keys of the one thing that a set is, or of each, as of those that it joins by name. Raises
    Failed, Several."""
    things = choosing.choose(of) if each else choosing.candidates(of)
    if of == x.All() and (telling := tuple(k for k in things if any(choosing.is_known(key, k) for key in keys))):
        things = telling
    keys = tuple(replace(key, name=choosing.measures.measure(key.name)) for key in keys)
    if x.Key("size") in keys and all(_is_measured_alone(choosing, k) for k in things):
        keys = tuple(key for its in keys for key in (_EXTENTS if its.name == "size" else (its,)))
    if each:
        found = [tell_one(choosing, key, k) for k in things for key in keys]
        return tuple(dict.fromkeys(found)) or (Nothing(),)
    told = [tuple(tell_one(choosing, key, k) for key in keys) for k in things]
    if len({tuple((its.value, its.key) for its in each_of) for each_of in told}) > 1:
        if choosing.joins_single(of):
            return tuple(its for each_of in told for its in each_of)
        raise Several(of, things)
    return tuple(replace(its, things=things) for its in told[0])


def tell_one(choosing: Choosing, key: x.Key, k: int) -> Told:
    """What is known of thing k under a key."""
    measures = choosing.measures
    key = replace(key, name=measures.measure(key.name))
    if key.to is not None:
        to = choosing.one(key.to)
        value = measures.value(key.name, k, to) if to != k else None
        return Told((k,), key.name, value.amount if value else None, True, to)
    is_place = key.name in PLACES and not measures.is_told(key.name, k)
    valued = None if is_place and key.name in SIDES else measures.value(key.name, k, told_first=True)
    told = None if is_place and key.name not in ("right", "up") else choosing.comparing.tell(key.name, k)
    if told is None:
        return Told((k,), key.name, valued.amount if valued else None, valued is not None and valued.is_measured)
    if isinstance(told.value, str) and valued is not None and is_plain(key.name, told.value):
        return Told((k,), key.name, valued.amount)
    graph, said = choosing.scene.entries[k].graph, told.value
    if told.is_quoted and isinstance(said, str) and graph is not None:
        said = in_full(said, graph.description)
    return Told((k,), told.key or key.name, said, is_quoted=told.is_quoted)


def _is_measured_alone(choosing: Choosing, k: int) -> bool:
    return choosing.comparing.tell("size", k) is None and not is_worn(choosing.scene.called[k])


_HAVING = (
    r"(?:^|[,;:&] ?|\b(?:with|has|have|holds?|contains?|contents|inside|includes?|sells?|serves?|offers?|of|and|or) )"
    r"(?:(?!no\b|not\b|without\b)[\w'-]+ ){0,2}"
)
_HAVING_ZH = "(?:有|含|卖|装[着有了]?|放[着有了]?|挂[着有了]?|供应|提供|、|和|：)[^没不无,，。；]{0,4}"
"""Before the name of what something has, holds or sells; English and Chinese."""


def having(scene: Scene, words: str) -> dict[int, str]:
    """The things of which a text tells that they have, hold or sell what these words name, and that text."""
    before, said = (_HAVING_ZH, fold(words)) if is_chinese(words) else (_HAVING, _singular(words))
    ending = "" if is_chinese(words) else r"(?:e?s)?\b"
    stem, plural = (said[:-1], r"(?:y|ies)\b") if said.endswith("y") else (said, ending)
    telling = re.compile(before + re.escape(stem) + plural)
    found: dict[int, str] = {}
    for k, entry in enumerate(scene.entries):
        if (graph := entry.graph) is not None:
            texts = [*sentences(graph.description), *(its.value for its in graph.facts if isinstance(its.value, str))]
            own = (its for its in texts if telling.search(fold(its)) and is_so(words, [fold(its)]))
            if len(text := next(own, "")) in range(1, QUOTE_CHARS):
                found[k] = text
    return found


def _singular(words: str) -> str:
    return " ".join((*fold(words).split(" ")[:-1], single(fold(words).split(" ")[-1])))


def sentence_that_tells(graph: GraphObject, look: str) -> str | None:
    """The sentence of the description by which an object looks so; None where its names tell it, or it is long."""
    if looks_so(look, [fold(name) for name in (graph.label, *graph.aliases)]):
        return None
    short = [text for text in sentences(graph.description) if len(text) <= QUOTE_CHARS]
    return next((text for text in short if looks_so(look, [fold(text)])), None)
