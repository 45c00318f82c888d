"""What a diorama can hold: kinds of object, their words and nominal sizes, and the pairs kept out of training."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """A kind of object: its noun, nominal (width, height, depth) in metres, and where it may stand."""

    name: str
    extents: tuple[float, float, float]
    on_table: bool = False
    supports: bool = False


KINDS = (
    Kind("chair", (0.50, 0.90, 0.50)),
    Kind("table", (1.05, 0.55, 0.70), supports=True),
    Kind("sofa", (1.20, 0.62, 0.60)),
    Kind("bed", (0.95, 0.50, 1.20)),
    Kind("lamp", (0.42, 1.10, 0.42)),
    Kind("shelf", (0.70, 1.10, 0.35)),
    Kind("cabinet", (0.72, 0.70, 0.48), supports=True),
    Kind("monitor", (0.62, 0.52, 0.22), on_table=True),
    Kind("plant", (0.46, 0.80, 0.46)),
    Kind("bottle", (0.21, 0.56, 0.21), on_table=True),
    Kind("mug", (0.36, 0.34, 0.28), on_table=True),
    Kind("book", (0.38, 0.48, 0.13), on_table=True),
    Kind("ball", (0.42, 0.42, 0.42), on_table=True),
    Kind("barrel", (0.46, 0.66, 0.46)),
    Kind("cone", (0.42, 0.60, 0.42)),
    Kind("chest", (0.64, 0.44, 0.44)),
)
KIND_BY_NAME = {kind.name: kind for kind in KINDS}

COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "white", "black")
PATTERNS = ("plain", "striped", "checkered")
SIZES = ("small", "large")
SIZE_FACTOR = {"small": 0.78, "large": 1.22}

ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "size": SIZES,
    "pattern": PATTERNS,
    "colour": COLOURS,
    "kind": tuple(kind.name for kind in KINDS),
}

SPLITS = ("train", "test", "compositional")


def is_held_out(kind: str, colour: str) -> bool:
    """Whether this kind is never shown in this colour in training: two colours of ten for every kind."""
    i, j = ATTRIBUTES["kind"].index(kind), COLOURS.index(colour)
    return (i * 3 + j) % 5 == 0
