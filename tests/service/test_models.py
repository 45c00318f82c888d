"""One server holds several models; a session keeps the one that it began with."""

import grpc
import pytest
from scenewright.v1 import dialogue_pb2, embedding_pb2, model_pb2, scene_pb2, session_pb2, speech_pb2
from scenewright_server.families.bundle import BundleError
from scenewright_server.service import app

from tests.conftest import LIMITS
from tests.fake import write_bundle
from tests.service.talk import Talk
from tests.service.wire import Stubs, error_info, graph, image, kind, pcm, refusal

SHORT = {"max_new_tokens": 4}


@pytest.fixture(scope="module")
def server(settings, tmp_path_factory):
    paths = [
        write_bundle(tmp_path_factory.mktemp(name), name=name, n_ctx=n) for name, n in (("big", 600), ("small", 300))
    ]
    limits = LIMITS.model_copy(update={"max_scene_objects": 600})
    with app.background_server(
        settings.model_copy(update={"models": tuple(map(str, paths)), "limits": limits})
    ) as server:
        yield server


@pytest.fixture
def stubs(server):
    with grpc.insecure_channel(server.address) as channel:
        yield Stubs(channel)


def test_all_are_listed_and_the_first_is_meant_where_none_is_named(stubs):
    listed = stubs.model.ListModels(model_pb2.ListModelsRequest())
    assert [(model.name, model.limits.max_context_tokens) for model in listed.models] == [("big", 600), ("small", 300)]
    assert listed.contract == 2 and listed.server_version
    assert all(model.limits.max_scene_objects == 512 for model in listed.models), "the family takes no more"
    for name, expected in (("", "big"), ("big", "big"), ("small", "small")):
        assert stubs.model.GetModel(model_pb2.GetModelRequest(model=name)).model.name == expected


REQUESTS = {
    "scene.DescribeScene": scene_pb2.DescribeSceneRequest(scene=graph(), sampling=SHORT),
    "scene.StreamDescribeScene": scene_pb2.StreamDescribeSceneRequest(scene=graph(), sampling=SHORT),
    "dialogue.Ask": dialogue_pb2.AskRequest(scene=graph(), text="red", sampling=SHORT),
    "speech.Transcribe": speech_pb2.TranscribeRequest(audio={"pcm": pcm()}),
    "embedding.EmbedImage": embedding_pb2.EmbedImageRequest(image=image()),
    "embedding.EmbedText": embedding_pb2.EmbedTextRequest(texts=["a"]),
    "embedding.RankLabels": embedding_pb2.RankLabelsRequest(image=image(), labels=["a"]),
    "embedding.EncodeAudio": embedding_pb2.EncodeAudioRequest(audio={"pcm": pcm()}),
    "session.CreateSession": session_pb2.CreateSessionRequest(),
    "model.GetModel": model_pb2.GetModelRequest(),
}


@pytest.mark.parametrize("method", REQUESTS)
def test_every_call_takes_a_model_and_refuses_one_that_is_not_served(stubs, method):
    service, name = method.split(".")
    call, request = getattr(getattr(stubs, service), name), REQUESTS[method]
    for model in ("", "big", "small"):
        request.model = model
        answer = call(request)
        assert list(answer) if hasattr(answer, "__iter__") else answer
        if method == "session.CreateSession":
            stubs.session.DeleteSession(session_pb2.DeleteSessionRequest(session_id=answer.session.id))
    request.model = "papyrus"
    code, info, _ = error_info(refusal(call, request))
    assert (code, info.reason) == (grpc.StatusCode.NOT_FOUND, "MODEL_NOT_FOUND")
    assert (info.metadata["field"], info.metadata["value"], info.metadata["bound"]) == (
        "model",
        "papyrus",
        "big, small",
    )


def test_a_session_keeps_its_model(stubs):
    session = stubs.session.CreateSession(session_pb2.CreateSessionRequest(model="small")).session
    assert (session.model, session.max_context_tokens) == ("small", 300)
    for name in ("", "small"):
        ask = dialogue_pb2.AskRequest(session_id=session.id, model=name, scene=graph(), text="red", sampling=SHORT)
        assert kind(list(stubs.dialogue.Ask(ask))[-1]) == "done"
    ask.model = "big"
    code, info, _ = error_info(refusal(stubs.dialogue.Ask, ask))
    assert (code, info.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "MODEL_MISMATCH")
    assert (info.metadata["field"], info.metadata["value"], info.metadata["bound"]) == ("model", "big", "small")
    ask.model = "papyrus"
    assert error_info(refusal(stubs.dialogue.Ask, ask))[1].reason == "MODEL_NOT_FOUND"
    talk = Talk(stubs, session_id=session.id, scene=None)
    assert talk.until("setup_complete").setup_complete.model == "small"
    talk.hang_up()
    with pytest.raises(grpc.RpcError) as error:
        Talk(stubs, session_id=session.id, model="big").rest()
    assert error_info(error.value)[1].reason == "MODEL_MISMATCH"
    stubs.session.DeleteSession(session_pb2.DeleteSessionRequest(session_id=session.id))


def test_two_of_one_name_are_refused_at_the_start(settings, tiny_bundle):
    twice = settings.model_copy(update={"models": (str(tiny_bundle), str(tiny_bundle))})
    with pytest.raises(BundleError, match="two of the models to serve are named 'tiny'"), app.background_server(twice):
        raise AssertionError("it serves nothing")
