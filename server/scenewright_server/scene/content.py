"""Keys of content: equal for equal content, so that what was made of it can be kept."""

from __future__ import annotations

import hashlib
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np


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
