"""Documents out of files: JSON lines, and plain text."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from scenewright_server.training.corpus.cleaning import LOST, clean, normalise
from scenewright_server.training.corpus.records import PrepareError, Record, Text, tidied, words_of
from scenewright_server.training.dialogues import LineError, read_line

SUFFIXES = (".jsonl", ".txt")
MARK = b"\xef\xbb\xbf"  # of UTF-8, at the beginning of a file


def tidy(text: str) -> str:
    """A text as it is kept."""
    return normalise(clean(text))


def check_files(files: Sequence[Path], max_bytes: int) -> int:
    """How many bytes there are to read. Raises PrepareError for a file that is missing, given twice, of another kind or
    too large."""
    n_bytes = 0
    seen: dict[Path, Path] = {}
    for path in files:
        if path.suffix not in SUFFIXES:
            raise PrepareError(f"{path}: expected a name that ends in {' or '.join(SUFFIXES)}, found {path.suffix!r}")
        if not path.is_file():
            raise PrepareError(f"{path}: expected a file, found {'a directory' if path.is_dir() else 'none'}")
        if (other := seen.setdefault(path.resolve(), path)) is not path:
            raise PrepareError(f"{path}: expected every file once, found {other} to be the same")
        if (size := path.stat().st_size) > max_bytes:
            raise PrepareError(f"{path}: expected at most {max_bytes} bytes, found {size}")
        n_bytes += size
    return n_bytes


def read_files(
    files: Sequence[Path],
    max_chars: int,
    by_blank_lines: bool,
    dropped: Counter[str],
    report: Callable[[int], None],
) -> Iterator[Record]:
    """The documents of files, cleaned. Texts that are too long, empty or not what they were when they were written are
    counted in `dropped`; `report` is told how many bytes were read. Raises LineError for a line that cannot be learnt
    from, PrepareError for a file that cannot be read."""
    for path in files:
        try:
            with path.open("rb") as file:
                for line, data in _pieces(path, file, by_blank_lines):
                    report(len(data))
                    text = _decode(data, str(path), line)
                    if path.suffix == ".txt":
                        record: Record | None = _plain(text, max_chars, dropped)
                    elif text.strip():
                        record = _read_line(text, str(path), line, max_chars, dropped)
                    else:
                        record = None
                    if record is not None:
                        yield record
        except OSError as error:
            raise PrepareError(f"{path}: cannot be read: {error.strerror or error}") from error


def _pieces(path: Path, lines: Iterable[bytes], by_blank_lines: bool) -> Iterator[tuple[int, bytes]]:
    """The line on which each document begins, and its bytes."""
    begin, held = 1, list[bytes]()
    for n, line in enumerate(lines, 1):
        if n == 1:
            line = line.removeprefix(MARK)
        if path.suffix == ".jsonl":
            yield n, line
        elif by_blank_lines and not line.strip():
            yield begin, b"".join([*held, line])
            begin, held = n + 1, []
        else:
            held.append(line)
    if held:
        yield begin, b"".join(held)


def _decode(data: bytes, file: str, line: int) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start]
        column = error.start - before.rfind(b"\n")
        found = f"the byte 0x{data[error.start]:02x} as its {column}."
        raise LineError(file, line + before.count(b"\n"), "the line", "UTF-8", found) from None


def _read_line(text: str, file: str, line: int, max_chars: int, dropped: Counter[str]) -> Record | None:
    try:
        told = json.loads(text, parse_constant=_refuse_constant)
        json.dumps(told, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise LineError(file, line, "the line", "whole characters", ascii(error.object[error.start])) from None
    except (ValueError, RecursionError) as error:
        raise LineError(file, line, "the line", "JSON", str(error) or "too deep a nesting") from None
    keys = set(told) & {"text", "messages", "plan"} if isinstance(told, dict) else None
    if keys is None or len(keys) != 1:
        found = type(told).__name__ if keys is None else f"the keys {', '.join(map(repr, told)) or 'none'}"
        raise LineError(file, line, "the line", "an object with one of text, messages and plan", found[:80])
    if "text" not in keys:
        record = tidied(read_line(told, (file, line)), tidy)
        if LOST in words_of(record):
            dropped["unreadable"] += 1
            return None
        return record
    if not isinstance(told["text"], str):
        raise LineError(file, line, "text", "a text", type(told["text"]).__name__)
    return _plain(told["text"], max_chars, dropped)


def _plain(text: str, max_chars: int, dropped: Counter[str]) -> Text | None:
    """A plain text, unless there is a reason to drop it."""
    told = tidy(text)
    reason = "too long" if len(told) > max_chars else "empty" if not told else "unreadable" if LOST in told else ""
    if reason:
        dropped[reason] += 1
        return None
    return Text(told)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name}, which is no JSON")
