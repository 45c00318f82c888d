"""Chooses the next token."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from scenewright_server.engine.request import Sampling


def penalise(logits: Tensor, seen: Tensor, penalty: float) -> Tensor:
    """logits (V,) with the tokens `seen` (n,) made less likely (CTRL, Keskar et al. 2019)."""
    scores = logits[seen]
    return logits.index_put((seen,), torch.where(scores > 0, scores / penalty, scores * penalty))


def keep_top_k(logits: Tensor, k: int) -> Tensor:
    """logits (V,) with all but the k highest at -inf; tied ones stay."""
    kth = logits.topk(min(k, logits.shape[0])).values[-1]
    return logits.masked_fill(logits < kth, float("-inf"))


def keep_top_p(logits: Tensor, p: float) -> Tensor:
    """logits (V,), all at -inf but the fewest tokens that hold the mass p (nucleus, Holtzman et al. 2019)."""
    ordered, order = logits.sort(descending=True, stable=True)
    probabilities = ordered.softmax(0)
    outside = probabilities.cumsum(0) - probabilities >= p  # the mass before it suffices
    return logits.masked_fill(torch.zeros_like(outside).scatter(0, order, outside), float("-inf"))


def sample(logits: Tensor, sampling: Sampling, seen: Sequence[int], generator: torch.Generator) -> tuple[int, float]:
    """The next token, and the probability that the model itself (temperature 1, nothing cut off) gave it.

    logits: (V,) float32. seen: ids that the repetition penalty falls on.
    """
    choice = logits
    if sampling.repetition_penalty != 1 and seen:
        choice = penalise(choice, torch.tensor(sorted(set(seen)), device=logits.device), sampling.repetition_penalty)
    if sampling.temperature > 0:
        choice = choice / max(sampling.temperature, 1e-6)  # as good as greedy, and finite
        if sampling.top_k:
            choice = keep_top_k(choice, sampling.top_k)
        if sampling.top_p < 1:
            choice = keep_top_p(choice, sampling.top_p)
        token = int(torch.multinomial(choice.softmax(0), 1, generator=generator))
    else:
        token = int(choice.argmax())
    return token, float((logits[token] - logits.logsumexp(0)).exp())
