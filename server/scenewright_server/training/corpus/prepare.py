"""Files of texts, dialogues and plans into shards that a training reads: cleaned, tagged, each once, split, tokenised.

Equal documents give equal files, in whatever order and in however many files they come.
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scenewright_server.training.corpus.duplicates import compare, join_by, split
from scenewright_server.training.corpus.encoding import Encoder
from scenewright_server.training.corpus.reading import check_files, read_files
from scenewright_server.training.corpus.records import (
    PrepareError,
    Record,
    identity_of,
    kind_of,
    place_of,
    scene_of,
    words_of,
)
from scenewright_server.training.corpus.statistics import Tally, draw, summarise
from scenewright_server.training.corpus.tagging import Tagger
from scenewright_server.training.shards import HELD, TRAIN, Shards, ShardWriter

STATS, PICTURE = "stats.json", "stats.png"
SPLIT_BY = ("scene", "document")
Report = Callable[[str, int, int], None]
"""Is told what is done, how much of it and of how much."""


@dataclass(frozen=True)
class Options:
    """How documents are prepared. held: the share to hold out. drop: from which Jaccard index of their words on a
    document is dropped as nearly the same as another, 1 for the same words alone; together: from which on two stay on
    one side of the split. split_by "scene": so do all about one scene. languages: that may occur, none for any.
    by_blank_lines: a plain text is a document up to a blank line. Raises PrepareError naming field, value and bound."""

    held: float = 0.05
    drop: float = 0.8
    together: float = 0.5
    split_by: str = "scene"
    languages: tuple[str, ...] = ()
    by_blank_lines: bool = False
    max_file_bytes: int = 1 << 30
    max_chars: int = 1_000_000
    max_documents: int = 1_000_000

    def __post_init__(self) -> None:
        for name, is_so, bound in (
            ("held", 0 <= self.held <= 0.5, "in 0..0.5"),
            ("drop", 0.2 <= self.drop <= 1, "in 0.2..1"),
            ("together", 0.2 <= self.together <= 1, "in 0.2..1"),
            ("split_by", self.split_by in SPLIT_BY, f"one of {', '.join(SPLIT_BY)}"),
            ("max_file_bytes", self.max_file_bytes >= 1, ">= 1"),
            ("max_chars", self.max_chars >= 1, ">= 1"),
            ("max_documents", self.max_documents >= 1, ">= 1"),
        ):
            if not is_so:
                raise PrepareError(f"{name} is {getattr(self, name)!r}, must be {bound}")


def prepare(files: Sequence[Path], bundle: Path, out: Path, options: Options, report: Report) -> dict[str, Any]:
    """Prepare files for the chat model in `bundle`; returns what `out`/stats.json then holds.

    `out` is written whole or not at all. Raises PrepareError, LineError for a line that cannot be learnt from, and
    BundleError.
    """
    if not files:
        raise PrepareError("files: expected at least one, found none")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise PrepareError(f"{out}: expected no such path or an empty directory, found one that holds something")
    encoder, tally = Encoder(bundle), Tally()
    try:
        tagger = Tagger(options.languages)
    except ValueError as error:
        raise PrepareError(f"languages: {error}") from None
    records = _read(files, options, tally, report)
    if not records:
        raise PrepareError(f"files: expected a document that can be kept, found {_told(tally.dropped)}")
    report("comparing", 0, len(records))
    likeness = compare(
        {key: (place_of(its), words_of(its)) for key, its in records.items()}, options.drop, options.together
    )
    if likeness.dropped:
        tally.dropped["nearly the same"] = len(likeness.dropped)
    kept = {key: records[key] for key in sorted(likeness.groups)}
    scenes = {key: scene_of(its) for key, its in kept.items()}
    groups = join_by(likeness.groups, scenes) if options.split_by == "scene" else likeness.groups
    sizes = Counter(groups.values())
    tally.groups, tally.largest_group = len(sizes), max(sizes.values())
    held = split(groups, options.held)
    with _whole(out) as directory:
        with ShardWriter(directory, encoder.sha256, encoder.tokenizer.n_ids) as writer:
            for n, (key, record) in enumerate(kept.items(), 1):
                kind, language = kind_of(record), tagger.tag(words_of(record))
                tally.kinds[kind] += 1
                tally.languages[language] += 1
                for its in encoder.encode(record):
                    side = HELD if key in held else TRAIN
                    writer.add(its.ids, its.learnt, side, language, kind, scenes[key])
                report("tokenising", n, len(kept))
        shards = Shards(directory, encoder.sha256)
        stats = summarise(tally, shards)
        draw(stats, shards, directory / PICTURE)
        (directory / STATS).write_text(json.dumps(stats, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return stats


def _read(files: Sequence[Path], options: Options, tally: Tally, report: Report) -> dict[str, Record]:
    """The records by their identity, each once."""
    n_bytes, done = check_files(files, options.max_file_bytes), 0

    def progress(n: int) -> None:
        nonlocal done
        done += n
        report("reading", done, n_bytes)

    records: dict[str, Record] = {}
    for record in read_files(files, options.max_chars, options.by_blank_lines, tally.dropped, progress):
        key = identity_of(record)
        if key in records:
            tally.dropped["the same"] += 1
        elif len(records) == options.max_documents:
            raise PrepareError(f"files: expected at most {options.max_documents} documents, found more")
        else:
            records[key] = record
    tally.n_read = len(records) + sum(tally.dropped.values())
    return records


def _told(dropped: Mapping[str, int]) -> str:
    return ", ".join(f"{n} {reason}" for reason, n in sorted(dropped.items())) or "none"


@contextmanager
def _whole(out: Path) -> Iterator[Path]:
    """A new directory that takes the place of `out` when the block ends well, and is gone when it does not."""
    directory = out.with_name(f".{out.name}.{uuid.uuid4().hex[:8]}")
    try:
        directory.mkdir(parents=True)
        yield directory
        os.replace(directory, out)
    except OSError as error:
        raise PrepareError(f"{error.filename or out}: cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(directory, ignore_errors=True)
