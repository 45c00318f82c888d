"""Seeded scenes: objects placed on a floor and on tables, and the camera that looks at them.

World frame: metres, left-handed, y up, the floor at y = 0. Camera frame: x right, y up, z forward (depth).
Boxes are (x0, y0, x1, y1) in [0, 1] with the origin at the top left.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from scenewright_server.simulator.kinds import (
    COLOURS,
    KIND_BY_NAME,
    KINDS,
    PATTERNS,
    SIZE_FACTOR,
    SIZES,
    Kind,
    is_held_out,
)

Vector = tuple[float, float, float]
Box = tuple[float, float, float, float]

NEAR_M, FAR_M = 1.6, 3.9
MAX_HIDDEN = 0.45
MIN_SIDE = 0.045
N_TRIES = 60


@dataclass(frozen=True)
class SceneObject:
    """One object: its looks, the centre of its base in the world, its yaw (radians) and extents (metres)."""

    kind: str
    colour: str
    pattern: str
    size: str
    position: Vector
    yaw: float
    extents: Vector
    support: int | None
    seed: int
    paint: Vector | None = None  # linear RGB in 0..1, in place of its colour's own

    @property
    def centre(self) -> np.ndarray:
        """World position of the middle of the object, (3,)."""
        x, y, z = self.position
        return np.array((x, y + self.extents[1] / 2, z))

    def corners(self) -> np.ndarray:
        """The eight corners of its oriented bounding box in the world, (8, 3)."""
        w, h, d = self.extents
        signs = np.array([(x, y, z) for x in (-0.5, 0.5) for y in (0.0, 1.0) for z in (-0.5, 0.5)])
        local = signs * (w, h, d)
        c, s = math.cos(self.yaw), math.sin(self.yaw)
        turned = np.stack([c * local[:, 0] + s * local[:, 2], local[:, 1], -s * local[:, 0] + c * local[:, 2]], 1)
        return turned + self.position


@dataclass(frozen=True)
class Camera:
    """A pinhole camera: world position, camera-to-world rotation, focal lengths and centre in image sizes."""

    position: Vector
    rotation: tuple[Vector, ...]
    fx: float
    fy: float
    cx: float = 0.5
    cy: float = 0.5

    def to_camera(self, points: np.ndarray) -> np.ndarray:
        """World points (..., 3) in the camera's frame."""
        return (np.asarray(points) - self.position) @ np.array(self.rotation)

    def project(self, points: np.ndarray) -> np.ndarray:
        """World points (N, 3), in front of the camera, to image coordinates (N, 2) in [0, 1]."""
        local = self.to_camera(points)
        depth = np.maximum(local[:, 2], 1e-3)
        return np.stack([self.cx + self.fx * local[:, 0] / depth, self.cy - self.fy * local[:, 1] / depth], axis=1)

    def box(self, item: SceneObject) -> Box:
        """The clipped image box around an object's projected corners."""
        uv = self.project(item.corners())
        x0, y0 = np.clip(uv.min(0), 0, 1)
        x1, y1 = np.clip(uv.max(0), 0, 1)
        return float(x0), float(y0), float(x1), float(y1)


@dataclass(frozen=True)
class Scene:
    """A whole scene. `floor`, `wall` and `light` are seeds of surface textures and of the light's direction."""

    objects: tuple[SceneObject, ...]
    camera: Camera
    floor: int
    wall: int
    light: int
    seed: int


def sample(seed: int, split: str = "train", n_objects: int | None = None) -> Scene:
    """The scene of this seed and split.

    `train` and `test` never show a held-out kind-colour pair; in `compositional` every scene shows at least one.
    `n_objects` (1 to 6) is drawn when not given; fewer are placed when no room is left.
    """
    rng = np.random.default_rng([seed, {"train": 0, "test": 1, "compositional": 2}[split]])
    while True:
        camera = _sample_camera(rng)
        wanted = n_objects or int(rng.integers(2, 7))
        objects: list[SceneObject] = []
        for i in range(wanted):
            placed = _place(rng, camera, objects, held_out=split == "compositional" and (i == 0 or rng.random() < 0.5))
            if placed is not None:
                objects.append(placed)
        if objects and (n_objects is None or len(objects) == n_objects):
            break
    # Supports are placed before what stands on them; the shuffle hides that order from whoever reads the scene.
    order = rng.permutation(len(objects))
    place = {int(old): new for new, old in enumerate(order)}
    shuffled = []
    for old in order:
        item = objects[old]
        support = None if item.support is None else place[item.support]
        shuffled.append(SceneObject(**{**item.__dict__, "support": support}))
    floor, wall, light = (int(rng.integers(2**31)) for _ in range(3))
    return Scene(tuple(shuffled), camera, floor, wall, light, seed)


def _sample_camera(rng: np.random.Generator) -> Camera:
    yaw, pitch, roll = np.radians([rng.uniform(-6, 6), rng.uniform(9, 24), rng.normal(0, 1.0)])
    cy, sy, cp, sp, cr, sr = (f(a) for a in (yaw, pitch, roll) for f in (math.cos, math.sin))
    turn = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    tilt = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    bank = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    rotation = turn @ tilt @ bank
    aspect = math.exp(rng.uniform(math.log(0.75), math.log(1.6)))
    focal = rng.uniform(0.78, 0.95)
    fx, fy = (focal, focal * aspect) if aspect >= 1 else (focal / aspect, focal)
    position = (rng.uniform(-0.1, 0.1), rng.uniform(1.1, 1.6), rng.uniform(-0.1, 0.1))
    return Camera(position, tuple(tuple(row) for row in rotation.tolist()), fx, fy)


