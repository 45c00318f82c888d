"""The likeliest plans of a question, one after another: greedy text first, then what it would be had a token gone
otherwise."""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

WIDTH = 4
"""Tokens that are kept of each step: the one that is taken, and others that it might have been."""
TINY = 1e-30
"""For a probability of 0, of which there is no logarithm."""
LEAST = -7.0
"""Of a beginning's log-probability: what is less likely is not tried."""


@dataclass(frozen=True, order=True)
class Beginning:
    """The first tokens of a plan and their log-probability, which no plan that begins so exceeds."""

    cost: float = 0.0  # minus the log-probability
    tokens: tuple[int, ...] = ()


NOTHING = Beginning()


@dataclass
class Planning:
    """See `families.family.Constraint`: a plan that begins so, holds no control token but one that ends it, and keeps
    what else each step might have been. `never`: tokens (V,) bool that may not come."""

    never: Tensor
    beginning: Beginning = NOTHING
    said: Sequence[int] = ()
    tokens: list[int] = field(default_factory=list)
    others: list[Beginning] = field(default_factory=list)
    cost: float = 0.0
    _likeliest: list[tuple[int, float]] = field(default_factory=list)

    @property
    def forced(self) -> tuple[int, ...]:
        return self.beginning.tokens[len(self.tokens) :]

    def mask(self, logits: Tensor) -> Tensor:
        allowed = logits.masked_fill(self.never, float("-inf"))
        top = torch.log_softmax(allowed.float(), -1).topk(min(WIDTH, len(allowed)))
        self._likeliest = list(zip(top.indices.tolist(), top.values.tolist(), strict=True))
        return allowed

    def take(self, token: int, probability: float) -> None:
        """A token came, forced or chosen, of this probability."""
        if self.forced:
            self.cost = self.beginning.cost
        else:
            others = ((other, its) for other, its in self._likeliest if other != token)
            self.others += [Beginning(self.cost - its, (*self.tokens, other)) for other, its in others]
            self.cost -= math.log(max(probability, TINY))
        self.tokens.append(token)


class Search:
    """The beginnings that are left to try, the likeliest first."""

    def __init__(self) -> None:
        self._left: list[Beginning] = []

    def add(self, planning: Planning) -> None:
        """A plan is written: what it might have been is left to try."""
        for other in planning.others:
            heapq.heappush(self._left, other)

    def next(self, above: float) -> Beginning | None:
        """The likeliest beginning left, if its log-probability is above this."""
        if not self._left or -self._left[0].cost <= max(above, LEAST):
            return None
        return heapq.heappop(self._left)
