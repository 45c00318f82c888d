"""Features -> protobuf."""

from __future__ import annotations

from scenewright import types
from scenewright._convert import checks
from scenewright.v1 import features_pb2

_DTYPES = {
    "float32": features_pb2.FEATURE_DATA_TYPE_FLOAT32,
    "float16": features_pb2.FEATURE_DATA_TYPE_FLOAT16,
    "bfloat16": features_pb2.FEATURE_DATA_TYPE_BFLOAT16,
}


def features_to_proto(features: types.Features, field: str = "features") -> features_pb2.Features:
    """The same, field by field."""
    return checks.make(
        features_pb2.Features,
        field,
        encoder_id=features.encoder_id,
        checkpoint_sha256=features.checkpoint_sha256,
        preprocessing_id=features.preprocessing_id,
        shape=features.shape,
        dtype=checks.choice(_DTYPES, features.dtype, f"{field}.dtype"),
        data=features.data,
    )
