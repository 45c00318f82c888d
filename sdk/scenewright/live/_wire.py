"""Live events and messages <-> protobuf, as pure functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from scenewright import types
from scenewright._convert import checks, inputs, outputs
from scenewright.errors import from_event
from scenewright.live import events
from scenewright.v1 import dialogue_pb2

_TURNS = {
    "automatic": dialogue_pb2.TURN_DETECTION_AUTOMATIC,
    "manual": dialogue_pb2.TURN_DETECTION_MANUAL,
}
_INTERRUPTIONS = {
    None: dialogue_pb2.INTERRUPTION_UNSPECIFIED,
    "none": dialogue_pb2.INTERRUPTION_NONE,
    "text": dialogue_pb2.INTERRUPTION_TEXT,
    "speech": dialogue_pb2.INTERRUPTION_SPEECH,
}
Head: TypeAlias = tuple[int, int, str]


# To the wire


def setup_to_proto(
    model: str,
    session_id: str,
    image: types.FrameLike | None,
    scene: types.SceneLike | None,
    hearing: events.Hearing | None,
    interruption: events.Interruption | None,
    sampling: types.Sampling | None,
    language: str,
    instructions: str | None,
    history: Sequence[types.HistoryTurn],
    handedness: types.Handedness | None,
) -> dialogue_pb2.ConverseRequest:
    """The first message of a new conversation; raises InvalidInputError for what cannot be read."""
    heard: dict[str, Any] = {}
    if hearing is not None:
        checks.instance(hearing, "hearing", events.Hearing)
        heard = {
            "sample_rate_hz": checks.whole(hearing.sample_rate_hz, "hearing.sample_rate_hz", 0, 2**32 - 1),
            "turn_detection": checks.choice(_TURNS, hearing.turns, "hearing.turns"),
            "voice_activity": inputs.voice_activity_to_proto(hearing.voice_activity, "hearing.voice_activity"),
        }
    setup = checks.make(
        dialogue_pb2.ConverseSetup,
        "",
        **heard,
        model=model,
        session_id=session_id,
        interruption=checks.choice(_INTERRUPTIONS, interruption, "interruption"),
        sampling=inputs.sampling_to_proto(sampling),
        language=language,
        instructions=instructions,
        history=inputs.history_to_proto(history),
        handedness=inputs.handedness_to_proto(handedness),
        image=None if image is None else inputs.frame_to_proto(image),
        scene=None if scene is None else inputs.scene_to_proto(scene),
    )
    return dialogue_pb2.ConverseRequest(setup=setup)


def resume_to_proto(handle: str, last_event_seq: int) -> dialogue_pb2.ConverseRequest:
    """The first message of every further connection."""
    resume = dialogue_pb2.ConverseResume(handle=handle, last_event_seq=last_event_seq)
    return dialogue_pb2.ConverseRequest(setup=dialogue_pb2.ConverseSetup(resume=resume))


def scene_update_to_proto(scene: types.SceneLike | events.SceneDelta) -> dialogue_pb2.SceneUpdate:
    """A delta or a whole snapshot."""
    if not isinstance(scene, events.SceneDelta):
        return dialogue_pb2.SceneUpdate(snapshot=inputs.scene_to_proto(scene))
    upserts = checks.items(scene.upserts, "scene.upserts", types.SceneObject)
    delta = checks.make(
        dialogue_pb2.SceneDelta,
        "scene",
        base_revision=scene.base_revision,
        revision=scene.revision,
        upserts=[inputs.object_to_proto(item, f"scene.upserts[{i}]") for i, item in enumerate(upserts)],
        removed_ids=scene.removed_ids,
        handedness=inputs.handedness_to_proto(scene.handedness),
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


def _response_event(head: Head, body: Any) -> events.LiveEvent | None:
    event = outputs.response_event_from_proto(body)
    if isinstance(event, types.TextDelta):
        return events.TextDelta(*head, event.text)
    if isinstance(event, types.Annotation):
        return events.Annotated(*head, event)
    if isinstance(event, types.Done):
        return events.ResponseDone(*head, event.finish_reason, event.usage, event.timings, event.confidence)
    return None


_EVENTS: dict[str, Callable[[Head, Any], events.LiveEvent | None]] = {
    "speech_started": lambda head, body: events.SpeechStarted(*head, body.audio_ms),
    "speech_stopped": lambda head, body: events.SpeechStopped(*head, body.audio_ms, body.cut),
    "transcript": _transcript,
    "response_started": _response_started,
    "response_event": _response_event,
    "interrupted": _interrupted,
    "go_away": lambda head, body: events.GoAway(*head, body.time_left.ToMicroseconds() / 1e6),
    "error": lambda head, body: events.Problem(*head, from_event(body), body.client_seq),
}
