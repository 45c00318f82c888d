"""What a session keeps of a dialogue with a diorama."""

from __future__ import annotations

from dataclasses import dataclass

from scenewright_server.families.family import Span
from scenewright_server.scene.entries import Entry, is_same


@dataclass(frozen=True)
class DioramaMemory:
    """The scene's span, the turns behind it, oldest first, and what the last answer settled on: "it"."""

    scene: Span | None = None
    turns: tuple[tuple[Span, ...], ...] = ()
    focus: tuple[Entry, ...] = ()

    @property
    def n_turns(self) -> int:
        return len(self.turns)

    @property
    def n_positions(self) -> int:
        return (len(self.scene) if self.scene else 0) + sum(len(span) for turn in self.turns for span in turn)

    def focus_among(self, entries: tuple[Entry, ...]) -> list[int]:
        """Which of these entries "it" may mean, after a change of the scene too."""
        found = ((k for k, entry in enumerate(entries) if is_same(entry, old)) for old in self.focus)
        return [k for ks in found for k in list(ks)[:1]]
