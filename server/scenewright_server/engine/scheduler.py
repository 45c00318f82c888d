"""Who runs next."""

from __future__ import annotations

from collections import deque

from scenewright_server.engine.sequence import Sequence


class Scheduler:
    """First come, first served into `n_slots` slots; a newcomer is prefilled, then decodes with the rest."""

    def __init__(self, n_slots: int) -> None:
        self.n_slots = n_slots
        self.waiting: deque[Sequence] = deque()
        self.running: deque[Sequence] = deque()

    @property
    def has_work(self) -> bool:
        return bool(self.waiting or self.running)

    def add(self, sequence: Sequence) -> None:
        self.waiting.append(sequence)

    def next(self) -> list[Sequence]:
        """Fill the free slots, then name one sequence to prefill, or else all those to decode."""
        while len(self.running) < self.n_slots:
            # A session's turns follow one another, so a busy one lets others pass.
            ready = next((s for s in self.waiting if not s.session.busy), None)
            if ready is None:
                break
            self.waiting.remove(ready)
            self.running.append(ready)
            ready.session.busy = True
        fresh = next(([s] for s in self.running if s.is_fresh), None)
        return fresh or list(self.running)

    def cancelled(self) -> list[Sequence]:
        return [s for s in (*self.running, *self.waiting) if s.cancelled]

    def remove(self, sequence: Sequence) -> bool:
        """Free the sequence's slot and its session; False when it was still waiting for them."""
        if sequence not in self.running:
            self.waiting.remove(sequence)
            return False
        self.running.remove(sequence)
        sequence.session.busy = False
        return True
