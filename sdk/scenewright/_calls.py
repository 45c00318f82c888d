"""The core that both clients share: every method as a value, for a sync or an asyncio channel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from scenewright import types
from scenewright._convert import checks, inputs, outputs
from scenewright.errors import InvalidInputError
from scenewright.v1 import (
    dialogue_pb2,
    dialogue_pb2_grpc,
    embedding_pb2,
    embedding_pb2_grpc,
    model_pb2,
    model_pb2_grpc,
    scene_pb2,
    scene_pb2_grpc,
    session_pb2,
    session_pb2_grpc,
    speech_pb2,
    speech_pb2_grpc,
)

T = TypeVar("T")

MAX_DURATION_S = 315_576_000_000.0
"""Of a protobuf Duration. Source: google/protobuf/duration.proto."""


@dataclass(frozen=True)
class Call(Generic[T]):
    """One method with its request; `convert` makes the result of the response."""

    stub: Callable[[Any], Any]
    method: str
    request: Message
    convert: Callable[[Any], T]


@dataclass(frozen=True)
class Stream(Generic[T]):
    """One streaming method; `convert` makes an event of each response, None of one that is not known."""

    stub: Callable[[Any], Any]
    method: str
    request: Message
    convert: Callable[[Any], T | None]


def describe(
    model: str,
    image: types.FrameLike | None,
    scene: types.SceneLike | None,
    sampling: types.Sampling | None,
    language: str,
) -> Call[types.Description]:
    request = checks.make(scene_pb2.DescribeSceneRequest, "", **_seen(model, image, scene, sampling, language))
    return Call(scene_pb2_grpc.SceneServiceStub, "DescribeScene", request, outputs.description_from_proto)


def describe_stream(
    model: str,
    image: types.FrameLike | None,
    scene: types.SceneLike | None,
    sampling: types.Sampling | None,
    language: str,
) -> Stream[types.ResponseEvent]:
    request = checks.make(scene_pb2.StreamDescribeSceneRequest, "", **_seen(model, image, scene, sampling, language))
    return Stream(
        scene_pb2_grpc.SceneServiceStub,
        "StreamDescribeScene",
        request,
        lambda response: outputs.response_event_from_proto(response.response_event),
    )


def ask(
    model: str,
    session_id: str,
    question: str | None,
    audio: types.AudioLike | None,
    frame: types.FrameLike | None,
    scene: types.SceneLike | None,
    pointer: types.Pointer | None,
    sampling: types.Sampling | None,
    language: str,
    instructions: str | None,
) -> Stream[types.AskEvent]:
    if (question is None) == (audio is None):
        raise InvalidInputError("ask takes either a typed question or audio, and exactly one of them")
    request = checks.make(
        dialogue_pb2.AskRequest,
        "",
        **_seen(model, frame, scene, sampling, language, "frame"),
        session_id=session_id,
        text=None if question is None else checks.text(question, "question"),
        audio=None if audio is None else inputs.audio_to_proto(audio),
        pointer=None if pointer is None else inputs.pointer_to_proto(pointer),
        instructions=instructions,
    )
    return Stream(dialogue_pb2_grpc.DialogueServiceStub, "Ask", request, outputs.ask_event_from_proto)


def create_session(
    model: str,
    ttl_s: float | None,
    language: str,
    instructions: str,
    history: Sequence[types.HistoryTurn],
    handedness: types.Handedness | None,
) -> Call[str]:
    """The result is the session's id."""
    request = checks.make(
        session_pb2.CreateSessionRequest,
        "",
        model=model,
        language=language,
        instructions=instructions,
        history=inputs.history_to_proto(history),
        handedness=inputs.handedness_to_proto(handedness),
        ttl=None if ttl_s is None else _duration(ttl_s, "ttl_s"),
    )
    return Call(session_pb2_grpc.SessionServiceStub, "CreateSession", request, lambda response: response.session.id)


def delete_session(session_id: str) -> Call[None]:
    request = session_pb2.DeleteSessionRequest(session_id=session_id)
    return Call(session_pb2_grpc.SessionServiceStub, "DeleteSession", request, lambda response: None)


