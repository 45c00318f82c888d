"""Camera geometry of a scene graph: pure functions on numpy, no protobuf.

Inside the server the world is left-handed as in Unity (x right, y up, z forward, metres) and the camera frame
is x right, y up, z into the picture. Quaternions are (x, y, z, w).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

Box = tuple[float, float, float, float]

FOCAL = 0.85
"""Focal length of a camera whose lens is not known, over the longer side of its picture."""
NEAR_M = 0.05
"""What is nearer to the camera plane than this is cut off before projection."""

_EDGES = [(a, b) for a in range(8) for b in range(a + 1, 8) if bin(a ^ b).count("1") == 1]


@dataclass(frozen=True)
class Pose:
    """Position (3,) in metres and unit quaternion (4,) in the left-handed world."""

    position: np.ndarray
    rotation: np.ndarray


IDENTITY = Pose(np.zeros(3), np.array([0.0, 0.0, 0.0, 1.0]))


@dataclass(frozen=True)
class Intrinsics:
    """A pinhole camera in fractions of the picture: x over its width, y over its height, y down."""

    fx: float
    fy: float
    cx: float = 0.5
    cy: float = 0.5

    def turned(self, quarter_turns: int, mirrored: bool) -> Intrinsics:
        """The lens of the picture turned clockwise and, if it was `mirrored`, then swapped left to right."""
        lens = self
        for _ in range(quarter_turns):
            lens = Intrinsics(lens.fy, lens.fx, 1 - lens.cy, lens.cx)
        return Intrinsics(lens.fx, lens.fy, 1 - lens.cx, lens.cy) if mirrored else lens


def default_lens(aspect: float) -> Intrinsics:
    """Square pixels and a vertical field of view of 60 degrees, for a picture of this width over height."""
    fy = 0.5 / math.tan(math.radians(30))
    return Intrinsics(fy / aspect, fy)


def guessed_lens(aspect: float) -> Intrinsics:
    """Square pixels and a focal length of FOCAL, for a frame of this width over height whose lens is not known."""
    return Intrinsics(FOCAL, FOCAL * aspect) if aspect >= 1 else Intrinsics(FOCAL / aspect, FOCAL)


def flip_handedness(pose: Pose) -> Pose:
    """The same pose with z reversed: right-handed (ARKit, glTF; z backward) to left-handed and back."""
    x, y, z, w = pose.rotation
    return Pose(pose.position * [1, 1, -1], np.array([-x, -y, z, w]))


def rotation_matrix(quaternion: np.ndarray) -> np.ndarray:
    """(3, 3) matrix of a unit quaternion (x, y, z, w)."""
    x, y, z, w = quaternion
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def to_camera(points: np.ndarray, camera: Pose) -> np.ndarray:
    """World points (N, 3) in the camera's frame."""
    return (points - camera.position) @ rotation_matrix(camera.rotation)


def turn_to_camera(rotation: np.ndarray, camera: Pose) -> np.ndarray:
    """A rotation (4,) from a thing's axes to the world's, as one to the camera's."""
    ax, ay, az, aw = camera.rotation * [-1, -1, -1, 1]
    bx, by, bz, bw = rotation
    return np.array(
        [
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
            aw * bw - ax * bx - ay * by - az * bz,
        ]
    )


def corners(pose: Pose, size: np.ndarray) -> np.ndarray:
    """(8, 3) corners of a box of full extents `size` in metres, centred on `pose`."""
    signs = np.array([[1 if i & bit else -1 for bit in (1, 2, 4)] for i in range(8)])
    return signs * size / 2 @ rotation_matrix(pose.rotation).T + pose.position


def project_box(points: np.ndarray, intrinsics: Intrinsics) -> Box | None:
    """The box (x0, y0, x1, y1) in [0, 1], origin top left, of a solid's 8 corners in the camera frame.

    The solid is cut at the near plane first, so that one reaching behind the camera keeps its visible part.
    None when nothing of it is in view.
    """
    depth = points[:, 2]
    front = points[depth >= NEAR_M]
    crossing = [
        points[a] + (NEAR_M - depth[a]) / (depth[b] - depth[a]) * (points[b] - points[a])
        for a, b in _EDGES
        if (depth[a] < NEAR_M) != (depth[b] < NEAR_M)
    ]
    visible = np.concatenate([front, np.array(crossing).reshape(-1, 3)])
    if not len(visible):
        return None
    x = intrinsics.cx + intrinsics.fx * visible[:, 0] / visible[:, 2]
    y = intrinsics.cy - intrinsics.fy * visible[:, 1] / visible[:, 2]
    x0, x1 = np.clip([x.min(), x.max()], 0, 1)
    y0, y1 = np.clip([y.min(), y.max()], 0, 1)
    if x1 <= x0 or y1 <= y0:
        return None
    return float(x0), float(y0), float(x1), float(y1)
