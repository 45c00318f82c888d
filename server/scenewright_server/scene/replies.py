"""What a scene replies to a composed plan: one small type for each kind of result.

Things are indices of entries. `things` of every result are those that it rests on, in the order in which they are
spoken of; how it is put into words is for `languages/`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from scenewright_server.scene.amounts import Amount
from scenewright_server.scene.entries import Fact, Side
from scenewright_server.scene.expressions import Relation, Set
from scenewright_server.scene.questions import Question


@dataclass(frozen=True)
class NotUnderstood:
    """A plan that makes no sense, and why."""

    why: str
    things: tuple[int, ...] = ()


@dataclass(frozen=True)
class Unsure:
    """That it is not sure what was asked, before what may answer it."""

    things: tuple[int, ...] = ()


@dataclass(frozen=True)
class NotHere:
    """What these words name was looked for and is not there."""

    words: str
    things: tuple[int, ...] = ()


@dataclass(frozen=True)
class Unclear:
    """What these words name was looked for and not found, and it is not known what they mean: it may be there."""

    words: str
    things: tuple[int, ...] = ()


@dataclass(frozen=True)
class Nothing:
    """Things were looked for of which it is so, and there is none."""

    things: tuple[int, ...] = ()


@dataclass(frozen=True)
class Unknown:
    """What the key tells of these things is not known; "front": on which side that is."""

    key: str
    things: tuple[int, ...]


@dataclass(frozen=True)
class Mixed:
    """Amounts of these things that do not go together: euros and dollars."""

    key: str
    things: tuple[int, ...]


@dataclass(frozen=True)
class Lost:
    """Nothing is known that this may mean: no turn before, nothing pointed at."""

    word: Literal["those", "this", "other", "again"]
    things: tuple[int, ...] = ()


Mark: TypeAlias = str | Amount | Side | int | float
"""What one of several has: its name, a fact's value, its side, the thing that it is on, its distance in metres."""


@dataclass(frozen=True)
class Ask:
    """Each of these may be meant; `marks` tell them apart: their names, values of a fact, sides, what they are on,
    places in their row (1 is the first from the left, -1 the first from the right), or metres; by "nothing" where none
    of these does."""

    things: tuple[int, ...]
    by: Literal["name", "fact", "side", "under", "row", "metres", "nothing"]
    marks: tuple[Mark, ...] = ()
    key: str = ""


@dataclass(frozen=True)
class Listed:
    """These things, there being at least one; with the values by which they were picked or ordered."""

    things: tuple[int, ...]
    key: str = ""
    values: tuple[Amount, ...] = ()
    is_measured: bool = False


@dataclass(frozen=True)
class Counted:
    """As many as these."""

    things: tuple[int, ...]


@dataclass(frozen=True)
class Exists:
    """That there are these; where there is none, whether that is certain or only not told."""

    things: tuple[int, ...]
    is_certain: bool = True


Bearing: TypeAlias = Side | Literal["back left", "back right", "you left", "you right"]
"""A side of the user; "back left" is left and a little behind, "you left" behind and to the left."""


@dataclass(frozen=True)
class Placed:
    """Where a thing is for the user, as they face; `under` is what it is on, `near` another thing within a step of it.
    `metres` here and below: None where the family tells no depth."""

    thing: int
    side: Bearing
    metres: float | None
    under: int | None = None
    near: int | None = None

    @property
    def things(self) -> tuple[int, ...]:
        return (self.thing, *(k for k in (self.under, self.near) if k is not None))


@dataclass(frozen=True)
class Against:
    """Where a thing is for another, and how far from it, centre to centre."""

    thing: int
    other: int
    relations: tuple[Relation, ...]
    metres: float | None

    @property
    def things(self) -> tuple[int, ...]:
        return (self.thing, self.other)


@dataclass(frozen=True)
class Directed:
    """In which direction a thing is, and the hour of the clock, twelve being ahead."""

    thing: int
    hour: int
    metres: float | None
    side: Bearing = "middle"

    @property
    def things(self) -> tuple[int, ...]:
        return (self.thing,)


@dataclass(frozen=True)
class Told:
    """What is known of things under a key, the same of each; None: nothing is. Measured amounts are rounded when said,
    told ones are said as they are.
    `to`: from where a distance is, if not from the user. `is_quoted`: the value is a piece of a description."""

    things: tuple[int, ...]
    key: str
    value: str | Amount | None
    is_measured: bool = False
    to: int | None = None
    is_quoted: bool = False


