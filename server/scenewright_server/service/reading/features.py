"""Features messages: what an encoder made of a frame or a recording, as rows of numbers."""

from __future__ import annotations

import math

import numpy as np
from scenewright.v1 import features_pb2, model_pb2

from scenewright_server.families.family import AudioCodec, Codec, Encoder, FeatureError, Heard
from scenewright_server.scene.entries import Detections
from scenewright_server.service.status import Refused
from scenewright_server.service.validate import check_count, refuse

_FLOAT32 = features_pb2.FEATURE_DATA_TYPE_FLOAT32


class FeatureReader:
    """Rows of numbers as Features messages and back, for one encoder of a checkpoint."""

    def __init__(self, encoder: Encoder, modality: model_pb2.Modality.ValueType, sha256: str) -> None:
        self._n_columns, self._max_rows = encoder.n_columns, encoder.max_rows
        self.encoder = model_pb2.Encoder(
            id=encoder.id,
            modality=modality,
            checkpoint_sha256=sha256,
            preprocessing_id=encoder.preprocessing_id,
            preprocessing=encoder.preprocessing,
            feature_shape=[0, encoder.n_columns],
            dtypes=[_FLOAT32],
        )

    def write(self, rows: np.ndarray) -> features_pb2.Features:
        """Rows (n, n_columns) as a message."""
        return features_pb2.Features(
            encoder_id=self.encoder.id,
            checkpoint_sha256=self.encoder.checkpoint_sha256,
            preprocessing_id=self.encoder.preprocessing_id,
            shape=rows.shape,
            dtype=_FLOAT32,
            data=rows.astype("<f4").tobytes(),
        )

    def read(self, features: features_pb2.Features, field: str) -> np.ndarray:
        """The rows of a message. Raises `Refused`: ENCODER_MISMATCH or FIELD_INVALID."""
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
        return self._read_rows(features, field)

    def _read_rows(self, features: features_pb2.Features, field: str) -> np.ndarray:
        if features.dtype != _FLOAT32:
            refuse(f"{field}.dtype", features.dtype, "FEATURE_DATA_TYPE_FLOAT32")
        shape = tuple(features.shape)
        if len(shape) != 2 or shape[1] != self._n_columns:
            refuse(f"{field}.shape", list(shape[:8]), f"[n, {self._n_columns}]")
        check_count(f"{field}.shape[0]", shape[0], 1, self._max_rows)
        n_bytes = 4 * math.prod(shape)
        if len(features.data) != n_bytes:
            refuse(f"{field}.data", f"{len(features.data)} bytes", f"{n_bytes} for shape {list(shape)}")
        rows = np.frombuffer(features.data, "<f4").reshape(shape)
        if not np.isfinite(rows).all():
            refuse(f"{field}.data", "not finite in all numbers", "neither NaN nor infinity")
        return rows


class FrameFeatures:
    """What a model's image encoder makes of frames."""

    def __init__(self, codec: Codec, sha256: str, max_aspect: float) -> None:
        self._codec = codec
        self._max_aspect = max_aspect
        self._reader = FeatureReader(codec.encoder, model_pb2.MODALITY_IMAGE, sha256)
        self.encoder = self._reader.encoder

    def pack(self, detections: Detections, embedding: np.ndarray, aspect: float) -> features_pb2.Features:
        """The features of a frame; embedding (E,), aspect its width over its height."""
        return self._reader.write(self._codec.pack(detections, embedding, aspect))

    def unpack(self, features: features_pb2.Features, field: str) -> tuple[Detections, np.ndarray, float]:
        """Detections, embedding (E,) and aspect. Raises `Refused`: ENCODER_MISMATCH or FIELD_INVALID."""
        rows = self._reader.read(features, field)
        aspect = self._codec.aspect(rows)
        # The bounds as rounded as the aspect is: a frame at the very bound comes back.
        low, high = np.float32(1 / self._max_aspect), np.float32(self._max_aspect)
        if not low <= aspect <= high:
            refuse(f"{field}.data", f"of a frame of aspect {aspect:g}", f"{low:g} to {high:g}")
        try:
            return *self._codec.unpack(rows), aspect
        except FeatureError as error:
            refuse(f"{field}.data", error.value, error.bound)


class SoundFeatures:
    """What a model's audio encoder makes of recordings."""

    def __init__(self, codec: AudioCodec, sha256: str) -> None:
        self._codec = codec
        self._reader = FeatureReader(codec.encoder, model_pb2.MODALITY_AUDIO, sha256)
        self.encoder = self._reader.encoder

    def pack(self, heard: Heard) -> features_pb2.Features:
        """The features of a recording."""
        return self._reader.write(self._codec.pack(heard))

    def unpack(self, features: features_pb2.Features, field: str) -> Heard:
        """What was heard. Raises `Refused`: ENCODER_MISMATCH or FIELD_INVALID."""
        try:
            return self._codec.unpack(self._reader.read(features, field))
        except FeatureError as error:
            refuse(f"{field}.data", error.value, error.bound)
