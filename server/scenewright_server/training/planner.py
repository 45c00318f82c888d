"""Training a planner: a LoRA adapter (Hu et al., 2021) with which a public decoder turns questions into plans."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from peft import LoraConfig, inject_adapter_in_model
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from scenewright_server.families.bundle import find_bundle
from scenewright_server.families.chat.storage import PLANNER, Bundle, load_bundle
from scenewright_server.model.gpt import GPT
from scenewright_server.model.quantised import name_type
from scenewright_server.simulator.asking.tables import CODES, Code
from scenewright_server.training.loop import FitConfig, fit
from scenewright_server.training.packing import IGNORED, Batch, Rows, collate
from scenewright_server.training.recipe import RecipeError, build, read_toml

LAYERS = ("qkv", "out", "up", "down")
N_HELD = 3  # batches
HELD_SEED = 77


@dataclass(frozen=True)
class PlannerRecipe:
    """model: a pulled chat model or a bundle's directory. languages: of questions and of the labels they are about,
    with weights. start: an adapter's file to begin with, of this rank; "": from none. rank: of the adapter; keep_rank:
    of what is saved, 0 for the same; length: positions of a row, of which a scene takes max_scene at most; rows: in a
    batch. Raises RecipeError naming field, value and bound."""

    model: str = "smollm2-135m"
    languages: tuple[tuple[Code, Code, float], ...] = (("en", "en", 1.0),)
    start: str = ""
    minutes: float = 80.0
    learning_rate: float = 1e-3
    rank: int = 16
    keep_rank: int = 0
    scale: int = 2
    length: int = 640
    max_scene: int = 420
    rows: int = 2
    accumulate: int = 1
    seed: int = 1
    threads: int = 1
    is_compiled: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "languages", tuple(tuple(pair) for pair in self.languages))  # lists, out of TOML
        tags = all(len(pair) == 3 and {pair[0], pair[1]} <= set(CODES) and pair[2] > 0 for pair in self.languages)
        for name, is_so, bound in (
            ("languages", bool(self.languages) and tags, f"pairs of {' or '.join(CODES)} with a weight > 0"),
            ("minutes", self.minutes > 0, "> 0"),
            ("learning_rate", 0 < self.learning_rate <= 0.1, "in (0, 0.1]"),
            ("rank", 1 <= self.rank <= 256, "in 1..256"),
            ("keep_rank", 0 <= self.keep_rank <= self.rank, f"in 0..{self.rank}"),
            ("length", 128 <= self.length <= 4096, "in 128..4096"),
            ("max_scene", 32 <= self.max_scene <= self.length - 64, f"in 32..{self.length - 64}"),
            ("rows", 1 <= self.rows <= 256, "in 1..256"),
            ("accumulate", 1 <= self.accumulate <= 256, "in 1..256"),
            ("threads", 1 <= self.threads <= 256, "in 1..256"),
        ):
            if not is_so:
                raise RecipeError(f"[planner] {name} is {getattr(self, name)!r}, must be {bound}")


@dataclass(frozen=True)
class _File:
    planner: PlannerRecipe = field(default_factory=PlannerRecipe)


class Adapted(nn.Module):
    """A frozen decoder with an adapter; only the adapter's numbers are this module's own."""

    gpt: GPT

    def __init__(self, gpt: GPT, rank: int, scale: int, is_compiled: bool = True) -> None:
        super().__init__()
        inject_adapter_in_model(LoraConfig(r=rank, lora_alpha=scale * rank, target_modules=list(LAYERS)), gpt)
        if is_compiled:
            for block in gpt.blocks:
                block.compile(dynamic=False)
        object.__setattr__(self, "gpt", gpt)
        self._scale = scale
        self.pairs = nn.ParameterDict(
            {name.replace(".", "-"): its for name, its in gpt.named_parameters() if "lora_" in name}
        )

    def begin_with(self, adapter: Mapping[str, Tensor]) -> None:
        """Take the numbers of an adapter of the same rank. Raises RecipeError for another."""
        for name, its in self.pairs.items():
            layer, _, side = name.replace("-", ".").partition(".lora_")
            found = adapter.get(f"{layer}.{side[0]}")
            if found is None or found.shape != its.shape:
                shape = None if found is None else tuple(found.shape)
                raise RecipeError(f"[planner] start: {layer}.{side[0]} is {shape}, must be {tuple(its.shape)}")
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


def planner_loss(model: nn.Module, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
    """Cross-entropy of the plans' tokens, and the share of those that greedy decoding would choose."""
    ids, positions, labels, mask = batch
    assert isinstance(model, Adapted)
    hidden = model.gpt(model.gpt.embed(ids), positions=positions, mask=mask)
    told = labels != IGNORED
    logits = model.gpt.logits(hidden[told]).float()
    right = (logits.argmax(-1) == labels[told]).float().mean()
    return F.cross_entropy(logits, labels[told]), {"right": right}


