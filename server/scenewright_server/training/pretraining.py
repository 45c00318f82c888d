"""Training a whole decoder on prepared documents: from random weights, or further from those that a bundle has."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

from scenewright_server.families.bundle import MANIFEST, BundleError, file_sha256, find_bundle, read_manifest
from scenewright_server.families.chat.storage import DECODER, FAMILY, PLANNER, TOKENIZER, load_bundle
from scenewright_server.importers.bundles import check_bundle, written_whole
from scenewright_server.importers.refusal import ImportRefused
from scenewright_server.model.gpt import GPT
from scenewright_server.training.loop import FitConfig, fit
from scenewright_server.training.lora import check_plain
from scenewright_server.training.packing import IGNORED
from scenewright_server.training.recipe import PRECISIONS, RecipeError, build, check_bounds, read_toml
from scenewright_server.training.shards import HELD, TRAIN, Shards

STARTS = ("weights", "random")
MAX_HELD = 64  # windows
Batch = tuple[Tensor, Tensor]
"""ids (B, T), and for each the next one where it is learnt, else IGNORED."""


@dataclass(frozen=True)
class PretrainingRecipe:
    """data: what `scenewright prepare` wrote, relative to the TOML file, for `model`, a pulled chat model or a bundle's
    directory. start: "weights", the bundle's own, or "random". minutes, or steps if there are any: the budget; length:
    positions of a window, of which `rows` are in a batch. Raises RecipeError naming field, value and bound."""

    data: str = ""
    model: str = "smollm2-135m"
    start: str = "weights"
    name: str = "pretrained"
    minutes: float = 30.0
    steps: int = 0
    learning_rate: float = 1e-4
    length: int = 512
    rows: int = 4
    accumulate: int = 1
    precision: str = "bf16-mixed"
    accelerator: str = "auto"
    seed: int = 0
    threads: int = 1

    def __post_init__(self) -> None:
        check_bounds(
            self,
            "pretraining",
            ("data", bool(self.data), "a directory"),
            ("start", self.start in STARTS, f"one of {', '.join(STARTS)}"),
            ("name", Path(self.name).name == self.name != "", "a directory's name"),
            ("minutes", self.minutes > 0, "> 0"),
            ("learning_rate", 0 < self.learning_rate <= 0.1, "in (0, 0.1]"),
            ("length", 16 <= self.length <= 8192, "in 16..8192"),
            ("rows", 1 <= self.rows <= 1024, "in 1..1024"),
            ("accumulate", 1 <= self.accumulate <= 256, "in 1..256"),
            ("steps", self.steps >= 0, ">= 0"),
            ("precision", self.precision in PRECISIONS, f"one of {', '.join(PRECISIONS)}"),
            ("threads", 1 <= self.threads <= 256, "in 1..256"),
        )


@dataclass(frozen=True)
class _File:
    pretraining: PretrainingRecipe = field(default_factory=PretrainingRecipe)


@dataclass(frozen=True)
class Pretrained:
    """The bundle that was made, and the perplexity of held documents before and after; NaN where none are held."""

    path: Path
    before: float
    after: float


class Windows:
    """The documents of a split one after the other, as stretches of `length` ids with the one that follows each."""

    def __init__(self, shards: Shards, split: str, length: int) -> None:
        self._shards, self._documents, self._length = shards, shards.of(split), length
        self._ends = np.cumsum([shards.documents[k].length for k in self._documents])

    def __len__(self) -> int:
        n = int(self._ends[-1]) if len(self._ends) else 0
        return max(0, (n - 1) // self._length)

    def __getitem__(self, k: int) -> tuple[np.ndarray, np.ndarray]:
        """The k-th: ids and which of them are learnt, (length + 1,) each."""
        begin = k * self._length
        left, at = self._length + 1, int(np.searchsorted(self._ends, begin, "right"))
        ids, learnt = [], []
        skip = begin - (int(self._ends[at - 1]) if at else 0)
        while left:
            some, mask = (part[skip : skip + left] for part in self._shards.read(self._documents[at]))
            ids.append(some)
            learnt.append(mask)
            left, at, skip = left - len(some), at + 1, 0
        return np.concatenate(ids), np.concatenate(learnt)

    def batch(self, numbers: Sequence[int]) -> Batch:
        """These windows as ids and labels (B, length)."""
        ids, learnt = (torch.from_numpy(np.stack(parts)) for parts in zip(*(self[k] for k in numbers), strict=True))
        ids = ids.long()
        return ids[:, :-1], ids[:, 1:].masked_fill(~learnt[:, 1:], IGNORED)

    def batches(self, rows: int, seed: int, skip: int) -> Iterator[Batch]:
        """Endless batches after the first `skip`: every pass has all windows, in an order of its own."""
        n = len(self)
        place = skip * rows
        while True:
            order = (
                np.random.default_rng([seed, (place + i) // n]).permutation(n)[(place + i) % n] for i in range(rows)
            )
            yield self.batch([int(k) for k in order])
            place += rows


def text_loss(model: nn.Module, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
    """Cross-entropy of what is learnt, in nats a token."""
    ids, labels = batch
    assert isinstance(model, GPT)
    hidden = model(model.embed(ids))
    told = labels != IGNORED
    return F.cross_entropy(model.logits(hidden[told]).float(), labels[told], reduction="sum") / told.sum().clamp(1), {}


def pretrain(config: Path, out: Path) -> Pretrained:
    """Train as `config` says and write a bundle `out`/bundle/NAME: the model's with the new decoder, without adapters,
    which were learnt with the old one. Goes on where an earlier run in `out` stopped.

    Raises RecipeError for the TOML file, ShardError for the documents and BundleError.
    """
    recipe = build(_File, read_toml(config), config.name).pretraining
    source = find_bundle(recipe.model)
    if read_manifest(source)["family"] != FAMILY or not (source / DECODER).is_file():
        raise RecipeError(f"[pretraining] model: {source} is no chat bundle with a decoder of its own")
    torch.set_num_threads(recipe.threads)
    shards = Shards(config.parent / recipe.data, file_sha256(source / TOKENIZER))
    train, held = (Windows(shards, split, recipe.length) for split in (TRAIN, HELD))
    if not len(train):
        raise RecipeError(f"[pretraining] length is {recipe.length}, the documents to train on have fewer tokens")
    bundle = load_bundle(source, torch.device("cpu"), torch.float32)
    check_plain(bundle.gpt, "pretraining", recipe.model)
    if recipe.length > bundle.gpt.config.n_ctx:
        raise RecipeError(f"[pretraining] length is {recipe.length}, must be <= the context, {bundle.gpt.config.n_ctx}")
    torch.manual_seed(recipe.seed)
    gpt = bundle.gpt if recipe.start == "weights" else GPT(bundle.gpt.config)
    gpt.train().requires_grad_(True)
    tests = [
        held.batch(range(k, min(k + recipe.rows, len(held)))) for k in range(0, min(len(held), MAX_HELD), recipe.rows)
    ]
    out.mkdir(parents=True, exist_ok=True)

    def validate(model: nn.Module) -> dict[str, float]:
        save_file(model.state_dict(), out / DECODER)
        return {"loss": _mean_loss(model, tests)} if tests else {}

    with torch.no_grad():
        before = _mean_loss(gpt, tests)
    fitting = FitConfig(
        steps=recipe.steps or None,
        minutes=None if recipe.steps else recipe.minutes,
        learning_rate=recipe.learning_rate,
        accumulate=recipe.accumulate,
        precision=recipe.precision,
        accelerator=recipe.accelerator,
        validate_every_s=300,
    )
    fit(gpt, text_loss, lambda n: train.batches(recipe.rows, recipe.seed, n), fitting, validate, out)
    gpt.eval()
    with torch.no_grad():
        after = _mean_loss(gpt, tests)
    path = out / "bundle" / recipe.name
    _write(source, gpt, recipe, path)
    return Pretrained(path, math.exp(before), math.exp(after))


def _mean_loss(model: nn.Module, batches: Sequence[Batch]) -> float:
    """Of all tokens that are learnt, NaN where there is none."""
    device = next(model.parameters()).device
    counts = [int((labels != IGNORED).sum()) for _, labels in batches]
    losses = [float(text_loss(model, (ids.to(device), labels.to(device)))[0]) for ids, labels in batches]
    return sum(n * loss for n, loss in zip(counts, losses, strict=True)) / sum(counts) if sum(counts) else math.nan


def _write(source: Path, gpt: GPT, recipe: PretrainingRecipe, out: Path) -> None:
    """The source's bundle with this decoder in place of its own."""
    manifest = read_manifest(source)
    adapters = [PLANNER, *(f"adapters/{name}.safetensors" for name in manifest.get("adapters", {}))]
    dtype = getattr(torch, manifest["decoder"]["dtype"])
    try:
        with written_whole(out) as path:
            for name in manifest["files"]:
                if name not in (*adapters, DECODER):
                    shutil.copyfile(source / name, path / name)
            save_file(
                {name: its.detach().cpu().to(dtype).contiguous() for name, its in gpt.state_dict().items()},
                path / DECODER,
            )
            manifest["name"] = recipe.name
            manifest["files"] = {name: file_sha256(path / name) for name in manifest["files"] if name not in adapters}
            for part in ("planner", "adapters"):
                manifest.pop(part, None)
            manifest["provenance"]["trained_by"] = "scenewright train"
            (path / MANIFEST).write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")
            check_bundle(path, out)
    except ImportRefused as error:
        raise BundleError(str(error)) from error
