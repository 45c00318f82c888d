"""Results as people and programs read them."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from scenewright import types


def print_json(value: Any, indent: int | None = 2) -> None:
    """To standard output, in its encoding: what that lacks is escaped, and what is no number is null."""
    value = _without_nan(value)
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        text = json.dumps(value, indent=indent)
    print(text, flush=True)


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def description_json(description: types.Description) -> dict[str, Any]:
    """The shape that `describe --json` prints."""
    return {
        "text": description.text,
        "objects": [annotation_json(item) for item in description.annotations],
        "timings": timings_json(description.timings),
    }


def answer_json(answer: types.Answer) -> dict[str, Any]:
    """The shape that `ask --json` prints."""
    return {
        "question": answer.question.text,
        "answer": answer.text,
        "objects": [annotation_json(item) for item in answer.annotations],
        "timings": timings_json(answer.timings),
    }


def annotation_json(annotation: types.Annotation) -> dict[str, Any]:
    """`id` is the scene graph's if it knows the object; `box` [x, y, w, h] is null when out of view."""
    box = annotation.box
    return {
        "id": annotation.object_id or annotation.id,
        "label": annotation.label,
        "box": None if box is None else [round(v, 4) for v in (box.x, box.y, box.width, box.height)],
        "anchor_id": annotation.anchor_id,
        "confidence": None if annotation.confidence is None else round(annotation.confidence, 4),
    }


def timings_json(timings: types.Timings) -> dict[str, float]:
    """Milliseconds."""
    return {name: round(value, 2) for name, value in asdict(timings).items()}


def model_line(model: types.Model) -> str:
    """Name, version, size and device."""
    return f"{model.name} {model.version} ({model.n_parameters / 1e6:.1f} M parameters, {model.device})"


def stream(console: Console, events: Iterable[types.AskEvent]) -> Iterator[types.AskEvent]:
    """Print the words of a stream as they come; give on every event."""
    for event in events:
        if isinstance(event, types.TextDelta):
            console.print(event.text, end="", markup=False, highlight=False, soft_wrap=True)
            sys.stdout.flush()
        yield event
    console.print()


def print_objects(console: Console, annotations: Sequence[types.Annotation]) -> None:
    """A table, one row for each thing mentioned."""
    if not annotations:
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("label", "box (x, y, width, height)", "object", "anchor", "sure"):
        table.add_column(heading, justify="right" if heading == "sure" else "left")
    for item in annotations:
        box = item.box
        table.add_row(
            item.label,
            "out of view" if box is None else f"{box.x:.2f}, {box.y:.2f}, {box.width:.2f}, {box.height:.2f}",
            item.object_id or "-",
            item.anchor_id or "-",
            "-" if item.confidence is None else f"{item.confidence:.2f}",
        )
    console.print(table)


def print_timings(console: Console, timings: types.Timings, usage: types.Usage, confidence: float | None) -> None:
    """One dim line, with the model's confidence where it has one."""
    speed = usage.output_tokens / max(timings.generate_ms, 1e-3) * 1000
    parts = [
        f"first token {timings.first_token_ms:.0f} ms",
        f"{usage.output_tokens} tokens at {speed:.0f}/s",
        f"total {timings.total_ms:.0f} ms",
    ]
    if confidence is not None:
        parts.append(f"sure {confidence:.2f}")
    if usage.cached_tokens:
        parts.append(f"{usage.cached_tokens} positions reused")
    console.print(" · ".join(parts), style="dim", highlight=False)


def print_scores(console: Console, splits: dict[str, Any]) -> None:
    """An evaluation's figures: what all splits share as one table, what one split has of its own below it."""
    flat = {split: dict(_flatten(scores)) for split, scores in splits.items()}
    paths = list(dict.fromkeys(path for values in flat.values() for path in values if not _is_own(path)))
    paths.sort(key=lambda path: path.startswith("qa / "))
    shared = [split for split, values in flat.items() if any(path in values for path in paths)]
    if shared:
        table = Table(box=None, header_style="bold", pad_edge=False)
        table.add_column("measure")
        for split in shared:
            table.add_column(split, justify="right")
        for path in paths:
            row = [flat[split].get(path) for split in shared]
            table.add_row(path, *("" if value is None else f"{value:.3f}" for value in row))
        console.print(table)
    for split, values in flat.items():
        for path, value in values.items():
            if _is_own(path):
                console.print(f"{split} / {path.removeprefix('of / ')}  {value:.3f}")


def print_people(console: Console, scores: dict[str, Any]) -> None:
    """The people split: of all, each language and each kind of question how many there are, the shares of every grade
    and, of a kind, what is right in each language."""
    languages = list(scores["languages"])
    grades = ("right", "refused", "wrong", "false", "made_up")
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column(f"people, {scores['half']}")
    for column in ("n", *grades, *languages):
        table.add_column(column.replace("_", " "), justify="right")
    rows = [("all", scores["all"]), *scores["languages"].items(), *scores["kinds"].items()]
    for name, row in rows:
        shares = [f"{row[grade] - row['refused'] if grade == 'wrong' else row[grade]:.3f}" for grade in grades]
        table.add_row(
            name, f"{row['n']}", *shares, *(f"{row[tag]['right']:.3f}" if tag in row else "" for tag in languages)
        )
    console.print(table)


def _is_own(path: str) -> bool:
    """Whether a measure is about a part of one split."""
    return " / " in path and not path.startswith("qa / ")


def _flatten(tree: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """Paths and figures of nested measures; tables in them are for programs."""
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{name} / ")
        elif not isinstance(value, list):
            yield f"{prefix}{name}", value
