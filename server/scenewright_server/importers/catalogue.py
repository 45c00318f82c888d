"""What `models.toml` lists: parts that can be fetched, and compositions of them."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CATALOGUE = Path(__file__).with_name("models.toml")
Client = Literal["hub", "pip", "npm"]
KINDS = ("language", "hearing", "seeing", "clip")
"""Of parts, in the order in which compositions have them."""
CLIENTS: tuple[Client, ...] = ("hub", "pip", "npm")


@dataclass(frozen=True)
class File:
    """A file of a part as it is kept."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Source:
    """Where a part can be had. packages: a hub's id, or packages with versions; members: for each file, what of them
    is joined to make it; mb: what is fetched."""

    client: Client
    packages: tuple[str, ...]
    members: Mapping[str, tuple[str, ...]]
    mb: int


@dataclass(frozen=True)
class Part:
    """A part of a bundle. path: what of its directory is read, "" for all; no `files`: a hub's client knows them."""

    name: str
    part: Literal["language", "hearing", "seeing", "clip"]
    what: str
    license: str
    languages: tuple[str, ...]
    format: Literal["gguf", "hf", "whisper", "nanodet", "clip"]
    path: str
    files: tuple[File, ...]
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class ByHand:
    """A model that no client fetches: `address` to download, as which file, and what to type then."""

    name: str
    what: str
    license: str
    languages: tuple[str, ...]
    address: str
    file: str
    then: tuple[str, ...]

    def tell(self) -> str:
        """What somebody who wants it is to do."""
        return "\n".join((f"download {self.address} as {self.file}", *self.then))


@dataclass(frozen=True)
class Catalogue:
    """Parts by name, by the name of a bundle the parts that it is put together of, its language model first, and what
    is to be fetched by hand."""

    parts: Mapping[str, Part]
    compositions: Mapping[str, tuple[Part, ...]]
    by_hand: Mapping[str, ByHand] = field(default_factory=dict)

    def parts_of(self, name: str) -> tuple[Part, ...]:
        """What a bundle of this name is made of; a part alone is made of itself. Raises KeyError."""
        return self.compositions[name] if name in self.compositions else (self.parts[name],)

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.compositions, *self.parts)


def read_catalogue(path: Path = CATALOGUE) -> Catalogue:
    """The catalogue in a TOML file, as it comes with the package. Raises KeyError, TypeError for another layout."""
    tables = tomllib.loads(path.read_text())
    parts = {name: _read_part(name, table) for name, table in tables["parts"].items()}
    compositions = {
        name: tuple(parts[table[kind]] for kind in KINDS if kind in table)
        for name, table in tables["compositions"].items()
    }
    by_hand = {name: _read_by_hand(name, table) for name, table in tables.get("by_hand", {}).items()}
    return Catalogue(parts, compositions, by_hand)


def _read_part(name: str, table: dict[str, Any]) -> Part:
    files = tuple(File(file, **values) for file, values in table.pop("files", {}).items())
    sources = tuple(_read_source(source) for source in table.pop("sources"))
    return Part(name, **{**table, "languages": tuple(table["languages"])}, files=files, sources=sources)


def _read_by_hand(name: str, table: dict[str, Any]) -> ByHand:
    return ByHand(name, **{**table, "languages": tuple(table["languages"]), "then": tuple(table["then"])})


def _read_source(table: dict[str, Any]) -> Source:
    client = next(client for client in CLIENTS if client in table)
    packages = table[client]
    members = {file: tuple(names) for file, names in table.get("files", {}).items()}
    return Source(client, (packages,) if isinstance(packages, str) else tuple(packages), members, table["mb"])
