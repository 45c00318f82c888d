"""What goes into a call: dataclasses, files and arrays -> protobuf."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf import json_format
from PIL import Image

from scenewright import types
from scenewright.errors import InvalidInputError
from scenewright.v1 import (
    audio_pb2,
    features_pb2,
    generation_pb2,
    geometry_pb2,
    graph_pb2,
    image_pb2,
)

_MAX_RATE_HZ = 48_000
_MIN_RATE_HZ = 8_000
_DTYPES = {
    "float32": features_pb2.FEATURE_DATA_TYPE_FLOAT32,
    "float16": features_pb2.FEATURE_DATA_TYPE_FLOAT16,
    "bfloat16": features_pb2.FEATURE_DATA_TYPE_BFLOAT16,
}
_ROTATIONS = {
    0: image_pb2.ROTATION_0,
    90: image_pb2.ROTATION_90,
    180: image_pb2.ROTATION_180,
    270: image_pb2.ROTATION_270,
}
_HANDEDNESS = {
    "left": geometry_pb2.HANDEDNESS_LEFT_HANDED,
    "right": geometry_pb2.HANDEDNESS_RIGHT_HANDED,
}


def frame_to_proto(frame: types.FrameLike) -> image_pb2.ImageInput:
    """Raises InvalidInputError if the image cannot be read or has a wrong type or shape."""
    if not isinstance(frame, types.Frame):
        frame = types.Frame(frame)
    proto = image_pb2.ImageInput(
        frame_id=frame.frame_id,
        rotation=choice(_ROTATIONS, frame.rotation, "rotation"),
        mirrored=frame.mirrored,
        handedness=choice(_HANDEDNESS, frame.handedness, "handedness"),
    )
    image = frame.image
    if isinstance(image, types.Features):
        proto.features.CopyFrom(features_to_proto(image))
    elif isinstance(image, Image.Image):
        proto.raw.CopyFrom(_pixels(np.asarray(image.convert("RGB"))))
    elif isinstance(image, np.ndarray):
        proto.raw.CopyFrom(_pixels(image))
    else:
        proto.encoded = _file_bytes(image, "image")
    if frame.capture_time is not None:
        proto.capture_time.FromDatetime(frame.capture_time)
    if frame.intrinsics is not None:
        proto.intrinsics.CopyFrom(_intrinsics(frame.intrinsics))
    if frame.camera_pose is not None:
        proto.camera_pose.CopyFrom(_pose(frame.camera_pose))
    return proto


def audio_to_proto(audio: types.AudioLike) -> audio_pb2.AudioInput:
    """Raises InvalidInputError if the recording cannot be read or has a wrong type, shape or rate."""
    if isinstance(audio, types.Features):
        return audio_pb2.AudioInput(features=features_to_proto(audio))
    if isinstance(audio, tuple):
        samples, rate_hz = audio
        return audio_pb2.AudioInput(pcm=samples_to_proto(np.asarray(samples), int(rate_hz)))
    return audio_pb2.AudioInput(encoded=_file_bytes(audio, "audio"))


def scene_to_proto(scene: types.SceneLike) -> graph_pb2.SceneGraph:
    """Raises InvalidInputError if the JSON is not a scene graph."""
    if isinstance(scene, types.SceneGraph):
        return _scene_graph(scene)
    name = "the scene graph"
    if not isinstance(scene, Mapping):
        name = str(scene)
        try:
            scene = json.loads(Path(scene).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidInputError(f"scene: cannot read {name!r}: {_why(error)}") from error
        except json.JSONDecodeError as error:
            raise InvalidInputError(f"scene: {name!r} is not JSON: {error}") from error
    if not isinstance(scene, dict):
        raise InvalidInputError(f"scene: {name} holds a {type(scene).__name__}, not a JSON object")
    try:
        return json_format.ParseDict(scene, graph_pb2.SceneGraph())
    except json_format.ParseError as error:
        raise InvalidInputError(f"scene: {name} is not a SceneGraph: {error}") from error


def scene_to_dict(scene: types.SceneLike) -> dict[str, Any]:
    """The scene graph in protobuf's JSON mapping, as files hold it."""
    return json_format.MessageToDict(scene_to_proto(scene))


def sampling_to_proto(sampling: types.Sampling | None) -> generation_pb2.SamplingConfig | None:
    """None stays None: the server's defaults."""
    if sampling is None:
        return None
    return generation_pb2.SamplingConfig(
        **{f.name: value for f in fields(sampling) if (value := getattr(sampling, f.name)) is not None}
    )


