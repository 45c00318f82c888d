"""A GGUF file's header and tensors (github.com/ggml-org/ggml, docs/gguf.md). Dequantising is the gguf package's.

The header is read here, with bounds: the package's reader trusts every count, and one that lies keeps it busy for ever.
"""

from __future__ import annotations

import math
import mmap
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import gguf
import numpy as np
import torch
from torch import Tensor

from scenewright_server.importers.refusal import ImportRefused

TYPES = {
    kind.value: kind
    for kind in map(
        gguf.GGMLQuantizationType.__getitem__,
        ("F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q4_K", "Q5_K", "Q6_K"),
    )
}
"""The types of tensors that are read, by their number in the file."""
MAX_TENSORS, MAX_FIELDS, MAX_ARRAY, MAX_STRING = 2**16, 2**12, 2**22, 2**20
_SCALARS = dict(enumerate("BbHhIif?", 0)) | {10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9


class _Place(NamedTuple):
    """Where a tensor lies: its type, its shape as torch has it, and its bytes in the file."""

    kind: gguf.GGMLQuantizationType
    shape: tuple[int, ...]
    start: int
    n_bytes: int


class _Header:
    """Reads little-endian values one after another, never past the end."""

    def __init__(self, file: Path, data: mmap.mmap) -> None:
        self.file, self.data, self.offset = file, data, 0

    def scalar(self, letter: str) -> Any:
        return self.scalars(letter, 1)[0]

    def scalars(self, letter: str, n: int) -> tuple[Any, ...]:
        layout = struct.Struct(f"<{n}{letter}")
        self._reach(layout.size)
        values = layout.unpack_from(self.data, self.offset)
        self.offset += layout.size
        return values

    def count(self, key: str, high: int) -> int:
        if (n := self.scalar("Q")) > high:
            raise ImportRefused(self.file, key, f"at most {high}", n)
        return n

    def string(self) -> str:
        n = self.count("length of a string", MAX_STRING)
        self._reach(n)
        self.offset += n
        try:
            return self.data[self.offset - n : self.offset].decode("utf-8")
        except UnicodeDecodeError as error:
            raise ImportRefused(self.file, f"string at byte {self.offset - n}", "UTF-8", error) from None

    def value(self, key: str) -> Any:
        kind = self.scalar("I")
        if kind != _ARRAY:
            return self._one(key, kind)
        kind = self.scalar("I")
        n = self.count(key, MAX_ARRAY)
        return list(self.scalars(_SCALARS[kind], n)) if kind in _SCALARS else [self._one(key, kind) for _ in range(n)]

    def _one(self, key: str, kind: int) -> Any:
        if kind == _STRING:
            return self.string()
        if kind not in _SCALARS:
            raise ImportRefused(self.file, key, "a value of a known type", f"type {kind}")
        return self.scalar(_SCALARS[kind])

    def _reach(self, n: int) -> None:
        if self.offset + n > len(self.data):
            raise ImportRefused(self.file, "size", f"at least {self.offset + n} bytes", len(self.data))


class GGUFFile(Mapping[str, Tensor]):
    """The settings of a GGUF file (`fields`) and its tensors, dequantised when they are asked for.

    float16 and bfloat16 stay what they are; what was quantised becomes float32. Raises ImportRefused for a file that is
    no GGUF of version 2 or 3, is truncated, or whose counts, offsets or types cannot be true.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise ImportRefused(path, "file", "to be there", "nothing")
        if path.stat().st_size < 24:
            raise ImportRefused(path, "size", "at least 24 bytes", path.stat().st_size)
        self.path = path
        with path.open("rb") as file:
            self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        header = _Header(path, self._data)
        if (magic := self._data[:4]) != b"GGUF":
            raise ImportRefused(path, "magic", b"GGUF", magic)
        header.offset = 4
        if (version := header.scalar("I")) not in (2, 3):
            raise ImportRefused(path, "version", "2 or 3, little-endian", version)
        n_tensors, n_fields = header.count("tensor count", MAX_TENSORS), header.count("field count", MAX_FIELDS)
        self.fields: dict[str, Any] = {}
        for _ in range(n_fields):
            key = header.string()
            if key in self.fields:
                raise ImportRefused(path, key, "once", "again")
            self.fields[key] = header.value(key)
        self._places = self._read_places(header, n_tensors)

    def _read_places(self, header: _Header, n_tensors: int) -> dict[str, _Place]:
        places: dict[str, _Place] = {}
        for _ in range(n_tensors):
            name, n_dims = header.string(), header.scalar("I")
            if name in places:
                raise ImportRefused(self.path, name, "once", "again")
            if not 1 <= n_dims <= 4:
                raise ImportRefused(self.path, name, "1 to 4 dimensions", n_dims)
            shape, number, start = header.scalars("Q", n_dims)[::-1], header.scalar("I"), header.scalar("Q")
            if number not in TYPES:
                raise ImportRefused(self.path, name, f"one of {', '.join(t.name for t in TYPES.values())}", number)
            per_block, block_bytes = gguf.GGML_QUANT_SIZES[TYPES[number]]
            if shape[-1] % per_block:
                raise ImportRefused(self.path, name, f"rows of a multiple of {per_block}", shape[-1])
            n_bytes = math.prod(shape) // per_block * block_bytes
            places[name] = _Place(TYPES[number], shape, start, n_bytes)
        alignment = self.fields.get("general.alignment", 32)
        if not isinstance(alignment, int) or not 0 < alignment <= 2**16:
            raise ImportRefused(self.path, "general.alignment", f"1 to {2**16}", alignment)
        base = -(-header.offset // alignment) * alignment
        places = {name: place._replace(start=base + place.start) for name, place in places.items()}
        end = base
        for name, place in sorted(places.items(), key=lambda item: item[1].start):
            if place.start < end:
                raise ImportRefused(self.path, name, f"data from byte {end} on", f"byte {place.start}")
            end = place.start + place.n_bytes
            if end > len(self._data):
                raise ImportRefused(self.path, name, f"a file of {end} bytes", f"{len(self._data)} bytes")
        return places

    def __getitem__(self, name: str) -> Tensor:
        kind, shape, start, n_bytes = self._places[name]
        raw = np.frombuffer(self._data, np.uint8, n_bytes, start)
        if kind.name in ("F16", "BF16"):
            dtype = torch.float16 if kind.name == "F16" else torch.bfloat16
            return torch.from_numpy(raw.copy()).view(dtype).reshape(shape)
        if kind.name == "F32":
            return torch.from_numpy(raw.copy()).view(torch.float32).reshape(shape)
        rows = raw.reshape(math.prod(shape[:-1]), -1)
        return torch.from_numpy(gguf.dequantize(rows, kind).reshape(shape))

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)
