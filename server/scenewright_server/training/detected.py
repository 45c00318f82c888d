"""What a trained image tower detects in drawn frames, kept in memory: the decoder learns from its real errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from scenewright_server.families.diorama.vision import Vision
from scenewright_server.scene.entries import Detections
from scenewright_server.simulator.scene import Box, Scene, sample
from scenewright_server.training.frames import IMAGE_SIZE, Frames

BATCH = 32
MIN_PIXELS = 24  # an object of which less is seen is not talked of: a person would not name it


@dataclass(frozen=True)
class Example:
    """A drawn scene, its objects' visible boxes (None: hidden), and what the tower detects."""

    scene: Scene
    boxes: list[Box | None]
    detections: Detections


class Detected:
    """Frames of one directory and split, and their detections."""

    def __init__(self, path: Path, vision: Vision, split: str = "train", first_seed: int = 0) -> None:
        frames = Frames.open(path)
        self.split, self.first_seed = split, first_seed
        self.rows = frames.ready()
        self.bounds = np.asarray(frames.boxes[self.rows], np.float32) / IMAGE_SIZE
        self.n_pixels = np.asarray(frames.cover[self.rows], np.int64).sum((2, 3))
        self.detections = detect(vision, frames.images, self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def example(self, n: int) -> Example:
        scene = sample(self.first_seed + int(self.rows[n]), self.split)
        shown = zip(self.bounds[n, : len(scene.objects)].tolist(), self.n_pixels[n], strict=False)
        boxes = [tuple(box) if n_pixels >= MIN_PIXELS else None for box, n_pixels in shown]
        return Example(scene, boxes, self.detections[n])


@torch.inference_mode()
def detect(vision: Vision, images: np.ndarray, rows: Sequence[int] | np.ndarray) -> list[Detections]:
    """Detections of `rows` of images (N, S, S, 3) uint8."""
    vision.eval()
    found: list[Detections] = []
    for start in range(0, len(rows), BATCH):
        pixels = torch.from_numpy(images[rows[start : start + BATCH]])
        found += vision.detect(pixels.permute(0, 3, 1, 2).float() / 255)
    return found
