"""Keys and values of one decoding, kept so that each position is run once."""

from __future__ import annotations

import torch
from torch import Tensor

from scenewright_server.families.family import KVShape

N_FIRST = 64
"""Positions that a cache has room for at first."""


class KVCache:
    """Room for positions, doubled when it is full, up to n_ctx: k and v, each (n_layers, 1, n_kv_heads, T, d_head)."""

    def __init__(self, shape: KVShape) -> None:
        self._shape = shape
        self._k, self._v = self._room(min(N_FIRST, shape.n_ctx))
        self.length = 0

    @property
    def n_bytes(self) -> int:
        return self._k.nbytes + self._v.nbytes

    def write(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Store k, v (1, n_kv_heads, T, d_head) after `length`; views of all length + T of them."""
        end = self.length + k.shape[2]
        if end > (n := self._k.shape[3]):
            self._grow(min(max(end, 2 * n), self._shape.n_ctx))
        keys, values = self._k[layer, :, :, :end], self._v[layer, :, :, :end]
        keys[:, :, self.length :] = k
        values[:, :, self.length :] = v
        return keys, values

    def advance(self, n: int) -> None:
        self.length += n

    def truncate(self, length: int) -> None:
        """Forget what comes after the first `length` positions."""
        self.length = min(self.length, length)

    def _grow(self, n: int) -> None:
        k, v = self._room(n)
        k[:, :, :, : self.length] = self._k[:, :, :, : self.length]
        v[:, :, :, : self.length] = self._v[:, :, :, : self.length]
        self._k, self._v = k, v

    def _room(self, n: int) -> tuple[Tensor, Tensor]:
        shape = self._shape
        size = (shape.n_layers, 1, shape.n_kv_heads, n, shape.d_head)
        k, v = (torch.empty(size, device=shape.device, dtype=shape.dtype) for _ in range(2))
        return k, v
