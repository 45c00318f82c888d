"""Settings out of a file that somebody else wrote: each is asked for by name, with its bound."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scenewright_server.importers.refusal import ImportRefused

MAX_JSON_BYTES = 64 * 2**20
"""Of one JSON file of a checkpoint: the largest tokenizers have 20 MB."""
_MISSING = object()


class Fields:
    """Named values of one file. Every method raises ImportRefused for a value that is missing or no such thing."""

    def __init__(self, file: Path | str, values: Mapping[str, Any]) -> None:
        self.file, self.values = file, values

    def get(self, key: str, default: Any = _MISSING) -> Any:
        """The value as it is; null counts as missing."""
        value = self.values.get(key)
        if value is not None:
            return value
        if default is _MISSING:
            raise ImportRefused(self.file, key, "a value", "none")
        return default

    def count(self, key: str, default: Any = _MISSING, *, low: int = 1, high: int = 2**22) -> int:
        """A whole number from `low` to `high`."""
        value = self.get(key, default)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ImportRefused(self.file, key, f"a whole number from {low} to {high}", repr(value))
        return value

    def number(self, key: str, default: Any = _MISSING, *, low: float = 0.0, high: float = 1e12) -> float:
        """A finite number above `low` and up to `high`."""
        value = self.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low < value <= high:
            raise ImportRefused(self.file, key, f"a number above {low:g}, up to {high:g}", repr(value))
        if not math.isfinite(value):
            raise ImportRefused(self.file, key, "a finite number", repr(value))
        return float(value)

    def flag(self, key: str, default: Any = _MISSING) -> bool:
        """True or false."""
        value = self.get(key, default)
        if not isinstance(value, bool):
            raise ImportRefused(self.file, key, "true or false", repr(value))
        return value

    def choose(self, key: str, choices: Mapping[Any, Any], default: Any = _MISSING) -> Any:
        """What `choices` has for the value."""
        value = self.get(key, default)
        if isinstance(value, dict | list) or value not in choices:
            raise ImportRefused(self.file, key, f"one of {', '.join(map(str, choices))}", repr(value))
        return choices[value]

    def require(self, key: str, expected: Any, default: Any = _MISSING) -> None:
        """The value is `expected`: another is something that our decoder does not do."""
        if (value := self.get(key, default)) != expected:
            raise ImportRefused(self.file, key, repr(expected), repr(value))

    def inside(self, key: str) -> Fields:
        """The settings under `key`; none when it is missing."""
        value = self.get(key, {})
        if not isinstance(value, dict):
            raise ImportRefused(self.file, key, "an object", repr(value))
        return Fields(self.file, value)


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object out of a file of at most MAX_JSON_BYTES."""
    if not path.is_file():
        raise ImportRefused(path, "file", "to be there", "nothing")
    if (size := path.stat().st_size) > MAX_JSON_BYTES:
        raise ImportRefused(path, "size", f"at most {MAX_JSON_BYTES} bytes", size)
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ImportRefused(path, "content", "JSON", error) from None
    if not isinstance(values, dict):
        raise ImportRefused(path, "content", "a JSON object", type(values).__name__)
    return values
