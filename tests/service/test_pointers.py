"""Pointer and Viewpoint as a client sends them -> what is met first, against brute force in the client's own axes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scenewright.v1 import geometry_pb2, graph_pb2
from scenewright_server.scene.entries import Detections, merge
from scenewright_server.scene.geometry import Intrinsics, guessed_lens
from scenewright_server.scene.pointing import Ray, first_met
from scenewright_server.service.reading.graphs import read_graph
from scenewright_server.service.reading.images import Frame
from scenewright_server.service.reading.pointers import read_pointer, read_viewpoint
from scenewright_server.service.reading.poses import known_handedness
from scenewright_server.service.reading.sight import Sight
from scenewright_server.service.settings import Limits
from scenewright_server.service.status import Refused

LEFT, RIGHT = geometry_pb2.HANDEDNESS_LEFT_HANDED, geometry_pb2.HANDEDNESS_RIGHT_HANDED
FAR_M, STEP_M = 16.0, 0.1
LIMITS = Limits(max_scene_objects=24)


def vector(x) -> geometry_pb2.Vector3:
    return geometry_pb2.Vector3(x=x[0], y=x[1], z=x[2])


def array(message, axes="xyz") -> np.ndarray:
    return np.array([getattr(message, axis) for axis in axes], float)


def pose(rng: np.random.Generator, spread: float) -> geometry_pb2.Pose:
    turn = geometry_pb2.Quaternion(**dict(zip("xyzw", rng.normal(size=4), strict=True)))
    return geometry_pb2.Pose(position=vector(rng.uniform(-spread, spread, 3)), rotation=turn)


def room(rng: np.random.Generator, handedness: int) -> graph_pb2.SceneGraph:
    """Turned boxes and points around the origin, seen from anywhere."""
    kinds = rng.choice(3, 12, p=(0.6, 0.3, 0.1))  # a box, a point, a large box that may hold the ray's origin
    sizes = [rng.uniform(0.1, 1.5, 3) if kind == 0 else rng.uniform(3, 6, 3) * (kind == 2) for kind in kinds]
    objects = [
        graph_pb2.SceneObject(id=f"{k}", label="thing", pose=pose(rng, 4), extents=vector(size))
        for k, size in enumerate(sizes)
    ]
    viewpoint = geometry_pb2.Viewpoint(pose=pose(rng, 3))
    return graph_pb2.SceneGraph(objects=objects, handedness=handedness, viewpoint=viewpoint)


def turn(q: np.ndarray, x: np.ndarray) -> np.ndarray:
    """x (..., 3) turned by a quaternion: x + 2w (v x x) + 2 v x (v x x)."""
    v, w = q[:3] / np.linalg.norm(q), q[3] / np.linalg.norm(q)
    crossed = np.cross(v, x)
    return x + 2 * w * crossed + 2 * np.cross(v, crossed)


class Box:
    """An object in the client's world: a centre, full extents, and its three axes."""

    def __init__(self, item: graph_pb2.SceneObject) -> None:
        self.id, self.centre, self.size = item.id, array(item.pose.position), array(item.extents)
        self.axes = turn(array(item.pose.rotation, "xyzw"), np.eye(3))

    def holds(self, points: np.ndarray) -> np.ndarray:
        """Which of points (N, 3) lie in it."""
        return np.all(
            [np.abs((points - self.centre) @ axis) <= self.size[i] / 2 for i, axis in enumerate(self.axes)], 0
        )

    def entered(self, origin: np.ndarray, direction: np.ndarray) -> float | None:
        """Where the ray crosses the nearest of its six faces; of a point, where it is if it is in the ray's cone."""
        if not self.size.any():
            offset = self.centre - origin
            beside = math.atan2(np.linalg.norm(np.cross(offset, direction)), offset @ direction)
            return float(np.linalg.norm(offset)) if math.degrees(beside) <= 5 else None
        if self.holds(origin[None])[0]:
            return None
        crossings = []
        for i, axis in enumerate(self.axes):
            for side in (-0.5, 0.5):
                t = ((self.centre + side * self.size[i] * axis - origin) @ axis) / (direction @ axis)
                across = self.axes @ (origin + t * direction - self.centre)
                if t > 0 and all(abs(across[j]) <= self.size[j] / 2 for j in range(3) if j != i):
                    crossings.append(float(t))
        return min(crossings) if crossings else None


