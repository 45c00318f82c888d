"""What is asked of sets and quantities: the questions that make up a plan, and the limits of one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Literal, TypeAlias

from scenewright_server.scene.expressions import Key, Number, Other, Set, Those, check_times

MAX_DEPTH = 6
"""Expressions within expressions."""
MAX_SIZE = 40
"""Expressions in one question."""
MAX_QUESTIONS = 4


@dataclass(frozen=True)
class Count:
    """How many they are."""

    of: Set


@dataclass(frozen=True)
class Share:
    """A further measure that goes into a total, n times."""

    key: Key
    n: float = 1

    def __post_init__(self) -> None:
        check_times(self.n)


@dataclass(frozen=True)
class Total:
    """The sum of a measure over a set, n times, and of further ones, or the average."""

    how: Literal["sum", "avg"]
    key: Key
    of: Set
    n: float = 1
    also: tuple[Share, ...] = ()

    def __post_init__(self) -> None:
        check_times(self.n)

    @property
    def shares(self) -> tuple[Share, ...]:
        """All measures that go into it, and how often each."""
        return (Share(self.key, self.n), *self.also)


@dataclass(frozen=True)
class Value:
    """The number that a measure of one thing is."""

    key: Key
    of: Set


@dataclass(frozen=True)
class Addend:
    """A quantity that goes into a sum, n times."""

    of: Quantity
    n: float = 1

    def __post_init__(self) -> None:
        check_times(self.n)


@dataclass(frozen=True)
class Sum:
    """What quantities come to together: different measures of different things."""

    addends: tuple[Addend, ...]

    def __post_init__(self) -> None:
        if not self.addends:
            raise ValueError("addends: none, at least one")


@dataclass(frozen=True)
class Difference:
    """By how much two quantities differ."""

    a: Quantity
    b: Quantity


@dataclass(frozen=True)
class Ratio:
    """How many times the second goes into the first."""

    a: Quantity
    b: Quantity


Quantity: TypeAlias = Number | Count | Total | Value | Sum | Difference | Ratio


@dataclass(frozen=True)
class Name:
    """Which they are."""

    of: Set


@dataclass(frozen=True)
class Exist:
    """Whether there is one."""

    of: Set


@dataclass(frozen=True)
class Where:
    """Where one thing is, or each: for the user, or `against` another thing."""

    of: Set
    against: Set | None = None
    each: bool = False


@dataclass(frozen=True)
class Way:
    """In which direction one thing is, or each."""

    of: Set
    each: bool = False


@dataclass(frozen=True)
class Fact:
    """What is known of one thing, or of each, by these keys."""

    keys: tuple[Key, ...]
    of: Set
    each: bool = False

    def __post_init__(self) -> None:
        if not self.keys:
            raise ValueError("keys: none, at least one")


@dataclass(frozen=True)
class Compare:
    """Whether one quantity compares so with another."""

    sign: Literal["<", "=", ">"]
    a: Quantity
    b: Quantity


@dataclass(frozen=True)
class Check:
    """Whether one thing, or each, is among others."""

    of: Set
    among: Set
    each: bool = False


@dataclass(frozen=True)
class Values:
    """Which values a key has among them; `pick`: that which most of them have, or fewest, or the one whose things have
    most of an amount together, `by`."""

    key: Key
    of: Set
    pick: Literal["max", "min", ""] = ""
    by: Key | None = None

    def __post_init__(self) -> None:
        if self.by is not None and not self.pick:
            raise ValueError("by: only for the value that has most or least of it")


@dataclass(frozen=True)
class Describe:
    """All that is known of one thing, or of each."""

    of: Set
    each: bool = False


@dataclass(frozen=True)
class Again:
    """The question of the turn before, asked of these."""

    of: Set


@dataclass(frozen=True)
class Beyond:
    """Nothing that the scene settles."""


Asking: TypeAlias = Name | Count | Exist | Where | Way | Fact | Check | Values | Describe | Again | Beyond
Question: TypeAlias = Asking | Total | Sum | Compare | Difference | Ratio
Plan: TypeAlias = tuple[Question, ...]
"""Questions that were asked in one breath, answered in this order."""


def parts_of(expression: object) -> Iterator[object]:
    """The expressions right within one."""
    if not is_dataclass(expression):
        return
    for field in fields(expression):
        value = getattr(expression, field.name)
        for part in value if isinstance(value, tuple) else (value,):
            if is_dataclass(part):
                yield part


def all_within(expression: object) -> Iterator[object]:
    """An expression and all that is within it, each before what it holds."""
    yield expression
    for part in parts_of(expression):
        yield from all_within(part)


def looks_back(plan: Plan) -> bool:
    """Whether a plan, or an expression within it, means what was spoken of before."""
    return any(isinstance(part, Those | Other | Again) for question in plan for part in all_within(question))


def depth(expression: object) -> int:
    """How deep expressions lie within one; 1 for one without any."""
    return 1 + max((depth(part) for part in parts_of(expression)), default=0)


def size(expression: object) -> int:
    """How many expressions one is made of, itself included."""
    return 1 + sum(size(part) for part in parts_of(expression))


def check(plan: Plan) -> None:
    """Raise ValueError where a plan is past a limit."""
    if not 1 <= len(plan) <= MAX_QUESTIONS:
        raise ValueError(f"plan: {len(plan)} questions, from 1 to {MAX_QUESTIONS}")
    for question in plan:
        if (n := depth(question)) > MAX_DEPTH:
            raise ValueError(f"plan: {n} expressions within each other, at most {MAX_DEPTH}")
        if (n := size(question)) > MAX_SIZE:
            raise ValueError(f"plan: {n} expressions, at most {MAX_SIZE}")
