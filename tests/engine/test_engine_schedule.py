from __future__ import annotations

from scenewright_server.engine.engine import Engine
from scenewright_server.engine.request import Done, FinishReason, Request, Sampling
from scenewright_server.engine.session import Session
from scenewright_server.families.diorama.fusion import FusedModel

from tests.engine.oracle import detections, finish

LONG = Sampling(max_new_tokens=60, temperature=3.0, seed=0)


def describe(seed: int, **more) -> Request:
    return Request("describe", detections(seed), sampling=LONG, **more)


def test_running_sequences_get_on_together(model: FusedModel) -> None:
    engine = Engine(model, n_slots=3)
    runs = [engine.add(describe(seed)) for seed in range(3)]
    for _ in runs:
        engine.step()  # what each is told is in its ids with its prefill
    for _ in range(5):
        before = [len(run.ids) for run in runs]
        engine.step()
        assert all(len(run.ids) > n for run, n in zip(runs, before, strict=True))


def test_interleaved_sequences_say_what_they_would_alone(model: FusedModel) -> None:
    together = finish(Engine(model, n_slots=2), *(describe(seed) for seed in range(4)))
    for seed, (run, _) in enumerate(together):
        [(alone, _)] = finish(Engine(model), describe(seed))
        assert run.ids == alone.ids


def test_slots_bound_what_runs_and_the_queue_is_fair(model: FusedModel) -> None:
    engine = Engine(model, n_slots=2)
    runs = [engine.add(describe(seed)) for seed in range(4)]
    for _ in range(10):
        engine.step()
    assert [bool(run.ids) for run in runs] == [True, True, False, False]
    ended = []
    while engine.has_work:
        ended += [runs.index(run) for run, event in engine.step() if isinstance(event, Done)]
        assert len(engine.scheduler.running) <= 2
    assert set(ended[:2]) == {0, 1} and sorted(ended) == [0, 1, 2, 3]


def test_cancelling_frees_the_slot_within_one_step(model: FusedModel) -> None:
    engine = Engine(model, n_slots=1)
    first, second, third = (engine.add(describe(seed)) for seed in range(3))
    engine.step()
    n_said = len(first.ids)
    first.cancelled = second.cancelled = True
    events = engine.step()
    reasons = [(run, event.reason) for run, event in events if isinstance(event, Done)]
    assert reasons == [(first, FinishReason.CANCELLED), (second, FinishReason.CANCELLED)]
    assert third.ids  # it ran in the very same step
    assert len(first.ids) == n_said > 0 and not second.ids


def test_turns_of_one_session_follow_one_another_and_hold_nobody_up(model: FusedModel) -> None:
    engine, session = Engine(model, n_slots=2), Session()
    first, second = (engine.add(describe(seed, session=session)) for seed in range(2))
    other = engine.add(describe(2))
    for _ in range(6):
        engine.step()
    assert first.ids and other.ids and not second.ids
    second.cancelled = True  # it never ran: the session stays busy with the first
    engine.step()
    assert session.busy
    while engine.has_work:
        engine.step()
    assert session.n_turns == 1 and not session.busy