def train_planner(config: Path, out: Path) -> Path:
    """Train as `config` says; returns the adapter's file in `out`. Goes on where an earlier run there stopped.

    Raises RecipeError for the TOML file, and `load_bundle`'s errors.
    """
    recipe = build(_File, read_toml(config), config.name).planner
    bundle = load_bundle(find_bundle(recipe.model), torch.device("cpu"), torch.bfloat16)
    if (bits := name_type(bundle.gpt)) is not None:
        raise RecipeError(
            f"[planner] model is {recipe.model!r} with {bits} weights, must be one whose weights are plain"
        )
    return fit_planner(bundle, recipe, out)


def fit_planner(bundle: Bundle, recipe: PlannerRecipe, out: Path) -> Path:
    """Train an adapter for a chat bundle's decoder; writes planner.safetensors, checkpoint and curve into `out`."""
    torch.set_num_threads(recipe.threads)
    model = Adapted(bundle.gpt, recipe.rank, recipe.scale, recipe.is_compiled)
    path = out / PLANNER
    if recipe.start:
        model.begin_with(read_pairs(Path(recipe.start)))

    def batches(seed: int) -> Iterator[Batch]:
        rows = iter(Rows(bundle.tokenizer, recipe.languages, recipe.length, recipe.max_scene, seed))
        while True:
            yield collate([next(rows) for _ in range(recipe.rows)], recipe.length)

    held_stream = batches(HELD_SEED)
    held = [next(held_stream) for _ in range(N_HELD)]

    def validate(judged: nn.Module) -> dict[str, float]:
        assert isinstance(judged, Adapted)
        _save(judged.adapter(recipe.keep_rank), recipe, path)
        with torch.autocast("cpu", torch.bfloat16):
            scores = [planner_loss(judged, batch) for batch in held]
        return {
            "loss": sum(float(loss) for loss, _ in scores) / N_HELD,
            "right": sum(float(more["right"]) for _, more in scores) / N_HELD,
        }

    fitting = FitConfig(
        minutes=recipe.minutes, learning_rate=recipe.learning_rate, accumulate=recipe.accumulate, weight_decay=0.0,
        validate_every_s=300, checkpoint_every_s=240, accelerator="cpu",
    )  # fmt: skip
    fit(model, planner_loss, lambda n: batches(recipe.seed * 1_000_003 + n), fitting, validate, out)
    return path


def read_pairs(path: Path) -> dict[str, Tensor]:
    """An adapter's pairs. Raises RecipeError."""
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise RecipeError(f"[planner] start: cannot read {path}: {error}") from error


def _save(pairs: dict[str, Tensor], recipe: PlannerRecipe, path: Path) -> None:
    metadata: dict[str, Any] = {"languages": ",".join(dict.fromkeys(asked for asked, *_ in recipe.languages))}
    save_file(pairs, path.with_suffix(".tmp"), metadata)
    os.replace(path.with_suffix(".tmp"), path)
