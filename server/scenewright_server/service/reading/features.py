"""What the image encoder made of a frame, as a message and back.

Layout of `Features.data`: a row-major float32 matrix (1 + N, C). Row 0 holds the upright frame's
aspect (width over height) and its unit embedding, each further row one detection: box x0, y0, x1, y1 in [0, 1],
score, depth and height in metres, the probability that it stands on another, and the posteriors of all attributes
side by side in the model's order. Shorter rows end in zeros.
"""

from __future__ import annotations

import math

import numpy as np
from scenewright.v1 import features_pb2, model_pb2

from scenewright_server.families.diorama.config import VisionConfig
from scenewright_server.families.diorama.vision import MAX_DETECTIONS
from scenewright_server.scene.entries import Detections
from scenewright_server.service.status import Refused
from scenewright_server.service.validate import check_count, refuse

_N_PLACE = 8  # box, score, depth, height, raised
_LAYOUT = "detections-2"
_FLOAT32 = features_pb2.FEATURE_DATA_TYPE_FLOAT32


class FeatureCodec:
    """Packs and unpacks the features of one model's image encoder."""

    def __init__(self, name: str, sha256: str, config: VisionConfig, max_aspect: float) -> None:
        self._max_aspect = max_aspect
        self._sizes = {attribute: len(values) for attribute, values in config.attributes.items()}
        self._d_embed = config.d_embed
        size = config.image_size
        self.encoder = model_pb2.Encoder(
            id=f"{name}/{_LAYOUT}",
            modality=model_pb2.MODALITY_IMAGE,
            checkpoint_sha256=sha256,
            preprocessing_id=f"rgb-squash-bilinear-{size}",
            preprocessing=(
                f"Upright sRGB, resized to {size} x {size} whatever its aspect with Pillow's antialiased "
                "bilinear filter, divided by 255."
            ),
            feature_shape=[0, self._n_columns],
            dtypes=[_FLOAT32],
        )

    @property
    def _n_columns(self) -> int:
        return max(_N_PLACE + sum(self._sizes.values()), 1 + self._d_embed)

    def pack(self, detections: Detections, embedding: np.ndarray, aspect: float) -> features_pb2.Features:
        """The features of a frame; embedding (E,), aspect its width over its height."""
        rows = np.zeros((1 + len(detections), self._n_columns), "<f4")
        rows[0, 0] = aspect
        rows[0, 1 : 1 + self._d_embed] = embedding
        assert detections.height is not None and detections.raised is not None  # the image tower tells them
        columns = (detections.scores, detections.depth, detections.height, detections.raised)
        looks = [detections.attributes[name] for name in self._sizes]
        found = np.concatenate([detections.boxes, np.stack(columns, axis=1), *looks], axis=1)
        rows[1:, : found.shape[1]] = found
        return features_pb2.Features(
            encoder_id=self.encoder.id,
            checkpoint_sha256=self.encoder.checkpoint_sha256,
            preprocessing_id=self.encoder.preprocessing_id,
            shape=rows.shape,
            dtype=_FLOAT32,
            data=rows.tobytes(),
        )

    def unpack(self, features: features_pb2.Features, field: str) -> tuple[Detections, np.ndarray, float]:
        """Detections, embedding (E,) and aspect. Raises `Refused`: ENCODER_MISMATCH or FIELD_INVALID."""
        self._check_origin(features, field)
        rows = self._read_rows(features, field)
        aspect, embedding, found = float(rows[0, 0]), rows[0, 1 : 1 + self._d_embed], rows[1:]
        # The bounds as rounded as the aspect is: a frame at the very bound comes back.
        low, high = np.float32(1 / self._max_aspect), np.float32(self._max_aspect)
        if not low <= aspect <= high:
            refuse(f"{field}.data", f"of a frame of aspect {aspect:g}", f"{low:g} to {high:g}")
        shares, metres = found[:, [0, 1, 2, 3, 4, 7]], found[:, 5:7]
        if len(found) and not (shares.min() >= 0 and shares.max() <= 1 and metres.min() > 0):
            refuse(f"{field}.data", "a detection out of range", "boxes, scores, raised in 0 to 1, metres above 0")
        boxes, *looks = np.split(found, np.cumsum([4, 4, *self._sizes.values()]), axis=1)[:-1]
        scores, depth, height, raised = looks.pop(0).T
        attributes = dict(zip(self._sizes, looks, strict=True))
        return Detections(boxes, scores, depth, attributes, height, raised), embedding, aspect

    def _check_origin(self, features: features_pb2.Features, field: str) -> None:
        for name, ours in (
            ("encoder_id", self.encoder.id),
            ("checkpoint_sha256", self.encoder.checkpoint_sha256),
            ("preprocessing_id", self.encoder.preprocessing_id),
        ):
            theirs = getattr(features, name)[:128]
            if theirs != ours:
                raise Refused(
                    "ENCODER_MISMATCH",
                    f"{field}.{name} is {theirs!r}, the model's is {ours!r}",
                    field=f"{field}.{name}",
                    value=theirs,
                    bound=ours,
                )

    def _read_rows(self, features: features_pb2.Features, field: str) -> np.ndarray:
        if features.dtype != _FLOAT32:
            refuse(f"{field}.dtype", features.dtype, "FEATURE_DATA_TYPE_FLOAT32")
        shape = tuple(features.shape)
        if len(shape) != 2 or shape[1] != self._n_columns:
            refuse(f"{field}.shape", list(shape[:8]), f"[n, {self._n_columns}]")
        check_count(f"{field}.shape[0]", shape[0], 1, 1 + MAX_DETECTIONS)
        n_bytes = 4 * math.prod(shape)
        if len(features.data) != n_bytes:
            refuse(f"{field}.data", f"{len(features.data)} bytes", f"{n_bytes} for shape {list(shape)}")
        rows = np.frombuffer(features.data, "<f4").reshape(shape)
        if not np.isfinite(rows).all():
            refuse(f"{field}.data", "not finite in all numbers", "neither NaN nor infinity")
        return rows
