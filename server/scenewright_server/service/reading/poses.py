"""Pose and vector messages -> numpy in the left-handed world."""

from __future__ import annotations

import numpy as np
from scenewright.v1 import geometry_pb2

from scenewright_server.scene.geometry import Pose, flip_handedness
from scenewright_server.service.validate import check_finite, check_range, refuse, require

MAX_COORDINATE_M = 10_000.0


def read_pose(pose: geometry_pb2.Pose, handedness: int, field: str) -> Pose:
    """A pose of either handedness; its rotation is normalised, all zeros or unset is none."""
    if handedness not in geometry_pb2.Handedness.values():
        refuse("handedness", handedness, "a known Handedness")
    require(pose, "position", f"{field}.position")
    position = read_vector(pose.position, -MAX_COORDINATE_M, MAX_COORDINATE_M, f"{field}.position")
    quaternion = np.array([check_finite(f"{field}.rotation.{axis}", getattr(pose.rotation, axis)) for axis in "xyzw"])
    # Scaled by the largest part first: the squares of single precision extremes leave its range.
    scale = np.abs(quaternion).max()
    rotation = quaternion / scale if scale > 0 else np.array([0.0, 0.0, 0.0, 1.0])
    result = Pose(position, rotation / np.linalg.norm(rotation))
    return flip_handedness(result) if handedness == geometry_pb2.HANDEDNESS_RIGHT_HANDED else result


def read_vector(vector: geometry_pb2.Vector3, low: float, high: float, field: str) -> np.ndarray:
    """(3,) metres, each within [low, high]."""
    return np.array([check_range(f"{field}.{axis}", getattr(vector, axis), low, high, " m") for axis in "xyz"])
