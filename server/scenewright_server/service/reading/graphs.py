"""SceneGraph -> World, and what changes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NoReturn

from scenewright.v1 import dialogue_pb2, geometry_pb2, graph_pb2

from scenewright_server.scene.entries import Fact
from scenewright_server.scene.world import World, WorldObject
from scenewright_server.service.reading.pointers import read_viewpoint
from scenewright_server.service.reading.poses import (
    UNTOLD,
    known_handedness,
    read_handedness,
    read_pose,
    read_vector,
)
from scenewright_server.service.settings import Limits
from scenewright_server.service.status import Refused
from scenewright_server.service.validate import (
    MAX_ID_CHARS,
    check_count,
    check_finite,
    check_text,
    refuse,
    require,
    require_one_of,
)

LEFT_HANDED, RIGHT_HANDED = geometry_pb2.HANDEDNESS_LEFT_HANDED, geometry_pb2.HANDEDNESS_RIGHT_HANDED
MAX_OBJECT_ID_CHARS = 64
MAX_ALIASES = 8
MAX_DESCRIPTION_CHARS = 500
MAX_EXTENT_M = 1_000.0
MAX_KEY_CHARS = 64
MAX_VALUE_CHARS = 500
MAX_UNIT_CHARS = 32


def read_graph(graph: graph_pb2.SceneGraph, limits: Limits, field: str = "scene", default: int = UNTOLD) -> World:
    """Judge and translate a graph; `default`: its handedness where it names none.

    Raises `Refused`: FIELD_REQUIRED, FIELD_INVALID or SCENE_TOO_LARGE.
    """
    check_count(f"{field}.objects", len(graph.objects), 0, limits.max_scene_objects, "SCENE_TOO_LARGE")
    is_right_handed = read_handedness(graph, field, default)
    viewpoint = None
    if graph.HasField("viewpoint"):
        own = known_handedness(graph, default=default)
        viewpoint = read_viewpoint(graph.viewpoint, f"{field}.viewpoint", own)
    objects = _read_objects(graph.objects, is_right_handed, limits, f"{field}.objects")
    return World(graph.revision, objects, viewpoint, is_right_handed)


def update_graph(world: World | None, delta: dialogue_pb2.SceneDelta, limits: Limits, default: int = UNTOLD) -> World:
    """A world after a change of it, which is taken whole or not at all; `default`: the handedness of a change of
    nothing that names none.

    Raises `Refused`: SCENE_OUTDATED, SCENE_TOO_LARGE, FIELD_REQUIRED or FIELD_INVALID.
    """
    field = "scene_update.delta"
    if world is None:
        world = World(is_right_handed=read_handedness(delta, field, default))
    if delta.base_revision != world.revision:
        _outdated(f"{field}.base_revision", delta.base_revision, world.revision)
    if delta.revision <= world.revision:
        refuse(f"{field}.revision", delta.revision, f"more than {world.revision}, its base_revision")
    own = RIGHT_HANDED if world.is_right_handed else LEFT_HANDED
    if read_handedness(delta, field, own) != world.is_right_handed:
        names = geometry_pb2.Handedness
        refuse(f"{field}.handedness", names.Name(delta.handedness), f"{names.Name(own)} as its scene, or none")
    check_count(f"{field}.upserts", len(delta.upserts), 0, limits.max_scene_objects, "SCENE_TOO_LARGE")
    objects = dict(world.objects)
    for i, id in enumerate(delta.removed_ids):
        if objects.pop(id, None) is None:
            refuse(f"{field}.removed_ids[{i}]", repr(id[:MAX_OBJECT_ID_CHARS]), "the id of an object in the scene")
    objects |= _read_objects(delta.upserts, world.is_right_handed, limits, f"{field}.upserts")
    check_count("the scene's objects", len(objects), 0, limits.max_scene_objects, "SCENE_TOO_LARGE")
    return replace(world, revision=delta.revision, objects=objects)


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
    items: Sequence[graph_pb2.SceneObject], is_right_handed: bool, limits: Limits, field: str
) -> dict[str, WorldObject]:
    objects: dict[str, WorldObject] = {}
    for i, item in enumerate(items):
        found = _read_object(item, is_right_handed, limits, f"{field}[{i}]")
        if found.id in objects:
            refuse(f"{field}[{i}].id", repr(found.id), "an id that no other object has")
        objects[found.id] = found
    return objects


def _read_object(item: graph_pb2.SceneObject, is_right_handed: bool, limits: Limits, field: str) -> WorldObject:
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
        read_pose(item.pose, is_right_handed, f"{field}.pose"),
        read_vector(item.extents, 0, MAX_EXTENT_M, f"{field}.extents"),
        tuple(item.aliases),
        item.description,
        _read_facts(item.facts, limits, f"{field}.facts"),
    )


def _read_facts(items: Sequence[graph_pb2.Fact], limits: Limits, field: str) -> tuple[Fact, ...]:
    check_count(field, len(items), 0, limits.max_facts)
    facts: dict[str, Fact] = {}
    for i, item in enumerate(items):
        fact = _read_fact(item, f"{field}[{i}]")
        if fact.key in facts:
            refuse(f"{field}[{i}].key", repr(fact.key), "a key that no other fact of the object has")
        facts[fact.key] = fact
    return tuple(facts.values())


def _read_fact(item: graph_pb2.Fact, field: str) -> Fact:
    check_text(f"{field}.key", item.key, MAX_KEY_CHARS, required=True)
    if require_one_of(item, "value", field) == "text":
        check_text(f"{field}.text", item.text, MAX_VALUE_CHARS, required=True)
        if item.unit:
            refuse(f"{field}.unit", repr(item.unit[:MAX_UNIT_CHARS]), "no unit beside a text")
        return Fact(item.key, item.text)
    check_text(f"{field}.unit", item.unit, MAX_UNIT_CHARS, required=False)
    return Fact(item.key, check_finite(f"{field}.number", item.number), item.unit)
