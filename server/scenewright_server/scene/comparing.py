"""What is told of things under keys, and how things compare by it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property

from scenewright_server.scene import facts
from scenewright_server.scene.amounts import CLOCK, Amount, read_amounts, read_time
from scenewright_server.scene.countries import other_words
from scenewright_server.scene.entries import Fact
from scenewright_server.scene.expressions import Sign
from scenewright_server.scene.facts import Known
from scenewright_server.scene.failures import Failed
from scenewright_server.scene.hours import is_at
from scenewright_server.scene.matching import fold, looks_so
from scenewright_server.scene.measures import SAME, SHAPES, Measures, MixedUnits, Valued, in_one_unit
from scenewright_server.scene.narrower import narrower
from scenewright_server.scene.people import calls_person
from scenewright_server.scene.qualities import quality_of
from scenewright_server.scene.reduced import is_old_price, old_price
from scenewright_server.scene.replies import Mixed, Unknown
from scenewright_server.scene.scene import Scene, Things
from scenewright_server.scene.states import is_so, is_state_alone
from scenewright_server.scene.texts import ANSWERS
from scenewright_server.scene.topics import topic_of
from scenewright_server.scene.words import COLOURS, MATERIALS

_NOW = ("now", "yes", "true", "现在", "是")
"""Values of a key that is a state."""
_NONE = ("none", "no", "false", "0", "-", "n/a", "not available", "无", "没有", "否", "不提供", "暂无")
"""Values of a key of which a thing has nothing."""
_HAD, _INCLUDED = ("有", "提供", "available", "provided"), ("含", "包", "包含", "included")
"""Values of a key of which a thing has something, and has it for nothing."""
_NOT = re.compile(r"^(?:not?\b|un|不|没|无)")
_EXTRA = re.compile(r"\d|^(?:not?\b|un|不|没|无)|extra|surcharge|paid|charge|fee\b|另|自费|付费|收费|加钱|加收")
"""In a value that tells that there is none, or that it costs something."""
_OUTCOMES = {
    "won": "w", "win": "w", "victory": "w", "lost": "l", "loss": "l", "defeat": "l", "drawn": "d", "draw": "d",
    "tied": "t", "胜": "w", "赢": "w", "负": "l", "输": "l", "平": "d",
}  # fmt: skip
"""What a game's result begins with, "W 3-1"."""
_OUTCOME = re.compile(r"([wldt])\b(?! ?/)")
_ITEMS = re.compile(r" ?(?:[,;/&+、，；和与及]|\b(?:and|or|to)\b) ?")
"""Between the items of a value, of which each is one: "sweet and sour" is sour, "deputy head" no "head"."""

_BETWEEN = re.compile(r"\s*(?:(?:[，；、;]|,(?=\s))(?:\s*(?:and|or)\b)?|\b(?:and|or)\b|[和与及或])\s*")
"""Between the amounts of a list. Of "9,5" there is one."""


