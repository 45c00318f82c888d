"""What the app knows to be in the world, and how it looks from a camera."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from scenewright_server.scene.entries import Fact, GraphObject
from scenewright_server.scene.geometry import (
    IDENTITY,
    Intrinsics,
    Pose,
    corners,
    default_lens,
    project_box,
    to_camera,
    turn_to_camera,
)

POINT_M = 0.01
"""An object without extents is a point: a cube of this side."""


@dataclass(frozen=True)
class WorldObject:
    """An object of a scene graph in the left-handed world; `size` (3,) holds full extents in metres."""

    id: str
    anchor_id: str
    label: str
    pose: Pose
    size: np.ndarray
    aliases: tuple[str, ...] = ()
    description: str = ""
    facts: tuple[Fact, ...] = ()


@dataclass(frozen=True)
class World:
    """A scene graph: its objects by their ids, the viewpoint that came with it, and whether the app's coordinates,
    which are left-handed here, are right-handed."""

    revision: int = 0
    objects: Mapping[str, WorldObject] = field(default_factory=dict)
    viewpoint: tuple[Pose, Intrinsics | None] | None = None
    is_right_handed: bool = False


def view(
    world: World, camera: Pose | None = None, lens: Intrinsics | None = None, aspect: float = 1.0
) -> tuple[GraphObject, ...]:
    """The objects in the camera's frame with their boxes in the picture.

    Camera and lens are those given (the frame's), else the world's viewpoint's. Without either the camera is at the
    world's origin and looks forward, and the lens is the default one for a picture of this aspect.
    """
    if world.viewpoint is not None:
        camera, lens = camera or world.viewpoint[0], lens or world.viewpoint[1]
    camera, lens = camera or IDENTITY, lens or default_lens(aspect)
    return tuple(_view_object(item, camera, lens) for item in world.objects.values())


def _view_object(item: WorldObject, camera: Pose, lens: Intrinsics) -> GraphObject:
    x, y, z = to_camera(item.pose.position[None], camera)[0]
    points = to_camera(corners(item.pose, np.maximum(item.size, POINT_M)), camera)
    turn = turn_to_camera(item.pose.rotation, camera)
    width, height, depth = item.size
    return GraphObject(
        id=item.id,
        label=item.label,
        position=(float(x), float(y), float(z)),
        size=(float(width), float(height), float(depth)),
        box=project_box(points, lens),
        anchor_id=item.anchor_id,
        rotation=(float(turn[0]), float(turn[1]), float(turn[2]), float(turn[3])),
        aliases=item.aliases,
        description=item.description,
        facts=item.facts,
    )
