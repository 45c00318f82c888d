"""A chat bundle whose decoder is an endpoint, behind the real server, against a scripted one over real sockets."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import scenewright
from scenewright import types
from scenewright_server.families.bundle import MANIFEST, BundleError, load_family
from scenewright_server.families.family import ModelError
from scenewright_server.importers.bundles import Origin, Parts, write_bundle
from scenewright_server.importers.endpoint import read_endpoint
from scenewright_server.importers.refusal import ImportRefused
from scenewright_server.service.app import Server, background_server
from scenewright_server.service.settings import load_settings

from tests.families.chat import tiny
from tests.families.chat.openai_server import (
    STREAM,
    Reply,
    Scripted,
    answering,
    chunk,
    endless,
    event,
    raw,
    scripted,
    silent,
    speaking,
)
from tests.families.chat.test_served import SCENE

KEY = "sk-that-nobody-may-see"
QUESTION = "Where is the goblin king?"
WAIT_S = 20


def write(path: Path, url: str, seconds: dict[str, float] | None = None, **options: Any) -> Path:
    """A bundle of an endpoint; `seconds` change its time limits."""
    part = read_endpoint(url, "big", **options)
    parts = Parts(part, None, None, {"language": Origin("big", url, "MIT")})
    write_bundle(path, parts, name=path.name, languages=("en", "zh"), n_context=part.n_context)
    manifest = json.loads((path / MANIFEST).read_text())
    manifest["endpoint"] |= seconds or {}
    (path / MANIFEST).write_text(json.dumps(manifest))
    return path


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Scripted]:
    with scripted() as server:
        yield server


@pytest.fixture(scope="module")
def server(endpoint: Scripted, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Three models: one whose endpoint may take its time, one whose endpoint may not, and one of this machine."""
    path = tmp_path_factory.mktemp("bundles")
    write_bundle(path / "tiny", tiny.parts(), name="tiny", dtype="float32")
    patient = write(path / "patient", endpoint.url, server="vllm", at_once=2)
    hasty = write(path / "hasty", endpoint.url, {"first_s": 0.3, "next_s": 0.3, "total_s": 0.9})
    with pytest.MonkeyPatch.context() as patch:
        for name in ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
            patch.setenv(name, "for-somebody-else")
        patch.setenv("SCENEWRIGHT_ENDPOINT_KEY", KEY)
        limits = {"max_requests": 3}
        settings = load_settings(
            models=(str(patient), str(hasty), str(path / "tiny")), address="127.0.0.1:0", device="cpu",
            log_level="debug", log_format="json", limits=limits,
        )  # fmt: skip
        with background_server(settings) as server:
            patch.undo()
            yield server


@pytest.fixture
def client(server: Server, endpoint: Scripted) -> Iterator[scenewright.Client]:
    endpoint.replies.clear()
    endpoint.requests.clear()
    with scenewright.Client(server.address, max_attempts=1, timeout_s=WAIT_S) as client:
        yield client


def test_it_answers_points_and_counts(client: scenewright.Client, endpoint: Scripted) -> None:
    usage = {"prompt_tokens": 120, "completion_tokens": 9, "prompt_tokens_details": {"cached_tokens": 64}}
    endpoint.replies += [speaking("The goblin ", "king [", "1] and [7] the", " brass telescope.", usage=usage)]
    answer = client.ask(QUESTION, scene=SCENE)
    assert answer.text == "The goblin king and the brass telescope."
    assert [found.object_id for found in answer.annotations] == ["k", "t"]
    counted = answer.usage
    assert (counted.output_tokens, counted.cached_tokens) == (9, 64)
    assert counted.scene_tokens > 30 and counted.scene_tokens + counted.text_tokens == 120
    (asked,) = endpoint.requests
    assert asked.path == "/v1/chat/completions" and asked.body["model"] == "big" and asked.body["stream"] is True
    system, user = asked.body["messages"]
    assert (system["role"], user["role"]) == ("system", "user")
    assert "[1] goblin king (age)" in system["content"] and "its age is 340 years" in user["content"]
    assert user["content"].endswith(QUESTION)
    assert asked.headers["authorization"] == f"Bearer {KEY}" and "somebody" not in json.dumps(asked.headers)


