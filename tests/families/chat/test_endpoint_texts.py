"""The language model alone at an endpoint: what is sent there, what comes back, and what is refused by name."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import scenewright
from scenewright import types
from scenewright_server.service.app import Server, background_server
from scenewright_server.service.settings import load_settings

from tests.families.chat.openai_server import STREAM, Reply, Scripted, chunk, event, raw, scripted, silent, speaking
from tests.families.chat.test_endpoint import REFUSALS, WAIT_S, write

PROMPT = "Once upon a time"
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}}
KINDS = ("plain", "vllm", "sglang", "llama.cpp", "ollama", "openai")


def piece(text: str, ended: str | None = None, **more: Any) -> bytes:
    """A chunk of a text's completion."""
    return event({"id": "t", "object": "text_completion", "choices": [
        {"index": 0, "text": text, "finish_reason": ended, **more}
    ]})  # fmt: skip


def going_on(*texts: str, ended: str = "stop", usage: dict[str, Any] | None = None) -> Reply:
    told = [event({"choices": [], "usage": usage})] if usage else []
    return raw(STREAM, *map(piece, texts), piece("", ended), *told, b"data: [DONE]\n\n")


def told(names: list[str], logs: list[float]) -> dict[str, Any]:
    """Probabilities as OpenAI's completions, vLLM and SGLang tell them."""
    return {"logprobs": {"tokens": names, "token_logprobs": logs, "top_logprobs": None, "text_offset": []}}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Scripted]:
    with scripted() as server:
        yield server


