"""Weights without their smallest numbers (Han et al. 2015): of a matrix a share of them, or two of every four (2:4).

They stay dense: what is zero takes the same room and time as any other number.
"""

from __future__ import annotations

import torch
from torch import Tensor


def prune_magnitude(weight: Tensor, share: float) -> Tensor:
    """A weight with this share of its numbers, those nearest to zero, at zero; of equal ones the first."""
    flat = weight.flatten()
    kept = flat.clone()
    kept[flat.abs().argsort(stable=True)[: round(share * flat.numel())]] = 0
    return kept.view_as(weight)


def prune_2_4(weight: Tensor) -> Tensor:
    """A weight (N, K) of whose every four numbers in a row the two nearest to zero are zero. 4 divides K."""
    fours = weight.unflatten(1, (-1, 4))
    smallest = fours.abs().argsort(dim=-1, stable=True)[..., :2]
    return torch.scatter(fours, -1, smallest, 0).flatten(1)
