"""A folder of a user's own frames and what a JSON Lines file tells of each."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from scenewright_server.scene.words import is_chinese
from scenewright_server.simulator.scene import Box

MAX_LINES = 100_000
MAX_OBJECTS = 12
"""As many as the image tower detects."""
MAX_TURNS = 64
MAX_CHARS = 500
MAX_PIXELS = 40_000_000
MIN_SIDE = 0.01
LOOKS = ("kind", "colour", "pattern", "size")


class FolderError(ValueError):
    """A line that cannot be learnt from; the message names file, line, field, value and bound."""


@dataclass(frozen=True)
class Labelled:
    """An object: its box in [0, 1] and the values told of its attributes, its kind always."""

    box: Box
    looks: Mapping[str, str]


@dataclass(frozen=True)
class Sample:
    """A frame and what is told of it; `objects` is None where nothing is told of them."""

    image: Path
    objects: tuple[Labelled, ...] | None
    caption: str | None
    qa: tuple[tuple[str, str], ...]


def read_folder(annotations: Path, attributes: Mapping[str, Sequence[str]]) -> list[Sample]:
    """Every line of a JSON Lines file, judged; images are named relative to it.

    A line is {"image": "a.jpg", "objects": [{"box": [x, y, w, h], "kind": "chair", "colour": "red"}], "caption":
    "...", "qa": [{"question": "...", "answer": "..."}]}. Boxes are in [0, 1] from the top left, as `scenewright
    describe --json` prints them. `attributes` are the values that the bundle knows. Raises FolderError.
    """
    try:
        lines = annotations.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FolderError(f"cannot read {annotations}: {error}") from error
    if len(lines) > MAX_LINES:
        raise FolderError(f"{annotations.name} has {len(lines)} lines, at most {MAX_LINES} are read")
    samples = [
        _Line(f"{annotations.name} line {number}", attributes).read(line, annotations.parent)
        for number, line in enumerate(lines, 1)
        if line.strip()
    ]
    if len(samples) < 2:
        raise FolderError(f"{annotations.name} has {len(samples)} frames, at least 2 are needed: one is held out")
    return samples


def load_pixels(path: Path) -> np.ndarray:
    """An image's pixels (H, W, 3) uint8. Raises FolderError."""
    try:
        with Image.open(path) as image:
            if image.width * image.height > MAX_PIXELS:
                raise FolderError(f"{path} has {image.width * image.height} pixels, at most {MAX_PIXELS} are read")
            return np.array(image.convert("RGB"))
    except (OSError, UnidentifiedImageError) as error:
        raise FolderError(f"cannot read the image {path}: {error}") from error


class _Line:
    """Judges one line."""

    def __init__(self, where: str, attributes: Mapping[str, Sequence[str]]) -> None:
        self.where, self.attributes = where, attributes

    def read(self, line: str, folder: Path) -> Sample:
        try:
            told = json.loads(line)
        except ValueError as error:
            raise FolderError(f"{self.where} is no JSON: {error}") from error
        self._object(told, "the line", ("image", "objects", "caption", "qa"), ("image",))
        if not told.keys() - {"image"}:
            self._refuse("the line", told, "objects, caption or qa beside the image")
        image = (folder / self._text(told["image"], "image")).resolve()
        if not image.is_relative_to(folder.resolve()) or not image.is_file():
            self._refuse("image", told["image"], f"a file in {folder}")
        objects = None
        if "objects" in told:
            listed = self._list(told["objects"], "objects", MAX_OBJECTS)
            objects = tuple(self._labelled(item, f"objects[{i}]") for i, item in enumerate(listed))
        caption = self._sentence(told["caption"], "caption") if "caption" in told else None
        turns = self._list(told.get("qa", []), "qa", MAX_TURNS)
        return Sample(image, objects, caption, tuple(self._turn(turn, f"qa[{i}]") for i, turn in enumerate(turns)))

    def _labelled(self, item: Any, field: str) -> Labelled:
        self._object(item, field, ("box", *LOOKS), ("box", "kind"))
        box = item["box"]
        is_box = isinstance(box, list) and len(box) == 4 and all(type(v) in (int, float) for v in box)
        if not is_box:
            self._refuse(f"{field}.box", box, "[x, y, width, height], numbers")
        x, y, w, h = box
        if not (x >= 0 and y >= 0 and min(w, h) >= MIN_SIDE and x + w <= 1.001 and y + h <= 1.001):
            self._refuse(f"{field}.box", box, f"inside [0, 1], its sides >= {MIN_SIDE}")
        looks = {}
        for name in LOOKS:
            if name in item:
                if item[name] not in self.attributes[name]:
                    self._refuse(f"{field}.{name}", item[name], f"one of {', '.join(self.attributes[name])}")
                looks[name] = item[name]
        return Labelled((x, y, min(x + w, 1.0), min(y + h, 1.0)), looks)

    def _turn(self, turn: Any, field: str) -> tuple[str, str]:
        self._object(turn, field, ("question", "answer"), ("question", "answer"))
        question = self._sentence(turn["question"], f"{field}.question")
        return question, self._sentence(turn["answer"], f"{field}.answer")

    def _object(self, value: Any, field: str, known: Sequence[str], required: Sequence[str]) -> None:
        if not isinstance(value, dict):
            self._refuse(field, value, f"an object with {', '.join(known)}")
        unknown = sorted(value.keys() - set(known))
        if unknown:
            self._refuse(field, unknown[0], f"of {', '.join(known)}")
        missing = [name for name in required if name not in value]
        if missing:
            raise FolderError(f"{self.where}: {field} lacks {missing[0]!r}")

    def _list(self, value: Any, field: str, most: int) -> list[Any]:
        if not isinstance(value, list) or len(value) > most:
            self._refuse(field, value, f"a list of at most {most}")
        return value

    def _text(self, value: Any, field: str) -> str:
        if not isinstance(value, str) or not 0 < len(value.strip()) <= MAX_CHARS:
            self._refuse(field, value, f"a text of 1..{MAX_CHARS} characters")
        return value.strip()

    def _sentence(self, value: Any, field: str) -> str:
        text = self._text(value, field)
        if is_chinese(text):
            self._refuse(field, text, "in English: other languages are not fine-tuned")
        return text

    def _refuse(self, field: str, value: Any, bound: str) -> None:
        raise FolderError(f"{self.where}: {field} is {json.dumps(value, ensure_ascii=False)[:80]}, must be {bound}")
