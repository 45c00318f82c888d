"""What training an adapter takes, before it begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import nn

from scenewright_server.model.gpt import GPT
from scenewright_server.training.packing import IGNORED, Row


@dataclass(frozen=True)
class Estimate:
    """Bytes: the decoder's weights, the adapter's numbers with their gradients, the optimiser's state, and what one
    batch keeps for its backward pass, of the batch that keeps the most."""

    weights: int
    adapter: int
    optimiser: int
    activations: int

    @property
    def total(self) -> int:
        return sum(vars(self).values())


def estimate_memory(gpt: GPT, adapter: nn.Module, batches: Sequence[Sequence[Row]], precision: str) -> Estimate:
    """An estimate by the sizes of the tensors that autograd keeps; a test holds it to what it keeps."""
    own = {id(its) for its in adapter.parameters()}
    n_own = sum(its.numel() for its in adapter.parameters())
    weights = sum(its.nbytes for its in gpt.parameters() if id(its) not in own)
    kept = max(_kept(gpt, rows, 2 if precision == "bf16-mixed" else 4) for rows in batches)
    return Estimate(weights, 2 * 4 * n_own, 2 * 4 * n_own, kept)


def _kept(gpt: GPT, rows: Sequence[Row], size: int) -> int:
    """Bytes that a batch of padded rows keeps, numbers of its products being of `size` bytes."""
    config, length = gpt.config, max(len(row.ids) for row in rows)
    n_told = sum(label != IGNORED for row in rows for label in row.labels)
    heads, keys = config.n_heads * config.d_head, config.n_kv_heads * config.d_head
    attention = config.n_heads * length + (heads + 2 * keys) + (heads + keys) + 2 * heads  # scores; qkv; turned; scaled
    mlp = config.d_ff * (4 if config.mlp == "swiglu" else 2)
    residual = 2 * config.d_model  # before each norm, in float32; behind it as a product's
    layer = size * (attention + mlp + residual) + 4 * residual
    return len(rows) * length * config.n_layers * layer + 4 * n_told * config.vocab_size