def test_a_session_is_told_with_its_turns(client: scenewright.Client, endpoint: Scripted) -> None:
    endpoint.replies += [speaking("The goblin king [1] waits."), speaking("He is 340."), speaking("也许。")]
    with client.session() as session:
        session.ask(QUESTION, scene=SCENE)
        session.ask("How old is he?")
        assert session.ask("真的吗？").text == "也许。"
    roles = [message["role"] for message in endpoint.requests[2].body["messages"]]
    assert roles == ["system", "user", "assistant", "user", "assistant", "user"]
    assert endpoint.requests[1].body["messages"][2]["content"] == "The goblin king [1] waits."


def test_probabilities_are_taken_where_they_are_told(client: scenewright.Client, endpoint: Scripted) -> None:
    told = [{"token": "a", "logprob": -0.25}, {"token": "b", "logprob": -0.75}]
    endpoint.replies += [raw(STREAM, chunk("It is old.", logprobs={"content": told}), chunk(None, "stop"))]
    assert client.ask(QUESTION, scene=SCENE).confidence == pytest.approx(0.6065, abs=1e-3)
    assert endpoint.requests[0].body["logprobs"] is True


def test_ways_to_sample_are_sent_or_refused_by_name(client: scenewright.Client, endpoint: Scripted) -> None:
    endpoint.replies += [speaking("Yes."), speaking("No", " stop.")]
    sampling = types.Sampling(max_new_tokens=7, temperature=0.5, top_k=4, top_p=0.9, seed=3, repetition_penalty=1.2)
    client.ask(QUESTION, scene=SCENE, sampling=sampling)
    wanted = {"max_tokens": 7, "temperature": 0.5, "top_k": 4, "top_p": 0.9, "seed": 3, "repetition_penalty": 1.2}
    assert {name: endpoint.requests[0].body[name] for name in wanted} == pytest.approx(wanted)
    with pytest.raises(scenewright.errors.InvalidInputError, match=r"sampling.top_k is 4, must be 0") as refused:
        client.ask(QUESTION, scene=SCENE, model="hasty", sampling=sampling)
    assert refused.value.metadata["field"] == "sampling.top_k"
    assert client.ask(QUESTION, scene=SCENE, sampling=types.Sampling(stop=(" stop",))).text == "No"


def test_more_text_than_was_asked_for_is_not_taken(client: scenewright.Client, endpoint: Scripted) -> None:
    endpoint.replies += [endless(chunk("on and "))]
    answer = client.ask(QUESTION, scene=SCENE, sampling=types.Sampling(max_new_tokens=5))
    assert answer.text == ("on and " * 5).strip() and answer.finish_reason == "token_limit"
    assert endpoint.left.acquire(timeout=WAIT_S)


