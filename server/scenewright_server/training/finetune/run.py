"""From a bundle and a folder of a user's frames to a new bundle, out of one TOML file with a [finetune] table.

The image tower's head learns the boxes, the decoder the captions and answers, each among examples of the bundle's
own domain, so that it does not forget that. A tenth of the frames is held out, to tell what it was good for.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import sacrebleu
import torch
from torch import Tensor, nn

from scenewright_server.families.bundle import EMBEDDED
from scenewright_server.families.diorama.diorama import Diorama
from scenewright_server.families.diorama.fusion import FusedModel
from scenewright_server.families.diorama.storage import Bundle, load_bundle, save_bundle
from scenewright_server.families.diorama.vision import Vision
from scenewright_server.families.family import Turn
from scenewright_server.scene.entries import iou
from scenewright_server.scene.words import normalise
from scenewright_server.simulator.kinds import ATTRIBUTES
from scenewright_server.training.episodes import EpisodeMaker
from scenewright_server.training.evaluation.asking import ask_all
from scenewright_server.training.evaluation.run import Examiner
from scenewright_server.training.evaluation.scores import MIN_IOU, rates
from scenewright_server.training.finetune.folder import FolderError, Sample, load_pixels, read_folder
from scenewright_server.training.finetune.lessons import CAPTION, Teacher, drawn_arrays, own_arrays, usual_episode
from scenewright_server.training.frames import draw
from scenewright_server.training.language import Batch, Language, collate, loss_fn
from scenewright_server.training.loop import FitConfig, fit
from scenewright_server.training.recipe import FitOptions, RecipeError, build
from scenewright_server.training.vision import augment
from scenewright_server.training.vision import loss as vision_loss

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

BATCH = 16
EPISODES = 8
HELD_OUT = 10  # one frame in so many
FIRST_SEED = 4_000_000
CARD = "MODEL_CARD.md"


@dataclass(frozen=True)
class Finetuning:
    """`annotations`: a JSON Lines file beside its images (see `read_folder`); `bundle`: a directory, the embedded
    bundle when empty. Paths are relative to the TOML file. `share_own`: of the decoder's episodes, the rest are
    usual ones. `n_drawn` frames of the diorama are drawn for the tower, `n_check` cases asked before and after.
    """

    annotations: str
    bundle: str = ""
    name: str = "mine"
    version: str = "0.1.0"
    seed: int = 0
    n_threads: int = 1
    vision_minutes: float = 5.0
    vision_learning_rate: float = 1e-4
    minutes: float = 10.0
    learning_rate: float = 1e-4
    share_own: float = 0.5
    n_drawn: int = 512
    n_check: int = 64

    def __post_init__(self) -> None:
        for name, ok, bound in (
            ("share_own", 0 < self.share_own <= 1, "in (0, 1]"),
            ("n_drawn", self.n_drawn >= BATCH, f">= {BATCH}"),
            ("n_check", self.n_check >= 1, ">= 1"),
        ):
            if not ok:
                raise ValueError(f"{name} is {getattr(self, name)!r}, must be {bound}")


@dataclass(frozen=True)
class FinetuneFile:
    """The TOML file."""

    finetune: Finetuning
    fit: FitOptions = field(default_factory=FitOptions)


@dataclass(frozen=True)
class Finetuned:
    """The new bundle's directory, and the scores on held-out frames before and after."""

    path: Path
    before: dict[str, float]
    after: dict[str, float]


