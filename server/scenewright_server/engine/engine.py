"""Runs scripts on a decoder, one forward a step. Synchronous: a ComputeThread gives it its thread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from collections.abc import Sequence as Row
from contextlib import contextmanager
from dataclasses import replace
from itertools import groupby
from weakref import WeakSet

import torch
from torch import Tensor

from scenewright_server.engine.request import Done, Event, Failed, Sampling, Started, Usage
from scenewright_server.engine.sampler import sample
from scenewright_server.engine.scheduler import Scheduler
from scenewright_server.engine.sequence import Sequence
from scenewright_server.engine.session import Session
from scenewright_server.families.family import Decoder, FinishReason, Outcome, Pass, Script, Span, TextDelta

KV_BYTES = 1 << 30


class Engine:
    """One decoder, `n_slots` scripts at a time. Caches of idle sessions are forgotten, the one used longest ago first,
    when all take more than `kv_bytes`."""

    def __init__(self, decoder: Decoder, *, n_slots: int = 8, kv_bytes: int = KV_BYTES) -> None:
        self.scheduler = Scheduler(n_slots)
        self._decoder = decoder
        self._kv_bytes = kv_bytes
        self._sessions: WeakSet[Session] = WeakSet()  # that hold caches
        self._n_turns = 0
        self._events: list[tuple[Sequence, Event]] = []

    def add(self, script: Script, sampling: Sampling, session: Session | None = None) -> Sequence:
        """Take a script in. Its events come out of `step`, Done or Failed the last."""
        sequence = Sequence(script, sampling, session, self._decoder.shape.device)
        self.scheduler.add(sequence)
        return sequence

    @property
    def has_work(self) -> bool:
        return self.scheduler.has_work

    @torch.inference_mode()
    def step(self) -> list[tuple[Sequence, Event]]:
        """Drop what was cancelled, then run one forward: a pass's spans, or one more token for all that run."""
        for sequence in self.scheduler.cancelled():
            self._finish(sequence, FinishReason.CANCELLED)
        batch = self.scheduler.next()
        if batch and batch[0].is_fresh:
            with self._ending(batch[0]):
                self._prefill(batch[0])
        elif batch:
            self._decode(batch)
        events, self._events = self._events, []
        return events

    def _prefill(self, sequence: Sequence) -> None:
        """Begin a script or its next pass: run what the cache lacks, and choose the first token."""
        if sequence.passing is None:
            sequence.timings = replace(sequence.timings, queue=sequence.age_ms)
            self._emit(sequence, Started())
            self._follow(sequence, sequence.script.begin())
            if not self._runs(sequence):
                return
        passing = sequence.passing
        assert passing is not None
        self._make_room(sequence.session)
        cache, rest = sequence.session.open(passing, self._decoder.shape)
        counts: Counter = Counter()
        for span in passing.spans:
            counts.update(dict(span.counts))
        sequence.usage = Usage(dict(counts), cache.length)
        x = [self._embed(span) for span in rest]
        self._run(sequence, [*x, *self._forced(sequence)], passing)

    def _run(self, sequence: Sequence, x: Row[Tensor], passing: Pass) -> None:
        """Run embeddings of one sequence and choose its next token, unless forced tokens have ended its pass."""
        if not self._runs(sequence) or sequence.passing is not passing:
            return
        first = passing.spans[0]
        logits = self._decoder.forward(
            torch.cat(list(x))[None],
            [sequence.session.cache(passing.adapter)],
            prefix_len=len(first) if first.is_whole else 0,
            adapter=passing.adapter,
        )
        self._choose(sequence, logits[0])

    def _decode(self, batch: list[Sequence]) -> None:
        """One more token for all; what a script forces upon a sequence runs at once, on its own."""
        free: list[Sequence] = []
        for sequence in batch:
            with self._ending(sequence):
                last, passing = self._decoder.embed(sequence.ids[-1:]), sequence.passing
                forced = self._forced(sequence)
                if forced and passing is not None:
                    self._run(sequence, [last, *forced], passing)
                else:
                    free.append(sequence)
        for adapter, group in groupby(sorted(free, key=_adapter), _adapter):
            together = list(group)
            with self._ending(*together):
                x = self._decoder.embed([sequence.ids[-1] for sequence in together])[:, None]
                caches = [sequence.session.cache(adapter) for sequence in together]
                logits = self._decoder.forward(x, caches, adapter=adapter)
            for sequence, row in zip(together, logits, strict=True):
                with self._ending(sequence):
                    self._choose(sequence, row)

    def _embed(self, span: Span) -> Tensor:
        return self._decoder.embed(span.rows) if isinstance(span.rows, tuple) else span.rows

    def _forced(self, sequence: Sequence) -> list[Tensor]:
        """Take what the constraint leaves no choice about, as far as the limit goes; its embeddings (T, D), if any."""
        passing = sequence.passing
        ids: list[int] = []
        assert passing is not None
        while more := passing.constraint.forced[: passing.max_new_tokens - len(sequence.ids) - 1]:
            for token in more:
                self._take(sequence, token, 1.0)
                if sequence.passing is not passing or not self._runs(sequence):
                    return []
            ids += more
        return [self._decoder.embed(ids)] if ids else []

    def _choose(self, sequence: Sequence, logits: Tensor) -> None:
        """Choose the next token from logits (V,) and see what it gives."""
        passing = sequence.passing
        assert passing is not None
        constraint = passing.constraint
        token, probability = sample(constraint.mask(logits), sequence.sampling, constraint.said, sequence.generator)
        if not sequence.timings.prefill:
            sequence.timings = replace(sequence.timings, prefill=sequence.age_ms - sequence.timings.queue)
        self._take(sequence, token, probability)
        if self._runs(sequence) and sequence.passing is passing and len(sequence.ids) >= passing.max_new_tokens:
            self._finish(sequence, FinishReason.TOKEN_LIMIT)

    def _take(self, sequence: Sequence, token: int, probability: float) -> None:
        sequence.ids.append(token)
        sequence.n_generated += 1
        self._follow(sequence, sequence.script.take(token, probability))

    def _follow(self, sequence: Sequence, outcome: Outcome) -> None:
        """Tell a script's events and go where it goes: on, to its next pass, or to its end."""
        self._tell(sequence, sequence.output.feed(outcome.events))
        if sequence.output.stopped:
            self._finish(sequence, FinishReason.STOP)
        elif outcome.over is not None:
            self._finish(sequence, outcome.over)
        elif outcome.next is not None:
            self._keep(sequence)
            sequence.passing, sequence.ids = outcome.next, []

    def _finish(self, sequence: Sequence, reason: FinishReason) -> None:
        """End a script that did not fail; one that was cancelled has nothing more to say."""
        if reason is not FinishReason.CANCELLED:
            self._tell(sequence, sequence.output.finish(sequence.script.finish()))
        usage = replace(sequence.usage, generated=sequence.n_generated)
        timings = replace(sequence.timings, total=sequence.age_ms)
        self._end(sequence, Done(reason, usage, timings, sequence.script.confidence))

    def _end(self, sequence: Sequence, last: Event) -> None:
        """Free the slot; what was run stays in the session."""
        self._keep(sequence)
        self.scheduler.remove(sequence)
        self._emit(sequence, last)

    def _keep(self, sequence: Sequence) -> None:
        if sequence.passing is not None:
            sequence.session.ran(sequence.passing.adapter, sequence.ids)

    def _runs(self, sequence: Sequence) -> bool:
        return sequence in self.scheduler.running

    def _make_room(self, session: Session) -> None:
        """Note that a session is used, and let idle ones forget until all fit the bound."""
        self._n_turns += 1
        session.used = self._n_turns
        self._sessions.add(session)
        n_bytes = sum(s.n_bytes for s in self._sessions)
        for old in sorted(self._sessions, key=lambda s: s.used):
            if n_bytes > self._kv_bytes and not old.busy:
                n_bytes -= old.n_bytes
                old.forget()

    @contextmanager
    def _ending(self, *sequences: Sequence) -> Iterator[None]:
        """An error ends these sequences and no other."""
        try:
            yield
        except Exception as error:
            for sequence in sequences:
                if self._runs(sequence):
                    self._end(sequence, Failed(error))

    def _tell(self, sequence: Sequence, events: Row[Event]) -> None:
        for event in events:
            if isinstance(event, TextDelta) and not sequence.timings.first_token:
                sequence.timings = replace(sequence.timings, first_token=sequence.age_ms)
            self._emit(sequence, event)

    def _emit(self, sequence: Sequence, event: Event) -> None:
        self._events.append((sequence, event))


def _adapter(sequence: Sequence) -> str:
    return "" if sequence.passing is None else sequence.passing.adapter
