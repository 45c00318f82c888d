"""What comes out of a call: protobuf -> dataclasses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import Any, TypeVar

import numpy as np
from google.protobuf.message import Message

from scenewright import types
from scenewright.errors import ServerError
from scenewright.v1 import (
    annotation_pb2,
    dialogue_pb2,
    embedding_pb2,
    features_pb2,
    generation_pb2,
    model_pb2,
    scene_pb2,
    speech_pb2,
)

_Flat = TypeVar("_Flat", types.Usage, types.Timings, types.Limits)


def description_from_proto(proto: scene_pb2.DescribeSceneResponse) -> types.Description:
    """The whole description."""
    return types.Description(
        text=proto.text,
        annotations=tuple(annotation_from_proto(item) for item in proto.annotations),
        finish_reason=_finish_reason(proto.finish_reason),
        usage=_flat(types.Usage, proto.usage),
        timings=_flat(types.Timings, proto.timings),
        confidence=_confidence(proto),
    )


def response_event_from_proto(proto: generation_pb2.ResponseEvent) -> types.ResponseEvent | None:
    """None for an event that this version does not know."""
    kind = proto.WhichOneof("event")
    if kind == "text_delta":
        return types.TextDelta(proto.text_delta.text)
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
    if kind == "response_event":
        return response_event_from_proto(proto.response_event)
    return None


def question_from_proto(proto: dialogue_pb2.Question) -> types.Question:
    """`confidence` is None for a typed one."""
    return types.Question(proto.text, proto.spoken, _confidence(proto))


def answer_from_events(events: Iterable[types.AskEvent]) -> types.Answer:
    """A whole answer, each thing annotated once, as it was last; ServerError if question or end are missing."""
    question, done, words = None, None, []
    annotations: dict[str, types.Annotation] = {}
    for event in events:
        if isinstance(event, types.Question):
            question = event
        elif isinstance(event, types.TextDelta):
            words.append(event.text)
        elif isinstance(event, types.Annotation):
            annotations[event.id] = event
        else:
            done = event
    if question is None or done is None:
        raise ServerError("the answer's stream ended without a question or without done")
    return types.Answer(
        question,
        "".join(words),
        tuple(annotations.values()),
        done.finish_reason,
        done.usage,
        done.timings,
        done.confidence,
    )


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
        confidence=_confidence(proto),
        spans=tuple(types.TextSpan(span.start, span.length) for span in proto.spans),
    )


def transcript_from_proto(proto: speech_pb2.TranscribeResponse) -> types.Transcript:
    """What was said."""
    timings = _flat(types.Timings, proto.timings)
    return types.Transcript(proto.text, proto.confidence, proto.no_speech, proto.duration_s, timings)


def utterance_from_proto(proto: speech_pb2.StreamingTranscribeResponse) -> types.Utterance | None:
    """None for an event that this version does not know."""
    if not proto.HasField("transcript"):
        return None
    heard = proto.transcript
    return types.Utterance(heard.text, heard.is_final, _confidence(heard), heard.start_ms, heard.end_ms)


def audio_encoding_from_proto(proto: embedding_pb2.EncodeAudioResponse) -> types.AudioEncoding:
    """The features and what they cost."""
    return types.AudioEncoding(features_from_proto(proto.features), _flat(types.Timings, proto.timings))


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


def models_from_proto(proto: model_pb2.ListModelsResponse) -> tuple[types.Model, ...]:
    """The one that is meant by default first."""
    return tuple(_model(model, proto) for model in proto.models)


def model_from_proto(proto: model_pb2.GetModelResponse) -> types.Model:
    """Enum values become lower-case words: "describe", "soft", "image"."""
    return _model(proto.model, proto)


def _model(model: model_pb2.Model, server: model_pb2.GetModelResponse | model_pb2.ListModelsResponse) -> types.Model:
    return types.Model(
        name=model.name,
        version=model.version,
        sha256=model.sha256,
        architecture=model.architecture,
        n_parameters=model.n_parameters,
        capabilities=tuple(enum_name(model_pb2.Capability, value) for value in model.capabilities),
        languages=tuple(model.languages),
        speech_languages=tuple(model.speech_languages),
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
        server_version=server.server_version,
        contract=server.contract,
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
        _confidence(proto),
    )


def _confidence(proto: Any) -> float | None:
    """Of a message with an optional `confidence`."""
    return proto.confidence if proto.HasField("confidence") else None


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
