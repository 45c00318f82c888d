"""What the image tower made of a frame, as rows of numbers and back.

Layout: a row-major float32 matrix (1 + N, C). Row 0 holds the upright frame's aspect (width over height) and its unit
embedding, each further row one detection: box x0, y0, x1, y1 in [0, 1], score, depth and height in metres, the
probability that it stands on another, and the posteriors of all attributes side by side in the model's order. Shorter
rows end in zeros.
"""

from __future__ import annotations

import numpy as np

from scenewright_server.families.diorama.config import VisionConfig
from scenewright_server.families.diorama.vision import MAX_DETECTIONS
from scenewright_server.families.family import Encoder, FeatureError
from scenewright_server.scene.entries import Detections

_N_PLACE = 8  # box, score, depth, height, raised
_LAYOUT = "detections-2"


class DioramaCodec:
    """See `families.family.Codec`."""

    def __init__(self, name: str, config: VisionConfig) -> None:
        self._sizes = {attribute: len(values) for attribute, values in config.attributes.items()}
        self._d_embed = config.d_embed
        size = config.image_size
        self.encoder = Encoder(
            id=f"{name}/{_LAYOUT}",
            preprocessing_id=f"rgb-squash-bilinear-{size}",
            preprocessing=(
                f"Upright sRGB, resized to {size} x {size} whatever its aspect with Pillow's antialiased "
                "bilinear filter, divided by 255."
            ),
            n_columns=max(_N_PLACE + sum(self._sizes.values()), 1 + self._d_embed),
            max_rows=1 + MAX_DETECTIONS,
        )

    def pack(self, detections: Detections, embedding: np.ndarray, aspect: float) -> np.ndarray:
        rows = np.zeros((1 + len(detections), self.encoder.n_columns), np.float32)
        rows[0, 0] = aspect
        rows[0, 1 : 1 + self._d_embed] = embedding
        assert detections.height is not None and detections.raised is not None  # the image tower tells them
        columns = (detections.scores, detections.depth, detections.height, detections.raised)
        looks = [detections.attributes[name] for name in self._sizes]
        found = np.concatenate([detections.boxes, np.stack(columns, axis=1), *looks], axis=1)
        rows[1:, : found.shape[1]] = found
        return rows

    def aspect(self, rows: np.ndarray) -> float:
        return float(rows[0, 0])

    def unpack(self, rows: np.ndarray) -> tuple[Detections, np.ndarray]:
        embedding, found = rows[0, 1 : 1 + self._d_embed], rows[1:]
        shares, metres = found[:, [0, 1, 2, 3, 4, 7]], found[:, 5:7]
        if len(found) and not (shares.min() >= 0 and shares.max() <= 1 and metres.min() > 0):
            raise FeatureError("a detection out of range", "boxes, scores, raised in 0 to 1, metres above 0")
        boxes, *looks = np.split(found, np.cumsum([4, 4, *self._sizes.values()]), axis=1)[:-1]
        scores, depth, height, raised = looks.pop(0).T
        attributes = dict(zip(self._sizes, looks, strict=True))
        return Detections(boxes, scores, depth, attributes, height, raised), embedding
