"""Objects of the diorama's kinds modelled afresh, of rounded blocks and turned profiles: the split `other` draws them.

Nothing is shared with `diorama.parts`. An object's own frame: metres, base at y = 0, front towards -z.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

SIDES = 28  # of a turned profile
Paint = tuple[int, int, int] | None
"""sRGB in 0..255; None for the object's own colour and pattern."""

STEEL, COAL, OAK, CLOTH, GLASS, LEAF = (
    (120, 122, 125), (35, 35, 40), (140, 105, 70), (225, 222, 212), (30, 45, 65), (45, 120, 45),
)  # fmt: skip


@dataclass(frozen=True)
class Mesh:
    """Vertices (V, 3) in the object's frame, metres; faces (F, 3); a paint, None for the object's own."""

    vertices: np.ndarray
    faces: np.ndarray
    paint: Paint = None


def block(
    x0: float, x1: float, y0: float, y1: float, z0: float, z1: float, paint: Paint = None, cells: int = 12
) -> Mesh:
    """A box whose sides are grids, so that a pattern finds faces to lie on."""
    line = np.linspace(-1, 1, cells + 1)
    u, v = np.meshgrid(line, line, indexing="ij")
    vertices: list[np.ndarray] = []
    faces: list[np.ndarray] = []
    corner = np.arange((cells + 1) ** 2).reshape(cells + 1, cells + 1)
    a, b, c, d = corner[:-1, :-1].ravel(), corner[1:, :-1].ravel(), corner[1:, 1:].ravel(), corner[:-1, 1:].ravel()
    for axis in range(3):
        for sign in (-1, 1):
            side = np.empty((*u.shape, 3))
            side[..., axis], side[..., (axis + 1) % 3], side[..., (axis + 2) % 3] = sign, u, v
            start = len(vertices) * u.size
            ways = ((a, b, c), (a, c, d)) if sign > 0 else ((a, c, b), (a, d, c))
            faces += [start + np.stack(way, 1) for way in ways]
            vertices.append(side.reshape(-1, 3))
    low, high = np.array((x0, y0, z0)), np.array((x1, y1, z1))
    return Mesh((low + high) / 2 + np.concatenate(vertices) * (high - low) / 2, np.concatenate(faces), paint)


def turned(
    profile: list[tuple[float, float]],
    x: float = 0.0,
    z: float = 0.0,
    flat: float = 1.0,
    paint: Paint = None,
    rows: int = 24,
) -> Mesh:
    """A solid of revolution about the y axis, of (radius, height) points from foot to head; `flat` squeezes z."""
    points = np.array(profile, float)
    along = np.concatenate([[0], np.hypot(*np.diff(points, axis=0).T).cumsum()])
    at = np.unique(np.concatenate([along, np.linspace(0, along[-1], rows)]))
    radius, height = (np.interp(at, along, points[:, i]) for i in (0, 1))
    angle = np.arange(SIDES) * 2 * np.pi / SIDES
    ring = np.stack([np.cos(angle), np.zeros(SIDES), np.sin(angle) * flat], 1)
    vertices = ring[None] * radius[:, None, None] + np.stack([height * 0 + x, height, height * 0 + z], 1)[:, None]
    index = np.arange(len(at) * SIDES).reshape(len(at), SIDES)
    a, b = index[:-1], np.roll(index, -1, 1)[:-1]
    c, d = np.roll(index, -1, 1)[1:], index[1:]
    faces = np.concatenate([np.stack([a, c, b], -1).reshape(-1, 3), np.stack([a, d, c], -1).reshape(-1, 3)])
    return Mesh(vertices.reshape(-1, 3), faces, paint)


def dome(x: float, y: float, z: float, rx: float, ry: float, rz: float, paint: Paint = None) -> Mesh:
    """An ellipsoid."""
    angle = np.linspace(-np.pi / 2, np.pi / 2, 17)
    return turned(list(zip(np.cos(angle) * rx, y + np.sin(angle) * ry, strict=True)), x, z, rz / rx, paint)


def legs(w: float, d: float, top: float, thick: float, paint: Paint = None) -> list[Mesh]:
    """Four round legs under a w x d plate."""
    x, z = w / 2 - thick, d / 2 - thick
    return [
        turned([(0, 0), (thick * 0.6, 0), (thick, top), (0, top)], sx * x, sz * z, paint=paint)
        for sx in (-1, 1)
        for sz in (-1, 1)
    ]


def _chair(w: float, h: float, d: float, rng: np.random.Generator) -> list[Mesh]:
    x, z = w / 2, d / 2
    seat = h * 0.47
    rails = [block(-x, x, y, y + h * 0.1, z - d * 0.08, z) for y in (h * 0.66, h * 0.9)]
    posts = [block(s - w * 0.04, s + w * 0.04, seat, h, z - d * 0.08, z) for s in (-x * 0.9, x * 0.9)]
    back = [block(-x, x, seat + h * 0.08, h, z - d * 0.09, z)] if rng.random() < 0.5 else rails + posts
    return [block(-x, x, seat - h * 0.06, seat, -z, z), *back, *legs(w, d, seat, w * 0.05)]


