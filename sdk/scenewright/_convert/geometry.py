"""Poses, lenses, viewpoints and pointers -> protobuf."""

from __future__ import annotations

from typing import overload

from scenewright import types
from scenewright._convert import checks
from scenewright.v1 import geometry_pb2

_HANDEDNESS = {
    None: geometry_pb2.HANDEDNESS_UNSPECIFIED,
    "left": geometry_pb2.HANDEDNESS_LEFT_HANDED,
    "right": geometry_pb2.HANDEDNESS_RIGHT_HANDED,
}
_POINTER_SOURCES = {
    None: geometry_pb2.POINTER_SOURCE_UNSPECIFIED,
    "gaze": geometry_pb2.POINTER_SOURCE_GAZE,
    "hand": geometry_pb2.POINTER_SOURCE_HAND,
    "controller": geometry_pb2.POINTER_SOURCE_CONTROLLER,
    "screen": geometry_pb2.POINTER_SOURCE_SCREEN,
}


def handedness_to_proto(
    handedness: types.Handedness | None, field: str = "handedness"
) -> geometry_pb2.Handedness.ValueType:
    """Raises InvalidInputError for another word."""
    return checks.choice(_HANDEDNESS, handedness, field)


def vector_to_proto(vector: types.Vector, field: str) -> geometry_pb2.Vector3:
    """Three numbers."""
    x, y, z = checks.numbers(vector, field, "x, y, z")
    return geometry_pb2.Vector3(x=x, y=y, z=z)


@overload
def pose_to_proto(pose: types.Pose, field: str) -> geometry_pb2.Pose: ...
@overload
def pose_to_proto(pose: None, field: str) -> None: ...
def pose_to_proto(pose: types.Pose | None, field: str) -> geometry_pb2.Pose | None:
    """Position and quaternion."""
    if pose is None:
        return None
    checks.instance(pose, field, types.Pose)
    x, y, z, w = checks.numbers(pose.rotation, f"{field}.rotation", "x, y, z, w")
    return geometry_pb2.Pose(
        position=vector_to_proto(pose.position, f"{field}.position"),
        rotation=geometry_pb2.Quaternion(x=x, y=y, z=z, w=w),
    )


def intrinsics_to_proto(camera: types.Intrinsics | None, field: str) -> geometry_pb2.CameraIntrinsics | None:
    """The same, field by field."""
    if camera is None:
        return None
    checks.instance(camera, field, types.Intrinsics)
    return checks.make(
        geometry_pb2.CameraIntrinsics,
        field,
        fx=camera.fx,
        fy=camera.fy,
        cx=camera.cx,
        cy=camera.cy,
        width=camera.width,
        height=camera.height,
    )


def viewpoint_to_proto(viewpoint: types.Viewpoint, field: str = "viewpoint") -> geometry_pb2.Viewpoint:
    """The same, field by field."""
    checks.instance(viewpoint, field, types.Viewpoint)
    return geometry_pb2.Viewpoint(
        pose=pose_to_proto(checks.instance(viewpoint.pose, f"{field}.pose", types.Pose), f"{field}.pose"),
        intrinsics=intrinsics_to_proto(viewpoint.intrinsics, f"{field}.intrinsics"),
        handedness=handedness_to_proto(viewpoint.handedness, f"{field}.handedness"),
    )


def pointer_to_proto(pointer: types.Pointer, field: str = "pointer") -> geometry_pb2.Pointer:
    """The same, field by field; the server refuses a direction without a length."""
    checks.instance(pointer, field, types.Pointer)
    return geometry_pb2.Pointer(
        origin=vector_to_proto(pointer.origin, f"{field}.origin"),
        direction=vector_to_proto(pointer.direction, f"{field}.direction"),
        handedness=handedness_to_proto(pointer.handedness, f"{field}.handedness"),
        source=checks.choice(_POINTER_SOURCES, pointer.source, f"{field}.source"),
    )
