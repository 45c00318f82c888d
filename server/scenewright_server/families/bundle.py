"""Bundles: the directories that hold models. They are what the server loads, and all that it loads; no pickle.

Each has a `model.json` that names the format, the family and the sha256 of the other files.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import platformdirs
import torch

from scenewright_server.families.family import Family

FORMAT = 1
MANIFEST = "model.json"
EMBEDDED_NAME = "diorama"
EMBEDDED = Path(__file__).resolve().parents[1] / "bundles" / EMBEDDED_NAME
"""The bundle that comes with the package."""

DTYPES = {"auto": None, "float32": torch.float32, "bfloat16": torch.bfloat16}
"""What weights, keys and values may be; "auto": what suits the bundle."""


class BundleError(ValueError):
    """A directory is no bundle that this version can load; the message says why."""


def user_cache() -> Path:
    """Where `scenewright pull` keeps what it fetched and made: the user's cache directory of this system."""
    return platformdirs.user_cache_path("scenewright")


def pulled_bundle(name: str, cache: Path) -> Path:
    """Where a bundle that was pulled by this name is kept, whether it is there or not."""
    return cache / "models" / name


def find_bundle(name: str | Path) -> Path:
    """The directory of a bundle: at this path, or the one that comes with the package or was pulled by this name."""
    path = Path(name)
    if path.is_dir() or path.name != str(name):
        return path
    if str(name) == EMBEDDED_NAME:
        return EMBEDDED
    pulled = pulled_bundle(str(name), user_cache())
    return pulled if pulled.is_dir() else path


def load_family(path: Path = EMBEDDED, device: str | torch.device = "cpu", dtype: str = "auto") -> Family:
    """The model in the bundle at `path`, ready to run on `device` in `dtype` (a key of DTYPES).

    Raises BundleError for one that is missing, damaged, of another format or of an unknown family.
    """
    name = str(read_manifest(path)["family"])
    if name not in FAMILIES:
        raise BundleError(f"{path / MANIFEST}: family is {name!r}, this version knows {', '.join(FAMILIES)}")
    return FAMILIES[name](path, torch.device(device), DTYPES[dtype])


def read_manifest(path: Path) -> dict[str, Any]:
    """What the bundle at `path` says of itself. Raises BundleError."""
    try:
        manifest = json.loads((path / MANIFEST).read_text())
    except FileNotFoundError:
        raise BundleError(f"no bundle at {path}: {MANIFEST} is missing") from None
    except (OSError, ValueError) as error:
        raise BundleError(f"{path / MANIFEST} is no JSON: {error}") from None
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise BundleError(f"{path} is not of bundle format {FORMAT}")
    return {"family": "diorama", **manifest}


def check_file(path: Path, sha256: str) -> None:
    """Raises BundleError unless the file is there and has this sum."""
    if not path.is_file():
        raise BundleError(f"no bundle at {path.parent}: {path.name} is missing")
    if (actual := file_sha256(path)) != sha256:
        raise BundleError(f"{path} is damaged: sha256 {actual}, expected {sha256}")


def file_sha256(path: Path) -> str:
    """64 lower-case hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _load_diorama(path: Path, device: torch.device, dtype: torch.dtype | None) -> Family:
    from scenewright_server.families.diorama.diorama import Diorama
    from scenewright_server.families.diorama.storage import load_bundle

    return Diorama(load_bundle(path, device, dtype or torch.float32))


def _load_chat(path: Path, device: torch.device, dtype: torch.dtype | None) -> Family:
    from scenewright_server.families.chat.chat import Chat
    from scenewright_server.families.chat.remote import is_remote, load_remote
    from scenewright_server.families.chat.storage import load_bundle

    if is_remote(path):
        return load_remote(path, device)
    return Chat(load_bundle(path, device, dtype))


FAMILIES: dict[str, Callable[[Path, torch.device, torch.dtype | None], Family]] = {
    "diorama": _load_diorama,
    "chat": _load_chat,
}
"""Every family, by the name that its bundles give."""