def met_by_brute_force(boxes: list[Box], pointer: geometry_pb2.Pointer) -> str | None:
    """By faces; and no step of a march along the ray may be in a box before the one that is met."""
    origin, direction = array(pointer.origin), array(pointer.direction)
    direction /= np.linalg.norm(direction)
    found = {box.id: t for box in boxes if (t := box.entered(origin, direction)) is not None}
    first = min(found, key=found.__getitem__) if found else None
    steps = np.arange(STEP_M, found[first] if first else FAR_M, STEP_M)
    for box in boxes:
        if box.size.any() and not box.holds(origin[None])[0]:
            assert not box.holds(origin + steps[:, None] * direction).any()
            assert box.id != first or box.holds(origin + (found[first] + 1e-6) * direction[None])[0]
    return first


def test_what_is_met_first_is_what_brute_force_meets() -> None:
    """200 rooms, in the client's own axes; whatever the camera, it meets the same."""
    met = {LEFT: 0, RIGHT: 0}
    n_missed = n_walked = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        handedness = (LEFT, RIGHT)[seed % 2]
        graph = room(rng, handedness)
        sight, boxes = Sight(world=read_graph(graph, LIMITS)), [Box(item) for item in graph.objects]
        if seed % 4 > 1:
            walked = geometry_pb2.Viewpoint(pose=pose(rng, 3))
            sight = sight.from_viewpoint(*read_viewpoint(walked, default=known_handedness(graph)))
            n_walked += 1
        for _ in range(8):
            origin, direction = rng.uniform(-3, 3, 3), rng.normal(size=3) * 10.0 ** rng.uniform(-30, 30)
            pointer = geometry_pb2.Pointer(origin=vector(origin), direction=vector(direction))
            ray = sight.ray(read_pointer(pointer, default=known_handedness(graph)))
            entries = merge(None, sight.graph)
            k = first_met(ray, entries)
            found = None if k is None else entries[k].graph.id
            assert found == met_by_brute_force(boxes, pointer), (seed, origin, direction)
            met[handedness] += found is not None
            n_missed += found is None
    assert min(*met.values(), n_missed, n_walked) > 90


def test_what_is_only_seen_is_met_at_its_rectangle() -> None:
    boxes = np.array([[0.1, 0.4, 0.3, 0.8], [0.6, 0.4, 0.9, 0.8], [0.15, 0.5, 0.4, 0.7]], np.float32)
    depth = np.array([3, 2, 2], np.float32)
    seen = Detections(boxes, np.ones(3, np.float32), depth, {})
    frame = Frame("f", None, None, None, None, aspect=4 / 3)
    sight = Sight(frame, seen)
    assert sight.lens == guessed_lens(4 / 3)
    entries = merge(seen, (), sight.lens)
    for u, v, met in (
        (0.12, 0.5, 0),
        (0.2, 0.6, 2),
        (0.2, 0.45, 0),
        (0.89, 0.79, 1),
        (0.91, 0.5, None),
        (0.5, 0.5, None),
    ):
        direction = np.array([(u - 0.5) / sight.lens.fx, (0.5 - v) / sight.lens.fy, 1])
        k = first_met(Ray((0, 0, 0), tuple(direction / np.linalg.norm(direction))), entries)
        assert (None if k is None else entries[k].detection) == met


def test_a_pointer_is_of_any_length_and_takes_the_handedness_told_before() -> None:
    pointer = geometry_pb2.Pointer(origin={"z": 2}, direction={"x": 3e-39, "z": 4e-39})
    for own, told, sign in ((0, 0, 1), (0, RIGHT, -1), (LEFT, RIGHT, 1), (RIGHT, LEFT, -1)):
        pointer.handedness = own
        ray = read_pointer(pointer, default=told)
        assert ray.origin == (0, 0, 2 * sign) and ray.direction == pytest.approx((0.6, 0, 0.8 * sign))