def _looks(rng: np.random.Generator, others: list[SceneObject], held_out: bool) -> tuple[Kind, str]:
    """A kind and a colour; tables, and what stands on tables, come more often so that "on" occurs."""
    kinds: tuple[Kind, ...] = KINDS
    tables = any(KIND_BY_NAME[o.kind].supports for o in others)
    if rng.random() < (0.3 if tables else 0.1):
        kinds = tuple(k for k in KINDS if (k.on_table if tables else k.supports))
    while True:
        kind, colour = kinds[rng.integers(len(kinds))], COLOURS[rng.integers(len(COLOURS))]
        if is_held_out(kind.name, colour) == held_out:
            return kind, colour


def _place(rng: np.random.Generator, camera: Camera, others: list[SceneObject], held_out: bool) -> SceneObject | None:
    """A new object that stands free, in view and not too hidden; None when there is no room."""
    kind, colour = _looks(rng, others, held_out)
    if others and not held_out and rng.random() < 0.12:
        kind = _same_kind(rng, others, colour) or kind
    size = SIZES[rng.integers(2)]
    pattern = PATTERNS[rng.choice(3, p=[0.5, 0.25, 0.25])]
    w, h, d = np.array(kind.extents) * SIZE_FACTOR[size] * rng.normal(1, 0.04) * rng.uniform(0.93, 1.07, 3)
    extents = (float(w), float(h), float(d))
    tables = [i for i, o in enumerate(others) if KIND_BY_NAME[o.kind].supports]
    for _ in range(N_TRIES):
        support = int(rng.choice(tables)) if tables and kind.on_table and rng.random() < 0.7 else None
        if support is None:
            depth, u = rng.uniform(NEAR_M, FAR_M), rng.uniform(0.08, 0.92)
            x, z = depth * (u - camera.cx) / camera.fx, depth
            yaw_camera = math.atan2(camera.rotation[0][2], camera.rotation[2][2])
            c, s = math.cos(yaw_camera), math.sin(yaw_camera)
            position = (camera.position[0] + c * x + s * z, 0.0, camera.position[2] - s * x + c * z)
        else:
            base = others[support]
            rx, rz = (max(b - o, 0.0) * 0.5 for b, o in ((base.extents[0], w), (base.extents[2], d)))
            dx, dz = rng.uniform(-rx, rx), rng.uniform(-rz, rz)
            c, s = math.cos(base.yaw), math.sin(base.yaw)
            position = (
                base.position[0] + c * dx + s * dz, base.extents[1], base.position[2] - s * dx + c * dz,
            )  # fmt: skip
        yaw = rng.uniform(-0.7, 0.7) if support is None else others[support].yaw + rng.uniform(-0.4, 0.4)
        position = (float(position[0]), float(position[1]), float(position[2]))
        item = SceneObject(kind.name, colour, pattern, size, position, float(yaw), extents, support,
                           int(rng.integers(2**31)))  # fmt: skip
        if _fits(camera, item, others):
            return item
    return None


def _same_kind(rng: np.random.Generator, others: list[SceneObject], colour: str) -> Kind | None:
    """The kind of an object already there, so that counts above one occur and colours must tell objects apart."""
    name = others[rng.integers(len(others))].kind
    return None if is_held_out(name, colour) else KIND_BY_NAME[name]


def _fits(camera: Camera, item: SceneObject, others: list[SceneObject]) -> bool:
    uv = camera.project(item.corners())
    if uv.min() < -0.06 or uv.max() > 1.06 or camera.to_camera(item.corners())[:, 2].min() < 0.6:
        return False
    box = camera.box(item)
    if min(box[2] - box[0], box[3] - box[1]) < MIN_SIDE:
        return False
    depth = camera.to_camera(item.centre)[2]
    for i, other in enumerate(others):
        other_box, other_depth = camera.box(other), camera.to_camera(other.centre)[2]
        if i != item.support:
            if _collide(item, other):
                return False
            if other_depth < depth and _covered(box, other_box) > MAX_HIDDEN:
                return False
        if depth < other_depth and _covered(other_box, box) > MAX_HIDDEN:
            return False
    return True


def _collide(a: SceneObject, b: SceneObject) -> bool:
    """Whether two objects at overlapping heights stand so near that their footprints may touch."""
    if a.position[1] >= b.position[1] + b.extents[1] or b.position[1] >= a.position[1] + a.extents[1]:
        return False
    reach = 0.5 * (math.hypot(a.extents[0], a.extents[2]) + math.hypot(b.extents[0], b.extents[2]))
    return math.hypot(a.position[0] - b.position[0], a.position[2] - b.position[2]) < 0.8 * reach


def _covered(box: Box, by: Box) -> float:
    """The share of `box` that lies inside `by`."""
    w = min(box[2], by[2]) - max(box[0], by[0])
    h = min(box[3], by[3]) - max(box[1], by[1])
    area = (box[2] - box[0]) * (box[3] - box[1])
    return max(w, 0.0) * max(h, 0.0) / max(area, 1e-9)
