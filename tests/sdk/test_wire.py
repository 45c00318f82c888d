"""What a live conversation sends and takes, against a real gRPC server that keeps what it is told."""

from __future__ import annotations

from contextlib import asynccontextmanager

import grpc
import pytest
from scenewright import aio, errors, live, types
from scenewright.live import _wire
from scenewright.v1 import dialogue_pb2, dialogue_pb2_grpc, generation_pb2, geometry_pb2

HISTORY = [types.HistoryTurn("who are you", "the innkeeper")]
ACTIVITY = types.VoiceActivity(end_silence_ms=400)
MUG = types.SceneObject("m", "mug", types.Pose((0.0, 0.0, 1.0)), facts=(types.Fact("price", 24, "EUR"),))


class Keeper(dialogue_pb2_grpc.DialogueServiceServicer):
    """Answers the setup, and ends when the client does."""

    def __init__(self) -> None:
        self.token = ""
        self.requests: list[dialogue_pb2.ConverseRequest] = []

    async def Converse(self, requests, context):
        self.token = dict(context.invocation_metadata()).get("authorization", "")
        async for request in requests:
            self.requests.append(request)
            if request.HasField("setup"):
                complete = dialogue_pb2.SetupComplete(
                    session_id="s", resume_handle="h", model="guide", server_version="0.3.0", contract=1
                )
                yield dialogue_pb2.ConverseResponse(setup_complete=complete)
            if request.HasField("playback_report"):
                error = {"code": 3, "reason": "FIELD_INVALID", "metadata": {"field": "presented_chars"}}
                yield dialogue_pb2.ConverseResponse(event_seq=1, error=error)


@asynccontextmanager
async def keeper():
    server, kept = grpc.aio.server(), Keeper()
    dialogue_pb2_grpc.add_DialogueServiceServicer_to_server(kept, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield kept, f"127.0.0.1:{port}"
    finally:
        await server.stop(None)


async def test_a_conversation_says_all_that_it_is_told():
    async with keeper() as (kept, address):
        async with aio.Client(address, model="guide", token="secret") as client:
            talk = client.converse(
                hearing=live.Hearing(8000, voice_activity=ACTIVITY),
                interruption="text",
                instructions="Be brief.",
                history=HISTORY,
                handedness="right",
            )
            async with talk:
                await talk.send_viewpoint(types.Viewpoint(types.Pose((1.0, 1.6, 0.0))))
                await talk.send_pointer(types.Pointer((0.0, 1.5, 0.0), (0.0, 0.0, 1.0), source="gaze"))
                await talk.send_pointer(None)
                await talk.send_instructions("Be long.")
                await talk.send_scene(live.SceneDelta(1, 2, [MUG]))
                await talk.report_playback("r1", "杯子 🍵")
                talk.finish()
                heard = [event async for event in talk]
    first, viewpoint, pointer, pointer_end, update, scene, report = kept.requests
    assert kept.token == "Bearer secret"
    setup = first.setup
    assert (setup.model, setup.instructions, setup.sample_rate_hz) == ("guide", "Be brief.", 8000)
    assert (setup.interruption, setup.voice_activity.end_silence_ms) == (dialogue_pb2.INTERRUPTION_TEXT, 400)
    assert not setup.voice_activity.HasField("start_threshold")
    assert [(turn.question, turn.answer) for turn in setup.history] == [("who are you", "the innkeeper")]
    assert setup.handedness == geometry_pb2.HANDEDNESS_RIGHT_HANDED
    assert viewpoint.viewpoint.pose.position.x == 1.0
    assert (pointer.pointer.direction.z, pointer.pointer.source) == (1.0, geometry_pb2.POINTER_SOURCE_GAZE)
    assert pointer.pointer.handedness == geometry_pb2.HANDEDNESS_UNSPECIFIED
    assert pointer_end.HasField("pointer_end")
    assert update.session_update.instructions == "Be long."
    assert scene.scene_update.delta.upserts[0].facts[0].number == 24
    assert report.playback_report.presented_chars == 4
    complete, problem = heard
    assert (complete.model, complete.server_version, complete.contract) == ("guide", "0.3.0", 1)
    assert problem.error.metadata == {"field": "presented_chars"}


def response(**event) -> dialogue_pb2.ConverseResponse:
    kind = {"response_event": generation_pb2.ResponseEvent(**event)}
    return dialogue_pb2.ConverseResponse(event_seq=7, turn_index=2, response_id="r1", **kind)


def test_response_events_keep_their_place_and_unknown_ones_are_ignored():
    head = (7, 2, "r1")
    words = _wire.event_from_proto(response(text_delta={"text": "a mug"}))
    assert words == live.TextDelta(*head, "a mug")
    marked = _wire.event_from_proto(response(annotation={"id": "a1", "spans": [{"start": 2, "length": 3}]}))
    assert marked == live.Annotated(*head, types.Annotation("a1", "", spans=(types.TextSpan(2, 3),)))
    done = _wire.event_from_proto(
        response(done={"finish_reason": generation_pb2.FINISH_REASON_NO_SPEECH, "confidence": 0.5})
    )
    assert isinstance(done, live.ResponseDone)
    assert (done.finish_reason, done.confidence) == (types.FinishReason.NO_SPEECH, 0.5)
    assert _wire.event_from_proto(response()) is None
    assert _wire.event_from_proto(dialogue_pb2.ConverseResponse(event_seq=7)) is None


async def test_a_wrong_word_is_refused_before_anything_is_sent():
    async with aio.Client("127.0.0.1:1") as client:
        with pytest.raises(errors.InvalidInputError, match="interruption: expected one of None, none, text, speech"):
            client.converse(interruption="shouting")  # type: ignore[arg-type]
