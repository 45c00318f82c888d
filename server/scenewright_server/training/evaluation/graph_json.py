"""Scene graphs as protobuf writes them in JSON, read without protobuf."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from scenewright_server.scene.entries import Fact, GraphObject
from scenewright_server.scene.geometry import Intrinsics, Pose, flip_handedness
from scenewright_server.scene.world import World, WorldObject, view

RIGHT_HANDED = "HANDEDNESS_RIGHT_HANDED"


def read_graph(graph: Mapping[str, Any]) -> tuple[GraphObject, ...]:
    """The objects of a SceneGraph as its viewpoint sees them. What JSON leaves out is zero; a right-handed graph is
    turned. Raises KeyError or TypeError where it is not of the contract's form."""
    is_right_handed = graph.get("handedness") == RIGHT_HANDED
    objects = {item["id"]: _read_object(item, is_right_handed) for item in graph.get("objects", ())}
    viewpoint = None
    if "viewpoint" in graph:
        seen = graph["viewpoint"]
        is_turned = seen.get("handedness", graph.get("handedness")) == RIGHT_HANDED
        viewpoint = (_read_pose(seen["pose"], is_turned), _read_lens(seen.get("intrinsics")))
    return view(World(int(graph.get("revision", 0)), objects, viewpoint, is_right_handed))


def _read_object(item: Mapping[str, Any], is_right_handed: bool) -> WorldObject:
    return WorldObject(
        item["id"],
        item.get("anchorId", ""),
        item["label"],
        _read_pose(item["pose"], is_right_handed),
        _read_vector(item.get("extents", {})),
        tuple(item.get("aliases", ())),
        item.get("description", ""),
        tuple(map(_read_fact, item.get("facts", ()))),
    )


def _read_fact(fact: Mapping[str, Any]) -> Fact:
    if "text" in fact:
        return Fact(fact["key"], fact["text"])
    return Fact(fact["key"], float(fact["number"]), fact.get("unit", ""))


def _read_pose(pose: Mapping[str, Any], is_right_handed: bool) -> Pose:
    turn = np.array([float(pose.get("rotation", {}).get(axis, 0.0)) for axis in "xyzw"])
    turn = turn / np.linalg.norm(turn) if turn.any() else np.array([0.0, 0.0, 0.0, 1.0])
    read = Pose(_read_vector(pose["position"]), turn)
    return flip_handedness(read) if is_right_handed else read


def _read_vector(vector: Mapping[str, Any]) -> np.ndarray:
    return np.array([float(vector.get(axis, 0.0)) for axis in "xyz"])


def _read_lens(lens: Mapping[str, Any] | None) -> Intrinsics | None:
    if lens is None:
        return None
    width, height = float(lens["width"]), float(lens["height"])
    return Intrinsics(lens["fx"] / width, lens["fy"] / height, lens["cx"] / width, lens["cy"] / height)
