"""Run as a script, in a process of its own: turns a pickle of torch into safetensors and JSON, or says why not.

    python -I unpickle.py CHECKPOINT OUT_DIRECTORY OPTIONS

CHECKPOINT is a file of torch.save, or a directory of torch.distributed.checkpoint, whose tensors alone are taken.
OPTIONS is a JSON object: memory_bytes, cpu_s, out_bytes (limits), keep (top-level keys to keep, empty: all) and
stand_ins (packages whose classes come as nothing). torch.load reads with weights_only=True. It writes
`tensors.safetensors` and `values.json`, where a tensor is {"tensor": its name}, or `refused.json` with the reason.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import resource
import sys
from pathlib import Path
from typing import Any, ClassVar

import torch
from safetensors.torch import save_file
from torch.distributed.checkpoint import FileSystemReader, load
from torch.distributed.checkpoint.metadata import Metadata, TensorStorageMetadata

MAX_NODES, MAX_DEPTH, MAX_TEXT = 1_000_000, 32, 1_000_000


class Refused(Exception):
    """What was found is nothing that an import takes."""


class StandIn:
    """Takes the place of a class or function of another package, and is nothing."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass


def limit(memory_bytes: int, cpu_s: int, out_bytes: int) -> None:
    """Bounds this process: address space beyond what it has now, processor time, and bytes of one written file."""
    try:
        used = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        used = 2**34
    for what, most in (
        (resource.RLIMIT_AS, used + memory_bytes),
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_FSIZE, out_bytes),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


def admit(path: str, packages: list[str]) -> None:
    """Lets argument namespaces through, and what belongs to `packages` as stand-ins."""
    admitted: list[Any] = [argparse.Namespace]
    try:
        wanted = torch.serialization.get_unsafe_globals_in_checkpoint(path)
    except Exception:  # an old file, of before torch 1.6, which cannot be listed
        wanted = []
    for name in wanted:
        if name.split(".")[0] in packages:
            admitted.append((type("StandIn", (StandIn,), {}), name))
    torch.serialization.add_safe_globals(admitted)


class MetadataUnpickler(pickle.Unpickler):
    """Reads a distributed checkpoint's `.metadata`: dataclasses of torch and paths, no function that does anything."""

    admitted: ClassVar = {
        "torch.distributed.checkpoint.metadata": {
            "BytesStorageMetadata", "ChunkStorageMetadata", "Metadata", "MetadataIndex", "StorageMeta",
            "TensorProperties", "TensorStorageMetadata", "_MEM_FORMAT_ENCODING",
        },
        "torch.distributed.checkpoint.filesystem": {"_StorageInfo"},
        "torch.serialization": {"_get_layout"},
        "torch": {"Size", *(name for name in dir(torch) if isinstance(getattr(torch, name), torch.dtype))},
        "pathlib": {"PosixPath", "PurePosixPath"},
        "collections": {"OrderedDict"},
    }  # fmt: skip

    def find_class(self, module: str, name: str) -> Any:
        if name not in self.admitted.get(module, ()):
            raise Refused(f"{module}.{name} in .metadata")
        return super().find_class(module, name)


class Reader(FileSystemReader):
    """torch's reader, with `.metadata` read by MetadataUnpickler; it reads tensors with weights_only=True."""

    def read_metadata(self, *args: Any, **kwargs: Any) -> Metadata:
        with Path(self.path, ".metadata").open("rb") as file:
            metadata = MetadataUnpickler(file).load()
        if not isinstance(metadata, Metadata):
            raise Refused(f"a {type(metadata).__name__} where metadata was expected")
        return metadata


def load_distributed(directory: str) -> dict[str, torch.Tensor]:
    """The tensors of a directory of torch.distributed.checkpoint, but for an optimizer's."""
    known = Reader(directory).read_metadata().state_dict_metadata
    state = {
        key: torch.empty(entry.size, dtype=entry.properties.dtype)
        for key, entry in known.items()
        if isinstance(entry, TensorStorageMetadata) and not key.startswith(("optimizer.", "rng_state"))
    }
    load(state, storage_reader=Reader(directory), no_dist=True)
    return state


class Plain:
    """Plain values out of what was unpickled; its tensors are set aside under numbers."""

    def __init__(self) -> None:
        self.tensors: dict[str, torch.Tensor] = {}
        self.n_nodes = 0

    def of(self, value: Any, depth: int = 0) -> Any:
        self.n_nodes += 1
        if self.n_nodes > MAX_NODES or depth > MAX_DEPTH:
            raise Refused(f"more than {MAX_NODES} values, or values nested deeper than {MAX_DEPTH}")
        if isinstance(value, torch.Tensor):
            name = str(len(self.tensors))
            self.tensors[name] = value.detach().contiguous().clone()
            return {"tensor": name}
        if isinstance(value, argparse.Namespace):
            value = vars(value)
        if isinstance(value, dict):
            return {"dict": {str(key): self.of(item, depth + 1) for key, item in value.items()}}
        if isinstance(value, list | tuple | set):
            return [self.of(item, depth + 1) for item in value]
        if isinstance(value, str) and len(value) <= MAX_TEXT:
            return value
        if value is None or isinstance(value, bool | float):
            return value
        if isinstance(value, int) and value.bit_length() <= 64:
            return value
        return str(value) if isinstance(value, torch.dtype) else None


def load_file(path: str) -> Any:
    """A file of torch.save, mapped where its format allows it, so that what is not kept is not read."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except RuntimeError as error:
        if "mmap can only be used" not in str(error):
            raise
    return torch.load(path, map_location="cpu", weights_only=True)


def unpickle(path: str, out: Path, options: dict[str, Any]) -> None:
    """Reads and writes. Raises whatever is wrong."""
    if os.path.isfile(path):
        admit(path, options["stand_ins"])
    limit(options["memory_bytes"], options["cpu_s"], options["out_bytes"])
    loaded = load_distributed(path) if os.path.isdir(path) else load_file(path)
    if not isinstance(loaded, dict):
        raise Refused(f"a {type(loaded).__name__} where a dict was expected")
    if options["keep"]:
        loaded = {key: value for key, value in loaded.items() if key in options["keep"]}
    plain = Plain()
    values = plain.of(loaded)
    save_file(plain.tensors, out / "tensors.safetensors")
    (out / "values.json").write_text(json.dumps(values))


def main() -> int:
    path, out, options = sys.argv[1], Path(sys.argv[2]), json.loads(sys.argv[3])
    try:
        unpickle(path, out, options)
    except BaseException as error:
        reason = f"{type(error).__name__}: {error}"
        (out / "refused.json").write_text(json.dumps(reason[:2000]))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
