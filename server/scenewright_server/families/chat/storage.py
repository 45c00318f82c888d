"""A chat model's bundle: `model.json` (what it is, the parts' sizes, sha256 of every other file), the weights of its
parts, `tokenizer.json`, `chat_template.jinja`, `MODEL_CARD.md`; and `adapters/NAME.safetensors`, with which it speaks
as someone else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from whisper.model import Whisper

from scenewright_server.families.bundle import MANIFEST, BundleError, check_file, file_sha256, read_manifest
from scenewright_server.families.chat.template import BASE_PROMPT, Template
from scenewright_server.families.chat.tokenizer import ChatTokenizer
from scenewright_server.model.adapters import merge_adapter
from scenewright_server.model.clip import Clip, ClipConfig
from scenewright_server.model.config import GPTConfig
from scenewright_server.model.detector import Detector, DetectorConfig
from scenewright_server.model.gpt import GPT
from scenewright_server.model.quantised import has_bfloat16
from scenewright_server.model.whisper import WhisperConfig, build_whisper

FAMILY = "chat"
DECODER, PLANNER, HEARING, SEEING, CLIP, LABELS = (
    f"{part}.safetensors" for part in ("decoder", "planner", "hearing", "seeing", "clip", "labels")
)
PLANNER_FORMAT = 1
"""Of a planner's adapter and the prompt that it was trained on (`planning.py`)."""
SURE, LEAST = -0.5, -5.0
"""Of a planner that does not tell: a plan that scores less than the first is followed, and the answer says that this is
not sure; one that scores less than the second is not believed."""
PACKED_FORMAT = 1
"""Of a decoder's packed weights (`model/quantised.py`)."""
PLAN = "plan"
"""The planner's adapter, by name; no other is called so."""
MAX_ADAPTERS = 8
MAX_ADAPTER_BYTES = 12_000_000
ADAPTER_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")
TOKENIZER, TEMPLATE, CARD = "tokenizer.json", "chat_template.jinja", "MODEL_CARD.md"


@dataclass(frozen=True)
class Limits:
    """Positions of the context, and things of a scene."""

    context_tokens: int
    objects: int


@dataclass(frozen=True)
class BundleInfo:
    """What a bundle says of itself."""

    name: str
    version: str
    capabilities: tuple[str, ...]
    languages: tuple[str, ...]
    speech_languages: tuple[str, ...]
    fusion: dict[str, str]
    knows: str
    knows_not: str
    limits: Limits
    provenance: dict[str, Any] = field(default_factory=dict)
    sha256: str = ""  # of model.json, which holds those of the rest


@dataclass(frozen=True)
class Senses:
    """What a bundle hears and sees with, where it has such parts. labels: words for what is seen, with CLIP's
    embeddings of them (n_labels, E)."""

    whisper: Whisper | None = None
    detector: Detector | None = None
    clip: Clip | None = None
    labels: tuple[str, ...] = ()
    label_embeddings: Tensor = field(default_factory=lambda: torch.zeros(0, 0))

    @property
    def networks(self) -> list[nn.Module]:
        return [network for network in (self.whisper, self.detector, self.clip) if network is not None]


@dataclass(frozen=True)
class Bundle:
    """A loaded model and what its bundle says of it. planner: the decoder with its planner's adapter; adapters: with
    each that it may speak with. stops: the ids that end an answer; line_end: what ends one of a model without a chat
    template."""

    info: BundleInfo
    gpt: GPT
    planner: GPT | None
    adapters: Mapping[str, GPT]
    tokenizer: ChatTokenizer
    template: Template
    stops: frozenset[int]
    line_end: str
    senses: Senses
    sure: tuple[float, float] = (SURE, LEAST)  # from which scores on plans are sure, and are believed at all


def load_bundle(path: Path, device: torch.device, dtype: torch.dtype | None) -> Bundle:
    """Load a bundle in eval mode; its decoder in `dtype`, None for the one that the bundle names.

    Raises BundleError for one that is missing, damaged or of another format.
    """
    manifest = read_manifest(path)
    try:
        info = read_info(path, manifest)
        decoder = manifest["decoder"]
        if "packed" in decoder:
            _check_packed(path, decoder["packed"], device)
        config = GPTConfig.from_dict(decoder["config"])
        config = replace(config, n_ctx=min(config.n_ctx, info.limits.context_tokens))
        tokenizer = ChatTokenizer((path / TOKENIZER).read_bytes())
        if tokenizer.n_ids > config.vocab_size:
            raise BundleError(f"{path / TOKENIZER}: {tokenizer.n_ids} ids, the decoder has {config.vocab_size}")
        has_template = TEMPLATE in manifest["files"]
        template = Template(
            (path / TEMPLATE if has_template else BASE_PROMPT).read_text(encoding="utf-8"),
            tokenizer.name(decoder["bos"]),
            tokenizer.name(min(decoder["stops"], default=None)),
        )
        gpt = GPT.of(config, load_file(path / DECODER), dtype or _suiting(decoder["dtype"], device)).to(device)
        planner = _load_planner(path, manifest, gpt)
        sure, least = map(float, manifest.get("planner", {}).get("sure", (SURE, LEAST)))
        adapters = _load_adapters(path, manifest, gpt)
        senses = load_senses(path, manifest, device)
    except (TypeError, KeyError, AttributeError, RuntimeError, ValueError, OSError) as error:
        if isinstance(error, BundleError):
            raise
        raise BundleError(f"{path} does not fit this version: {type(error).__name__}: {error}") from error
    stops, line_end = frozenset(decoder["stops"]), "" if has_template else "\n"
    return Bundle(info, gpt, planner, adapters, tokenizer, template, stops, line_end, senses, (sure, least))


