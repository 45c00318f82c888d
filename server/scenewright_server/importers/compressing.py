"""A bundle's decoder with fewer or smaller numbers: pruned, packed as int8 or int4, and written as a bundle again."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import Tensor

from scenewright_server.families.bundle import MANIFEST, BundleError, file_sha256, load_family, read_manifest
from scenewright_server.families.chat import storage as chat
from scenewright_server.families.chat.remote import is_remote
from scenewright_server.families.diorama import storage as diorama
from scenewright_server.importers.bundles import check_bundle, save_tensors, written_whole
from scenewright_server.importers.refusal import ImportRefused
from scenewright_server.model.pruning import prune_2_4, prune_magnitude
from scenewright_server.model.quantised import GROUPS, pack_int4, pack_int8

WEIGHTS = ("int8", "int4")
LAYER = re.compile(r"(?:gpt\.)?blocks\.\d+\.(?:attention\.(?:qkv|out)|mlp\.(?:up|down))\.weight")
"""A linear layer of a decoder's blocks; these are pruned."""
TABLES = ("tokens.weight", "head.weight")
Report = Callable[[str, int, int], None]
"""Told of the progress: the tensor, how many are done, and of how many."""


class CompressionRefused(ValueError):
    """What is asked for cannot be done; the message names the field, the value and the bound."""


@dataclass(frozen=True)
class Compression:
    """weights: "int8", "int4" or "" as they are; group: columns that share a scale in int4; prune: "magnitude:SHARE",
    "2:4" or "" for none. Raises CompressionRefused."""

    weights: str = ""
    group: int = 32
    prune: str = ""

    def __post_init__(self) -> None:
        if not (self.weights or self.prune):
            raise CompressionRefused("nothing to do: expected --weights, --prune or both")
        if self.weights and self.weights not in WEIGHTS:
            raise CompressionRefused(f"--weights {self.weights}: expected one of {', '.join(WEIGHTS)}")
        if self.group not in GROUPS:
            raise CompressionRefused(f"--group {self.group}: expected one of {', '.join(map(str, GROUPS))}")
        if self.prune not in ("", "2:4") and not 0 < self.share < 1:
            raise CompressionRefused(
                f"--prune {self.prune}: expected 2:4, or magnitude:SHARE with a share between 0 and 1"
            )
        if self.prune and self.weights == "int4":
            raise CompressionRefused("--prune with --weights int4: in int4 zeros would not stay zeros; use int8")

    @property
    def share(self) -> float:
        """Of a matrix's numbers that become zero by magnitude; 0 where none do, or where `prune` does not tell."""
        found = re.fullmatch(r"magnitude:(\d*\.?\d+)", self.prune)
        return float(found[1]) if found else 0.0

    def to_dict(self) -> dict[str, Any]:
        told: dict[str, Any] = {"weights": self.weights} if self.weights else {}
        if self.weights == "int4":
            told["group"] = self.group
        return told | ({"prune": self.prune} if self.prune else {})


def compress_bundle(source: Path, out: Path, how: Compression, name: str, report: Report) -> Path:
    """Write the bundle at `source` compressed to the directory `out`, over a bundle that is there and nothing else.

    Packed are the linear layers, the head and the table of tokens. The table is int8 in int4 too: it is looked up by
    rows, and where it is the head as well, it would have to be there twice. Pruned are the linear layers of the blocks.
    Senses and adapters stay as they are.
    Raises BundleError for what is no bundle, CompressionRefused, and ImportRefused where `out` cannot be written; then
    `out` is as it was before.
    """
    manifest = read_manifest(source)
    _refuse(source, manifest, out, how)
    is_diorama = manifest["family"] == diorama.FAMILY
    weights = diorama.WEIGHTS if is_diorama else chat.DECODER
    told = {**how.to_dict(), "of": manifest["name"], "sha256": file_sha256(source / MANIFEST)}
    manifest["name"] = name
    manifest["provenance"] = {**manifest.get("provenance", {}), "compressed": told}
    if how.weights:
        manifest["decoder"]["packed"] = {"format": chat.PACKED_FORMAT, "weights": how.weights}
    with written_whole(out) as path:
        state = dict(_compress(source / weights, how, report))
        if (free := shutil.disk_usage(path).free) < (n_bytes := _room(source, weights, state)):
            raise ImportRefused(path.parent, "room", f"{n_bytes} bytes free", free)
        save_tensors(state, path / weights)
        for file in source.iterdir():
            if file.name not in (weights, MANIFEST) and file.is_file():
                shutil.copyfile(file, path / file.name)
        _tell(path / chat.CARD, how, told)
        if is_diorama:
            manifest["sha256"] = file_sha256(path / weights)
        else:
            manifest["files"] = {file: file_sha256(path / file) for file in manifest["files"]}
        (path / MANIFEST).write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")
        if is_diorama:
            load_family(path)
        else:
            check_bundle(path, out)
    return out


