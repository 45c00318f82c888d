from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import aclosing

import pytest
from scenewright_server.engine.async_engine import AsyncEngine
from scenewright_server.engine.engine import Engine
from scenewright_server.engine.request import Done, EngineError, Request, Sampling
from scenewright_server.engine.session import Session
from scenewright_server.families.diorama.fusion import FusedModel

from tests.engine.oracle import detections, finish, graph, text_of

LONG = Sampling(max_new_tokens=80, temperature=3.0, seed=0)


@pytest.fixture
def engine(model: FusedModel) -> Iterator[AsyncEngine]:
    engine = AsyncEngine(model, n_slots=2, n_waiting=2, n_threads=1)
    yield engine
    engine.close()


async def answer(engine: AsyncEngine, request: Request) -> list:
    return [event async for event in engine.generate(request)]


async def until(condition, timeout_s: float = 5.0) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end
        await asyncio.sleep(0.001)


async def test_concurrent_answers_equal_those_given_alone(engine, model) -> None:
    requests = [Request("describe", detections(seed), sampling=LONG) for seed in range(4)]
    answers = await asyncio.gather(*(answer(engine, request) for request in requests))
    for request, events in zip(requests, answers, strict=True):
        [(_, alone)] = finish(Engine(model), request)
        assert text_of(events) == text_of(alone)
        assert isinstance(events[-1], Done) and events[-1].usage == alone[-1].usage
    assert engine.n_inside == 0


async def test_a_full_engine_refuses_with_numbers_and_serves_again_later(engine) -> None:
    gate = threading.Event()
    jobs = [asyncio.create_task(engine.run(lambda _: gate.wait(5))) for _ in range(4)]
    await until(lambda: engine.n_inside == 4)
    for refused in (answer(engine, Request("describe", sampling=LONG)), engine.run(lambda _: None)):
        with pytest.raises(EngineError, match="4 requests, 4 is its bound") as caught:
            await refused
        assert caught.value.reason == "OVERLOADED"
    gate.set()
    assert await asyncio.gather(*jobs) == [True] * 4
    assert isinstance((await answer(engine, Request("describe", sampling=LONG)))[-1], Done)


async def test_leaving_the_stream_cancels_the_request(engine) -> None:
    session = Session()
    async with aclosing(engine.generate(Request("describe", detections(1), sampling=LONG, session=session))) as events:
        async for _ in events:
            break
    assert await engine.run(lambda e: (e.step(), e.has_work)[1]) is False
    assert session.n_turns == 0 and not session.busy and engine.n_inside == 0


async def test_cancelling_the_task_cancels_the_request_and_nobody_else(engine) -> None:
    doomed = asyncio.create_task(answer(engine, Request("describe", detections(1), sampling=LONG)))
    other = asyncio.create_task(answer(engine, Request("describe", detections(2), sampling=LONG)))
    await until(lambda: engine.n_inside == 2)
    doomed.cancel()
    with pytest.raises(asyncio.CancelledError):
        await doomed
    assert isinstance((await other)[-1], Done)
    assert engine.n_inside == 0


async def test_jobs_run_on_the_engines_thread_and_their_errors_come_back(engine) -> None:
    assert await engine.run(lambda _: threading.current_thread().name) == "engine"
    with pytest.raises(ZeroDivisionError):
        await engine.run(lambda _: 1 / 0)
    assert (await engine.run(lambda e: e.embed_text(["a mug"]))).shape == (1, 16)


async def test_a_failed_request_raises_its_error(engine) -> None:
    with pytest.raises(EngineError) as caught:
        await answer(engine, Request("describe", None, graph(*["a very long label of an object"] * 12)))
    assert caught.value.reason == "CONTEXT_FULL"
    assert isinstance((await answer(engine, Request("describe", sampling=LONG)))[-1], Done)


async def test_the_event_loop_does_not_wait_for_the_model(engine) -> None:
    started, may_end = threading.Event(), threading.Event()

    def work(_: object) -> bool:
        started.set()
        return may_end.wait(60)

    job = asyncio.create_task(engine.run(work))
    await asyncio.to_thread(started.wait, 60)
    assert not job.done()
    may_end.set()  # the loop lives while the engine's thread is held
    assert await job


async def test_closing_fails_what_is_inside_and_what_comes_after(model) -> None:
    engine = AsyncEngine(model, n_slots=1, n_waiting=3)
    tasks = [asyncio.create_task(answer(engine, Request("describe", sampling=LONG))) for _ in range(3)]
    await until(lambda: engine.n_inside == 3)
    await asyncio.to_thread(engine.close)
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        assert isinstance(outcome, list) or (isinstance(outcome, EngineError) and outcome.reason == "SHUTTING_DOWN")
    with pytest.raises(EngineError) as caught:
        await engine.run(lambda _: None)
    assert caught.value.reason == "SHUTTING_DOWN"
    await asyncio.to_thread(engine.close)  # again is harmless
