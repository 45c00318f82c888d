"""What a session keeps of a dialogue with a diorama."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scenewright_server.families.family import Span
from scenewright_server.families.planned import Planned
from scenewright_server.scene.entries import Entry, is_same
from scenewright_server.scene.looks import Looks
from scenewright_server.scene.naming import Naming


@dataclass(frozen=True)
class DioramaMemory:
    """The scene's span, the turns behind it, oldest first, and what the last answer settled on: "it".

    last: question and answer of a last turn that was only told; "it" is what their words name. planned: what is known
    of the last turn where it was read or settled on something.
    """

    scene: Span | None = None
    turns: tuple[tuple[Span, ...], ...] = ()
    focus: tuple[Entry, ...] = ()
    last: tuple[str, str] | None = None
    planned: Planned | None = None

    @property
    def n_turns(self) -> int:
        return len(self.turns)

    @property
    def n_positions(self) -> int:
        return (len(self.scene) if self.scene else 0) + sum(len(span) for turn in self.turns for span in turn)

    def focus_among(self, looks: Looks) -> Sequence[int]:
        """Which entries "it" may mean, after a change of the scene too."""
        if self.last is not None and looks.entries:
            question, answer = (Naming(looks).find_named(text) for text in self.last)
            said = (answer[0], question[0], answer[1], question[1])  # what was spoken of before what only placed it
            return next(filter(None, said), ())
        found = ((k for k, entry in enumerate(looks.entries) if is_same(entry, old)) for old in self.focus)
        return [k for ks in found for k in list(ks)[:1]]
