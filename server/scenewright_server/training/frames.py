"""Rendered scenes on disk for the image tower: drawn once, in the background, and read while they grow."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from scenewright_server.diorama.kinds import ATTRIBUTES
from scenewright_server.diorama.renderer import render
from scenewright_server.diorama.scene import Scene, sample
from scenewright_server.model.vision import STRIDE

IMAGE_SIZE = 160
MAX_OBJECTS = 6
CHUNK = 32
# A camera integrates over its pixels; part of the frames are drawn so, the rest, which are cheaper, are not.
SMOOTH_EVERY = 5


@dataclass(frozen=True)
class Frames:
    """N frames, memory-mapped.

    images (N, S, S, 3) uint8; cover (N, K, S / STRIDE, S / STRIDE) uint8, how many pixels of each cell show
    each of at most K = MAX_OBJECTS objects; boxes (N, K, 4) uint8, those pixels' bounds (x0, y0, x1, y1);
    labels (N, K, 1 + A) int8: 1 where there is an object, then its index in each of `ATTRIBUTES`;
    depth (N, K) float32, metres from the camera's plane to the object's centre.
    """

    images: np.ndarray
    cover: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray
    depth: np.ndarray

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

    def write(self, row: int, scenes: list[Scene], supersample: int = 1) -> None:
        """Draw scenes into consecutive rows. A row's labels are written last: they say that it is there."""
        end = row + len(scenes)
        rendered = render(scenes, (IMAGE_SIZE, IMAGE_SIZE), supersample=supersample)
        self.images[row:end] = rendered.images.numpy()
        self.cover[row:end], self.boxes[row:end] = measure(rendered.ids.numpy())
        for i, scene in enumerate(scenes):
            for j, item in enumerate(scene.objects):
                self.depth[row + i, j] = scene.camera.to_camera(item.centre)[2]
                values = [names.index(getattr(item, name)) for name, names in ATTRIBUTES.items()]
                self.labels[row + i, j] = (1, *values)


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


def draw(path: Path, n: int, split: str = "train", first_seed: int = 0, smooth_every: int = SMOOTH_EVERY) -> Frames:
    """Draw the scenes of seeds first_seed ... first_seed + n - 1 of a split into a directory.

    Continues where an earlier call with the same n stopped.
    """
    frames = Frames.open(path, "r+") if (path / "depth.npy").exists() else Frames.create(path, n)
    for row in range(0, n, CHUNK):
        end = min(row + CHUNK, n)
        if frames.labels[end - 1, 0, 0]:
            continue
        smooth = row // CHUNK % smooth_every == 0
        scenes = [sample(first_seed + i, split) for i in range(row, end)]
        frames.write(row, scenes, supersample=2 if smooth else 1)
    return frames
