"""SceneGraph as a client sends it -> the model's graph objects in the camera's frame."""

import math
from statistics import median
from time import perf_counter

import numpy as np
import pytest
from scenewright.v1 import dialogue_pb2, geometry_pb2, graph_pb2
from scenewright_server.scene.entries import Fact
from scenewright_server.scene.geometry import Intrinsics, Pose, corners, to_camera
from scenewright_server.service.reading.graphs import read_graph, update_graph
from scenewright_server.service.reading.images import Frame
from scenewright_server.service.reading.sight import Sight
from scenewright_server.service.settings import Limits
from scenewright_server.service.status import Refused

LIMITS = Limits(max_scene_objects=3, max_label_chars=16)
LEFT, RIGHT = geometry_pb2.HANDEDNESS_LEFT_HANDED, geometry_pb2.HANDEDNESS_RIGHT_HANDED


def thing(id="chair", position=(0, 0, 3), extents=(1, 1, 1), **fields):
    x, y, z = position
    w, h, d = extents
    fields = {"label": "red chair", "pose": {"position": {"x": x, "y": y, "z": z}}, **fields}
    return graph_pb2.SceneObject(id=id, extents={"x": w, "y": h, "z": d}, **fields)


def graph(*objects, **fields):
    return graph_pb2.SceneGraph(objects=objects, **fields)


def frame(camera=None, lens=None):
    return Frame("f", np.zeros((2, 4, 3), np.uint8), None, camera, lens, aspect=2)


def view(world, frame=None):
    return Sight(frame, world=world).graph


def test_without_a_camera_the_scene_is_seen_from_the_origin():
    (chair,) = view(read_graph(graph(thing(anchor_id="a7")), LIMITS), None)
    assert (chair.id, chair.label, chair.anchor_id) == ("chair", "red chair", "a7")
    assert chair.position == (0, 0, 3) and chair.size == (1, 1, 1)
    side = 3**0.5 / 2 / 2.5
    assert chair.box == pytest.approx((0.5 - side / 2, 0.5 - side / 2, 0.5 + side / 2, 0.5 + side / 2))


def test_the_viewpoint_is_used_and_the_frames_camera_goes_before_it():
    viewpoint = {"pose": {"position": {"x": 2}}}
    world = read_graph(graph(thing(), viewpoint=viewpoint), LIMITS)
    assert view(world, None)[0].position == (-2, 0, 3)
    assert view(world, frame())[0].position == (-2, 0, 3)
    camera = Pose(np.array([0, 1.0, 0]), np.array([0, 0, 0, 1.0]))
    assert view(world, frame(camera))[0].position == (0, -1, 3)


def test_a_lens_is_the_frames_else_the_viewpoints_else_60_degrees_upright():
    def height_and_width(world, seen):
        x0, y0, x1, y1 = view(world, seen)[0].box
        return 2.5 * (y1 - y0), 2.5 * (x1 - x0)

    intrinsics = {"fx": 4, "fy": 3, "cx": 5, "cy": 5, "width": 10, "height": 10}
    bare = read_graph(graph(thing()), LIMITS)
    told = read_graph(graph(thing(), viewpoint={"pose": {"position": {}}, "intrinsics": intrinsics}), LIMITS)
    assert height_and_width(told, frame(lens=Intrinsics(0.5, 0.6))) == pytest.approx((0.6, 0.5))
    assert height_and_width(told, frame()) == pytest.approx((0.3, 0.4))
    assert height_and_width(bare, frame()) == pytest.approx((3**0.5 / 2, 3**0.5 / 4))


def test_right_handed_graphs_look_along_minus_z():
    viewpoint = {"pose": {"position": {"z": 1}}}
    world = read_graph(graph(thing(position=(0.5, 0, -3)), handedness=RIGHT, viewpoint=viewpoint), LIMITS)
    (chair,) = view(world, None)
    assert chair.position == (0.5, 0, 4) and chair.box is not None


def test_out_of_view_has_no_box_but_a_place():
    (chair,) = view(read_graph(graph(thing(position=(0, 0, -3))), LIMITS), None)
    assert chair.box is None and chair.position == (0, 0, -3)


def test_a_point_has_a_small_box():
    (chair,) = view(read_graph(graph(thing(extents=(0, 0, 0))), LIMITS), None)
    x0, _, x1, _ = chair.box
    assert 0 < x1 - x0 < 0.01 and chair.size == (0, 0, 0)


