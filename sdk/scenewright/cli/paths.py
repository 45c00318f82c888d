"""The files that options name, looked at before any work: a wrong path is one line, and comes first."""

from __future__ import annotations

import os
from pathlib import Path

from PIL import Image

from scenewright.errors import InvalidInputError

PEM = b"-----BEGIN CERTIFICATE"


def check_readable(*paths: Path | str | None) -> None:
    """Raises InvalidInputError for the first of these files that cannot be opened; None is no file."""
    for path in paths:
        if path is not None:
            try:
                with open(path, "rb"):
                    pass
            except (OSError, ValueError) as error:
                raise InvalidInputError(f"cannot read {str(path)!r}: {_why(error)}") from error


def check_writable(option: str, path: Path | None) -> None:
    """Raises InvalidInputError where no file can be written at this path."""
    if path is None:
        return
    directory = path.parent
    try:
        if path.is_dir():
            problem = "it is a directory"
        elif not directory.is_dir():
            problem = f"there is no directory {str(directory)!r}"
        elif not os.access(path if path.exists() else directory, os.W_OK):
            problem = "it may not be written"
        else:
            return
    except (OSError, ValueError) as error:
        problem = _why(error)
    raise InvalidInputError(f"{option} {str(path)!r}: {problem}")


def check_picture(option: str, path: Path | None) -> None:
    """The same, and the name must end as a picture's that Pillow writes."""
    if path is not None:
        Image.init()
        format = Image.registered_extensions().get(path.suffix.lower())
        if format not in Image.SAVE:
            raise InvalidInputError(f"{option} {str(path)!r}: expected a name that ends in .png, .jpg or .webp")
    check_writable(option, path)


def check_authority(path: Path | None) -> None:
    """Raises InvalidInputError unless the file holds certificates in PEM."""
    check_readable(path)
    if path is not None and PEM not in path.read_bytes():
        raise InvalidInputError(f"--tls-root {str(path)!r}: expected certificates in PEM, found none")


def _why(error: OSError | ValueError) -> str:
    return getattr(error, "strerror", None) or str(error)