def _table(w: float, h: float, d: float, rng: np.random.Generator) -> list[Mesh]:
    x, z = w / 2, d / 2
    return [block(-x, x, h * 0.9, h, -z, z), *legs(w * 0.97, d * 0.95, h * 0.9, w * 0.045)]


def _sofa(w: float, h: float, d: float, rng: np.random.Generator) -> list[Mesh]:
    x, z = w / 2, d / 2
    arm, seat = w * 0.12, h * 0.45
    sides = [block(s, s + arm, h * 0.06, h * 0.7, -z, z) for s in (-x, x - arm)]
    return [
        block(-x, x, h * 0.08, seat * 0.75, -z, z),
        block(-x, x, seat * 0.5, h, z * 0.45, z),
        *sides,
        *[
            block(-x + arm + i * (x - arm), -x + arm + (i + 0.97) * (x - arm), seat * 0.7, seat, -z, z * 0.5)
            for i in (0, 1)
        ],
    ]


def _bed(w: float, h: float, d: float, rng: np.random.Generator) -> list[Mesh]:
    x, z = w / 2, d / 2
    return [
        block(-x, x, h * 0.15, h * 0.35, -z, z),
        block(-x, x, 0, h, z * 0.93, z),
        block(-x * 0.96, x * 0.96, h * 0.35, h * 0.52, -z * 0.97, z * 0.93, CLOTH),
        block(-x * 0.99, x * 0.99, h * 0.33, h * 0.58, -z * 0.98, z * 0.35),
        *[dome(s * x * 0.48, h * 0.58, z * 0.68, x * 0.38, h * 0.1, z * 0.18, CLOTH) for s in (-1, 1)],
        *legs(w, d, h * 0.16, w * 0.04, OAK),
    ]


def _lamp(w: float, h: float, d: float, rng: np.random.Generator) -> list[Mesh]:
    r = w / 2
    flat = d / w
    return [
        turned([(r * 0.98, h * 0.68), (r * 0.55, h)], flat=flat),
        turned([(0, h * 0.02), (r * 0.07, h * 0.02), (r * 0.07, h * 0.9), (0, h * 0.9)], paint=STEEL),
        turned([(0, 0), (r * 0.6, 0), (r * 0.55, h * 0.03), (r * 0.1, h * 0.06), (0, h * 0.06)], flat=flat),
    ]


def _shelf(w: float, h: float, d: float, rng: np.random.Generator) -> list[Mesh]:
    x, z = w / 2, d / 2
    n, t = int(rng.integers(3, 5)), w * 0.05
    walls = [block(s, s + t, 0, h, -z, z) for s in (-x, x - t)]
    boards = [block(-x, x, y, y + t, -z, z) for y in np.linspace(h * 0.02, h - t, n + 1)]
    return [*walls, *boards, block(-x, x, 0, h, z * 0.9, z)]


def _cabinet(w: float, h: float, d: float, rng: np.random.Generator) -> list[Mesh]:
    x, z = w / 2, d / 2
    foot, n = h * 0.07, int(rng.integers(2, 4))
    step = (h * 0.96 - foot) / n
    fronts = [block(-x * 0.94, x * 0.94, foot + i * step, foot + (i + 0.93) * step, -z, -z * 0.9) for i in range(n)]
    knobs = [dome(0, foot + (i + 0.5) * step, -z, w * 0.04, w * 0.04, w * 0.03, STEEL) for i in range(n)]
    return [block(-x, x, foot, h, -z * 0.93, z), *fronts, *knobs, *legs(w, d, foot, w * 0.05, COAL)]


def _monitor(w: float, h: float, d: float, rng: np.random.Generator) -> list[Mesh]:
    x = w / 2
    low = h * 0.28
    return [
        block(-x, x, low, h, -d * 0.15, d * 0.15),
        block(-x * 0.86, x * 0.86, low + h * 0.06, h * 0.94, -d * 0.18, 0, GLASS),
        turned([(0, 0), (w * 0.26, 0), (w * 0.24, h * 0.04), (w * 0.05, h * 0.06), (w * 0.05, low)], flat=0.8),
    ]


def _plant(w: float, h: float, d: float, rng: np.random.Generator) -> list[Mesh]:
    r = w / 2
    flat = d / w
    pot = h * 0.4
    crown = [
        dome(
            math.cos(a) * r * 0.45,
            pot + (h - pot) * t,
            math.sin(a) * r * 0.45 * flat,
            r * 0.5,
            (h - pot) * 0.28,
            r * 0.5,
            LEAF,
        )
        for a, t in zip(np.arange(6) * 1.05 + rng.uniform(0, 1), rng.uniform(0.35, 0.65, 6), strict=True)
    ]
    return [
        turned([(0, 0), (r * 0.5, 0), (r * 0.72, pot), (r * 0.6, pot), (0, pot * 0.92)], flat=flat),
        turned([(r * 0.09, pot * 0.9), (r * 0.09, h * 0.7)], paint=OAK),
        *crown,
        dome(0, h * 0.82, 0, r * 0.55, h * 0.18, r * 0.55 * flat, LEAF),
    ]


