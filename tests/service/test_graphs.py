"""SceneGraph as a client sends it -> the model's graph objects in the camera's frame."""

import math

import numpy as np
import pytest
from scenewright.v1 import geometry_pb2, graph_pb2
from scenewright_server.scene.geometry import Intrinsics, Pose
from scenewright_server.service.reading.graphs import read_graph
from scenewright_server.service.reading.images import Frame
from scenewright_server.service.reading.sight import Sight
from scenewright_server.service.settings import Limits
from scenewright_server.service.status import Refused

LIMITS = Limits(max_scene_objects=3, max_label_chars=16)
RIGHT = geometry_pb2.HANDEDNESS_RIGHT_HANDED


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


BAD = [
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
