"""Scripts whose decoder is an endpoint: forms that are asked for again, cancelling, several passes, and their cost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import aclosing
from typing import Any

import pytest
from scenewright_server.engine.remote import RemoteEngine, RemoteRun, share
from scenewright_server.engine.request import Done, Event, Sampling, Started
from scenewright_server.families.chat.client import OpenAIClient
from scenewright_server.families.endpoint import Completion, Form, Piece
from scenewright_server.families.family import FinishReason, ModelError, Outcome, TextDelta
from scenewright_server.importers.endpoint import read_endpoint

from tests.families.chat.openai_server import STREAM, Scripted, chunk, scripted, silent, speaking

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
MESSAGES = (("system", "Count."), ("user", "How many?"))


def fault(text: str) -> str:
    return "" if text.startswith("count ") else f"{text!r} does not begin with 'count '"


class TwoPasses:
    """See `families.endpoint.TextScript`: a plan, which must be of a form, and then free words."""

    confidence = 0.5

    def __init__(self, form: Form) -> None:
        self._form: Form | None = form

    def begin(self) -> Outcome:
        return Outcome(next=Completion(MESSAGES, (("text", 3), ("scene", 1)), 20, self._form))

    def take(self, token: int, probability: float) -> Outcome:
        raise AssertionError

    def take_text(self, piece: Piece) -> Outcome:
        if self._form is None:
            return Outcome((TextDelta(piece.text),))
        self._form = None
        told = (*MESSAGES, ("assistant", piece.text))
        return Outcome((TextDelta("So: "),), Completion(told, (("text", 4),), 20))

    def end_pass(self) -> Outcome:
        return Outcome(over=FinishReason.STOP)

    def finish(self) -> list[TextDelta]:
        return [TextDelta("!")]

    def memory(self, n_chars: int | None = None) -> Any:
        return None


@pytest.fixture
def endpoint() -> Iterator[Scripted]:
    with scripted() as server:
        yield server


def engine(endpoint: Scripted, server: str = "plain") -> RemoteEngine:
    return RemoteEngine(OpenAIClient(read_endpoint(endpoint.url, "big", server=server).config, 512))


async def finish(engine: RemoteEngine, form: Form, temperature: float = 0.0) -> tuple[RemoteRun, list[Event]]:
    run = engine.run(TwoPasses(form), Sampling(temperature=temperature))
    events = []
    async with aclosing(run.events()) as told:
        async for event in told:
            events.append(event)
    await engine.close()
    return run, events


async def test_a_plan_is_checked_asked_for_again_and_followed(endpoint: Scripted) -> None:
    usage = {"prompt_tokens": 40, "completion_tokens": 5}
    endpoint.replies += [speaking("I think"), speaking("count ", "chair"), speaking("Two", " chairs", usage=usage)]
    run, events = await finish(engine(endpoint), Form(fault, "root ::= x"), 0.7)
    assert isinstance(events[0], Started) and isinstance(done := events[-1], Done)
    assert [event.text for event in events if isinstance(event, TextDelta)] == ["So: ", "Two", " chairs", "!"]
    assert (done.reason, done.confidence, done.usage) == (FinishReason.STOP, 0.5, run.usage)
    assert (done.usage.given, done.usage.generated) == ({"text": 40}, 1 + 2 + 5)
    assert 0 < done.timings.first_token <= done.timings.total
    first, again, free = (request.body for request in endpoint.requests)
    assert again["messages"][:2] == first["messages"]
    assert [message["role"] for message in again["messages"][2:]] == ["assistant", "user"]
    assert "does not begin with" in again["messages"][3]["content"]
    assert (first["temperature"], free["temperature"]) == (0.0, 0.7)  # a plan is the likeliest one
    assert not {"grammar", "response_format"} & first.keys()  # of which a plain server knows nothing


async def test_what_is_never_of_the_form_is_an_error(endpoint: Scripted) -> None:
    endpoint.replies += [speaking("no")] * 3
    with pytest.raises(ModelError, match="asked 3 times: 'no' does not begin with 'count '") as error:
        await finish(engine(endpoint), Form(fault))
    assert error.value.reason == "ENDPOINT_INVALID" and len(endpoint.requests) == 3


@pytest.mark.parametrize(
    ("server", "wanted"),
    [
        ("vllm", {"structured_outputs": {"grammar": "root ::= x"}}),
        ("sglang", {"ebnf": "root ::= x"}),
        ("llama.cpp", {"grammar": "root ::= x"}),
        ("llama-cpp-python", {"grammar": "root ::= x"}),
        ("openai", {"max_completion_tokens": 20}),
        ("ollama", {}),
    ],
)
async def test_a_grammar_is_sent_as_the_server_takes_it(
    endpoint: Scripted, server: str, wanted: dict[str, Any]
) -> None:
    endpoint.replies += [speaking("count chair"), speaking("Two.")]
    await finish(engine(endpoint, server), Form(fault, "root ::= x"))
    asked = endpoint.requests[0].body
    assert {name: asked.get(name) for name in wanted} == wanted
    assert ("root ::=" in json.dumps(asked)) == ("root ::=" in json.dumps(wanted))


async def test_a_schema_is_sent_where_the_server_takes_one(endpoint: Scripted) -> None:
    endpoint.replies += [speaking("count chair"), speaking("Two.")]
    await finish(engine(endpoint, "ollama"), Form(fault, "root ::= x", SCHEMA))
    asked = endpoint.requests[0].body["response_format"]
    assert asked["type"] == "json_schema" and asked["json_schema"]["schema"] == SCHEMA
    assert "response_format" not in endpoint.requests[1].body


async def test_cancelling_closes_the_connection_and_ends_with_done(endpoint: Scripted) -> None:
    endpoint.replies += [speaking("count chair"), silent(STREAM, chunk("Two"))]
    remote = engine(endpoint)
    run = remote.run(TwoPasses(Form(fault)), Sampling())
    events: list[Event] = []
    async with aclosing(run.events()) as told:
        async for event in told:
            events.append(event)
            if event == TextDelta("Two"):
                run.cancel()
    assert isinstance(done := events[-1], Done) and done.reason is FinishReason.CANCELLED
    assert endpoint.left.acquire(timeout=20) and remote.n_inside == 0
    await remote.close()


async def test_what_was_cancelled_before_it_began_asks_nobody(endpoint: Scripted) -> None:
    remote = engine(endpoint)
    run = remote.run(TwoPasses(Form(fault)), Sampling())
    run.cancel()
    events = [event async for event in run.events()]
    assert [event.reason for event in events if isinstance(event, Done)] == [FinishReason.CANCELLED]
    assert not endpoint.requests and remote.n_inside == 0


@pytest.mark.parametrize("n", [0, 1, 7, 100, 12_345])
def test_tokens_are_shared_among_kinds_and_none_is_lost(n: int) -> None:
    counts = (("text", 8), ("scene", 300), ("past", 20), ("scene", 41), ("audio", 3))
    given = share(n, counts)
    assert sum(given.values()) == (n or 372) and all(value >= 0 for value in given.values())
    assert given["scene"] == pytest.approx((n or 372) * 341 / 372, abs=2)
