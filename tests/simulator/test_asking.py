"""Questions over simulated worlds with open labels, and their plans."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from scenewright_server.scene import replies as r
from scenewright_server.scene.executing import execute
from scenewright_server.scene.facts import tell
from scenewright_server.scene.parsing import parse
from scenewright_server.scene.scene import Scene
from scenewright_server.scene.writing import write
from scenewright_server.simulator.asking.holes import include
from scenewright_server.simulator.asking.naming import Naming
from scenewright_server.simulator.asking.numerals import spell
from scenewright_server.simulator.asking.questions import Asked, Asker
from scenewright_server.simulator.asking.tables import CODES, Code, load_tables
from scenewright_server.simulator.asking.worlds import World, make_world

PAIRS: tuple[tuple[Code, Code], ...] = (("en", "en"), ("zh", "zh"), ("zh", "en"))


def make(asked: Code, labelled: Code, seed: int, n: int = 60) -> list[tuple[World, list[Asked]]]:
    rng = random.Random(seed)
    worlds = [make_world(load_tables(labelled), labelled, rng) for _ in range(n)]
    return [(world, Asker(load_tables(asked), world, rng).dialogue(4)) for world in worlds]


@pytest.mark.parametrize(("asked", "labelled"), PAIRS)
def test_every_plan_is_one_and_most_are_answered(asked: Code, labelled: Code) -> None:
    failed = (r.NotUnderstood, r.Lost, r.Mixed)
    kinds: Counter[str] = Counter()
    for world, dialogue in make(asked, labelled, 3):
        before = None
        for n, one in enumerate(dialogue):
            assert one.question.strip() and "{" not in one.question, one
            assert write(parse(one.plan)) == one.plan
            assert len(one.before) == min(n, 2)
            pointed = (0,) if one.points else ()
            reply = execute(parse(one.plan), Scene(world.entries, world.called, pointed=pointed, before=before))[-1]
            before = reply.turn
            kinds["failed" if isinstance(reply.results[0], failed) else "answered"] += 1
            kinds["follows"] += n > 0
    assert kinds["answered"] > 100
    assert kinds["failed"] < 0.05 * kinds["answered"], kinds
    assert kinds["follows"] > 0.3 * kinds["answered"]


@pytest.mark.parametrize(("asked", "labelled"), PAIRS)
def test_a_seed_makes_the_same_questions(asked: Code, labelled: Code) -> None:
    assert make(asked, labelled, 5, 4) == make(asked, labelled, 5, 4)
    assert make(asked, labelled, 5, 4) != make(asked, labelled, 6, 4)


@pytest.mark.parametrize(("asked", "labelled"), PAIRS)
def test_a_name_means_the_thing_that_it_is_of(asked: Code, labelled: Code) -> None:
    rng, right, n = random.Random(7), 0, 0
    for _ in range(40):
        world = make_world(load_tables(labelled), labelled, rng)
        naming = Naming(load_tables(asked), world, rng)
        for k in range(len(world.entries)):
            try:
                said = naming.thing(k)
            except LookupError:  # of several alike that nothing tells apart
                continue
            n += 1
            right += naming.resolves(said.plan) == (k,)
    assert right / n > 0.8


def test_what_a_description_tells_of_a_key_is_found_there() -> None:
    rng = random.Random(9)
    for _ in range(40):
        world = make_world(load_tables("en"), "en", rng)
        for entry, item in zip(world.entries, world.items, strict=True):
            assert entry.graph is not None
            for topic in item.topics:
                assert tell(entry.graph, world.key(topic)) is not None, (entry.graph, topic.name)


@pytest.mark.parametrize("code", CODES)
def test_every_form_can_be_filled(code: Code) -> None:
    """Each plan of the tables, with its ways of asking, is one that some world can be asked."""
    rng, tables = random.Random(11), load_tables(code)
    askers = [Asker(tables, make_world(tables, code, rng), rng) for _ in range(12)]
    for form in tables.forms:
        assert any(_fills(rng.choice(askers), form) for _ in range(60)), form.plan


def _fills(asker: Asker, form: object) -> bool:
    try:
        parse(asker.fill(form)[1])  # type: ignore[arg-type]
    except (LookupError, ValueError):
        return False
    return True


def test_numbers_are_spelled_and_bounds_are_as_they_are_said() -> None:
    numbers = (0, 2, 10, 15, 40, 105, 250, 300, 1012, 2200)
    assert [spell(n, "en") for n in numbers[3:]] == [
        "fifteen", "forty", "one hundred and five", "two hundred and fifty", "three hundred",
        "one thousand and twelve", "two thousand two hundred",
    ]  # fmt: skip
    han = ["零", "两", "十", "十五", "四十", "一百零五", "两百五十", "三百", "一千零一十二", "两千两百"]
    assert [spell(n, "zh") for n in numbers] == han
    with pytest.raises(ValueError, match="10000"):
        spell(10_000, "en")
    assert include("name all & price < 5", "anything for less than 5") == "name all & price < 5"
    assert include("name all & price < 5", "anything for 5 or less") == "name all & price <= 5"
    assert include("name all & price > 5", "五块以上的") == "name all & price >= 5"