HTML = answering("200 OK", b"<html>hello</html>", "Content-Type: text/html")
REFUSALS: dict[str, tuple[Reply, str, str, float | None]] = {
    "wrong key": (answering("401 Unauthorized", KEY.encode()), "REFUSED", "does not take the key in SCENEWRIGHT", None),
    "no model": (answering("404 Not Found"), "REFUSED", "it has no model 'big'", None),
    "elsewhere": (answering("307 Moved", b"", "Location: http://127.0.0.2/"), "REFUSED", "redirects are not", None),
    "busy": (answering("429 Too Many Requests", b"{}", "Retry-After: 7"), "UNAVAILABLE", "answered 429", 7.0),
    "broken": (answering("500 Internal Server Error"), "UNAVAILABLE", "answered 500", 5.0),
    "a page": (HTML, "INVALID", "expected text/event-stream, found text/html", None),
    "no JSON": (raw(STREAM, b"data: {oh\n\n"), "INVALID", "expected JSON", None),
    "other JSON": (raw(STREAM, event({"choices": [{"text": "hm"}]})), "INVALID", "found another schema", None),
    "no object": (raw(STREAM, event([1])), "INVALID", "found another schema", None),
    "half": (raw(STREAM, chunk("The goblin ")), "UNAVAILABLE", "broke off before the end", 5.0),
    "error": (raw(STREAM, event({"error": {"message": KEY}})), "UNAVAILABLE", "broke off before the end", 5.0),
    "cut": (raw(STREAM.replace(b"Connection: close", b"Content-Length: 99")), "UNAVAILABLE", "connection failed", 5.0),
    "a line without end": (endless(b"x" * 65536), "INVALID", "at most 4194304 bytes", None),
    "packed": (raw(STREAM[:-2] + b"Content-Encoding: gzip\r\n\r\n"), "INVALID", "compressed", None),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_goes_wrong_there_is_told_with_a_remedy(
    client: scenewright.Client, endpoint: Scripted, case: str, capfd: pytest.CaptureFixture[str]
) -> None:
    reply, reason, message, retry_s = REFUSALS[case]
    endpoint.replies += [reply]
    with pytest.raises(scenewright.errors.ScenewrightError, match=message) as refused:
        client.ask(QUESTION, scene=SCENE)
    assert refused.value.reason == f"ENDPOINT_{reason}" and refused.value.retry_after_s == retry_s
    assert endpoint.url in str(refused.value)
    assert KEY not in str(refused.value) + capfd.readouterr().err


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (silent(), "no first word within 0.3 s"),
        (silent(STREAM, chunk(None)), "no first word within 0.3 s"),
        (silent(STREAM, chunk("The ")), "no next word within 0.3 s"),
        (endless(b": still here\n\n"), "no first word within 0.3 s"),
    ],
)
def test_a_slow_endpoint_is_left(client: scenewright.Client, endpoint: Scripted, reply: Reply, message: str) -> None:
    endpoint.replies += [reply]
    with pytest.raises(scenewright.errors.DeadlineError, match=message) as refused:
        client.ask(QUESTION, scene=SCENE, model="hasty")
    assert refused.value.reason == "ENDPOINT_TIMEOUT" and refused.value.retry_after_s == 5.0
    assert endpoint.left.acquire(timeout=WAIT_S)


