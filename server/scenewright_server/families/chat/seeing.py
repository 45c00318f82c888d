"""Looking: boxes and kinds by a detector, kinds by CLIP too, and colours by a plain rule on the pixels."""

from __future__ import annotations

import numpy as np
from PIL import Image

from scenewright_server.families.chat.matching import MAX_SIDE, Matching
from scenewright_server.model.detector import Detector, detect
from scenewright_server.scene.entries import Detections

COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "white", "black")
DEPTH_M = 2.0
"""Of everything: a detector tells no depth. It gives directions, and nobody tells it as a distance."""
INNER = 0.5  # of a box's width and height: the part in its middle that tells its colour
HUES = ((15, 0), (40, 1), (70, 2), (170, 3), (255, 4), (290, 5), (345, 6), (361, 0))  # degrees below which; COLOURS
DARK, BRIGHT, GREY = 0.2, 0.75, 0.2  # value, value, saturation
BROWN_VALUE, PINK_SATURATION = 0.6, 0.5  # a dark orange is brown, a pale red pink


WHOLE = 0.3  # probability of a word, to be told of a frame as a whole


class Seeing:
    """With a detector, with CLIP, or with both: then a box's kind is what both say, and a frame without a box is
    named as a whole, as every frame is by CLIP alone. kinds: the words for that, the detector's first."""

    def __init__(self, detector: Detector | None, matching: Matching | None) -> None:
        self._detector, self._matching = detector, matching
        learnt = () if detector is None else detector.config.labels
        self._n_learnt = len(learnt)
        self.kinds = learnt if matching is None else matching.labels

    def fit(self, frame: np.ndarray) -> np.ndarray:
        """The frame (H, W, 3), no larger than is looked at, and of the same shape."""
        size = MAX_SIDE if self._detector is None or self._matching is not None else self._detector.config.size
        image = Image.fromarray(frame)
        scale = size / max(image.size)
        width, height = (max(1, round(side * scale)) for side in image.size)
        return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR)) if scale < 1 else frame

    def see(self, frame: np.ndarray) -> Detections:
        """What a fitted frame shows; attributes "kind" and "colour"."""
        corners, scores = np.zeros((0, 4)), np.zeros(0)
        kinds = np.zeros((0, self._n_learnt))
        if self._detector is not None:
            found = detect(self._detector, Image.fromarray(frame))
            corners, kinds, scores = found.corners, _shares(found.posteriors), found.posteriors.max(1, initial=0.0)
        if self._matching is not None and len(corners):
            pictures = [_cut(frame, box) for box in corners]
            kinds = _shares(kinds * self._matching.name(pictures, self._n_learnt))
        kinds = np.pad(kinds, ((0, 0), (0, len(self.kinds) - self._n_learnt)))
        if self._matching is not None and not len(corners):
            whole = self._matching.name([frame])
            is_sure = whole.max(1) >= WHOLE
            corners, kinds, scores = np.array([[0.0, 0.0, 1.0, 1.0]])[is_sure], whole[is_sure], whole.max(1)[is_sure]
        n = len(corners)
        colours = [colour_shares(_cut(frame, _middle(box))) for box in corners]
        return Detections(
            corners.astype(np.float32).reshape(n, 4),
            scores.astype(np.float32),
            np.full(n, DEPTH_M, np.float32),
            {"kind": kinds.astype(np.float32), "colour": np.array(colours, np.float32).reshape(n, len(COLOURS))},
        )


def _shares(weights: np.ndarray) -> np.ndarray:
    """Rows (N, n) that add up to 1."""
    return weights / np.maximum(weights.sum(1, keepdims=True), 1e-9)


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


def _middle(box: np.ndarray) -> np.ndarray:
    """The part of a box that tells its colour."""
    x0, y0, x1, y1 = box
    dx, dy = (x1 - x0) * (1 - INNER) / 2, (y1 - y0) * (1 - INNER) / 2
    return np.array([x0 + dx, y0 + dy, x1 - dx, y1 - dy])


def _cut(frame: np.ndarray, box: np.ndarray) -> np.ndarray:
    """The pixels (h, w, 3) of a box, one at least."""
    height, width = frame.shape[:2]
    x0, y0, x1, y1 = box
    left, top = min(int(x0 * width), width - 1), min(int(y0 * height), height - 1)
    right, bottom = max(int(x1 * width), left + 1), max(int(y1 * height), top + 1)
    return frame[top:bottom, left:right]
