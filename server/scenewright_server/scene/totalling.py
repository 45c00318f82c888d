"""Sums and averages over sets."""

from __future__ import annotations

from collections.abc import Iterator

from scenewright_server.scene import expressions as x
from scenewright_server.scene import questions as q
from scenewright_server.scene.amounts import Amount
from scenewright_server.scene.choosing import Choosing, Several, Things
from scenewright_server.scene.measures import MixedUnits, average, total
from scenewright_server.scene.replies import Mixed, NotHere, Nothing, Result, Totalled, Unknown


def reckon(choosing: Choosing, question: q.Total) -> Result:
    """The total or average that a question asks for. Raises Failed, Several."""
    things = choosing.choose(question.of)
    if choosing.missing:
        return NotHere(next(iter(choosing.missing)))
    if not things:
        return Nothing()
    amounts: list[Amount] = []
    known: dict[int, None] = {}
    lacking: dict[int, str] = {}
    is_measured = False
    for share in question.shares:
        values = choosing.values(share.key, things)
        times = _times(choosing, share.key, question.of, things)
        for k in (k for k in things if times[k]):
            if k not in values:
                lacking[k] = share.key.name
                continue
            known[k] = None
            amounts += [values[k].amount] * (times[k] * share.n)
            is_measured |= values[k].is_measured
    keys = {*lacking.values()}
    key = question.key.name if question.key.name in keys or not keys else min(keys)
    if not known or (lacking and question.also):
        return Unknown(key, tuple(lacking) or things)
    try:
        amount = total(amounts) if question.how == "sum" else average(amounts)
    except MixedUnits:
        return Mixed(question.key.name, tuple(known))
    return Totalled(
        question.how,
        question.key.name,
        tuple(known),
        amount,
        () if question.of == x.All() else tuple(lacking),
        is_measured,
    )


def _times(choosing: Choosing, key: x.Key, of: x.Set, things: Things) -> dict[int, int]:
    """How often each thing counts. So many pieces of several things that are alike in this are so many of the first;
    where they differ, each of them once, if they are as many. Raises Several."""
    times = dict.fromkeys(things, 1)
    for part, n in _multiples(of):
        those = tuple(k for k in choosing.choose(part) if k in times)
        values = {k: its.amount for k, its in choosing.values(key, those).items()}
        if len({*values.values()}) > 1 and len(those) != n:
            raise Several(part, those)
        if len({*values.values()}) <= 1:
            times |= {k: n if k == those[0] else 0 for k in those}
    return times


def _multiples(of: x.Set) -> Iterator[tuple[x.Set, int]]:
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
