"""Pose and vector messages -> numpy in the left-handed world; which axes they are given in."""

from __future__ import annotations

from typing import Any

import numpy as np
from scenewright.v1 import geometry_pb2

from scenewright_server.scene.geometry import Pose, flip_handedness
from scenewright_server.service.validate import check_finite, check_range, refuse, require

MAX_COORDINATE_M = 10_000.0


UNTOLD = geometry_pb2.HANDEDNESS_UNSPECIFIED


def known_handedness(*messages: Any, default: int = UNTOLD) -> int:
    """The handedness that a request goes by, and its conversation from now on: that of the first of these messages
    which names one, else `default`, the one told before.

    messages: each with a `handedness`, or None, in the order in which they count: the scene, the image, the setup.
    Raises `Refused` (FIELD_INVALID) for a value that is no Handedness, in any of them.
    """
    named = [_check_handedness(message.handedness, "handedness") for message in messages if message is not None]
    return next((handedness for handedness in named if handedness != UNTOLD), default)


def read_handedness(message: Any, field: str, default: int = UNTOLD) -> bool:
    """Whether a message's coordinates are right-handed: as it names, else as `default` says, else they are not."""
    handedness = _check_handedness(message.handedness, f"{field}.handedness") or default
    return handedness == geometry_pb2.HANDEDNESS_RIGHT_HANDED


def _check_handedness(handedness: int, field: str) -> int:
    if handedness not in geometry_pb2.Handedness.values():
        refuse(field, handedness, "a known Handedness")
    return handedness


def read_pose(pose: geometry_pb2.Pose, is_right_handed: bool, field: str) -> Pose:
    """A pose of either handedness; its rotation is normalised, all zeros or unset is none."""
    require(pose, "position", f"{field}.position")
    position = read_vector(pose.position, -MAX_COORDINATE_M, MAX_COORDINATE_M, f"{field}.position")
    quaternion = np.array([check_finite(f"{field}.rotation.{axis}", getattr(pose.rotation, axis)) for axis in "xyzw"])
    # Scaled by the largest part first: the squares of single precision extremes leave its range.
    scale = np.abs(quaternion).max()
    rotation = quaternion / scale if scale > 0 else np.array([0.0, 0.0, 0.0, 1.0])
    result = Pose(position, rotation / np.linalg.norm(rotation))
    return flip_handedness(result) if is_right_handed else result


def read_vector(vector: geometry_pb2.Vector3, low: float, high: float, field: str) -> np.ndarray:
    """(3,) metres, each within [low, high]."""
    return np.array([check_range(f"{field}.{axis}", getattr(vector, axis), low, high, " m") for axis in "xyz"])
