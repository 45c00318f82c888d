"""The language of composed plans: what a question asks of a scene, as a small typed expression.

Sets are told from all things by links that narrow, join or negate; picks take some of a set by a measure; questions ask
something of sets. After the functional programs of CLEVR (Johnson et al., 2017) and GQA (Hudson and Manning, 2019).
`parsing` gives every expression its text, `executing` carries it out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

MAX_WORDS_CHARS = 120
MIN_N, MAX_N = 0.01, 1000
LAST = -1
"""The n of the last."""

Relation = Literal[
    "on", "under", "in", "beside", "left of", "right of", "in front of", "behind", "above", "near"
]  # fmt: skip
RELATIONS: tuple[Relation, ...] = get_args(Relation)
SIDES: tuple[Relation, ...] = ("left of", "right of", "in front of", "behind")
"""What a thing with a front has of its own: "own left of car"."""
Sign = Literal["<", "<=", ">", ">=", "=", "!="]
SIGNS: tuple[Sign, ...] = get_args(Sign)


class PlanError(ValueError):
    """A plan that is no plan: where (characters from the start), what was found, what was expected."""

    def __init__(self, position: int, found: str, expected: str) -> None:
        super().__init__(f"plan: at {position}: found {found}, expected {expected}")
        self.position, self.found, self.expected = position, found, expected


def _check_words(name: str, words: str) -> None:
    if not words or words != " ".join(words.split()):
        raise ValueError(f"{name}: {words!r} is not words with single spaces")
    if len(words) > MAX_WORDS_CHARS:
        raise ValueError(f"{name}: {len(words)} characters, at most {MAX_WORDS_CHARS}")


def check_times(n: float) -> None:
    """Raise ValueError where something can not be taken so often."""
    if not MIN_N <= n <= MAX_N:
        raise ValueError(f"n: {n}, from {MIN_N} to {MAX_N}")


@dataclass(frozen=True)
class Me:
    """The user, to whom things may be related."""


@dataclass(frozen=True)
class All:
    """Everything."""


@dataclass(frozen=True)
class Those:
    """What the turn before spoke of: it, them, those."""


@dataclass(frozen=True)
class This:
    """What the user points at."""


@dataclass(frozen=True)
class Other:
    """Things of the same name as those of the turn before, without them."""


@dataclass(frozen=True)
class Empty:
    """What is told to be empty; of which that is not told, what has nothing on or in it."""


@dataclass(frozen=True)
class Reachable:
    """What the user can reach."""


@dataclass(frozen=True)
class Visible:
    """What is in the picture, whether or not something hides it."""


@dataclass(frozen=True)
class Middle:
    """A pick: the one in the middle, from left to right."""


@dataclass(frozen=True)
class Named:
    """What these words name."""

    words: str

    def __post_init__(self) -> None:
        _check_words("name", self.words)


@dataclass(frozen=True)
class Look:
    """What looks so, or of which it is told: "red", "vegan"."""

    words: str

    def __post_init__(self) -> None:
        _check_words("look", self.words)


@dataclass(frozen=True)
class Kind:
    """What is of this kind: "furniture"."""

    words: str

    def __post_init__(self) -> None:
        _check_words("kind", self.words)


@dataclass(frozen=True)
class Key:
    """A measure or the key of a fact; `to` with "distance" alone: from there and not from the user."""

    name: str
    to: Set | None = None

    def __post_init__(self) -> None:
        _check_words("key", self.name)
        if self.to is not None and self.name != "distance":
            raise ValueError(f"key: only a distance is to something, not {self.name!r}")


@dataclass(frozen=True)
class Number:
    """A number as the user said it; its unit as it is written, "" where none was said."""

    value: float
    unit: str = ""

    def __post_init__(self) -> None:
        if not math.isfinite(self.value) or abs(self.value) >= 1e12:
            raise ValueError(f"number: {self.value}, at most 1e12")
        if self.unit:
            _check_words("unit", self.unit)


@dataclass(frozen=True)
class Has:
    """Of which this is known."""

    key: Key


@dataclass(frozen=True)
class Same:
    """Which have the same value of this as another thing."""

    key: Key
    as_: Set


@dataclass(frozen=True)
class Compared:
    """Whose value of this compares so with a number, a text, or that of another thing."""

    key: Key
    sign: Sign
    with_: Number | str | Set

    def __post_init__(self) -> None:
        if isinstance(self.with_, str):
            _check_words("value", self.with_)
            if self.sign not in ("=", "!="):
                raise ValueError(f"value: a text is = or !=, not {self.sign}")


@dataclass(frozen=True)
class Related:
    """What is so related to one thing, or to any of several (`each`); on its own sides where it is `own`, else as the
    user sees it."""

    relation: Relation
    to: Set | Me
    own: bool = False
    each: bool = False

    def __post_init__(self) -> None:
        if self.own and (self.relation not in SIDES or isinstance(self.to, Me)):
            raise ValueError(f"own: a thing has no {self.relation!r} of its own")
        if self.each and isinstance(self.to, Me):
            raise ValueError("each: there is one user")


@dataclass(frozen=True)
class Between:
    """What stands between two."""

    a: Set | Me
    b: Set | Me


@dataclass(frozen=True)
class Clock:
    """What is in the direction of this hour, twelve being ahead."""

    hour: int

    def __post_init__(self) -> None:
        if not 1 <= self.hour <= 12:
            raise ValueError(f"hour: {self.hour}, from 1 to 12")


@dataclass(frozen=True)
class Extreme:
    """A pick: the `n` that have most of a measure, or least; `nth`: the n-th of them alone, in that order."""

    key: Key
    most: bool
    n: int = 1
    nth: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.n <= MAX_N:
            raise ValueError(f"n: {self.n}, from 1 to {MAX_N}")
        if self.nth and self.n == 1:
            raise ValueError("nth: the first is the extreme itself")


@dataclass(frozen=True)
class Ordered:
    """All that have this measure, least first, or most first (`down`)."""

    key: Key
    down: bool = False


@dataclass(frozen=True)
class Nth:
    """A pick: the n-th of them, or the last (-1), in the order in which they were spoken of; else in that of the app's
    list, or from left to right where it gave none."""

    n: int

    def __post_init__(self) -> None:
        if self.n != LAST and not 1 <= self.n <= MAX_N:
            raise ValueError(f"n: {self.n}, from 1 to {MAX_N}")


@dataclass(frozen=True)
class After:
    """What stands after a thing in the list that the app gave, in that order."""

    of: Set


@dataclass(frozen=True)
class Before:
    """What stands before a thing in the list that the app gave, in that order."""

    of: Set


@dataclass(frozen=True)
class Multiple:
    """So many pieces of what these are, or such a part of one: in sums each counts as often."""

    n: float
    of: Set

    def __post_init__(self) -> None:
        check_times(self.n)


@dataclass(frozen=True)
class Not:
    """All but these."""

    part: Set


@dataclass(frozen=True)
class Narrowed:
    """Link by link, from left to right, what is left."""

    links: tuple[Set, ...]

    def __post_init__(self) -> None:
        if len(self.links) < 2 or any(isinstance(link, Narrowed) for link in self.links[:1]):
            raise ValueError("narrowed: two links at least, the first of which is not narrowed itself")


@dataclass(frozen=True)
class Joined:
    """What is in one of these at least."""

    parts: tuple[Set, ...]

    def __post_init__(self) -> None:
        if len(self.parts) < 2 or any(isinstance(part, Joined) for part in self.parts[:1]):
            raise ValueError("joined: two parts at least, the first of which is not joined itself")


Link: TypeAlias = All | Those | This | Other | Empty | Reachable | Visible | Middle | Named | Look | Kind | Has | Same
Set: TypeAlias = (
    Link
    | Compared
    | Related
    | Between
    | After
    | Before
    | Clock
    | Extreme
    | Ordered
    | Nth
    | Multiple
    | Not
    | Narrowed
    | Joined
)


def corner_of(links: Sequence[Set]) -> tuple[Relation, Relation] | None:
    """The side, left or right, on which things are that are behind the user as well, or in front; None where not two
    such are asked."""
    sides = [link.relation for link in links if isinstance(link, Related) and isinstance(link.to, Me)]
    aside = [side for side in sides if side in ("left of", "right of")]
    along = [side for side in sides if side in ("behind", "in front of")]
    return (aside[0], along[0]) if len(aside) == 1 and len({*along}) == 1 else None