def finetune(config: Path, out: Path) -> Finetuned:
    """Fine-tune as `config` says, in `out`; goes on where an earlier run stopped.

    Raises RecipeError for the TOML file, FolderError for the folder, and `load_bundle`'s errors.
    """
    tables = tomllib.loads(config.read_text())
    stage = build(Finetuning, tables.pop("finetune"), f"{config.name} [finetune]")
    options = build(FinetuneFile, {"fit": tables.pop("fit", {}), **tables, "finetune": stage}, config.name).fit
    torch.set_num_threads(stage.n_threads)
    bundle = load_bundle(config.parent / stage.bundle if stage.bundle else EMBEDDED)
    if bundle.model.config.vision.attributes != ATTRIBUTES:
        raise RecipeError(f"the bundle {bundle.info.name} has other kinds and colours than the diorama")
    samples = read_folder(config.parent / stage.annotations, ATTRIBUTES)
    order = np.random.default_rng(stage.seed).permutation(len(samples))
    n_held = -(-len(samples) // HELD_OUT)
    held, own = ([samples[i] for i in some] for some in (order[:n_held], order[n_held:]))
    before = measure(bundle, held, stage)
    model = bundle.model
    _teach_seeing(model.vision, own, stage, options, out)
    _teach_speaking(model, own, stage, options, out)
    model.eval().requires_grad_(False)
    after = measure(bundle, held, stage)
    path = out / "bundle" / stage.name
    _save(bundle, stage, len(own), before, after, path)
    return Finetuned(path, before, after)


class _Tower(nn.Module):
    """An image tower whose norms keep their statistics while its head learns."""

    def __init__(self, vision: Vision) -> None:
        super().__init__()
        self.vision = vision

    def train(self, mode: bool = True) -> _Tower:
        super().train(mode)
        self.vision.eval()
        return self


def _teach_seeing(vision: Vision, own: Sequence[Sample], stage: Finetuning, options: FitOptions, out: Path) -> None:
    """Train the head on the frames whose objects are told; without any nothing is changed."""
    mine = own_arrays(own, vision)
    if not mine:
        return
    usual = drawn_arrays(draw(out / "frames", stage.n_drawn, first_seed=FIRST_SEED, varied=True))
    ready = np.flatnonzero(usual["labels"][:, 0, 0] > 0)

    def batches(skip: int) -> Iterator[dict[str, Tensor]]:
        step = skip
        while True:
            rng = np.random.default_rng([stage.seed, step])
            a = rng.choice(len(mine["images"]), BATCH // 2)
            b = rng.choice(ready, BATCH - BATCH // 2)
            yield augment({name: np.concatenate([mine[name][a], usual[name][b]]) for name in mine}, rng)
            step += 1

    def loss(model: nn.Module, batch: dict[str, Tensor]) -> tuple[Tensor, dict[str, Any]]:
        assert isinstance(model, _Tower)
        return vision_loss(model.vision, batch)

    vision.head.requires_grad_(True)
    config = FitConfig(minutes=stage.vision_minutes, learning_rate=stage.vision_learning_rate, **options.of_loop)
    fit(_Tower(vision), loss, batches, config, None, out / "vision")
    vision.cpu()


def _teach_speaking(
    model: FusedModel, own: Sequence[Sample], stage: Finetuning, options: FitOptions, out: Path
) -> None:
    """Train the decoder on the captions and answers; without any nothing is changed."""
    told = [(sample, model.see(load_pixels(sample.image))) for sample in own if sample.caption or sample.qa]
    if not told:
        return
    maker = EpisodeMaker(model.tokenizer)
    teacher = Teacher(model.tokenizer, maker)

    def batches(skip: int) -> Iterator[Batch]:
        step = skip
        while True:
            rng = np.random.default_rng([stage.seed, step])
            episodes = []
            for i in range(EPISODES):
                if i and rng.random() < stage.share_own:  # one at least is usual: own ones may point at nothing
                    sample, seen = told[int(rng.integers(len(told)))]
                    episodes.append(teacher.episode(sample, seen, rng))
                else:
                    episodes.append(usual_episode(maker, FIRST_SEED + step * EPISODES + i, rng))
            yield collate([episode for episode in episodes if len(episode.tokens)])
            step += 1

    language = Language(model.config.gpt, model.tokenizer)
    parts = ("gpt.", "scene.")
    language.load_state_dict({name: v for name, v in model.state_dict().items() if name.startswith(parts)})
    config = FitConfig(minutes=stage.minutes, learning_rate=stage.learning_rate, **options.of_loop)
    fit(language, loss_fn, batches, config, None, out / "language")
    model.load_state_dict(language.cpu().state_dict(), strict=False)


def measure(bundle: Bundle, held: Sequence[Sample], stage: Finetuning) -> dict[str, float]:
    """Rates in 0..1, of what is told of the held-out frames: objects (F1 of kind and box), captions (chrF), answers
    (word for word); and of the answers to usual questions about usual frames."""
    family = Diorama(bundle)
    seen = [bundle.model.see(load_pixels(sample.image)) for sample in held]
    scores: dict[str, float] = {}
    boxed = [(sample.objects, found) for sample, found in zip(held, seen, strict=True) if sample.objects is not None]
    if boxed:
        hits = n_said = n_true = 0
        for objects, found in boxed:
            kinds = [ATTRIBUTES["kind"][int(p.argmax())] for p in found.attributes["kind"]]
            free = list(zip(kinds, found.boxes.tolist(), strict=True))
            n_said, n_true = n_said + len(free), n_true + len(objects)
            for item in objects:
                hit = next((f for f in free if f[0] == item.looks["kind"] and iou(f[1], item.box) >= MIN_IOU), None)
                if hit is not None:
                    free.remove(hit)
                    hits += 1
        scores["objects"] = 2 * hits / max(n_said + n_true, 1)
    captioned = [(s.caption, found) for s, found in zip(held, seen, strict=True) if s.caption is not None]
    if captioned:
        replies = ask_all(family, [[Turn("ask", found, question=CAPTION)] for _, found in captioned])
        texts = [normalise(caption) for caption, _ in captioned]
        scores["captions"] = sacrebleu.corpus_chrf([normalise(r.text) for [r] in replies], [texts]).score / 100
    turns = [(turn, found) for sample, found in zip(held, seen, strict=True) for turn in sample.qa]
    if turns:
        replies = ask_all(family, [[Turn("ask", found, question=turn[0])] for turn, found in turns])
        right = [normalise(r.text) == normalise(turn[1]) for [r], (turn, _) in zip(replies, turns, strict=True)]
        scores["answers"] = float(np.mean(right))
    usual = Examiner(family, FIRST_SEED).examine("test", 0, stage.n_check)
    scores["usual answers"] = rates(usual)["overall"]
    return scores


def _save(
    bundle: Bundle, stage: Finetuning, n: int, before: dict[str, float], after: dict[str, float], path: Path
) -> None:
    origin = {"name": bundle.info.name, "version": bundle.info.version, "sha256": bundle.info.sha256}
    provenance = {**bundle.info.provenance, "finetuned_from": origin, "frames": n}
    info = replace(bundle.info, name=stage.name, version=stage.version, provenance=provenance)
    save_bundle(bundle.model, info, path)
    rows = "\n".join(f"| {name} | {before[name]:.3f} | {after[name]:.3f} |" for name in after)
    (path / CARD).write_text(
        f"# {stage.name} {stage.version}\n\n{origin['name']} {origin['version']}, fine-tuned on {n} frames by "
        f"`scenewright train`. On the frames held out:\n\n| | before | after |\n| --- | --- | --- |\n{rows}\n"
    )


__all__ = ["Finetuned", "FolderError", "RecipeError", "finetune", "measure"]