def _suiting(name: str, device: torch.device) -> torch.dtype:
    """The bundle's type, but float32 where bfloat16 is slow."""
    if name == "bfloat16" and not has_bfloat16(device):
        return torch.float32
    return {"bfloat16": torch.bfloat16, "float32": torch.float32}[name]


def _check_packed(path: Path, packed: dict[str, Any], device: torch.device) -> None:
    if packed["format"] != PACKED_FORMAT:
        raise BundleError(
            f"{path / MANIFEST}: decoder.packed: format {packed['format']!r}, this version has {PACKED_FORMAT}"
        )
    if packed["weights"] == "int4" and device.type != "cpu":
        raise BundleError(f"{path}: int4 weights run on a CPU alone, not on {device.type}")


def read_info(path: Path, manifest: dict[str, Any]) -> BundleInfo:
    """What a bundle says of itself, its files checked. Raises BundleError, and KeyError and its like."""
    for name, sha256 in manifest["files"].items():
        if Path(name).name != name and not _is_adapter(name):
            raise BundleError(f"{path / MANIFEST}: files: {name!r} is no file's name")
        check_file(path / name, sha256)
    names = BundleInfo.__dataclass_fields__.keys() - {"sha256"}
    values: dict[str, Any] = {name: tuple(v) if isinstance(v := manifest[name], list) else v for name in names}
    return BundleInfo(**{**values, "limits": Limits(**values["limits"])}, sha256=file_sha256(path / MANIFEST))


def load_senses(path: Path, manifest: dict[str, Any], device: torch.device) -> Senses:
    """What a bundle hears and sees with. Raises BundleError, and KeyError and its like."""
    whisper = _load(path / HEARING, manifest, "hearing", lambda c: build_whisper(WhisperConfig.from_dict(c)))
    detector = _load(path / SEEING, manifest, "seeing", lambda c: Detector(DetectorConfig.from_dict(c)))
    clip = _load(path / CLIP, manifest, "clip", lambda c: Clip(ClipConfig.from_dict(c)))
    senses = Senses(whisper, detector, clip)
    if clip is not None:
        labels, embeddings = tuple(manifest["labels"]), load_file(path / LABELS)["labels"]
        if embeddings.shape != (len(labels), clip.dimension):
            raise BundleError(
                f"{path / LABELS}: shape {list(embeddings.shape)}, expected {[len(labels), clip.dimension]}"
            )
        senses = replace(senses, labels=labels, label_embeddings=embeddings)
    for network in senses.networks:
        network.to(device)
    return senses


def _load_planner(path: Path, manifest: dict[str, Any], gpt: GPT) -> GPT | None:
    """The decoder with its planner's adapter; None where the bundle has none. On a CPU its layers are int8,
    which plans as well, and faster."""
    if "planner" not in manifest:
        return None
    planner = manifest["planner"]
    if planner["format"] != PLANNER_FORMAT:
        raise BundleError(
            f"{path / MANIFEST}: planner: format {planner['format']!r}, this version has {PLANNER_FORMAT}"
        )
    if PLANNER not in manifest["files"]:
        raise BundleError(f"{path / MANIFEST}: planner: {PLANNER} is not among the files")
    try:
        return merge_adapter(gpt, load_file(path / PLANNER), planner["rank"], gpt.device.type == "cpu")
    except ValueError as error:
        raise BundleError(f"{path / PLANNER}: {error}") from None


def adapter_file(name: str) -> str:
    """Of an adapter of this name, within its bundle."""
    return f"adapters/{name}.safetensors"


def _is_adapter(file: str) -> bool:
    name = Path(file).stem
    return bool(ADAPTER_NAME.fullmatch(name)) and file == adapter_file(name)


def _load_adapters(path: Path, manifest: dict[str, Any], gpt: GPT) -> dict[str, GPT]:
    """The decoder with each of the adapters that it may speak with, by name."""
    listed: dict[str, dict[str, Any]] = manifest.get("adapters", {})
    where = f"{path / MANIFEST}: adapters"
    if len(listed) > MAX_ADAPTERS:
        raise BundleError(f"{where}: expected at most {MAX_ADAPTERS}, found {len(listed)}")
    adapted = {}
    for name, told in listed.items():
        file = adapter_file(name)
        if name == PLAN or not _is_adapter(file):
            raise BundleError(f"{where}: {name!r}: expected a name of {ADAPTER_NAME.pattern} other than {PLAN!r}")
        if file not in manifest["files"]:
            raise BundleError(f"{where}: {file} is not among the files")
        if (n_bytes := (path / file).stat().st_size) > MAX_ADAPTER_BYTES:
            raise BundleError(f"{path / file}: expected at most {MAX_ADAPTER_BYTES} bytes, found {n_bytes}")
        try:
            adapted[name] = merge_adapter(gpt, load_file(path / file), told["rank"])
        except ValueError as error:
            raise BundleError(f"{path / file}: {error}") from None
    return adapted


def _load(path: Path, manifest: dict[str, Any], part: str, build: Any) -> Any:
    """A part's network with its weights, float32; None where the bundle has no such part."""
    if part not in manifest:
        return None
    network: nn.Module = build(manifest[part])
    network.load_state_dict(load_file(path))
    return network.float().eval().requires_grad_(False)
