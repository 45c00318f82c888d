"""Low-rank adapters (LoRA, Hu et al. 2021) of a decoder's linear layers, merged into weights of their own."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from scenewright_server.model.gpt import GPT
from scenewright_server.model.quantised import Int8Table, PackedLinear, replace_weight


def merge_adapter(gpt: GPT, pairs: Mapping[str, Tensor], rank: int, packs: bool = False) -> GPT:
    """A decoder with the weights W + B @ A where the adapter has a pair, and sharing all others with `gpt`. With
    `packs`, and of packed weights, the sum is packed as int8.

    pairs: for a linear layer named N (`blocks.0.attention.qkv`) "N.A" (rank, in) and "N.B" (out, rank), scaled
    already. Raises ValueError, naming the tensor, for one that does not fit.
    """
    layers = {
        name: module
        for name, module in gpt.named_modules()
        if isinstance(module, nn.Linear | PackedLinear) and not isinstance(module, Int8Table)
    }
    names = {tensor.rpartition(".")[0] for tensor in pairs}
    if not names:
        raise ValueError("an adapter of no tensors")
    for tensor in pairs:
        name, _, side = tensor.rpartition(".")
        if name not in layers or side not in ("A", "B"):
            raise ValueError(f"{tensor}: a pair is of a linear layer, as in blocks.0.mlp.up.A")
    merged = copy.deepcopy(gpt, {id(tensor): tensor for tensor in (*gpt.parameters(), *gpt.buffers())})
    for name in names:
        layer = layers[name]
        weight = layer.unpack() if isinstance(layer, PackedLinear) else layer.weight
        n_out, n_in = weight.shape
        for side, wanted in (("A", (rank, n_in)), ("B", (n_out, rank))):
            found = tuple(pairs[f"{name}.{side}"].shape) if f"{name}.{side}" in pairs else None
            if found != wanted:
                raise ValueError(f"{name}.{side}: shape {found}, expected {wanted}")
        a, b = (pairs[f"{name}.{side}"].float().to(weight.device) for side in "AB")
        merged.set_submodule(name, replace_weight(layer, weight.float() + b @ a, packs))
    return merged


def pack_pairs(pairs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Pairs as int8, half of what they take as bfloat16: the rows of A and the columns of B each fill -127..127, and
    "N.scale" (rank,) is what the product of such a row and its column is to be multiplied by."""
    packed: dict[str, Tensor] = {}
    for name in {tensor.rpartition(".")[0] for tensor in pairs}:
        a, b = pairs[f"{name}.A"].float(), pairs[f"{name}.B"].float()
        step_a, step_b = (its.clamp(min=1e-12) / 127 for its in (a.abs().amax(1), b.abs().amax(0)))
        packed[f"{name}.A"] = (a / step_a[:, None]).round().to(torch.int8)
        packed[f"{name}.B"] = (b / step_b).round().to(torch.int8)
        packed[f"{name}.scale"] = step_a * step_b
    return packed


def unpack_pairs(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The pairs of an adapter's file, as they are or, of int8, as bfloat16. Raises ValueError, naming the tensor."""
    pairs = {name: tensor for name, tensor in state.items() if not name.endswith(".scale")}
    for tensor in state.keys() - pairs.keys():
        name, root = tensor.removesuffix(".scale"), state[tensor].float().sqrt()
        for side, steps in (("A", root[:, None]), ("B", root)):
            found = pairs.get(f"{name}.{side}")
            if found is None or found.dtype != torch.int8 or found.shape[side == "B"] != len(root):
                raise ValueError(f"{tensor}: no int8 {name}.{side} of rank {len(root)}")
            pairs[f"{name}.{side}"] = (found * steps).to(torch.bfloat16)
    return pairs
