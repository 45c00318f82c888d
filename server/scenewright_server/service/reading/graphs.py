"""SceneGraph -> World, and what changes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from scenewright.v1 import dialogue_pb2, graph_pb2

from scenewright_server.scene.world import World, WorldObject
from scenewright_server.service.reading.images import read_lens
from scenewright_server.service.reading.poses import read_pose, read_vector
from scenewright_server.service.settings import Limits
from scenewright_server.service.status import Refused
from scenewright_server.service.validate import MAX_ID_CHARS, check_count, check_text, refuse, require

MAX_OBJECT_ID_CHARS = 64
MAX_ALIASES = 8
MAX_DESCRIPTION_CHARS = 500
MAX_EXTENT_M = 1_000.0


def read_graph(graph: graph_pb2.SceneGraph, limits: Limits, field: str = "scene") -> World:
    """Judge and translate a graph. Raises `Refused`: FIELD_REQUIRED, FIELD_INVALID or SCENE_TOO_LARGE."""
    check_count(f"{field}.objects", len(graph.objects), 0, limits.max_scene_objects, "SCENE_TOO_LARGE")
    viewpoint = None
    if graph.HasField("viewpoint"):
        where = f"{field}.viewpoint"
        require(graph.viewpoint, "pose", f"{where}.pose")
        lens = None
        if graph.viewpoint.HasField("intrinsics"):
            lens = read_lens(graph.viewpoint.intrinsics, f"{where}.intrinsics")
        viewpoint = (read_pose(graph.viewpoint.pose, graph.handedness, f"{where}.pose"), lens)
    objects = _read_objects(graph.objects, graph.handedness, limits, f"{field}.objects")
    return World(graph.revision, tuple(objects.values()), viewpoint)


def update_graph(world: World | None, delta: dialogue_pb2.SceneDelta, limits: Limits) -> World:
    """A world after a change of it, which is taken whole or not at all.

    Raises `Refused`: SCENE_OUTDATED, SCENE_TOO_LARGE, FIELD_REQUIRED or FIELD_INVALID.
    """
    field = "scene_update.delta"
    held = 0 if world is None else world.revision
    if delta.base_revision != held:
        _outdated(f"{field}.base_revision", delta.base_revision, held)
    if delta.revision <= held:
        refuse(f"{field}.revision", delta.revision, f"more than {held}, its base_revision")
    check_count(f"{field}.upserts", len(delta.upserts), 0, limits.max_scene_objects, "SCENE_TOO_LARGE")
    objects = {} if world is None else {item.id: item for item in world.objects}
    for i, id in enumerate(delta.removed_ids):
        if objects.pop(id, None) is None:
            refuse(f"{field}.removed_ids[{i}]", repr(id[:MAX_OBJECT_ID_CHARS]), "the id of an object in the scene")
    objects |= _read_objects(delta.upserts, delta.handedness, limits, f"{field}.upserts")
    check_count("the scene's objects", len(objects), 0, limits.max_scene_objects, "SCENE_TOO_LARGE")
    return World(delta.revision, tuple(objects.values()), None if world is None else world.viewpoint)


def check_revision(field: str, revision: int, held: int) -> None:
    """Refuse a snapshot that is older than the one that is held."""
    if revision < held:
        _outdated(field, revision, held)


def _outdated(field: str, revision: int, held: int) -> NoReturn:
    raise Refused(
        "SCENE_OUTDATED",
        f"{field} is {revision}, the session holds {held} already",
        field=field,
        value=revision,
        bound=held,
    )


def _read_objects(
    items: Sequence[graph_pb2.SceneObject], handedness: int, limits: Limits, field: str
) -> dict[str, WorldObject]:
    objects: dict[str, WorldObject] = {}
    for i, item in enumerate(items):
        found = _read_object(item, handedness, limits, f"{field}[{i}]")
        if found.id in objects:
            refuse(f"{field}[{i}].id", repr(found.id), "an id that no other object has")
        objects[found.id] = found
    return objects


def _read_object(item: graph_pb2.SceneObject, handedness: int, limits: Limits, field: str) -> WorldObject:
    check_text(f"{field}.id", item.id, MAX_OBJECT_ID_CHARS, required=True)
    check_text(f"{field}.anchor_id", item.anchor_id, MAX_ID_CHARS, required=False)
    check_text(f"{field}.label", item.label, limits.max_label_chars, required=True)
    check_count(f"{field}.aliases", len(item.aliases), 0, MAX_ALIASES)
    for i, alias in enumerate(item.aliases):
        check_text(f"{field}.aliases[{i}]", alias, limits.max_label_chars, required=True)
    check_text(f"{field}.description", item.description, MAX_DESCRIPTION_CHARS, required=False)
    require(item, "pose", f"{field}.pose")
    return WorldObject(
        item.id,
        item.anchor_id,
        item.label,
        read_pose(item.pose, handedness, f"{field}.pose"),
        read_vector(item.extents, 0, MAX_EXTENT_M, f"{field}.extents"),
    )