class Comparing:
    """The things of a scene by what is told of them."""

    def __init__(self, scene: Scene, measures: Measures) -> None:
        self._scene, self._measures = scene, measures
        self._graphs = [entry.graph for entry in scene.entries]
        self._told: dict[tuple[str, int], Known | None] = {}

    def tell(self, name: str, k: int) -> Known | None:
        """What is told of thing k under a key; its colour and material by its names, too."""
        if (name, k) not in self._told:
            self._told[name, k] = self._tell(name, k)
        return self._told[name, k]

    def _tell(self, name: str, k: int) -> Known | None:
        graph = self._graphs[k]
        if graph is not None and is_old_price(name) and not facts.has_key(graph, name):
            price = old_price(graph)
            return None if price is None else Known(price)
        told = None if graph is None else facts.tell(graph, self._measures.meant(name))
        if told is not None and not told.is_quoted:
            return told
        names = (self._scene.called[k], *(graph.aliases if graph else ()))
        quality = quality_of(name, names, graph.description if graph else "")
        seen = self._scene.seen_as[k] if self._scene.seen_as and fold(name) in ("colour", "color", "颜色") else ()
        quality = quality or next((word for word in sorted(seen) if word in COLOURS), None)
        return told if quality is None else Known(quality)

    def listed(self, name: str, k: int) -> list[Amount]:
        """The amounts of a list of at least two in one unit, "8, 9, 10", "11:15 and 15:30", that is told of thing k
        under a key and tells nothing else; else none."""
        told = self.tell(name, k)
        items = [] if told is None or not isinstance(told.value, str) else _BETWEEN.split(told.value.strip(" ."))
        found = [its for item in items for its in read_amounts(item) if (its.start, its.end) == (0, len(item))]
        unit = next((its.amount.unit for its in found if its.amount.unit), "")
        amounts = [its.amount if its.amount.unit else replace(its.amount, unit=unit) for its in found]
        is_list = len(found) == len(items) > 1 and {its.unit for its in amounts} == {unit}
        return amounts if is_list and not (unit == CLOCK and any(its.high for its in amounts)) else []

    def has(self, name: str, k: int) -> bool:
        """Whether anything is known of thing k under a key, and not that it has none: "wifi: none", "no parking"."""
        told = self.tell(name, k) if self.is_known(name, k) else None
        if told is None:
            return self.is_known(name, k)
        if told.is_quoted:
            return is_so(name, [_as_text(told)]) is not False
        return _as_text(told) not in _NONE

    def is_known(self, name: str, k: int) -> bool:
        """Whether anything is known of thing k under a key; where another thing has a fact of this very key, that of
        thing k under no other key. A side is known of nothing: of "left", how many are left."""
        graph = self._graphs[k]
        if graph is not None and (name == "left" or any(its and facts.has_key(its, name) for its in self._graphs)):
            return facts.is_told_apart(graph, name)
        return self.tell(name, k) is not None or self._measures.value(name, k) is not None

    def own(self, name: str, values: Mapping[int, Valued]) -> dict[int, Valued]:
        """Of the amounts of things those by which they are compared. Where one has a fact of this very key: of those
        of which it or a time of day is told; else not of those that have another fact in the same unit, a fee beside
        prices. No box beside a size that is told, nor beside heights that most of them tell."""
        name = self._measures.measure(name)
        if name in SHAPES:
            told = {k: its for k, its in values.items() if not its.is_measured}
            return told if told and (name == "size" or 2 * len(told) > len(values)) else dict(values)
        graphs = {k: its for k in values if (its := self._graphs[k]) is not None}
        if all(its.is_measured for its in values.values()):
            return dict(values)
        if " per " in name and (exact := self._with_fact(name, values)):  # no price is one per hour
            return exact
        if any(facts.has_key(graph, name) for graph in graphs.values()):
            own = {k for k, graph in graphs.items() if facts.is_owned(graph, name)}
            return {k: its for k, its in values.items() if k in own or its.amount.dimension == "clock"}
        if not any(facts.has_fact(graph, name) for graph in graphs.values()):
            return dict(values)
        others = {k for k, graph in graphs.items() if facts.is_by_unit(graph, name)}
        return {k: its for k, its in values.items() if k not in others}

    def of_its_dimension(self, name: str, values: Mapping[int, Valued]) -> dict[int, Valued]:
        """Of amounts that do not go together those of the key's dimension, a film's 12 minutes aside from lengths, or
        where it has none those that are facts of this very key. Raises Failed where these do not either, or where
        there are none."""
        dimension = topic_of(self._measures.measure(name)).dimension
        of_it = {k: its for k, its in values.items() if its.amount.dimension == dimension}
        found = of_it if dimension else self._with_fact(name, values)
        try:
            if in_one_unit([its.amount for its in found.values()])[0]:
                return found
        except MixedUnits:
            pass
        raise Failed(Mixed(name, tuple(values)))

    def _with_fact(self, name: str, values: Mapping[int, Valued]) -> dict[int, Valued]:
        """The amounts of things that have a fact of exactly this key."""
        graphs = {k: self._graphs[k] for k in values}
        own = {k for k, its in graphs.items() if its and fold(name) in [fold(fact.key) for fact in its.facts]}
        return {k: its for k, its in values.items() if k in own}

    def as_text(self, name: str, sign: Sign, text: str, among: Things) -> Things:
        """Those of which a text is told under a key, or is not, or that have what it tells of; of a country by another
        word for it and, where it is a value under one other key alone, those that have it there. Raises Failed."""
        is_key = any(its and facts.has_key(its, name) for its in self._graphs)
        if sign == "=" and is_key and fold(text) in (*_HAD, *_INCLUDED):
            had = [k for k in among if self.has(name, k)]
            return tuple(k for k in had if not (_NOT if fold(text) in _HAD else _EXTRA).search(self._said(name, k)))
        is_own = is_key and (fold(text) in ANSWERS or is_state_alone(text))  # "on" of a state, not of subtitles
        if sign == "=" and not self._is_value(name, text) and not is_own:
            if (letter := _OUTCOMES.get(fold(text))) is not None and (begun := self._begun(name)):
                return tuple(k for k in among if begun.get(k) == letter)
            other = next((word for word in other_words(text) if self._is_value(name, word)), None)
            keys = self._keys_of(text) if other is None else ()
            if other is not None or len(keys) == 1:
                name, text = (name, other) if other is not None else (*keys, text)
        return self._as_text(name, sign, text, among)

    def _begun(self, name: str) -> dict[int, str]:
        """The letters with which the results of games begin that are told under a key, where all of them do."""
        told = {k: self.tell(name, k) for k in range(len(self._graphs))}
        found = {k: _OUTCOME.match(_as_text(its)) for k, its in told.items() if its is not None}
        return {k: its[1] for k, its in found.items() if its} if all(found.values()) else {}

    def _said(self, name: str, k: int) -> str:
        told = self.tell(name, k)
        return "" if told is None else _as_text(told)

    def _is_value(self, name: str, text: str) -> bool:
        """Whether a text is what anything tells under a key, or one of its items."""
        return any(_is_item(fold(text), self._said(name, k)) for k in range(len(self._graphs)))

    def _keys_of(self, text: str) -> tuple[str, ...]:
        """The keys under which a text is a value."""
        return tuple(self._keys.get(fold(text), ()))

    @cached_property
    def _keys(self) -> dict[str, dict[str, None]]:
        """The keys of facts by their values, folded."""
        found: dict[str, dict[str, None]] = {}
        for fact in (fact for graph in self._graphs if graph is not None for fact in graph.facts):
            if isinstance(fact.value, str):
                found.setdefault(fold(fact.value), {})[fact.key] = None
        return found

    def with_value(self, text: str) -> Things:
        """The things of which a text is told under the only key under which it is told of any; else those of which a
        fact names a person who is called so."""
        keys, everything = self._keys_of(text), range(len(self._graphs))
        if len(keys) == 1:
            return tuple(k for k in everything if self._said(keys[0], k) == fold(text))
        return tuple(
            k for k in everything if (its := self._graphs[k]) and any(_names(fact, text) for fact in its.facts)
        )

    def is_other(self, words: str) -> bool:
        """Whether these words, which are told of a thing, are hardly for it but for what it has, or for somebody: a
        runner-up is not who won, "Grey" is any of that team."""
        return " " in words or not self._keys_of(words)

    def _as_text(self, name: str, sign: Sign, text: str, among: Things) -> Things:
        if fold(text) in _NOW and is_state_alone(name):
            return tuple(k for k in among if self._is_now(name, text, k) == (sign == "="))
        told = {k: self.tell(name, k) for k in among}
        # Where it is a fact's key, what has no such fact is not so for naming the value elsewhere.
        is_key = any(its and facts.has_fact(its, name) for its in self._graphs)
        texts = [()] * len(self._graphs) if is_key else self._scene.texts
        known = {k: texts[k] if its is None else [_as_text(its)] for k, its in told.items()}
        if among and not any(told[k] or looks_so(text, its) for k, its in known.items()):
            raise Failed(Unknown(name, among))
        exact = [_as_text(Known(text))]
        time = read_time(text)
        if time is None and re.search(r"\d", text) and exact in known.values():  # "4/4" is no "3/4"
            return tuple(k for k, its in known.items() if told[k] is not None and (its == exact) == (sign == "="))
        like = {k: is_so(text, its) is True for k, its in known.items()}
        if any(narrower(fold(text), fold(name))):  # "nuts" of what has walnuts in it
            texts_of = {k: [f"{fold(name)} {its}" for its in known[k]] for k in known if told[k] is not None}
            like |= {k: True for k, its in texts_of.items() if looks_so(text, its)}
        if exact in known.values() and not (is_state_alone(text) or {*fold(text).split()} & (COLOURS | MATERIALS)):
            like = {k: its and (told[k] is None or _is_item(exact[0], known[k][0])) for k, its in like.items()}
        if not any(like.values()):
            like |= {k: True for k, its in told.items() if its and calls_person(text, name, str(its.value))}
        if time is not None:
            at = {k: is_at(time, _as_text(its)) for k, its in told.items() if its is not None}
            like |= {k: its for k, its in at.items() if its is not None}
        return tuple(k for k in among if like[k] == (sign == "=") and (told[k] is not None or like[k]))

    def _is_now(self, state: str, text: str, k: int) -> bool:
        """Whether thing k is in a state, which the fact of that name tells, or any text."""
        graph, told = self._graphs[k], self.tell(state, k)
        if told is None or graph is None or not facts.has_fact(graph, state):
            return is_so(state, self._scene.texts[k]) is True
        return is_so(text, [_as_text(told)]) is True

    def same_text(self, name: str, as_: int, among: Things) -> Things:
        """Those of which the same is told under a key as of another thing. Raises Failed."""
        told = self.tell(name, as_)
        if told is None:
            raise Failed(Unknown(name, (as_,)))
        texts = {k: self.tell(name, k) for k in among if k != as_}
        return tuple(k for k, its in texts.items() if its is not None and _as_text(its) == _as_text(told))


def _names(fact: Fact, words: str) -> bool:
    return isinstance(fact.value, str) and calls_person(words, fact.key, fact.value)


def is_same(a: Amount, b: Amount) -> bool:
    """Whether two amounts are one, in any unit."""
    try:
        (one, two), _ = in_one_unit((a, b))
    except MixedUnits:
        return False
    return abs(one - two) <= SAME * max(abs(one), abs(two))


def is_range(a: Amount, b: Amount) -> bool:
    """Whether two ranges are one, in any unit."""
    ends = [(its.high if its.high is not None else its.value, its.unit) for its in (a, b)]
    return is_same(replace(a, high=None), replace(b, high=None)) and is_same(Amount(*ends[0]), Amount(*ends[1]))


def _is_item(text: str, value: str) -> bool:
    """Whether a text is a value, or one of its items."""
    return text == value or text in _ITEMS.split(value)


def _as_text(known: Known) -> str:
    value = known.value
    if isinstance(value, str):
        return fold(value)
    return fold(f"{value.value:g}{' ' * (len(value.unit) > 1)}{value.unit}")  # "4K"
