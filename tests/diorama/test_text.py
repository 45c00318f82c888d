"""The simulator's words against its geometry, by slow and independent reasoning."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from scenewright_server.diorama import text
from scenewright_server.diorama.kinds import ATTRIBUTES, COLOURS, is_held_out
from scenewright_server.diorama.scene import sample
from scenewright_server.diorama.text import Mention, Thing, plain

KINDS = ATTRIBUTES["kind"]


def turns(n_scenes: int = 60):
    for seed in range(n_scenes):
        things = text.in_view(sample(seed, "test"))
        for turn in text.dialogue(things, np.random.default_rng(seed), 10, KINDS):
            yield things, turn


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


def matching(things: list[Thing], phrase: str) -> list[Thing]:
    *adjectives, noun = phrase.split()
    looks = {"size", "pattern", "colour"}
    return [t for t in things if t.name == noun and set(adjectives) <= {getattr(t, look) for look in looks}]


def test_counts_and_existence_are_true():
    seen = 0
    for things, turn in turns():
        if turn.type == "exist":
            phrase = re.sub(r"^(is there|do you see|can you see) an? ", "", turn.question)
            assert (plain(turn.answer) == "yes") == bool(matching(things, phrase))
            seen += 1
        if turn.type == "count" and (asked := re.fullmatch(r"how many (\w+) things are there", turn.question)):
            n = sum(asked[1] in (t.colour, t.pattern) for t in things)
            assert plain(turn.answer) == text.NUMBERS[n] and len(turn.refs) == n
            seen += 1
    assert seen > 50


def test_relations_are_true_in_the_cameras_frame():
    seen = 0
    for things, turn in turns():
        asked = re.fullmatch(rf"is the (.+?) ({'|'.join(text.RELATIONS)}) the (.+)", turn.question)
        if turn.type != "relation" or asked is None:
            continue
        (a,), (b,) = matching(things, asked[1]), matching(things, asked[3])
        across = a.position[0] / a.position[2] - b.position[0] / b.position[2]
        deeper = a.position[2] - b.position[2]
        true = {
            "to the left of": across < 0,
            "to the right of": across > 0,
            "behind": deeper > 0,
            "in front of": deeper < 0,
            "on": a.support is not None and things[a.support] is b,
        }[asked[2]]
        assert plain(turn.answer) == ("yes" if true else "no")
        seen += 1
    assert seen > 30


def test_questions_name_one_thing_and_follow_ups_follow_it():
    before = None
    for things, turn in turns():
        if turn.type in ("colour", "size", "pattern"):
            assert plain(turn.answer) == getattr(things[turn.refs[0]], turn.type)
        if turn.type == "follow_up":
            assert before is not None
            named = [part.thing for part in before.answer if isinstance(part, Mention)] or list(before.refs)
            assert turn.refs[0] in named
        before = turn


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