def _refuse(source: Path, manifest: Mapping[str, Any], out: Path, how: Compression) -> None:
    """Raises CompressionRefused for what can be told before any work."""
    if out.exists() and not (out / MANIFEST).is_file():
        raise CompressionRefused(f"--out {out}: expected nothing there, or a bundle to replace")
    if out.exists() and out.resolve() == source.resolve():
        raise CompressionRefused(f"--out {out}: it is the bundle that is read")
    if manifest["family"] == diorama.FAMILY:
        if how.weights:
            raise CompressionRefused(f"{source}: --weights {how.weights} is for chat bundles, this one is a diorama")
        return
    if manifest["family"] != chat.FAMILY:
        raise CompressionRefused(f"{source}: a bundle of the family {manifest['family']!r} cannot be compressed")
    if is_remote(source):
        raise CompressionRefused(f"{source}: its decoder is an endpoint, so there are no weights to compress")
    if (packed := manifest["decoder"].get("packed")) is not None:
        raise CompressionRefused(
            f"{source}: its weights are {packed['weights']} already; compress the bundle that it was made of"
        )
    try:
        chat.read_info(source, dict(manifest))
    except (KeyError, TypeError, AttributeError) as error:
        raise BundleError(f"{source} does not fit this version: {type(error).__name__}: {error}") from error


def _compress(file: Path, how: Compression, report: Report) -> Iterator[tuple[str, Tensor]]:
    """The tensors of a decoder's file, pruned and packed one by one. Raises CompressionRefused."""
    try:
        opened = safe_open(file, "pt")
    except (OSError, SafetensorError) as error:
        raise BundleError(f"{file}: {error}") from None
    with opened as tensors:
        names = list(tensors.keys())
        if not any(map(LAYER.fullmatch, names)):
            raise BundleError(f"{file}: no decoder's layers are in it")
        for n, name in enumerate(names, 1):
            tensor, layer = tensors.get_tensor(name), name.removesuffix(".weight")
            is_linear = LAYER.fullmatch(name) is not None
            if is_linear and how.prune:
                tensor = _prune(name, tensor, how)
            if how.weights and (is_linear or name in TABLES):
                packed, scales = _pack(name, tensor, how)
                yield f"{layer}.packed", packed
                yield f"{layer}.scales", scales
            else:
                yield name, tensor
            report(name, n, len(names))


def _prune(name: str, weight: Tensor, how: Compression) -> Tensor:
    if how.prune != "2:4":
        return prune_magnitude(weight, how.share)
    if weight.shape[1] % 4:
        raise CompressionRefused(f"--prune 2:4: {name} has {weight.shape[1]} columns, not a multiple of 4")
    return prune_2_4(weight)


def _pack(name: str, weight: Tensor, how: Compression) -> tuple[Tensor, Tensor]:
    if how.weights == "int8" or name == "tokens.weight":
        return pack_int8(weight)
    n = weight.shape[1]
    if n % how.group:
        fitting = ", ".join(str(group) for group in GROUPS if n % group == 0) or "none of them"
        raise CompressionRefused(f"--group {how.group}: it does not divide the {n} columns of {name}; {fitting} does")
    return pack_int4(weight, how.group)


def _room(source: Path, weights: str, state: Mapping[str, Tensor]) -> int:
    others = sum(file.stat().st_size for file in source.iterdir() if file.name != weights and file.is_file())
    return others + sum(tensor.nbytes for tensor in state.values())


def _tell(card: Path, how: Compression, told: Mapping[str, Any]) -> None:
    """Add to the card what was done."""
    done = " and ".join(filter(None, (how.prune and f"pruned ({how.prune})", how.weights and f"{how.weights} weights")))
    text = card.read_text(encoding="utf-8") if card.is_file() else ""
    card.write_text(f"{text}\nCompressed: {done}, of the bundle {told['of']}.\n", encoding="utf-8")
