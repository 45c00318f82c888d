"""Keys and values of one sequence, kept so that each position is run once."""

from __future__ import annotations

import torch
from torch import Tensor

from scenewright_server.model.config import GPTConfig


class KVCache:
    """Room for n_ctx positions, taken at once: k and v, each (n_layers, 1, n_kv_heads, n_ctx, d_head)."""

    def __init__(self, config: GPTConfig, device: torch.device, dtype: torch.dtype) -> None:
        shape = (config.n_layers, 1, config.n_kv_heads, config.n_ctx, config.d_head)
        self._k = torch.empty(shape, device=device, dtype=dtype)
        self._v = torch.empty(shape, device=device, dtype=dtype)
        self.length = 0

    def write(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Store k, v (1, n_kv_heads, T, d_head) after `length`; views of all length + T of them."""
        end = self.length + k.shape[2]
        keys, values = self._k[layer, :, :, :end], self._v[layer, :, :, :end]
        keys[:, :, self.length :] = k
        values[:, :, self.length :] = v
        return keys, values

    def advance(self, n: int) -> None:
        self.length += n

    def truncate(self, length: int) -> None:
        """Forget what comes after the first `length` positions."""
        self.length = min(self.length, length)
