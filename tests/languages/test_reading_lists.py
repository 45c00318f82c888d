"""A departure board, on which nothing is told to be a train: what is read of a question, against brute force."""

from __future__ import annotations

import pytest
from scenewright_server.languages.reading import SURE, read
from scenewright_server.scene.entries import Fact, GraphObject, merge
from scenewright_server.scene.executing import execute
from scenewright_server.scene.parsing import parse
from scenewright_server.scene.scene import Scene

BOARD = (
    ("IC 204", "Lindau", "08:10", 4, 38.0),
    ("RE 17", "Marsfeld", "08:25", 7, 12.5),
    ("IC 218", "Lindau", "09:30", 2, 41.0),
    ("EC 88", "Verona", "10:02", 4, 79.0),
    ("RB 52", "Obertal", "11:05", 1, 8.2),
)


@pytest.fixture(scope="module")
def scene() -> Scene:
    return board(len(BOARD))


def board(n: int) -> Scene:
    graph = [
        GraphObject(
            f"t{k}",
            name,
            (k - 2.0, 1.5, 3.0),
            (0.9, 0.2, 0.1),
            facts=(Fact("to", to), Fact("departs", departs), Fact("platform", platform), Fact("price", price, "EUR")),
        )
        for k, (name, to, departs, platform, price) in enumerate(BOARD[:n])
    ]
    entries = merge(None, graph)
    return Scene(entries, tuple(entry.graph.label for entry in entries if entry.graph))


@pytest.mark.parametrize(
    ("question", "is_meant"),
    [
        ("Which trains go to Lindau?", lambda name, to, departs, platform, price: to == "Lindau"),
        ("how many trains leave from platform 4?", lambda name, to, departs, platform, price: platform == 4),
        ("Which is the most expensive train?", lambda name, to, departs, platform, price: price == 79),
        ("which trains cost less than 20 euros", lambda name, to, departs, platform, price: price < 20),
        ("Which train leaves last?", lambda name, to, departs, platform, price: departs == "11:05"),
        ("How many trains leave before ten o'clock?", lambda name, to, departs, platform, price: departs < "10:00"),
        ("what's the third train of the day", lambda name, to, departs, platform, price: departs == "09:30"),
    ],
)
def test_the_kind_of_all_is_no_name(scene: Scene, question: str, is_meant) -> None:
    reading = read(question, scene, "en")
    assert reading is not None and reading.confidence >= SURE, f"{question}: {reading}"
    found = {scene.called[k] for k in execute(parse(reading.plan), scene)[0].things}
    assert found == {row[0] for row in BOARD if is_meant(*row)} != set()


def test_what_goes_by_no_fact_may_be_of_another_kind(scene: Scene) -> None:
    reading = read("How many ferries are there?", scene, "en")
    assert reading is None or not execute(parse(reading.plan), scene)[0].things


def test_four_things_make_no_list(scene: Scene) -> None:
    assert scene.is_list and not board(4).is_list
