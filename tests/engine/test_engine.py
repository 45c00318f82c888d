"""What the engine gives is what the slow way gives: caches, sessions and passes change nothing but the time."""

from __future__ import annotations

from dataclasses import replace

import pytest
from scenewright_server.engine.engine import Engine
from scenewright_server.engine.request import Done, Failed, Sampling, Started
from scenewright_server.engine.session import Session
from scenewright_server.families.family import FinishReason, Heard, Mention, Turn
from scenewright_server.scene.entries import GraphObject

from tests.fake import NO_SPEECH_TEXT, FakeFamily, FakeMemory, FakeScript
from tests.oracle import finish, naive, text_of

GREEDY = Sampling(max_new_tokens=24)
SAMPLED = Sampling(max_new_tokens=24, temperature=1.3, top_k=9, top_p=0.95, repetition_penalty=1.2, seed=7)


def graph(*labels: str) -> tuple[GraphObject, ...]:
    return tuple(GraphObject(f"o{k}", label, (k - 1.0, 0.5, 2.0), (1, 1, 1)) for k, label in enumerate(labels))


GOBLIN = graph("goblin king", "red mug")
TURNS = {
    "describe": Turn("describe", None, GOBLIN, max_new_tokens=24),
    "ask": Turn("ask", None, GOBLIN, "where is the red one", max_new_tokens=24),
    "voice": Turn("ask", None, GOBLIN, Heard("red chair", 0.9), max_new_tokens=24),
    "two passes": Turn("ask", None, GOBLIN, "plan the red mug", max_new_tokens=24),
    "nothing": Turn("ask", None, (), "hello", max_new_tokens=24),
}


@pytest.mark.parametrize("n_prefill", [512, 3])
@pytest.mark.parametrize("sampling", [GREEDY, SAMPLED], ids=["greedy", "sampled"])
@pytest.mark.parametrize("name", TURNS)
def test_cached_generation_equals_the_naive_one(
    fake: FakeFamily, name: str, sampling: Sampling, n_prefill: int
) -> None:
    turn = TURNS[name]
    [(run, events)] = finish(Engine(fake.decoder, n_prefill=n_prefill), fake.open(turn), sampling=sampling)
    ids = naive(fake.decoder, fake.open(turn), sampling)
    assert run.ids == ids[-len(run.ids) :] and run.n_generated == len(ids) >= 24
    assert isinstance(events[0], Started)
    done = events[-1]
    assert isinstance(done, Done) and done.reason is FinishReason.TOKEN_LIMIT
    assert done.usage.generated == len(ids) and done.usage.given["scene"] == 1 + len(turn.graph)
    assert 0 <= done.timings.queue <= done.timings.first_token <= done.timings.total
    mentioned = [event.label for event in events if isinstance(event, Mention)]
    assert mentioned == {"describe": ["goblin king", "red mug"], "nothing": []}.get(name, ["red mug"])


def test_a_later_turn_runs_only_its_own_tokens_and_equals_the_naive_dialogue(fake: FakeFamily) -> None:
    engine, session, memory = Engine(fake.decoder), Session(), FakeMemory()
    finish(engine, fake.open(TURNS["ask"]), sampling=GREEDY)  # another's, with the same scene
    for k, question in enumerate(["where is the mug", "what colour is it", "and the lamp"]):
        turn = Turn("ask", None, GOBLIN, question, max_new_tokens=24)
        script = fake.open(turn, memory)
        [(run, events)] = finish(engine, script, sampling=GREEDY, session=session)
        assert run.ids == naive(fake.decoder, fake.open(turn, memory), GREEDY)
        # The last token of a turn has never been an input: it is run with the next turn.
        n_scene = 1 + len(GOBLIN)
        assert events[-1].usage.cached == (n_scene + memory.n_positions - 1 if k else 0)
        memory = script.memory()
    assert memory.n_turns == 3


def test_another_scene_is_put_before_the_old_dialogue(fake: FakeFamily) -> None:
    engine, session = Engine(fake.decoder), Session()
    first = fake.open(TURNS["ask"])
    finish(engine, first, sampling=GREEDY, session=session)
    other = Turn("ask", None, graph("red lamp"), "and now", max_new_tokens=24)
    [(run, events)] = finish(engine, fake.open(other, first.memory()), sampling=GREEDY, session=session)
    assert run.ids == naive(fake.decoder, fake.open(other, first.memory()), GREEDY)
    assert events[-1].usage.cached == 0


