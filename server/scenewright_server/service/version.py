"""What the server says of itself."""

from functools import cache
from importlib.metadata import PackageNotFoundError, version

CONTRACT = 2
"""Counts the contract's additions, see GetModelResponse."""


@cache
def server_version() -> str:
    """The package's."""
    try:
        return version("scenewright")
    except PackageNotFoundError:
        return "unknown"
