"""A bundle: the directory that holds a model. It is what the server loads, and all that it loads.

`model.json` (architecture, capabilities, provenance, sha256 of the other files), `weights.safetensors`,
`tokenizer.json`, `MODEL_CARD.md`. No pickle.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from scenewright_server.families.diorama.config import ModelConfig
from scenewright_server.families.diorama.fusion import FusedModel
from scenewright_server.families.diorama.tokenizer import Tokenizer

FORMAT = 1
WEIGHTS, TOKENIZER, MANIFEST = "weights.safetensors", "tokenizer.json", "model.json"
CAPABILITIES = (
    "describe",
    "ask",
    "voice",
    "scene_graph",
    "transcribe",
    "embed_image",
    "embed_text",
    "rank_labels",
)


class BundleError(ValueError):
    """A directory is no bundle that this version can load; the message says why."""


@dataclass(frozen=True)
class BundleInfo:
    """What a bundle says of itself."""

    name: str
    version: str
    capabilities: tuple[str, ...] = CAPABILITIES
    languages: tuple[str, ...] = ("en",)
    fusion: dict[str, str] = field(default_factory=lambda: {"image": "soft", "audio": "soft", "scene_graph": "soft"})
    knows: str = ""
    knows_not: str = ""
    provenance: dict[str, Any] = field(default_factory=dict)
    sha256: str = ""  # of the weights; filled in when the bundle is saved


@dataclass(frozen=True)
class Bundle:
    """A loaded model and what its bundle says of it."""

    model: FusedModel
    info: BundleInfo


def save_bundle(model: FusedModel, info: BundleInfo, path: Path, dtype: torch.dtype = torch.bfloat16) -> BundleInfo:
    """Write a bundle into the directory `path`; returns `info` with the weights' sha256."""
    path.mkdir(parents=True, exist_ok=True)
    state = {
        name: (tensor.to(dtype) if tensor.is_floating_point() else tensor).contiguous().clone()
        for name, tensor in model.state_dict().items()
    }
    save_file(state, path / WEIGHTS)
    model.tokenizer.save(path / TOKENIZER)
    info = BundleInfo(**{**asdict(info), "sha256": _sha256(path / WEIGHTS)})
    manifest = {
        "format": FORMAT,
        **asdict(info),
        "tokenizer_sha256": _sha256(path / TOKENIZER),
        "architecture": model.config.to_dict(),
    }
    (path / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")
    return info


def load_bundle(path: Path, device: str | torch.device = "cpu") -> Bundle:
    """Load a bundle as float32, in eval mode.

    Raises BundleError for one that is missing, damaged or of another format.
    """
    try:
        manifest = json.loads((path / MANIFEST).read_text())
    except FileNotFoundError:
        raise BundleError(f"no bundle at {path}: {MANIFEST} is missing") from None
    except ValueError as error:
        raise BundleError(f"{path / MANIFEST} is no JSON: {error}") from None
    if manifest.pop("format", None) != FORMAT:
        raise BundleError(f"{path} is not of bundle format {FORMAT}")
    for name, expected in ((WEIGHTS, manifest["sha256"]), (TOKENIZER, manifest.pop("tokenizer_sha256"))):
        if not (path / name).is_file():
            raise BundleError(f"no bundle at {path}: {name} is missing")
        if (actual := _sha256(path / name)) != expected:
            raise BundleError(f"{path / name} is damaged: sha256 {actual}, expected {expected}")
    try:
        config = ModelConfig.from_dict(manifest.pop("architecture"))
        manifest |= {name: tuple(manifest[name]) for name in ("capabilities", "languages")}
        info = BundleInfo(**manifest)
        model = FusedModel(config, Tokenizer.load(path / TOKENIZER))
        model.load_state_dict(load_file(path / WEIGHTS))
    except (TypeError, KeyError, RuntimeError) as error:
        raise BundleError(f"{path} does not fit this version: {error}") from error
    return Bundle(model.float().to(device).eval().requires_grad_(False), info)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
