"""Who has the floor in a live conversation: the user, the server that owes an answer, or nobody."""

from __future__ import annotations

import asyncio

from scenewright.live import events


class Floor:
    """Is told every event, and knows whether anything is under way. `n_spoken` counts the spoken turns that ended."""

    def __init__(self) -> None:
        self.n_spoken = 0
        self._changed = asyncio.Event()
        self._speaking = False
        self._owed = False
        self._answering = False
        self._over = False

    @property
    def free(self) -> bool:
        """Nobody speaks and no answer is under way or owed."""
        return self._over or not (self._speaking or self._owed or self._answering)

    def take(self, event: events.LiveEvent) -> None:
        """One more event of the conversation."""
        if isinstance(event, events.SpeechStarted):
            self._speaking = True
        elif isinstance(event, events.SpeechStopped):
            self._speaking, self._owed = False, True
            self.n_spoken += 1
        elif isinstance(event, events.Transcript) and event.is_final and not event.text:
            self._owed = False
        elif isinstance(event, events.ResponseStarted):
            self._owed, self._answering = False, True
        elif isinstance(event, events.ResponseDone):
            self._answering = False
        self._changed.set()

    def end(self) -> None:
        """The conversation is over."""
        self._over = True
        self._changed.set()

    async def settled(self, quiet_s: float, *, n_spoken: int = 0, patience_s: float = 5.0) -> None:
        """Return once nothing has been under way, and nothing has happened, for `quiet_s` seconds.

        Until `n_spoken` spoken turns have ended it waits longer, `patience_s`: a busy server hears late.
        """
        while not self._over:
            wait_s = None if not self.free else quiet_s if self.n_spoken >= n_spoken else patience_s
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), wait_s)
            except asyncio.TimeoutError:
                return
