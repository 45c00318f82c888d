"""Runs scripts on a decoder, step by step. Synchronous: a ComputeThread gives it its thread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import groupby
from typing import cast
from weakref import WeakSet

import torch
from torch import Tensor

from scenewright_server.engine.beams import Search
from scenewright_server.engine.decoding import Decoding
from scenewright_server.engine.kv_cache import KVCache
from scenewright_server.engine.prompt import Prompt
from scenewright_server.engine.request import Done, Event, Failed, Sampling, Started, Usage
from scenewright_server.engine.sampler import sample
from scenewright_server.engine.scheduler import Scheduler
from scenewright_server.engine.session import Session
from scenewright_server.families.family import (
    Decoder,
    FinishReason,
    KVShape,
    Outcome,
    Pass,
    Script,
    Span,
    SpanKind,
    TextDelta,
)
from scenewright_server.families.writing import LocalWriting

KV_BYTES = 1 << 30
N_PREFILL = 512
GREEDY = Sampling()


class Engine:
    """One decoder, `n_slots` scripts at a time. Caches of idle sessions are forgotten, the one used longest ago first,
    when all caches, those of beams among them, take more than `kv_bytes`; what runs is never. A step prefills
    `n_prefill` positions, so that a long scene holds up nobody."""

    def __init__(
        self, decoder: Decoder, *, n_slots: int = 8, kv_bytes: int = KV_BYTES, n_prefill: int = N_PREFILL
    ) -> None:
        self.scheduler = Scheduler(n_slots)
        self._decoder = decoder
        self._kv_bytes = kv_bytes
        self._n_prefill = n_prefill
        self._sessions: WeakSet[Session] = WeakSet()  # that hold caches
        self._prompts: WeakSet[Prompt] = WeakSet()  # that were run
        self._n_turns = 0
        self._events: list[tuple[Decoding, Event]] = []

    def add(
        self, script: Script, sampling: Sampling, session: Session | None = None, prompt: Prompt | None = None
    ) -> Decoding:
        """Take a script in. Its events come out of `step`, Done or Failed the last. Several scripts of one pass, and
        of the same spans, may share a `prompt`: it is run once."""
        decoding = Decoding(script, sampling, session, self._decoder.shape.device, prompt)
        self.scheduler.add(decoding)
        return decoding

    @property
    def has_work(self) -> bool:
        return self.scheduler.has_work

    @torch.inference_mode()
    def step(self) -> list[tuple[Decoding, Event]]:
        """Drop what was cancelled, then prefill a part of a pass, or decode one more token for all that can. After a
        part that is not the last both are done."""
        for decoding in self.scheduler.cancelled():
            self._finish(decoding, FinishReason.CANCELLED)
        fresh, others = self.scheduler.next()
        if fresh is not None:
            with self._ending(fresh):
                self._prefill(fresh)
        if fresh is None or fresh.rest is not None:
            self._decode(others)
        events, self._events = self._events, []
        return events

    def _prefill(self, decoding: Decoding) -> None:
        """Begin a script or its next pass: run what the cache lacks, and after the last part choose the first token."""
        if decoding.passing is None:
            decoding.timings = replace(decoding.timings, queue=decoding.age_ms)
            self._emit(decoding, Started())
            self._follow(decoding, decoding.script.begin())
            if not self._runs(decoding):
                return
        passing, prompt = decoding.passing, decoding.prompt
        assert passing is not None
        if prompt is not None and prompt.logits is not None:
            self._take_over(decoding, passing, prompt)
            return
        if prompt is not None:
            prompt.runner = decoding
        x = self._open(decoding, passing) if decoding.rest is None else decoding.rest
        cache, first = decoding.session.cache(passing.adapter), passing.spans[0]
        n_whole = len(first) if first.is_whole and not cache.length else 0
        x, rest = x[: (n := max(n_whole, self._n_prefill))], x[n:]
        decoding.n_parts += 1
        if len(rest):
            decoding.rest = rest
            self._forward(decoding, x, passing)
        else:
            decoding.rest, decoding.n_parts = None, 0
            self._run(decoding, [x, *self._forced(decoding)], passing)

    def _open(self, decoding: Decoding, passing: Pass) -> Tensor:
        """Rewind the session's cache to what it shares with a pass; embeddings (T, D) of what it lacks."""
        shape, is_new = self._decoder.shape, not decoding.session.has(passing.adapter)
        self._make_room(decoding.session, KVCache.n_bytes_of(shape) if is_new else 0)
        cache, rest = decoding.session.open(passing, shape)
        decoding.usage = Usage(_counts(passing), cache.length)
        return torch.cat([self._embed(span) for span in rest])

    def _take_over(self, decoding: Decoding, passing: Pass, prompt: Prompt) -> None:
        """Go on from a prompt that another has run."""
        cache, logits, room = prompt.cache, prompt.logits, self._room(passing)
        assert cache is not None and logits is not None
        self._make_room(decoding.session, KVCache.n_bytes_of(room))
        decoding.session.take(passing, cache, room)
        decoding.usage = Usage(_counts(passing), sum(map(len, passing.spans)))
        decoding.leave_prompt()
        self._go_on(decoding, logits[None])

    def _room(self, passing: Pass) -> KVShape:
        """Of a cache that holds one pass and no more."""
        return replace(self._decoder.shape, n_ctx=sum(map(len, passing.spans)) + passing.max_new_tokens)

    def _run(self, decoding: Decoding, x: Sequence[Tensor], passing: Pass) -> None:
        """Run embeddings of one decoding and choose its next token, unless forced tokens have ended its pass."""
        if not self._goes_on(decoding, passing):
            return
        logits = self._forward(decoding, torch.cat(list(x)), passing)
        if decoding.prompt is not None:
            decoding.prompt.keep(decoding.session.cache(passing.adapter), logits)
            self._prompts.add(decoding.prompt)
            decoding.prompt = None
        self._go_on(decoding, logits[None])

    def _forward(self, decoding: Decoding, x: Tensor, passing: Pass) -> Tensor:
        """Logits (V,) after the last of embeddings x (T, D), which follow what was run of a pass."""
        first, cache = passing.spans[0], decoding.session.cache(passing.adapter)
        prefix_len = len(first) if first.is_whole else 0
        return self._decoder.forward(x[None], [cache], prefix_len=prefix_len, adapter=passing.adapter)[0]

    def _decode(self, batch: list[Decoding]) -> None:
        """One more token for all; what a script forces upon a decoding runs at once, on its own."""
        free: list[Decoding] = []
        for decoding in batch:
            with self._ending(decoding):
                last, passing = self._decoder.embed(decoding.ids[-1:]), decoding.passing
                forced = self._forced(decoding)
                if passing is None or not self._goes_on(decoding, passing):
                    continue
                if forced:
                    self._run(decoding, [last, *forced], passing)
                else:
                    free.append(decoding)
        for adapter, group in groupby(sorted(free, key=_adapter), _adapter):
            together = list(group)
            logits: Sequence[Tensor] = ()  # and so it stays when the forward fails
            with self._ending(*together):
                rows = [decoding.rows(adapter) for decoding in together]
                x = self._decoder.embed([last for each in rows for last, _ in each])[:, None]
                caches = [cache for each in rows for _, cache in each]
                logits = self._decoder.forward(x, caches, adapter=adapter).split([len(each) for each in rows])
            for decoding, scores in zip(together, logits, strict=False):
                with self._ending(decoding):
                    self._go_on(decoding, scores)

    def _embed(self, span: Span) -> Tensor:
        return self._decoder.embed(span.rows) if isinstance(span.rows, tuple) else span.rows

    def _forced(self, decoding: Decoding) -> list[Tensor]:
        """Take what the constraint leaves no choice about, as far as the limit goes; its embeddings (T, D), if any."""
        passing = decoding.passing
        ids: list[int] = []
        assert passing is not None
        while more := passing.constraint.forced[: passing.max_new_tokens - len(decoding.ids) - 1]:
            for token in more:
                self._take(decoding, token, 1.0)
                if not self._goes_on(decoding, passing):
                    return []
            ids += more
        return [self._decoder.embed(ids)] if ids else []

    def _choose(self, decoding: Decoding, logits: Tensor) -> None:
        """Choose the next token from logits (V,) and see what it gives."""
        passing = decoding.passing
        assert passing is not None
        constraint = passing.constraint
        sampling = GREEDY if passing.greedy else decoding.sampling
        token, probability = sample(constraint.mask(logits), sampling, constraint.said, decoding.generator)
        if not decoding.timings.prefill:
            decoding.timings = replace(decoding.timings, prefill=decoding.age_ms - decoding.timings.queue)
        self._take(decoding, token, probability)
        if self._goes_on(decoding, passing) and len(decoding.ids) >= passing.max_new_tokens:
            self._finish(decoding, FinishReason.TOKEN_LIMIT)

    def _go_on(self, decoding: Decoding, logits: Tensor) -> None:
        """One more token from logits (1, V), or for each beam from (R, V)."""
        if decoding.sampling.n_beams > 1:
            self._advance(decoding, logits)
        else:
            self._choose(decoding, logits[0])

    def _advance(self, decoding: Decoding, logits: Tensor) -> None:
        """One more token for each beam; at the end those that were found stay in the search."""
        passing = decoding.passing
        assert passing is not None
        if decoding.search is None:
            decoding.search = Search(cast(LocalWriting, decoding.script), decoding.sampling, passing.max_new_tokens)
            decoding.timings = replace(decoding.timings, prefill=decoding.age_ms - decoding.timings.queue)
        search = decoding.search
        origins = search.step(torch.stack([passing.constraint.mask(row) for row in logits]))
        decoding.ids = list(search.running[0].ids)
        decoding.n_generated += 1
        if search.is_over:
            self._finish(decoding, search.found[0].reason)
        else:
            room = self._room(passing)
            if not decoding.beam_caches:
                self._make_room(decoding.session, decoding.sampling.n_beams * KVCache.n_bytes_of(room))
            decoding.fork(origins, passing, room)

    def _take(self, decoding: Decoding, token: int, probability: float) -> None:
        decoding.ids.append(token)
        decoding.n_generated += 1
        self._follow(decoding, decoding.script.take(token, probability))

    def _follow(self, decoding: Decoding, outcome: Outcome) -> None:
        """Tell a script's events and go where it goes: on, to its next pass, or to its end."""
        self._tell(decoding, decoding.output.feed(outcome.events))
        if decoding.output.stopped:
            self._finish(decoding, FinishReason.STOP)
        elif outcome.over is not None:
            self._finish(decoding, outcome.over)
        elif outcome.next is not None:
            assert isinstance(outcome.next, Pass)  # of a family whose decoder is here
            self._keep(decoding)
            decoding.passing, decoding.ids = outcome.next, []

    def _finish(self, decoding: Decoding, reason: FinishReason) -> None:
        """End a script that did not fail; one that was cancelled has nothing more to say."""
        if reason is not FinishReason.CANCELLED:
            self._tell(decoding, decoding.output.finish(decoding.script.finish()))
        usage = replace(decoding.usage, generated=decoding.n_generated)
        timings = replace(decoding.timings, total=decoding.age_ms)
        self._end(decoding, Done(reason, usage, timings, decoding.script.confidence))

    def _end(self, decoding: Decoding, last: Event) -> None:
        """Free the slot; what was run stays in the session."""
        self._keep(decoding)
        decoding.leave_prompt()
        decoding.beam_caches = []
        self.scheduler.remove(decoding)
        self._emit(decoding, last)

    def _keep(self, decoding: Decoding) -> None:
        if decoding.passing is not None:
            decoding.session.ran(decoding.passing.adapter, decoding.ids)

    def _runs(self, decoding: Decoding) -> bool:
        return decoding in self.scheduler.running

    def _goes_on(self, decoding: Decoding, passing: Pass) -> bool:
        """Whether it still runs, and in this pass."""
        return self._runs(decoding) and decoding.passing is passing

    @property
    def n_bytes(self) -> int:
        """Of all keys and values: sessions', beams', and prompts' that sequences have still to take."""
        inside = (*self.scheduler.running, *self.scheduler.waiting)
        caches = [cache for session in self._sessions for cache in session.caches]
        caches += [cache for decoding in inside for cache in decoding.beam_caches]
        caches += [prompt.cache for prompt in self._prompts if prompt.cache is not None]
        return sum(cache.n_bytes for cache in {id(cache): cache for cache in caches}.values())

    def _make_room(self, session: Session, n_more: int) -> None:
        """Note that a session is used, and let idle ones forget until all fit the bound with `n_more` bytes."""
        self._n_turns += 1
        session.used = self._n_turns
        self._sessions.add(session)
        for old in sorted(self._sessions, key=lambda s: s.used):
            if self.n_bytes + n_more <= self._kv_bytes:
                break
            if not old.busy:
                old.forget()

    @contextmanager
    def _ending(self, *decodings: Decoding) -> Iterator[None]:
        """An error ends these decodings and no other."""
        try:
            yield
        except Exception as error:
            for decoding in decodings:
                if self._runs(decoding):
                    self._end(decoding, Failed(error))

    def _tell(self, decoding: Decoding, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, TextDelta) and not decoding.timings.first_token:
                decoding.timings = replace(decoding.timings, first_token=decoding.age_ms)
            self._emit(decoding, event)

    def _emit(self, decoding: Decoding, event: Event) -> None:
        self._events.append((decoding, event))


def _counts(passing: Pass) -> dict[SpanKind, int]:
    """Positions of a pass's spans by their kind."""
    counts: Counter[SpanKind] = Counter()
    for span in passing.spans:
        counts.update(dict(span.counts))
    return dict(counts)


def _adapter(decoding: Decoding) -> str:
    return "" if decoding.passing is None else decoding.passing.adapter
