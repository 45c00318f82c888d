"""What a scene of the people split answers to plans: the scene is looked up, the reply is spoken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from scenewright_server.languages import SPEAKERS
from scenewright_server.languages.speaking import Spelt
from scenewright_server.scene.entries import Entry, Fact, merge
from scenewright_server.scene.executing import Scene, carry_out
from scenewright_server.scene.geometry import Intrinsics, Pose, flip_handedness
from scenewright_server.scene.replies import Reply
from scenewright_server.scene.world import World, WorldObject, view


@dataclass(frozen=True)
class Answer:
    """What is said to a question, the ids that it rests on, and the replies that it says."""

    text: str
    pointed: tuple[str, ...]
    replies: tuple[Reply, ...]


def read_entries(graph: dict[str, Any]) -> tuple[Entry, ...]:
    """The entries of a SceneGraph in protobuf's JSON mapping, as seen from its viewpoint without a frame.

    Raises KeyError where an object lacks its id, label or pose.
    """
    is_right_handed = graph.get("handedness") == "HANDEDNESS_RIGHT_HANDED"
    objects = {item["id"]: _object(item, is_right_handed) for item in graph.get("objects", [])}
    viewpoint = graph.get("viewpoint")
    camera = None if viewpoint is None else _pose(viewpoint["pose"], is_right_handed)
    lens = _lens(viewpoint["intrinsics"]) if viewpoint and "intrinsics" in viewpoint else None
    world = World(int(graph.get("revision", 0)), objects, (camera, lens) if camera else None, is_right_handed)
    return merge(None, view(world))


def read_plans(path: Path) -> dict[str, tuple[str, ...]]:
    """The plans of questions by their ids: those of the turns before, then its own. A line is `id: plan -> plan`."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]
    pairs = [line.split(": ", 1) for line in lines]
    return {id_: tuple(plan.strip() for plan in plans.split("->")) for id_, plans in pairs}


def answer(entries: tuple[Entry, ...], plans: Sequence[str], language: str) -> Answer:
    """What the last of these turns' plans gives, said in a language ("en", "zh")."""
    called = tuple(entry.graph.label if entry.graph else "" for entry in entries)
    scene = Scene(entries, called, year=date.today().year)
    replies: tuple[Reply, ...] = ()
    for plan in plans:
        replies = carry_out(plan, scene)
        scene = replace(scene, before=replies[-1].turn)
    said = ["".join(SPEAKERS[language].reply(reply, Spelt(called))) for reply in replies]
    things = dict.fromkeys(k for reply in replies for k in reply.things)
    graphs = [entries[k].graph for k in things]
    return Answer(" ".join(said), tuple(graph.id for graph in graphs if graph), replies)


def _object(item: dict[str, Any], is_right_handed: bool) -> WorldObject:
    facts = tuple(
        Fact(its["key"], its["text"] if "text" in its else float(its["number"]), its.get("unit", ""))
        for its in item.get("facts", [])
    )
    return WorldObject(
        item["id"],
        item.get("anchorId", ""),
        item["label"],
        _pose(item["pose"], is_right_handed),
        _vector(item.get("extents", {}), "xyz"),
        tuple(item.get("aliases", [])),
        item.get("description", ""),
        facts,
    )


def _pose(pose: dict[str, Any], is_right_handed: bool) -> Pose:
    turn = _vector(pose.get("rotation", {"w": 1.0}), "xyzw")
    found = Pose(_vector(pose.get("position", {}), "xyz"), turn / np.linalg.norm(turn))
    return flip_handedness(found) if is_right_handed else found


def _lens(lens: dict[str, float]) -> Intrinsics:
    return Intrinsics(lens["fx"], lens["fy"], lens.get("cx", 0.5), lens.get("cy", 0.5))


def _vector(values: dict[str, float], axes: str) -> np.ndarray:
    return np.array([float(values.get(axis, 0.0)) for axis in axes])