def _bottle(w: float, h: float, d: float, rng: np.random.Generator) -> list[Mesh]:
    r = w / 2
    flat = d / w
    return [
        turned(
            [(0, 0), (r, 0), (r, h * 0.5), (r * 0.85, h * 0.6), (r * 0.36, h * 0.72), (r * 0.33, h * 0.9)],
            flat=flat,
        ),
        turned([(r * 0.4, h * 0.88), (r * 0.4, h), (0, h)], flat=flat, paint=COAL if rng.random() < 0.5 else CLOTH),
    ]


def _mug(w: float, h: float, d: float, rng: np.random.Generator) -> list[Mesh]:
    cup, at = min(d / 2, w * 0.39), -w / 2 + min(d / 2, w * 0.39)
    angle = np.linspace(-1.4, 1.4, 9)
    far, mid = w / 2 - h * 0.06, at + cup * 0.8
    hoop = [
        dome(mid + (far - mid) * math.cos(a), h * (0.5 + 0.3 * math.sin(a)), 0, h * 0.06, h * 0.07, h * 0.06)
        for a in angle
    ]
    return [turned([(0, 0), (cup * 0.9, 0), (cup, h), (cup * 0.88, h), (cup * 0.85, h * 0.9)], at),
            turned([(cup * 0.86, h * 0.9), (0, h * 0.9)], at, paint=(60, 40, 30)), *hoop]  # fmt: skip


def _book(w: float, h: float, d: float, rng: np.random.Generator) -> list[Mesh]:
    x, z = w / 2, d / 2
    return [
        block(-x, x, 0, h, -z, -z * 0.75),
        block(-x, x, 0, h, z * 0.75, z),
        block(-x, -x * 0.85, 0, h, -z, z),
        block(-x * 0.9, x * 0.94, h * 0.02, h * 0.97, -z * 0.75, z * 0.75, CLOTH),
        block(-x * 0.5, x * 0.6, h * 0.65, h * 0.8, -z * 1.02, -z * 0.8, CLOTH, 2),
    ]


def _ball(w: float, h: float, d: float, rng: np.random.Generator) -> list[Mesh]:
    r = w / 2
    return [dome(0, h / 2, 0, r, h / 2, d / 2)]


def _barrel(w: float, h: float, d: float, rng: np.random.Generator) -> list[Mesh]:
    r = w / 2
    flat = d / w
    angle = np.linspace(-1, 1, 13)
    bulge = [(r * (0.97 - 0.2 * a * a), h * (a + 1) / 2) for a in angle]
    rings = []
    for a in (-0.85, -0.35, 0.35, 0.85):
        wide, at = r * (0.99 - 0.2 * a * a), h * (a + 1) / 2
        rings.append(turned([(wide, at - h * 0.03), (wide, at + h * 0.03)], flat=flat, paint=STEEL, rows=2))
    return [turned([(0, 0), *bulge, (0, h)], flat=flat), *rings]


def _cone(w: float, h: float, d: float, rng: np.random.Generator) -> list[Mesh]:
    r = w / 2
    flat = d / w
    x, z = w / 2, d / 2
    return [
        block(-x, x, 0, h * 0.06, -z, z, COAL if rng.random() < 0.5 else None),
        turned([(r * 0.8, h * 0.05), (r * 0.11, h), (0, h)], flat=flat),
    ]


def _chest(w: float, h: float, d: float, rng: np.random.Generator) -> list[Mesh]:
    x, z = w / 2, d / 2
    body = h * 0.55
    lid = []
    for a in np.linspace(0, np.pi, 15)[1:-1]:
        at, top = z * 0.9 * math.cos(a), body + (h - body) * math.sin(a)
        lid.append(block(-x * 0.99, x * 0.99, body, top, at - d * 0.05, at + d * 0.05))
    return [
        block(-x * 0.99, x * 0.99, 0, body, -z * 0.96, z * 0.96),
        *lid,
        block(-x, x, body - h * 0.03, body + h * 0.02, -z * 0.99, z * 0.99, COAL),
        block(-w * 0.07, w * 0.07, body - h * 0.15, body + h * 0.06, -z * 1.03, -z * 0.9, STEEL),
        *[block(s - w * 0.04, s + w * 0.04, 0, body, -z, z, STEEL) for s in (-x * 0.8, x * 0.8)],
    ]


SHAPES: dict[str, Callable[[float, float, float, np.random.Generator], list[Mesh]]] = {
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


def build(kind: str, extents: tuple[float, float, float], seed: int) -> list[Mesh]:
    """The meshes of one object of a kind of `SHAPES`; `extents` are (width, height, depth) in metres."""
    return SHAPES[kind](*extents, np.random.default_rng([seed, 22]))
