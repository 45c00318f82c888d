"""The session store by itself, under a clock that the test turns."""

import gc
import weakref

import pytest
from scenewright_server.service.sessions import SessionStore
from scenewright_server.service.status import Refused

MODEL = None  # the store only keeps it


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


class Timer:
    """The event loop's, as far as the store needs it: what is due is called when the test says so."""

    def __init__(self, clock):
        self.clock, self.due = clock, []

    def __call__(self, seconds, call):
        self.due.append((self.clock.now + seconds, call))

    def run(self):
        ready = [call for at, call in self.due if at <= self.clock.now]
        self.due = [(at, call) for at, call in self.due if at > self.clock.now]
        for call in ready:
            call()


@pytest.fixture
def timer(clock):
    return Timer(clock)


@pytest.fixture
def store(clock, timer):
    return SessionStore(2, clock, timer)


def reason(call, *arguments):
    with pytest.raises(Refused) as refused:
        call(*arguments)
    return refused.value.reason


def test_a_session_expires_when_it_is_not_used(store, clock):
    session = store.create(10, "", MODEL)
    clock.now += 9
    assert store.get(session.id, "") is session and session.expires_at == 1019
    clock.now += 9
    assert len(store) == 1
    clock.now += 1
    assert reason(store.get, session.id, "") == "SESSION_EXPIRED"
    assert len(store) == 0


def test_an_expired_session_leaves_room(store, clock):
    store.create(10, "", MODEL), store.create(20, "", MODEL)
    assert reason(store.create, 10, "", MODEL) == "TOO_MANY_SESSIONS"
    clock.now += 10
    store.create(10, "", MODEL)


def test_the_memory_of_the_expired_is_bounded(store, clock):
    ids = []
    for _ in range(3):
        ids.append(store.create(10, "", MODEL).id)
        clock.now += 10
    assert [reason(store.get, id, "") for id in ids] == [
        "SESSION_NOT_FOUND",
        "SESSION_EXPIRED",
        "SESSION_EXPIRED",
    ]


async def test_a_session_in_use_does_not_expire(store, clock):
    session = store.create(10, "", MODEL)
    with store.use(session.id, "") as used:
        clock.now += 100
        assert used is session and len(store) == 1
        assert reason(store.use(session.id, "").__enter__) == "SESSION_BUSY"
    assert session.expires_at == clock.now + 10


def test_an_idle_session_is_freed_by_the_clock(store, clock, timer):
    """Nobody looks: what the session held goes all the same, however often it was used before."""
    session = store.create(10, "", MODEL)
    held = weakref.ref(session)
    clock.now += 9
    store.get(session.id, "")
    del session
    clock.now += 2
    timer.run()
    gc.collect()
    assert held() is not None, "it was used nine seconds later"
    clock.now += 9
    timer.run()
    gc.collect()
    assert held() is None and not timer.due
