"""The same kinds of object drawn by another renderer from other shapes: does the model know objects, or one renderer?

Mitsuba 3 traces paths: soft shadows, light that bounces, glossy paint. Every kind is modelled afresh here, of
rounded blocks and turned profiles; nothing is shared with `parts` and `renderer` but the scenes'
layout, sizes and the meaning of the words. Needs `pip install mitsuba`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from scenewright_server.simulator.kinds import COLOURS
from scenewright_server.simulator.other_shapes import Mesh, build
from scenewright_server.simulator.scene import Scene, SceneObject

SAMPLES = 16  # rays a pixel
# Chosen by eye in another place than the training's palette: sRGB.
PAINTS: dict[str, tuple[int, int, int]] = {
    "red": (200, 40, 45), "orange": (240, 130, 30), "yellow": (240, 212, 60), "green": (50, 145, 70),
    "blue": (45, 85, 195), "purple": (125, 60, 155), "pink": (240, 150, 185), "brown": (105, 65, 35),
    "white": (238, 238, 235), "black": (28, 28, 30),
}  # fmt: skip
SECONDS = dict.fromkeys(COLOURS, (235, 232, 225)) | {
    "white": (140, 140, 145), "black": (125, 125, 130), "yellow": (70, 60, 30), "pink": (90, 50, 65),
}  # fmt: skip


def paint_faces(mesh: Mesh, item: SceneObject) -> np.ndarray:
    """The sRGB colour of each face (F, 3) in 0..255, the object's pattern included."""
    middle = mesh.vertices[mesh.faces].mean(1) / np.array(item.extents)
    main = np.array(mesh.paint or PAINTS[item.colour], float)
    colours = np.broadcast_to(main, middle.shape).copy()
    if mesh.paint is not None or item.pattern == "plain":
        return colours
    n = 6.0
    if item.pattern == "striped":
        corners = mesh.vertices[mesh.faces]
        is_flat = np.ptp(corners[..., 1], axis=1) < 1e-4
        odd = np.floor(np.where(is_flat, middle[:, 0] + 0.5, middle[:, 1]) * n) % 2
    else:
        cell = np.array(item.extents) / np.prod(item.extents) ** (1 / 3) * 4.0
        odd = np.floor(middle * np.maximum(cell, 1) + 0.01).sum(1) % 2
    colours[odd > 0.5] = SECONDS[item.colour]
    return colours