def test_a_dead_port_is_told(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        dead = write(tmp_path / "dead", f"http://127.0.0.1:{taken.getsockname()[1]}/v1")
        settings = load_settings(models=(str(dead),), address="127.0.0.1:0", log_level="error", device="cpu")
        with background_server(settings) as server, scenewright.Client(server.address, max_attempts=1) as client:
            with pytest.raises(scenewright.errors.UnavailableError, match="the connection failed") as refused:
                client.ask(QUESTION, scene=SCENE)
    assert refused.value.reason == "ENDPOINT_UNAVAILABLE" and refused.value.retry_after_s == 5.0


def test_who_leaves_closes_the_connection(client: scenewright.Client, endpoint: Scripted) -> None:
    endpoint.replies += [silent(STREAM, chunk("The goblin king waits."))]
    stream = client.ask_stream(QUESTION, scene=SCENE)
    while not isinstance(next(stream), types.TextDelta):
        pass
    stream.close()
    assert endpoint.left.acquire(timeout=WAIT_S)


def test_slow_endpoints_hold_up_nobody_else(client: scenewright.Client, server: Server, endpoint: Scripted) -> None:
    """Two requests hang at the endpoint and one waits for it; a model of this machine answers all the same."""
    hung = silent(STREAM, chunk("Hm, let me think. "))
    endpoint.replies += [hung, hung]
    calls = [client.ask_stream(QUESTION, scene=SCENE) for _ in range(3)]
    for call in calls[:2]:
        while not isinstance(next(call), types.TextDelta):
            pass
    patient = server.models.get("patient").engine
    next(calls[2])
    assert client.ask("hm", scene=SCENE, model="tiny", sampling=types.Sampling(max_new_tokens=8)).usage.output_tokens
    while patient.n_inside < 3:
        client.model()
    with pytest.raises(scenewright.errors.ExhaustedError, match="3 requests wait for the endpoint, 3 is the bound"):
        client.ask(QUESTION, scene=SCENE)
    endpoint.replies += [speaking("At last.")]
    calls[0].close()  # its place is the third one's
    assert "".join(event.text for event in calls[2] if isinstance(event, types.TextDelta)) == "At last."
    calls[1].close()
    assert endpoint.left.acquire(timeout=WAIT_S) and endpoint.left.acquire(timeout=WAIT_S)
    while patient.n_inside:
        client.model()


def test_the_server_says_what_it_is_and_not_where(client: scenewright.Client, endpoint: Scripted) -> None:
    model = client.model()
    assert (model.name, model.device, model.limits.max_context_tokens) == ("patient", "endpoint", 8192)
    assert "big at an endpoint" in model.architecture and endpoint.url not in repr(model)


def test_a_scene_that_does_not_fit_is_refused_before_anybody_is_asked(tmp_path: Path, endpoint: Scripted) -> None:
    short = load_family(write(tmp_path / "short", endpoint.url, n_context=256))
    many = tuple(tiny.thing(str(i), f"thing number {i}") for i in range(60))
    with pytest.raises(ModelError, match="the context holds 256 positions"):
        short.open(tiny.ask("hm", many))


def test_without_the_package_the_remedy_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = write(tmp_path / "remote", "https://example.org/v1")
    monkeypatch.delitem(sys.modules, "scenewright_server.families.chat.client", raising=False)
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(BundleError, match=r"needs the Python package 'openai': pip install 'scenewright\[endpoint\]'"):
        load_family(bundle)


def test_a_key_is_not_sent_where_others_can_read_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_way, closed = "http://example.org/v1", "https://example.org/v1"
    load_family(write(tmp_path / "a", open_way))
    monkeypatch.setenv("SCENEWRIGHT_ENDPOINT_KEY", KEY)
    load_family(write(tmp_path / "b", closed))
    with pytest.raises(BundleError, match="must be https or on this machine: SCENEWRIGHT_ENDPOINT_KEY is set") as error:
        load_family(write(tmp_path / "c", open_way))
    assert KEY not in str(error.value)


@pytest.mark.parametrize(
    ("url", "options", "message"),
    [
        ("ftp://example.org", {}, r"must be http\(s\)://HOST"),
        ("https://user:secret@example.org/v1", {}, "found the endpoint's URL is one that may hold a password"),
        ("https://example.org/v1?key=1", {}, "without user, password"),
        ("https://example.org/v1", {"server": "other"}, "server: expected one of plain, openai, vllm"),
        ("https://example.org/v1", {"key_variable": "AWS_SECRET_ACCESS_KEY"}, "must be SCENEWRIGHT_...KEY"),
        ("https://example.org/v1", {"first_s": 0.0}, "endpoint.first_s is 0.0, must be more than 0"),
        ("https://example.org/v1", {"at_once": 0}, "endpoint.at_once is 0, must be 1 to 1024"),
    ],
)
def test_what_is_no_endpoint_is_refused(tmp_path: Path, url: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ImportRefused, match=message) as refused:
        write(tmp_path / "no", url, **options)
    assert "secret@" not in str(refused.value) and not (tmp_path / "no").exists()


def test_a_manifest_that_lies_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "remote", "https://example.org/v1")
    for change, message in (
        ({"decoder": "ftp:https://example.org/v1"}, "decoder begins with 'ftp:htt', must begin with 'openai:'"),
        ({"decoder": "openai:file:///etc/passwd"}, "must be http"),
        ({"endpoint": {"model": "big", "key_variable": "HOME"}}, "must be SCENEWRIGHT_...KEY"),
        ({"endpoint": {"model": "big", "more": 1}}, "more"),
        ({"endpoint": {}}, "model"),
    ):
        manifest = json.loads((path / MANIFEST).read_text()) | change
        spoilt = tmp_path / "spoilt"
        spoilt.mkdir(exist_ok=True)
        (spoilt / MANIFEST).write_text(json.dumps(manifest))
        (spoilt / "MODEL_CARD.md").write_bytes((path / "MODEL_CARD.md").read_bytes())
        with pytest.raises(BundleError, match=message):
            load_family(spoilt)
