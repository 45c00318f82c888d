"""The simulator's words against its geometry, by slow and independent reasoning."""

from __future__ import annotations

import math

import pytest
from scenewright_server.simulator import text
from scenewright_server.simulator.kinds import ATTRIBUTES, COLOURS, is_held_out
from scenewright_server.simulator.scene import sample
from scenewright_server.simulator.text import Thing, plain

KINDS = ATTRIBUTES["kind"]


def test_a_seed_is_a_scene():
    assert sample(3) == sample(3)
    assert sample(3) != sample(4)
    assert sample(3, "test") != sample(3, "train")


def test_held_out_pairs_are_kept_out_of_training_and_in_every_compositional_scene():
    def held_out(split: str) -> list[int]:
        scenes = (sample(seed, split) for seed in range(40))
        return [sum(is_held_out(o.kind, o.colour) for o in scene.objects) for scene in scenes]

    assert not any(held_out("train")) and not any(held_out("test"))
    assert all(held_out("compositional"))
    for kind in KINDS:
        assert sum(is_held_out(kind, colour) for colour in COLOURS) == 2


def test_supports_carry_what_stands_on_them():
    stacked = [(o, s.objects[o.support]) for s in map(sample, range(60)) for o in s.objects if o.support is not None]
    assert stacked
    for item, under in stacked:
        assert item.position[1] == pytest.approx(under.extents[1])
        reach = math.hypot(under.extents[0], under.extents[2]) / 2
        assert math.dist(item.position[::2], under.position[::2]) <= reach


def test_a_description_names_everything_once_with_its_place():
    goblin = Thing("goblin king", (0.5, 0.0, 3.0), (0.6, 1.8, 0.4))
    table = Thing("oak table", (0.4, -0.6, 1.8), (1.2, 0.8, 0.8))
    potion = Thing("health potion", (0.4, -0.1, 1.8), (0.1, 0.2, 0.1), support=1)
    raven = Thing("raven", (0.2, 0.0, -2.0), (0.3, 0.3, 0.3))
    order = text.left_to_right([goblin, table, potion, raven])
    things = text.reorder([goblin, table, potion, raven], order)
    said = plain(text.describe(things))
    assert said == (
        "a goblin king on the right, an oak table in front of it, a health potion on it and a raven behind you"
    )
