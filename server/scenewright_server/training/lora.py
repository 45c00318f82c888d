"""LoRA adapters (Hu et al., 2021) of a public decoder: what training any of them needs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import torch
import torch.nn.functional as F
from peft import LoraConfig, inject_adapter_in_model
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from typing_extensions import Self

from scenewright_server.model.adapters import unpack_pairs
from scenewright_server.model.gpt import GPT
from scenewright_server.model.quantised import name_type
from scenewright_server.training.packing import IGNORED, Batch
from scenewright_server.training.recipe import RecipeError

LAYERS = ("qkv", "out", "up", "down")
"""The linear layers that have a pair."""


def choose_device(accelerator: str) -> torch.device:
    """Where to train: "cpu", or "cuda" and "auto" where a GPU is there."""
    return torch.device("cuda" if accelerator != "cpu" and torch.cuda.is_available() else "cpu")


def check_plain(gpt: GPT, table: str, model: str) -> None:
    """Raises RecipeError for packed weights, which cannot be trained on."""
    if (bits := name_type(gpt)) is not None:
        raise RecipeError(f"[{table}] model is {model!r} with {bits} weights, must be one whose weights are plain")


class Adapted(nn.Module):
    """A frozen decoder with an adapter; only the adapter's numbers are this module's own."""

    gpt: GPT

    def __init__(self, gpt: GPT, rank: int, scale: int, is_compiled: bool = True, dropout: float = 0.0) -> None:
        super().__init__()
        layers = LoraConfig(r=rank, lora_alpha=scale * rank, lora_dropout=dropout, target_modules=list(LAYERS))
        inject_adapter_in_model(layers, gpt)
        if is_compiled:
            for block in gpt.blocks:
                block.compile(dynamic=False)
        object.__setattr__(self, "gpt", gpt)
        self._scale = scale
        self.pairs = nn.ParameterDict(
            {name.replace(".", "-"): its for name, its in gpt.named_parameters() if "lora_" in name}
        )

    def train(self, mode: bool = True) -> Self:
        """The decoder, too: its pairs have a dropout."""
        self.gpt.train(mode)
        return super().train(mode)

    def begin_with(self, adapter: Mapping[str, Tensor]) -> None:
        """Take the numbers of an adapter of the same rank. Raises RecipeError for another."""
        for name, its in self.pairs.items():
            layer, _, side = name.replace("-", ".").partition(".lora_")
            found = adapter.get(f"{layer}.{side[0]}")
            if found is None or found.shape != its.shape:
                shape = None if found is None else tuple(found.shape)
                raise RecipeError(f"start: {layer}.{side[0]} is {shape}, must be {tuple(its.shape)}")
            its.data.copy_(found.float() / (self._scale if side[0] == "B" else 1.0))

    def adapter(self, keep_rank: int = 0) -> dict[str, Tensor]:
        """The pairs by the names of the layers that they are added to, W + B @ A; with `keep_rank` the nearest of that
        rank."""
        found: dict[str, Tensor] = {}
        for name, its in self.pairs.items():
            layer, _, side = name.replace("-", ".").partition(".lora_")
            found[f"{layer}.{side[0]}"] = its.detach().float() * (self._scale if side[0] == "B" else 1.0)
        if keep_rank:
            found = shrink(found, keep_rank)
        return {name: its.to(torch.bfloat16).contiguous() for name, its in found.items()}


def shrink(pairs: Mapping[str, Tensor], rank: int) -> dict[str, Tensor]:
    """For each pair "N.A" (r, in), "N.B" (out, r) the pair of this rank whose product is nearest to theirs."""
    made: dict[str, Tensor] = {}
    for layer in {name.rpartition(".")[0] for name in pairs}:
        (q_b, r_b), (q_a, r_a) = (torch.linalg.qr(m) for m in (pairs[f"{layer}.B"], pairs[f"{layer}.A"].T))
        u, s, v = torch.linalg.svd(r_b @ r_a.T)
        root = s[:rank].sqrt()
        made[f"{layer}.B"] = q_b @ (u[:, :rank] * root)
        made[f"{layer}.A"] = (root[:, None] * v[:rank]) @ q_a.T
    return made


def answer_loss(model: nn.Module, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
    """Cross-entropy of the labelled tokens, and the share of those that greedy decoding would choose."""
    ids, positions, labels, mask = batch
    assert isinstance(model, Adapted)
    hidden = model.gpt(model.gpt.embed(ids), positions=positions, mask=mask)
    told = labels != IGNORED
    logits = model.gpt.logits(hidden[told]).float()
    right = (logits.argmax(-1) == labels[told]).float().mean()
    return F.cross_entropy(logits, labels[told]), {"right": right}


def read_pairs(path: Path) -> dict[str, Tensor]:
    """An adapter's pairs. Raises RecipeError."""
    try:
        return unpack_pairs(load_file(path))
    except (OSError, SafetensorError, ValueError) as error:
        raise RecipeError(f"start: cannot read {path}: {error}") from error


def save_pairs(pairs: Mapping[str, Tensor], path: Path, metadata: Mapping[str, str]) -> None:
    """Write an adapter in one move, so that a kill leaves the old file or the new one."""
    save_file(dict(pairs), path.with_suffix(".tmp"), dict(metadata))
    os.replace(path.with_suffix(".tmp"), path)
