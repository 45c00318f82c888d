"""What the decoder has run of a dialogue: positions by their marks, and their keys and values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from scenewright_server.engine.kv_cache import KVCache
from scenewright_server.families.family import KVShape, Pass, Span


@dataclass
class Held:
    """A cache and the marks of the positions that were run into it."""

    cache: KVCache
    marks: list[object] = field(default_factory=list)


class Session:
    """A dialogue's caches, one for each adapter. Only the engine's thread reads it; while a turn is under way
    (`busy`) others wait. What it holds is never the only copy: `forget` costs time and nothing else."""

    def __init__(self) -> None:
        self.busy = False
        self.used = 0  # the engine's count of turns when it was used last
        self._held: dict[str, Held] = {}

    @property
    def n_bytes(self) -> int:
        return sum(cache.n_bytes for cache in self.caches)

    @property
    def caches(self) -> list[KVCache]:
        return [held.cache for held in self._held.values()]

    def has(self, adapter: str) -> bool:
        """Whether it holds a cache for this adapter."""
        return adapter in self._held

    def forget(self) -> None:
        """Let go of all keys and values."""
        self._held.clear()

    def open(self, passing: Pass, shape: KVShape) -> tuple[KVCache, list[Span]]:
        """The cache for a pass, rewound to what it shares with the pass's spans, and the rest of these: what is still
        to be run, one position at least."""
        held = self._held.get(passing.adapter)
        if held is None:
            held = self._held[passing.adapter] = Held(KVCache(shape))
        marks = [mark for span in passing.spans for mark in span.marks]
        n_same = _n_same(held.marks[: held.cache.length], marks[:-1])
        first = passing.spans[0]
        if first.is_whole and n_same < len(first):
            n_same = 0  # positions that see each other are run together
        held.cache.truncate(n_same)
        held.marks = marks
        return held.cache, _after(passing.spans, n_same)

    def take(self, passing: Pass, cache: KVCache, shape: KVShape) -> None:
        """Hold a copy of what another's cache has of a pass's spans, in one of this shape."""
        marks = [mark for span in passing.spans for mark in span.marks]
        held = self._held[passing.adapter] = Held(KVCache(shape), marks)
        held.cache.copy(cache, len(marks))

    def cache(self, adapter: str) -> KVCache:
        """The cache of the pass that was opened last with this adapter."""
        return self._held[adapter].cache

    def ran(self, adapter: str, ids: Sequence[int]) -> None:
        """These tokens came after the pass's spans."""
        if adapter in self._held:
            self._held[adapter].marks += ids


def _n_same(a: Sequence[object], b: Sequence[object]) -> int:
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def _after(spans: Sequence[Span], n: int) -> list[Span]:
    """These spans without their first `n` positions."""
    rest = []
    for span in spans:
        if n < len(span):
            rest.append(Span(span.rows[n:], span.counts) if n else span)
        n = max(n - len(span), 0)
    return rest
