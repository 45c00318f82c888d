"""Draws examples/living_room.jpg and writes the scene graph that an app would send with it.

python examples/make_examples.py
"""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
from google.protobuf.json_format import MessageToJson
from PIL import Image
from scenewright.v1 import geometry_pb2, graph_pb2
from scenewright_server.simulator.renderer import render
from scenewright_server.simulator.scene import Scene, sample

HERE = Path(__file__).parent
WIDTH, HEIGHT = 640, 480
N_OBJECTS = 5


def pick_scene(first_seed: int = 9_000_000) -> Scene:
    """The first training-like scene of five different things, one of them on a table, in a 4:3 frame."""
    seed = first_seed
    while True:
        scene = sample(seed, "train", n_objects=N_OBJECTS)
        seed += 1
        camera = dataclasses.replace(scene.camera, fy=scene.camera.fx * WIDTH / HEIGHT)
        corners = np.concatenate([camera.project(item.corners()) for item in scene.objects])
        is_varied = len({item.kind for item in scene.objects}) == len({item.colour for item in scene.objects}) == 5
        under = [scene.objects[item.support].kind for item in scene.objects if item.support is not None]
        if is_varied and under == ["table"] and corners.min() > 0.02 and corners.max() < 0.98:
            seen = render([dataclasses.replace(scene, camera=camera)]).boxes(0, N_OBJECTS)
            if np.isfinite(seen).all() and (seen[:, 2:] - seen[:, :2]).min() > 0.1:
                return dataclasses.replace(scene, camera=camera)


def quaternion(rotation: np.ndarray) -> geometry_pb2.Quaternion:
    """The unit quaternion of a rotation matrix of less than half a turn."""
    w = math.sqrt(max(0.0, 1 + np.trace(rotation))) / 2
    x, y, z = (float(rotation[i, j] - rotation[j, i]) / (4 * w) for i, j in ((2, 1), (0, 2), (1, 0)))
    return geometry_pb2.Quaternion(x=x, y=y, z=z, w=w)


def vector(values) -> geometry_pb2.Vector3:
    x, y, z = (round(float(v), 4) for v in values)
    return geometry_pb2.Vector3(x=x, y=y, z=z)


def scene_graph(scene: Scene) -> graph_pb2.SceneGraph:
    """What an app that placed these objects would know."""
    graph = graph_pb2.SceneGraph(revision=1, handedness=geometry_pb2.HANDEDNESS_LEFT_HANDED)
    for number, item in enumerate(scene.objects, 1):
        c, s = math.cos(item.yaw), math.sin(item.yaw)
        turned = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
        graph.objects.add(
            id=f"{item.kind}-{number}",
            anchor_id=f"anchor-{number}",
            label=f"{item.colour} {item.kind}",
            description="" if item.pattern == "plain" else item.pattern,
            pose=geometry_pb2.Pose(position=vector(item.centre), rotation=quaternion(turned)),
            extents=vector(item.extents),
        )
    camera = scene.camera
    graph.viewpoint.pose.position.CopyFrom(vector(camera.position))
    graph.viewpoint.pose.rotation.CopyFrom(quaternion(np.array(camera.rotation)))
    graph.viewpoint.intrinsics.CopyFrom(
        geometry_pb2.CameraIntrinsics(
            fx=camera.fx * WIDTH,
            fy=camera.fy * HEIGHT,
            cx=camera.cx * WIDTH,
            cy=camera.cy * HEIGHT,
            width=WIDTH,
            height=HEIGHT,
        )
    )
    return graph


def main() -> None:
    scene = pick_scene()
    image = render([scene], (HEIGHT, WIDTH), supersample=2).images[0].numpy()
    Image.fromarray(image).save(HERE / "living_room.jpg", quality=92)
    (HERE / "living_room.json").write_text(MessageToJson(scene_graph(scene), indent=2) + "\n")


if __name__ == "__main__":
    main()
