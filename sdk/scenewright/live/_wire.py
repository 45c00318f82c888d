"""Live events and messages <-> protobuf, as pure functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any, TypeAlias

import numpy as np

from scenewright import types
from scenewright._convert import inputs, outputs
from scenewright.errors import InvalidInputError, from_event
from scenewright.live import events
from scenewright.v1 import dialogue_pb2, graph_pb2

_TURNS = {
    "automatic": dialogue_pb2.TURN_DETECTION_AUTOMATIC,
    "manual": dialogue_pb2.TURN_DETECTION_MANUAL,
}
Head: TypeAlias = tuple[int, int, str]
CHUNK_MS = 100
"""Audio goes out in pieces of at most this length; the contract allows a second."""


# To the wire


def setup_to_proto(
    image: types.FrameLike | None,
    scene: types.SceneLike | None,
    session_id: str,
    hearing: events.Hearing | None,
    sampling: types.Sampling | None,
    language: str,
) -> dialogue_pb2.ConverseRequest:
    """The first message of a new conversation; raises InvalidInputError for what cannot be read."""
    heard: dict[str, Any] = {}
    if hearing is not None:
        heard = asdict(hearing)
        heard["turn_detection"] = inputs.choice(_TURNS, heard.pop("turns"), "turns")
    setup = dialogue_pb2.ConverseSetup(
        session_id=session_id,
        **heard,
        sampling=inputs.sampling_to_proto(sampling),
        language=language,
        image=None if image is None else inputs.frame_to_proto(image),
        scene=None if scene is None else inputs.scene_to_proto(scene),
    )
    return dialogue_pb2.ConverseRequest(setup=setup)


def resume_to_proto(handle: str, last_event_seq: int) -> dialogue_pb2.ConverseRequest:
    """The first message of every further connection."""
    resume = dialogue_pb2.ConverseResume(handle=handle, last_event_seq=last_event_seq)
    return dialogue_pb2.ConverseRequest(setup=dialogue_pb2.ConverseSetup(resume=resume))


def audio_to_chunks(audio: bytes | np.ndarray, rate_hz: int) -> list[bytes]:
    """16-bit little-endian mono samples in pieces of at most CHUNK_MS.

    `audio` is that already, or an array of samples as in `types.AudioLike`. Raises InvalidInputError.
    """
    if not isinstance(audio, (bytes, bytearray, memoryview)):
        audio = inputs.samples_to_proto(np.asarray(audio), rate_hz).data
    if not audio or len(audio) % 2:
        raise InvalidInputError(f"audio: {len(audio)} bytes, expected an even number above 0 for 16-bit samples")
    size = 2 * (rate_hz * CHUNK_MS // 1000)
    return [bytes(audio[at : at + size]) for at in range(0, len(audio), size)]


def scene_update_to_proto(scene: types.SceneLike | events.SceneDelta) -> dialogue_pb2.SceneUpdate:
    """A delta or a whole snapshot."""
    if not isinstance(scene, events.SceneDelta):
        return dialogue_pb2.SceneUpdate(snapshot=inputs.scene_to_proto(scene))
    whole = inputs.scene_to_proto(types.SceneGraph(scene.upserts, handedness=scene.handedness))
    assert isinstance(whole, graph_pb2.SceneGraph)
    delta = dialogue_pb2.SceneDelta(
        base_revision=scene.base_revision,
        revision=scene.revision,
        upserts=whole.objects,
        removed_ids=scene.removed_ids,
        handedness=whole.handedness,
    )
    return dialogue_pb2.SceneUpdate(delta=delta)


# From the wire


def event_from_proto(proto: dialogue_pb2.ConverseResponse) -> events.LiveEvent | None:
    """None for an event that an app has no use for, or that this version does not know."""
    kind = proto.WhichOneof("event") or ""
    make = _EVENTS.get(kind)
    if make is None:
        return None
    return make((proto.event_seq, proto.turn_index, proto.response_id), getattr(proto, kind))


def _transcript(head: Head, body: Any) -> events.Transcript:
    confidence = body.confidence if body.HasField("confidence") else None
    return events.Transcript(*head, body.text, body.is_final, confidence, body.start_ms, body.end_ms)


def _response_started(head: Head, body: Any) -> events.ResponseStarted:
    question = outputs.question_from_proto(body.question)
    return events.ResponseStarted(*head, question, body.frame_id, body.scene_revision)


def _interrupted(head: Head, body: Any) -> events.Interrupted:
    name = outputs.enum_name(dialogue_pb2.InterruptionCause, body.cause)
    known = {cause.value: cause for cause in events.Cause}
    return events.Interrupted(*head, known.get(name, events.Cause.UNKNOWN))


def _response_done(head: Head, body: Any) -> events.ResponseDone:
    done = outputs.done_from_proto(body)
    return events.ResponseDone(*head, done.finish_reason, done.usage, done.timings)


_EVENTS: dict[str, Callable[[Head, Any], events.LiveEvent]] = {
    "speech_started": lambda head, body: events.SpeechStarted(*head, body.audio_ms),
    "speech_stopped": lambda head, body: events.SpeechStopped(*head, body.audio_ms, body.cut),
    "transcript": _transcript,
    "response_started": _response_started,
    "text_delta": lambda head, body: events.TextDelta(*head, body),
    "annotation": lambda head, body: events.Annotated(*head, outputs.annotation_from_proto(body)),
    "interrupted": _interrupted,
    "response_done": _response_done,
    "go_away": lambda head, body: events.GoAway(*head, body.time_left.ToMicroseconds() / 1e6),
    "error": lambda head, body: events.Problem(*head, from_event(body), body.client_seq),
}
