"""Boxes and labels drawn on a picture, in a font that has the labels' script, or else as numbers with a legend."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from scenewright import types
from scenewright.pictures import upright

_COLOURS = ("#e6194b", "#3cb44b", "#4363d8", "#f58231", "#911eb4", "#008080", "#9a6324", "#800000")
_DRAWN_SIDE = 960
_FONT_SIZE = 18
_MAX_FONTS = 300
_MISSING = "\U0010ffff"  # no font has it: it looks like everything that a font lacks

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def draw(image: Path, annotations: Sequence[types.Annotation], out: Path) -> list[str]:
    """Save the upright image with a box and a label for each thing in view; OSError if it cannot be written.

    Gives the legend: what the numbers stand for that are drawn where no font has the labels, or nothing.
    """
    with Image.open(image) as opened:
        picture = upright(opened)
    scale = _DRAWN_SIDE / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    picture = picture.resize(size, Image.Resampling.LANCZOS)
    shown = [item for item in annotations if item.box is not None]
    font = find_font("".join(item.label for item in shown))
    labels = [item.label if font else str(n) for n, item in enumerate(shown, 1)]
    pen = ImageDraw.Draw(picture)
    for n, (item, label) in enumerate(zip(shown, labels, strict=True)):
        _label(pen, picture.size, item.box, label, _COLOURS[n % len(_COLOURS)], font or _plain_font())
    picture.save(out)
    return [] if font else [f"{n}: {item.label}" for n, item in enumerate(shown, 1)]


def print_legend(legend: Sequence[str]) -> None:
    """Beside the output, on standard error."""
    if legend:
        print("no font here has all the labels' characters: numbers stand for them", file=sys.stderr)
        print("\n".join(legend), file=sys.stderr)


def find_font(text: str) -> Font | None:
    """Pillow's own font, else the first of the system's that has every character of a text; None if there is none."""
    characters = {character for character in text if character.isprintable() and not character.isspace()}
    fonts = (font for path in _font_files() if (font := _open(path)) is not None)
    return next((font for font in (_plain_font(), *([] if text.isascii() else fonts)) if _has(font, characters)), None)


def _label(
    pen: ImageDraw.ImageDraw, size: tuple[int, int], box: types.Box | None, label: str, colour: str, font: Font
) -> None:
    assert box is not None
    x0, y0 = box.x * size[0], box.y * size[1]
    x1, y1 = x0 + box.width * size[0], y0 + box.height * size[1]
    pen.rectangle((x0, y0, x1, y1), outline=colour, width=3)
    left, top, right, bottom = pen.textbbox((0, 0), label, font=font)
    width, height = right - left + 8, bottom - top + 8
    x = max(0.0, min(x0, size[0] - width))
    y = y0 - height if y0 >= height else y0
    pen.rectangle((x, y, x + width, y + height), fill=colour)
    pen.text((x + 4 - left, y + 4 - top), label, fill="white", font=font)


def _plain_font() -> Font:
    return ImageFont.load_default(size=_FONT_SIZE)


def _has(font: Font, characters: set[str]) -> bool:
    missing = bytes(font.getmask(_MISSING))
    return all(bytes(font.getmask(character)) != missing for character in characters)


def _open(path: Path) -> Font | None:
    try:
        return ImageFont.truetype(path, _FONT_SIZE)
    except (OSError, ValueError):
        return None


def _font_files() -> Iterator[Path]:
    """Of the system and the user, those first whose names tell that they hold many scripts."""
    home, windows = Path.home(), Path(os.environ.get("WINDIR", "C:/Windows"))
    places = (
        Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), home / ".fonts", home / ".local/share/fonts",
        Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library/Fonts", windows / "Fonts",
    )  # fmt: skip
    files = (path for place in places if place.is_dir() for path in place.rglob("*"))
    found = [path for path in files if path.suffix in (".ttf", ".ttc", ".otf")]
    many = ("cjk", "noto", "wqy", "pingfang", "hiragino", "heiti", "msyh", "simhei", "simsun", "droid", "unicode")
    found.sort(key=lambda path: (not any(name in path.name.lower() for name in many), str(path)))
    yield from found[:_MAX_FONTS]
