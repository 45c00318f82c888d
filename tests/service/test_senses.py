"""A perception that fails is an error of its request, never an empty scene."""

import grpc
import pytest
from scenewright.v1 import dialogue_pb2, scene_pb2, session_pb2, speech_pb2
from scenewright_server.service import app

from tests.service.talk import Talk
from tests.service.wire import Stubs, error_info, graph, image, pcm, refusal

SHORT = {"max_new_tokens": 4}


@pytest.fixture(scope="module")
def server(settings):
    with app.background_server(settings) as server:
        yield server


@pytest.fixture
def stubs(server):
    with grpc.insecure_channel(server.address) as channel:
        yield Stubs(channel)


@pytest.fixture
def blind_and_deaf(server, monkeypatch):
    monkeypatch.setattr(server.models.get().family, "see", lambda frames: 1 / 0)
    monkeypatch.setattr(server.models.get().family, "hear", lambda clip: 1 / 0)
    return monkeypatch


def test_a_call_fails_and_the_same_call_later_does_not(stubs, blind_and_deaf):
    session = stubs.session.CreateSession(session_pb2.CreateSessionRequest()).session
    calls = [
        (stubs.scene.DescribeScene, scene_pb2.DescribeSceneRequest(image=image(31), scene=graph(), sampling=SHORT)),
        (stubs.dialogue.Ask, dialogue_pb2.AskRequest(image=image(32), text="red", sampling=SHORT)),
        (stubs.dialogue.Ask, dialogue_pb2.AskRequest(scene=graph(), audio={"pcm": pcm(0.7)}, sampling=SHORT)),
        (stubs.dialogue.Ask, dialogue_pb2.AskRequest(session_id=session.id, image=image(33), text="red")),
        (stubs.speech.Transcribe, speech_pb2.TranscribeRequest(audio={"pcm": pcm(0.8)})),
    ]
    for call, request in calls:
        code, info, _ = error_info(refusal(call, request))
        assert (code, info.reason) == (grpc.StatusCode.INTERNAL, "INTERNAL")
    after = stubs.session.GetSession(session_pb2.GetSessionRequest(session_id=session.id)).session
    assert (after.turns, after.frame_id) == (0, "")
    blind_and_deaf.undo()
    for call, request in calls:
        answer = call(request)
        assert list(answer) if hasattr(answer, "__iter__") else answer
    stubs.session.DeleteSession(session_pb2.DeleteSessionRequest(session_id=session.id))


def test_a_live_turn_fails_and_the_conversation_goes_on(stubs, blind_and_deaf):
    talk = Talk(stubs, image=image(34))
    talk.send(text={"text": "chair"})
    assert talk.until("error").error.reason == "INTERNAL"
    blind_and_deaf.undo()
    talk.send(text={"text": "chair"})
    talk.until("text_delta")
    talk.hang_up()
    talk.check()
