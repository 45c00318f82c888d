"""Training an adapter on a user's own dialogues, or plans: a LoRA of a chat bundle's decoder, which the server then
offers under a name of its own."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from scenewright_server.families.bundle import BundleError, file_sha256, find_bundle, read_manifest
from scenewright_server.families.chat.chat import Chat
from scenewright_server.families.chat.remote import is_remote
from scenewright_server.families.chat.storage import (
    FAMILY,
    MAX_ADAPTER_BYTES,
    PLAN,
    TOKENIZER,
    Bundle,
    load_bundle,
)
from scenewright_server.families.family import Turn
from scenewright_server.model.adapters import merge_adapter
from scenewright_server.model.gpt import GPT
from scenewright_server.scene.entries import GraphObject
from scenewright_server.scene.words import is_chinese
from scenewright_server.training.dialogues import Dialogue, Line, LineError, read_lines
from scenewright_server.training.evaluation.asking import ask_all
from scenewright_server.training.evaluation.graph_json import read_graph
from scenewright_server.training.examples import (
    Lessons,
    bucket,
    collate_rows,
    document_rows,
    examples_of,
    pack_all,
)
from scenewright_server.training.loop import FitConfig, fit
from scenewright_server.training.lora import (
    LAYERS,
    Adapted,
    answer_loss,
    check_plain,
    choose_device,
    read_pairs,
    save_pairs,
)
from scenewright_server.training.memory import Estimate, estimate_memory
from scenewright_server.training.packing import Row
from scenewright_server.training.recipe import PRECISIONS, RecipeError, build, check_bounds, read_toml
from scenewright_server.training.shards import HELD, TRAIN, ShardError, Shards

ADAPTER, ANSWERS = "adapter.safetensors", "answers.jsonl"
SPEECH = "speech"
"""The kind of an adapter that is on when the model speaks; PLAN is the other."""
ANSWER_TOKENS = 80
Report = Callable[[str], None]


@dataclass(frozen=True)
class AdapterRecipe:
    """data: a JSONL of dialogues or of plans (`dialogues.read_lines`), or a directory that `scenewright prepare` wrote;
    held: a JSONL of those that are only validated on, "": a `share_held` of data's lines, drawn. scene: a SceneGraph's
    JSON, of lines that bring none and of `questions`, a text file of which each line is answered before and after.
    Paths are relative to the TOML file. model: a pulled chat model or a bundle's directory; start: an adapter's file to
    begin with.

    minutes, or steps if there are any: the budget, of which `patience` validations in a row without a lower loss leave
    the rest; validate_every: optimiser steps, 0 for once in each pass through the data. length: positions of a row at
    most; batch_tokens: of a batch. rank, keep_rank, scale, accumulate: as in [planner].

    Raises RecipeError naming field, value and bound.
    """

    data: str = ""
    held: str = ""
    share_held: float = 0.1
    scene: str = ""
    questions: str = ""
    model: str = "smollm2-135m"
    start: str = ""
    minutes: float = 12.0
    steps: int = 0
    patience: int = 3
    validate_every: int = 0
    learning_rate: float = 1e-3
    rank: int = 16
    keep_rank: int = 0
    scale: int = 2
    length: int = 1024
    batch_tokens: int = 1024
    accumulate: int = 1
    precision: str = "bf16-mixed"
    accelerator: str = "auto"
    seed: int = 0
    threads: int = 1

    def __post_init__(self) -> None:
        check_bounds(
            self,
            "adapter",
            ("data", bool(self.data), "a file or a directory"),
            ("share_held", 0 < self.share_held < 1, "in (0, 1)"),
            ("minutes", self.minutes > 0, "> 0"),
            ("steps", self.steps >= 0, ">= 0"),
            ("patience", self.patience >= 0, ">= 0"),
            ("validate_every", self.validate_every >= 0, ">= 0"),
            ("learning_rate", 0 < self.learning_rate <= 0.1, "in (0, 0.1]"),
            ("rank", 1 <= self.rank <= 256, "in 1..256"),
            ("keep_rank", 0 <= self.keep_rank <= self.rank, f"in 0..{self.rank}"),
            ("length", 128 <= self.length <= 8192, "in 128..8192"),
            ("batch_tokens", self.length <= self.batch_tokens <= 1 << 20, f"in {self.length}..{1 << 20}"),
            ("accumulate", 1 <= self.accumulate <= 256, "in 1..256"),
            ("precision", self.precision in PRECISIONS, f"one of {', '.join(PRECISIONS)}"),
            ("accelerator", self.accelerator in ("auto", "cpu", "cuda"), "auto, cpu or cuda"),
            ("threads", 1 <= self.threads <= 256, "in 1..256"),
        )

    @property
    def device(self) -> torch.device:
        return choose_device(self.accelerator)


@dataclass(frozen=True)
class _File:
    adapter: AdapterRecipe = field(default_factory=AdapterRecipe)


@dataclass(frozen=True)
class Taught:
    """What there is to learn, and on what it is validated; kind: SPEECH or PLAN; languages: of what is asked."""

    lessons: Lessons
    held: tuple[tuple[Row, ...], ...]
    kind: str
    languages: tuple[str, ...]
    n_train: int
    n_held: int


@dataclass(frozen=True)
class Compared:
    """A question and what the model says to it without the adapter and with it."""

    question: str
    before: str
    after: str


@dataclass(frozen=True)
class Made:
    """An adapter's file, and what the model says to the recipe's questions."""

    path: Path
    answers: tuple[Compared, ...]


def train_adapter(config: Path, out: Path, report: Report) -> Made:
    """Train as `config` says. Goes on where an earlier run in `out` stopped; `report` is told what is under way.

    Raises RecipeError for the TOML file, LineError and ShardError for the data, and BundleError; nothing is written
    then.
    """
    recipe = build(_File, read_toml(config), config.name).adapter
    folder, path = config.parent, find_bundle(recipe.model)
    _check_bundle(path)
    graph = _read_scene(folder / recipe.scene) if recipe.scene else ()
    questions = _read_questions(folder / recipe.questions) if recipe.questions else ()
    bundle = _load(path, recipe)
    check_plain(bundle.gpt, "adapter", recipe.model)
    _check_size(bundle.gpt, recipe)
    taught = teach(Chat(bundle), path, recipe, folder, graph)
    report(f"{taught.n_train} to learn from, {taught.n_held} held")
    made = fit_adapter(bundle.gpt, taught, recipe, folder, out, report)
    del bundle
    answers = _compare(_load(path, recipe), made, taught.kind, questions, graph)
    if answers:
        lines = (json.dumps(vars(one), ensure_ascii=False) for one in answers)
        (out / ANSWERS).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return Made(made, tuple(answers))


def teach(
    family: Chat, bundle: Path, recipe: AdapterRecipe, folder: Path, graph: tuple[GraphObject, ...] = ()
) -> Taught:
    """Read the recipe's data and write it as this family reads it. Raises LineError, ShardError, RecipeError."""
    data, n = folder / recipe.data, recipe.length
    if data.is_dir():
        return _teach_documents(Shards(data, file_sha256(bundle / TOKENIZER)), recipe)
    lines = read_lines(data, graph)
    if recipe.held:
        held = read_lines(folder / recipe.held, graph)
        if type(held[0]) is not type(lines[0]):
            raise LineError(*held[0].where, "the line", f"of the kind of {data.name}", type(held[0]).__name__)
    else:
        lines, held = _split(lines, recipe)
    examples, others = ([one for line in some for one in examples_of(family, line, n)] for some in (lines, held))
    is_speech = isinstance(lines[0], Dialogue)
    asked = [line.exchanges[0][0] if isinstance(line, Dialogue) else line.question for line in lines]
    languages = tuple(sorted({"zh" if is_chinese(text) else "en" for text in asked}))
    return Taught(
        Lessons(examples, (), n, recipe.batch_tokens, recipe.seed),
        tuple(map(tuple, bucket(pack_all(others, n), recipe.batch_tokens))),
        SPEECH if is_speech else PLAN,
        languages,
        len(lines),
        len(held),
    )


