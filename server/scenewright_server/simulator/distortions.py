"""What a phone does to a frame: compression, blur, bad light, another viewpoint, something in the way.

Three kinds of change, so that the truth stays exact: of the camera before drawing (`reframe`), of pixels that
leave objects where they are, and of pixels that hide part of an object, which take its ids along (`distort`).
"""

from __future__ import annotations

import io
import math
from dataclasses import replace

import numpy as np
from PIL import Image, ImageFilter

from scenewright_server.simulator.scene import Camera, Scene

CAMERA = ("smaller", "rotated")
PIXELS = ("jpeg", "blur", "exposure", "cast", "occluded")
DISTORTIONS = (*PIXELS, *CAMERA)

JPEG_QUALITY = 40
BLUR_RADIUS = 1.1  # pixels of a 160-pixel frame
EXPOSURE_STOPS = 0.7
CAST = 0.14  # of a channel's gain
SMALLER = 0.7
ROTATED_DEGREES = 5.0
HIDDEN = (0.2, 0.4)  # share of an object's bounds


def reframe(scene: Scene, name: str, rng: np.random.Generator) -> Scene:
    """The scene as one of `DISTORTIONS` frames it: changed by those of `CAMERA`, the same for all others."""
    if name == "smaller":
        return step_back(scene, SMALLER)
    if name == "rotated":
        return roll(scene, ROTATED_DEGREES * float(rng.choice((-1, 1))))
    return scene


def distort(pixels: np.ndarray, ids: np.ndarray, name: str, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A drawn frame (S, S, 3) uint8 and its object ids (S, S) after one of `DISTORTIONS`; new arrays.

    Those of `CAMERA` change nothing here. Raises ValueError for another name.
    """
    if name == "jpeg":
        return jpeg(pixels, JPEG_QUALITY), ids
    if name == "blur":
        return blur(pixels, BLUR_RADIUS * len(pixels) / 160), ids
    if name == "exposure":
        return expose(pixels, 2.0 ** (EXPOSURE_STOPS * rng.choice((-1.0, 1.0)))), ids
    if name == "cast":
        return expose(pixels, np.exp(CAST * _unit(rng))), ids
    if name == "occluded":
        return occlude(pixels, ids, rng, HIDDEN)
    if name in CAMERA:
        return pixels, ids
    raise ValueError(f"no distortion {name!r}; there are {', '.join(DISTORTIONS)}")


def step_back(scene: Scene, scale: float) -> Scene:
    """The scene from so much farther away (nearer where `scale` > 1) that its middle looks `scale` times as large."""
    if not scene.objects:
        return scene
    camera = scene.camera
    depth = float(np.mean([camera.to_camera(item.centre)[2] for item in scene.objects]))
    forward = np.array(camera.rotation)[:, 2]
    x, y, z = (np.array(camera.position) - forward * depth * (1 / scale - 1)).tolist()
    return replace(scene, camera=replace(camera, position=(x, y, z)))


def roll(scene: Scene, degrees: float) -> Scene:
    """The scene with its camera turned about its axis."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    turned = np.array(scene.camera.rotation) @ np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    rows = [(float(a), float(b), float(d)) for a, b, d in turned]
    camera: Camera = replace(scene.camera, rotation=tuple(rows))
    return replace(scene, camera=camera)


def jpeg(pixels: np.ndarray, quality: int) -> np.ndarray:
    """Pixels (H, W, 3) uint8, compressed and back."""
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "JPEG", quality=quality)
    return np.array(Image.open(data))


def blur(pixels: np.ndarray, radius: float) -> np.ndarray:
    """Pixels (H, W, 3) uint8 under a Gaussian of that radius in pixels."""
    return np.array(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(radius)))


def expose(pixels: np.ndarray, gain: float | np.ndarray) -> np.ndarray:
    """Pixels (H, W, 3) uint8 times a gain, one for all channels or one for each."""
    return (pixels * np.asarray(gain, np.float32)).clip(0, 255).round().astype(np.uint8)


def occlude(
    pixels: np.ndarray, ids: np.ndarray, rng: np.random.Generator, hidden: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """A flat or grainy patch laid over one seen object, from one of its sides, that hides a share of its bounds.

    What lies under the patch has id -1.
    """
    pixels, ids = pixels.copy(), ids.copy()
    seen = np.unique(ids[ids >= 0])
    if not len(seen):
        return pixels, ids
    rows, columns = np.nonzero(ids == rng.choice(seen))
    bounds = np.array([rows.min(), rows.max() + 1, columns.min(), columns.max() + 1])
    axis, far = int(rng.integers(2)), bool(rng.integers(2))
    low, high = bounds[2 * axis : 2 * axis + 2]
    depth = round(float(rng.uniform(*hidden)) * (high - low))
    patch = bounds.copy()
    patch[2 * axis : 2 * axis + 2] = (high - depth, high) if far else (low, low + depth)
    margin = rng.integers(0, 9, 4) * (-1, 1, -1, 1)
    # The patch reaches over the object's outer sides, never farther into it.
    margin[2 * axis + (0 if far else 1)] = 0
    y0, y1, x0, x1 = (patch + margin).clip(0, len(ids))
    tone = rng.uniform(0, 255, 3) + rng.normal(0, rng.choice((2.0, 25.0)), (y1 - y0, x1 - x0, 1))
    pixels[y0:y1, x0:x1] = tone.clip(0, 255)
    ids[y0:y1, x0:x1] = -1
    return pixels, ids


def _unit(rng: np.random.Generator) -> np.ndarray:
    """A random direction in colour without brightness, (3,), of length sqrt(3)."""
    way = rng.normal(size=3)
    way -= way.mean()
    return way * (math.sqrt(3) / np.linalg.norm(way))
