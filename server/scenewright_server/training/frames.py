"""Rendered scenes on disk for the image tower: drawn once, in the background, and read while they grow."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from scenewright_server.families.diorama.vision import STRIDE
from scenewright_server.simulator.distortions import occlude
from scenewright_server.simulator.kinds import ATTRIBUTES
from scenewright_server.simulator.parts import OTHER
from scenewright_server.simulator.renderer import render
from scenewright_server.simulator.scene import Scene, SceneObject, sample
from scenewright_server.simulator.strangers import Part, stranger
from scenewright_server.training.variety import vary

IMAGE_SIZE = 160
MAX_OBJECTS = 6
CHUNK = 32
# A camera integrates over its pixels; part of the frames are drawn so, the rest, which are cheaper, are not.
SMOOTH_EVERY = 5
OCCLUDED = 0.25  # share of varied frames with a patch over an object


@dataclass(frozen=True)
class Frames:
    """N frames, memory-mapped.

    images (N, S, S, 3) uint8; cover (N, K, S / STRIDE, S / STRIDE) uint8, how many pixels of each cell show
    each of at most K = MAX_OBJECTS objects; boxes (N, K, 4) uint8, those pixels' bounds (x0, y0, x1, y1);
    labels (N, K, 1 + A) int8: 1 where there is an object of a kind, then its index in each of `ATTRIBUTES`, -100
    where the object has no value of it (a paint of its own); -1 in the first row of a frame whose first object is none;
    depth (N, K) float32, metres from the camera's plane to the object's centre; stature (N, K, 2) float32, its own
    height in metres, and 1 where it stands on another object.
    """

    images: np.ndarray
    cover: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray
    depth: np.ndarray
    stature: np.ndarray

    @classmethod
    def create(cls, path: Path, n: int) -> Frames:
        """Empty arrays for n frames in a new or overwritten directory."""
        path.mkdir(parents=True, exist_ok=True)
        side = IMAGE_SIZE // STRIDE
        shapes = {
            "images": ((n, IMAGE_SIZE, IMAGE_SIZE, 3), np.uint8),
            "cover": ((n, MAX_OBJECTS, side, side), np.uint8),
            "boxes": ((n, MAX_OBJECTS, 4), np.uint8),
            "labels": ((n, MAX_OBJECTS, 1 + len(ATTRIBUTES)), np.int8),
            "depth": ((n, MAX_OBJECTS), np.float32),
            "stature": ((n, MAX_OBJECTS, 2), np.float32),
        }
        return cls(
            **{
                name: np.lib.format.open_memmap(path / f"{name}.npy", "w+", dtype, shape)
                for name, (shape, dtype) in shapes.items()
            }
        )

    @classmethod
    def open(cls, path: Path, mode: Literal["r", "r+"] = "r") -> Frames:
        """The frames of a directory, some of which may be still to come."""
        return cls(**{name: np.load(path / f"{name}.npy", mmap_mode=mode) for name in cls.__dataclass_fields__})

    @classmethod
    def count(cls, path: Path) -> int:
        """How many frames of a directory are drawn, 0 where there is none."""
        return len(cls.open(path).ready()) if (path / "depth.npy").exists() else 0

    def ready(self) -> np.ndarray:
        """The rows drawn so far."""
        return np.flatnonzero(self.labels[:, 0, 0])

    def write(
        self, row: int, scenes: list[Scene], supersample: int = 1, hide: np.random.Generator | None = None
    ) -> None:
        """Draw scenes into consecutive rows, with patches over some of their objects where `hide` says so.

        A row's labels are written last: they say that it is there.
        """
        end = row + len(scenes)
        rendered = render(scenes, (IMAGE_SIZE, IMAGE_SIZE), supersample=supersample)
        images, ids = rendered.images.numpy(), rendered.ids.numpy()
        for i in range(len(scenes) if hide else 0):
            if hide and hide.random() < OCCLUDED:
                images[i], ids[i] = occlude(images[i], ids[i], hide, (0.1, 0.6))
        self.images[row:end] = images
        self.cover[row:end], self.boxes[row:end] = measure(ids)
        for i, scene in enumerate(scenes):
            for j, item in enumerate(scene.objects):
                self.depth[row + i, j] = scene.camera.to_camera(item.centre)[2]
                self.stature[row + i, j] = (item.extents[1], item.support is not None)
                self.labels[row + i, j] = _labels(item)
            if not self.labels[row + i, 0, 0]:
                self.labels[row + i, 0, 0] = -1


def _labels(item: SceneObject) -> list[int]:
    if item.kind == OTHER:
        return [0] * (1 + len(ATTRIBUTES))
    values = {name: names.index(getattr(item, name)) for name, names in ATTRIBUTES.items()}
    if item.paint is not None:
        values["colour"] = -100
    return [1, *values.values()]


def measure(ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`Frames.cover` and `Frames.boxes` of object ids (N, S, S)."""
    n, size = ids.shape[:2]
    side = size // STRIDE
    masks = ids[:, None] == np.arange(MAX_OBJECTS)[:, None, None]
    cover = masks.reshape(n, MAX_OBJECTS, side, STRIDE, side, STRIDE).sum((3, 5))
    edges = []
    for axis in (2, 3):
        line = masks.any(axis)
        edges.append((line.argmax(-1), size - line[..., ::-1].argmax(-1)))
    (x0, x1), (y0, y1) = edges
    boxes = np.stack([x0, y0, x1, y1], -1) * (cover.sum((2, 3)) > 0)[..., None]
    return cover.astype(np.uint8), boxes.astype(np.uint8)


def draw(
    path: Path,
    n: int,
    split: str = "train",
    first_seed: int = 0,
    smooth_every: int = SMOOTH_EVERY,
    varied: bool = False,
) -> Frames:
    """Draw the scenes of seeds first_seed ... first_seed + n - 1 of a split into a directory.

    `varied` scenes are seen from other places, hold other things and paints, and are partly hidden (`vary`).
    Continues where an earlier call with the same n stopped.
    """
    frames = Frames.open(path, "r+") if (path / "depth.npy").exists() else Frames.create(path, n)
    for row in range(0, n, CHUNK):
        end = min(row + CHUNK, n)
        if frames.labels[end - 1, 0, 0]:
            continue
        smooth = row // CHUNK % smooth_every == 0
        scenes = [sample(first_seed + i, split) for i in range(row, end)]
        rng = np.random.default_rng([first_seed + row, 7])
        if varied:
            scenes = [vary(scene, rng) for scene in scenes]
        frames.write(row, scenes, supersample=2 if smooth else 1, hide=rng if varied else None)
    return frames


def draw_strangers(path: Path, n: int, part: Part = "train") -> Frames:
    """Draw `n` frames with nothing in them that the model knows (see `stranger`) into a directory."""
    if Frames.count(path) == n:
        return Frames.open(path)
    frames = Frames.create(path, n)
    for row in range(n):
        frames.images[row] = stranger(row, part, IMAGE_SIZE)[1]
        frames.labels[row, 0, 0] = -1
    return frames
