"""What a plan is carried out on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from scenewright_server.scene import facts
from scenewright_server.scene.calling import names_of
from scenewright_server.scene.entries import Entry
from scenewright_server.scene.matching import Matching, calls, fold
from scenewright_server.scene.relations import Relations
from scenewright_server.scene.replies import Turn
from scenewright_server.scene.space import Space

Things = tuple[int, ...]


@dataclass(frozen=True)
class Scene:
    """What a plan is carried out on.

    `called`: what each entry is called, as the app spells it or as the family has it. `seen_as`: words for what is seen
    of each ("red", "striped"). `under`: what each stands on, where that was seen. `pointed`: what the user points at,
    the likeliest first. `before`: the turn before. `kinds`: what is of a kind, by its name in the singular, beside
    those of `KINDS`. `year`: this one, from which ages are reckoned.
    """

    entries: tuple[Entry, ...]
    called: tuple[str, ...]
    seen_as: tuple[frozenset[str], ...] = ()
    under: tuple[int | None, ...] | None = None
    pointed: Things = ()
    before: Turn | None = None
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
        return [facts.texts_of(entry, called, words) for entry, called, words in things]

    @cached_property
    def matching(self) -> Matching:
        """What the entries are called, by all their names."""
        aliases = [names_of(entry.graph) if entry.graph else () for entry in self.entries]
        return Matching(self.called, aliases, self.texts)

    def called_in(self, text: str) -> Things:
        """What a text calls by a whole name, its label or an alias."""
        said = fold(text)
        graphs = [entry.graph for entry in self.entries]
        names = [(called, *(graph.aliases if graph else ())) for called, graph in zip(self.called, graphs, strict=True)]
        return tuple(k for k, its in enumerate(names) if any(calls(said, name) for name in its))