@pytest.mark.parametrize("scale", [1.0, 1e-30, 1e38])
def test_rotations_are_normalised(scale):
    half = math.sqrt(0.5)
    rotation = {"y": half * scale, "w": half * scale}
    pose = {"position": {"z": 5}, "rotation": rotation}
    (chair,) = view(read_graph(graph(thing(extents=(2, 0.2, 0.2), pose=pose)), LIMITS), None)
    assert chair.box[2] - chair.box[0] < 0.1


def test_nothing_that_is_told_of_an_object_is_lost():
    facts = [
        {"key": "price", "number": 24, "unit": "EUR"},
        {"key": "营业时间", "text": "九点"},
        {"key": "n", "number": 0},
    ]
    sent = thing(aliases=["seat", "стул"], description="From Vienna.", facts=facts)
    (chair,) = view(read_graph(graph(sent), LIMITS))
    assert (chair.aliases, chair.description) == (("seat", "стул"), "From Vienna.")
    assert chair.facts == (Fact("price", 24.0, "EUR"), Fact("营业时间", "九点"), Fact("n", 0.0))


@pytest.mark.parametrize("handedness", [LEFT, RIGHT])
def test_a_rotation_in_the_cameras_frame_turns_the_corners_that_are_seen(handedness):
    rng = np.random.default_rng(3)
    for _ in range(20):
        turn, look = (dict(zip("xyzw", rng.normal(size=4), strict=True)) for _ in range(2))
        pose = {"position": {"x": 1, "y": 2, "z": 3}, "rotation": turn}
        camera = {"pose": {"position": {"x": -1, "y": 1}, "rotation": look}}
        sent = graph(thing(extents=(1, 2, 3), pose=pose), handedness=handedness, viewpoint=camera)
        world = read_graph(sent, LIMITS)
        (seen,) = view(world)
        assert np.linalg.norm(seen.rotation) == pytest.approx(1)
        told = corners(Pose(np.array(seen.position), np.array(seen.rotation)), np.array(seen.size))
        (item,) = world.objects.values()
        assert told == pytest.approx(to_camera(corners(item.pose, item.size), world.viewpoint[0]))


def test_a_message_without_a_handedness_takes_the_one_told_before():
    for own, told, z in ((0, 0, 3), (0, LEFT, 3), (0, RIGHT, -3), (LEFT, RIGHT, 3), (RIGHT, LEFT, -3)):
        sent = graph(thing(), handedness=own, viewpoint={"pose": {"position": {"z": 1}}})
        world = read_graph(sent, LIMITS, default=told)
        assert world.objects["chair"].pose.position[2] == z and world.viewpoint[0].position[2] == z / 3
        sent.viewpoint.handedness = RIGHT
        assert read_graph(sent, LIMITS, default=told).viewpoint[0].position[2] == -1


def delta(*upserts, base=1, revision=2, **fields):
    return dialogue_pb2.SceneDelta(base_revision=base, revision=revision, upserts=upserts, **fields)


def test_a_delta_takes_the_handedness_of_its_scene_and_no_other():
    for own in (LEFT, RIGHT):
        world = read_graph(graph(thing("a"), handedness=own, revision=1), LIMITS)
        for named in (0, own):
            changed = update_graph(world, delta(thing("b"), handedness=named), LIMITS, default=3 - own)
            assert changed.objects["b"].pose.position[2] == world.objects["a"].pose.position[2]
            assert set(changed.objects) == {"a", "b"} and set(world.objects) == {"a"}
        with pytest.raises(Refused, match=r"scene_update\.delta\.handedness is HANDEDNESS_") as refused:
            update_graph(world, delta(thing("b"), handedness=3 - own), LIMITS)
        assert refused.value.reason == "FIELD_INVALID"
    first = delta(thing("b"), base=0, revision=1)
    assert update_graph(None, first, LIMITS, default=RIGHT).objects["b"].pose.position[2] == -3


def test_a_delta_of_one_costs_no_more_than_twice_as_much_in_a_graph_of_512():
    facts = [{"key": f"fact {k}", "number": k} for k in range(8)]
    limits = Limits(max_scene_objects=512)

    def cost_s(n):
        world = read_graph(graph(*(thing(f"object {k}", facts=facts) for k in range(n)), revision=1), limits)
        change = delta(thing("object 3", position=(1, 0, 2), facts=facts))
        taken = []
        for _ in range(200):
            begun = perf_counter()
            update_graph(world, change, limits)
            taken.append(perf_counter() - begun)
        return median(taken)

    assert min(cost_s(512) / cost_s(24) for _ in range(3)) < 2


