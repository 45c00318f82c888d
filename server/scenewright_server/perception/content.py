"""Results kept by the content they were made from, so that an unchanged frame is not encoded twice."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any, Generic, TypeVar

import numpy as np

T = TypeVar("T")


def digest(value: Any) -> bytes:
    """A blake2b key of arrays (bytes, shape, dtype), plain values, and dataclasses and lists of them."""
    key = hashlib.blake2b(digest_size=16)

    def add(part: Any) -> None:
        key.update(b"\0")
        if isinstance(part, np.ndarray):
            key.update(f"{part.dtype}{part.shape}".encode())
            key.update(np.ascontiguousarray(part).data)
        elif is_dataclass(part):
            key.update(type(part).__name__.encode())
            for item in fields(part):
                add(getattr(part, item.name))
        elif isinstance(part, dict):
            for name in sorted(part):
                key.update(name.encode())
                add(part[name])
        elif isinstance(part, tuple | list):
            for item in part:
                add(item)
        else:
            key.update(repr(part).encode())

    add(value)
    return key.digest()


class Recent(Generic[T]):
    """The `size` results used last."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._results: OrderedDict[bytes, T] = OrderedDict()

    def get(self, key: bytes, make: Callable[[], T]) -> T:
        """The result kept under `key`, or else the one that `make` gives; an error of `make` is not kept."""
        if key not in self._results:
            self._results[key] = make()
            if len(self._results) > self._size:
                self._results.popitem(last=False)
        self._results.move_to_end(key)
        return self._results[key]
