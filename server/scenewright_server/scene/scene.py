"""What a plan is carried out on."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from scenewright_server.scene.calling import names_of
from scenewright_server.scene.entries import Entry
from scenewright_server.scene.matching import Matching, calls, fold
from scenewright_server.scene.relations import Relations
from scenewright_server.scene.replies import Turn
from scenewright_server.scene.space import Space
from scenewright_server.scene.texts import texts_of

Things = tuple[int, ...]

_LEAST, _SHARE, _KEYS = 5, 0.75, 3
"""The things of a list at least, the part of them that has a fact, and how many such facts they have."""
BETWEEN = re.compile(r"\s*[、,，;；]\s*")
"""Between the names of a list."""


@dataclass(frozen=True)
class Scene:
    """What a plan is carried out on.

    `called`: what each entry is called, as the app spells it or as the family has it. `seen_as`: words for what is seen
    of each ("red", "striped"). `under`: what each stands on, where that was seen. `pointed`: what the user points at,
    the likeliest first. `before`: the turn before. `recent`: what each of the answers so far spoke
    of, the last one's first. `kinds`: what is of a kind, by its name in the singular, beside
    those of `KINDS`. `year`: this one, from which ages are reckoned.
    """

    entries: tuple[Entry, ...]
    called: tuple[str, ...]
    seen_as: tuple[frozenset[str], ...] = ()
    under: tuple[int | None, ...] | None = None
    pointed: Things = ()
    before: Turn | None = None
    recent: tuple[Things, ...] = ()
    kinds: Mapping[str, Sequence[str]] = field(default_factory=dict)
    year: int | None = None

    def __post_init__(self) -> None:
        if len(self.called) != len(self.entries):
            raise ValueError(f"called: {len(self.called)} names, {len(self.entries)} entries")

    @cached_property
    def relations(self) -> Relations:
        """How the entries stand to each other and to the user."""
        return Relations(self.entries, Space(self.entries, self.under))

    @cached_property
    def texts(self) -> list[tuple[str, ...]]:
        """All that is told of each thing, folded."""
        seen = self.seen_as or (frozenset[str](),) * len(self.entries)
        things = zip(self.entries, self.called, seen, strict=True)
        return [texts_of(entry, called, words) for entry, called, words in things]

    @cached_property
    def matching(self) -> Matching:
        """What the entries are called, by all their names."""
        aliases = [names_of(entry.graph) if entry.graph else () for entry in self.entries]
        return Matching(self.called, aliases, self.texts)

    @cached_property
    def is_list(self) -> bool:
        """Whether most things have the same facts."""
        graphs = [entry.graph for entry in self.entries]
        if len(graphs) < _LEAST:
            return False
        counts = Counter(key for graph in graphs if graph for key in {fact.key for fact in graph.facts})
        return sum(n >= _SHARE * len(graphs) for n in counts.values()) >= _KEYS

    def in_rows(self, things: Things) -> Things:
        """Things in the order of the app's list, what is only seen last."""
        rows = [len(self.entries) if entry.row is None else entry.row for entry in self.entries]
        return tuple(sorted(things, key=rows.__getitem__))

    def named_by(self, value: str) -> Things:
        """What a fact's value names, where it is names and no more: "Otter Inn, Old Mill"."""
        found: dict[int, None] = {}
        for item in BETWEEN.split(fold(value.strip(" .。"))):
            found.update(dict.fromkeys(self._bearers.get(item, ())))
        return tuple(found)

    @cached_property
    def _bearers(self) -> dict[str, list[int]]:
        """The entries by their labels, folded."""
        found: dict[str, list[int]] = {}
        for k, called in enumerate(self.called):
            found.setdefault(fold(called), []).append(k)
        return found

    def called_in(self, text: str) -> Things:
        """What a text calls by a whole name, its label or an alias."""
        said = fold(text)
        graphs = [entry.graph for entry in self.entries]
        names = [(called, *(graph.aliases if graph else ())) for called, graph in zip(self.called, graphs, strict=True)]
        return tuple(k for k, its in enumerate(names) if any(calls(said, name) for name in its))
