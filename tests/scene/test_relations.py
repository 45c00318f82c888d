"""Relations against the slow way, one pair at a time, and in cases that people run into."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scenewright_server.scene.entries import GraphObject, merge
from scenewright_server.scene.expressions import RELATIONS, SIDES
from scenewright_server.scene.relations import NoFront, Relations
from scenewright_server.scene.space import Space
from scenewright_server.scene.support import find_supports

from tests.scene.naive_space import NaiveRelations, gap, surface_distance
from tests.scene.random_scenes import pitched, quaternion, random_objects

N = 110


@pytest.fixture(scope="module", params=[1, 2])
def entries(request):
    return merge(None, random_objects(request.param, N))


@pytest.mark.parametrize("relation", RELATIONS)
def test_relations_are_those_of_each_pair(entries, relation):
    relations, naive = Relations(entries), NaiveRelations(entries)
    expected = np.array([[naive.holds(relation, i, j) for i in range(N)] for j in range(N)])
    found = np.array([relations.related(relation, j) for j in range(N)])
    assert (found == expected).all(), np.argwhere(found != expected)[:5]
    assert found.any()


@pytest.mark.parametrize("relation", RELATIONS)
def test_relations_to_the_user(entries, relation):
    found = Relations(entries).related_to_user(relation)
    if relation in ("on", "in"):
        assert found is None
        return
    naive = NaiveRelations(entries)
    assert found is not None
    assert found.tolist() == [naive.holds_for_user(relation, i) for i in range(N)]


@pytest.mark.parametrize("relation", SIDES)
def test_a_things_own_sides(entries, relation):
    relations, naive = Relations(entries), NaiveRelations(entries)
    for j in range(N):
        expected = [naive.on_own_side(relation, i, j) for i in range(N)]
        assert relations.on_own_side(relation, j).tolist() == expected


def test_between_reach_hours_and_loads(entries):
    relations, naive = Relations(entries), NaiveRelations(entries)
    for a, b in [(None, 3), (4, None), *((i, (7 * i + 5) % N) for i in range(0, N, 3))]:
        if a != b:
            assert relations.between(a, b).tolist() == [naive.between(i, a, b) for i in range(N)]
    assert relations.reachable().tolist() == [surface_distance(entry) < 0.8 for entry in entries]
    assert relations.reachable().any()
    for hour in range(1, 13):
        middle = math.radians(30 * hour)
        away = [math.atan2(e.position[0], e.position[2]) - middle for e in entries]
        expected = [abs((turn + math.pi) % (2 * math.pi) - math.pi) <= math.radians(15) for turn in away]
        assert relations.at_hour(hour).tolist() == expected
    loads = [sum(naive.holds("on", i, j) for i in range(N)) for j in range(N)]
    assert relations.loads.tolist() == loads
    fills = [any(naive.holds("on", i, j) or naive.holds("in", i, j) for i in range(N)) for j in range(N)]
    assert relations.empty.tolist() == [not its for its in fills]


def test_gaps_are_those_of_each_pair(entries):
    space = Space(entries)
    for j in range(0, N, 5):
        assert space.gaps(j) == pytest.approx([gap(entry, entries[j]) for entry in entries], abs=1e-9)


def test_a_camera_that_looks_down_changes_nothing():
    objects = random_objects(3, 60)
    level, tilted = (merge(None, its) for its in (objects, pitched(objects, math.radians(25))))
    order = [[entry.graph.id for entry in its].index for its in (level, tilted)]
    one, two = Relations(level), Relations(tilted)
    assert two.space.are_turned
    a, b = (np.array([find(item.id) for item in objects]) for find in order)
    for relation in RELATIONS:
        for item in objects:
            j, k = (find(item.id) for find in order)
            assert (one.related(relation, j)[a] == two.related(relation, k)[b]).all()


def know(label, x=0.0, y=0.0, z=2.0, size=(0.5, 0.5, 0.5), turn=0.0):
    return GraphObject(label, label, (x, y, z), size, rotation=quaternion((0, 1, 0), turn))


def related(relation, to, *objects):
    entries = merge(None, objects)
    names = [entry.graph.label for entry in entries]
    found = Relations(entries).related(relation, names.index(to))
    return {name for name, is_so in zip(names, found, strict=True) if is_so}


TURNED = know("wall clock", 5, 0, 5, turn=0.3)
TABLE = know("table", 0, -0.6, 3, (1.6, 0.8, 0.8))


@pytest.mark.parametrize(
    ("relation", "to", "objects", "expected"),
    [
        ("on", "table", (TABLE, know("mug", 0.3, -0.15, 3, (0.1, 0.1, 0.1))), {"mug"}),
        ("under", "table", (TABLE, know("cat", 0.2, -0.9, 3, (0.3, 0.2, 0.3))), {"cat"}),
        ("on", "table", (TABLE, know("cat", 0.2, -0.9, 3, (0.3, 0.2, 0.3))), set()),
        ("under", "mug", (TABLE, know("mug", 0.3, -0.15, 3, (0.1, 0.1, 0.1))), {"table"}),
        ("on", "shelf", (know("shelf", 0, 0, 3, (1, 2, 0.4)), know("book", 0, 0.3, 3, (0.1, 0.2, 0.2))), {"book"}),
        ("on", "wall", (know("wall", 0, 0, 3, (4, 3, 0.1)), know("clock", 1, 0.5, 2.92, (0.3, 0.3, 0.05))), {"clock"}),
        ("in", "box", (know("box", 0, 0, 3), know("ball", 0, 0, 3, (0.2, 0.2, 0.2))), {"ball"}),
        ("in", "ball", (know("box", 0, 0, 3), know("ball", 0, 0, 3, (0.2, 0.2, 0.2))), set()),
        ("above", "table", (TABLE, know("lamp", 0, 1.2, 3, (0.3, 0.3, 0.3))), {"lamp"}),
        (
            "under",
            "coat",
            (
                know("coat", 1, 1.4, 2.2, (0.3, 1.0, 0.4)),
                know("boots", 0.9, 0.1, 2.1, (0.3, 0.2, 0.3)),
                know("sandals", 0.9, 0.1, 2.6, (0.3, 0.2, 0.3)),
            ),
            {"boots"},
        ),
        (
            "under",
            "mirror",
            (know("mirror", 0, 1, 3, (1, 1, 0.05)), know("chest", 0, 0, 2.7, (1, 0.8, 0.4))),
            {"chest"},
        ),
        (
            "above",
            "fireplace",
            (
                know("fireplace", 0, -0.5, 3, (1.4, 1.1, 0.4)),
                know("sword", 0.2, 0.35, 3.5, (1.0, 0.2, 0.05)),
                know("mirror", 1.3, 0.35, 3.5, (0.4, 0.2, 0.05)),
                know("lamp", 0, 2, 3.5, (0.3, 0.3, 0.3)),
            ),
            {"sword"},
        ),
        ("near", "church", (know("church", 0, 5, 60, (20, 30, 40)), know("tree", 16, 0, 60)), {"tree"}),
        ("near", "table", (TABLE, know("door", 0, 0, 8)), set()),
        ("left of", "sofa", (know("sofa", -1, 0, -3), know("rug", -0.2, 0, -3), know("door", -2, 0, -3)), {"rug"}),
        ("left of", "door", (know("door", 0, 0, 3), know("tree", 0, 0, -3), know("hat", -2, 0, 2)), {"hat"}),
        ("behind", "table", (TABLE, know("door", 0.2, 0, 5), know("window", 9, 0, 3.5)), {"door"}),
        (
            "in front of",
            "table",
            (TABLE, know("stool", 0.2, -0.8, 1.5, (0.3, 0.4, 0.3)), know("x", 0, 0, -1)),
            {"stool"},
        ),
        ("beside", "table", (TABLE, know("chair", 1.2, -0.6, 3)), {"chair"}),
    ],
)
def test_what_people_mean(relation, to, objects, expected):
    assert related(relation, to, *objects, TURNED) - {"wall clock"} == expected


def test_reach_is_to_the_surface():
    entries = merge(None, [know("table", 0, -0.5, 1.2, (1.6, 0.8, 1.2)), know("vase", 0, 0, 1.2)])
    assert Relations(entries).reachable().tolist() == [entry.graph.label == "table" for entry in entries]


def test_things_that_are_only_seen_have_no_front():
    with pytest.raises(NoFront):
        Relations(merge(None, [GraphObject("a", "a", (0, 0, 1), (1, 1, 1))])).on_own_side("behind", 0)


def test_without_rotations_supports_are_those_of_lookup():
    entries = merge(None, random_objects(4, 50, is_turned=False))
    assert Space(entries).under == find_supports(entries, None)


def test_an_empty_scene():
    relations = Relations(())
    assert relations.reachable().shape == relations.empty.shape == (0,)
