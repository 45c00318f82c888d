"""A diorama's bundle: `model.json` (architecture, capabilities, provenance, sha256 of the other files),
`weights.safetensors`, `tokenizer.json`, `MODEL_CARD.md`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from scenewright_server.families.bundle import FORMAT, MANIFEST, BundleError, check_file, file_sha256, read_manifest
from scenewright_server.families.diorama.config import ModelConfig
from scenewright_server.families.diorama.fusion import FusedModel
from scenewright_server.families.diorama.tokenizer import Tokenizer

FAMILY = "diorama"
WEIGHTS, TOKENIZER = "weights.safetensors", "tokenizer.json"
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
    info = BundleInfo(**{**asdict(info), "sha256": file_sha256(path / WEIGHTS)})
    manifest = {
        "format": FORMAT,
        "family": FAMILY,
        **asdict(info),
        "tokenizer_sha256": file_sha256(path / TOKENIZER),
        "architecture": model.config.to_dict(),
    }
    (path / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")
    return info


def load_bundle(path: Path, device: str | torch.device = "cpu", dtype: torch.dtype = torch.float32) -> Bundle:
    """Load a bundle in eval mode.

    Raises BundleError for one that is missing, damaged or of another format.
    """
    manifest = read_manifest(path)
    try:
        check_file(path / WEIGHTS, manifest["sha256"])
        check_file(path / TOKENIZER, manifest.pop("tokenizer_sha256"))
        config = ModelConfig.from_dict(manifest.pop("architecture"))
        manifest |= {name: tuple(manifest[name]) for name in ("capabilities", "languages")}
        info = BundleInfo(**{name: value for name, value in manifest.items() if name not in ("format", "family")})
        model = FusedModel(config, Tokenizer.load(path / TOKENIZER))
        model.load_state_dict(load_file(path / WEIGHTS))
    except (TypeError, KeyError, RuntimeError) as error:
        raise BundleError(f"{path} does not fit this version: {error}") from error
    return Bundle(model.to(device, dtype).eval().requires_grad_(False), info)
