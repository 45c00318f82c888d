"""Frames that show nothing the model knows: a frame like these deserves "I can not make out anything".

Training and evaluation draw from disjoint photographs and seeds, and evaluation shows sorts of frame besides
that training never does (`TEST_ONLY`). Dead leaves and noise with the spectrum of photographs stand in for
the many photographs that are not here (Baradad et al., "Learning to see by looking at noise", 2021).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Literal

import numpy as np
from PIL import Image, ImageDraw

from scenewright_server.simulator.parts import OTHER
from scenewright_server.simulator.renderer import render
from scenewright_server.simulator.scene import sample

Part = Literal["train", "test"]

PHOTOGRAPHS: dict[Part, tuple[str, ...]] = {
    "train": (
        "skimage:astronaut", "skimage:coffee", "skimage:rocket", "skimage:retina", "skimage:hubble_deep_field",
        "skimage:brick", "skimage:grass", "skimage:coins", "skimage:page", "skimage:immunohistochemistry",
        "skimage:stereo_motorcycle", "sklearn:flower.jpg",
    ),
    "test": (
        "skimage:chelsea", "skimage:camera", "skimage:moon", "skimage:gravel", "skimage:text", "skimage:cell",
        "sklearn:china.jpg", "matplotlib:grace_hopper.jpg",
    ),
}  # fmt: skip
"""By library: what scikit-image, scikit-learn and matplotlib bring along."""

FIRST_SEED = 9_000_000


def stranger(seed: int, part: Part = "test", size: int = 160) -> tuple[str, np.ndarray]:
    """The sort, and the pixels (size, size, 3) uint8, of a frame with nothing in it that the model knows."""
    rng = np.random.default_rng([seed, {"train": 0, "test": 1}[part], 8])
    sorts = dict(SORTS) if part == "train" else {**SORTS, **TEST_ONLY}
    shares = np.array([3.0 if sort == "photograph" else 1.0 for sort in sorts])
    sort = list(sorts)[rng.choice(len(sorts), p=shares / shares.sum())]
    return sort, sorts[sort](rng, part, size)


def _blank(rng: np.random.Generator, part: Part, size: int) -> np.ndarray:
    tone = rng.uniform(0, 255, 3) if rng.random() < 0.6 else np.full(3, rng.choice((0.0, 255.0, rng.uniform(0, 255))))
    return _pixels(tone + rng.normal(0, rng.uniform(0, 4), (size, size, 3)))


def _noise(rng: np.random.Generator, part: Part, size: int) -> np.ndarray:
    coarse = int(rng.choice((1, 2, 4, 8, 16)))
    n = -(-size // coarse)
    grain = rng.uniform(0, 255, (n, n, 1 if rng.random() < 0.3 else 3))
    return _pixels(np.broadcast_to(grain, (n, n, 3)).repeat(coarse, 0).repeat(coarse, 1)[:size, :size])


def _gradient(rng: np.random.Generator, part: Part, size: int) -> np.ndarray:
    x, y = np.meshgrid(np.linspace(-1, 1, size), np.linspace(-1, 1, size))
    angle = rng.uniform(0, 2 * math.pi)
    way = np.hypot(x, y) if rng.random() < 0.3 else (math.cos(angle) * x + math.sin(angle) * y + 1) / 2
    a, b = rng.uniform(0, 255, (2, 3))
    return _pixels(a + (b - a) * way.clip(0, 1)[..., None] ** rng.uniform(0.5, 2))


def _spectrum(rng: np.random.Generator, part: Part, size: int) -> np.ndarray:
    """Noise that fades with frequency as photographs do."""
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(size), np.fft.fftfreq(size))) + 0.5 / size
    waves = np.fft.fft2(rng.normal(size=(3, size, size))) / frequency ** rng.uniform(0.6, 1.9)
    planes = np.fft.ifft2(waves).real
    planes = (planes - planes.mean((1, 2), keepdims=True)) / planes.std((1, 2), keepdims=True)
    mixed = np.tensordot(rng.normal(0, 0.5, (3, 3)) + rng.uniform(0.2, 1.5), planes, 1)
    return _pixels(rng.uniform(60, 190) + rng.uniform(20, 60) * mixed.transpose(1, 2, 0))


def _leaves(rng: np.random.Generator, part: Part, size: int) -> np.ndarray:
    """Dead leaves: shapes of all sizes falling over each other, some of them textured."""
    image = Image.new("RGB", (size, size))
    pen = ImageDraw.Draw(image)
    base, spread = rng.uniform(0, 255, 3), rng.uniform(15, 90)
    for _ in range(int(rng.integers(60, 400))):
        radius = size * 0.02 * rng.pareto(1.2) + 1.5
        x, y = rng.uniform(-0.1, 1.1, 2) * size
        red, green, blue = (base + rng.normal(0, spread, 3)).clip(0, 255).astype(int).tolist()
        _shape(pen, rng, x, y, min(radius, size * 0.5), (red, green, blue))
    textured = np.asarray(image, float)
    if rng.random() < 0.7:
        textured = textured * (_spectrum(rng, part, size) / 128) ** rng.uniform(0.2, 0.9)
    return _pixels(textured)


def _drawing(rng: np.random.Generator, part: Part, size: int) -> np.ndarray:
    """A flat picture as a screen shows it: a few shapes, lines and words on one colour."""
    image = Image.new("RGB", (size, size), tuple(rng.integers(0, 256, 3).tolist()))
    pen = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(3, 25))):
        x, y, x1, y1 = rng.uniform(0, size, 4).tolist()
        red, green, blue = rng.integers(0, 256, 3).tolist()
        sort = rng.integers(3)
        if sort == 0:
            pen.line((x, y, x1, y1), (red, green, blue), int(rng.integers(1, 5)))
        elif sort == 1:
            pen.text((x, y), "".join(chr(c) for c in rng.integers(33, 123, 12)), (red, green, blue))
        else:
            _shape(pen, rng, x, y, float(rng.uniform(2, size * 0.2)), (red, green, blue))
    return np.array(image)


def _shape(pen: ImageDraw.ImageDraw, rng: np.random.Generator, x: float, y: float, radius: float, fill) -> None:
    if rng.random() < 0.4:
        flat = radius * rng.uniform(0.3, 1)
        pen.ellipse((x - radius, y - flat, x + radius, y + flat), fill)
        return
    angles = np.sort(rng.uniform(0, 2 * math.pi, int(rng.integers(3, 7))))
    pen.polygon([(x + radius * math.cos(a), y + radius * math.sin(a)) for a in angles], fill)


def _photograph(rng: np.random.Generator, part: Part, size: int) -> np.ndarray:
    photograph = Image.fromarray(_load(PHOTOGRAPHS[part][rng.integers(len(PHOTOGRAPHS[part]))]))
    w, h = photograph.size
    side = min(w, h) * rng.uniform(0.3, 1.0)
    x, y = rng.uniform(0, w - side), rng.uniform(0, h - side)
    crop = photograph.resize((size, size), Image.Resampling.BILINEAR, (x, y, x + side, y + side))
    return np.array(crop.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if rng.random() < 0.5 else crop)


@cache
def _load(name: str) -> np.ndarray:
    library, photograph = name.split(":")
    if library == "skimage":
        from skimage import data

        image = getattr(data, photograph)()
        image = image[0] if isinstance(image, tuple) else image
    elif library == "sklearn":
        from sklearn.datasets import load_sample_image

        image = load_sample_image(photograph)
    else:
        from matplotlib.cbook import get_sample_data

        image = np.array(Image.open(str(get_sample_data(photograph, asfileobj=False))).convert("RGB"))
    image = image if image.ndim == 3 else np.stack([image] * 3, -1)
    return np.ascontiguousarray(image[..., :3], np.uint8)


def _room(rng: np.random.Generator, part: Part, size: int) -> np.ndarray:
    """An empty room."""
    scene = sample(FIRST_SEED + int(rng.integers(1_000_000)))
    return render([replace(scene, objects=())], (size, size)).images[0].numpy()


def _things(rng: np.random.Generator, part: Part, size: int) -> np.ndarray:
    """A room with things of no kind that the model knows."""
    scene = sample(FIRST_SEED + int(rng.integers(1_000_000)))
    things = tuple(replace(item, kind=OTHER) for item in scene.objects)
    return render([replace(scene, objects=things)], (size, size)).images[0].numpy()


def _stripes(rng: np.random.Generator, part: Part, size: int) -> np.ndarray:
    """Waves, straight or round, or their checker."""
    x, y = np.meshgrid(np.arange(size), np.arange(size))
    angle, period = rng.uniform(0, math.pi), rng.uniform(4, 40)
    way = np.hypot(x - size / 2, y - size / 2) if rng.random() < 0.3 else math.cos(angle) * x + math.sin(angle) * y
    across = math.cos(angle) * y - math.sin(angle) * x
    wave = np.sin(2 * math.pi * way / period) * (np.sin(2 * math.pi * across / period) if rng.random() < 0.5 else 1)
    wave = np.sign(wave) if rng.random() < 0.5 else wave
    a, b = rng.uniform(0, 255, (2, 3))
    return _pixels(a + (b - a) * (wave[..., None] + 1) / 2)


def _fractal(rng: np.random.Generator, part: Part, size: int) -> np.ndarray:
    """A Julia set."""
    x, y = np.meshgrid(np.linspace(-1.5, 1.5, size), np.linspace(-1.5, 1.5, size))
    z, c = x + 1j * y, 0.7885 * np.exp(1j * rng.uniform(0, 2 * math.pi))
    steps = np.zeros((size, size))
    for _ in range(40):
        inside = np.abs(z) < 4
        z = np.where(inside, z * z + c, z)
        steps += inside
    phase = rng.uniform(0, 6.3, 3)
    return _pixels(127 + 127 * np.sin(steps[..., None] * rng.uniform(0.1, 0.4) + phase))


def _pixels(values: np.ndarray) -> np.ndarray:
    return np.broadcast_to(values, (*values.shape[:2], 3)).clip(0, 255).astype(np.uint8)


Sort = Callable[[np.random.Generator, Part, int], np.ndarray]

SORTS: dict[str, Sort] = {
    "blank": _blank,
    "noise": _noise,
    "gradient": _gradient,
    "spectrum": _spectrum,
    "leaves": _leaves,
    "drawing": _drawing,
    "photograph": _photograph,
    "room": _room,
    "things": _things,
}
TEST_ONLY: dict[str, Sort] = {"stripes": _stripes, "fractal": _fractal}
