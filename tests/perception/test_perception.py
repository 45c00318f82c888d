"""Seeing and hearing beside the decoder: once for the same content, together where that pays, not for nobody."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import numpy as np
import pytest
from scenewright_server.families.family import ModelError, Turn
from scenewright_server.perception.perception import N_KEPT, Perception, PerceptionThreads

from tests.fake import FakeFamily


@pytest.fixture
def threads() -> Iterator[PerceptionThreads]:
    threads = PerceptionThreads()
    yield threads
    threads.close()


@pytest.fixture
def family() -> FakeFamily:
    return FakeFamily()


def frame(k: int) -> np.ndarray:
    return np.full((16, 16, 3), k, np.uint8)


class Held:
    """Keeps the thread of the senses until it may go on."""

    def __init__(self, threads: PerceptionThreads) -> None:
        self.may_go_on = threading.Event()
        self._work = threads.senses.submit(self.may_go_on.wait, 60)

    def go_on(self) -> None:
        self.may_go_on.set()


async def begun(perception: Perception, *works) -> list[asyncio.Task]:
    tasks = [asyncio.create_task(work) for work in works]
    await asyncio.sleep(0)
    return tasks


async def test_the_same_content_is_looked_at_and_heard_once(family, threads) -> None:
    perception = Perception(family, threads)
    clip = np.full(16_000, 0.5, np.float32)
    seen = [await perception.see(frame(1).copy()) for _ in range(3)]
    heard = await asyncio.gather(*(perception.hear(clip.copy()) for _ in range(3)))
    assert seen[0] is seen[1] is seen[2] and heard[0] is heard[1] is heard[2]
    assert family.n_seen == [1] and family.n_heard == 1
    await perception.see(frame(2))
    assert family.n_seen == [1, 1] and perception.n_inside == 0


async def test_what_was_used_longest_ago_is_forgotten(family, threads) -> None:
    perception = Perception(family, threads)
    await perception.see(frame(0))
    for k in range(1, N_KEPT):
        await perception.embed_text([str(k)])
    await perception.see(frame(0))
    await perception.embed_text(["one more"])
    await perception.see(frame(0))
    assert family.n_seen == [1]
    for k in range(N_KEPT):
        await perception.embed_text([f"again {k}"])
    await perception.see(frame(0))
    assert family.n_seen == [1, 1]


async def test_frames_that_wait_are_seen_together_and_each_gets_its_own(family, threads) -> None:
    perception = Perception(family, threads)
    held = Held(threads)
    tasks = await begun(perception, *(perception.see(frame(k)) for k in range(6)))
    held.go_on()
    seen = await asyncio.gather(*tasks)
    assert family.n_seen == [4, 2], "four pay together"
    for k, detections in enumerate(seen):
        assert np.array_equal(detections.boxes, family.see([frame(k)])[0].boxes)


async def test_work_that_nobody_waits_for_is_not_begun_and_shared_work_goes_on(family, threads) -> None:
    perception = Perception(family, threads)
    held = Held(threads)
    clip = np.full(8_000, 0.5, np.float32)
    one, two, three = await begun(perception, perception.hear(clip), perception.see(frame(1)), perception.see(frame(1)))
    one.cancel(), two.cancel()
    await asyncio.wait([one, two])
    held.go_on()
    assert len(await three) == 2
    assert family.n_heard == 0 and family.n_seen == [1] and perception.n_inside == 0


async def test_too_much_is_refused_with_numbers(family, threads) -> None:
    perception = Perception(family, threads, capacity=2)
    held = Held(threads)
    tasks = await begun(perception, perception.see(frame(1)), perception.see(frame(2)))
    with pytest.raises(ModelError, match="2 pieces of work, 2 is its bound") as caught:
        await perception.see(frame(3))
    assert caught.value.reason == "OVERLOADED"
    again = await begun(perception, perception.see(frame(1)))  # shares what is under way
    held.go_on()
    await asyncio.gather(*tasks, *again)


async def test_a_failure_is_told_to_all_who_wait_and_not_kept(family, threads, monkeypatch) -> None:
    perception = Perception(family, threads)
    monkeypatch.setattr(family, "_see", lambda frame: 1 / 0)
    failed = await asyncio.gather(*(perception.see(frame(1)) for _ in range(2)), return_exceptions=True)
    assert [type(error) for error in failed] == [ZeroDivisionError] * 2
    monkeypatch.undo()
    assert len(await perception.see(frame(1))) == 2


async def test_scripts_are_opened_while_a_picture_is_looked_at(family, threads) -> None:
    perception = Perception(family, threads)
    held = Held(threads)
    script = await perception.open(Turn("ask", question="red"), None)
    assert script.begin().next is not None
    held.go_on()


async def test_who_asks_while_the_same_work_is_being_cancelled_is_answered(family, threads) -> None:
    """The last words of a turn are heard in the very moment in which its caption is given up."""
    perception, held = Perception(family, threads), Held(threads)
    clip = np.full(16_000, 0.5, np.float32)
    (caption,) = await begun(perception, perception.hear(clip))
    caption.cancel()
    last = asyncio.create_task(perception.hear(clip.copy()))  # its first step comes right behind the cancellation
    await asyncio.sleep(0)
    assert caption.cancelled()
    held.go_on()
    assert (await asyncio.wait_for(last, 60)).text and family.n_heard == 1 and perception.n_inside == 0
