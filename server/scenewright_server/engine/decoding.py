"""A script on its way through the engine."""

from __future__ import annotations

import time
from collections.abc import Sequence

import torch
from torch import Tensor

from scenewright_server.engine.beams import Search
from scenewright_server.engine.kv_cache import KVCache
from scenewright_server.engine.output import Output
from scenewright_server.engine.prompt import Prompt
from scenewright_server.engine.request import Sampling, Timings, Usage
from scenewright_server.engine.session import Session
from scenewright_server.families.family import KVShape, Pass, Script


class Decoding:
    """What the engine knows of one script. Setting `cancelled`, from any thread, ends it within one step."""

    def __init__(
        self,
        script: Script,
        sampling: Sampling,
        session: Session | None = None,
        device: torch.device | None = None,
        prompt: Prompt | None = None,
    ) -> None:
        self.script = script
        self.sampling = sampling
        self.session = session or Session()
        self.prompt = prompt  # that it shares with others, until it has gone on from it
        self.cancelled = False
        self.output = Output(sampling.stop)
        self.passing: Pass | None = None  # the pass under way
        self.rest: Tensor | None = None  # embeddings (T, D) of its spans that are still to be run, once it is begun
        self.n_parts = 0  # of its spans that were run, by a step each
        self.ids: list[int] = []  # its tokens so far; of a search, those of its best beam
        self.search: Search | None = None  # once its pass is begun, if it has beams
        self.beam_caches: list[KVCache] = []  # of the beams that run
        self.n_generated = 0  # by all passes
        self.usage = Usage()
        self.timings = Timings()
        self.generator = torch.Generator(device or "cpu")
        if sampling.seed is None:
            self.generator.seed()
        else:
            self.generator.manual_seed(sampling.seed)
        self._taken_in = time.perf_counter()

    @property
    def is_fresh(self) -> bool:
        """Its next step runs a pass's spans, or a part of them."""
        return not self.ids

    @property
    def waits(self) -> bool:
        """Somebody else runs its prompt."""
        return self.prompt is not None and self.prompt.keeps_waiting(self)

    def leave_prompt(self) -> None:
        """It has gone on from the prompt that it shares, or has ended before."""
        if self.prompt is not None:
            if self.prompt.runner is self:
                self.prompt.runner = None  # another has to run it
            self.prompt.leave()
            self.prompt = None

    def rows(self, adapter: str) -> list[tuple[int, KVCache]]:
        """The last token and the cache of each beam that runs; without beams, its own."""
        if self.search is None:
            return [(self.ids[-1], self.session.cache(adapter))]
        return [(beam.ids[-1], cache) for beam, cache in zip(self.search.running, self.beam_caches, strict=True)]

    def fork(self, origins: Sequence[int], passing: Pass, room: KVShape) -> None:
        """Give every beam the cache of the one that it came from, new ones in the shape `room`; the first ones all come
        from the prompt's."""
        before = self.beam_caches or [self.session.cache(passing.adapter)]
        is_first = not self.beam_caches
        spare = [cache for i, cache in enumerate(before) if i not in origins]
        self.beam_caches = []
        for i, origin in enumerate(origins):
            cache = before[origin]
            if is_first or origin in origins[:i]:  # the prompt's own stays the session's
                cache = spare.pop() if spare else KVCache(room)
                cache.copy(before[origin], before[origin].length)
            self.beam_caches.append(cache)

    @property
    def age_ms(self) -> float:
        """Since the engine took the script in."""
        return 1e3 * (time.perf_counter() - self._taken_in)
