"""Scene graphs as an app could have them: things all around the user, under names that no training gave them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from scenewright_server.families.diorama.tokenizer import N_REFS
from scenewright_server.scene.entries import GraphObject
from scenewright_server.simulator.kinds import ATTRIBUTES, COLOURS
from scenewright_server.simulator.scene import Box, Camera, Scene, SceneObject
from scenewright_server.simulator.text import Thing, left_to_right, reorder, things
from scenewright_server.training.episodes import belie, named
from scenewright_server.training.words import invented

LABELS = (
    "fire extinguisher", "coffee machine", "goblin king", "treasure map", "exit sign", "water cooler", "robot arm",
    "garden gnome", "portal gate", "health potion", "ancient scroll", "crystal skull", "control panel", "oil drum",
    "grand piano", "pizza oven", "shopping trolley", "rubber duck", "traffic light", "ticket machine", "wooden crate",
    "steam engine", "magic mirror", "dragon egg", "laser cutter", "hospital trolley", "vending machine", "park bench",
    "spiral staircase", "tea kettle", "marble statue", "pirate flag", "space helmet", "weather station", "guest badge",
    "first aid kit", "spare wheel", "pressure valve", "heart monitor", "paint bucket", "tool belt", "server rack",
    "bicycle pump", "picture frame", "music stand", "camping tent", "holographic globe", "wizard hat", "phone booth",
    "gas meter", "door handle", "window cleaner", "kitchen sink", "loading dock", "safety harness", "stuffed bear",
    "ghost lantern", "iron anvil", "sewing machine", "desk fan", "laundry basket", "sleeping cat", "toy train",
)  # fmt: skip
"""Things that apps anchor; training joins words at random, so it has called nothing by these names."""

N_LABEL_TRIES = 50
N_PLACE_TRIES = 40
SHARE_TWINS = 0.1
"""Of labels that are given to a second thing."""


@dataclass(frozen=True)
class Told:
    """A scene graph and what is true with it: things, left to right, and the id of each, None for what is only seen.

    `covered` are kinds that the frame shows under other names: to ask for them has no clear answer.
    """

    graph: tuple[GraphObject, ...]
    things: list[Thing]
    ids: list[str | None]
    covered: frozenset[str] = frozenset()


def draw_label(rng: np.random.Generator) -> str:
    """An open label: one of LABELS, or one or two invented words."""
    if rng.random() < 0.7:
        return LABELS[int(rng.integers(len(LABELS)))]
    return " ".join(invented(rng) for _ in range(int(rng.integers(1, 3))))


def draw_labels(rng: np.random.Generator, n: int, style: str = "") -> list[str]:
    """Labels of n things: "open" ones, kinds ("noun"), or colours and kinds ("colour"); nearly all different."""
    style = style or str(rng.choice(["open", "noun", "colour"], p=[0.7, 0.15, 0.15]))
    labels: list[str] = []
    for _ in range(n):
        if labels and rng.random() < SHARE_TWINS:
            labels.append(labels[int(rng.integers(len(labels)))])
            continue
        for _ in range(N_LABEL_TRIES):
            noun = draw_label(rng)
            if style != "open":
                kind = ATTRIBUTES["kind"][int(rng.integers(len(ATTRIBUTES["kind"])))]
                noun = kind if style == "noun" else f"{COLOURS[int(rng.integers(len(COLOURS)))]} {kind}"
            if noun not in labels:
                break
        labels.append(noun)
    return labels


def draw_graph(rng: np.random.Generator) -> Told:
    """2 to 24 things on the floor, on each other and in the air."""
    camera = _draw_camera(rng)
    placed: list[SceneObject] = []
    for label in draw_labels(rng, int(rng.integers(2, N_REFS + 1))):
        item = _place(rng, label, camera.position[1], placed)
        placed += [item] if item is not None else []
    items: list[Thing] = []
    for item in placed:
        x, y, z = (float(v) for v in camera.to_camera(item.centre))
        items.append(named(Thing("thing", (x, y, z), item.extents, _box(camera, item), item.support), item.kind))
    graph = [GraphObject(str(i), placed[i].kind, t.position, t.extents, t.box) for i, t in enumerate(items)]
    order = left_to_right(items)
    shuffled = tuple(graph[i] for i in rng.permutation(len(graph)))
    return Told(shuffled, reorder(items, order), [str(i) for i in order])


def tell(scene: Scene, boxes: Sequence[Box | None], sort: str, rng: np.random.Generator) -> Told:
    """A graph of the true poses of a scene whose objects have these visible boxes.

    `sort`: "agree"; "partial", some objects are not in the graph; "disagree", the frame belies one label.
    """
    items = things(scene, boxes)
    styles = ["noun", "colour"] if sort == "disagree" else ["open", "open", "noun", "colour"]
    style = str(rng.choice(styles))
    shown = [i for i, box in enumerate(boxes) if box is not None]
    if sort == "disagree" and shown:
        i = int(rng.choice(shown))
        items[i] = belie(items[i], "kind" if style == "noun" or rng.random() < 0.5 else "colour", rng)
    labels = draw_labels(rng, len(items), "open")
    if style != "open":
        labels = [item.short if style == "colour" else item.name for item in items]
    known = [i for i in range(len(items)) if sort != "partial" or rng.random() < 0.75]
    covered = {items[i].name for i in known if style == "open"}
    graph = []
    for i in known:
        item = items[i]
        if boxes[i] is None:  # the frame shows nothing of its looks
            item = replace(item, colour=None, pattern=None, size=None)
        items[i] = named(item, labels[i])
        box = boxes[i] or scene.camera.box(scene.objects[i])
        graph.append(GraphObject(str(i), labels[i], item.position, item.extents, box))
    order = [i for i in left_to_right(items) if i in known or i in shown]
    ids = [str(i) if i in known else None for i in order]
    return Told(tuple(graph), reorder(items, order), ids, frozenset(covered))


def _draw_camera(rng: np.random.Generator) -> Camera:
    pitch = math.radians(rng.uniform(-5, 20))
    c, s = math.cos(pitch), math.sin(pitch)
    tilt = ((1.0, 0.0, 0.0), (0.0, c, -s), (0.0, s, c))
    fx, fy = (float(f) for f in rng.uniform(0.6, 1.1, 2))
    return Camera((0.0, float(rng.uniform(1.1, 1.7)), 0.0), tilt, fx, fy)


def _place(rng: np.random.Generator, label: str, eye_m: float, others: list[SceneObject]) -> SceneObject | None:
    """A thing of this label that stands or hangs free; None when there is no room."""
    for _ in range(N_PLACE_TRIES):
        w, h, d = (float(v) for v in np.exp(rng.uniform(math.log(0.1), math.log(1.4), 3)))
        support, y = None, 0.0
        draw = rng.random()
        if draw < 0.2 and others:
            support = int(rng.integers(len(others)))
            base = others[support]
            if base.support is not None or base.position[1] > 0:
                continue
            w, d = (float(rng.uniform(0.2, 0.7) * side) for side in (base.extents[0], base.extents[2]))
            x, z = (
                float(at + rng.uniform(-0.5, 0.5) * (under - side))
                for at, under, side in ((base.position[0], base.extents[0], w), (base.position[2], base.extents[2], d))
            )
            y = base.extents[1]
        else:
            is_hanging = draw > 0.85
            distance, bearing = (
                rng.uniform(0.3 if is_hanging else 0.7, 3 if is_hanging else 6),
                rng.uniform(0, 2 * math.pi),
            )
            x, z = float(distance * math.sin(bearing)), float(distance * math.cos(bearing))
            if is_hanging:
                h = min(h, 0.4)
                y = float(eye_m + rng.uniform(-0.5, 0.3) - h / 2)
        item = SceneObject(label, "", "", "", (x, y, z), 0.0, (w, h, d), support, 0)
        if all(i == support or not _is_near(item, other) for i, other in enumerate(others)):
            return item
    return None


def _is_near(a: SceneObject, b: SceneObject) -> bool:
    """Whether two things are above, below or beside each other with less than a hand between them."""
    reach = [(p + q) / 2 + 0.1 for p, q in zip(a.extents, b.extents, strict=True)]
    return abs(a.position[0] - b.position[0]) < reach[0] and abs(a.position[2] - b.position[2]) < reach[2]


def _box(camera: Camera, item: SceneObject) -> Box | None:
    """Its image box; None when it is out of view or reaches behind the camera."""
    if camera.to_camera(item.corners())[:, 2].min() < 0.1:
        return None
    x0, y0, x1, y1 = camera.box(item)
    return (x0, y0, x1, y1) if x1 - x0 > 0.01 and y1 - y0 > 0.01 else None
