"""Start, warmth, cancellation, overload, time limits, draining, logs and metrics."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from scenewright.v1 import (
    dialogue_pb2,
    generation_pb2,
    model_pb2,
    scene_pb2,
    speech_pb2,
)
from scenewright.v1alpha import content_pb2, content_pb2_grpc
from scenewright_server.families.bundle import BundleError
from scenewright_server.service import app
from scenewright_server.service.logs import make_logger
from scenewright_server.service.settings import Settings, load_settings

from tests.conftest import LIMITS
from tests.fake import write_bundle
from tests.service.wire import Stubs, error_info, finish, graph, image, refusal

ROOT = Path(__file__).resolve().parents[2]
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
LONG = scene_pb2.StreamDescribeSceneRequest(
    image=image(), sampling=generation_pb2.SamplingConfig(max_new_tokens=600, temperature=0.5, seed=1)
)
GET_MODEL = model_pb2.GetModelRequest()


def with_settings(settings: Settings, **changes) -> Settings:
    limits = LIMITS.model_copy(update=changes.pop("limits", {}))
    return settings.model_copy(update={"limits": limits, **changes})


def sample(server, name, **labels):
    return server.metrics.registry.get_sample_value(name, labels) or 0.0


def wait_until(stubs, condition):
    """Ask the server something harmless until the condition holds; each answer lets its loop turn."""
    for _ in range(2000):
        if condition():
            return
        stubs.model.GetModel(GET_MODEL)
    raise AssertionError("it never came to be")


def test_calls_wait_for_a_warm_model(settings):
    """Before the model is loaded: health says so, and calls are told to come again."""

    async def live():
        server = app.Server(settings, make_logger("json", "error"))
        await server.start()
        async with grpc.aio.insecure_channel(server.address) as channel:
            health = health_pb2_grpc.HealthStub(channel)
            check = health_pb2.HealthCheckRequest(service=app.SERVICES[0])
            assert (await health.Check(check)).status == NOT_SERVING
            with pytest.raises(grpc.aio.AioRpcError) as error:
                await Stubs(channel).model.GetModel(GET_MODEL)
            code, info, retry_s = error_info(error.value)
            assert (code, info.reason) == (grpc.StatusCode.UNAVAILABLE, "MODEL_LOADING") and retry_s > 0
            await server.load()
            assert (await health.Check(check)).status == SERVING
            assert (await health.Check(health_pb2.HealthCheckRequest())).status == SERVING
            assert (await Stubs(channel).model.GetModel(GET_MODEL)).model.name == "tiny"
        await server.drain()

    asyncio.run(live())


def test_a_missing_bundle_is_told_at_the_start(tmp_path):
    with pytest.raises(BundleError, match=r"model\.json is missing"), app.serve_in_background(tmp_path):
        raise AssertionError("it serves nothing")


def test_reflection_lists_what_is_served(server_address):
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    with grpc.insecure_channel(server_address) as channel:
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        (answer,) = stub.ServerReflectionInfo(iter([request]))
    names = {service.name for service in answer.list_services_response.service}
    shared = {"grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"}
    kinds = ("Scene", "Dialogue", "Session", "Speech", "Embedding", "Language", "Model")
    assert names == {f"scenewright.v1.{kind}Service" for kind in kinds} | shared


def test_what_does_not_exist_yet_is_unimplemented(server_address, stubs):
    with grpc.insecure_channel(server_address) as channel:
        content = content_pb2_grpc.ContentServiceStub(channel)
        error = refusal(content.GenerateContent, content_pb2.GenerateContentRequest())
    assert error.code() == grpc.StatusCode.UNIMPLEMENTED


def test_cancelling_frees_the_slot(settings):
    narrow = with_settings(settings, slots=1, limits={"max_requests": 1})
    with app.background_server(narrow) as server, grpc.insecure_channel(server.address) as channel:
        stubs = Stubs(channel)
        call = stubs.scene.StreamDescribeScene(LONG)
        next(call)
        code, info, retry_s = error_info(refusal(stubs.scene.StreamDescribeScene, LONG))
        assert (code, info.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED") and retry_s > 0
        assert sample(server, "scenewright_engine_requests") == 1
        call.cancel()
        wait_until(stubs, lambda: sample(server, "scenewright_engine_requests") == 0)
        labels = {"method": "SceneService/StreamDescribeScene", "code": "CANCELLED", "reason": ""}
        wait_until(stubs, lambda: sample(server, "scenewright_calls_total", **labels) == 1)
        short = scene_pb2.DescribeSceneRequest(image=image(), sampling={"max_new_tokens": 3})
        assert stubs.scene.DescribeScene(short).usage.output_tokens == 3
        assert sample(server, "scenewright_tokens_total") == 3, "the cancelled answer was never finished"


def test_a_client_that_goes_away_frees_the_slot(settings):
    narrow = with_settings(settings, slots=1, limits={"max_requests": 1})
    with app.background_server(narrow) as server, grpc.insecure_channel(server.address) as channel:
        leaving = grpc.insecure_channel(server.address)
        next(Stubs(leaving).scene.StreamDescribeScene(LONG))
        leaving.close()
        wait_until(Stubs(channel), lambda: sample(server, "scenewright_engine_requests") == 0)


def test_a_deadline_ends_the_call(stubs, live_server):
    error = refusal(stubs.scene.StreamDescribeScene, LONG, timeout=0.05)
    assert error.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    wait_until(stubs, lambda: sample(live_server, "scenewright_engine_requests") == 0)


def test_the_server_has_a_time_limit_of_its_own(settings):
    hasty = with_settings(settings, limits={"max_request_s": 0.05})
    with app.background_server(hasty) as server, grpc.insecure_channel(server.address) as channel:
        code, info, _ = error_info(refusal(Stubs(channel).scene.StreamDescribeScene, LONG))
        assert (code, info.reason) == (grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED")
        assert info.metadata["bound"] == "0.05"


def test_draining_lets_running_calls_end_and_no_others_in(settings):
    with ExitStack() as stack:
        server = stack.enter_context(app.background_server(settings))
        channel = grpc.insecure_channel(server.address)
        health = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        assert next(health).status == SERVING
        running = Stubs(channel).scene.StreamDescribeScene(LONG)
        next(running)
        closing = threading.Thread(target=stack.pop_all().close)
        closing.start()
        assert next(health).status == NOT_SERVING
        code, info, retry_s = error_info(refusal(Stubs(channel).model.GetModel, GET_MODEL))
        assert (code, info.reason) == (grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN") and retry_s > 0
        rest = finish(running)
        assert rest[-1].response_event.done.usage.output_tokens == 600
        closing.join()
        assert refusal(Stubs(channel).model.GetModel, GET_MODEL).code() == grpc.StatusCode.UNAVAILABLE
        channel.close()


def test_the_grace_period_is_not_endless(settings, monkeypatch):
    """A call that would never end by itself is ended."""
    may_end = threading.Event()
    with ExitStack() as stack:
        server = stack.enter_context(app.background_server(with_settings(settings, grace_s=0.0)))
        decoder = server.models.get().family.decoder
        forward = decoder.forward

        def forward_once(x, caches, **more):
            if x.shape[1] == 1:
                may_end.wait()
            return forward(x, caches, **more)

        monkeypatch.setattr(decoder, "forward", forward_once)
        with grpc.insecure_channel(server.address) as channel:
            running = Stubs(channel).scene.StreamDescribeScene(LONG)
            next(running)
            closing = threading.Thread(target=stack.pop_all().close)
            closing.start()
            assert refusal(list, running).code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}
            may_end.set()
            closing.join()


def test_a_request_id_goes_back_and_into_the_log(settings, capfd):
    loud = with_settings(settings, log_level="info", log_format="json")
    with app.background_server(loud) as server, grpc.insecure_channel(server.address) as channel:
        stub = Stubs(channel).model
        _, call = stub.GetModel.with_call(GET_MODEL, metadata=[("x-request-id", "mine-1")])
        assert dict(call.trailing_metadata())["x-request-id"] == "mine-1"
        _, call = stub.GetModel.with_call(GET_MODEL, metadata=[("x-request-id", "not a good one")])
        made = dict(call.trailing_metadata())["x-request-id"]
        assert len(made) == 32
        error = refusal(Stubs(channel).scene.DescribeScene, scene_pb2.DescribeSceneRequest())
        assert len(dict(error.trailing_metadata())["x-request-id"]) == 32
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines() if line.startswith("{")]
    calls = [line for line in lines if line["event"] == "call"]
    assert [line["request_id"] for line in calls[:2]] == ["mine-1", made]
    assert calls[2]["code"] == "INVALID_ARGUMENT" and calls[2]["reason"] == "NOTHING_TO_SEE"


def test_an_unforeseen_error_is_told_without_its_trace(settings, capfd):
    loud = with_settings(settings, log_level="info", log_format="json")
    with app.background_server(loud) as server, grpc.insecure_channel(server.address) as channel:
        server.models.get().describe = lambda: 1 / 0
        error = refusal(Stubs(channel).model.GetModel, GET_MODEL)
        code, info, _ = error_info(error)
        assert (code, info.reason) == (grpc.StatusCode.INTERNAL, "INTERNAL")
        request_id = dict(error.trailing_metadata())["x-request-id"]
        assert request_id in error.details() and "division" not in str(error)
        del server.models.get().describe
        assert Stubs(channel).model.GetModel(GET_MODEL).model.name == "tiny"
    assert "ZeroDivisionError" in capfd.readouterr().err


def test_a_capability_that_the_bundle_lacks_is_named(settings, tmp_path):
    write_bundle(tmp_path, name="mute", capabilities=["describe", "scene_graph"])
    with app.serve_in_background(tmp_path, settings=settings) as address:
        with grpc.insecure_channel(address) as channel:
            stubs = Stubs(channel)
            short = generation_pb2.SamplingConfig(max_new_tokens=3)
            stubs.scene.DescribeScene(scene_pb2.DescribeSceneRequest(scene=graph(), sampling=short))
            for lacking, call, request in (
                ("IMAGE_INPUT", stubs.scene.DescribeScene, scene_pb2.DescribeSceneRequest(image=image())),
                ("ANSWER", stubs.dialogue.Ask, dialogue_pb2.AskRequest(scene=graph(), text="red?")),
                ("TRANSCRIBE", stubs.speech.Transcribe, speech_pb2.TranscribeRequest()),
            ):
                code, info, _ = error_info(refusal(call, request))
                assert (code, info.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "CAPABILITY_MISSING")
                assert info.metadata["capability"] == f"CAPABILITY_{lacking}"


def as_a_process(bundle: Path, **settings) -> subprocess.Popen:
    """A server as `scenewright serve` runs it, some of its settings from the environment."""
    given = {"log_format": "json", **settings}
    code = (
        "import tests.fake\n"
        "from scenewright_server.service import app, settings\n"
        f"app.run(settings.load_settings(**{given!r}))"
    )
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        "SCENEWRIGHT_MODELS": json.dumps([str(bundle)]),
        "SCENEWRIGHT_LIMITS__MAX_TEXTS": "7",
    }
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stderr=pipe, text=True, env=environment)


def wait_until_serving(process: subprocess.Popen) -> str:
    """Its address."""
    for line in process.stderr:
        if line.startswith("{") and (record := json.loads(line))["event"] == "serving":
            return record["address"]
    raise AssertionError("it never served")


def test_sigterm_ends_the_process_in_order(tiny_bundle):
    with as_a_process(tiny_bundle, address="127.0.0.1:0") as process:
        with grpc.insecure_channel(wait_until_serving(process)) as channel:
            model = Stubs(channel).model.GetModel(GET_MODEL).model
            assert model.name == "tiny" and model.limits.max_texts == 7
            process.send_signal(signal.SIGTERM)
            tail = process.stderr.read()
        assert process.wait(30) == 0
        assert '"all_calls_finished": true' in tail and "Traceback" not in tail


def test_a_server_ends_with_its_standard_input_and_when_it_cannot_start(tiny_bundle, server_address):
    with as_a_process(tiny_bundle, address="127.0.0.1:0", until_stdin_closes=True) as process:
        wait_until_serving(process)
        process.stdin.close()
        assert process.wait(30) == 0
    with as_a_process(tiny_bundle, address=server_address, until_stdin_closes=True) as process:
        assert server_address in process.stderr.read() and process.wait(30) == 1


def test_settings_come_from_file_environment_and_flags(tmp_path, monkeypatch):
    file = tmp_path / "server.toml"
    file.write_text('address = "file:1"\nslots = 3\n[limits]\nmax_audio_s = 5\nmax_texts = 6\n')
    monkeypatch.setenv("SCENEWRIGHT_SLOTS", "4")
    monkeypatch.setenv("SCENEWRIGHT_LIMITS__MAX_TEXTS", "7")
    settings = load_settings(file, address="flag:1", device=None)
    assert (settings.address, settings.slots, settings.device) == ("flag:1", 4, "auto")
    assert (settings.limits.max_audio_s, settings.limits.max_texts) == (5, 7)
    with pytest.raises(ValueError, match="slots"):
        load_settings(slots=0)
    file.write_text("[limits]\nmax_dragons = 1\n")
    with pytest.raises(ValueError, match="max_dragons"):
        load_settings(file)


def test_an_address_that_is_taken_is_told(tiny_bundle, server_address):
    with (
        pytest.raises(RuntimeError, match=server_address),
        app.serve_in_background(tiny_bundle, server_address),
    ):
        raise AssertionError("it serves nothing")


def test_calls_beyond_the_limit_are_told_to_come_again(settings):
    narrow = with_settings(settings, limits={"max_calls": 1})
    with app.background_server(narrow) as server, grpc.insecure_channel(server.address) as channel:
        running = Stubs(channel).scene.StreamDescribeScene(LONG)
        next(running)
        code, info, retry_s = error_info(refusal(Stubs(channel).model.GetModel, GET_MODEL))
        assert (code, info.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED") and retry_s > 0
        assert finish(running)
        assert Stubs(channel).model.GetModel(GET_MODEL).model.name == "tiny"
