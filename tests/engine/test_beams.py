"""A beam search shares its engine: others go on beside it, and its end frees what it held."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from scenewright_server.engine.engine import Engine
from scenewright_server.engine.request import Done, Sampling
from scenewright_server.families.family import FinishReason, Outcome, Pass, Span, Turn

from tests.fake import N_WORDS, FakeFamily, FakeMemory

GREEDY = Sampling(max_new_tokens=20)
BEAMS = Sampling(max_new_tokens=20, n_beams=4)
PROMPT = (1, 5, 3)


class Writing:
    """Goes on from a prompt with the fake family's words."""

    forced: Sequence[int] = ()
    said: Sequence[int] = ()
    stops: frozenset[int] = frozenset({2})
    prompt = PROMPT
    confidence = 1.0

    def __init__(self) -> None:
        self.ids: list[int] = []
        self.log_probabilities: list[float] = []

    def text(self, ids: Sequence[int]) -> str:
        return " ".join(map(str, ids))

    def mask(self, logits: torch.Tensor) -> torch.Tensor:
        return logits.index_fill(0, torch.arange(N_WORDS, len(logits)), float("-inf"))

    def begin(self) -> Outcome:
        return Outcome(next=Pass((Span(PROMPT, (("text", 3),)),), 20, self))

    def take(self, token: int, probability: float) -> Outcome:
        self.ids.append(token)
        return Outcome(over=FinishReason.STOP if token in self.stops else None)

    def finish(self) -> list[object]:
        return []

    def memory(self, n_chars: int | None = None) -> FakeMemory:
        return FakeMemory()


@torch.inference_mode()
def naive_beams(fake: FakeFamily) -> list[tuple[tuple[int, ...], float]]:
    """All beams anew at every step, over the whole context, without any cache."""
    running, found = [((), 0.0)], list[tuple[tuple[int, ...], float]]()
    for n in range(1, 21):
        candidates = []
        for ids, score in running:
            x = fake.gpt.embed(torch.tensor([[*PROMPT, *ids]]))
            row = Writing().mask(fake.gpt.logits(fake.gpt(x))[0, -1]).log_softmax(0)
            candidates += [((*ids, token), score + float(p)) for token, p in enumerate(row.tolist())]
        best = sorted(candidates, key=lambda one: -one[1])[:8]
        ended = [ids[-1] == 2 or n == 20 for ids, _ in best]
        found += [(ids, score / n) for (ids, score), over in list(zip(best, ended, strict=True))[:4] if over]
        found = sorted(found, key=lambda one: -one[1])[:4]
        running = [one for one, over in zip(best, ended, strict=True) if not over][:4]
        if not running or (len(found) == 4 and running[0][1] / n <= found[-1][1]):
            break
    return found


def test_cached_beams_equal_the_naive_ones(fake: FakeFamily) -> None:
    engine = Engine(fake.decoder)
    run = engine.add(Writing(), BEAMS)
    while engine.has_work:
        engine.step()
    assert run.search is not None
    expected = naive_beams(fake)
    assert [beam.ids for beam in run.search.found] == [ids for ids, _ in expected]
    assert all(abs(beam.score - score) < 1e-4 for beam, (_, score) in zip(run.search.found, expected, strict=True))


def test_others_get_a_token_every_step_beside_beams_and_searches_follow_one_another(fake: FakeFamily) -> None:
    turn = Turn("ask", None, (), "hello", max_new_tokens=20)
    alone = Engine(fake.decoder)
    expected = alone.add(fake.open(turn), GREEDY)
    while alone.has_work:
        alone.step()
    engine = Engine(fake.decoder)
    first, second = engine.add(Writing(), BEAMS), engine.add(Writing(), BEAMS)
    other = engine.add(fake.open(turn), GREEDY)
    ended, n_steps = list[object](), 0
    while engine.has_work:
        searching = [run for run in (first, second) if run in engine.scheduler.running]
        assert len(searching) <= 1, "each holds several caches"
        before = other.n_generated
        ended += [run for run, event in engine.step() if isinstance(event, Done)]
        n_steps += 1
        if other in engine.scheduler.running and 2 < n_steps < 20:
            assert other.n_generated == before + 1
    assert other.ids == expected.ids and len(ended) == 3 and ended.index(first) < ended.index(second)
    assert first.search is not None and second.search is not None
    assert first.search.found == second.search.found


def test_a_cancelled_search_ends_within_a_step(fake: FakeFamily) -> None:
    engine = Engine(fake.decoder)
    run = engine.add(Writing(), BEAMS)
    for _ in range(3):
        engine.step()
    run.cancelled = True
    [(ended, event)] = engine.step()
    assert ended is run and isinstance(event, Done) and event.reason is FinishReason.CANCELLED and not engine.has_work
