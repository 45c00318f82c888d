"""Training a planner: a LoRA adapter (Hu et al., 2021) with which a public decoder turns questions into plans.

A row is one scene and as many questions as fit. Each question sees the scene and itself alone, and its positions begin
where the scene ends: as if it were the only one.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from peft import LoraConfig, inject_adapter_in_model
from safetensors.torch import save_file
from torch import Tensor, nn

from scenewright_server.families.chat.planning import Thing, question_text, scene_text
from scenewright_server.families.chat.storage import Bundle, load_bundle
from scenewright_server.families.chat.tokenizer import ChatTokenizer
from scenewright_server.model.gpt import GPT
from scenewright_server.simulator.asking.questions import Asked, Asker
from scenewright_server.simulator.asking.tables import Code, load_tables
from scenewright_server.simulator.asking.worlds import World, make_world
from scenewright_server.training.loop import FitConfig, fit

LAYERS = ("qkv", "out", "up", "down")
IGNORED = -100
UNSEEN = -1e4  # added to a score, it leaves nothing after a softmax


@dataclass(frozen=True)
class PlannerConfig:
    """rank: of the adapter; row: positions; rows: in a batch; languages: of questions and of their worlds, and how often
    each pair is drawn."""

    rank: int = 16
    scale: float = 2.0
    row: int = 640
    rows: int = 4
    max_scene: int = 420
    languages: tuple[tuple[Code, Code, float], ...] = (("en", "en", 1.0),)
    seed: int = 1
    threads: int = 1


class Adapted(nn.Module):
    """A frozen decoder with an adapter; only the adapter's numbers are this module's own."""

    def __init__(self, gpt: GPT, config: PlannerConfig) -> None:
        super().__init__()
        lora = LoraConfig(r=config.rank, lora_alpha=config.scale * config.rank, target_modules=list(LAYERS))
        inject_adapter_in_model(lora, gpt)
        for block in gpt.blocks:
            block.compile(dynamic=False)
        object.__setattr__(self, "gpt", gpt)
        self.pairs = nn.ParameterDict(
            {name.replace(".", "-"): its for name, its in gpt.named_parameters() if "lora_" in name}
        )
        self.scaling = config.scale

    def adapter(self) -> dict[str, Tensor]:
        """The pairs by the names of the layers that they are added to: W + B @ A."""
        found: dict[str, Tensor] = {}
        for name, its in self.pairs.items():
            layer, _, side = name.replace("-", ".").partition(".lora_")
            value = its.detach() * (self.scaling if side[0] == "B" else 1.0)
            found[f"{layer}.{side[0]}"] = value.to(torch.bfloat16).contiguous()
        return found


@dataclass(frozen=True)
class Row:
    """ids; positions; segment: 0 the scene, n the n-th question; labels: the next token of a plan, else IGNORED."""

    ids: list[int]
    positions: list[int]
    segments: list[int]
    labels: list[int]


class Rows:
    """An endless stream of rows of one seed."""

    def __init__(self, tokenizer: ChatTokenizer, config: PlannerConfig, seed: int) -> None:
        self._tokenizer, self._config, self._rng = tokenizer, config, random.Random(seed)

    def __iter__(self) -> Iterator[Row]:
        while True:
            row = self._row()
            if row is not None:
                yield row

    def _row(self) -> Row | None:
        config, rng = self._config, self._rng
        pairs = config.languages
        asked, labelled, _ = rng.choices(pairs, [weight for *_, weight in pairs])[0]
        world = make_world(load_tables(labelled), labelled, rng)
        scene = list(self._tokenizer.encode(scene_text(_things(world))))
        if len(scene) > config.max_scene:
            return None
        n = len(scene)
        ids, positions, segments, labels = scene, list(range(n)), [0] * n, [IGNORED] * n
        k, misses = 0, 0
        while misses < 3:
            for example in Asker(load_tables(asked), world, rng).dialogue(rng.choice([1, 2, 3, 4])):
                words, plan = self.encode(example)
                if len(ids) + len(words) + len(plan) > config.row:
                    misses += 1
                    continue
                k += 1
                ids += words + plan
                positions += range(n, n + len(words) + len(plan))
                segments += [k] * (len(words) + len(plan))
                labels += [IGNORED] * (len(words) - 1) + plan + [IGNORED]
        return Row(ids, positions, segments, labels) if k else None

    def encode(self, example: Asked) -> tuple[list[int], list[int]]:
        """The tokens of a question and of its plan."""
        words = self._tokenizer.encode(question_text(example.question, example.before, example.points))
        return list(words), list(self._tokenizer.encode(f" {example.plan}\n"))


def _things(world: World) -> list[Thing]:
    told = [entry.graph for entry in world.entries if entry.graph is not None]
    return [Thing(its.label, its.aliases, tuple(fact.key for fact in its.facts), its.description) for its in told]


Batch = tuple[Tensor, Tensor, Tensor, Tensor]


def collate(rows: Sequence[Row], length: int) -> Batch:
    """ids, positions, labels (B, length) and what to add to scores of attention (B, 1, length, length)."""

    def pad(values: list[int], with_: int) -> list[int]:
        return values + [with_] * (length - len(values))

    ids = torch.tensor([pad(row.ids, 0) for row in rows])
    positions = torch.tensor([pad(row.positions, 0) for row in rows])
    segments = torch.tensor([pad(row.segments, -1) for row in rows])
    labels = torch.tensor([pad(row.labels, IGNORED) for row in rows])
    before = torch.ones(length, length, dtype=torch.bool).tril()
    same = (segments[:, None, :] == segments[:, :, None]) | (segments[:, None, :] == 0)
    unseen = ~(before & same)[:, None]
    return ids, positions, labels, torch.zeros(unseen.shape, dtype=torch.bfloat16).masked_fill_(unseen, UNSEEN)


def planner_loss(model: nn.Module, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
    """Cross-entropy of the plans' tokens, and the share of those that greedy decoding would choose."""
    ids, positions, labels, mask = batch
    gpt: GPT = model.gpt  # type: ignore[assignment]
    hidden = gpt(gpt.embed(ids), positions=positions, mask=mask)
    told = labels != IGNORED
    logits = gpt.logits(hidden[told]).float()
    right = (logits.argmax(-1) == labels[told]).float().mean()
    return F.cross_entropy(logits, labels[told]), {"right": right}