def features_to_proto(features: types.Features) -> features_pb2.Features:
    """The same, field by field."""
    return features_pb2.Features(
        encoder_id=features.encoder_id,
        checkpoint_sha256=features.checkpoint_sha256,
        preprocessing_id=features.preprocessing_id,
        shape=features.shape,
        dtype=choice(_DTYPES, features.dtype, "dtype"),
        data=features.data,
    )


def _scene_graph(scene: types.SceneGraph) -> graph_pb2.SceneGraph:
    proto = graph_pb2.SceneGraph(
        revision=scene.revision,
        objects=[_scene_object(item) for item in scene.objects],
        handedness=choice(_HANDEDNESS, scene.handedness, "handedness"),
    )
    if scene.viewpoint is not None:
        proto.viewpoint.pose.CopyFrom(_pose(scene.viewpoint.pose))
        if scene.viewpoint.intrinsics is not None:
            proto.viewpoint.intrinsics.CopyFrom(_intrinsics(scene.viewpoint.intrinsics))
    return proto


def _scene_object(item: types.SceneObject) -> graph_pb2.SceneObject:
    return graph_pb2.SceneObject(
        id=item.id,
        anchor_id=item.anchor_id,
        label=item.label,
        aliases=item.aliases,
        description=item.description,
        pose=_pose(item.pose),
        extents=None if item.extents is None else _vector(item.extents),
    )


def _vector(vector: types.Vector) -> geometry_pb2.Vector3:
    x, y, z = vector
    return geometry_pb2.Vector3(x=x, y=y, z=z)


def _pose(pose: types.Pose) -> geometry_pb2.Pose:
    x, y, z, w = pose.rotation
    return geometry_pb2.Pose(position=_vector(pose.position), rotation=geometry_pb2.Quaternion(x=x, y=y, z=z, w=w))


def _intrinsics(camera: types.Intrinsics) -> geometry_pb2.CameraIntrinsics:
    return geometry_pb2.CameraIntrinsics(
        fx=camera.fx, fy=camera.fy, cx=camera.cx, cy=camera.cy, width=camera.width, height=camera.height
    )


def _pixels(pixels: np.ndarray) -> image_pb2.RawImage:
    formats = {3: image_pb2.PIXEL_FORMAT_RGB24, 4: image_pb2.PIXEL_FORMAT_RGBA32}
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] not in formats:
        raise InvalidInputError(
            f"image: expected a uint8 array (height, width, 3 or 4), got {pixels.dtype} {pixels.shape}"
        )
    height, width, n_channels = pixels.shape
    plane = image_pb2.ImagePlane(
        data=np.ascontiguousarray(pixels).tobytes(), row_stride=width * n_channels, pixel_stride=n_channels
    )
    return image_pb2.RawImage(format=formats[n_channels], width=width, height=height, planes=[plane])


def samples_to_proto(samples: np.ndarray, rate_hz: int) -> audio_pb2.PcmAudio:
    """(n,) or (n, channels), int16 or floats in [-1, 1], as 16-bit mono; raises InvalidInputError for others."""
    if samples.ndim not in (1, 2) or not samples.size:
        raise InvalidInputError(f"audio: expected samples (n,) or (n, channels), got shape {samples.shape}")
    if not _MIN_RATE_HZ <= rate_hz <= _MAX_RATE_HZ:
        raise InvalidInputError(f"audio: rate {rate_hz} Hz is not within {_MIN_RATE_HZ} to {_MAX_RATE_HZ}")
    if samples.dtype == np.int16:
        samples = samples.astype(np.float32) / 32768.0
    elif not np.issubdtype(samples.dtype, np.floating):
        raise InvalidInputError(f"audio: expected int16 or float samples, got {samples.dtype}")
    if not np.isfinite(samples).all():
        raise InvalidInputError("audio: some samples are not finite")
    mono = samples if samples.ndim == 1 else samples.mean(axis=1)
    pcm = np.clip(np.rint(mono * 32768.0), -32768, 32767).astype("<i2")
    return audio_pb2.PcmAudio(data=pcm.tobytes(), sample_rate_hz=rate_hz)


def _file_bytes(source: str | os.PathLike[str] | bytes, field: str) -> bytes:
    if isinstance(source, (bytes, bytearray, memoryview)):
        return bytes(source)
    if not isinstance(source, (str, os.PathLike)):
        raise InvalidInputError(f"{field}: cannot take a {type(source).__name__}")
    try:
        return Path(source).read_bytes()
    except OSError as error:
        raise InvalidInputError(f"{field}: cannot read {str(source)!r}: {_why(error)}") from error


def _why(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def choice(table: Mapping[Any, Any], value: Any, field: str) -> Any:
    """The table's entry; raises InvalidInputError, which lists the choices, where there is none."""
    if value not in table:
        raise InvalidInputError(f"{field}: expected one of {', '.join(map(str, table))}, got {value!r}")
    return table[value]
