"""Quantities that a plan reckons with: numbers, counts, totals, values of things, and what is made of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Literal

from scenewright_server.scene import expressions as x
from scenewright_server.scene import questions as q
from scenewright_server.scene.amounts import DATE, DAY, Amount
from scenewright_server.scene.checking import choose_or_none
from scenewright_server.scene.choosing import Choosing
from scenewright_server.scene.dates import as_date, of_no_year, year_of
from scenewright_server.scene.failures import Failed, Several
from scenewright_server.scene.hours import in_turn, lasting, late
from scenewright_server.scene.measures import MixedUnits, gap, holds, in_one_unit, is_moment, quotient, total
from scenewright_server.scene.replies import Differs, Mixed, NotUnderstood, Operand, Times, Totalled, Unknown
from scenewright_server.scene.totalling import reckon

_COUNTLESS = 1e-9


def pair(choosing: Choosing, a: q.Quantity, b: q.Quantity) -> tuple[Operand, Operand]:
    """Two quantities that are held against each other: bare times of day as of the other's key. Raises Failed for
    a thing's fact against itself, Several."""
    one, two = operand(choosing, a), operand(choosing, b)
    if one == two and one.how == "fact":
        raise Failed(NotUnderstood("a thing against itself"))
    its, other = late(one.amount, two.key), late(two.amount, one.key)
    if one.things == two.things:
        its, other = in_turn(its, one.key, other, two.key)
    if DATE in (its.unit, other.unit) and "" in (its.unit, other.unit):  # a year against a day
        its, other = (year_of(each) if each.unit == DATE else each for each in (its, other))
    if {its.unit, other.unit} == {DATE, DAY}:
        its, other = of_no_year(its), of_no_year(other)
    its, other = lasting((its, other))
    return replace(one, amount=its), replace(two, amount=other)


def operand(choosing: Choosing, quantity: q.Quantity) -> Operand:
    """What a quantity is, and of which things. Raises Failed, Several."""
    match quantity:
        case q.Number(value, unit):
            amount = choosing.measures.in_currency(as_date(Amount(value, unit)))
            return Operand(amount, (), "", "number")
        case q.Count(of):
            things = choose_or_none(choosing, of)
            return Operand(Amount(float(len(things))), things, "", "count")
        case q.Total():
            found = reckon(choosing, quantity)
            if not isinstance(found, Totalled):
                raise Failed(found)  # type: ignore[arg-type]
            if found.lacking and quantity.of != x.All():
                raise Failed(Unknown(found.key, found.lacking))
            return Operand(found.amount, found.things, found.key, found.how, found.is_measured)
        case q.Value(key, of):
            k = _one_valued(choosing, key, of)
            own = choosing.values(key, (k,), told=True).get(k)
            if own is None:
                raise Failed(Unknown(key.name, (k,)))
            return Operand(own.amount, (k,), key.name, "fact", own.is_measured)
        case q.Sum():
            return sum_of(choosing, quantity)
        case q.Difference(a, b):
            differs = difference(*pair(choosing, a, b))
            return _operand_of(differs, differs.amount, "diff")
        case q.Ratio(a, b):
            ratio = times(operand(choosing, a), operand(choosing, b))
            if not isinstance(ratio, Times):
                raise Failed(ratio)
            return _operand_of(ratio, ratio.each or Amount(ratio.times), "ratio")
    raise AssertionError(quantity)


def _one_valued(choosing: Choosing, key: x.Key, of: x.Set) -> int:
    """The one thing that a set is, or the first of several whose amounts are the same. Raises Failed, Several."""
    try:
        return choosing.one(of)
    except Several as several:
        values = choosing.values(key, several.things, told=True)
        if len(values) == len(several.things) and len({its.amount for its in values.values()}) == 1:
            return several.things[0]
        raise


def sum_of(choosing: Choosing, of: q.Sum) -> Operand:
    """What quantities come to together. Raises Failed, Several."""
    parts = [operand(choosing, addend.of) for addend in of.addends]
    with mixed_of(*parts):
        amount = total([part.amount for part in parts], [(its.n, 1) for its in of.addends])
    things = tuple(dict.fromkeys(k for part in parts for k in part.things))
    key = parts[0].key if len({part.key for part in parts}) == 1 else ""
    return Operand(amount, things, key, "sum", any(part.is_measured for part in parts))


def difference(a: Operand, b: Operand) -> Differs:
    """By how much one quantity is more than another. Raises Failed."""
    with mixed_of(a, b):
        its = gap(a.amount, b.amount)
        is_same = not is_moment(its) and holds(a.amount, "=", b.amount)
        return Differs(a, b, replace(its, value=0.0) if is_same else its)


def times(a: Operand, b: Operand) -> Times | NotUnderstood:
    """How often one quantity goes into another, or what it is over it. Raises Failed."""
    if abs(b.amount.value) < _COUNTLESS:
        return NotUnderstood("how often nothing goes into something")
    its, other = a.amount, b.amount
    try:
        is_rate = "number" not in (a.how, b.how) and a.key != b.key
        if other.unit and not its.unit and (is_rate or "/" in other.unit):
            raise MixedUnits
        (one, two), _ = in_one_unit((its, other))
    except MixedUnits:
        with mixed_of(a, b):
            return Times(a, b, its.value / other.value, quotient(its, other))
    is_shared = its.unit or (b.how in ("number", "count") and a.how not in (b.how, "ratio"))
    return Times(a, b, one / two, Amount(one / two, its.unit) if is_shared and not other.unit else None)


@contextmanager
def mixed_of(*operands: Operand) -> Iterator[None]:
    """Say of what the amounts are, where they do not go together. Raises Failed."""
    try:
        yield
    except MixedUnits:
        key = next((its.key for its in operands if its.key), "")
        raise Failed(Mixed(key, tuple(k for its in operands for k in its.things))) from None


def _operand_of(found: Differs | Times, amount: Amount, how: Literal["diff", "ratio"]) -> Operand:
    """What was found, as a quantity to reckon with further."""
    things = tuple(dict.fromkeys(found.things))
    return Operand(amount, things, found.a.key, how, found.a.is_measured or found.b.is_measured)