@dataclass(frozen=True)
class Totalled:
    """The sum or average of these things' amounts under a key, "" where there are several, each so many times,
    once where there are no `times`; `lacking` are those of which none is known."""

    how: Literal["sum", "avg"]
    key: str
    things: tuple[int, ...]
    amount: Amount
    lacking: tuple[int, ...] = ()
    is_measured: bool = False
    times: tuple[float, ...] = ()


@dataclass(frozen=True)
class Group:
    """The things that have one value under a key; with what they have of an amount together."""

    value: str | Amount
    things: tuple[int, ...]
    amount: Amount | None = None


@dataclass(frozen=True)
class Grouped:
    """The values that things have under a key, in the order in which they are told; `is_picked`: those that most of
    them have, or fewest, or whose things have most of an amount, or least, `by` a key."""

    key: str
    groups: tuple[Group, ...]
    is_picked: bool = False
    by: str = ""

    @property
    def things(self) -> tuple[int, ...]:
        return tuple(k for group in self.groups for k in group.things)


@dataclass(frozen=True)
class Operand:
    """One of two quantities that are held against each other."""

    amount: Amount
    things: tuple[int, ...]
    key: str
    how: Literal["number", "count", "sum", "avg", "fact", "diff", "ratio"]
    is_measured: bool = False


@dataclass(frozen=True)
class Weighed:
    """Whether one quantity is less than, equal to or more than another."""

    sign: Literal["<", "=", ">"]
    a: Operand
    b: Operand
    is_so: bool

    @property
    def things(self) -> tuple[int, ...]:
        return (*self.a.things, *self.b.things)


@dataclass(frozen=True)
class Differs:
    """By how much the first is more than the second; less, where that is negative; of a time of day
    and a duration the time that it is then."""

    a: Operand
    b: Operand
    amount: Amount

    @property
    def things(self) -> tuple[int, ...]:
        return (*self.a.things, *self.b.things)


@dataclass(frozen=True)
class Times:
    """How many times the second quantity goes into the first; `each`: the share of one, where the second is a bare
    number, or what the first is over the second where they do not measure the same: "EUR/kg", "/km²"."""

    a: Operand
    b: Operand
    times: float
    each: Amount | None = None

    @property
    def things(self) -> tuple[int, ...]:
        return (*self.a.things, *self.b.things)


@dataclass(frozen=True)
class Verdict:
    """Of each of these things whether it is among others; None: that is not known. `because`: what is told of a
    thing alone that decides it."""

    things: tuple[int, ...]
    are_so: tuple[bool | None, ...]
    among: Set
    because: Told | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Described:
    """All that is known of a thing."""

    place: Placed
    description: str
    facts: tuple[Fact, ...]

    @property
    def things(self) -> tuple[int, ...]:
        return self.place.things


@dataclass(frozen=True)
class OutOfScene:
    """Nothing that the scene settles."""

    things: tuple[int, ...] = ()


Kindness = Literal["thanks", "bye", "hello"]


@dataclass(frozen=True)
class Courtesy:
    """Something kind was said, and no question asked."""

    kind: Kindness
    things: tuple[int, ...] = ()


Failure: TypeAlias = NotUnderstood | Unsure | NotHere | Unclear | Nothing | Unknown | Mixed | Lost | Ask
Answer: TypeAlias = (
    Listed | Counted | Exists | Placed | Against | Directed | Told | Totalled | Grouped | Weighed | Differs | Times
)
Result: TypeAlias = Failure | Answer | Verdict | Described | OutOfScene | Courtesy


@dataclass(frozen=True)
class Turn:
    """A question that was answered, what it spoke of, and which of its sets was asked back about. `times`: how many of
    each thing were meant, where that is not one of each. `left`: the others of "those" of which they were picked."""

    question: Question
    things: tuple[int, ...]
    asked: Set | None = None
    times: tuple[float, ...] = ()
    left: tuple[int, ...] = ()


@dataclass(frozen=True)
class Reply:
    """What one question gave: a result, or one for each thing and key; names that were only nearly right and what was
    taken for them; names of things that are not there beside those that are; and what to remember. `quotes`: what the
    descriptions of things say of which what was asked is not known, or by which the one thing was found. `hindrances`:
    what keeps people from using what was found, "out of order"."""

    results: tuple[Result, ...]
    turn: Turn
    took: tuple[tuple[str, int], ...] = ()
    missing: tuple[str, ...] = field(default=())
    quotes: tuple[tuple[int, str], ...] = ()
    hindrances: tuple[Told, ...] = ()

    @property
    def things(self) -> tuple[int, ...]:
        """All that the results rest on, each once."""
        return tuple(dict.fromkeys(k for result in self.results for k in result.things))
