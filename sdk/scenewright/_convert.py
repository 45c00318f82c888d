"""Dataclass <-> protobuf, as pure functions: the one place of the SDK where the wire's types are known."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from google.protobuf import json_format
from google.protobuf.message import Message
from PIL import Image

from scenewright import types
from scenewright.errors import InvalidInputError
from scenewright.v1 import (
    annotation_pb2,
    audio_pb2,
    dialogue_pb2,
    embedding_pb2,
    features_pb2,
    generation_pb2,
    geometry_pb2,
    graph_pb2,
    image_pb2,
    model_pb2,
    scene_pb2,
    speech_pb2,
)

_Flat = TypeVar("_Flat", types.Usage, types.Timings, types.Limits)
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


# To the wire


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


# From the wire


def description_from_proto(proto: scene_pb2.DescribeSceneResponse) -> types.Description:
    """The whole description."""
    return types.Description(
        text=proto.text,
        annotations=tuple(annotation_from_proto(item) for item in proto.annotations),
        finish_reason=_finish_reason(proto.finish_reason),
        usage=_flat(types.Usage, proto.usage),
        timings=_flat(types.Timings, proto.timings),
    )


def describe_event_from_proto(proto: scene_pb2.StreamDescribeSceneResponse) -> types.DescribeEvent | None:
    """None for an event that this version does not know."""
    kind = proto.WhichOneof("event")
    if kind == "text_delta":
        return types.TextDelta(proto.text_delta)
    if kind == "annotation":
        return annotation_from_proto(proto.annotation)
    if kind == "done":
        return done_from_proto(proto.done)
    return None


def ask_event_from_proto(proto: dialogue_pb2.AskResponse) -> types.AskEvent | None:
    """None for an event that this version does not know."""
    kind = proto.WhichOneof("event")
    if kind == "question":
        return question_from_proto(proto.question)
    if kind == "text_delta":
        return types.TextDelta(proto.text_delta)
    if kind == "annotation":
        return annotation_from_proto(proto.annotation)
    if kind == "done":
        return done_from_proto(proto.done)
    return None


def question_from_proto(proto: dialogue_pb2.Question) -> types.Question:
    """`confidence` is None for a typed one."""
    confidence = proto.confidence if proto.HasField("confidence") else None
    return types.Question(proto.text, proto.spoken, confidence)


def answer_from_events(events: Iterable[types.AskEvent]) -> types.Answer:
    """A whole answer, each thing annotated once; ValueError if the stream lacks its question or its end."""
    question, done, words = None, None, []
    annotations: dict[str, types.Annotation] = {}
    for event in events:
        if isinstance(event, types.Question):
            question = event
        elif isinstance(event, types.TextDelta):
            words.append(event.text)
        elif isinstance(event, types.Annotation):
            annotations.setdefault(event.id, event)
        else:
            done = event
    if question is None or done is None:
        raise ValueError("the answer's stream ended without a question or without done")
    text = "".join(words)
    return types.Answer(question, text, tuple(annotations.values()), done.finish_reason, done.usage, done.timings)


def annotation_from_proto(proto: annotation_pb2.Annotation) -> types.Annotation:
    """A box wins over nothing: `target` is None for an object out of view."""
    target: types.Box | types.Point | None = None
    kind = proto.WhichOneof("target")
    if kind == "box":
        target = types.Box(proto.box.x, proto.box.y, proto.box.width, proto.box.height)
    elif kind == "point":
        target = types.Point(proto.point.x, proto.point.y)
    return types.Annotation(
        id=proto.id,
        label=proto.label,
        target=target,
        object_id=proto.object_id,
        anchor_id=proto.anchor_id,
        frame_id=proto.frame_id,
        confidence=proto.confidence if proto.HasField("confidence") else None,
    )


def transcript_from_proto(proto: speech_pb2.TranscribeResponse) -> types.Transcript:
    """What was said."""
    timings = _flat(types.Timings, proto.timings)
    return types.Transcript(proto.text, proto.confidence, proto.no_speech, proto.duration_s, timings)


def features_from_proto(proto: features_pb2.Features) -> types.Features:
    """The same, field by field."""
    return types.Features(
        encoder_id=proto.encoder_id,
        checkpoint_sha256=proto.checkpoint_sha256,
        preprocessing_id=proto.preprocessing_id,
        shape=tuple(proto.shape),
        dtype=enum_name(features_pb2.FeatureDataType, proto.dtype),
        data=proto.data,
    )


def image_embedding_from_proto(proto: embedding_pb2.EmbedImageResponse) -> types.ImageEmbedding:
    """The embedding, with features if the server sent them."""
    return types.ImageEmbedding(
        values=np.array(proto.embedding.values, np.float32),
        features=features_from_proto(proto.features) if proto.HasField("features") else None,
        timings=_flat(types.Timings, proto.timings),
    )


def text_embeddings_from_proto(proto: embedding_pb2.EmbedTextResponse) -> np.ndarray:
    """(n texts, E) float32."""
    return np.array([item.values for item in proto.embeddings], np.float32)


def ranked_labels_from_proto(proto: embedding_pb2.RankLabelsResponse) -> tuple[types.RankedLabel, ...]:
    """The best first."""
    return tuple(types.RankedLabel(item.label, item.similarity, item.probability) for item in proto.labels)


def model_from_proto(proto: model_pb2.GetModelResponse) -> types.Model:
    """Enum values become lower-case words: "describe", "soft", "image"."""
    model = proto.model
    return types.Model(
        name=model.name,
        version=model.version,
        sha256=model.sha256,
        architecture=model.architecture,
        n_parameters=model.n_parameters,
        capabilities=tuple(enum_name(model_pb2.Capability, value) for value in model.capabilities),
        languages=tuple(model.languages),
        fusion={
            "image": enum_name(model_pb2.FusionKind, model.image_fusion),
            "audio": enum_name(model_pb2.FusionKind, model.audio_fusion),
            "scene": enum_name(model_pb2.FusionKind, model.scene_fusion),
        },
        embedding_dimension=model.embedding_dimension,
        encoders=tuple(_encoder(item) for item in model.encoders),
        limits=_flat(types.Limits, model.limits),
        knows=model.knows,
        does_not_know=model.does_not_know,
        license=model.license,
        device=model.device,
    )


def _encoder(proto: model_pb2.Encoder) -> types.Encoder:
    return types.Encoder(
        id=proto.id,
        modality=enum_name(model_pb2.Modality, proto.modality),
        checkpoint_sha256=proto.checkpoint_sha256,
        preprocessing_id=proto.preprocessing_id,
        preprocessing=proto.preprocessing,
        feature_shape=tuple(proto.feature_shape),
        dtypes=tuple(enum_name(features_pb2.FeatureDataType, value) for value in proto.dtypes),
    )


def done_from_proto(proto: generation_pb2.ResponseDone) -> types.Done:
    """The end of a response."""
    return types.Done(
        _finish_reason(proto.finish_reason),
        _flat(types.Usage, proto.usage),
        _flat(types.Timings, proto.timings),
    )


def _finish_reason(value: int) -> types.FinishReason:
    name = enum_name(generation_pb2.FinishReason, value)
    known = {reason.value: reason for reason in types.FinishReason}
    return known.get(name, types.FinishReason.UNKNOWN)


def _flat(kind: type[_Flat], proto: Message) -> _Flat:
    """A message of numbers as the dataclass with the same field names."""
    return kind(**{f.name: getattr(proto, f.name) for f in fields(kind)})


def enum_name(enum: Any, value: int) -> Any:
    """CAPABILITY_EMBED_IMAGE -> "embed_image"; a value that this version does not know stays a number."""
    if value not in enum.values():
        return str(value)
    prefix = enum.Name(0).removesuffix("UNSPECIFIED")
    name = enum.Name(value).removeprefix(prefix)
    return "none" if name == "UNSPECIFIED" else name.lower()
