"""The one error of an import: what was looked at, what was expected and what was found."""

from __future__ import annotations

from pathlib import Path


class ImportRefused(ValueError):
    """A checkpoint cannot be imported; the message names its file, the key, what was expected and what was found."""

    def __init__(self, file: Path | str, key: str, expected: object, found: object) -> None:
        super().__init__(f"{file}: {key}: expected {expected}, found {found}")
        self.file, self.key, self.expected, self.found = str(file), key, str(expected), str(found)
