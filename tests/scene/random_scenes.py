"""Random scenes: things on floors, tables and shelves, turned, told of in many ways."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import numpy as np
from scenewright_server.scene.entries import Fact, GraphObject, Quaternion, merge
from scenewright_server.scene.scene import Scene

NOUNS = (
    "chair table mug lamp sofa shelf box vase clock door cat 闹钟 椅子 SM_Chair_02 coffee_table Barrel(Clone)".split()
)
COLOURS = ("red", "blue", "green", "")
MAKERS = ("Thonet", "Otto Brandt", "宜家")


def quaternion(axis: tuple[float, float, float], radians: float) -> Quaternion:
    x, y, z = (c * math.sin(radians / 2) for c in axis)
    return (x, y, z, math.cos(radians / 2))


def product(a: Quaternion, b: Quaternion) -> Quaternion:
    """The rotation b, then a."""
    (ax, ay, az, aw), (bx, by, bz, bw) = a, b
    return (
        aw * bx + ax * bw + ay * bz - az * by,
        aw * by - ax * bz + ay * bw + az * bx,
        aw * bz + ax * by - ay * bx + az * bw,
        aw * bw - ax * bx - ay * by - az * bz,
    )


def random_objects(seed: int, n: int, is_turned: bool = True) -> list[GraphObject]:
    """Objects around the user, whose eyes are 1 m above the floor; about half stand on others."""
    draw = random.Random(seed)
    objects: list[GraphObject] = []
    for i in range(n):
        size = tuple(draw.choice((0.1, 0.3, 0.6, 1.0, 1.8)) * draw.uniform(0.7, 1.3) for _ in range(3))
        spread = 1.0 + 0.05 * n
        x, z = draw.uniform(-spread, spread), draw.uniform(-spread, spread)
        floor = -1.0
        if objects and draw.random() < 0.5:
            under = draw.choice(objects)
            x, z = (under.position[c] + draw.uniform(-0.4, 0.4) * under.size[c] for c in (0, 2))
            floor = under.position[1] + under.size[1] * draw.choice((0.5, 0.5, 0.1, -0.5))
        turn = quaternion((0, 1, 0), draw.uniform(-math.pi, math.pi)) if is_turned else (0.0, 0.0, 0.0, 1.0)
        noun, colour = draw.choice(NOUNS), draw.choice(COLOURS)
        label = f"{colour} {noun}".strip() if noun.isascii() and noun.islower() and draw.random() < 0.5 else noun
        facts = [Fact("colour", colour)] if colour else []
        if draw.random() < 0.5:
            facts.append(Fact("price", float(draw.randint(1, 40)), "EUR"))
        if draw.random() < 0.3:
            facts.append(Fact("maker", draw.choice(MAKERS)))
        said = draw.choice(
            ("", f"weighs {draw.randint(1, 9)} kg", f"重{draw.randint(1, 9)}公斤", "waterproof, from 1889")
        )
        position = (x, floor + size[1] / 2, z)
        objects.append(
            GraphObject(str(i), label, position, size, None, "", turn, ("gadget",) * (i % 7 == 0), said, tuple(facts))
        )
    return objects


def pitched(objects: list[GraphObject], radians: float) -> list[GraphObject]:
    """The same objects in the frame of a camera that looks down by this angle."""
    turn = quaternion((1, 0, 0), -radians)
    c, s = math.cos(radians), math.sin(radians)
    rows = np.array([[1, 0, 0], [0, c, s], [0, -s, c]])
    return [
        replace(
            item,
            position=tuple(float(v) for v in rows @ np.array(item.position)),
            rotation=product(turn, item.rotation),
        )
        for item in objects
    ]


def scene_of(objects: list[GraphObject], **more) -> Scene:
    entries = merge(None, objects)
    return Scene(entries, tuple(entry.graph.label for entry in entries if entry.graph), **more)
