"""Random plans over given words, within the limits."""

from __future__ import annotations

import random
from collections.abc import Sequence

from scenewright_server.scene import expressions as x
from scenewright_server.scene import questions as q

ODD_WORDS = (
    "chair", "red chair", "salt and pepper", "M&M's", "3 musketeers", "Barrel (1)", 'the 24" screen', "all", "not me",
    "near", "in reach", "reach", "tic as tac", "look", "distance to Rome", "a | b ; c", "Chair(Clone)", "闹钟", "每位",
    "=", "2 of hearts", "3rd", "last", "last train", "after hours", "before", "values",
    "!=", "wow!", "-3", "each", "own left", "sum price", "1st", "²", "a,b", "down town", "right of way", "max power",
)  # fmt: skip
KEYS = "price weight height width depth size distance left right up load maker 价格 year".split()


class RandomPlans:
    """Draws expressions; `names`, `looks` and `keys` are what they speak of."""

    def __init__(self, seed: int, names: Sequence[str] = ODD_WORDS, keys: Sequence[str] = (*KEYS, *ODD_WORDS)) -> None:
        self.draw, self.names, self.keys = random.Random(seed), names, keys

    def plan(self) -> q.Plan:
        while True:
            plan = tuple(self.question() for _ in range(self.draw.choice((1, 1, 1, 2))))
            try:
                q.check(plan)
            except ValueError:
                continue
            return plan

    def word(self) -> str:
        return self.draw.choice(self.names)

    def each(self) -> bool:
        return self.draw.random() < 0.3

    def key(self, depth: int = 0) -> x.Key:
        if depth < 2 and self.draw.random() < 0.15:
            return x.Key("distance", self.set(depth + 1))
        return x.Key(self.draw.choice(self.keys))

    def number(self) -> x.Number:
        value = self.draw.choice((0.0, 2.0, 3.5, -4.25, 50.0, 1889.0, 1e-7, 123456789.125))
        return x.Number(value, self.draw.choice(("", "", "EUR", "kg", "m", "pieces", "km / h", "元")))

    def end(self, depth: int) -> x.Set | x.Me:
        return x.Me() if self.draw.random() < 0.4 else self.set(depth + 1)

    def set(self, depth: int = 0) -> x.Set:
        r = self.draw.random()
        if depth < 3 and r < 0.3:
            return self._linked(depth)
        return self.draw.choice(self.atoms[: 6 if depth >= 3 else None])(self, depth)

    def _linked(self, depth: int) -> x.Set:
        while True:
            parts = tuple(self.set(depth + 1) for _ in range(self.draw.choice((2, 2, 3))))
            try:
                return x.Narrowed(parts) if self.draw.random() < 0.7 else x.Joined(parts)
            except ValueError:
                continue

    def _simple(self, depth: int) -> x.Set:
        return self.draw.choice(
            (x.All(), x.All(), x.Those(), x.This(), x.Other(), x.Empty(), x.Reachable(), x.Visible(), x.Middle())
        )

    def _related(self, depth: int) -> x.Set:
        to = self.end(depth)
        is_me = isinstance(to, x.Me)
        own = not is_me and self.draw.random() < 0.3
        return x.Related(self.draw.choice(x.SIDES if own else x.RELATIONS), to, own, not is_me and self.each())

    def _compared(self, depth: int) -> x.Set:
        sign = self.draw.choice(x.SIGNS)
        others = [self.number, lambda: self.set(depth + 1)] + [self.word] * (sign in ("=", "!="))
        return x.Compared(self.key(depth), sign, self.draw.choice(others)())

    def _extreme(self, depth: int) -> x.Set:
        n = self.draw.choice((1, 1, 1, 2, 3, 11, 22))
        return x.Extreme(self.key(depth), self.each(), n, n > 1 and self.each())

    atoms = (
        lambda self, depth: x.Named(self.word()),
        lambda self, depth: x.Named(self.word()),
        _simple,
        lambda self, depth: x.Look(self.word()),
        lambda self, depth: x.Kind(self.word()),
        lambda self, depth: x.Clock(self.draw.randint(1, 12)),
        lambda self, depth: x.Not(self.set(depth + 1)),
        lambda self, depth: x.Nth(self.draw.choice((1, 2, 3, 11, 22, x.LAST))),
        lambda self, depth: self.draw.choice((x.After, x.Before))(self.set(depth + 1)),
        lambda self, depth: x.Multiple(self.draw.choice((2, 3, 0.5)), self.set(depth + 1)),
        lambda self, depth: x.Has(self.key(depth)),
        lambda self, depth: x.Same(self.key(depth), self.set(depth + 1)),
        lambda self, depth: x.Between(self.end(depth), self.end(depth)),
        lambda self, depth: x.Ordered(self.key(depth), self.each()),
        _related,
        _related,
        _compared,
        _extreme,
    )  # fmt: skip

    def total(self) -> q.Total:
        also = tuple(q.Share(self.key(), self.draw.choice((1, 2))) for _ in range(self.draw.choice((0, 0, 1, 2))))
        return q.Total(self.draw.choice(("sum", "avg")), self.key(), self.set(), self.draw.choice((1, 1, 3)), also)

    def quantity(self, depth: int = 0) -> q.Quantity:
        key, of = self.key(), self.set()
        if depth < 2 and self.draw.random() < 0.15:
            return self.reckoned(depth + 1)
        return self.draw.choice((self.number(), q.Count(of), self.total(), self.total(), q.Value(key, of)))

    def reckoned(self, depth: int = 0) -> q.Sum | q.Difference | q.Ratio:
        """A quantity that is made of others."""
        parts = [self.quantity(depth) for _ in range(2)]
        inner = [part for part in parts if not isinstance(part, x.Number | q.Count)]
        if inner and self.each():
            return q.Sum(tuple(q.Addend(part, self.draw.choice((1, 2, 0.25))) for part in inner))
        return self.draw.choice((q.Difference, q.Ratio))(*parts)

    def question(self) -> q.Question:
        of, other, key, each = self.set(), self.set(), self.key(), self.each()
        a, b = self.quantity(), self.quantity()
        if self.each():
            a, b = q.Value(key, of), q.Value(key, other)
        return self.draw.choice(
            (
                q.Name(of), q.Count(of), q.Exist(of), q.Where(of, None, each), q.Where(of, other, each),
                q.Way(of, each),
                q.Fact((key,), of, each), q.Fact((key, self.key()), of, each), self.total(),
                self.total(), q.Compare(self.draw.choice("<=>"), a, b), q.Difference(a, b), q.Ratio(a, b),
                self.reckoned(),
                q.Values(key, of), q.Values(key, of, "max"), q.Values(key, of, "min", self.key()),
                q.Check(of, other, each), q.Describe(of, each), q.Again(of), q.Beyond(),
            )
        )  # fmt: skip
