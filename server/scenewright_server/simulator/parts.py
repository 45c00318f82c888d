"""How each kind of object is put together from boxes, ellipsoids and frusta.

A part lives in its object's own frame: metres, origin at the centre of the object's base, x to its right,
y up, and its front towards -z (the side that a camera looking along +z sees at yaw 0). Every assembly
stays inside the object's extents and touches them, so that the extents in the scene graph are true.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

Shape = Literal["box", "ellipsoid", "frustum"]
Rgb = tuple[float, float, float]
Vec3 = tuple[float, float, float]

METAL: Rgb = (0.34, 0.35, 0.37)
DARK: Rgb = (0.10, 0.10, 0.12)
SCREEN: Rgb = (0.05, 0.07, 0.12)
WOOD: Rgb = (0.45, 0.33, 0.22)
LINEN: Rgb = (0.86, 0.85, 0.80)
PAPER: Rgb = (0.90, 0.87, 0.78)
BRASS: Rgb = (0.72, 0.58, 0.28)
OTHER = "other"
"""Not a kind: what training draws so that not every object is taken for one."""

LEAVES: tuple[Rgb, ...] = ((0.13, 0.42, 0.12), (0.20, 0.50, 0.16), (0.10, 0.34, 0.13), (0.28, 0.52, 0.20))


@dataclass(frozen=True)
class Part:
    """One primitive, the unit solid [-1, 1]^3 scaled by `half`, turned by `rotation`, moved to `centre`.

    `radii` are a frustum's relative radii at y = -1 and y = +1. `paint` is "main" (the object's colour and
    pattern), "shade" (its colour, darkened, no pattern) or a colour of its own, linear in 0..1.
    """

    shape: Shape
    centre: Vec3
    half: Vec3
    paint: Rgb | Literal["main", "shade"] = "main"
    radii: tuple[float, float] = (1.0, 1.0)
    rotation: np.ndarray | None = None


def box(x0: float, x1: float, y0: float, y1: float, z0: float, z1: float, paint="main") -> Part:
    """The axis-aligned box between two corners, metres."""
    return Part(
        "box",
        ((x0 + x1) / 2, (y0 + y1) / 2, (z0 + z1) / 2),
        ((x1 - x0) / 2, (y1 - y0) / 2, (z1 - z0) / 2),
        paint,
    )


def frustum(
    y0: float,
    y1: float,
    bottom: float,
    top: float,
    *,
    aspect: float = 1.0,
    x: float = 0.0,
    z: float = 0.0,
    paint="main",
) -> Part:
    """An upright truncated cone from y0 to y1 with the given radii along x, `aspect` times them along z."""
    radius = max(bottom, top)
    return Part(
        "frustum",
        (x, (y0 + y1) / 2, z),
        (radius, (y1 - y0) / 2, radius * aspect),
        paint,
        (bottom / radius, top / radius),
    )


def ellipsoid(centre: Vec3, half: Vec3, paint="main", rotation: np.ndarray | None = None) -> Part:
    """An ellipsoid with the given half axes, metres."""
    return Part("ellipsoid", centre, half, paint, rotation=rotation)


def turn(axis: Literal["x", "y", "z"], angle: float) -> np.ndarray:
    """Rotation matrix about one axis; angle in radians, x turns y to z, y turns z to x, z turns x to y."""
    c, s = np.cos(angle), np.sin(angle)
    if axis == "x":
        return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    if axis == "y":
        return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


def _legs(w: float, d: float, height: float, thick: float, paint, rng: np.random.Generator) -> list[Part]:
    """Four legs under the corners of a w x d top: square, round or tapering."""
    style = rng.integers(3)
    legs = []
    for sx in (-1, 1):
        for sz in (-1, 1):
            x, z = sx * (w / 2 - thick / 2), sz * (d / 2 - thick / 2)
            if style == 0:
                legs.append(box(x - thick / 2, x + thick / 2, 0, height, z - thick / 2, z + thick / 2, paint))
            else:
                foot = thick / 2 * (1.0 if style == 1 else 0.6)
                legs.append(frustum(0, height, foot, thick / 2, x=x, z=z, paint=paint))
    return legs


def _chair(w: float, h: float, d: float, rng: np.random.Generator) -> list[Part]:
    seat = h * rng.uniform(0.42, 0.5)
    slab = h * rng.uniform(0.06, 0.09)
    back = d * rng.uniform(0.1, 0.15)
    thick = min(w, d) * rng.uniform(0.1, 0.14)
    leg_paint = "main" if rng.random() < 0.6 else (WOOD, METAL)[rng.integers(2)]
    parts = [
        box(-w / 2, w / 2, seat - slab, seat, -d / 2, d / 2),
        *_legs(w, d, seat - slab, thick, leg_paint, rng),
    ]
    if rng.random() < 0.6:
        parts.append(box(-w / 2, w / 2, seat, h, d / 2 - back, d / 2))
    else:
        post = w * 0.13
        parts += [
            box(-w / 2, -w / 2 + post, seat, h, d / 2 - back, d / 2),
            box(w / 2 - post, w / 2, seat, h, d / 2 - back, d / 2),
            box(-w / 2 + post, w / 2 - post, seat + (h - seat) * 0.45, h, d / 2 - back, d / 2 - back * 0.3),
        ]
    return parts


def _table(w: float, h: float, d: float, rng: np.random.Generator) -> list[Part]:
    slab = h * rng.uniform(0.07, 0.11)
    top = box(-w / 2, w / 2, h - slab, h, -d / 2, d / 2)
    if rng.random() < 0.25:
        foot = min(w, d) * 0.32
        return [
            top,
            frustum(h * 0.05, h - slab, foot * 0.28, foot * 0.28),
            frustum(0, h * 0.06, foot, foot * 0.8),
        ]
    inset = rng.uniform(0.9, 1.0)
    thick = min(w, d, h) * rng.uniform(0.1, 0.14)
    return [top, *_legs(w * inset, d * inset, h - slab, thick, "main", rng)]


def _sofa(w: float, h: float, d: float, rng: np.random.Generator) -> list[Part]:
    feet = h * rng.uniform(0.06, 0.12)
    seat = h * rng.uniform(0.42, 0.5)
    arm = w * rng.uniform(0.1, 0.14)
    arm_top = h * rng.uniform(0.64, 0.74)
    back = d * rng.uniform(0.24, 0.3)
    parts = [
        box(-w / 2, w / 2, feet, seat * 0.7, -d / 2, d / 2),
        box(-w / 2, w / 2, seat * 0.7, h, d / 2 - back, d / 2),
        box(-w / 2, -w / 2 + arm, seat * 0.6, arm_top, -d / 2, d / 2 - back * 0.5),
        box(w / 2 - arm, w / 2, seat * 0.6, arm_top, -d / 2, d / 2 - back * 0.5),
    ]
    cushions = 2 if w < 1.7 else int(rng.integers(2, 4))
    width = (w - 2 * arm) / cushions
    gap = width * 0.03
    for i in range(cushions):
        x = -w / 2 + arm + i * width
        parts.append(box(x + gap, x + width - gap, seat * 0.7, seat, -d / 2, d / 2 - back))
        parts.append(box(x + gap, x + width - gap, seat, h * 0.94, d / 2 - back * 1.35, d / 2 - back, "shade"))
    for sx in (-1, 1):
        x = sx * (w / 2 - arm / 2)
        parts.append(box(x - arm / 4, x + arm / 4, 0, feet, -d / 2 * 0.95, d / 2 * 0.95, DARK))
    return parts


def _bed(w: float, h: float, d: float, rng: np.random.Generator) -> list[Part]:
    frame = h * rng.uniform(0.28, 0.36)
    mattress = h * rng.uniform(0.52, 0.62)
    board = d * 0.04
    pillow_z = d / 2 - board
    parts = [
        box(-w / 2, w / 2, h * 0.1, frame, -d / 2, d / 2, "shade"),
        box(-w / 2, w / 2, 0, h, d / 2 - board, d / 2, "shade"),
        box(-w * 0.48, w * 0.48, frame, mattress * 0.92, -d * 0.49, pillow_z, LINEN),
        # The blanket hangs over the sides and leaves the pillow end free.
        box(-w / 2, w / 2, frame * 0.8, mattress, -d / 2, d * rng.uniform(0.16, 0.22)),
    ]
    pillows = 1 if w < 1.2 else 2
    span = w * 0.9 / pillows
    for i in range(pillows):
        x = -w * 0.45 + (i + 0.5) * span
        parts.append(
            ellipsoid((x, mattress, pillow_z - d * 0.11), (span * 0.42, (h - mattress) * 0.3, d * 0.085), LINEN)
        )
    for sx in (-1, 1):
        for sz in (-1, 1):
            x, z = sx * w * 0.45, sz * d * 0.46
            parts.append(box(x - w * 0.04, x + w * 0.04, 0, h * 0.12, z - d * 0.02, z + d * 0.02, DARK))
    return parts


def _lamp(w: float, h: float, d: float, rng: np.random.Generator) -> list[Part]:
    radius, aspect = w / 2, d / w
    shade = h * rng.uniform(0.64, 0.7)
    pole = max(radius * 0.08, h * 0.012)
    foot = radius * rng.uniform(0.55, 0.7)
    parts = [
        frustum(shade, h, radius, radius * rng.uniform(0.45, 0.62), aspect=aspect),
        frustum(h * 0.04, shade + (h - shade) * 0.5, pole, pole, paint=METAL),
        frustum(0, h * 0.05, foot, foot * 0.85, aspect=aspect),
    ]
    if h < 0.8:
        parts.append(ellipsoid((0, h * 0.22, 0), (foot * 0.7, h * 0.19, foot * 0.7 * aspect)))
    return parts


def _shelf(w: float, h: float, d: float, rng: np.random.Generator) -> list[Part]:
    thick = w * rng.uniform(0.055, 0.08)
    boards = int(rng.integers(3, 6)) if h > w else 3
    parts = [
        box(-w / 2, -w / 2 + thick, 0, h, -d / 2, d / 2),
        box(w / 2 - thick, w / 2, 0, h, -d / 2, d / 2),
        box(-w / 2, w / 2, 0, h, d / 2 - d * 0.06, d / 2, "shade"),
    ]
    foot = h * 0.03
    for i in range(boards):
        y = foot + (h - foot - thick) * i / (boards - 1)
        parts.append(box(-w / 2 + thick, w / 2 - thick, y, y + thick, -d / 2, d / 2))
    return parts


def _cabinet(w: float, h: float, d: float, rng: np.random.Generator) -> list[Part]:
    foot = h * rng.uniform(0.05, 0.09)
    body = -d / 2 + d * 0.03
    gap = min(w, h) * 0.018
    parts = [
        box(-w / 2, w / 2, foot, h, body, d / 2),
        box(-w * 0.44, w * 0.44, 0, foot, -d * 0.42, d * 0.44, DARK),
        # The doors stand a little proud of a dark front, so that the gaps between them show.
        box(-w / 2 + gap, w / 2 - gap, foot + gap, h - gap * 2, body - d * 0.006, d / 2 * 0.9, DARK),
    ]
    knob = min(w, h) * 0.03
    if h > w * 0.9:
        doors = 2
        for i in range(doors):
            x0, x1 = -w / 2 + i * w / 2 + 1.6 * gap, -w / 2 + (i + 1) * w / 2 - 1.6 * gap
            parts.append(box(x0, x1, foot + gap * 2, h - gap * 3, -d / 2, body))
            x = (-1 if i == 0 else 1) * knob * 2.6
            y = (foot + h) * 0.52
            parts.append(box(x - knob * 0.8, x + knob * 0.8, y - knob * 3, y + knob * 3, -d / 2 - 0.004, body, BRASS))
    else:
        drawers = int(rng.integers(2, 4))
        step = (h - foot) / drawers
        for i in range(drawers):
            y0, y1 = foot + i * step + 1.6 * gap, foot + (i + 1) * step - 1.6 * gap
            parts.append(box(-w / 2 + 2 * gap, w / 2 - 2 * gap, y0, y1, -d / 2, body))
            y = (y0 + y1) / 2
            parts.append(box(-w * 0.14, w * 0.14, y - knob, y + knob, -d / 2 - 0.004, body, BRASS))
    return parts


def _monitor(w: float, h: float, d: float, rng: np.random.Generator) -> list[Part]:
    bottom = h * rng.uniform(0.24, 0.32)
    bezel = w * rng.uniform(0.07, 0.1)
    panel = d * 0.16
    foot = w * rng.uniform(0.22, 0.3)
    glow = (SCREEN, (0.08, 0.16, 0.28), (0.10, 0.22, 0.24))[rng.integers(3)]
    return [
        box(-w / 2, w / 2, bottom, h, -panel, panel),
        box(-w / 2 + bezel, w / 2 - bezel, bottom + bezel * 1.2, h - bezel, -panel * 1.15, 0, glow),
        box(-w * 0.06, w * 0.06, h * 0.04, bottom + h * 0.1, panel * 0.6, panel * 2),
        frustum(0, h * 0.05, foot, foot * 0.95, aspect=d / 2 / foot),
    ]


def _plant(w: float, h: float, d: float, rng: np.random.Generator) -> list[Part]:
    radius, aspect = w / 2, d / w
    pot = h * rng.uniform(0.36, 0.44)
    wide = radius * rng.uniform(0.68, 0.8)
    rim = pot * 0.2
    parts = [
        frustum(0, pot - rim, wide * rng.uniform(0.6, 0.75), wide * 0.92, aspect=aspect),
        frustum(pot - rim, pot, wide, wide, aspect=aspect),
        frustum(pot * 0.8, pot * 1.01, wide * 0.85, wide * 0.85, aspect=aspect, paint=(0.20, 0.13, 0.08)),
    ]
    leaf_h = h - pot
    style = rng.integers(2)
    if style == 0:
        count = int(rng.integers(5, 8))
        phase = rng.uniform(0, 2 * np.pi)
        for i in range(count):
            angle = phase + 2 * np.pi * i / count
            lean = rng.uniform(0.45, 0.75)
            length = leaf_h * rng.uniform(0.38, 0.46)
            rotation = turn("y", angle) @ turn("z", -lean)
            centre = rotation @ np.array([0, length, 0])
            limit = radius * 0.72
            reach = min(1.0, limit / max(np.hypot(centre[0], centre[2]) * 1.8, 1e-6))
            middle = (centre[0] * reach, pot * 0.97 + centre[1], centre[2] * reach * aspect)
            leaf = (radius * 0.2, length, radius * 0.2)
            parts.append(ellipsoid(middle, leaf, LEAVES[i % len(LEAVES)], rotation))
        parts.append(ellipsoid((0, pot + leaf_h * 0.5, 0), (radius * 0.2, leaf_h * 0.5, radius * 0.2), LEAVES[1]))
    else:
        parts.append(frustum(pot, pot + leaf_h * 0.4, radius * 0.1, radius * 0.1, paint=WOOD))
        count = int(rng.integers(5, 8))
        for i in range(count):
            angle = 2 * np.pi * i / count + rng.uniform(-0.3, 0.3)
            size = radius * rng.uniform(0.42, 0.5)
            out = radius - size
            y = pot + leaf_h * rng.uniform(0.4, 0.72)
            half = (size, leaf_h * 0.26, size * aspect)
            middle = (np.cos(angle) * out, y, np.sin(angle) * out * aspect)
            parts.append(ellipsoid(middle, half, LEAVES[i % len(LEAVES)]))
        parts.append(
            ellipsoid((0, h - leaf_h * 0.33, 0), (radius * 0.6, leaf_h * 0.33, radius * 0.6 * aspect), LEAVES[1])
        )
    return parts


def _bottle(w: float, h: float, d: float, rng: np.random.Generator) -> list[Part]:
    radius, aspect = w / 2, d / w
    shoulder = h * rng.uniform(0.5, 0.6)
    neck = h * rng.uniform(0.68, 0.74)
    slim = radius * rng.uniform(0.3, 0.4)
    cap = h * rng.uniform(0.89, 0.93)
    return [
        frustum(0, shoulder, radius, radius, aspect=aspect),
        frustum(shoulder, neck, radius, slim, aspect=aspect),
        frustum(neck, cap, slim, slim, aspect=aspect),
        frustum(cap, h, slim * 1.2, slim * 1.2, aspect=aspect, paint=(DARK, LINEN, METAL)[rng.integers(3)]),
    ]


def _mug(w: float, h: float, d: float, rng: np.random.Generator) -> list[Part]:
    # The handle takes its share of the width: the cup stands off centre.
    radius = min(d / 2, w * 0.38)
    x = -w / 2 + radius
    drink = ((0.16, 0.09, 0.05), (0.10, 0.07, 0.06))[rng.integers(2)]
    right, bar, thick = w / 2, h * 0.12, d * 0.07
    inner = x + radius * 0.85
    return [
        frustum(0, h, radius * rng.uniform(0.8, 1.0), radius, x=x),
        frustum(h * 0.9, h * 1.004, radius * 0.84, radius * 0.84, x=x, paint=drink),
        box(inner, right, h * 0.74, h * 0.74 + bar, -thick, thick),
        box(inner, right, h * 0.2, h * 0.2 + bar, -thick, thick),
        box(right - bar, right, h * 0.2, h * 0.74 + bar, -thick, thick),
    ]


def _book(w: float, h: float, d: float, rng: np.random.Generator) -> list[Part]:
    # It stands upright, its front cover towards the camera and its spine on the left.
    cover = d * rng.uniform(0.1, 0.15)
    spine = w * rng.uniform(0.06, 0.1)
    title = h * rng.uniform(0.62, 0.72)
    return [
        box(-w / 2, w / 2, 0, h, -d / 2 + d * 0.01, -d / 2 + cover),
        box(-w / 2, w / 2, 0, h, d / 2 - cover, d / 2),
        box(-w / 2, -w / 2 + spine, 0, h, -d / 2 + cover, d / 2 - cover),
        box(-w / 2 + spine, w * 0.46, h * 0.02, h * 0.965, -d / 2 + cover, d / 2 - cover, PAPER),
        box(-w * 0.26, w * 0.3, title, title + h * 0.13, -d / 2, -d / 2 + cover, PAPER),
    ]


def _ball(w: float, h: float, d: float, rng: np.random.Generator) -> list[Part]:
    return [ellipsoid((0, h / 2, 0), (w / 2, h / 2, d / 2))]


def _barrel(w: float, h: float, d: float, rng: np.random.Generator) -> list[Part]:
    radius, aspect = w / 2, d / w
    end = radius * rng.uniform(0.74, 0.84)
    mid = radius * 0.97
    low, high = h * 0.3, h * 0.7
    hoop = h * rng.uniform(0.025, 0.035)
    parts = [
        frustum(0, low, end, mid, aspect=aspect),
        frustum(low, high, mid, mid, aspect=aspect),
        frustum(high, h, mid, end, aspect=aspect),
        frustum(h * 0.98, h * 1.001, end * 0.86, end * 0.86, aspect=aspect, paint="shade"),
    ]
    for y, r in ((low, radius), (high, radius), (h * 0.07, end * 1.08), (h * 0.93, end * 1.08)):
        parts.append(frustum(y - hoop, y + hoop, r, r, aspect=aspect, paint=METAL))
    return parts


def _cone(w: float, h: float, d: float, rng: np.random.Generator) -> list[Part]:
    slab = h * rng.uniform(0.05, 0.08)
    radius = w * rng.uniform(0.37, 0.42)
    return [
        box(-w / 2, w / 2, 0, slab, -d / 2, d / 2, "main" if rng.random() < 0.5 else DARK),
        frustum(slab, h, radius, radius * rng.uniform(0.1, 0.18), aspect=d / w),
    ]


def _chest(w: float, h: float, d: float, rng: np.random.Generator) -> list[Part]:
    body = h * rng.uniform(0.5, 0.58)
    front = d * 0.485
    band = w * 0.045
    lid = Part("frustum", (0, body, 0), (h - body, w / 2 * 0.99, front), "main", rotation=turn("z", np.pi / 2))
    parts = [
        box(-w / 2 * 0.99, w / 2 * 0.99, 0, body, -front, front),
        lid,
        box(-w / 2 * 0.995, w / 2 * 0.995, body - h * 0.02, body + h * 0.02, -front * 1.01, front * 1.01, DARK),
        box(-w * 0.08, w * 0.08, body - h * 0.16, body + h * 0.08, -d / 2, -front * 0.9, BRASS),
    ]
    for x in (-w / 2 + band, w / 2 - band):
        parts.append(box(x - band, x + band, 0, body, -d / 2, d / 2, METAL))
        parts.append(Part("frustum", (x, body, 0), (h - body, band, d / 2), METAL, rotation=turn("z", np.pi / 2)))
    return parts


ASSEMBLIES: dict[str, Callable[[float, float, float, np.random.Generator], list[Part]]] = {
    "chair": _chair,
    "table": _table,
    "sofa": _sofa,
    "bed": _bed,
    "lamp": _lamp,
    "shelf": _shelf,
    "cabinet": _cabinet,
    "monitor": _monitor,
    "plant": _plant,
    "bottle": _bottle,
    "mug": _mug,
    "book": _book,
    "ball": _ball,
    "barrel": _barrel,
    "cone": _cone,
    "chest": _chest,
}


def _other(w: float, h: float, d: float, rng: np.random.Generator) -> list[Part]:
    """A thing of no kind: a few solids of any shape, turned and stuck together."""
    parts = []
    paints: list[Rgb | Literal["main", "shade"]] = ["main", "main", "shade"]
    for _ in range(int(rng.integers(3, 9))):
        half = np.array((w, h, d)) * rng.uniform(0.08, 0.36, 3)
        centre = np.array((w, h, d)) * (rng.uniform(-0.3, 0.3), rng.uniform(0.25, 0.75), rng.uniform(-0.3, 0.3))
        shape: Shape = ("box", "ellipsoid", "frustum")[rng.integers(3)]
        rotation = turn("y", rng.uniform(0, 6.3)) @ turn("z", rng.normal(0, 0.7)) @ turn("x", rng.normal(0, 0.7))
        red, green, blue = rng.uniform(0.03, 0.95, 3).tolist()
        paint = (red, green, blue) if rng.random() < 0.5 else paints[rng.integers(3)]
        parts.append(
            Part(shape, tuple(centre.tolist()), tuple(half.tolist()), paint, (1.0, rng.uniform(0.2, 1)), rotation)
        )
    return parts


def assemble(kind: str, extents: Vec3, seed: int) -> list[Part]:
    """The parts of one object of a kind of `ASSEMBLIES`, or of `OTHER`, with proportions drawn from `seed`.

    `extents` are (width, height, depth) in metres.
    """
    if kind == OTHER:
        return _other(*extents, np.random.default_rng(seed))
    return ASSEMBLIES[kind](*extents, np.random.default_rng(seed))