def test_a_request_goes_by_the_first_handedness_that_it_names() -> None:
    scene, image = graph_pb2.SceneGraph(handedness=RIGHT), geometry_pb2.Viewpoint(handedness=LEFT)
    untold = graph_pb2.SceneGraph()
    assert known_handedness() == known_handedness(untold) == 0
    assert known_handedness(scene, image) == known_handedness(None, untold, scene, default=LEFT) == RIGHT
    assert known_handedness(untold, None, default=LEFT) == LEFT
    with pytest.raises(Refused, match="handedness is 7, needs a known Handedness"):
        known_handedness(scene, graph_pb2.SceneGraph(handedness=7))


def test_who_has_walked_sees_from_there_until_told_otherwise() -> None:
    bare = graph_pb2.SceneGraph(
        objects=[{"id": "a", "label": "a", "pose": {"position": {"z": 5}}}], viewpoint={"pose": {"position": {}}}
    )
    world = read_graph(bare, LIMITS)
    where = read_viewpoint(geometry_pb2.Viewpoint(pose={"position": {"z": 2}}))
    walked = Sight(world=world).from_viewpoint(*where)
    assert [s.graph[0].position[2] for s in (Sight(world=world), walked)] == [5, 3]
    assert Sight(world=world).over(walked).graph[0].position[2] == 5, "a graph that has a viewpoint"
    bare.ClearField("viewpoint")
    assert Sight(world=read_graph(bare, LIMITS)).over(walked).graph[0].position[2] == 3
    frame = Frame("f", None, None, None, None)
    assert Sight(frame).over(walked).graph[0].position[2] == 3
    assert Sight(frame, world=world).from_viewpoint(*where).frame is frame
    camera, _ = read_viewpoint(geometry_pb2.Viewpoint(pose={"position": {"z": 1}}))
    lens = Intrinsics(0.5, 0.6)
    posed = Sight(Frame("f", None, None, camera, lens)).over(walked)
    assert posed.graph[0].position[2] == 4
    elsewhere = posed.from_viewpoint(*where)
    assert elsewhere.frame is None and elsewhere.viewpoint[1] == lens, "it shows what was seen from elsewhere"
    assert elsewhere.graph[0].position[2] == 3


AHEAD = {"z": 1}
BAD = [
    ({"direction": AHEAD}, "FIELD_REQUIRED", "pointer.origin is missing"),
    ({"origin": {}}, "FIELD_REQUIRED", "pointer.direction is missing"),
    ({"origin": {}, "direction": {}}, "FIELD_INVALID", "pointer.direction is of length 0, needs a length of more"),
    ({"origin": {}, "direction": {"x": math.nan}}, "FIELD_INVALID", "pointer.direction.x is nan, needs a finite"),
    ({"origin": {}, "direction": {"y": -math.inf}}, "FIELD_INVALID", "pointer.direction.y is -inf, needs a finite"),
    ({"origin": {"z": math.nan}, "direction": AHEAD}, "FIELD_INVALID", "pointer.origin.z is nan m, needs -10000"),
    ({"origin": {"x": 2e4}, "direction": AHEAD}, "FIELD_INVALID", "pointer.origin.x is 20000 m, needs -10000"),
    ({"origin": {}, "direction": AHEAD, "handedness": 5}, "FIELD_INVALID", "pointer.handedness is 5"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "reason", "message"), BAD, ids=[m for _, _, m in BAD])
def test_bad_pointers(fields, reason, message) -> None:
    with pytest.raises(Refused) as refused:
        read_pointer(geometry_pb2.Pointer(**fields))
    assert message in refused.value.message and refused.value.reason == reason
    assert refused.value.metadata["field"].startswith("pointer.")
