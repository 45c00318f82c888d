"""The whole recipe, from nothing to a bundle, out of one TOML file.

Stages: `tokenizer`; then `speech`, `vision` and `language`, which need only the tokenizer and can run side by
side; `fusion`, where the decoder goes on with what the trained image tower really detects; `bundle`.
A stage that has ended is not run again; one that was cut off goes on from its last checkpoint.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors.torch import load_file

from scenewright_server.families.diorama.config import AudioConfig, ModelConfig, VisionConfig
from scenewright_server.families.diorama.fusion import FusedModel
from scenewright_server.families.diorama.storage import BundleInfo, save_bundle
from scenewright_server.families.diorama.tokenizer import Tokenizer
from scenewright_server.families.diorama.vision import Vision
from scenewright_server.languages import LANGUAGES
from scenewright_server.model.config import GPTConfig
from scenewright_server.simulator.kinds import ATTRIBUTES
from scenewright_server.simulator.phrases import CHINESE
from scenewright_server.training.detected import Detected
from scenewright_server.training.frames import draw
from scenewright_server.training.language import train_language
from scenewright_server.training.loop import FitConfig
from scenewright_server.training.speech import train_speech
from scenewright_server.training.vision import train_vision
from scenewright_server.training.vocabulary import train_tokenizer

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DEFAULT_RECIPE = Path(__file__).parent / "diorama.toml"
FUSION_FIRST_SEED = 5_000_000
"""Frames for the fusion stage come from scenes that the image tower was not trained on."""

PRECISIONS = ("bf16-mixed", "32-true")
MAX_DEVICES = 64
MIN_BATCH_TOKENS = 1024
"""An episode may be that long."""

T = TypeVar("T")


class RecipeError(ValueError):
    """A recipe or a stage that cannot be run; the message says why."""


def check_bounds(recipe: object, table: str, *bounds: tuple[str, bool, str]) -> None:
    """Raises RecipeError for the first of a recipe's fields (its name, whether it is within its bound, the bound) that
    is not, naming field, value and bound."""
    for name, is_so, bound in bounds:
        if not is_so:
            raise RecipeError(f"[{table}] {name} is {getattr(recipe, name)!r}, must be {bound}")


@dataclass(frozen=True)
class FitOptions:
    """How every stage is fitted. `batch_tokens`: positions of the decoder's batches, 0 for eight episodes each.

    Raises ValueError naming field, value and bound.
    """

    precision: str = "bf16-mixed"
    accelerator: str = "auto"
    devices: int = 1
    accumulate: int = 1
    batch_tokens: int = 0

    def __post_init__(self) -> None:
        for name, ok, bound in (
            ("precision", self.precision in PRECISIONS, f"one of {', '.join(PRECISIONS)}"),
            ("devices", 1 <= self.devices <= MAX_DEVICES, f"in 1..{MAX_DEVICES}"),
            ("accumulate", self.accumulate >= 1, ">= 1"),
            ("batch_tokens", self.batch_tokens == 0 or self.batch_tokens >= MIN_BATCH_TOKENS,
             f"0 or >= {MIN_BATCH_TOKENS}"),
        ):  # fmt: skip
            if not ok:
                raise ValueError(f"[fit] {name} is {getattr(self, name)!r}, must be {bound}")

    @property
    def of_loop(self) -> dict[str, Any]:
        """Those that `FitConfig` takes."""
        return {name: getattr(self, name) for name in ("precision", "accelerator", "devices", "accumulate")}


@dataclass(frozen=True)
class TokenizerStage:
    n_scenes: int = 2000


@dataclass(frozen=True)
class TimedStage:
    """Minutes of wall clock and the peak learning rate; the schedule follows the clock."""

    minutes: float = 60.0
    learning_rate: float = 1e-3


@dataclass(frozen=True)
class VisionStage(TimedStage):
    n_frames: int = 20_000
    n_drawers: int = 1
    refine_minutes: float = 0.0
    matching_minutes: float = 8.0


@dataclass(frozen=True)
class FusionStage(TimedStage):
    n_frames: int = 8_000


@dataclass(frozen=True)
class BundleStage:
    name: str = "diorama"
    version: str = "0.1.0"
    knows: str = ""
    knows_not: str = ""


@dataclass(frozen=True)
class Recipe:
    """One training run. Raises RecipeError for a name that it does not have."""

    seed: int = 0
    n_threads: int = 1
    fit: FitOptions = field(default_factory=FitOptions)
    tokenizer: TokenizerStage = field(default_factory=TokenizerStage)
    speech: TimedStage = field(default_factory=TimedStage)
    vision: VisionStage = field(default_factory=VisionStage)
    language: TimedStage = field(default_factory=TimedStage)
    fusion: FusionStage = field(default_factory=FusionStage)
    bundle: BundleStage = field(default_factory=BundleStage)

    @classmethod
    def load(cls, path: Path) -> Recipe:
        return build(cls, read_toml(path), path.name)


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file. Raises RecipeError."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RecipeError(f"cannot read the recipe {path}: {error}") from error


def has_table(config: Path | None, name: str) -> bool:
    """Whether this TOML file has such a table; False where it cannot be read."""
    try:
        return config is not None and name in read_toml(config)
    except RecipeError:
        return False


def build(cls: type[T], values: Mapping[str, Any], where: str) -> T:
    """A dataclass, and those in it, from a TOML table. Raises RecipeError for what it does not have."""
    known = {f.name: f for f in fields(cls)}  # type: ignore[arg-type]
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise RecipeError(f"{where} has no {unknown[0]!r}; it has {', '.join(known)}")
    parts = {
        name: build(known[name].default_factory, value, f"{where} [{name}]") if isinstance(value, dict) else value  # type: ignore
        for name, value in values.items()
    }
    try:
        return cls(**parts)
    except (TypeError, ValueError) as error:
        raise RecipeError(f"{where}: {error}") from error


class Run:
    """The stages of one recipe, in one directory."""

    def __init__(self, recipe: Recipe, out: Path) -> None:
        self.recipe, self.out = recipe, out
        self.stages: dict[str, Callable[[], None]] = {
            "tokenizer": self.tokenizer,
            "speech": self.speech,
            "vision": self.vision,
            "language": self.language,
            "fusion": self.fusion,
            "bundle": self.bundle,
        }

    def run(self, names: tuple[str, ...]) -> None:
        for name in names:
            if (self.out / name / "done.json").exists():
                continue
            (self.out / name).mkdir(parents=True, exist_ok=True)
            began = time.time()
            self.stages[name]()
            (self.out / name / "done.json").write_text(json.dumps({"seconds": round(time.time() - began, 1)}) + "\n")

    def _timed(self, stage: TimedStage, **more: float) -> FitConfig:
        options = {**self.recipe.fit.of_loop, **more}
        return FitConfig(minutes=stage.minutes, learning_rate=stage.learning_rate, **options)

    def tokenizer(self) -> None:
        train_tokenizer(self.recipe.tokenizer.n_scenes, self.recipe.seed).save(self._tokenizer_path)

    def speech(self) -> None:
        config = self._timed(self.recipe.speech)
        train_speech(self._tokenizer_path, self.out / "speech", config, seed=self.recipe.seed)

    def vision(self) -> None:
        stage = self.recipe.vision
        train_vision(
            self.out / "vision",
            self._load_tokenizer(),
            minutes=stage.minutes,
            n_frames=stage.n_frames,
            n_drawers=stage.n_drawers,
            learning_rate=stage.learning_rate,
            refine_minutes=stage.refine_minutes,
            matching_minutes=stage.matching_minutes,
            **self.recipe.fit.of_loop,
        )

    def language(self) -> None:
        config = self._timed(self.recipe.language, final_rate=0.3)
        train_language(
            self._load_tokenizer(),
            config,
            self.out / "language",
            batch_tokens=self.recipe.fit.batch_tokens,
            seed=self.recipe.seed,
        )

    def fusion(self) -> None:
        frames = self.out / "fusion" / "frames"
        draw(frames, self.recipe.fusion.n_frames, first_seed=FUSION_FIRST_SEED)
        vision = Vision(self._vision_config)
        vision.load_state_dict(load_file(self._made("vision", "vision.safetensors")))
        train_language(
            self._load_tokenizer(),
            self._timed(self.recipe.fusion),
            self.out / "fusion",
            detected=[Detected(frames, vision, first_seed=FUSION_FIRST_SEED)],
            held=Detected(self.out / "vision" / "test", vision, split="test"),
            start_from=self._made("language", "language.safetensors"),
            batch_tokens=self.recipe.fit.batch_tokens,
            seed=self.recipe.seed + 1,
        )

    def bundle(self) -> None:
        tokenizer = self._load_tokenizer()
        audio = AudioConfig.from_dict(json.loads(self._made("speech", "audio.json").read_text()))
        gpt = GPTConfig(vocab_size=tokenizer.n_vocab)
        names = {"zh": {value: CHINESE[value] for values in ATTRIBUTES.values() for value in values}}
        model = FusedModel(ModelConfig(gpt, self._vision_config, audio, names), tokenizer)
        model.vision.load_state_dict(load_file(self._made("vision", "vision.safetensors")))
        model.audio.load_state_dict(load_file(self._made("speech", "audio.safetensors")))
        language = load_file(self._made("fusion", "language.safetensors"))
        left_out = model.load_state_dict(language, strict=False)
        if left_out.unexpected_keys or any(not k.startswith(("vision.", "audio.")) for k in left_out.missing_keys):
            raise RecipeError(f"fusion/language.safetensors does not fit: {left_out}")
        stage = self.recipe.bundle
        info = BundleInfo(
            stage.name,
            stage.version,
            languages=tuple(LANGUAGES),
            knows=stage.knows,
            knows_not=stage.knows_not,
            provenance={
                "trained_by": "scenewright train",
                "seed": self.recipe.seed,
                "stages": self._stages(),
            },
        )
        save_bundle(model, info, self.out / "bundle" / stage.name)

    @property
    def _tokenizer_path(self) -> Path:
        return self.out / "tokenizer" / "tokenizer.json"

    def _load_tokenizer(self) -> Tokenizer:
        return Tokenizer.load(self._made("tokenizer", "tokenizer.json"))

    @property
    def _vision_config(self) -> VisionConfig:
        tokenizer = self._load_tokenizer()
        return VisionConfig(attributes=ATTRIBUTES, vocab_size=tokenizer.n_vocab, eot_id=tokenizer.eot)

    def _made(self, stage: str, name: str) -> Path:
        path = self.out / stage / name
        if not path.exists():
            raise RecipeError(f"{path} is missing: run the stage {stage} first")
        return path

    def _stages(self) -> dict[str, dict[str, float]]:
        """Steps and minutes of every trained stage, for the bundle's provenance."""
        told = {}
        for stage in ("speech", "vision", "language", "fusion"):
            path = self.out / stage / "metrics.jsonl"
            if path.exists():
                last = json.loads(path.read_text().splitlines()[-1])
                told[stage] = {"steps": last["step"], "minutes": round(last["elapsed_s"] / 60, 1)}
        return told


def run(config: Path | None, out: Path, stages: tuple[str, ...] = ()) -> Path:
    """Run a recipe's stages (all when none is named) in `out`; returns the directory of the bundle.

    Raises RecipeError for an unreadable recipe, an unknown stage, or one whose forerunner has not run.
    """
    recipe = Recipe.load(config or DEFAULT_RECIPE)
    torch.set_num_threads(recipe.n_threads)
    work = Run(recipe, out)
    unknown = [name for name in stages if name not in work.stages]
    if unknown:
        raise RecipeError(f"no stage {unknown[0]!r}; the stages are {', '.join(work.stages)}")
    work.run(stages or tuple(work.stages))
    return out / "bundle" / recipe.bundle.name