class OtherRenderer:
    """Mitsuba's scalar path tracer. Raises ImportError, saying what to install, where it is missing."""

    def __init__(self) -> None:
        try:
            import mitsuba
        except ImportError as error:
            raise ImportError("the split `other` is drawn by Mitsuba 3: pip install mitsuba") from error
        mitsuba.set_variant("scalar_rgb")
        self.mi: Any = mitsuba

    def draw(self, scene: Scene, size: int = 160) -> tuple[np.ndarray, np.ndarray]:
        """Pixels (size, size, 3) uint8, and the index of the object seen at each (-1: none)."""
        mi, rng = self.mi, np.random.default_rng([scene.seed, 21])
        camera = scene.camera
        ratio = camera.fy / camera.fx
        width, height = (round(size * ratio), size) if ratio > 1 else (size, round(size / ratio))
        described: dict[str, Any] = {
            "type": "scene",
            "integrator": {"type": "path", "max_depth": 5},
            "sensor": self._sensor(scene, width, height),
            **self._room(rng),
        }
        for i, item in enumerate(scene.objects):
            shapes = build(item.kind, item.extents, item.seed)
            gloss = float(np.random.default_rng([item.seed, 23]).uniform(0.2, 0.6))
            for j, mesh in enumerate(shapes):
                name = f"thing_{i}_{j}"
                described[name] = self._mesh(mesh, item, gloss, name)
        world = mi.load_dict(described)
        channels = np.array(mi.render(world, spp=SAMPLES, seed=scene.seed % 2**31))
        colour = np.array(mi.Bitmap(np.ascontiguousarray(channels[..., :3])).convert(
            mi.Bitmap.PixelFormat.RGB, mi.Struct.Type.UInt8, srgb_gamma=True))  # fmt: skip
        square = Image.fromarray(colour).resize((size, size), Image.Resampling.BILINEAR)
        return np.asarray(square), self._who(world, scene, size)

    def _who(self, world: Any, scene: Scene, size: int) -> np.ndarray:
        """The owner of what one ray through each pixel's middle meets."""
        mi, camera = self.mi, scene.camera
        rows, columns = np.mgrid[:size, :size]
        ways = np.stack(
            [(columns + 0.5) / size - camera.cx, camera.cy - (rows + 0.5) / size, np.ones_like(rows, float)], -1
        )
        ways[..., 0] /= camera.fx
        ways[..., 1] /= camera.fy
        ways = ways @ np.array(camera.rotation).T * (1, 1, -1)
        ways /= np.linalg.norm(ways, axis=-1, keepdims=True)
        start = np.array(camera.position) * (1, 1, -1)
        ids = np.full((size, size), -1, np.int16)
        # An object's parts go by "thing_<object>_<part>", the room's by other names.
        names = {shape.id() for shape in world.shapes()}
        owners = {name: int(name.split("_")[1]) if name.startswith("thing_") else -1 for name in names}
        for row in range(size):
            for column in range(size):
                met = world.ray_intersect(mi.Ray3f(start.tolist(), ways[row, column].tolist()))
                if met.is_valid():
                    ids[row, column] = owners[met.shape.id()]
        return ids

    def _sensor(self, scene: Scene, width: int, height: int) -> dict[str, Any]:
        mi, camera = self.mi, scene.camera
        turn = np.array(camera.rotation) * np.array([[1], [1], [-1]])
        origin = np.array(camera.position) * (1, 1, -1)
        look = mi.ScalarTransform4f().look_at(
            origin=origin.tolist(), target=(origin + turn[:, 2]).tolist(), up=turn[:, 1].tolist()
        )
        return {
            "type": "perspective", "fov": math.degrees(2 * math.atan(0.5 / camera.fx)), "fov_axis": "x",
            "to_world": look,
            "film": {"type": "hdrfilm", "width": width, "height": height, "rfilter": {"type": "box"}},
        }  # fmt: skip

    def _room(self, rng: np.random.Generator) -> dict[str, Any]:
        """A floor and three walls of one paint each, a lamp above and some light from all around."""
        mi = self.mi
        floor, wall = rng.uniform(0.25, 0.6) + rng.normal(0, 0.04, 3), rng.uniform(0.45, 0.8) + rng.normal(0, 0.04, 3)

        def plane(to_world: Any, tone: np.ndarray) -> dict[str, Any]:
            tones = tone.clip(0.05, 0.9).tolist()
            paint = {"type": "diffuse", "reflectance": {"type": "rgb", "value": tones}}
            return {"type": "rectangle", "to_world": to_world, "bsdf": {"type": "twosided", "bsdf": paint}}

        t = mi.ScalarTransform4f
        far, side = float(rng.uniform(4.9, 6.5)), float(rng.uniform(3.0, 4.5))
        return {
            "floor": plane(t().rotate([1, 0, 0], -90).scale(20), floor),
            "far": plane(t().translate([0, 0, -far]).scale(20), wall),
            "left": plane(t().translate([-side, 0, 0]).rotate([0, 1, 0], 90).scale(20), wall * 0.96),
            "right": plane(t().translate([side, 0, 0]).rotate([0, 1, 0], -90).scale(20), wall * 0.96),
            "sky": {"type": "constant", "radiance": {"type": "rgb", "value": float(rng.uniform(0.6, 1.0))}},
            "lamp": {
                "type": "rectangle",
                "to_world": t().look_at(
                    origin=[float(rng.uniform(-2.5, 2.5)), float(rng.uniform(3.5, 5)), float(rng.uniform(-2, 1))],
                    target=[0, 0, -2.7], up=[0, 0, -1],
                ).scale(float(rng.uniform(0.4, 1.0))),
                "emitter": {"type": "area", "radiance": {"type": "rgb", "value": float(rng.uniform(9, 20))}},
            },
        }  # fmt: skip

    def _mesh(self, mesh: Mesh, item: SceneObject, gloss: float, name: str) -> Any:
        mi = self.mi
        c, s = math.cos(item.yaw), math.sin(item.yaw)
        placed = mesh.vertices @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]).T + item.position
        # Mitsuba's world is right-handed: z is mirrored, and with it the faces' winding.
        placed = placed * (1, 1, -1)
        properties = mi.Properties()
        properties["bsdf"] = mi.load_dict(
            {
                "type": "twosided",
                "bsdf": {
                    "type": "principled", "roughness": gloss, "specular": 0.4,
                    "base_color": {"type": "mesh_attribute", "name": "face_color"},
                },
            }
        )  # fmt: skip
        properties.set_id(name)
        shape = mi.Mesh(name, len(placed), len(mesh.faces), props=properties)
        values = mi.traverse(shape)
        values["vertex_positions"] = placed.astype(np.float32).ravel()
        values["faces"] = mesh.faces[:, ::-1].astype(np.uint32).ravel()
        values.update()
        linear = (paint_faces(mesh, item) / 255) ** 2.2
        shape.add_attribute("face_color", 3, linear.astype(np.float32).ravel())
        return shape


def draw(scenes: Sequence[Scene], size: int = 160) -> list[tuple[np.ndarray, np.ndarray]]:
    """Scenes drawn by the other renderer: pixels and ids of each (see `OtherRenderer.draw`); a few seconds a scene."""
    renderer = OtherRenderer()
    return [renderer.draw(scene, size) for scene in scenes]
