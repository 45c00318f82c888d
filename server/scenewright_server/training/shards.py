"""Prepared documents on disk: token ids and what is learnt of them, read where they lie (np.memmap).

In DIR/shards, where DIR is what `scenewright prepare` wrote:
00000.bin   ids, uint32 little-endian, document after document; no document spans two files
00000.mask  uint8 for each id, 1 where the model learns to say this token
index.json  {"format": 1, "tokenizer": sha256 of the tokenizer.json, "n_ids": of it, "shards": ids of each file,
            "documents": a list for each field of `Document`}
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np

FORMAT = 1
FOLDER, INDEX = "shards", "index.json"
TRAIN, HELD = "train", "held"
SPLITS = (TRAIN, HELD)
KINDS = ("text", "dialogue", "plan")
SHARD_IDS = 1 << 24  # ids of a file, about
MAX_SHARDS = 100_000
MAX_INDEX_BYTES = 1 << 30


class ShardError(ValueError):
    """A directory of shards that cannot be read; the message names file, field, value and bound."""


@dataclass(frozen=True)
class Document:
    """Where a document lies, `offset` and `length` in ids, and what it is: its split, language, kind and the key of the
    scene that it is about, "" for none."""

    shard: int
    offset: int
    length: int
    split: str
    language: str
    kind: str
    scene: str


NUMBERS = ("shard", "offset", "length")


class ShardWriter:
    """Writes documents into DIR/shards, which must not be there yet; the index comes last, when the block ends well."""

    def __init__(self, directory: Path, tokenizer: str, n_ids: int, shard_ids: int = SHARD_IDS) -> None:
        self._directory = directory / FOLDER
        self._directory.mkdir(parents=True)
        self._tokenizer, self._n_ids, self._shard_ids = tokenizer, n_ids, shard_ids
        self._documents: list[Document] = []
        self._shards: list[int] = []
        self._files: tuple[BinaryIO, BinaryIO] | None = None

    def add(
        self, ids: Sequence[int], learnt: Sequence[bool], split: str, language: str, kind: str, scene: str = ""
    ) -> None:
        """Append a document. learnt: for each id, whether the model learns to say it. Raises ValueError naming field,
        value and bound."""
        values, mask = np.asarray(ids, np.int64), np.asarray(learnt, bool)
        low, high = (int(values.min()), int(values.max())) if values.size else (0, 0)
        for name, value, is_so, bound in (
            ("ids", values.shape, values.ndim == 1 and values.size > 0, "one or more in a row"),
            ("ids", (low, high), low >= 0 and high < self._n_ids, f"in 0..{self._n_ids - 1}"),
            ("learnt", mask.shape, mask.shape == values.shape, f"as many as ids, {values.size}"),
            ("split", split, split in SPLITS, f"one of {', '.join(SPLITS)}"),
            ("kind", kind, kind in KINDS, f"one of {', '.join(KINDS)}"),
        ):
            if not is_so:
                raise ValueError(f"{name}: {value!r}, must be {bound}")
        if self._files is None or self._shards[-1] + len(ids) > self._shard_ids:
            self._open_next()
        assert self._files is not None
        self._files[0].write(values.astype("<u4").tobytes())
        self._files[1].write(mask.astype("u1").tobytes())
        offset = self._shards[-1]
        self._documents.append(Document(len(self._shards) - 1, offset, len(ids), split, language, kind, scene))
        self._shards[-1] += len(ids)

    def __enter__(self) -> ShardWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._close()
        if kind is None:
            columns = {f.name: [getattr(its, f.name) for its in self._documents] for f in fields(Document)}
            index = {
                "format": FORMAT,
                "tokenizer": self._tokenizer,
                "n_ids": self._n_ids,
                "shards": self._shards,
                "documents": columns,
            }
            (self._directory / INDEX).write_text(json.dumps(index, ensure_ascii=False) + "\n", encoding="utf-8")

    def _open_next(self) -> None:
        self._close()
        if len(self._shards) == MAX_SHARDS:
            raise ValueError(f"shards: more than {MAX_SHARDS}")
        paths = _paths(self._directory, len(self._shards))
        self._files = (paths[0].open("xb"), paths[1].open("xb"))
        self._shards.append(0)

    def _close(self) -> None:
        for file in self._files or ():
            file.close()
        self._files = None


class Shards:
    """The documents of DIR/shards. `tokenizer`: the sha256 of the tokenizer.json that reads them; None for any.

    Raises ShardError for a directory that is incomplete, damaged or of another tokenizer. Nothing is loaded but the
    index.
    """

    def __init__(self, directory: Path, tokenizer: str | None = None) -> None:
        directory = directory / FOLDER
        self._path = directory / INDEX
        index = self._read_index()
        self.tokenizer, self.n_ids = self._text(index, "tokenizer"), self._count(index, "n_ids")
        if not re.fullmatch("[0-9a-f]{64}", self.tokenizer):
            raise ShardError(f"{self._path}: tokenizer is {self.tokenizer!r}, must be a sha256 of 64 digits")
        if tokenizer is not None and tokenizer != self.tokenizer:
            raise ShardError(
                f"{self._path}: tokenizer is {self.tokenizer[:12]}..., must be the model's, {tokenizer[:12]}...: "
                "prepare the documents again with its bundle"
            )
        sizes = index.get("shards")
        if not isinstance(sizes, list) or len(sizes) > MAX_SHARDS or not all(type(n) is int and n > 0 for n in sizes):
            raise ShardError(f"{self._path}: shards must be a list of at most {MAX_SHARDS} numbers > 0")
        self.documents = self._read_documents(index.get("documents"), sizes)
        self._shards = [self._map(directory, k, n) for k, n in enumerate(sizes)]

    def __len__(self) -> int:
        return len(self.documents)

    def of(self, split: str) -> list[int]:
        """The numbers of a split's documents."""
        if split not in SPLITS:
            raise ValueError(f"split is {split!r}, must be one of {', '.join(SPLITS)}")
        return [k for k, its in enumerate(self.documents) if its.split == split]

    def read(self, k: int) -> tuple[np.ndarray, np.ndarray]:
        """The k-th document's ids, (length,) uint32, and whether each is learnt, (length,) bool; views of the files.

        Raises ShardError where an id is none of the tokenizer's.
        """
        if not 0 <= k < len(self):
            raise IndexError(f"document is {k}, must be in 0..{len(self) - 1}")
        its = self.documents[k]
        ids, mask = (whole[its.offset : its.offset + its.length] for whole in self._shards[its.shard])
        if ids.max() >= self.n_ids or mask.max() > 1:
            path = self._path.parent / f"{its.shard:05d}.bin"
            raise ShardError(
                f"{path}: document {k} has the id {int(ids.max())} and the mask {int(mask.max())}, "
                f"must be in 0..{self.n_ids - 1} and 0..1"
            )
        return ids, mask.view(bool)

    def _read_index(self) -> dict[str, Any]:
        try:
            if self._path.stat().st_size > MAX_INDEX_BYTES:
                raise ShardError(f"{self._path}: {self._path.stat().st_size} bytes, must be at most {MAX_INDEX_BYTES}")
            index = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise ShardError(f"{self._path} is missing: `scenewright prepare` writes it") from None
        except (OSError, ValueError, RecursionError) as error:
            if isinstance(error, ShardError):
                raise
            raise ShardError(f"{self._path} is no JSON: {error}") from None
        if not isinstance(index, dict) or index.get("format") != FORMAT:
            found = index.get("format") if isinstance(index, dict) else type(index).__name__
            raise ShardError(f"{self._path}: format is {found!r}, this version has {FORMAT}")
        return index

    def _read_documents(self, columns: Any, sizes: Sequence[int]) -> tuple[Document, ...]:
        names = [f.name for f in fields(Document)]
        lists: list[Any] = [columns.get(name) for name in names] if isinstance(columns, dict) else []
        if not lists or not all(isinstance(its, list) and len(its) == len(lists[0]) for its in lists):
            raise ShardError(f"{self._path}: documents must hold {', '.join(names)}, lists of one length")
        found = []
        for k, values in enumerate(zip(*lists, strict=True)):
            for name, value in zip(names, values, strict=True):
                wanted = int if name in NUMBERS else str
                if type(value) is not wanted:
                    raise ShardError(f"{self._path}: documents.{name}[{k}] is {value!r}, must be {wanted.__name__}")
            its = Document(*values)
            for name, is_so, bound in (
                ("shard", 0 <= its.shard < len(sizes), f"in 0..{len(sizes) - 1}"),
                ("length", its.length > 0, "> 0"),
                ("split", its.split in SPLITS, f"one of {', '.join(SPLITS)}"),
                ("kind", its.kind in KINDS, f"one of {', '.join(KINDS)}"),
            ):
                if not is_so:
                    raise ShardError(f"{self._path}: documents.{name}[{k}] is {getattr(its, name)!r}, must be {bound}")
            if not 0 <= its.offset <= sizes[its.shard] - its.length:
                raise ShardError(
                    f"{self._path}: documents[{k}] is {its.offset}..{its.offset + its.length} of shard {its.shard}, "
                    f"must be in 0..{sizes[its.shard]}"
                )
            found.append(its)
        return tuple(found)

    def _map(self, directory: Path, k: int, n: int) -> tuple[np.ndarray, np.ndarray]:
        """The ids and the mask of the k-th file."""
        for path, n_bytes in zip(_paths(directory, k), (4 * n, n), strict=True):
            if not path.is_file():
                raise ShardError(f"{path} is missing")
            if (found := path.stat().st_size) != n_bytes:
                raise ShardError(f"{path}: {found} bytes, must be {n_bytes}: it is cut off or damaged")
        ids, mask = _paths(directory, k)
        return np.memmap(ids, "<u4", "r"), np.memmap(mask, "u1", "r")

    def _text(self, index: dict[str, Any], name: str) -> str:
        if not isinstance(index.get(name), str):
            raise ShardError(f"{self._path}: {name} is {index.get(name)!r}, must be a text")
        return index[name]

    def _count(self, index: dict[str, Any], name: str) -> int:
        if type(index.get(name)) is not int or index[name] <= 0:
            raise ShardError(f"{self._path}: {name} is {index.get(name)!r}, must be a number > 0")
        return index[name]


def _paths(directory: Path, k: int) -> tuple[Path, Path]:
    """The k-th file of ids and that of masks."""
    return directory / f"{k:05d}.bin", directory / f"{k:05d}.mask"
