from __future__ import annotations

from scenewright_server.engine.engine import Engine
from scenewright_server.engine.request import Done, Sampling
from scenewright_server.engine.session import Session
from scenewright_server.families.family import FinishReason, Turn

from tests.engine.test_engine import graph
from tests.fake import FakeFamily, FakeScript
from tests.oracle import finish, naive

LONG = Sampling(max_new_tokens=60, temperature=3.0, seed=0)


def script(fake: FakeFamily, k: int) -> FakeScript:
    return fake.open(Turn("describe", None, graph(f"thing {k}"), max_new_tokens=60))


def test_running_sequences_get_on_together(fake: FakeFamily) -> None:
    engine = Engine(fake.decoder, n_slots=3)
    runs = [engine.add(script(fake, k), LONG) for k in range(3)]
    for _ in runs:
        engine.step()  # what each is forced to say is in its ids with its prefill
    for _ in range(5):
        before = [len(run.ids) for run in runs]
        engine.step()
        assert all(len(run.ids) > n for run, n in zip(runs, before, strict=True))


def test_interleaved_sequences_say_what_they_would_alone(fake: FakeFamily) -> None:
    together = finish(Engine(fake.decoder, n_slots=2), *(script(fake, k) for k in range(4)), sampling=LONG)
    for k, (run, _) in enumerate(together):
        [(alone, _)] = finish(Engine(fake.decoder), script(fake, k), sampling=LONG)
        assert run.ids == alone.ids


def test_slots_bound_what_runs_and_the_queue_is_fair(fake: FakeFamily) -> None:
    engine = Engine(fake.decoder, n_slots=2)
    runs = [engine.add(script(fake, k), LONG) for k in range(4)]
    for _ in range(10):
        engine.step()
    assert [bool(run.ids) for run in runs] == [True, True, False, False]
    ended = []
    while engine.has_work:
        ended += [runs.index(run) for run, event in engine.step() if isinstance(event, Done)]
        assert len(engine.scheduler.running) <= 2
    assert set(ended[:2]) == {0, 1} and sorted(ended) == [0, 1, 2, 3]


def test_cancelling_frees_the_slot_within_one_step(fake: FakeFamily) -> None:
    engine = Engine(fake.decoder, n_slots=1)
    first, second, third = (engine.add(script(fake, k), LONG) for k in range(3))
    engine.step()
    n_said = len(first.ids)
    first.cancelled = second.cancelled = True
    events = engine.step()
    reasons = [(run, event.reason) for run, event in events if isinstance(event, Done)]
    assert reasons == [(first, FinishReason.CANCELLED), (second, FinishReason.CANCELLED)]
    assert third.ids  # it ran in the very same step
    assert len(first.ids) == n_said > 0 and not second.ids


def test_turns_of_one_session_follow_one_another_and_hold_nobody_up(fake: FakeFamily) -> None:
    engine, session = Engine(fake.decoder, n_slots=2), Session()
    first, second = (engine.add(script(fake, k), LONG, session) for k in range(2))
    other = engine.add(script(fake, 2), LONG)
    for _ in range(6):
        engine.step()
    assert first.ids and other.ids and not second.ids
    second.cancelled = True  # it never ran: the session stays busy with the first
    engine.step()
    assert session.busy
    while engine.has_work:
        engine.step()
    assert not session.busy


def test_a_long_prefill_takes_turns_with_all_others_and_can_be_cancelled(fake: FakeFamily) -> None:
    engine, session = Engine(fake.decoder, n_slots=4, n_prefill=4), Session()
    running = engine.add(script(fake, 0), LONG)
    while not running.ids:
        engine.step()
    question = " ".join(["where is the red mug"] * 40)
    turn = Turn("ask", None, (), question, max_new_tokens=40)
    long = engine.add(fake.open(turn), LONG, session)
    for _ in range(3):
        n_said = len(running.ids)
        engine.step()
        assert len(running.ids) > n_said and not long.ids
    newcomer = engine.add(script(fake, 1), LONG)
    while not newcomer.ids:
        engine.step()
    assert not long.ids
    long.cancelled = True
    events = engine.step()
    assert [event.reason for run, event in events if run is long] == [FinishReason.CANCELLED]
    again = engine.add(fake.open(turn), LONG, session)  # goes on where the other stopped
    while engine.has_work:
        engine.step()
    assert again.ids == naive(fake.decoder, fake.open(turn), LONG) and again.usage.cached >= 12