def train_planner(bundle: Path, config: PlannerConfig, fitting: FitConfig, out: Path) -> None:
    """Train an adapter for a chat bundle's decoder; `out` holds checkpoint, curve and planner.safetensors. Resumable."""
    torch.set_num_threads(config.threads)
    loaded = load_bundle(bundle, torch.device("cpu"), torch.bfloat16)
    model = Adapted(loaded.gpt, config)
    held = _held(loaded, config)

    def batches(n: int) -> Iterator[Batch]:
        rows = iter(Rows(loaded.tokenizer, config, config.seed * 1_000_003 + n))
        while True:
            yield collate([next(rows) for _ in range(config.rows)], config.row)

    def validate(judged: nn.Module) -> dict[str, float]:
        save_file(judged.adapter(), out / "planner.safetensors")  # type: ignore[operator]
        with torch.autocast("cpu", torch.bfloat16):
            scores = [planner_loss(judged, batch) for batch in held]
        return {
            "loss": float(sum(loss for loss, _ in scores) / len(scores)),
            "right": float(sum(more["right"] for _, more in scores) / len(scores)),
        }

    fit(model, planner_loss, batches, fitting, validate, out)


def _held(loaded: Bundle, config: PlannerConfig) -> list[Batch]:
    rows = iter(Rows(loaded.tokenizer, config, 77))
    return [collate([next(rows) for _ in range(config.rows)], config.row) for _ in range(3)]
