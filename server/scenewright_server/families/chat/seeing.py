"""Looking with a detector: boxes, kinds by its posteriors, and colours by a plain rule on the pixels."""

from __future__ import annotations

import numpy as np
from PIL import Image

from scenewright_server.model.detector import Detector, detect
from scenewright_server.scene.entries import Detections

COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "white", "black")
DEPTH_M = 2.0
"""Of everything: a detector tells no depth. It gives directions, and nobody tells it as a distance."""
INNER = 0.5  # of a box's width and height: the part in its middle that tells its colour
HUES = ((15, 0), (40, 1), (70, 2), (170, 3), (255, 4), (290, 5), (345, 6), (361, 0))  # degrees below which; COLOURS
DARK, BRIGHT, GREY = 0.2, 0.75, 0.2  # value, value, saturation
BROWN_VALUE, PINK_SATURATION = 0.6, 0.5  # a dark orange is brown, a pale red pink


class Seeing:
    def __init__(self, detector: Detector) -> None:
        self._detector = detector

    def fit(self, frame: np.ndarray) -> np.ndarray:
        """The frame (H, W, 3), no larger than the detector's square and of the same shape."""
        size = self._detector.config.size
        image = Image.fromarray(frame)
        scale = size / max(image.size)
        width, height = (max(1, round(side * scale)) for side in image.size)
        return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR)) if scale < 1 else frame

    def see(self, frame: np.ndarray) -> Detections:
        """What a fitted frame shows; attributes "kind" and "colour"."""
        found = detect(self._detector, Image.fromarray(frame))
        n = len(found.classes)
        posteriors = found.posteriors / np.maximum(found.posteriors.sum(1, keepdims=True), 1e-9)
        colours = [colour_shares(_inside(frame, box)) for box in found.corners]
        return Detections(
            found.corners.astype(np.float32).reshape(n, 4),
            found.posteriors.max(1, initial=0.0).astype(np.float32),
            np.full(n, DEPTH_M, np.float32),
            {
                "kind": posteriors.astype(np.float32),
                "colour": np.array(colours, np.float32).reshape(n, len(COLOURS)),
            },
        )


def colour_shares(pixels: np.ndarray) -> np.ndarray:
    """How much of pixels (N, 3) uint8 has each of COLOURS, (10,), adding up to 1. Greys count half as white, half as
    black; so a thing of no clear colour has none that is sure."""
    rgb = pixels.reshape(-1, 3).astype(np.float32) / 255
    value, low = rgb.max(1), rgb.min(1)
    chroma = value - low
    saturation = chroma / np.maximum(value, 1e-6)
    r, g, b = rgb.T
    span = np.maximum(chroma, 1e-6)
    hue = np.select([value == r, value == g], [(g - b) / span % 6, (b - r) / span + 2], (r - g) / span + 4) * 60
    word = np.zeros(len(rgb), int)
    for bound, colour in reversed(HUES):
        word[hue < bound] = colour
    word[np.isin(word, (0, 1)) & (hue < 50) & (hue > 8) & (value < BROWN_VALUE)] = COLOURS.index("brown")
    word[(word == 0) & (saturation < PINK_SATURATION) & (value > BROWN_VALUE)] = COLOURS.index("pink")
    shares = np.zeros(len(COLOURS))
    is_dark, is_grey = value < DARK, saturation < GREY
    clear = ~is_dark & ~is_grey
    np.add.at(shares, word[clear], 1.0)
    white, black = COLOURS.index("white"), COLOURS.index("black")
    shares[white] += (is_grey & (value > BRIGHT)).sum()
    shares[black] += is_dark.sum()
    n_grey = (is_grey & ~is_dark & (value <= BRIGHT)).sum()
    shares[[white, black]] += n_grey / 2
    return shares / max(len(rgb), 1)


def _inside(frame: np.ndarray, box: np.ndarray) -> np.ndarray:
    """The pixels in the middle of a box, one at least."""
    height, width = frame.shape[:2]
    x0, y0, x1, y1 = box
    dx, dy = (x1 - x0) * (1 - INNER) / 2, (y1 - y0) * (1 - INNER) / 2
    left, top = min(int((x0 + dx) * width), width - 1), min(int((y0 + dy) * height), height - 1)
    right, bottom = max(int((x1 - dx) * width), left + 1), max(int((y1 - dy) * height), top + 1)
    return frame[top:bottom, left:right].reshape(-1, 3)
