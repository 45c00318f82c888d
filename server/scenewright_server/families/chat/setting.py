"""The scene of a turn as a planner reads of it, and as its plans are carried out on it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date

from scenewright_server.families.chat.memory import Exchange
from scenewright_server.families.chat.planning import SCENE_CHARS, Thing, scene_text
from scenewright_server.families.chat.roster import Roster
from scenewright_server.scene.entries import Entry, is_same
from scenewright_server.scene.replies import Turn
from scenewright_server.scene.scene import Scene

_LEAST_CHARS = 400
_PLACE = re.compile(
    r"(?:\b(?:on|in|at|by|near|next to|beside|behind|under|below|above|inside|opposite|against|from|between|front of|"
    r"(?:left|right|top) of) (?:the|a|an|this|that)\s|[在靠近])$",
    re.IGNORECASE,
)
"""Words right before a thing that tells where others are."""


class Setting:
    """`roster`: the scene's things. `pointed`: what the user points at. `turns`: the dialogue so far."""

    def __init__(self, roster: Roster, pointed: int | None, turns: Sequence[Exchange] = ()) -> None:
        self.entries = tuple(roster.entries)
        self.called = tuple(map(roster.spelt, range(len(self.entries))))
        self.flat = frozenset(k for k, entry in enumerate(self.entries) if entry.graph is None)  # nobody tells how far
        self.pointed = () if pointed is None else (pointed,)
        self._roster = roster
        self._scenes: dict[Turn | None, Scene] = {}
        self._things = self._tell_things()
        self._recent = tuple(map(self._spoken_of, reversed(turns)))

    def scene(self, before: Turn | None) -> Scene:
        """What plans are carried out on, after this turn."""
        if before not in self._scenes:
            self._scenes[before] = self._make_scene(before)
        return self._scenes[before]

    def _make_scene(self, before: Turn | None) -> Scene:
        roster, everything = self._roster, range(len(self.entries))
        seen_as = tuple(map(roster.seen_as, everything))
        is_told = all(entry.graph is not None for entry in self.entries)
        under = None if is_told else tuple(map(roster.under, everything))
        this_year = date.today().year
        return Scene(
            self.entries, self.called, seen_as, under, self.pointed, before, recent=self._recent, year=this_year
        )

    def _spoken_of(self, exchange: Exchange) -> tuple[int, ...]:
        """The entries that an answer pointed at, or named."""
        old = [part for part in exchange.answer if isinstance(part, Entry)]
        found = tuple(k for k, entry in enumerate(self.entries) if any(is_same(entry, its) for its in old))
        return found or self.named_in(exchange.text)

    def texts(self) -> Iterator[str]:
        """The scene's text for a planner: whole, then with ever less of the descriptions, at last labels alone."""
        n_chars, last = SCENE_CHARS, ""
        while n_chars >= _LEAST_CHARS:
            text = scene_text(self._things, n_chars)
            if text != last:
                yield text
            n_chars, last = n_chars // 2, text
        yield scene_text([Thing(thing.label) for thing in self._things])

    def named_in(self, text: str) -> tuple[int, ...]:
        """The entries that a text speaks of by their names, in its order, all of those that share a name; but not those
        that only tell where others are: "the soap on the table"."""
        owners: dict[str, dict[int, None]] = {}
        for k in range(len(self.entries)):
            for name in self._roster.all_names(k):
                owners.setdefault(name.lower(), {})[k] = None
        longest_first = sorted(filter(None, owners), key=len, reverse=True)
        if not longest_first:
            return ()
        pattern = re.compile("|".join(map(_as_word, longest_first)), re.IGNORECASE)
        said: list[str] = []
        for match in pattern.finditer(text):
            if not said or not _PLACE.search(text, 0, match.start()):
                said.append(match[0].lower())
        return tuple(
            dict.fromkeys(k for name in said for k in owners.get(name) or owners.get(name.removesuffix("s"), {}))
        )

    def _tell_things(self) -> list[Thing]:
        """The graph's objects in its own order, then what is only seen, by its name: no camera's order."""
        roster, told = self._roster, list[tuple[int, Thing]]()
        for k, entry in enumerate(self.entries):
            item = entry.graph
            keys = () if item is None else tuple(fact.key for fact in item.facts)
            aliases, description = ((), "") if item is None else (item.aliases, item.description)
            told.append((roster.numbers[k], Thing(self.called[k], aliases, keys, description)))
        n_told = sum(entry.graph is not None for entry in self.entries)
        ordered = [thing for _, thing in sorted(told, key=lambda numbered: numbered[0])]
        return [*ordered[:n_told], *sorted(ordered[n_told:], key=lambda thing: thing.label)]


def _as_word(name: str) -> str:
    """A pattern of a name, or of more than one thing of it, that is no part of a longer word."""
    before = r"(?<![^\W_])" if name[0].isascii() else ""
    after = r"s?(?![^\W_])" if name[-1].isascii() else ""
    return before + re.escape(name) + after