@pytest.fixture(scope="module")
def server(endpoint: Scripted, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A model for each kind of server, and one that is to be asked by chats."""
    path = tmp_path_factory.mktemp("bundles")
    bundles = [write(path / kind, endpoint.url, server=kind) for kind in KINDS]
    bundles.append(write(path / "chatty", endpoint.url, server="vllm", texts="chat"))
    settings = load_settings(
        models=tuple(map(str, bundles)), address="127.0.0.1:0", device="cpu", log_level="error",
        limits={"max_text_chars": 30_000},
    )  # fmt: skip
    with background_server(settings) as server:
        yield server


@pytest.fixture
def client(server: Server, endpoint: Scripted) -> Iterator[scenewright.Client]:
    endpoint.replies.clear()
    endpoint.requests.clear()
    with scenewright.Client(server.address, model="vllm", max_attempts=1, timeout_s=WAIT_S) as client:
        yield client


def test_a_text_goes_to_completions_and_its_tokens_come_back(client: scenewright.Client, endpoint: Scripted) -> None:
    usage = {"prompt_tokens": 5, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 4}}
    endpoint.replies += [
        raw(
            STREAM,
            piece(" a", **told([" a"], [-0.5])),
            piece(" king", **told([" king"], [-1.0])),
            piece("", "stop", **told(["</s>"], [-0.25])),
            event({"choices": [], "usage": usage}),
            b"data: [DONE]\n\n",
        )
    ]
    found = client.generate(PROMPT, sampling=types.Sampling(max_new_tokens=9), include_tokens=True)
    (one,) = found.sequences
    assert (one.text, one.finish_reason, one.output_tokens, one.score) == (" a king", "completed", 3, None)
    assert [(token.id, token.token) for token in one.tokens] == [(0, " a"), (0, " king"), (0, "</s>")]
    assert one.log_probability == pytest.approx(-1.75)
    assert (found.usage.text_tokens, found.usage.cached_tokens, found.usage.output_tokens) == (5, 4, 3)
    (asked,) = endpoint.requests
    assert asked.path == "/v1/completions"
    assert asked.body == {
        "model": "big", "prompt": PROMPT, "max_tokens": 9, "temperature": 0.0, "top_p": 1.0, "logprobs": 1,
        "stream": True, "stream_options": {"include_usage": True},
    }  # fmt: skip


def test_a_stream_comes_as_it_is_made(client: scenewright.Client, endpoint: Scripted) -> None:
    logs = told(["a", "b"], [math.log(0.5), math.log(0.125)])
    endpoint.replies += [raw(STREAM, piece(" a", **logs), piece(" king"), piece("", "length"))]
    *words, done = client.generate_stream(PROMPT)
    assert [word.text for word in words if isinstance(word, types.TextDelta)] == [" a", " king"]
    assert isinstance(done, types.Done) and done.finish_reason == "token_limit"
    assert done.confidence == pytest.approx(0.25)


SAMPLED = types.Sampling(
    max_new_tokens=7, temperature=0.5, top_k=4, top_p=0.75, repetition_penalty=1.25, seed=3, stop=tuple("qxyz!")
)  # fmt: skip
FIELDS: dict[str, dict[str, Any]] = {
    "vllm": {"top_k": 4, "repetition_penalty": 1.25, "logprobs": 1},
    "sglang": {"top_k": 4, "repetition_penalty": 1.25, "logprobs": 1},
    "llama.cpp": {"top_k": 4, "repeat_penalty": 1.25, "n_probs": 1},
}


@pytest.mark.parametrize("kind", FIELDS)
def test_ways_to_sample_are_sent_by_their_names_there(
    client: scenewright.Client, endpoint: Scripted, kind: str
) -> None:
    endpoint.replies += [going_on(" He", " said!", " no")]
    found = client.generate(PROMPT, sampling=SAMPLED, model=kind)
    assert (found.text, found.sequences[0].finish_reason) == (" He said", "completed"), "the fifth stop is kept here"
    wanted = {"max_tokens": 7, "temperature": 0.5, "top_p": 0.75, "seed": 3, "stop": list("qxyz"), **FIELDS[kind]}
    body = endpoint.requests[0].body
    assert {name: body.get(name) for name in wanted} == wanted
    assert not {"messages", "n", "use_beam_search"} & set(body)


def test_several_sequences_are_asked_for_with_seeds_of_their_own(
    client: scenewright.Client, endpoint: Scripted
) -> None:
    logs = {f" {n}": told(["t"], [float(-n)]) for n in range(1, 4)}
    endpoint.replies += [raw(STREAM, piece(text, "stop", **tokens)) for text, tokens in logs.items()]
    sampling = types.Sampling(temperature=1.0, seed=40)
    found = client.generate(PROMPT, sampling=sampling, num_return_sequences=3)
    assert [one.text for one in found.sequences] == [" 1", " 2", " 3"], "the most likely first"
    assert sorted(request.body["seed"] for request in endpoint.requests) == [40, 41, 42]


def test_llama_cpp_tells_its_tokens_as_a_chat_does(client: scenewright.Client, endpoint: Scripted) -> None:
    listed = {"logprobs": {"content": [{"id": 7, "token": " a", "logprob": -0.5, "top_logprobs": []}]}}
    endpoint.replies += [raw(STREAM, piece(" a", **listed), piece("", "stop"))]
    (one,) = client.generate(PROMPT, model="llama.cpp", include_tokens=True).sequences
    assert [(token.token, token.log_probability) for token in one.tokens] == [(" a", -0.5)]


RESPONSE_FORMAT = {"type": "json_schema", "json_schema": {"name": "form", "schema": SCHEMA, "strict": True}}


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        ("vllm", "response_format", RESPONSE_FORMAT),
        ("sglang", "response_format", RESPONSE_FORMAT),
        ("llama.cpp", "json_schema", SCHEMA),
    ],
)
def test_a_schema_goes_where_it_is_taken(
    client: scenewright.Client, endpoint: Scripted, kind: str, field: str, value: object
) -> None:
    endpoint.replies += [going_on('{"n": 1}')]
    assert json.loads(client.generate(PROMPT, json_schema=SCHEMA, model=kind).text) == {"n": 1}
    assert endpoint.requests[0].body[field] == value


DEEP: Any = {"type": "string"}
for _ in range(100):
    DEEP = {"type": "array", "items": DEEP}
WARM = types.Sampling(temperature=1.0)
REFUSED: dict[str, tuple[str, dict[str, Any], str, str]] = {
    "beams": ("vllm", {"num_beams": 4}, "sampling.num_beams", "tells no beams and no scores"),
    "top_k": ("plain", {"sampling": types.Sampling(top_k=4)}, "sampling.top_k", "knows no other"),
    "penalty": (
        "openai", {"sampling": types.Sampling(repetition_penalty=1.5)}, "sampling.repetition_penalty", "knows no other",
    ),
    "tokens": ("plain", {"include_tokens": True}, "include_tokens", "tells no tokens"),
    "a schema": ("plain", {"json_schema": SCHEMA}, "json_schema", "takes none"),
    "a schema behind a text": ("ollama", {"json_schema": SCHEMA}, "json_schema", "takes none"),
    "a deep schema": ("vllm", {"json_schema": DEEP}, "json_schema", "nested 101 deep, needs at most 32"),
    "a long prompt": ("vllm", {"prompt": "n" * 24576}, "prompt", "the prompt alone may have 8192"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_an_endpoint_has_not_is_refused_by_its_name(
    server: Server, client: scenewright.Client, endpoint: Scripted, case: str
) -> None:
    kind, how, field, message = REFUSED[case]
    with pytest.raises(scenewright.errors.ScenewrightError, match=message) as refused:
        client.generate(**{"prompt": PROMPT, "model": kind, **how})
    assert refused.value.metadata["field"] == field and not endpoint.requests


def test_where_it_is_asked_for_a_text_is_a_users_words(client: scenewright.Client, endpoint: Scripted) -> None:
    logs = {"content": [{"token": "Hm", "logprob": -0.5}]}
    endpoint.replies += [raw(STREAM, chunk(None), chunk("Hm", logprobs=logs), chunk(None, "stop")), speaking("{}")]
    found = client.generate(PROMPT, model="chatty", sampling=types.Sampling(stop=("!",)), include_tokens=True)
    assert found.text == "Hm" and [token.token for token in found.sequences[0].tokens] == ["Hm"]
    client.generate(PROMPT, model="chatty", json_schema=SCHEMA)
    first, second = endpoint.requests
    assert first.path == "/v1/chat/completions" and "stop" not in first.body
    assert first.body["messages"] == [{"role": "user", "content": PROMPT}] and first.body["logprobs"] is True
    assert second.body["response_format"] == RESPONSE_FORMAT


TEXT_REFUSALS = {
    **{name: REFUSALS[name] for name in ("wrong key", "no model", "busy", "broken", "a page", "no JSON", "packed")},
    "a chat": (raw(STREAM, chunk("The ")), "INVALID", "expected chunks of a text completion", None),
    "half": (raw(STREAM, piece("The ")), "UNAVAILABLE", "broke off before the end", 5.0),
    "odd tokens": (raw(STREAM, piece("a", **told(["a", "b"], [-1.0]))), "INVALID", "another schema", None),
}


@pytest.mark.parametrize("case", TEXT_REFUSALS)
def test_what_goes_wrong_there_is_told(client: scenewright.Client, endpoint: Scripted, case: str) -> None:
    reply, reason, message, retry_s = TEXT_REFUSALS[case]
    for ask in (client.generate, lambda prompt: list(client.generate_stream(prompt))):
        endpoint.replies += [reply]
        with pytest.raises(scenewright.errors.ScenewrightError, match=message) as refused:
            ask(PROMPT)
        assert refused.value.reason == f"ENDPOINT_{reason}" and refused.value.retry_after_s == retry_s


def test_who_leaves_closes_the_connections(client: scenewright.Client, server: Server, endpoint: Scripted) -> None:
    hung = silent(STREAM, piece(" a"))
    endpoint.replies += [hung]
    stream = client.generate_stream(PROMPT)
    next(stream)
    stream.close()
    assert endpoint.left.acquire(timeout=WAIT_S)
    endpoint.replies += [hung, hung]
    with pytest.raises(scenewright.errors.DeadlineError):
        client.generate(PROMPT, sampling=WARM, num_return_sequences=2, timeout_s=1.0)
    assert endpoint.left.acquire(timeout=WAIT_S) and endpoint.left.acquire(timeout=WAIT_S)
    while server.models.get("vllm").engine.n_inside:
        client.model()


def test_every_kind_says_that_it_generates(client: scenewright.Client) -> None:
    assert all("generate" in client.model(kind).capabilities for kind in (*KINDS, "chatty"))


def test_ways_to_go_on_are_named_in_full(tmp_path: Path) -> None:
    with pytest.raises(Exception, match=r"endpoint\.texts is 'talk', must be one of completions, chat"):
        write(tmp_path / "no", "https://example.org/v1", texts="talk")