def test_the_oldest_turns_are_dropped_when_the_context_is_short() -> None:
    short = FakeFamily(n_ctx=100)
    engine, session, memory = Engine(short.decoder), Session(), FakeMemory()
    for k in range(6):
        turn = Turn("ask", None, GOBLIN, f"question {k}", max_new_tokens=24)
        script = short.open(turn, memory)
        [(run, events)] = finish(engine, script, sampling=GREEDY, session=session)
        assert run.ids == naive(short.decoder, short.open(turn, memory), GREEDY)
        assert events[-1].usage.cached >= (1 + len(GOBLIN) if k else 0)
        memory = script.memory()
    assert memory.n_turns == 3


def test_what_is_forgotten_is_run_again(fake: FakeFamily) -> None:
    """With room for one idle cache, of two dialogues in turns neither finds anything and both answer as they would."""
    engine = Engine(fake.decoder, kv_bytes=1)
    sessions, memories = [Session(), Session()], [FakeMemory(), FakeMemory()]
    for question in ("where is it", "red", "and blue"):
        for i in range(2):
            turn = Turn("ask", None, GOBLIN, f"{question} {i}", max_new_tokens=24)
            script = fake.open(turn, memories[i])
            [(run, events)] = finish(engine, script, sampling=GREEDY, session=sessions[i])
            assert run.ids == naive(fake.decoder, fake.open(turn, memories[i]), GREEDY)
            assert events[-1].usage.cached == 0
            memories[i] = script.memory()
            assert sum(session.n_bytes > 0 for session in sessions) == 1


def test_a_cancelled_turn_changes_no_later_one(fake: FakeFamily) -> None:
    engine, session = Engine(fake.decoder), Session()
    first = fake.open(TURNS["ask"])
    finish(engine, first, sampling=GREEDY, session=session)
    dropped = engine.add(fake.open(Turn("ask", None, GOBLIN, "a chair"), first.memory()), GREEDY, session)
    for _ in range(4):
        engine.step()
    assert len(dropped.ids) >= 4
    dropped.cancelled = True
    [(_, event)] = engine.step()
    assert isinstance(event, Done) and event.reason is FinishReason.CANCELLED and not session.busy
    turn = Turn("ask", None, GOBLIN, "and the mug", max_new_tokens=24)
    [(after, _)] = finish(engine, fake.open(turn, first.memory()), sampling=GREEDY, session=session)
    assert after.ids == naive(fake.decoder, fake.open(turn, first.memory()), GREEDY)


@pytest.mark.parametrize("where", ["begin", "forced", "mask", "take", "finish"])
def test_an_error_in_one_script_ends_that_one_alone(fake: FakeFamily, monkeypatch, where: str) -> None:
    class Broken(FakeScript):
        n_calls = 0

        @property
        def forced(self) -> list[int]:
            return self.fail("forced") or super().forced

        def begin(self):
            return self.fail("begin", 1) or super().begin()

        def mask(self, logits):
            self.fail("mask")
            return super().mask(logits)

        def take(self, token, probability):
            return self.fail("take") or super().take(token, probability)

        def finish(self):
            return self.fail("finish", 1) or super().finish()

        def fail(self, name: str, after: int = 6) -> None:
            self.n_calls += name == where
            if name == where and self.n_calls >= after:
                raise ZeroDivisionError(name)

    engine = Engine(fake.decoder)
    others = [engine.add(fake.open(TURNS["describe"]), GREEDY) for _ in range(2)]
    broken = engine.add(Broken(fake, TURNS["ask"], FakeMemory()), GREEDY)
    events = []
    while engine.has_work:
        events += engine.step()
    [failed] = [event for run, event in events if run is broken and isinstance(event, Done | Failed)]
    assert isinstance(failed, Failed) and isinstance(failed.error, ZeroDivisionError)
    for other in others:
        assert other.ids == naive(fake.decoder, fake.open(TURNS["describe"]), GREEDY)
        assert [e.reason for run, e in events if run is other and isinstance(e, Done)] == [FinishReason.TOKEN_LIMIT]


