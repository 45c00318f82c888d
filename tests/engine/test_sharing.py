"""Several sequences of one prompt: it is run once, and each says what it would alone; what they hold is counted."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from scenewright_server.engine.decoding import Decoding
from scenewright_server.engine.engine import Engine
from scenewright_server.engine.kv_cache import KVCache
from scenewright_server.engine.prompt import Prompt
from scenewright_server.engine.request import Done, Sampling
from scenewright_server.engine.session import Session
from scenewright_server.families.family import Decoder, FinishReason, KVShape, Turn
from scenewright_server.model.gpt import Cache

from tests.engine.test_beams import BEAMS, PROMPT, Writing
from tests.fake import FakeFamily
from tests.oracle import finish, naive

N = 6


def sampled(seed: int) -> Sampling:
    return Sampling(max_new_tokens=20, temperature=1.2, top_p=0.95, seed=seed)


class Counting:
    """A decoder that counts the positions which it is given more than one at a time, or one a prompt's part."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder, self.n_prefilled = decoder, 0

    @property
    def shape(self) -> KVShape:
        return self._decoder.shape

    def embed(self, ids: Sequence[int]) -> torch.Tensor:
        return self._decoder.embed(ids)

    def forward(
        self, x: torch.Tensor, caches: Sequence[Cache], *, prefix_len: int = 0, adapter: str = ""
    ) -> torch.Tensor:
        if len(caches) == 1 and caches[0].length < len(PROMPT):
            self.n_prefilled += x.shape[1]
        return self._decoder.forward(x, caches, prefix_len=prefix_len, adapter=adapter)


def run(engine: Engine) -> None:
    while engine.has_work:
        engine.step()


@pytest.mark.parametrize("n_prefill", [1, 512])
@pytest.mark.parametrize("n_slots", [2, 8])
def test_a_prompt_is_run_once_and_each_sequence_is_as_alone(fake: FakeFamily, n_slots: int, n_prefill: int) -> None:
    alone = [naive(fake.decoder, Writing(), sampled(seed)) for seed in range(N)]
    assert len({tuple(ids) for ids in alone}) == N
    decoder, prompt = Counting(fake.decoder), Prompt(N)
    engine = Engine(decoder, n_slots=n_slots, n_prefill=n_prefill)
    together = [engine.add(Writing(), sampled(seed), prompt=prompt) for seed in range(N)]
    run(engine)
    assert [one.ids for one in together] == alone
    assert decoder.n_prefilled == len(PROMPT)
    assert [one.usage.cached for one in together] == [0] + [len(PROMPT)] * (N - 1)
    assert prompt.cache is None and prompt.logits is None, "nobody is left to take it"


def test_who_runs_the_prompt_may_leave(fake: FakeFamily) -> None:
    """Another runs it then, and those that have ended before they took it are not waited for."""
    engine, prompt = Engine(fake.decoder, n_prefill=1), Prompt(3)
    first, second, third = (engine.add(Writing(), sampled(seed), prompt=prompt) for seed in range(3))
    engine.step()
    assert prompt.runner is first and second.waits and third.waits
    first.cancelled = third.cancelled = True
    run(engine)
    assert second.ids == naive(fake.decoder, Writing(), sampled(1)) and prompt.n_left == 0 and prompt.cache is None


def dialogue(fake: FakeFamily, engine: Engine) -> Session:
    """An idle one that holds a cache."""
    session = Session()
    finish(engine, fake.open(Turn("ask", None, (), "hello", max_new_tokens=8)), sampling=Sampling(), session=session)
    assert session.n_bytes and not session.busy
    return session


def test_what_beams_and_sequences_hold_is_counted(fake: FakeFamily) -> None:
    shape = fake.decoder.shape
    one = 2 * shape.n_layers * shape.n_kv_heads * shape.d_head * shape.dtype.itemsize  # a position
    small, whole = one * (len(PROMPT) + 20), one * shape.n_ctx
    assert KVCache(shape).n_bytes == KVCache.n_bytes_of(shape) == whole
    engine = Engine(fake.decoder)
    search = engine.add(Writing(), BEAMS)
    engine.step()
    assert engine.n_bytes == whole + 4 * small
    search.cancelled = True
    run(engine)
    del search
    prompt = Prompt(4)
    sequences = [engine.add(Writing(), sampled(seed), prompt=prompt) for seed in range(4)]
    while any(one.is_fresh for one in sequences):
        engine.step()
    assert engine.n_bytes == whole + 3 * small


@pytest.mark.parametrize("is_search", [True, False])
def test_idle_sessions_make_room_for_them(fake: FakeFamily, is_search: bool) -> None:
    """The oldest goes, and no more than must; what runs stays, and its tokens are what they are with room for all."""
    shape = fake.decoder.shape
    whole = KVCache.n_bytes_of(shape)
    engine = Engine(fake.decoder, kv_bytes=3 * whole)
    old, new = dialogue(fake, engine), dialogue(fake, engine)
    runs: list[Decoding] = []
    if is_search:
        runs.append(engine.add(Writing(), BEAMS))
    else:
        prompt = Prompt(4)
        runs += [engine.add(Writing(), sampled(seed), prompt=prompt) for seed in range(4)]
    while any(one.is_fresh for one in runs):
        engine.step()
    assert not old.n_bytes and new.n_bytes and engine.n_bytes <= 3 * whole
    events = [event for _ in range(30) for _, event in engine.step()]
    assert all(event.reason is not FinishReason.CANCELLED for event in events if isinstance(event, Done))
    for seed, one in enumerate(runs if not is_search else ()):
        assert one.ids == naive(fake.decoder, Writing(), sampled(seed))
