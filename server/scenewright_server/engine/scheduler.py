"""Who runs next."""

from __future__ import annotations

from collections import deque

from scenewright_server.engine.decoding import Decoding


class Scheduler:
    """First come, first served into `n_slots` slots; a newcomer is prefilled, then decodes with the rest.

    A pass that takes several steps to prefill takes turns with newcomers, and the rest decode in between.
    """

    def __init__(self, n_slots: int) -> None:
        self.n_slots = n_slots
        self.waiting: deque[Decoding] = deque()
        self.running: deque[Decoding] = deque()

    @property
    def has_work(self) -> bool:
        return bool(self.waiting or self.running)

    def add(self, decoding: Decoding) -> None:
        self.waiting.append(decoding)

    def next(self) -> tuple[Decoding | None, list[Decoding]]:
        """Fill the free slots; then who is to be prefilled, if any, and who can decode."""
        while len(self.running) < self.n_slots:
            # A session's turns follow one another, so a busy one lets others pass.
            ready = next((s for s in self.waiting if not s.session.busy and not self._must_wait(s)), None)
            if ready is None:
                break
            self.waiting.remove(ready)
            self.running.append(ready)
            ready.session.busy = True
        ready_ones = (s for s in self.running if s.is_fresh and not s.waits)
        fresh = min(ready_ones, key=lambda s: s.n_parts, default=None)
        return fresh, [s for s in self.running if not s.is_fresh]

    def _must_wait(self, decoding: Decoding) -> bool:
        """One beam search at a time: each holds several caches."""
        return decoding.sampling.n_beams > 1 and any(s.sampling.n_beams > 1 for s in self.running)

    def cancelled(self) -> list[Decoding]:
        return [s for s in (*self.running, *self.waiting) if s.cancelled]

    def remove(self, decoding: Decoding) -> bool:
        """Free the decoding's slot and its session; False when it was still waiting for them."""
        if decoding not in self.running:
            self.waiting.remove(decoding)
            return False
        self.running.remove(decoding)
        decoding.session.busy = False
        return True
