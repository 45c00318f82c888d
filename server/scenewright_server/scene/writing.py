"""The text of plans, which `parsing` reads back."""

from __future__ import annotations

import re
from typing import Any, Literal

from scenewright_server.scene import expressions as x
from scenewright_server.scene import questions as q
from scenewright_server.scene.amounts import CLOCK, DATE, DAY, Amount, time_text
from scenewright_server.scene.dates import date_text

SINGLE: dict[str, Any] = {
    "all": x.All(), "those": x.Those(), "this": x.This(), "other": x.Other(), "empty": x.Empty(),
    "middle": x.Middle(),
}  # fmt: skip
COMPARES: dict[str, Literal["<", "=", ">"]] = {"more": ">", "fewer": "<", "equal": "="}
_KEYWORDS = {
    *SINGLE,
    *"not look kind has same own each between after before last at max min sort down me sum avg fact".split(),
    *"distance reach view".split(),
    *(word for relation in x.RELATIONS for word in relation.split()[:1]),
}  # fmt: skip


def write(plan: q.Plan) -> str:
    """The text of a plan."""
    return " ; ".join(_write_question(question) for question in plan)


def _write_question(question: q.Question) -> str:
    match question:
        case q.Compare(sign, a, b):
            operation = next(name for name, its in COMPARES.items() if its == sign)
            return f"{operation} {_write_operands(a, b)}"
        case q.Difference(a, b):
            return f"diff {_write_operands(a, b)}"
        case q.Ratio(a, b):
            return f"ratio {_write_operands(a, b)}"
        case q.Where(of, against, each):
            return f"where {_each(each)}{write_set(of)}" + ("" if against is None else f" | {write_set(against)}")
        case q.Fact(keys, of, each):
            return f"fact {', '.join(map(write_key, keys))} | {_each(each)}{write_set(of)}"
        case q.Total():
            return _write_total(question)
        case q.Sum():
            return _write_sum(question)
        case q.Check(of, among, each):
            return f"check {_each(each)}{write_set(of)} | {write_set(among)}"
        case q.Way(of, each) | q.Describe(of, each):
            return f"{type(question).__name__.lower()} {_each(each)}{write_set(of)}"
        case q.Values(its, of, pick, by):
            listed = write_key(its) + ("" if by is None else f", {write_key(by)}")
            return f"values {pick}{' ' * bool(pick)}{listed} | {write_set(of)}"
        case q.Beyond():
            return "beyond"
        case _:
            return f"{type(question).__name__.lower()} {write_set(question.of)}"


def _each(each: bool) -> str:
    return "each " if each else ""


def _write_operands(a: q.Quantity, b: q.Quantity) -> str:
    if isinstance(a, q.Value) and isinstance(b, q.Value) and a.key == b.key:
        return f"{write_key(a.key)} | {write_set(a.of)} | {write_set(b.of)}"
    return f"{_write_operand(a)} | {_write_operand(b)}"


def _write_operand(quantity: q.Quantity) -> str:
    match quantity:
        case x.Number():
            return _write_number(quantity)
        case q.Count(of):
            return write_set(of)
        case q.Total():
            return f"({_write_total(quantity)})"
        case q.Value(key, of):
            return f"(fact {write_key(key)} | {write_set(of)})"
        case q.Sum() | q.Difference() | q.Ratio():
            return f"({_write_question(quantity)})"


def _write_sum(of: q.Sum) -> str:
    return "sum " + " + ".join(_write_times(addend.n) + _write_operand(addend.of) for addend in of.addends)


def _write_times(n: float) -> str:
    return "" if n == 1 else f"{n:g} of "


def _write_total(total: q.Total) -> str:
    shares = [_write_times(share.n) + write_key(share.key) for share in total.shares]
    return f"{total.how} {', '.join(shares)} | {write_set(total.of)}"


def _write_number(number: x.Number) -> str:
    if number.unit == CLOCK:
        return time_text(number.value)
    if number.unit in (DATE, DAY):
        return date_text(Amount(number.value, number.unit), in_chinese=True)
    value = str(int(number.value)) if number.value == int(number.value) else repr(number.value)
    return f"{value} {write_words(number.unit)}" if number.unit else value


def write_set(of: x.Set) -> str:
    """The text of a set."""
    if isinstance(of, x.Narrowed):
        return " & ".join(_write_link(link) for link in of.links)
    return _write_link(of)


def _write_link(link: x.Set) -> str:
    if isinstance(link, x.Joined):
        return " + ".join(_write_atom(part) for part in link.parts)
    return _write_atom(link)


def _write_atom(atom: x.Set | x.Me) -> str:
    match atom:
        case x.Narrowed() | x.Joined():
            return f"({write_set(atom)})"
        case x.Me():
            return "me"
        case x.Reachable():
            return "in reach"
        case x.Visible():
            return "in view"
        case x.Named(words):
            return write_words(words)
        case x.Look(words) | x.Kind(words):
            return f"{type(atom).__name__.lower()} {write_words(words)}"
        case x.Has(key):
            return f"has {write_key(key)}"
        case x.Same(key, as_):
            return f"same {write_key(key)} as {_write_atom(as_)}"
        case x.Compared(key, sign, with_):
            return f"{write_key(key)} {sign} {_write_value(with_)}"
        case x.Related("in", x.Compared() as to, False, False):
            return f"in ({write_set(to)})"
        case x.Related(relation, to, own, each):
            return f"{'own ' if own else ''}{relation} {_each(each)}{_write_atom(to)}"
        case x.Between(a, b):
            return f"between {_write_atom(a)} and {_write_atom(b)}"
        case x.Clock(hour):
            return f"at {hour}"
        case x.Extreme(key, most, n, nth):
            which = f"{n}{_suffix(n)} " if nth else f"{n} " if n > 1 else ""
            return f"{'max' if most else 'min'} {which}{write_key(key)}"
        case x.Ordered(key, down):
            return f"sort {'down ' if down else ''}{write_key(key)}"
        case x.After(of) | x.Before(of):
            return f"{type(atom).__name__.lower()} {_write_atom(of)}"
        case x.Nth(n):
            return "last" if n == x.LAST else f"{n}{_suffix(n)}"
        case x.Multiple(n, of):
            return f"{n:g} of {_write_atom(of)}"
        case x.Not(part):
            return f"not {_write_atom(part)}"
        case _:
            return next(word for word, single in SINGLE.items() if single == atom)


def _suffix(n: int) -> str:
    return "th" if n % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")


def _write_value(value: x.Number | str | x.Set) -> str:
    if isinstance(value, x.Number):
        return _write_number(value)
    return write_words(value) if isinstance(value, str) else f"({write_set(value)})"


def write_key(key: x.Key) -> str:
    """The text of a key."""
    if key.to is None:
        return key.name if key.name in ("distance", "left", "right") else write_words(key.name)
    if isinstance(key.to, x.Named) or key.to in SINGLE.values():
        return f"distance to {_write_atom(key.to)}"
    return f"distance to ({write_set(key.to)})"


def write_words(words: str) -> str:
    """Words as they are where they can be read as nothing else, or in quotes."""
    first, *rest = words.split(" ")
    has_marks = re.search(r'[()&+|;,<>="]|!=', words) is not None
    is_number = first[0].isdigit() or first[0] == "-"
    if not has_marks and not is_number and first not in _KEYWORDS and not {"and", "as"} & {*rest}:
        return words
    return '"' + words.replace('"', '""') + '"'
