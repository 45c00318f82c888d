"""Scenes varied beyond what `sample` draws, so that the image tower learns objects and not one look of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from scenewright_server.simulator.distortions import roll, step_back
from scenewright_server.simulator.kinds import is_held_out
from scenewright_server.simulator.parts import OTHER
from scenewright_server.simulator.renderer import PALETTE
from scenewright_server.simulator.scene import Scene, SceneObject, Vector

EMPTY = 0.02  # share of scenes that hold nothing,
STRANGE = 0.05  # nothing of a kind,
MIXED = 0.1  # one thing of no kind among the others
MOVED, ROLLED = 0.55, 0.4
SCALES = (0.55, 1.12)
ROLL_DEGREES = 8.0
PAINTED = 0.5  # share of scenes, and of their objects, with paints of their own


def vary(scene: Scene, rng: np.random.Generator) -> Scene:
    """The scene from a place farther, nearer or banked; with free paints; with things that are of no kind."""
    if rng.random() < MOVED:
        scene = step_back(scene, float(rng.uniform(*SCALES)))
    if rng.random() < ROLLED:
        scene = roll(scene, float(rng.uniform(-ROLL_DEGREES, ROLL_DEGREES)))
    objects = list(scene.objects)
    if rng.random() < PAINTED:
        objects = [replace(o, paint=free_paint(o.kind, rng)) if rng.random() < PAINTED else o for o in objects]
    share = rng.random()
    if share < EMPTY:
        objects = []
    elif share < EMPTY + STRANGE:
        objects = [_strange(o, rng) for o in objects]
    elif share < EMPTY + STRANGE + MIXED:
        i = int(rng.integers(len(objects)))
        objects[i] = _strange(objects[i], rng)
    return replace(scene, objects=tuple(objects))


def free_paint(kind: str, rng: np.random.Generator) -> Vector:
    """Any colour, but none that is nearest to a colour that this kind is never shown in."""
    while True:
        if rng.random() < 0.5:
            paint = rng.uniform(0.02, 0.97, 3)
        else:  # greys, from black to white: a random point of the cube is rarely one
            paint = (rng.uniform(0.03, 0.95) + rng.normal(0, 0.025, 3)).clip(0.02, 0.97)
        nearest = min(PALETTE, key=lambda name: float(np.abs(paint - PALETTE[name]).sum()))
        if not is_held_out(kind, nearest):
            red, green, blue = paint.tolist()
            return red, green, blue


def _strange(item: SceneObject, rng: np.random.Generator) -> SceneObject:
    red, green, blue = rng.uniform(0.03, 0.95, 3).tolist()
    return replace(item, kind=OTHER, paint=(red, green, blue) if rng.random() < 0.5 else item.paint)
