"""What families that carry out plans share: how a reply becomes words that point, and what is remembered of a plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scenewright_server.languages import SPEAKERS
from scenewright_server.languages.speaking import MAX_LISTED
from scenewright_server.scene import replies
from scenewright_server.scene.entries import Entry, is_same
from scenewright_server.scene.expressions import Set
from scenewright_server.scene.questions import Question
from scenewright_server.scene.scene import Scene


@dataclass(frozen=True)
class Planned:
    """A question that was planned, the things that its answer spoke of, which of its sets was asked back about, how
    many of each, and those of which they were picked (`scene.replies.Turn`). The things are kept themselves: in the
    next scene they have other places."""

    question: Question
    things: tuple[Entry, ...]
    asked: Set | None = None
    times: tuple[float, ...] = ()
    left: tuple[Entry, ...] = ()

    @classmethod
    def of(cls, turn: replies.Turn, entries: Sequence[Entry]) -> Planned:
        """A turn of a scene of these entries."""
        things, left = (tuple(entries[k] for k in its) for its in (turn.things, turn.left))
        return cls(turn.question, things, turn.asked, turn.times, left)

    def among(self, entries: Sequence[Entry]) -> replies.Turn:
        """The turn for a scene of these entries; what is gone is no longer spoken of."""
        things, left = (_found(its, entries) for its in (self.things, self.left))
        times = self.times if len(things) == len(self.things) else ()
        return replies.Turn(self.question, things, self.asked, times, left)


def _found(things: Sequence[Entry], entries: Sequence[Entry]) -> tuple[int, ...]:
    """Where things are among these, those that are."""
    found = (next((k for k, entry in enumerate(entries) if is_same(entry, old)), None) for old in things)
    return tuple(k for k in found if k is not None)


@dataclass(frozen=True)
class Pointed:
    """A step of what is said: the name of entry k, at which it points."""

    k: int


class PointedLabels:
    """See `languages.speaking.Labels`."""

    def __init__(self, called: Sequence[str], scene: Scene | None) -> None:
        self._called, self.scene = called, scene

    def text(self, k: int) -> str:
        return self._called[k]

    def mention(self, k: int) -> Pointed:
        return Pointed(k)


def steps_of(said: Sequence[replies.Reply], scene: Scene, language: str) -> list[tuple[str, int | None]]:
    """Replies of a scene as they are said: words, and the entry that they mean, None for none. What a reply rests on
    and does not name is pointed at without words, where that are not too many things."""
    called = scene.called
    parts: list[str | Pointed] = []
    for reply in said:
        parts += [" "] if parts and language != "zh" else []
        parts += SPEAKERS[language].reply(reply, PointedLabels(called, scene))
    named = {part.k for part in parts if isinstance(part, Pointed)}
    silent = [k for k in dict.fromkeys(k for reply in said for k in reply.things) if k not in named]
    steps = [(part, None) if isinstance(part, str) else (called[part.k], part.k) for part in parts]
    return [*steps, *(("", k) for k in silent if len(silent) <= MAX_LISTED)]
