"""Sums and averages over sets, and of the things that have one value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from scenewright_server.scene import expressions as x
from scenewright_server.scene import questions as q
from scenewright_server.scene.amounts import Amount
from scenewright_server.scene.choosing import Choosing
from scenewright_server.scene.comparing import is_same
from scenewright_server.scene.facts import Known
from scenewright_server.scene.failures import Several
from scenewright_server.scene.matching import fold
from scenewright_server.scene.measures import SIDES, MixedUnits, average, total
from scenewright_server.scene.replies import Group, Grouped, Mixed, NotHere, Nothing, Result, Totalled, Unknown
from scenewright_server.scene.scene import BETWEEN, Things
from scenewright_server.scene.topics import is_topic, topic_of


def reckon(choosing: Choosing, question: q.Total) -> Result:
    """The total or average that a question asks for. Raises Failed, Several."""
    is_by_name = choosing.joins_single(question.of)  # "butter + milk": not what has "milk" among its names, too
    things = choosing.candidates(question.of) if is_by_name else choosing.choose(question.of)
    if choosing.missing:
        return NotHere(next(iter(choosing.missing)))
    if not things:
        return Nothing()
    amounts: list[Amount] = []
    each: list[tuple[float, float]] = []
    known: dict[int, float] = {}
    lacking: dict[int, str] = {}
    is_measured = False
    for share in question.shares:
        values = choosing.values(share.key, things, told=True)
        if _is_narrow(share.key.name) and not isinstance(question.of, x.Joined | x.Those):
            values = choosing.comparing.own(share.key.name, values)
        if share.key.name in SIDES:
            values = {k: its for k, its in values.items() if not its.is_measured}
        many = _times(choosing, share, question.of, things)
        for k in (k for k in things if many[k]):
            if k not in values:
                lacking[k] = share.key.name
                continue
            known[k] = many[k] if question.also else share.n * many[k]
            amounts.append(values[k].amount)
            each.append((share.n, many[k]))
            is_measured |= values[k].is_measured
    keys = {*lacking.values()}
    key = question.key.name if question.key.name in keys or not keys else min(keys)
    if not known or (lacking and question.also):
        return Unknown(key, tuple(lacking) or things)
    are_years = {topic_of(share.key.name).dimension == "year" for share in question.shares}
    if len(are_years) > 1:  # a year is a bare number, as a price may be
        return Mixed(question.key.name, tuple(known))
    try:
        if question.how == "sum":
            amount = total(amounts, each)
        else:
            amount = average(amounts, [n * pieces for n, pieces in each])
    except MixedUnits:
        return Mixed(question.key.name, tuple(known))
    return Totalled(
        question.how,
        "" if question.also else question.key.name,
        tuple(known),
        amount,
        tuple(lacking),
        is_measured,
        () if all(n == 1 for n in known.values()) else tuple(known.values()),
    )


def values_of(choosing: Choosing, question: q.Values) -> Result:
    """The values that things have under a key, or those of most of them. Raises Failed, Several."""
    things = choosing.scene.in_rows(choosing.choose(question.of))
    told = {k: choosing.comparing.tell(question.key.name, k) for k in things}
    if not any(told.values()) and _may_be_labels(choosing, question.key.name):
        told = {k: Known(choosing.scene.called[k]) for k in things}
    groups: dict[str, list[int]] = {}
    said: dict[str, str | Amount] = {}
    for k, its in told.items():
        for value in [] if its is None or its.is_quoted else _items(its.value):
            text = fold(value) if isinstance(value, str) else f"{value.value:g} {value.unit}"
            said.setdefault(text, value)
            groups.setdefault(text, []).append(k)
    if not groups:
        return Unknown(question.key.name, things) if things else Nothing()
    found = [Group(said[text], tuple(its)) for text, its in groups.items()]
    if not question.pick:
        return Grouped(question.key.name, tuple(found))
    by = "" if question.by is None else question.by.name
    if question.by is not None:
        try:
            found = [_with_total(choosing, question.by, group) for group in found]
        except MixedUnits:
            return Mixed(by, things)
        found = [group for group in found if group.amount is not None]
        if not found:
            return Unknown(by, things)
    sizes = [len(group.things) if group.amount is None else group.amount.in_base()[0] for group in found]
    best = max(sizes) if question.pick == "max" else min(sizes)
    picked = tuple(group for group, size in zip(found, sizes, strict=True) if is_same(Amount(size), Amount(best)))
    return Grouped(question.key.name, picked, True, by)


def _may_be_labels(choosing: Choosing, key: str) -> bool:
    """Whether the rows of a list, some of which are called alike, may be called by a key that tells nothing: the
    opponents of matches."""
    called = choosing.scene.called
    is_name = topic_of(key).words[0] == "name" or not is_topic(key)
    return is_name and choosing.scene.is_list and len({*called}) < len(called)


def _with_total(choosing: Choosing, by: x.Key, group: Group) -> Group:
    """A group with what its things have of an amount together, where any has it. Raises MixedUnits."""
    values = choosing.comparing.own(by.name, choosing.values(by, group.things, told=True))
    amounts = [its.amount for its in values.values()]
    return replace(group, amount=total(amounts, [(1, 1)] * len(amounts)) if amounts else None)


def _items(value: str | Amount) -> list[str | Amount]:
    """A value, or each of a list, "wifi, parking"."""
    return [value] if isinstance(value, Amount) else [*filter(None, BETWEEN.split(value.strip(" .。")))]


def _is_narrow(name: str) -> bool:
    """Whether a key tells of one kind of price, "fee": of a set whose things are not named, none goes by another."""
    return topic_of(name).dimension == "money" and fold(name) not in ("price", "价格")


def _times(choosing: Choosing, share: q.Share, of: x.Set, things: Things) -> dict[int, float]:
    """How often each thing counts: as before, but one thing of which several are told anew. So many pieces of several
    things that are alike in this are so many of the first; where they differ, each of them once, if they are as many.
    Raises Several."""
    before = choosing.before
    counts = dict.fromkeys(things, 1.0)
    is_anew = share.n > 1 and len(things) == 1
    if before is not None and before.times and _speaks_of_those(of) and not is_anew:
        counts |= {k: n for k, n in zip(before.things, before.times, strict=True) if k in counts}
    for part, n in _multiples(of):
        those = tuple(k for k in choosing.choose(part) if k in counts)
        values = {k: its.amount for k, its in choosing.values(share.key, those).items()}
        if len({*values.values()}) > 1 and len(those) != n:
            raise Several(part, those)
        if len({*values.values()}) <= 1:
            counts |= {k: n if k == those[0] else 0 for k in those}
    return counts


def _speaks_of_those(of: x.Set) -> bool:
    """Whether a set is what was spoken of before, or has that among what it joins."""
    return any(isinstance(part, x.Those) for part in (of.parts if isinstance(of, x.Joined) else (of,)))


def _multiples(of: x.Set) -> Iterator[tuple[x.Set, float]]:
    """The parts of a set of which several pieces are meant."""
    match of:
        case x.Multiple(n, part):
            yield part, n
        case x.Joined(parts):
            for part in parts:
                yield from _multiples(part)
        case x.Narrowed(links):
            for part, n in _multiples(links[0]):
                yield x.Narrowed((part, *links[1:])) if not isinstance(part, x.Narrowed) else part, n
