"""What plans give: against the simulator's truth in tests/simulator, here in cases that people run into."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scenewright_server.scene.entries import Box, Detections, GraphObject, merge
from scenewright_server.scene.lookup import Finding, Lookup

VALUES = {
    "size": ("small", "large"),
    "pattern": ("plain", "striped"),
    "colour": ("red", "blue", "green"),
    "kind": ("chair", "mug", "table"),
}
LEFT, MIDDLE, RIGHT = (0.05, 0.4, 0.25, 0.8), (0.4, 0.4, 0.6, 0.8), (0.75, 0.4, 0.95, 0.8)


def looks(words: str, sure: float = 0.97) -> dict[str, np.ndarray]:
    """Posteriors of something that looks so: "striped red chair"."""
    rows = {}
    for name, values in VALUES.items():
        value = next((v for v in values if v in words.split()), values[0])
        rows[name] = np.array([sure if v == value else (1 - sure) / (len(values) - 1) for v in values], np.float32)
    return rows


def see(*things: tuple[str, Box], sure: float = 0.97, scores: float = 0.95, depth: float = 2.0) -> Detections:
    rows = [looks(words, sure) for words, _ in things]
    n = len(things)
    return Detections(
        np.array([box for _, box in things], np.float32).reshape(n, 4),
        np.full(n, scores, np.float32),
        np.full(n, depth, np.float32),
        {name: np.stack([row[name] for row in rows]) for name in VALUES},
    )


def know(label: str, x: float = 0.0, y: float = 0.0, z: float = 2.0, box: Box | None = None, size=(0.5, 0.5, 0.5)):
    return GraphObject(f"{label} {x} {y} {z}", label, (x, y, z), size, box)


def ask(plan: str, seen: Detections | None = None, *known: GraphObject, focus=()) -> Finding:
    finding = Lookup(merge(seen, known), seen, VALUES, focus).find(plan.split("|"))
    assert 0 <= finding.confidence <= 1
    return finding


GOBLINS = (know("goblin king", -1.0), know("health potion", 1.0, 0.0, 3.0), know("raven", 0.0, 0.0, -2.0))


@pytest.mark.parametrize(
    ("plan", "result"),
    [
        ("distance|goblin king", (0, "2.2")),
        ("distance|king", (0, "2.2")),  # by the last word of its label
        ("distance|golbin king", (0, "2.2")),  # misspelt
        ("distance|dragon", ("missing",)),
        ("apart|goblin king|potion", (0, 1, "2.2")),
        ("is|king|left|potion", (0, 1, "yes")),
        ("is|raven|left|potion", (2, 1, "no")),  # left and right are of what is ahead
        ("closer|king|potion", (0,)),
        ("farthest", (1,)),
        ("nearest|king", (1,)),
        ("what|behind|me", (2,)),
        ("what|left|me", (0,)),
        ("what|reach|me", ("nothing",)),
        ("reach|king", (0, "no")),
        ("where|raven", (2, "you")),
        ("exist|king", (0, "yes")),
        ("exist|red king", ("no",)),
        ("count|thing", (0, 1, 2, "three")),
        ("colour|king", ("unknown",)),  # nobody has seen it
        ("where|it", ("lost",)),
        ("where|left one", ("lost",)),
        ("beyond", ("beyond",)),
        ("colour", ("beyond",)),  # makes no sense
        ("is|king|wears|potion", ("beyond",)),
        ("what|wears|king", ("beyond",)),
        ("", ("beyond",)),
    ],
)
def test_what_a_scene_graph_settles(plan: str, result: tuple):
    assert ask(plan, None, *GOBLINS).result == result


def test_it_and_the_left_one_are_of_what_was_spoken_of():
    assert ask("where|it", None, *GOBLINS, focus=(1,)).result == (1, "right")
    assert ask("where|left one", None, *GOBLINS, focus=(1, 0)).result == (0, "left")
    assert ask("where|right one", None, *GOBLINS, focus=(1, 0)).result == (1, "right")
    assert ask("where|it", None, *GOBLINS, focus=(7,)).result == ("lost",), "an entry that is no more"


def test_nothing_seen_and_nothing_known():
    assert ask("list").result == ask("colour|chair").result == ask("what|left|me").result == ("unsure",)
    assert ask("what|behind|me", see(("red chair", LEFT))).result == ("blind",), "a frame shows what is ahead"
    assert Lookup((), None, VALUES).survey() == Finding(("unsure",))


def test_an_exact_name_goes_before_a_longer_one_and_equals_are_several():
    sofas = (know("sofa", -1), know("camp sofa", 1))
    assert ask("where|sofa", None, *sofas).result == (0, "left")
    assert ask("count|sofa", None, *sofas).result == (0, 1, "two")
    assert ask("where|king", None, know("goblin king", -1), know("elf king", 1)).result == ("several", 0, 1)
    assert ask("where|国王", None, know("哥布林国王", 1)).result == (0, "right")
    assert ask("colour|red mug", None, know("white mug", -1), know("red mug", 1)).result == (1, "red")


def test_a_label_of_another_languages_words_is_of_its_kind():
    names = {"zh": {"red": "红色", "small": "小的", "chair": "椅子", "mug": "杯子"}}
    known = (know("小的红色椅子", -1), know("红色的杯子", 1), know("红龙", 0))
    for asked in ("chair", "红色椅子", "small red chair", "小的红色椅子"):
        assert Lookup(merge(None, known), None, VALUES, names=names).find(["colour", asked]).result == (0, "red")
    assert Lookup(merge(None, known), None, VALUES, names=names).find(["count", "red thing"]).result == (0, 2, "two")


def test_several_of_a_kind_unless_one_is_a_ghost():
    chairs = see(("red chair", LEFT), ("blue chair", RIGHT))
    assert ask("size|chair", chairs).result == ("several", 0, 1)
    assert ask("size|blue chair", chairs).result == (1, "small")
    ghost = replace(chairs, scores=np.array([0.95, 0.2], np.float32))
    assert ask("colour|chair", ghost).result == (0, "red")
    twice = see(("red chair", LEFT), ("red chair", (0.06, 0.42, 0.25, 0.79)))
    assert ask("size|chair", twice).result[0] != "several", "one thing, seen twice"


def test_a_look_may_be_seen_wrongly_and_a_kind_that_nobody_sees_is_missing():
    assert ask("size|blue chair", see(("red chair", LEFT))).result == (0, "small")
    assert ask("exist|blue chair", see(("red chair", LEFT))).result == ("no",)
    assert ask("size|table", see(("red chair", LEFT), sure=0.999)).result == ("missing",)


@pytest.mark.parametrize(
    ("plan", "result"),
    [
        ("colour|chair", (0, "blue", "but", "red")),
        ("kind|red thing", (0,)),
        ("kind|mug", (1, "table", "but")),
        ("count|mug", (1, "one")),  # the app names it
        ("size|chair", (0, "small")),  # the graph tells no size: what is seen
    ],
)
def test_what_is_surely_seen_belies_a_label(plan: str, result: tuple):
    seen = see(("small blue chair", LEFT), ("green table", RIGHT))
    known = (know("red chair", -1, box=LEFT), know("mug", 1, box=RIGHT))
    assert ask(plan, seen, *known).result == result
    unsure = replace(seen, attributes=see(("small blue chair", LEFT), ("green table", RIGHT), sure=0.8).attributes)
    assert "but" not in ask(plan, unsure, *known).result
    survey = Lookup(merge(seen, known), seen, VALUES).survey()
    assert survey.result == (0, "left", "seen", "blue", 1, "beside", "seen", "table")


def test_confidence_follows_what_was_seen():
    def sure(plan: str, **more) -> float:
        return ask(plan, see(("red chair", LEFT), ("blue mug", RIGHT), **more)).confidence

    for plan in ("colour|chair", "exist|mug", "count|thing", "kind|red thing", "where|mug"):
        assert sure(plan) >= sure(plan, sure=0.6)
    assert sure("colour|chair") > 0.9 > 0.7 > sure("colour|chair", sure=0.6)
    assert ask("distance|king", None, *GOBLINS).confidence == 1


MUG, TABLE = (0.45, 0.3, 0.55, 0.5), (0.3, 0.48, 0.7, 0.9)


def test_what_is_seen_to_stand_on_another():
    seen = see(("blue mug", MUG), ("table", TABLE))
    for raised, place in ((None, "on"), ((0.9, 0.1), "on"), ((0.1, 0.1), "middle")):
        told = replace(seen, raised=None if raised is None else np.array(raised, np.float32))
        result = ask("where|mug", told).result
        assert result[1] == place
        on = "yes" if place == "on" else "no"
        assert ask("is|mug|on|table", told).result[-1] == ask("is|table|under|mug", told).result[-1] == on
    assert ask("what|on|table", seen).result == ask("kind|mug", seen).result


def test_taller_is_by_what_is_told_of_height_else_by_the_box():
    seen = see(("red chair", (0.1, 0.2, 0.3, 0.9)), ("mug", (0.6, 0.6, 0.7, 0.8)))
    assert ask("taller|chair|mug", seen).result == (0,)
    assert ask("taller|chair|mug", replace(seen, height=np.array([0.9, 1.2], np.float32))).result == (1,)


@pytest.mark.parametrize("lean_deg", [0, 15, 29])
def test_poses_tell_what_stands_on_what_however_the_camera_looks_down(lean_deg: float):
    lean = np.radians(lean_deg)

    def held(label: str, x: float, up: float, away: float, size) -> GraphObject:
        """In the camera's frame, from where it is in a level one."""
        c, s = np.cos(lean), np.sin(lean)
        return know(label, x, up * c + away * s, away * c - up * s, size=size)

    table = held("table", 0.0, -0.9, 2.0, (1.2, 0.7, 0.7))
    mug = held("mug", 0.3, -0.45, 2.2, (0.1, 0.2, 0.1))
    shelf = held("shelf", 0.2, -0.25, 2.7, (0.7, 2.0, 0.3))  # higher than the table, but behind it
    lamp = held("lamp", 0.0, 1.5, 2.0, (0.3, 0.3, 0.3))  # hangs above it
    scene = (table, mug, shelf, lamp)
    names = [entry.graph.label for entry in merge(None, scene) if entry.graph]
    found = ask("what|on|table", None, *scene).result
    assert [names[k] for k in found if isinstance(k, int)] == ["mug"]
    assert ask("what|under|mug", None, *scene).result == (names.index("table"),)
    assert [ask(f"where|{name}", None, *scene).result[1] == "on" for name in ("shelf", "lamp", "table")] == [False] * 3