def transcribe(model: str, audio: types.AudioLike, language: str) -> Call[types.Transcript]:
    request = checks.make(
        speech_pb2.TranscribeRequest, "", model=model, audio=inputs.audio_to_proto(audio), language=language
    )
    return Call(speech_pb2_grpc.SpeechServiceStub, "Transcribe", request, outputs.transcript_from_proto)


def transcribe_stream(
    model: str, rate_hz: int, language: str, voice_activity: types.VoiceActivity | None
) -> Stream[types.Utterance]:
    """Its request is the setup; `audio_requests` makes those that follow."""
    setup = checks.make(
        speech_pb2.StreamingTranscribeSetup,
        "",
        model=model,
        sample_rate_hz=inputs.rate_to_proto(rate_hz),
        language=language,
        voice_activity=inputs.voice_activity_to_proto(voice_activity),
    )
    request = speech_pb2.StreamingTranscribeRequest(setup=setup)
    return Stream(speech_pb2_grpc.SpeechServiceStub, "StreamingTranscribe", request, outputs.utterance_from_proto)


def audio_requests(audio: bytes | np.ndarray, rate_hz: int) -> list[speech_pb2.StreamingTranscribeRequest]:
    """More samples of a transcribed stream."""
    return [speech_pb2.StreamingTranscribeRequest(audio=chunk) for chunk in inputs.audio_to_chunks(audio, rate_hz)]


def encode_audio(model: str, audio: types.AudioLike) -> Call[types.AudioEncoding]:
    request = checks.make(
        embedding_pb2.EncodeAudioRequest, "", model=model, audio=inputs.audio_to_proto(audio)
    )
    return Call(embedding_pb2_grpc.EmbeddingServiceStub, "EncodeAudio", request, outputs.audio_encoding_from_proto)


def embed_image(model: str, image: types.FrameLike, include_features: bool) -> Call[types.ImageEmbedding]:
    request = checks.make(
        embedding_pb2.EmbedImageRequest,
        "",
        model=model,
        image=inputs.frame_to_proto(image),
        include_features=include_features,
    )
    return Call(embedding_pb2_grpc.EmbeddingServiceStub, "EmbedImage", request, outputs.image_embedding_from_proto)


def embed_text(model: str, texts: types.Texts) -> Call[np.ndarray]:
    request = checks.make(
        embedding_pb2.EmbedTextRequest, "", model=model, texts=inputs.texts_to_proto(texts, "texts")
    )
    return Call(embedding_pb2_grpc.EmbeddingServiceStub, "EmbedText", request, outputs.text_embeddings_from_proto)


def rank_labels(model: str, image: types.FrameLike, labels: types.Texts) -> Call[tuple[types.RankedLabel, ...]]:
    request = checks.make(
        embedding_pb2.RankLabelsRequest,
        "",
        model=model,
        image=inputs.frame_to_proto(image),
        labels=inputs.texts_to_proto(labels, "labels"),
    )
    return Call(embedding_pb2_grpc.EmbeddingServiceStub, "RankLabels", request, outputs.ranked_labels_from_proto)


def get_model(model: str) -> Call[types.Model]:
    request = checks.make(model_pb2.GetModelRequest, "", model=model)
    return Call(model_pb2_grpc.ModelServiceStub, "GetModel", request, outputs.model_from_proto)


def list_models() -> Call[tuple[types.Model, ...]]:
    request = model_pb2.ListModelsRequest()
    return Call(model_pb2_grpc.ModelServiceStub, "ListModels", request, outputs.models_from_proto)


def _seen(
    model: str,
    image: types.FrameLike | None,
    scene: types.SceneLike | None,
    sampling: types.Sampling | None,
    language: str,
    field: str = "image",
) -> dict[str, Any]:
    return {
        "model": model,
        "image": None if image is None else inputs.frame_to_proto(image, field),
        "scene": None if scene is None else inputs.scene_to_proto(scene),
        "sampling": inputs.sampling_to_proto(sampling),
        "language": language,
    }


def _duration(seconds: float, field: str) -> Duration:
    value = checks.number(seconds, field)
    if not 0 <= value <= MAX_DURATION_S:
        raise checks.wrong(field, f"seconds from 0 to {MAX_DURATION_S:g}", seconds)
    return Duration(seconds=int(value), nanos=int(value % 1 * 1e9))
