"""Whatever is given to the SDK: an answer or an error of its tree, soon. 5,000 calls, the same ones every time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress

import hypothesis
import pytest
import scenewright
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from scenewright import aio, errors
from scenewright.errors import ScenewrightError
from scenewright_server.service.app import background_server

from tests.sdk import arguments

SLOWEST_MS = 2000
RUNS = {"describe": 600, "describe_stream": 400, "ask": 700, "ask_stream": 400, "transcribe": 650,
        "transcribe_stream": 300, "encode_audio": 300, "embed_image": 300, "embed_text": 200, "rank_labels": 200,
        "session": 300, "model": 100}  # fmt: skip
NEEDED = {"transcribe": ["audio"], "encode_audio": ["audio"], "embed_image": ["image"], "embed_text": ["texts"],
          "rank_labels": ["image", "labels"], "transcribe_stream": ["audio", "rate_hz"]}  # fmt: skip
N_CONVERSATIONS, N_SENDS, N_CLIENTS = 300, 150, 100


def fuzz(n_runs: int) -> hypothesis.settings:
    return hypothesis.settings(
        max_examples=n_runs,
        deadline=SLOWEST_MS,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture(scope="module")
def address(settings) -> Iterator[str]:
    """A server of the fake family whose answers are short."""
    limits = settings.limits.model_copy(update={"max_new_tokens": 3})
    with background_server(settings.model_copy(update={"limits": limits})) as server:
        yield server.address


@pytest.fixture(scope="module")
def client(address) -> Iterator[scenewright.Client]:
    with scenewright.Client(address, max_attempts=1) as client:
        yield client


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


def consume(result: object) -> None:
    """All of a stream; a session ends."""
    if isinstance(result, scenewright.Session):
        result.close()
    elif isinstance(result, Iterator):
        for _ in result:
            pass


def test_the_runs_are_five_thousand():
    assert RUNS.keys() == arguments.CALLS.keys()
    assert sum(RUNS.values()) + N_CONVERSATIONS + N_SENDS + N_CLIENTS == 5000


@pytest.mark.parametrize("method", arguments.CALLS)
def test_a_call_is_answered_or_refused(client, method):
    outcomes = {"answered": 0, "refused here": 0, "refused there": 0}

    @fuzz(RUNS[method])
    @given(arguments.some(arguments.CALLS[method]))
    def call(given_):
        for name in NEEDED.get(method, ()):
            given_.setdefault(name, None)
        try:
            consume(getattr(client, method)(**given_))
        except errors.DeadlineError:
            assert given_["timeout_s"] == 0
        except (errors.ServerError, errors.CancelledError, errors.UnavailableError):
            raise AssertionError("the server failed") from None
        except ScenewrightError as error:
            outcomes["refused here" if error.code is None else "refused there"] += 1
        else:
            outcomes["answered"] += 1

    call()
    assert min(outcomes["answered"], outcomes["refused here"]) > 0, outcomes


async def converse(address: str, setup: dict, sends: list) -> None:
    async with aio.Client(address, max_attempts=1) as client:
        async with client.converse(**setup) as talk:
            for name, value in sends:
                await getattr(talk, name)(value)


@pytest.mark.parametrize(("n_runs", "setup", "sends"), [
    (N_CONVERSATIONS, arguments.some(arguments.CONVERSE), st.just([])),
    (N_SENDS, st.just({}), st.lists(st.sampled_from(sorted(arguments.SENDS)).flatmap(
        lambda name: st.tuples(st.just(name), arguments.SENDS[name])), min_size=1, max_size=3)),
], ids=["setups", "sends"])  # fmt: skip
def test_a_conversation_is_held_or_refused(address, loop, n_runs, setup, sends):
    held = []

    @fuzz(n_runs)
    @given(setup, sends)
    def talk(setup, sends):
        try:
            loop.run_until_complete(converse(address, setup, sends))
        except ScenewrightError as error:
            assert not isinstance(error, (errors.ServerError, errors.DeadlineError)), error
        else:
            held.append(1)

    talk()
    assert held


@fuzz(N_CLIENTS)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "address": st.sampled_from(["localhost:1", "[::1]:7", "unix:x", "dns:///a:1"]) | arguments.THINGS,
            "tls": st.sampled_from([None, scenewright.Tls(), scenewright.Tls("/nope"), True]) | arguments.THINGS,
            "model": arguments.TEXT,
            "token": arguments.TEXT,
            "timeout_s": arguments.TIMEOUTS,
            "max_attempts": arguments.NUMBER,
        },
    )
)
def test_a_client_is_made_or_refused(given_):
    for kind in (scenewright.Client, aio.Client):
        with suppress(errors.InvalidInputError):
            kind(**given_)
