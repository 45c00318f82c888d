from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import aclosing

import pytest
from scenewright_server.engine.compute import AsyncEngine, ComputeThread
from scenewright_server.engine.engine import Engine
from scenewright_server.engine.request import Done, Sampling
from scenewright_server.engine.session import Session
from scenewright_server.families.family import FinishReason, ModelError, Turn

from tests.engine.test_engine import graph
from tests.fake import FakeFamily, FakeMemory, FakeScript
from tests.oracle import finish, text_of

LONG = Sampling(max_new_tokens=80, temperature=3.0, seed=0)


@pytest.fixture
def compute() -> Iterator[ComputeThread]:
    compute = ComputeThread()
    yield compute
    compute.close()


@pytest.fixture
def engine(fake: FakeFamily, compute: ComputeThread) -> AsyncEngine:
    return AsyncEngine(fake.decoder, compute, n_slots=2, n_waiting=2)


def script(fake: FakeFamily, k: int = 0) -> FakeScript:
    return fake.open(Turn("describe", None, graph(f"thing {k}"), max_new_tokens=80))


async def answer(engine: AsyncEngine, script: FakeScript) -> list:
    return [event async for event in engine.run(script, LONG).events()]


class Held(FakeScript):
    """A script that holds the compute thread in `begin` until it may go on."""

    def __init__(self, fake: FakeFamily) -> None:
        super().__init__(fake, Turn("describe", None, graph("thing"), max_new_tokens=80), FakeMemory())
        self.began, self.may_go_on = threading.Event(), threading.Event()

    def begin(self):
        self.began.set()
        assert self.may_go_on.wait(60)
        return super().begin()


async def test_concurrent_answers_equal_those_given_alone(fake, engine) -> None:
    answers = await asyncio.gather(*(answer(engine, script(fake, k)) for k in range(4)))
    for k, events in enumerate(answers):
        [(_, alone)] = finish(Engine(fake.decoder), script(fake, k), sampling=LONG)
        assert text_of(events) == text_of(alone)
        assert isinstance(events[-1], Done) and events[-1].usage == alone[-1].usage
    assert engine.n_inside == 0


async def test_two_engines_share_one_thread_and_both_answer(fake, compute, engine) -> None:
    other = FakeFamily("other", n_ctx=200)
    second = AsyncEngine(other.decoder, compute)
    before = threading.active_count()
    answers = await asyncio.gather(*(answer(e, script(f)) for f, e in ((fake, engine), (other, second))))
    assert threading.active_count() == before
    assert [isinstance(events[-1], Done) for events in answers] == [True, True]


async def test_a_full_engine_refuses_with_numbers_and_serves_again_later(fake, engine) -> None:
    held = Held(fake)
    tasks = [asyncio.create_task(answer(engine, s)) for s in (held, *(script(fake, k) for k in range(3)))]
    await asyncio.to_thread(held.began.wait, 60)
    assert engine.n_inside == 4
    with pytest.raises(ModelError, match="4 requests, 4 is its bound") as caught:
        await answer(engine, script(fake))
    assert caught.value.reason == "OVERLOADED"
    held.may_go_on.set()  # the event loop lived while the thread was held
    await asyncio.gather(*tasks)
    assert isinstance((await answer(engine, script(fake)))[-1], Done)


async def test_leaving_the_stream_cancels_the_script(fake, engine) -> None:
    session = Session()
    async with aclosing(engine.run(script(fake), LONG, session).events()) as events:
        async for _ in events:
            break
    assert engine.n_inside == 0
    await answer(engine, script(fake, 1))  # by its end the thread has seen that the other was left
    assert not session.busy


async def test_cancelling_ends_with_done_and_tells_what_it_cost(fake, engine) -> None:
    run = engine.run(script(fake), LONG)
    events = []
    async for event in run.events():
        events.append(event)
        if len(events) == 5:
            run.cancel()
            assert 0 < run.usage.generated < 80 and run.usage.given["scene"] == 2
    assert isinstance(events[-1], Done) and events[-1].reason is FinishReason.CANCELLED


async def test_cancelling_the_task_cancels_the_script_and_nobody_else(fake, engine) -> None:
    held = Held(fake)
    doomed = asyncio.create_task(answer(engine, held))
    other = asyncio.create_task(answer(engine, script(fake, 2)))
    await asyncio.to_thread(held.began.wait, 60)
    doomed.cancel()
    with pytest.raises(asyncio.CancelledError):
        await doomed
    held.may_go_on.set()
    assert isinstance((await other)[-1], Done)
    assert engine.n_inside == 0


async def test_a_failed_script_raises_its_error(fake, engine) -> None:
    broken = script(fake)
    broken.mask = lambda logits: 1 / 0
    with pytest.raises(ZeroDivisionError):
        await answer(engine, broken)
    assert isinstance((await answer(engine, script(fake)))[-1], Done)


async def test_closing_fails_what_is_inside_and_what_comes_after(fake) -> None:
    compute = ComputeThread()
    engine = AsyncEngine(fake.decoder, compute, n_slots=1, n_waiting=3)
    held = Held(fake)
    tasks = [asyncio.create_task(answer(engine, s)) for s in (held, script(fake), script(fake))]
    await asyncio.to_thread(held.began.wait, 60)
    closing = asyncio.create_task(asyncio.to_thread(compute.close))
    while not compute.closed:
        await asyncio.sleep(0)
    held.may_go_on.set()
    await closing
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [getattr(outcome, "reason", "") for outcome in outcomes[1:]] == ["SHUTTING_DOWN"] * 2
    with pytest.raises(ModelError, match="shut down"):
        await answer(engine, script(fake))
    await asyncio.to_thread(compute.close)  # again is harmless
