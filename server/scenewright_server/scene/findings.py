"""What a scene gives when it is asked: one small type for each kind of answer.

Things are indices of entries. Every answer tells by `things` which entries it rests on, in the order in which they
are spoken of; how it is put into words is for `languages/` and the families.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Reason = Literal["missing", "lost", "unpointed", "blind", "unsure", "beyond", "unknown", "unclear"]
"""Why there is no answer: no such thing, nothing that "it" or "this" may mean, nothing where the user points, nothing
known of what is behind the user, nothing made out at all, a question of something else, a look that nobody has seen or
told, a question that was not understood."""
Question = Literal["exist", "is", "reach"]
"""What can be answered with yes or no: that there is one, that a relation holds, that it is within reach."""
Place = Literal["left", "middle", "right", "you", "behind", "front", "beside", "on"]
"""Where a thing stands: as the user sees it ("you": behind the user), or against the thing named before it ("behind",
"front", "beside": to the right of it) or on what is told beside it or was named before."""


@dataclass(frozen=True)
class Refusal:
    """There is no answer, for this reason."""

    reason: Reason

    @property
    def things(self) -> tuple[int, ...]:
        return ()


@dataclass(frozen=True)
class Several:
    """Each of these things may be meant: the question is open."""

    things: tuple[int, ...]


@dataclass(frozen=True)
class Things:
    """All things of which it is so; there may be none."""

    things: tuple[int, ...]


@dataclass(frozen=True)
class One:
    """The one thing of which it is so."""

    thing: int

    @property
    def things(self) -> tuple[int, ...]:
        return (self.thing,)


@dataclass(frozen=True)
class Count:
    """As many as these."""

    things: tuple[int, ...]


@dataclass(frozen=True)
class YesNo:
    """Whether it is so of these things."""

    question: Question
    things: tuple[int, ...]
    is_so: bool


@dataclass(frozen=True)
class Distance:
    """Metres from the user to one thing, or between two."""

    things: tuple[int, ...]
    metres: float


@dataclass(frozen=True)
class Where:
    """The place of a thing; `under` is what it stands on."""

    thing: int
    place: Place
    under: int | None = None

    @property
    def things(self) -> tuple[int, ...]:
        return (self.thing,) if self.under is None else (self.thing, self.under)


@dataclass(frozen=True)
class Look:
    """A thing's value of an attribute; `told` is what its label tells of it, where what is seen belies that."""

    thing: int
    attribute: str
    value: str
    told: str | None = None

    @property
    def things(self) -> tuple[int, ...]:
        return (self.thing,)


@dataclass(frozen=True)
class Kind:
    """What a thing is, by its name; `seen` is its kind as seen, where that belies its label."""

    thing: int
    seen: str | None = None

    @property
    def things(self) -> tuple[int, ...]:
        return (self.thing,)


@dataclass(frozen=True)
class Placing:
    """A thing of a description: its place, and the values that are seen of it against its label.

    `under` is what it stands on, unless that was named just before it: then `place` alone says "on".
    """

    thing: int
    place: Place
    under: int | None = None
    seen: tuple[str, ...] = ()


@dataclass(frozen=True)
class Survey:
    """Every thing, left to right: what a description tells."""

    facts: tuple[Placing, ...]

    @property
    def things(self) -> tuple[int, ...]:
        pairs = ((fact.thing, fact.under) for fact in self.facts)
        return tuple(k for pair in pairs for k in pair if k is not None)


Answer = Refusal | Several | Things | One | Count | YesNo | Distance | Where | Look | Kind | Survey


@dataclass(frozen=True)
class Finding:
    """An answer and the probability that it is right, as far as what was seen tells."""

    answer: Answer
    confidence: float = 1.0
