"""The core that both clients share: every method as a value, for a sync or an asyncio channel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from scenewright import types
from scenewright._convert import inputs, outputs
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
    image: types.FrameLike | None,
    scene: types.SceneLike | None,
    sampling: types.Sampling | None,
    language: str,
) -> Call[types.Description]:
    request = scene_pb2.DescribeSceneRequest(**_seen(image, scene, sampling, language))
    return Call(scene_pb2_grpc.SceneServiceStub, "DescribeScene", request, outputs.description_from_proto)


def describe_stream(
    image: types.FrameLike | None,
    scene: types.SceneLike | None,
    sampling: types.Sampling | None,
    language: str,
) -> Stream[types.DescribeEvent]:
    request = scene_pb2.StreamDescribeSceneRequest(**_seen(image, scene, sampling, language))
    return Stream(scene_pb2_grpc.SceneServiceStub, "StreamDescribeScene", request, outputs.describe_event_from_proto)


def ask(
    question: str | None,
    audio: types.AudioLike | None,
    image: types.FrameLike | None,
    scene: types.SceneLike | None,
    sampling: types.Sampling | None,
    language: str,
    session_id: str,
) -> Stream[types.AskEvent]:
    if (question is None) == (audio is None):
        raise InvalidInputError("ask takes either a typed question or audio, and exactly one of them")
    request = dialogue_pb2.AskRequest(session_id=session_id, **_seen(image, scene, sampling, language))
    if question is not None:
        request.text = question
    elif audio is not None:
        request.audio.CopyFrom(inputs.audio_to_proto(audio))
    return Stream(dialogue_pb2_grpc.DialogueServiceStub, "Ask", request, outputs.ask_event_from_proto)


def create_session(ttl_s: float | None, language: str) -> Call[str]:
    """The result is the session's id."""
    request = session_pb2.CreateSessionRequest(language=language)
    if ttl_s is not None:
        request.ttl.CopyFrom(Duration(seconds=int(ttl_s), nanos=int(ttl_s % 1 * 1e9)))
    return Call(session_pb2_grpc.SessionServiceStub, "CreateSession", request, lambda response: response.session.id)


def delete_session(session_id: str) -> Call[None]:
    request = session_pb2.DeleteSessionRequest(session_id=session_id)
    return Call(session_pb2_grpc.SessionServiceStub, "DeleteSession", request, lambda response: None)


def transcribe(audio: types.AudioLike, language: str) -> Call[types.Transcript]:
    request = speech_pb2.TranscribeRequest(audio=inputs.audio_to_proto(audio), language=language)
    return Call(speech_pb2_grpc.SpeechServiceStub, "Transcribe", request, outputs.transcript_from_proto)


def embed_image(image: types.FrameLike, include_features: bool) -> Call[types.ImageEmbedding]:
    request = embedding_pb2.EmbedImageRequest(image=inputs.frame_to_proto(image), include_features=include_features)
    return Call(embedding_pb2_grpc.EmbeddingServiceStub, "EmbedImage", request, outputs.image_embedding_from_proto)


def embed_text(texts: Sequence[str]) -> Call[np.ndarray]:
    request = embedding_pb2.EmbedTextRequest(texts=_several(texts, "texts"))
    return Call(embedding_pb2_grpc.EmbeddingServiceStub, "EmbedText", request, outputs.text_embeddings_from_proto)


def rank_labels(image: types.FrameLike, labels: Sequence[str]) -> Call[tuple[types.RankedLabel, ...]]:
    request = embedding_pb2.RankLabelsRequest(image=inputs.frame_to_proto(image), labels=_several(labels, "labels"))
    return Call(embedding_pb2_grpc.EmbeddingServiceStub, "RankLabels", request, outputs.ranked_labels_from_proto)


def get_model() -> Call[types.Model]:
    request = model_pb2.GetModelRequest()
    return Call(model_pb2_grpc.ModelServiceStub, "GetModel", request, outputs.model_from_proto)


def _seen(
    image: types.FrameLike | None,
    scene: types.SceneLike | None,
    sampling: types.Sampling | None,
    language: str,
) -> dict[str, Any]:
    return {
        "image": None if image is None else inputs.frame_to_proto(image),
        "scene": None if scene is None else inputs.scene_to_proto(scene),
        "sampling": inputs.sampling_to_proto(sampling),
        "language": language,
    }


def _several(texts: Sequence[str], field: str) -> list[str]:
    if isinstance(texts, str):
        raise InvalidInputError(f"{field}: expected a list of strings, got one string")
    return list(texts)
