"""Pictures as Pillow and numpy users have them -> 8-bit RGB, and which way up they are.

The SDK, its command and the server turn and scale pictures by these functions and no others.
"""

from __future__ import annotations

import numpy as np
from PIL import ExifTags, Image

_EXIF_TURNS = {2: (0, True), 3: (2, False), 4: (2, True), 5: (1, True), 6: (1, False), 7: (3, True), 8: (3, False)}
"""EXIF's orientation as quarter turns clockwise, then whether left and right are swapped. Source: EXIF 2.32, 4.6.4."""
MAX_OVERSHOOT = 2.0
"""What resampling adds to floats: up to so many times their range still counts as it, and is clipped."""


def exif_turn(image: Image.Image) -> tuple[int, bool]:
    """How the file says that its pixels become upright: quarter turns clockwise, then mirrored or not."""
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # a broken EXIF block is none, in whatever way Pillow fails on it
        return 0, False
    return _EXIF_TURNS.get(orientation, (0, False)) if isinstance(orientation, int) else (0, False)


def join_turns(first: tuple[int, bool], then: tuple[int, bool]) -> tuple[int, bool]:
    """Two turns as one; turning a mirrored picture clockwise is turning it the other way before it is mirrored."""
    turns = first[0] + (-then[0] if first[1] else then[0])
    return turns % 4, first[1] != then[1]


def to_rgb(image: Image.Image) -> np.ndarray:
    """(H, W, 3) uint8 of a picture of any mode, as it is stored: not turned. Transparency is ignored.

    Greys of more than 8 bits are scaled by `to_8_bits`. Raises ValueError for a mode that Pillow cannot convert, or
    values that are no picture; OSError for pixels that cannot be read.
    """
    if image.mode[:1] in ("I", "F"):
        return np.repeat(to_8_bits(np.asarray(image))[..., None], 3, axis=2)
    if image.mode in ("P", "PA", "La", "RGBa"):  # by way of what keeps their transparency apart
        image = image.convert("LA" if image.mode == "La" else "RGBA")
    return np.asarray(image.convert("RGB"))


def upright(image: Image.Image) -> Image.Image:
    """The picture in RGB as people see it: its EXIF orientation followed."""
    turns, mirrored = exif_turn(image)
    return Image.fromarray(turn(to_rgb(image), turns, mirrored))


def turn(rgb: np.ndarray, quarter_turns: int, mirrored: bool) -> np.ndarray:
    """Turn clockwise until upright, then undo the swap of left and right."""
    turned = np.rot90(rgb, -quarter_turns)
    return np.ascontiguousarray(turned[:, ::-1] if mirrored else turned)


def to_8_bits(values: np.ndarray) -> np.ndarray:
    """Values of any real type as uint8, of the same shape.

    Their range is told by the largest of them, as wide types often hold fewer bits: 8, 10, 12, 14 or 16, and floats to 1
    too. Raises ValueError for
    values that are not finite, negative or larger.
    """
    if values.dtype == np.uint8:
        return values
    if values.dtype == np.bool_:
        return values.astype(np.uint8) * 255
    if not np.issubdtype(values.dtype, np.integer) and not np.issubdtype(values.dtype, np.floating):
        raise ValueError(f"pixels of type {values.dtype}, expected integers or floats")
    low, high = values.min(initial=0), values.max(initial=0)
    if not np.isfinite([float(low), float(high)]).all():
        raise ValueError("some pixels are not finite")
    is_float = np.issubdtype(values.dtype, np.floating)
    ranges = (1, 255, 65535) if is_float else (255, 1023, 4095, 16383, 65535)
    slack = MAX_OVERSHOOT if is_float else 1.0
    top = next((top for top in ranges if high <= slack * top), None)
    if top is None or low < (1 - slack) * top / 4:
        wanted = "0 to 1 or 0 to 255" if is_float else "0 to 255 or 0 to 65535"
        raise ValueError(f"pixels from {low:g} to {high:g}, expected {wanted}")
    scaled = np.clip(values.astype(np.float32), 0, top) * np.float32(255 / top)
    return np.rint(scaled).astype(np.uint8)
