"""What a user points at."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from scenewright_server.scene.entries import Entry, Vector
from scenewright_server.scene.geometry import Pose, rotation_matrix, to_camera

NEAR_RAD = math.radians(5)
"""How far beside the ray a point may lie that is pointed at."""

PointedAt = int | Literal["nothing"]
"""What is pointed at: an entry, or nothing that is known."""


@dataclass(frozen=True)
class Ray:
    """A ray in the camera's frame, or in the world before it is seen from there: where it starts (metres) and its unit
    direction."""

    origin: Vector
    direction: Vector

    def seen_from(self, camera: Pose) -> Ray:
        """A ray in the world in the camera's frame."""
        origin = to_camera(np.array(self.origin)[None], camera)[0]
        return Ray(_vector(origin), _vector(np.array(self.direction) @ rotation_matrix(camera.rotation)))


def first_met(ray: Ray, entries: Sequence[Entry]) -> int | None:
    """The entry that a ray meets first, None where it meets none.

    Boxes are turned as their poses say; what is only seen is its upright rectangle at its depth. A point without
    extents is met at its distance if it lies within NEAR_RAD of the ray. A box that holds the ray's origin is not met.
    """
    met = [(away, k) for k, entry in enumerate(entries) if (away := _meet(ray, entry)) is not None]
    return min(met)[1] if met else None


def _meet(ray: Ray, entry: Entry) -> float | None:
    """Metres along the ray to an entry, to a point straight; None where it is not met."""
    offset = np.array(ray.origin) - entry.position
    if not any(entry.size):
        away = float(np.linalg.norm(offset))
        along = -float(offset @ np.array(ray.direction))
        return away if away > 0 and along >= away * math.cos(NEAR_RAD) else None
    direction = np.array(ray.direction)
    if entry.graph is not None:
        axes = rotation_matrix(np.array(entry.graph.rotation))
        offset, direction = offset @ axes, direction @ axes
    return _enter(offset.tolist(), direction.tolist(), entry.size)


def _enter(origin: Sequence[float], direction: Sequence[float], size: Vector) -> float | None:
    """Where a ray enters the box of this size around (0, 0, 0), by its slabs (Kay and Kajiya, 1986)."""
    enter, leave = -math.inf, math.inf
    for at, step, extent in zip(origin, direction, size, strict=True):
        if step == 0:
            if abs(at) > extent / 2:
                return None
            continue
        near, far = sorted(((-extent / 2 - at) / step, (extent / 2 - at) / step))
        enter, leave = max(enter, near), min(leave, far)
    return enter if 0 < enter <= leave else None


def _vector(x: np.ndarray) -> Vector:
    return float(x[0]), float(x[1]), float(x[2])
