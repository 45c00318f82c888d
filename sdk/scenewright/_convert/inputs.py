"""What goes into a call: dataclasses, files and arrays -> protobuf."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
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
    session_pb2,
)

CHUNK_MS = 100
"""Streamed audio goes out in pieces of at most this length; the contract allows a second."""
_MAX_RATE_HZ = 48_000
_MIN_RATE_HZ = 8_000
_DTYPES = {
    "float32": features_pb2.FEATURE_DATA_TYPE_FLOAT32,
    "float16": features_pb2.FEATURE_DATA_TYPE_FLOAT16,
    "bfloat16": features_pb2.FEATURE_DATA_TYPE_BFLOAT16,
}
_ROTATIONS = {
    0: image_pb2.ROTATION_NONE,
    90: image_pb2.ROTATION_CLOCKWISE_90,
    180: image_pb2.ROTATION_CLOCKWISE_180,
    270: image_pb2.ROTATION_CLOCKWISE_270,
}
_HANDEDNESS = {
    None: geometry_pb2.HANDEDNESS_UNSPECIFIED,
    "left": geometry_pb2.HANDEDNESS_LEFT_HANDED,
    "right": geometry_pb2.HANDEDNESS_RIGHT_HANDED,
}
_POINTER_SOURCES = {
    None: geometry_pb2.POINTER_SOURCE_UNSPECIFIED,
    "gaze": geometry_pb2.POINTER_SOURCE_GAZE,
    "hand": geometry_pb2.POINTER_SOURCE_HAND,
    "controller": geometry_pb2.POINTER_SOURCE_CONTROLLER,
    "screen": geometry_pb2.POINTER_SOURCE_SCREEN,
}


def frame_to_proto(frame: types.FrameLike) -> image_pb2.ImageInput:
    """Raises InvalidInputError if the image cannot be read or has a wrong type or shape."""
    if not isinstance(frame, types.Frame):
        frame = types.Frame(frame)
    proto = image_pb2.ImageInput(
        frame_id=frame.frame_id,
        rotation=choice(_ROTATIONS, frame.rotation, "rotation"),
        mirrored=frame.mirrored,
        handedness=handedness_to_proto(frame.handedness),
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


def viewpoint_to_proto(viewpoint: types.Viewpoint) -> geometry_pb2.Viewpoint:
    """The same, field by field."""
    return geometry_pb2.Viewpoint(
        pose=_pose(viewpoint.pose),
        intrinsics=None if viewpoint.intrinsics is None else _intrinsics(viewpoint.intrinsics),
        handedness=handedness_to_proto(viewpoint.handedness),
    )


def pointer_to_proto(pointer: types.Pointer) -> geometry_pb2.Pointer:
    """The same, field by field; the server refuses a direction without a length."""
    return geometry_pb2.Pointer(
        origin=_vector(pointer.origin),
        direction=_vector(pointer.direction),
        handedness=handedness_to_proto(pointer.handedness),
        source=choice(_POINTER_SOURCES, pointer.source, "source"),
    )


def handedness_to_proto(handedness: types.Handedness | None) -> geometry_pb2.Handedness.ValueType:
    """Raises InvalidInputError for another word."""
    return choice(_HANDEDNESS, handedness, "handedness")


def history_to_proto(history: Iterable[types.HistoryTurn]) -> list[session_pb2.HistoryTurn]:
    """Oldest first."""
    return [session_pb2.HistoryTurn(question=turn.question, answer=turn.answer) for turn in history]


def voice_activity_to_proto(activity: types.VoiceActivity | None) -> audio_pb2.VoiceActivity | None:
    """None stays None: the server's defaults."""
    return None if activity is None else audio_pb2.VoiceActivity(**_set_fields(activity))


def sampling_to_proto(sampling: types.Sampling | None) -> generation_pb2.SamplingConfig | None:
    """None stays None: the server's defaults."""
    if sampling is None:
        return None
    return generation_pb2.SamplingConfig(**_set_fields(sampling))


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
        objects=[object_to_proto(item) for item in scene.objects],
        handedness=handedness_to_proto(scene.handedness),
    )
    if scene.viewpoint is not None:
        proto.viewpoint.CopyFrom(viewpoint_to_proto(scene.viewpoint))
    return proto


def object_to_proto(item: types.SceneObject) -> graph_pb2.SceneObject:
    """The same, field by field."""
    return graph_pb2.SceneObject(
        id=item.id,
        anchor_id=item.anchor_id,
        label=item.label,
        aliases=item.aliases,
        description=item.description,
        pose=_pose(item.pose),
        extents=None if item.extents is None else _vector(item.extents),
        facts=[_fact(fact) for fact in item.facts],
    )


def _fact(fact: types.Fact) -> graph_pb2.Fact:
    if isinstance(fact.value, str):
        return graph_pb2.Fact(key=fact.key, text=fact.value, unit=fact.unit)
    return graph_pb2.Fact(key=fact.key, number=fact.value, unit=fact.unit)


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


def audio_to_chunks(audio: bytes | np.ndarray, rate_hz: int) -> list[audio_pb2.AudioChunk]:
    """16-bit little-endian mono samples in pieces of at most CHUNK_MS.

    `audio` is that already, or an array of samples as in `types.AudioLike`. Raises InvalidInputError.
    """
    if not isinstance(audio, (bytes, bytearray, memoryview)):
        audio = samples_to_proto(np.asarray(audio), rate_hz).data
    if not audio or len(audio) % 2:
        raise InvalidInputError(f"audio: {len(audio)} bytes, expected an even number above 0 for 16-bit samples")
    size = 2 * (rate_hz * CHUNK_MS // 1000)
    return [audio_pb2.AudioChunk(data=bytes(audio[at : at + size])) for at in range(0, len(audio), size)]


def _file_bytes(source: str | os.PathLike[str] | bytes, field: str) -> bytes:
    if isinstance(source, (bytes, bytearray, memoryview)):
        return bytes(source)
    if not isinstance(source, (str, os.PathLike)):
        raise InvalidInputError(f"{field}: cannot take a {type(source).__name__}")
    try:
        return Path(source).read_bytes()
    except OSError as error:
        raise InvalidInputError(f"{field}: cannot read {str(source)!r}: {_why(error)}") from error


def _set_fields(settings: types.Sampling | types.VoiceActivity) -> dict[str, Any]:
    return {f.name: value for f in fields(settings) if (value := getattr(settings, f.name)) is not None}


def _why(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def choice(table: Mapping[Any, Any], value: Any, field: str) -> Any:
    """The table's entry; raises InvalidInputError, which lists the choices, where there is none."""
    if value not in table:
        raise InvalidInputError(f"{field}: expected one of {', '.join(map(str, table))}, got {value!r}")
    return table[value]
