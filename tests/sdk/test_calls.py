"""Errors, retries and deadlines, against a real gRPC server that fails as it is told."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
import numpy as np
import pytest
import scenewright
from google.protobuf.any_pb2 import Any
from google.rpc import error_details_pb2, status_pb2
from scenewright import aio, errors, types
from scenewright.v1 import (
    generation_pb2,
    model_pb2,
    model_pb2_grpc,
    scene_pb2,
    scene_pb2_grpc,
    speech_pb2,
    speech_pb2_grpc,
)

PNG = b"not looked at"


class Script:
    """What the next calls do: fail with a (code, reason, retry_after_s), or succeed for None."""

    def __init__(self):
        self.steps = []
        self.n_calls = 0
        self.token = ""
        self.cancelled = threading.Event()

    def play(self, context):
        self.n_calls += 1
        step = self.steps.pop(0) if self.steps else None
        if step is None:
            return
        code, reason, retry_after_s = step
        status = status_pb2.Status(code=code.value[0], message=f"{reason} happened")
        details = [error_details_pb2.ErrorInfo(reason=reason, domain="scenewright", metadata={"field": "image"})]
        if retry_after_s is not None:
            details.append(error_details_pb2.RetryInfo())
            details[-1].retry_delay.FromMilliseconds(int(retry_after_s * 1000))
        for detail in details:
            packed = Any()
            packed.Pack(detail)
            status.details.append(packed)
        context.set_trailing_metadata([("grpc-status-details-bin", status.SerializeToString())])
        context.abort(code, status.message)


class Models(model_pb2_grpc.ModelServiceServicer):
    def __init__(self, script):
        self.script = script

    def GetModel(self, request, context):
        self.script.token = dict(context.invocation_metadata()).get("authorization", "")
        self.script.play(context)
        return model_pb2.GetModelResponse(model=model_pb2.Model(name=request.model or "tiny"))


class Scenes(scene_pb2_grpc.SceneServiceServicer):
    def __init__(self, script):
        self.script = script

    def StreamDescribeScene(self, request, context):
        over = threading.Event()
        context.add_callback(over.set)
        context.add_callback(self.script.cancelled.set)
        self.script.play(context)
        for word in ("a", " red", " chair"):
            event = generation_pb2.ResponseEvent(text_delta=generation_pb2.TextDelta(text=word))
            yield scene_pb2.StreamDescribeSceneResponse(response_event=event)
        self.script.play(context)
        over.wait()


class Speech(speech_pb2_grpc.SpeechServiceServicer):
    """Tells what came: the setup's rate, then after each piece of audio how much there was."""

    def StreamingTranscribe(self, requests, context):
        rate_hz = next(requests).setup.sample_rate_hz
        n_bytes = 0
        for request in requests:
            n_bytes += len(request.audio.data)
            heard = speech_pb2.Transcript(text=str(rate_hz), end_ms=n_bytes * 500 // rate_hz)
            yield speech_pb2.StreamingTranscribeResponse(transcript=heard)
        final = speech_pb2.Transcript(text="all", is_final=True, confidence=0.5, end_ms=n_bytes * 500 // rate_hz)
        yield speech_pb2.StreamingTranscribeResponse(transcript=final)


@pytest.fixture
def script():
    return Script()


@pytest.fixture
def address(script):
    server = grpc.server(ThreadPoolExecutor(4))
    model_pb2_grpc.add_ModelServiceServicer_to_server(Models(script), server)
    scene_pb2_grpc.add_SceneServiceServicer_to_server(Scenes(script), server)
    speech_pb2_grpc.add_SpeechServiceServicer_to_server(Speech(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(None).wait()


@pytest.mark.parametrize("code", [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK])
def test_every_status_has_its_error(code, script, address):
    script.steps = [(code, "SOME_REASON", None)]
    with scenewright.Client(address, max_attempts=1) as client, pytest.raises(errors.ERRORS[code]) as caught:
        client.model()
    error = caught.value
    assert (error.code, error.reason, error.message) == (code, "SOME_REASON", "SOME_REASON happened")
    assert error.metadata == {"field": "image"}
    assert isinstance(error, errors.ScenewrightError)


def test_unavailable_is_tried_again(script, address):
    script.steps = [
        (grpc.StatusCode.UNAVAILABLE, "MODEL_LOADING", 0.05),
        (grpc.StatusCode.UNAVAILABLE, "X", None),
    ]
    with scenewright.Client(address) as client:
        assert client.model().name == "tiny"
    assert script.n_calls == 3


def test_retry_info_makes_any_status_worth_another_try(script, address):
    script.steps = [(grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED", 0.02)]
    with scenewright.Client(address) as client:
        client.model()
    script.steps = [(grpc.StatusCode.RESOURCE_EXHAUSTED, "CONTEXT_FULL", None)]
    with scenewright.Client(address) as client, pytest.raises(errors.ExhaustedError, match="CONTEXT_FULL"):
        client.model()
    assert script.n_calls == 3


def test_no_try_after_the_deadline(script, address):
    script.steps = [(grpc.StatusCode.UNAVAILABLE, "MODEL_LOADING", 30.0)] * 2
    with (
        scenewright.Client(address, timeout_s=20) as client,
        pytest.raises(errors.UnavailableError) as caught,
    ):
        client.model()
    assert caught.value.retry_after_s == 30.0
    assert script.n_calls == 1


def test_tries_are_counted(script, address):
    script.steps = [(grpc.StatusCode.UNAVAILABLE, "X", 0.0)] * 9
    with scenewright.Client(address, max_attempts=3) as client, pytest.raises(errors.UnavailableError):
        client.model()
    assert script.n_calls == 3


def test_a_stream_is_tried_again_only_before_its_first_event(script, address):
    unavailable = (grpc.StatusCode.UNAVAILABLE, "MODEL_LOADING", 0.01)
    script.steps = [unavailable, None, unavailable]
    words = []
    with scenewright.Client(address) as client, pytest.raises(errors.UnavailableError):
        for event in client.describe_stream(PNG):
            words.append(event.text)
    assert words == ["a", " red", " chair"]
    assert script.n_calls == 3


def test_leaving_a_stream_cancels_the_call(script, address):
    with scenewright.Client(address) as client:
        stream = client.describe_stream(PNG)
        next(stream)
        stream.close()
        assert script.cancelled.wait(60)


def test_a_deadline_ends_a_stream(address):
    with scenewright.Client(address) as client, pytest.raises(errors.DeadlineError):
        list(client.describe_stream(PNG, timeout_s=0.3))


def test_an_unknown_method_is_unsupported(address):
    with scenewright.Client(address) as client, pytest.raises(errors.UnsupportedError):
        client.embed_text(["chair"])


def test_nobody_listens():
    with scenewright.Client("127.0.0.1:1", max_attempts=2) as client, pytest.raises(errors.UnavailableError):
        client.model()


async def test_asyncio_does_the_same(script, address):
    script.steps = [(grpc.StatusCode.UNAVAILABLE, "MODEL_LOADING", 0.02)]
    async with aio.Client(address) as client:
        assert (await client.model()).name == "tiny"
        assert script.n_calls == 2
        script.steps = [(grpc.StatusCode.INVALID_ARGUMENT, "IMAGE_UNDECODABLE", None)]
        with pytest.raises(errors.InvalidInputError) as caught:
            await client.model()
        assert caught.value.reason == "IMAGE_UNDECODABLE"
        script.steps = [(grpc.StatusCode.UNAVAILABLE, "MODEL_LOADING", 0.02)]
        stream = client.describe_stream(PNG)
        assert (await anext(stream)).text == "a"
        await stream.aclose()
        assert await asyncio.to_thread(script.cancelled.wait, 60)
        with pytest.raises(errors.DeadlineError):
            _ = [event async for event in client.describe_stream(PNG, timeout_s=0.3)]


PIECES = [bytes(3200), np.zeros(2400, np.float32)]
HEARD = [
    types.Utterance("8000", False, None, 0, 100),
    types.Utterance("8000", False, None, 0, 200),
    types.Utterance("8000", False, None, 0, 300),
    types.Utterance("8000", False, None, 0, 400),
    types.Utterance("8000", False, None, 0, 500),
    types.Utterance("all", True, 0.5, 0, 500),
]


def test_speech_is_written_down_as_it_comes(address):
    with scenewright.Client(address) as client:
        assert list(client.transcribe_stream(PIECES, 8000)) == HEARD
        with pytest.raises(errors.InvalidInputError, match="3 bytes"):
            list(client.transcribe_stream([bytes(3)], 8000))


async def test_asyncio_writes_down_speech_as_it_comes(address):
    async def pieces():
        for piece in PIECES:
            yield piece

    async with aio.Client(address) as client:
        assert [event async for event in client.transcribe_stream(pieces(), 8000)] == HEARD
        assert [event async for event in client.transcribe_stream(PIECES, 8000)] == HEARD
        with pytest.raises(errors.InvalidInputError, match="3 bytes"):
            _ = [event async for event in client.transcribe_stream([bytes(3)], 8000)]


def test_a_call_names_its_model_or_the_clients(address):
    with scenewright.Client(address, model="guide") as client:
        assert client.model().name == "guide"
        assert client.model("diorama").name == "diorama"


async def test_a_token_goes_with_every_call(script, address, monkeypatch):
    monkeypatch.setenv("SCENEWRIGHT_TOKEN", "from-the-environment")
    for token, sent in ((None, "Bearer from-the-environment"), ("mine", "Bearer mine"), ("", "")):
        with scenewright.Client(address, token=token) as client:
            client.model()
        assert script.token == sent
        script.token = "none"
        async with aio.Client(address, token=token) as other:
            await other.model()
        assert script.token == sent
    with pytest.raises(errors.InvalidInputError, match="token"):
        scenewright.Client(address, token="two words")


def test_question_and_audio_exclude_each_other(address):
    with scenewright.Client(address) as client:
        for arguments in ({}, {"question": "what?", "audio": b"RIFF"}):
            with pytest.raises(errors.InvalidInputError, match="exactly one"):
                client.ask(**arguments)


def test_both_clients_have_the_same_methods():
    for one, other in ((scenewright.Client, aio.Client), (scenewright.Session, aio.Session)):
        assert _public(one) == _public(other) - {"converse"}  # a live conversation needs an event loop


def test_the_sdk_and_its_command_import_neither_torch_nor_the_server():
    code = "import sys, scenewright.cli.app; print({'torch', 'scenewright_server'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "set()"


def _public(kind: type) -> set[str]:
    return {name for name in vars(kind) if not name.startswith("_")}
