"""Features messages: what an encoder made of a frame, as rows of numbers."""

from __future__ import annotations

import math

import numpy as np
from scenewright.v1 import features_pb2, model_pb2

from scenewright_server.families.family import Codec, FeatureError
from scenewright_server.scene.entries import Detections
from scenewright_server.service.status import Refused
from scenewright_server.service.validate import check_count, refuse

_FLOAT32 = features_pb2.FEATURE_DATA_TYPE_FLOAT32


class FeatureReader:
    """Packs and unpacks the features of one model's image encoder."""

    def __init__(self, codec: Codec, sha256: str, max_aspect: float) -> None:
        self._codec = codec
        self._max_aspect = max_aspect
        encoder = codec.encoder
        self.encoder = model_pb2.Encoder(
            id=encoder.id,
            modality=model_pb2.MODALITY_IMAGE,
            checkpoint_sha256=sha256,
            preprocessing_id=encoder.preprocessing_id,
            preprocessing=encoder.preprocessing,
            feature_shape=[0, encoder.n_columns],
            dtypes=[_FLOAT32],
        )

    def pack(self, detections: Detections, embedding: np.ndarray, aspect: float) -> features_pb2.Features:
        """The features of a frame; embedding (E,), aspect its width over its height."""
        rows = self._codec.pack(detections, embedding, aspect).astype("<f4")
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
        aspect = self._codec.aspect(rows)
        # The bounds as rounded as the aspect is: a frame at the very bound comes back.
        low, high = np.float32(1 / self._max_aspect), np.float32(self._max_aspect)
        if not low <= aspect <= high:
            refuse(f"{field}.data", f"of a frame of aspect {aspect:g}", f"{low:g} to {high:g}")
        try:
            return *self._codec.unpack(rows), aspect
        except FeatureError as error:
            refuse(f"{field}.data", error.value, error.bound)

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
        n_columns = self._codec.encoder.n_columns
        if features.dtype != _FLOAT32:
            refuse(f"{field}.dtype", features.dtype, "FEATURE_DATA_TYPE_FLOAT32")
        shape = tuple(features.shape)
        if len(shape) != 2 or shape[1] != n_columns:
            refuse(f"{field}.shape", list(shape[:8]), f"[n, {n_columns}]")
        check_count(f"{field}.shape[0]", shape[0], 1, self._codec.encoder.max_rows)
        n_bytes = 4 * math.prod(shape)
        if len(features.data) != n_bytes:
            refuse(f"{field}.data", f"{len(features.data)} bytes", f"{n_bytes} for shape {list(shape)}")
        rows = np.frombuffer(features.data, "<f4").reshape(shape)
        if not np.isfinite(rows).all():
            refuse(f"{field}.data", "not finite in all numbers", "neither NaN nor infinity")
        return rows
