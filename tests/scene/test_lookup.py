"""What plans give: against the simulator's truth in tests/simulator, here in cases that people run into."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scenewright_server.scene.entries import Box, Detections, GraphObject, merge
from scenewright_server.scene.findings import (
    Answer,
    Count,
    Distance,
    Finding,
    Kind,
    Look,
    One,
    Placing,
    Refusal,
    Several,
    Survey,
    Things,
    Where,
    YesNo,
)
from scenewright_server.scene.lookup import Lookup

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


def answer(plan: str, seen: Detections | None = None, *known: GraphObject, focus=()) -> Answer:
    return ask(plan, seen, *known, focus=focus).answer


ROOT_5 = pytest.approx(math.sqrt(5))
GOBLINS = (know("goblin king", -1.0), know("health potion", 1.0, 0.0, 3.0), know("raven", 0.0, 0.0, -2.0))


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        ("distance|goblin king", Distance((0,), ROOT_5)),
        ("distance|king", Distance((0,), ROOT_5)),  # by the last word of its label
        ("distance|golbin king", Distance((0,), ROOT_5)),  # misspelt
        ("distance|dragon", Refusal("missing")),
        ("apart|goblin king|potion", Distance((0, 1), ROOT_5)),
        ("is|king|left|potion", YesNo("is", (0, 1), True)),
        ("is|raven|left|potion", YesNo("is", (2, 1), False)),  # left and right are of what is ahead
        ("closer|king|potion", One(0)),
        ("farther|king|potion", One(1)),
        ("taller|king|potion", One(1)),  # as tall
        ("closest", One(2)),
        ("farthest", One(1)),
        ("nearest|king", One(1)),
        ("centre", Things(())),  # all out of view
        ("list", Things((0, 1, 2))),
        ("what|behind|me", Things((2,))),
        ("what|left|me", Things((0,))),
        ("what|reach|me", Things(())),
        ("what|right|king", Things((1,))),
        ("what|on|king", Things(())),
        ("reach|king", YesNo("reach", (0,), False)),
        ("where|raven", Where(2, "you")),
        ("exist|king", YesNo("exist", (0,), True)),
        ("exist|red king", YesNo("exist", (), False)),
        ("count|thing", Count((0, 1, 2))),
        ("colour|king", Refusal("unknown")),  # nobody has seen it
        ("kind|king", Kind(0)),
        ("where|it", Refusal("lost")),
        ("where|left one", Refusal("lost")),
        ("beyond", Refusal("beyond")),
        ("colour", Refusal("unclear")),  # makes no sense
        ("is|king|wears|potion", Refusal("unclear")),
        ("what|wears|king", Refusal("unclear")),
        ("", Refusal("unclear")),
    ],
)
def test_what_a_scene_graph_settles(plan: str, expected: Answer):
    assert answer(plan, None, *GOBLINS) == expected


def test_it_and_the_left_one_are_of_what_was_spoken_of():
    assert answer("where|it", None, *GOBLINS, focus=(1,)) == Where(1, "right")
    assert answer("where|left one", None, *GOBLINS, focus=(1, 0)) == Where(0, "left")
    assert answer("where|right one", None, *GOBLINS, focus=(1, 0)) == Where(1, "right")
    assert answer("where|it", None, *GOBLINS, focus=(7,)) == Refusal("lost"), "an entry that is no more"


def test_this_is_what_is_pointed_at_and_it_what_was_spoken_of():
    entries = merge(None, GOBLINS)

    def find(plan: str, pointed) -> Answer:
        return Lookup(entries, None, VALUES, (0,), pointed=pointed).find(plan.split("|")).answer

    assert find("kind|this", 1) == Kind(1) and find("kind|it", 1) == Kind(0)
    assert find("is|it|left|this", 1) == YesNo("is", (0, 1), True)
    assert find("is|this|left|it", 1) == YesNo("is", (1, 0), False)
    assert find("apart|this|raven", 0) == find("apart|it|raven", "nothing")
    assert find("kind|this", "nothing") == find("is|it|left|this", "nothing") == Refusal("unpointed")
    assert find("kind|this", None) == Refusal("lost")


def test_an_object_is_found_by_its_aliases_too():
    sofa = replace(know("sofa", -1), aliases=("couch", "长椅"))
    known = (sofa, know("camp couch", 1))
    assert answer("where|couch", None, *known) == answer("where|长椅", None, *known) == Where(0, "left")
    assert answer("count|couch", None, *known) == Count((0, 1))


@pytest.mark.parametrize(
    ("text", "spoken_of", "only_places"),
    [
        ("the red chair", (0,), ()),
        ("On the table.", (), (2,)),
        ("a red chair on the left and a mug on the table", (0, 1), (2,)),
        ("two mugs and the tables", (1, 2), ()),
        ("红色椅子在桌子上面，它右边有一个杯子", (0, 1), (2,)),
        ("the king is to the left of the mug", (3,), (1,)),
        ("the goblin king and a chairman", (3,), ()),
        ("nothing", (), ()),
    ],
)
def test_what_running_text_names(text: str, spoken_of: tuple[int, ...], only_places: tuple[int, ...]):
    names = {"zh": {"red": "红色", "chair": "椅子", "mug": "杯子", "table": "桌子"}}
    known = [know(label, k) for k, label in enumerate(("red chair", "mug", "table", "goblin king"))]
    lookup = Lookup(
        merge(None, [replace(item, position=(x - 2.0, 0, 1)) for x, item in enumerate(known)]),
        None,
        VALUES,
        names=names,
    )
    assert lookup.naming.find_named(text) == (spoken_of, only_places)


def test_nothing_seen_and_nothing_known():
    assert answer("list") == answer("colour|chair") == answer("what|left|me") == Refusal("unsure")
    assert answer("what|behind|me", see(("red chair", LEFT))) == Refusal("blind"), "a frame shows what is ahead"
    assert Lookup((), None, VALUES).survey() == Finding(Refusal("unsure"))


def test_an_exact_name_goes_before_a_longer_one_and_equals_are_several():
    sofas = (know("sofa", -1), know("camp sofa", 1))
    assert answer("where|sofa", None, *sofas) == Where(0, "left")
    assert answer("count|sofa", None, *sofas) == Count((0, 1))
    assert answer("where|king", None, know("goblin king", -1), know("elf king", 1)) == Several((0, 1))
    assert answer("where|国王", None, know("哥布林国王", 1)) == Where(0, "right")
    assert answer("colour|red mug", None, know("white mug", -1), know("red mug", 1)) == Look(1, "colour", "red")


def test_a_label_of_another_languages_words_is_of_its_kind():
    names = {"zh": {"red": "红色", "small": "小的", "chair": "椅子", "mug": "杯子"}}
    known = (know("小的红色椅子", -1), know("红色的杯子", 1), know("红龙", 0))
    lookup = Lookup(merge(None, known), None, VALUES, names=names)
    for asked in ("chair", "红色椅子", "small red chair", "小的红色椅子"):
        assert lookup.find(["colour", asked]).answer == Look(0, "colour", "red")
    assert lookup.find(["count", "red thing"]).answer == Count((0, 2))


def test_several_of_a_kind_unless_one_is_a_ghost():
    chairs = see(("red chair", LEFT), ("blue chair", RIGHT))
    assert answer("size|chair", chairs) == Several((0, 1))
    assert answer("size|blue chair", chairs) == Look(1, "size", "small")
    ghost = replace(chairs, scores=np.array([0.95, 0.2], np.float32))
    assert answer("colour|chair", ghost) == Look(0, "colour", "red")
    twice = see(("red chair", LEFT), ("red chair", (0.06, 0.42, 0.25, 0.79)))
    assert isinstance(answer("size|chair", twice), Look), "one thing, seen twice"


def test_a_look_may_be_seen_wrongly_and_a_kind_that_nobody_sees_is_missing():
    assert answer("size|blue chair", see(("red chair", LEFT))) == Look(0, "size", "small")
    assert answer("exist|blue chair", see(("red chair", LEFT))) == YesNo("exist", (), False)
    assert answer("size|table", see(("red chair", LEFT), sure=0.999)) == Refusal("missing")


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        ("colour|chair", Look(0, "colour", "blue", told="red")),
        ("kind|red thing", Kind(0)),
        ("kind|mug", Kind(1, seen="table")),
        ("count|mug", Count((1,))),  # the app names it
        ("size|chair", Look(0, "size", "small")),  # the graph tells no size: what is seen
    ],
)
def test_what_is_surely_seen_belies_a_label(plan: str, expected: Answer):
    seen = see(("small blue chair", LEFT), ("green table", RIGHT))
    known = (know("red chair", -1, box=LEFT), know("mug", 1, box=RIGHT))
    assert answer(plan, seen, *known) == expected
    doubtful = replace(seen, attributes=see(("small blue chair", LEFT), ("green table", RIGHT), sure=0.8).attributes)
    found = answer(plan, doubtful, *known)
    assert (found.told if isinstance(found, Look) else found.seen if isinstance(found, Kind) else None) is None
    survey = Lookup(merge(seen, known), seen, VALUES).survey()
    assert survey.answer == Survey((Placing(0, "left", seen=("blue",)), Placing(1, "beside", seen=("table",))))


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
        entries = merge(told, ())
        mug, table = (next(k for k, e in enumerate(entries) if e.detection == i) for i in (0, 1))
        assert answer("where|mug", told) == (Where(mug, "on", table) if place == "on" else Where(mug, place))
        assert answer("is|mug|on|table", told) == YesNo("is", (mug, table), place == "on")
        assert answer("is|table|under|mug", told) == YesNo("is", (table, mug), place == "on")
    assert answer("what|on|table", seen) == Things((mug,))
    survey = Lookup(merge(seen, ()), seen, VALUES).survey().answer
    assert isinstance(survey, Survey) and survey.things.count(mug) == 1


def test_taller_is_by_what_is_told_of_height_else_by_the_box():
    seen = see(("red chair", (0.1, 0.2, 0.3, 0.9)), ("mug", (0.6, 0.6, 0.7, 0.8)))
    assert answer("taller|chair|mug", seen) == One(0)
    assert answer("taller|chair|mug", replace(seen, height=np.array([0.9, 1.2], np.float32))) == One(1)


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
    assert answer("what|on|table", None, *scene) == Things((names.index("mug"),))
    assert answer("what|under|mug", None, *scene) == Things((names.index("table"),))
    for name in ("shelf", "lamp", "table"):
        where = answer(f"where|{name}", None, *scene)
        assert isinstance(where, Where) and where.place != "on" and where.under is None