def _split(lines: list[Line], recipe: AdapterRecipe) -> tuple[list[Line], list[Line]]:
    """Lines to learn from, and held ones: whole dialogues."""
    n = max(1, round(recipe.share_held * len(lines)))
    if n >= len(lines):
        raise RecipeError(f"[adapter] data: {recipe.data} has {len(lines)} lines, must be 2 or more: one is held")
    generator = torch.Generator().manual_seed(recipe.seed)
    chosen = set(torch.randperm(len(lines), generator=generator)[:n].tolist())
    return [line for k, line in enumerate(lines) if k not in chosen], [lines[k] for k in sorted(chosen)]


def _teach_documents(shards: Shards, recipe: AdapterRecipe) -> Taught:
    rows, held = (document_rows(shards, split, recipe.length) for split in (TRAIN, HELD))
    kinds = {PLAN if its.kind == "plan" else SPEECH for its in shards.documents}
    for name, is_so, bound in (
        ("documents to learn from", rows, "1 or more"),
        ("held documents", held, "1 or more"),
        ("kinds", len(kinds) == 1, "plans alone, or none"),
    ):
        if not is_so:
            raise ShardError(f"{recipe.data}: {name}: must be {bound}")
    languages = tuple(sorted({its.language for its in shards.documents if its.language}))
    return Taught(
        Lessons((), rows, recipe.length, recipe.batch_tokens, recipe.seed),
        tuple(map(tuple, bucket(held, recipe.batch_tokens))),
        kinds.pop(),
        languages or ("en",),
        len(rows),
        len(held),
    )


