"""Linear layers and token tables whose weights stay packed in memory: int8 by rows, int4 by groups of columns.

Products run in bfloat16: of a few rows by torch's own kernels, of many by ordinary ones, with a layer's weights
unpacked for as long as that takes, in float32 on a CPU that has no instructions for bfloat16. Each packed weight has
two tensors in a bundle, as `pack_int8` and `pack_int4` make them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Bits: TypeAlias = Literal["int8", "int4"]
GROUPS = (32, 64, 128, 256)
"""Columns that share a scale in int4, as the kernel has them."""
FEW_ROWS, FEW_ROWS_WITHOUT_BFLOAT16 = 8, 24
"""Up to as many a kernel for packed weights is faster than unpacking them; on a CPU that has no instructions for
bfloat16."""
N_BLOCK = 64
"""Output rows that are filled up to, so that the int4 kernel of any CPU takes them."""
BLOCKS = (64, 32)
"""Output rows that it keeps together: with AVX-512, with AVX2."""


def has_bfloat16(device: torch.device) -> bool:
    """Whether a device has instructions for bfloat16; a CPU that has none is ten times slower in it than in float32."""
    return device.type != "cpu" or torch.cpu._is_avx512_bf16_supported()


def pack_int8(weight: Tensor) -> tuple[Tensor, Tensor]:
    """A weight (N, K) as int8 (N, K) and bfloat16 scales (N,): packed[n, k] * scales[n]. Zeros stay zeros."""
    largest = weight.float().abs().amax(1)
    scales = (largest / 127).to(torch.bfloat16)
    scales = torch.where(scales.float() * 127 < largest, scales * (1 + 2**-7), scales)  # so that 127 reaches it
    scales = torch.where(scales == 0, torch.ones_like(scales), scales)
    return (weight.float() / scales.float()[:, None]).round().clamp(-127, 127).to(torch.int8), scales


def unpack_int8(packed: Tensor, scales: Tensor) -> Tensor:
    """The weight (N, K) float32."""
    return packed.float() * scales.float()[:, None]


def pack_int4(weight: Tensor, group: int) -> tuple[Tensor, Tensor]:
    """A weight (N, K) as uint8 (N, K / 2), two columns a byte, the first in the lower half, and bfloat16 scales
    (N, K / group, 2): (number - 8) * scales[..., 0] + scales[..., 1]. `group` divides K."""
    groups = weight.float().unflatten(1, (-1, group))
    low, high = groups.amin(-1), groups.amax(-1)
    step = ((high - low) / 15).to(torch.bfloat16)
    step = torch.where(step == 0, torch.ones_like(step), step)
    middle = (low + 8 * step.float()).to(torch.bfloat16)
    numbers = ((groups - middle.float()[..., None]) / step.float()[..., None]).round().clamp(-8, 7) + 8
    columns = numbers.to(torch.uint8).flatten(1)
    return columns[:, ::2] | columns[:, 1::2] << 4, torch.stack([step, middle], -1)


def unpack_int4(packed: Tensor, scales: Tensor) -> Tensor:
    """The weight (N, K) float32."""
    return _scale_groups(_numbers(packed).float(), scales.float())


class PackedLinear(nn.Module, ABC):
    """A linear layer (..., K) to (..., N) with packed weights. `bias`: as in nn.Linear."""

    packed: Tensor
    scales: Tensor

    def __init__(self, packed: Tensor, scales: Tensor, bias: nn.Parameter | None) -> None:
        super().__init__()
        self.register_buffer("packed", packed.contiguous(), persistent=False)
        self.register_buffer("scales", scales, persistent=False)
        self.bias = bias

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int]:
        """(N, K)."""

    @property
    def n_weights(self) -> int:
        return self.shape[0] * self.shape[1]

    @abstractmethod
    def unpack(self, dtype: torch.dtype = torch.float32) -> Tensor:
        """The weight (N, K)."""

    @abstractmethod
    def multiply_few(self, x: Tensor) -> Tensor:
        """x (M, K) bfloat16 by the kernel for packed weights (M, N)."""

    def multiply_many(self, x: Tensor) -> Tensor:
        """The same by unpacking the weights."""
        dtype = x.dtype if has_bfloat16(x.device) else torch.float32
        return F.linear(x.to(dtype), self.unpack(dtype))

    def forward(self, x: Tensor) -> Tensor:
        rows = x.reshape(-1, x.shape[-1]).to(torch.bfloat16).contiguous()
        few = FEW_ROWS if has_bfloat16(x.device) else FEW_ROWS_WITHOUT_BFLOAT16
        multiply = self.multiply_few if rows.is_cpu and len(rows) <= few else self.multiply_many
        y = multiply(rows).to(x.dtype).view(*x.shape[:-1], self.shape[0])
        return y if self.bias is None else y + self.bias


class Int8Linear(PackedLinear):
    """See `pack_int8`."""

    @property
    def shape(self) -> tuple[int, int]:
        return self.packed.shape[0], self.packed.shape[1]

    def unpack(self, dtype: torch.dtype = torch.float32) -> Tensor:
        return (self.packed.to(dtype)) * self.scales.to(dtype)[:, None]

    def multiply_few(self, x: Tensor) -> Tensor:
        return torch._weight_int8pack_mm(x, self.packed, self.scales)

    def multiply_many(self, x: Tensor) -> Tensor:
        dtype = x.dtype if has_bfloat16(x.device) else torch.float32
        return F.linear(x.to(dtype), self.packed.to(dtype)) * self.scales


class Int4Linear(PackedLinear):
    """See `pack_int4`. In memory the rows lie as torch's kernel for this CPU wants them, filled up to whole blocks."""

    def __init__(self, packed: Tensor, scales: Tensor, bias: nn.Parameter | None) -> None:
        self._n, self._group = len(packed), 2 * packed.shape[1] // scales.shape[1]
        numbers = F.pad(_numbers(packed), (0, 0, 0, -self._n % N_BLOCK))
        laid = torch._convert_weight_to_int4pack_for_cpu(numbers.int(), 1)
        by_groups = F.pad(scales, (0, 0, 0, 0, 0, -self._n % N_BLOCK)).transpose(0, 1).contiguous()
        super().__init__(laid, by_groups, bias)
        self._block = next((n for n in BLOCKS if torch.equal(_take_out_of_blocks(laid, n), numbers)), 0)

    @property
    def shape(self) -> tuple[int, int]:
        return self._n, 2 * self.packed.shape[1]

    def unpack(self, dtype: torch.dtype = torch.float32) -> Tensor:
        if not self._block:  # another CPU's layout: the kernel itself unpacks it
            one = torch.eye(self.shape[1], dtype=torch.bfloat16)
            return self.multiply_few(one).T.to(dtype)
        numbers = _take_out_of_blocks(self.packed, self._block)[: self._n]
        return _scale_groups(numbers.to(dtype), self.scales.transpose(0, 1)[: self._n].to(dtype))

    def multiply_few(self, x: Tensor) -> Tensor:
        y = torch._weight_int4pack_mm_for_cpu(x, self.packed, self._group, self.scales)
        return y[:, : self._n]

    def multiply_many(self, x: Tensor) -> Tensor:
        return super().multiply_many(x) if self._block else self.multiply_few(x)


