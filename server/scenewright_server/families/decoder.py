"""A GPT of this machine as a family's decoder."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from scenewright_server.families.family import KVShape
from scenewright_server.model.gpt import GPT, Cache


class GPTDecoder:
    """See `families.family.Decoder`."""

    def __init__(self, gpt: GPT) -> None:
        config, weight = gpt.config, gpt.tokens.weight
        self.shape = KVShape(
            config.n_layers, config.n_kv_heads, config.n_ctx, config.d_head, weight.device, weight.dtype
        )
        self._gpt = gpt

    def embed(self, ids: Sequence[int]) -> Tensor:
        return self._gpt.embed(torch.tensor(ids, dtype=torch.long, device=self.shape.device))

    def forward(self, x: Tensor, caches: Sequence[Cache], *, prefix_len: int = 0, adapter: str = "") -> Tensor:
        hidden = self._gpt(x, prefix_len=prefix_len, caches=caches)
        return self._gpt.logits(hidden[:, -1]).float()