def fit_adapter(gpt: GPT, taught: Taught, recipe: AdapterRecipe, folder: Path, out: Path, report: Report) -> Path:
    """Train an adapter of a decoder; writes the best one, checkpoint and curve into `out`."""
    torch.set_num_threads(recipe.threads)
    torch.manual_seed(recipe.seed)  # the pairs begin at random
    model = Adapted(gpt, recipe.rank, recipe.scale, is_compiled=False)
    if recipe.start:
        model.begin_with(read_pairs(folder / recipe.start))
    epoch = taught.lessons.of_epoch(0)
    report(_show_memory(estimate_memory(gpt, model, epoch, recipe.precision)))
    device, metadata = recipe.device, {"kind": taught.kind, "languages": ",".join(taught.languages)}

    def validate(judged: nn.Module) -> dict[str, float]:
        return _score(judged, taught.held, recipe)

    def keep(judged: nn.Module) -> None:
        assert isinstance(judged, Adapted)
        save_pairs(judged.adapter(recipe.keep_rank), out / ADAPTER, metadata)

    steps = math.ceil(len(epoch) / recipe.accumulate)
    budget: dict[str, Any] = {"steps": recipe.steps} if recipe.steps else {"minutes": recipe.minutes}
    fitting = FitConfig(
        **budget, learning_rate=recipe.learning_rate, accumulate=recipe.accumulate, weight_decay=0.0,
        precision=recipe.precision, accelerator=device.type, validate_every=recipe.validate_every or steps,
        patience=recipe.patience, checkpoint_every_s=60,
    )  # fmt: skip
    fit(model, answer_loss, taught.lessons.batches, fitting, validate, out, keep)
    return out / ADAPTER


def _score(judged: nn.Module, held: Sequence[Sequence[Row]], recipe: AdapterRecipe) -> dict[str, float]:
    """Loss a token of the held answers, and the share that greedy decoding would choose."""
    device, total = recipe.device, {"loss": 0.0, "right": 0.0}
    n_all = 0
    for rows in held:
        ids, positions, labels, mask = (part.to(device) for part in collate_rows(rows))
        with torch.no_grad(), torch.autocast(device.type, torch.bfloat16, enabled=recipe.precision == PRECISIONS[0]):
            loss, more = answer_loss(judged, (ids, positions, labels, mask))
        n = int((labels >= 0).sum())
        total = {"loss": total["loss"] + n * float(loss), "right": total["right"] + n * float(more["right"])}
        n_all += n
    return {name: value / n_all for name, value in total.items()}


def _compare(
    bundle: Bundle, adapter: Path, kind: str, questions: Sequence[str], graph: tuple[GraphObject, ...]
) -> list[Compared]:
    """What the model answers to questions, each alone, without the adapter and with it."""
    if not questions:
        return []
    pairs = read_pairs(adapter)
    rank = next(its.shape[0] for name, its in pairs.items() if name.endswith(".A"))
    merged, plain = merge_adapter(bundle.gpt, pairs, rank), Chat(bundle)
    if kind == PLAN:
        adapted = Chat(replace(bundle, planner=merged))
    else:
        adapted = Chat(replace(bundle, adapters={SPEECH: merged})).variants[0]
    turns = [[Turn("ask", graph=graph, question=one, max_new_tokens=ANSWER_TOKENS)] for one in questions]
    said = [[replies[0].text for replies in ask_all(family, turns)] for family in (plain, adapted)]
    return [Compared(*one) for one in zip(questions, *said, strict=True)]


def _check_bundle(path: Path) -> None:
    """Raises BundleError for one without a decoder that an adapter fits."""
    family = read_manifest(path)["family"]
    if family != FAMILY:
        raise BundleError(f"{path}: family is {family!r}, an adapter is of a {FAMILY!r} bundle")
    if is_remote(path):
        raise BundleError(f"{path}: its decoder is an endpoint: train the adapter where its weights are")


def _load(path: Path, recipe: AdapterRecipe) -> Bundle:
    is_mixed = recipe.precision == PRECISIONS[0]
    return load_bundle(path, recipe.device, torch.bfloat16 if is_mixed else torch.float32)


def _check_size(gpt: GPT, recipe: AdapterRecipe) -> None:
    """Raises RecipeError where the adapter would be larger than a bundle takes."""
    layers = [its for name, its in gpt.named_modules() if name.endswith(LAYERS) and isinstance(its, nn.Linear)]
    rank = recipe.keep_rank or recipe.rank
    a_rank = 2 * sum(its.in_features + its.out_features for its in layers)
    if rank * a_rank > (most := MAX_ADAPTER_BYTES * 99 // 100):
        raise RecipeError(
            f"[adapter] rank is {rank}, which takes {rank * a_rank} bytes of at most {most}: must be at most "
            f"{most // a_rank}; a keep_rank of that makes a larger one so"
        )


def _read_scene(path: Path) -> tuple[GraphObject, ...]:
    try:
        return read_graph(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise RecipeError(f"[adapter] scene: {path} is no SceneGraph: {type(error).__name__}: {error}") from None


def _read_questions(path: Path) -> tuple[str, ...]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"[adapter] questions: cannot read {path}: {error}") from None
    return tuple(line.strip() for line in lines if any(map(str.isalnum, line)))


def _show_memory(its: Estimate) -> str:
    parts = ", ".join(f"{name} {n_bytes / 1e6:.0f}" for name, n_bytes in vars(its).items())
    return f"memory: about {its.total / 1e6:.0f} MB beside the program's own ({parts} MB)"