FACTS = [{"key": f"k{i}", "text": "x"} for i in range(33)]
BAD = [
    (graph(thing(facts=FACTS)), "FIELD_INVALID", "objects[0].facts is 33 items, needs at most 32"),
    (graph(thing(facts=[FACTS[1], FACTS[1]])), "FIELD_INVALID", "facts[1].key is 'k1', needs a key that no"),
    (graph(thing(facts=[{"text": "x"}])), "FIELD_REQUIRED", "facts[0].key is empty"),
    (graph(thing(facts=[{"key": "x" * 65, "text": "x"}])), "FIELD_INVALID", "key is 65 characters, needs at most 64"),
    (graph(thing(facts=[{"key": "k"}])), "FIELD_REQUIRED", "facts[0] has none of text, number"),
    (graph(thing(facts=[{"key": "k", "text": ""}])), "FIELD_REQUIRED", "facts[0].text is empty"),
    (graph(thing(facts=[{"key": "k", "text": "x" * 501}])), "FIELD_INVALID", "text is 501 characters"),
    (graph(thing(facts=[{"key": "k", "number": math.inf}])), "FIELD_INVALID", "number is inf, needs a finite"),
    (graph(thing(facts=[{"key": "k", "number": 1, "unit": "x" * 33}])), "FIELD_INVALID", "unit is 33 characters"),
    (graph(thing(facts=[{"key": "k", "text": "x", "unit": "kg"}])), "FIELD_INVALID", "unit is 'kg', needs no unit"),
    (graph(viewpoint={"pose": {"position": {}}, "handedness": 9}), "FIELD_INVALID", "viewpoint.handedness is 9"),
    (graph(*map(thing, "abcd")), "SCENE_TOO_LARGE", "scene.objects is 4 items, needs at most 3"),
    (graph(thing("")), "FIELD_REQUIRED", "objects[0].id is empty, needs 1 to 64 char"),
    (graph(thing("x" * 65)), "FIELD_INVALID", "scene.objects[0].id is 65 characters, needs at most 64"),
    (graph(thing("a"), thing("a")), "FIELD_INVALID", "objects[1].id is 'a', needs an id that"),
    (graph(thing(label=" ")), "FIELD_REQUIRED", "scene.objects[0].label is empty"),
    (graph(thing(label="x" * 17)), "FIELD_INVALID", "label is 17 characters, needs at most 16"),
    (graph(thing(anchor_id="x" * 129)), "FIELD_INVALID", "anchor_id is 129 characters"),
    (graph(thing(aliases=["a"] * 9)), "FIELD_INVALID", "aliases is 9 items, needs at most 8"),
    (graph(thing(aliases=["x" * 17])), "FIELD_INVALID", "aliases[0] is 17 characters"),
    (graph(thing(description="x" * 501)), "FIELD_INVALID", "description is 501 characters"),
    (graph(graph_pb2.SceneObject(id="a", label="b")), "FIELD_REQUIRED", "scene.objects[0].pose is missing"),
    (graph(thing(pose={})), "FIELD_REQUIRED", "scene.objects[0].pose.position is missing"),
    (graph(thing(position=(0, math.nan, 0))), "FIELD_INVALID", "pose.position.y is nan m"),
    (graph(thing(position=(2e4, 0, 0))), "FIELD_INVALID", "position.x is 20000 m, needs -10000 to"),
    (graph(thing(extents=(1, -1, 1))), "FIELD_INVALID", "extents.y is -1 m, needs 0 to 1000 m"),
    (graph(thing(extents=(1, 1, math.inf))), "FIELD_INVALID", "extents.z is inf m"),
    (graph(handedness=8, viewpoint={"pose": {"position": {}}}), "FIELD_INVALID", "handedness is 8"),
    (graph(viewpoint={}), "FIELD_REQUIRED", "scene.viewpoint.pose is missing"),
    (graph(viewpoint={"pose": {"position": {}}, "intrinsics": {}}), "FIELD_INVALID", "intrinsics.width is 0"),
]  # fmt: skip


@pytest.mark.parametrize(("bad", "reason", "message"), BAD, ids=[f"{r}-{m}" for _, r, m in BAD])
def test_bad_graphs(bad, reason, message):
    with pytest.raises(Refused) as refused:
        read_graph(bad, LIMITS)
    assert message in refused.value.message
    assert refused.value.reason == reason
    assert refused.value.metadata["field"]
