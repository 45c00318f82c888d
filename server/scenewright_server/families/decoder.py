"""A GPT of this machine as a family's decoder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from scenewright_server.families.family import KVShape
from scenewright_server.model.gpt import GPT, Cache


class GPTDecoder:
    """See `families.family.Decoder`. `adapted`: the same decoder with an adapter's weights, by the adapter's name."""

    def __init__(self, gpt: GPT, adapted: Mapping[str, GPT] | None = None) -> None:
        config = gpt.config
        self.shape = KVShape(config.n_layers, config.n_kv_heads, config.n_ctx, config.d_head, gpt.device, gpt.dtype)
        self._gpts = {"": gpt, **(adapted or {})}

    @property
    def gpts(self) -> Sequence[GPT]:
        """The plain decoder, and each with an adapter's weights."""
        return tuple(self._gpts.values())

    def embed(self, ids: Sequence[int]) -> Tensor:
        return self._gpts[""].embed(torch.tensor(ids, dtype=torch.long, device=self.shape.device))

    def forward(self, x: Tensor, caches: Sequence[Cache], *, prefix_len: int = 0, adapter: str = "") -> Tensor:
        gpt = self._gpts[adapter]
        hidden = gpt(x, prefix_len=prefix_len, caches=caches)
        return gpt.logits(hidden[:, -1]).float()