@pytest.mark.parametrize("n_free", [0, 1, 5])
def test_a_script_may_force_its_own_end(fake: FakeFamily, n_free: int) -> None:
    """Nothing is chosen, told or remembered behind it."""

    class Ending(FakeScript):
        @property
        def forced(self) -> list[int]:
            return [3, 4] if n_free <= len(self.said) < n_free + 2 else []

        def take(self, token, probability):
            outcome = super().take(token, probability)
            return replace(outcome, over=FinishReason.STOP) if len(self.said) == n_free + 2 else outcome

    engine, turn = Engine(fake.decoder), Turn("ask", question="hello", max_new_tokens=24)
    beside = engine.add(fake.open(TURNS["describe"]), GREEDY)
    ended = engine.add(Ending(fake, turn, FakeMemory()), GREEDY)
    events = []
    while engine.has_work:
        events += engine.step()
    assert len(ended.ids) == n_free + 2 and ended.ids[-2:][-1] in (3, 4)
    told = [event for run, event in events if run is ended]
    assert (
        isinstance(told[-1], Done) and told[-1].reason is FinishReason.STOP and told[-1].usage.generated == n_free + 2
    )
    assert beside.ids == naive(fake.decoder, fake.open(TURNS["describe"]), GREEDY)


def test_a_forward_that_fails_ends_those_in_it_and_the_engine_goes_on(fake: FakeFamily, monkeypatch) -> None:
    engine = Engine(fake.decoder)
    runs = [engine.add(fake.open(TURNS["describe"]), GREEDY) for _ in range(2)]
    for _ in runs:
        engine.step()
    monkeypatch.setattr(fake.decoder, "forward", lambda *_, **__: 1 / 0)
    failed = [run for run, event in engine.step() if isinstance(event, Failed)]
    assert failed == runs and not engine.has_work
    monkeypatch.undo()
    [(run, _)] = finish(engine, fake.open(TURNS["ask"]), sampling=GREEDY)
    assert run.ids == naive(fake.decoder, fake.open(TURNS["ask"]), GREEDY)


def test_generation_ends_at_the_end_of_the_context() -> None:
    short = FakeFamily(n_ctx=60)
    turn = Turn("describe", None, GOBLIN, max_new_tokens=10_000)
    [(run, events)] = finish(Engine(short.decoder), short.open(turn), sampling=Sampling(10_000))
    done = events[-1]
    assert done.reason is FinishReason.TOKEN_LIMIT
    assert sum(done.usage.given.values()) + len(run.ids) == 60


def test_silence_is_answered_honestly_without_generation(fake: FakeFamily) -> None:
    script = fake.open(Turn("ask", None, GOBLIN, Heard("", 0.0)))
    [(run, events)] = finish(Engine(fake.decoder), script, sampling=GREEDY)
    assert text_of(events) == NO_SPEECH_TEXT and not run.ids
    assert isinstance(events[-1], Done) and events[-1].reason is FinishReason.NO_SPEECH


def test_seeds_decide_sampled_answers(fake: FakeFamily) -> None:
    def ids(seed: int | None) -> tuple[int, ...]:
        sampling = Sampling(24, temperature=2.0, seed=seed)
        [(run, _)] = finish(Engine(fake.decoder), fake.open(TURNS["describe"]), sampling=sampling)
        return tuple(run.ids)

    assert ids(1) == ids(1)
    assert len({ids(seed) for seed in (1, 2, 3, None, None)}) == 5


def test_a_stop_string_ends_the_text_before_it(fake: FakeFamily) -> None:
    free = Sampling(24, temperature=2.0, seed=3)
    [(_, events)] = finish(Engine(fake.decoder), fake.open(TURNS["describe"]), sampling=free)
    text = text_of(events)
    stop = text[len(text) // 2 : len(text) // 2 + 3]
    stopping = Sampling(24, temperature=2.0, seed=3, stop=(stop, "never said"))
    [(_, stopped)] = finish(Engine(fake.decoder), fake.open(TURNS["describe"]), sampling=stopping)
    assert text_of(stopped) == text[: text.index(stop)]
    assert stopped[-1].reason is FinishReason.STOP
