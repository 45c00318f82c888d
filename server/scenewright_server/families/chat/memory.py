"""What a session keeps of a dialogue with a chat model."""

from __future__ import annotations

from dataclasses import dataclass

from scenewright_server.families.planned import Planned
from scenewright_server.scene.entries import Entry

Part = str | Entry
"""Of an answer: words, or the thing that it points at there."""


@dataclass(frozen=True)
class Exchange:
    """A question and what the user took in of its answer."""

    question: str
    answer: tuple[Part, ...]

    @property
    def text(self) -> str:
        """The answer's words."""
        return "".join(part for part in self.answer if isinstance(part, str))


@dataclass(frozen=True)
class ChatMemory:
    """The turns, oldest first, and how many positions of the context they and the scene took. planned: what is known
    of the last one that was planned; None of a dialogue that was only told."""

    turns: tuple[Exchange, ...] = ()
    n_positions: int = 0
    planned: Planned | None = None

    @property
    def n_turns(self) -> int:
        return len(self.turns)

    @property
    def focus(self) -> tuple[Entry, ...]:
        """The things that the last answer pointed at."""
        return tuple(part for part in self.turns[-1].answer if isinstance(part, Entry)) if self.turns else ()


def first_chars(parts: tuple[Part, ...], n_chars: int) -> tuple[Part, ...]:
    """An answer up to its n-th character."""
    kept: list[Part] = []
    for part in parts:
        if n_chars <= 0:
            break
        if isinstance(part, str):
            part = part[:n_chars]
            n_chars -= len(part)
        kept.append(part)
    return tuple(kept)
