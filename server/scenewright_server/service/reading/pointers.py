"""Pointer -> a ray; Viewpoint -> a camera. Both in the left-handed world."""

from __future__ import annotations

import numpy as np
from scenewright.v1 import geometry_pb2

from scenewright_server.scene.geometry import Intrinsics, Pose
from scenewright_server.scene.pointing import Ray
from scenewright_server.service.reading.images import read_lens
from scenewright_server.service.reading.poses import (
    MAX_COORDINATE_M,
    UNTOLD,
    read_handedness,
    read_pose,
    read_vector,
)
from scenewright_server.service.validate import check_finite, refuse, require


def read_pointer(pointer: geometry_pb2.Pointer, field: str = "pointer", default: int = UNTOLD) -> Ray:
    """What is pointed along, in the world; `default`: its handedness where it names none.

    Raises `Refused`: FIELD_REQUIRED or FIELD_INVALID.
    """
    sign = -1 if read_handedness(pointer, field, default) else 1
    require(pointer, "origin", f"{field}.origin")
    require(pointer, "direction", f"{field}.direction")
    x, y, z = read_vector(pointer.origin, -MAX_COORDINATE_M, MAX_COORDINATE_M, f"{field}.origin").tolist()
    direction = np.array(
        [check_finite(f"{field}.direction.{axis}", getattr(pointer.direction, axis)) for axis in "xyz"]
    )
    # Scaled by the largest part first: the squares of single precision extremes leave its range.
    scale = np.abs(direction).max()
    if scale == 0:
        refuse(f"{field}.direction", "of length 0", "a length of more than 0")
    direction /= scale
    dx, dy, dz = (direction / np.linalg.norm(direction)).tolist()
    return Ray((x, y, sign * z), (dx, dy, sign * dz))


def read_viewpoint(
    viewpoint: geometry_pb2.Viewpoint, field: str = "viewpoint", default: int = UNTOLD
) -> tuple[Pose, Intrinsics | None]:
    """The camera, and its lens if it was told; `default`: the handedness of its pose where it names none.

    Raises `Refused`: FIELD_REQUIRED or FIELD_INVALID.
    """
    is_right_handed = read_handedness(viewpoint, field, default)
    require(viewpoint, "pose", f"{field}.pose")
    lens = None
    if viewpoint.HasField("intrinsics"):
        lens = read_lens(viewpoint.intrinsics, f"{field}.intrinsics")
    return read_pose(viewpoint.pose, is_right_handed, f"{field}.pose"), lens