class Int8Table(Int8Linear):
    """A table of embeddings (V, D), which is the head too where the two are tied."""

    def embed(self, ids: Tensor, dtype: torch.dtype) -> Tensor:
        """Token ids (...,) to embeddings (..., D)."""
        return self.packed[ids].to(dtype) * self.scales[ids].to(dtype)[..., None]


def take_packed(network: nn.Module, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Put packed layers into a network where `state` has "N.packed" and "N.scales" for a layer N, in place of its
    plain ones; returns the rest of `state`.

    Raises ValueError, naming the tensor, for one that does not fit.
    """
    rest = dict(state)
    for name in [tensor.removesuffix(".packed") for tensor in state if tensor.endswith(".packed")]:
        packed, scales = rest.pop(f"{name}.packed"), rest.pop(f"{name}.scales", None)
        plain = _layer(network, name)
        bits = _bits(f"{name}.packed", packed)
        n_out, n_in = plain.weight.shape
        wanted = (n_out, n_in if bits == "int8" else n_in // 2)
        if tuple(packed.shape) != wanted:
            raise ValueError(f"{name}.packed: shape {list(packed.shape)}, expected {list(wanted)}")
        if scales is None or not _is_scale(scales, n_out, n_in, bits):
            found = "none" if scales is None else f"{scales.dtype} of shape {list(scales.shape)}"
            raise ValueError(f"{name}.scales: {found}, expected bfloat16 for {n_out} rows of {n_in}, {bits}")
        network.set_submodule(name, _pack_layer(plain, packed, scales))
    return rest


def replace_weight(layer: nn.Linear | PackedLinear, weight: Tensor, packs: bool = False) -> nn.Linear | PackedLinear:
    """A layer of its own with this weight (N, K), in the layer's type, or packed; packed ones become int8, which keeps
    finer differences than int4. The bias is shared."""
    if packs or isinstance(layer, PackedLinear):
        return Int8Linear(*pack_int8(weight), layer.bias)
    with torch.device("meta"):
        made = nn.Linear(weight.shape[1], weight.shape[0], bias=False)
    made.weight = nn.Parameter(weight.to(layer.weight.dtype), requires_grad=False)
    made.bias = layer.bias
    return made.train(layer.training)


def count_parameters(network: nn.Module) -> int:
    """Of a network, packed weights counted as what they stand for."""
    packed = sum(layer.n_weights for layer in network.modules() if isinstance(layer, PackedLinear))
    return packed + sum(parameter.numel() for parameter in network.parameters())


def count_bytes(*networks: nn.Module) -> int:
    """Of parameters and buffers, those that networks share once."""
    tensors = {t.data_ptr(): t.nbytes for n in networks for t in (*n.parameters(), *n.buffers()) if t.nbytes}
    return sum(tensors.values())


def name_type(network: nn.Module) -> Bits | None:
    """What a network's weights are packed in; None where they are plain."""
    layers = [layer for layer in network.modules() if isinstance(layer, PackedLinear)]
    if not layers:
        return None
    return "int4" if any(isinstance(layer, Int4Linear) for layer in layers) else "int8"


def _layer(network: nn.Module, name: str) -> Any:
    try:
        plain = network.get_submodule(name)
    except AttributeError:
        plain = None
    if not isinstance(plain, nn.Linear | nn.Embedding):
        raise ValueError(f"{name}.packed: a packed weight is of a linear layer or of the table of tokens")
    return plain


def _bits(name: str, packed: Tensor) -> Bits:
    if packed.dtype not in (torch.int8, torch.uint8):
        raise ValueError(f"{name}: {packed.dtype}, expected int8, or uint8 with two columns a byte")
    return "int8" if packed.dtype == torch.int8 else "int4"


def _is_scale(scales: Tensor, n_out: int, n_in: int, bits: Bits) -> bool:
    shapes = [(n_out,)] if bits == "int8" else [(n_out, n_in // g, 2) for g in GROUPS if n_in % g == 0]
    return scales.dtype == torch.bfloat16 and tuple(scales.shape) in shapes


def _pack_layer(plain: Any, packed: Tensor, scales: Tensor) -> PackedLinear:
    if isinstance(plain, nn.Embedding):
        if packed.dtype != torch.int8:
            raise ValueError("tokens.packed: a table of tokens is int8")
        return Int8Table(packed, scales, None)
    return (Int8Linear if packed.dtype == torch.int8 else Int4Linear)(packed, scales, plain.bias)


def _numbers(packed: Tensor) -> Tensor:
    """Bytes (N, K / 2) to their numbers from 0 to 15, uint8 (N, K)."""
    return torch.stack([packed & 15, packed >> 4], -1).flatten(1)


def _take_out_of_blocks(laid: Tensor, n_block: int) -> Tensor:
    """What the int4 kernel reads, (N, K / 2), as numbers (N, K): blocks of rows, which go column by column, a byte for
    the rows n and n + n_block / 2."""
    n, k = laid.shape[0], 2 * laid.shape[1]
    blocks = laid.view(n // n_block, k, n_block // 2)
    return torch.cat([blocks & 15, blocks >> 4], -1).transpose(1, 2).reshape(n, k)


def _scale_groups(numbers: Tensor, scales: Tensor) -> Tensor:
    """Numbers (N, K) with scales (N, K / group, 2)."""
    groups = numbers.unflatten(1, (scales.shape[1], -1))
    return ((groups - 8) * scales[..., :1] + scales[..., 1:]).flatten(1)
