"""Training a planner: a LoRA adapter (Hu et al., 2021) with which a public decoder turns questions into plans."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import nn

from scenewright_server.families.bundle import find_bundle
from scenewright_server.families.chat.storage import LEAST, PLANNER, SURE, Bundle, load_bundle
from scenewright_server.model.adapters import pack_pairs
from scenewright_server.simulator.asking.tables import CODES, Code
from scenewright_server.training.listed import read_listed
from scenewright_server.training.loop import FitConfig, fit
from scenewright_server.training.lora import (
    Adapted,
    answer_loss,
    check_plain,
    choose_device,
    read_pairs,
    save_pairs,
)
from scenewright_server.training.packing import Batch, Rows, collate
from scenewright_server.training.recipe import PRECISIONS, build, check_bounds, read_toml
from scenewright_server.training.written import read_written

N_HELD = 3  # batches
HELD_SEED = 77


@dataclass(frozen=True)
class PlannerRecipe:
    """model: a pulled chat model or a bundle's directory. languages: of questions and of the labels they are about,
    with weights. start: an adapter's file to begin with, of this rank; "": from none. rank: of the adapter; keep_rank:
    of what is saved, 0 for the same; packs: saves int8, half as large; length: positions of a row, of which a scene
    takes max_scene at most; rows: in a batch; written: the share of scenes that people wrote; strangers: the share of
    these with things of other scenes among their own; dropout: of what the adapter reads; sure: two scores that
    go with the adapter, see `families.chat.storage.SURE`. Raises RecipeError naming field, value and bound."""

    model: str = "smollm2-135m"
    languages: tuple[tuple[Code, Code, float], ...] = (("en", "en", 1.0),)
    start: str = ""
    minutes: float = 80.0
    learning_rate: float = 1e-3
    rank: int = 16
    keep_rank: int = 0
    packs: bool = False
    scale: int = 2
    length: int = 640
    max_scene: int = 420
    rows: int = 2
    accumulate: int = 1
    written: float = 0.35
    strangers: float = 0.0
    dropout: float = 0.0
    sure: tuple[float, ...] = (SURE, LEAST)
    accelerator: str = "auto"
    seed: int = 1
    threads: int = 1
    is_compiled: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "languages", tuple(tuple(pair) for pair in self.languages))  # lists, out of TOML
        object.__setattr__(self, "sure", tuple(self.sure))
        tags = all(len(pair) == 3 and {pair[0], pair[1]} <= set(CODES) and pair[2] > 0 for pair in self.languages)
        check_bounds(
            self,
            "planner",
            ("languages", bool(self.languages) and tags, f"pairs of {' or '.join(CODES)} with a weight > 0"),
            ("minutes", self.minutes > 0, "> 0"),
            ("learning_rate", 0 < self.learning_rate <= 0.1, "in (0, 0.1]"),
            ("rank", 1 <= self.rank <= 256, "in 1..256"),
            ("keep_rank", 0 <= self.keep_rank <= self.rank, f"in 0..{self.rank}"),
            ("length", 128 <= self.length <= 4096, "in 128..4096"),
            ("max_scene", 32 <= self.max_scene <= self.length - 64, f"in 32..{self.length - 64}"),
            ("rows", 1 <= self.rows <= 256, "in 1..256"),
            ("accumulate", 1 <= self.accumulate <= 256, "in 1..256"),
            ("written", 0 <= self.written <= 1, "in 0..1"),
            ("strangers", 0 <= self.strangers <= 1, "in 0..1"),
            ("dropout", 0 <= self.dropout < 1, "in [0, 1)"),
            (
                "sure",
                len(self.sure) == 2 and self.sure[1] <= self.sure[0] <= 0,
                "two, at most 0, the second no higher",
            ),
            ("accelerator", self.accelerator in ("auto", "cpu", "cuda"), "auto, cpu or cuda"),
            ("threads", 1 <= self.threads <= 256, "in 1..256"),
        )


@dataclass(frozen=True)
class _File:
    planner: PlannerRecipe = field(default_factory=PlannerRecipe)


def train_planner(config: Path, out: Path) -> Path:
    """Train as `config` says; returns the adapter's file in `out`. Goes on where an earlier run there stopped.

    Raises RecipeError for the TOML file, and `load_bundle`'s errors.
    """
    recipe = build(_File, read_toml(config), config.name).planner
    bundle = load_bundle(find_bundle(recipe.model), choose_device(recipe.accelerator), None)
    check_plain(bundle.gpt, "planner", recipe.model)
    return fit_planner(bundle, recipe, out)


def fit_planner(bundle: Bundle, recipe: PlannerRecipe, out: Path) -> Path:
    """Train an adapter for a chat bundle's decoder; writes planner.safetensors, checkpoint and curve into `out`."""
    torch.set_num_threads(recipe.threads)
    device, is_mixed = bundle.gpt.device, bundle.gpt.dtype == torch.bfloat16  # else this CPU cannot calculate in it
    model = Adapted(bundle.gpt, recipe.rank, recipe.scale, recipe.is_compiled, recipe.dropout)
    languages = ",".join(dict.fromkeys(asked for asked, *_ in recipe.languages))
    path, told = out / PLANNER, {"languages": languages, "sure": ",".join(map(str, recipe.sure))}
    if recipe.start:
        model.begin_with(read_pairs(Path(recipe.start)))

    def batches(seed: int, written: float = recipe.written) -> Iterator[Batch]:
        drawn = (bundle.tokenizer, recipe.languages, recipe.length, recipe.max_scene, seed, written, recipe.strangers)
        rows = iter(Rows(*drawn))
        while True:
            yield collate([next(rows) for _ in range(recipe.rows)], recipe.length)

    held_stream = batches(HELD_SEED, 0.0)  # the same for all recipes
    held = [next(held_stream) for _ in range(N_HELD)]

    def validate(judged: nn.Module) -> dict[str, float]:
        assert isinstance(judged, Adapted)
        pairs = judged.adapter(recipe.keep_rank)
        save_pairs(pack_pairs(pairs) if recipe.packs else pairs, path, told)
        with torch.autocast(device.type, torch.bfloat16, enabled=is_mixed):
            scores = [
                answer_loss(judged, (a.to(device), b.to(device), c.to(device), d.to(device))) for a, b, c, d in held
            ]
        return {
            "loss": sum(float(loss) for loss, _ in scores) / N_HELD,
            "right": sum(float(more["right"]) for _, more in scores) / N_HELD,
        }

    if recipe.written:
        read_written(), read_listed()  # before the clock runs
    fitting = FitConfig(
        minutes=recipe.minutes, learning_rate=recipe.learning_rate, accumulate=recipe.accumulate, weight_decay=0.0,
        validate_every_s=300, checkpoint_every_s=240, precision=PRECISIONS[0 if is_mixed else 1],
        accelerator=device.type,
    )  # fmt: skip
    fit(model, answer_loss, lambda n: batches(recipe.seed * 1_000_003 + n), fitting, validate, out)
    return path
