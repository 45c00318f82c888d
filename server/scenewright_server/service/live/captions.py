"""What the user is saying, while it is being said."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from scenewright_server.families.family import SAMPLE_RATE_HZ
from scenewright_server.service.live.turns import TurnTaker
from scenewright_server.service.served import ServedModel, refusals
from scenewright_server.service.status import Refused

EVERY_S = 0.5


class Captions:
    """Transcribes the turn under way about every EVERY_S of it, one transcription at a time, none when there is
    too much to hear. `show` is given the words whenever they have changed.

    A pause is transcribed at once: should it be the end of the turn, then it has been heard already.
    """

    def __init__(self, model: ServedModel, turns: TurnTaker, show: Callable[[str], None]) -> None:
        self._model = model
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
            with refusals():
                text = (await self._model.perception.hear(audio)).text
            if text and text != self._shown:
                self._shown = text
                self._show(text)
