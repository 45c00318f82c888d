"""CTranslate2's `model.bin`: a list of named tensors and of aliases.

The format, little-endian (github.com/OpenNMT/CTranslate2, python/ctranslate2/specs/model_spec.py): version, the
model's name, its revision, then each tensor's name, dimensions, type and bytes, then aliases. Strings are a 16-bit
length, which counts a last zero byte, and UTF-8.
"""

from __future__ import annotations

import math
import mmap
import struct
from pathlib import Path

import torch
from torch import Tensor

from scenewright_server.importers.refusal import ImportRefused

MAX_TENSORS = 2**16
_TYPES = (torch.float32, torch.int8, torch.int16, torch.int32, torch.float16, torch.bfloat16)
_VERSION = 6


class _Reader:
    """Reads values one after another, never past the end."""

    def __init__(self, path: Path, data: mmap.mmap) -> None:
        self.path, self.data, self.offset = path, data, 0

    def take(self, n: int) -> bytes:
        if self.offset + n > len(self.data):
            raise ImportRefused(self.path, "size", f"at least {self.offset + n} bytes", len(self.data))
        self.offset += n
        return self.data[self.offset - n : self.offset]

    def number(self, letter: str) -> int:
        layout = struct.Struct(f"<{letter}")
        return int(layout.unpack(self.take(layout.size))[0])

    def string(self) -> str:
        start, raw = self.offset, self.take(self.number("H"))
        try:
            return raw.rstrip(b"\0").decode("utf-8")
        except UnicodeDecodeError as error:
            raise ImportRefused(self.path, f"string at byte {start}", "UTF-8", error) from None

    def count(self, key: str) -> int:
        if (n := self.number("I")) > MAX_TENSORS:
            raise ImportRefused(self.path, key, f"at most {MAX_TENSORS}", n)
        return n

    def tensor(self, name: str) -> Tensor:
        shape = [self.number("I") for _ in range(self.number("B"))]
        if (kind := self.number("B")) >= len(_TYPES):
            raise ImportRefused(self.path, name, f"a type below {len(_TYPES)}", kind)
        n_bytes, expected = self.number("I"), math.prod(shape) * _TYPES[kind].itemsize
        if n_bytes != expected:
            raise ImportRefused(self.path, name, f"{expected} bytes for shape {shape}", n_bytes)
        return torch.frombuffer(bytearray(self.take(n_bytes)), dtype=_TYPES[kind]).reshape(shape)


def read_model_bin(path: Path, model: str) -> dict[str, Tensor]:
    """The tensors of a file that holds a `model` (WhisperSpec), aliases resolved. Raises ImportRefused otherwise."""
    if not path.is_file():
        raise ImportRefused(path, "file", "to be there", "nothing")
    if not path.stat().st_size:
        raise ImportRefused(path, "size", "at least 4 bytes", 0)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        reader = _Reader(path, data)
        if (version := reader.number("I")) != _VERSION:
            raise ImportRefused(path, "version", _VERSION, version)
        if (found := reader.string()) != model:
            raise ImportRefused(path, "model", model, repr(found))
        reader.number("I")  # the revision
        tensors: dict[str, Tensor] = {}
        for _ in range(reader.count("tensor count")):
            name = reader.string()
            if name in tensors:
                raise ImportRefused(path, name, "once", "again")
            tensors[name] = reader.tensor(name)
        for _ in range(reader.count("alias count")):
            alias, name = reader.string(), reader.string()
            if name not in tensors:
                raise ImportRefused(path, alias, "an alias of a tensor", repr(name))
            tensors[alias] = tensors[name]
    return tensors
