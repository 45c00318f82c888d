"""What the user is saying, while it is being said."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from scenewright_server.service.backend import Backend
from scenewright_server.service.live.turns import TurnTaker
from scenewright_server.service.reading.waves import SAMPLE_RATE_HZ
from scenewright_server.service.status import Refused

EVERY_S = 0.5


class Captions:
    """Transcribes the turn under way about every EVERY_S of it, one transcription at a time, none when the engine
    is busy. `show` is given the words whenever they have changed.

    A pause is transcribed at once: should it be the end of the turn, then the engine has heard it already.
    """

    def __init__(self, backend: Backend, turns: TurnTaker, show: Callable[[str], None]) -> None:
        self._backend = backend
        self._turns = turns
        self._show = show
        self._task: asyncio.Task[None] | None = None
        self._heard_to = 0  # samples
        self._shown = ""

    def begin(self) -> None:
        """A turn begins."""
        self.stop()
        self._heard_to, self._shown = self._turns.begun_at, ""

    def stop(self) -> None:
        """The turn is over: what is still being transcribed is not wanted."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def update(self) -> None:
        """There is more audio."""
        turns = self._turns
        if not turns.speaking or (self._task is not None and not self._task.done()):
            return
        paused = turns.pausing and self._heard_to < turns.ended_at
        if paused or (not turns.pausing and turns.now - self._heard_to >= EVERY_S * SAMPLE_RATE_HZ):
            self._heard_to = turns.now
            self._task = asyncio.create_task(self._transcribe())

    async def _transcribe(self) -> None:
        audio = self._turns.audio()
        with suppress(Refused):  # overloaded: captions can wait
            text = (await self._backend.run(lambda engine: engine.transcribe(engine.hear(audio)))).text
            if text and text != self._shown:
                self._shown = text
                self._show(text)
