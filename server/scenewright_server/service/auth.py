"""Who may come in: bearer tokens, of which the server knows only the sums."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from scenewright_server.service.status import Refused

_SUM = re.compile(r"[0-9a-f]{64}")
_owner: ContextVar[str] = ContextVar("owner", default="")


def owner() -> str:
    """Whose call this is: what sessions and conversations belong to. Empty on a server without tokens."""
    return _owner.get()


def set_owner(name: str) -> None:
    """Say whose call the running task serves."""
    _owner.set(name)


class Tokens:
    """The tokens in a file: on each line the SHA-256 of one, in hexadecimal, and what you like to call it. A line that
    begins with # is a comment. The file is read again when it has changed; one that has become wrong changes nothing.

    Without a file everybody is let in. Raises ValueError for a file that is wrong at the start, its line named.
    """

    def __init__(self, path: Path | None, log: Any) -> None:
        self._path = path
        self._log = log
        self._sums: frozenset[str] = frozenset()
        self._stamp: tuple[int, int] | None = None
        if path is not None:
            self._sums, self._stamp = read_sums(path), _stamp(path)

    def admit(self, metadata: Iterable[tuple[str, str | bytes]]) -> str:
        """Whose call it is, by the token among its metadata. Raises `Refused` (UNAUTHENTICATED)."""
        if self._path is None:
            return ""
        self._read_again(self._path)
        values = [value for key, value in metadata if key == "authorization"]
        if not values:
            raise Refused("UNAUTHENTICATED", "the call has no authorization metadata, needs 'Bearer TOKEN'")
        scheme, _, token = str(values[-1]).partition(" ")
        digest = hashlib.sha256(token.strip().encode()).hexdigest()
        if scheme.lower() != "bearer" or digest not in self._sums:
            raise Refused("UNAUTHENTICATED", "the bearer token is not known to this server")
        return digest

    def _read_again(self, path: Path) -> None:
        stamp = _stamp(path)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._sums = read_sums(path)
        except (OSError, ValueError) as error:
            self._log.error("tokens are not read again", path=str(path), error=str(error))


def read_sums(path: Path) -> frozenset[str]:
    """The sums in a token file. Raises ValueError naming file and line, OSError where it cannot be read."""
    sums = set()
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if not _SUM.fullmatch(words[0]):
            raise ValueError(f"{path}, line {number}: {words[0][:16]!r} is no SHA-256 of 64 hexadecimal digits")
        sums.add(words[0])
    if not sums:
        raise ValueError(f"{path}: there is no token in it, so nobody could come in")
    return frozenset(sums)


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size
