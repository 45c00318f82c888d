"""Keys and values of one decoding, kept so that each position is run once."""

from __future__ import annotations

import torch
from torch import Tensor

from scenewright_server.families.family import KVShape


class KVCache:
    """Room for n_ctx positions, taken at once: k and v, each (n_layers, 1, n_kv_heads, n_ctx, d_head)."""

    def __init__(self, shape: KVShape) -> None:
        size = (shape.n_layers, 1, shape.n_kv_heads, shape.n_ctx, shape.d_head)
        self._k = torch.empty(size, device=shape.device, dtype=shape.dtype)
        self._v = torch.empty(size, device=shape.device, dtype=shape.dtype)
        self.length = 0

    @property
    def n_bytes(self) -> int:
        return self._k.nbytes + self._v.nbytes

    @staticmethod
    def n_bytes_of(shape: KVShape) -> int:
        """That a cache of this shape takes."""
        return 2 * shape.n_layers * shape.n_kv_heads * shape.n_ctx * shape.d_head * shape.dtype.itemsize

    def write(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Store k, v (1, n_kv_heads, T, d_head) after `length`; views of all length + T of them."""
        end = self.length + k.shape[2]
        keys, values = self._k[layer, :, :, :end], self._v[layer, :, :, :end]
        keys[:, :, self.length :] = k
        values[:, :, self.length :] = v
        return keys, values

    def advance(self, n: int) -> None:
        self.length += n

    def copy(self, other: KVCache, n: int) -> None:
        """Hold the first `n` positions that `other` holds."""
        self.length = n
        self._k[..., :n, :] = other._k[..., :n, :]
        self._v[..., :n, :] = other._v[..., :n, :]

    def truncate(self, length: int) -> None:
        """Forget what comes after the first `length` positions."""
        self.length = min(self.length, length)
