"""Listens to a live conversation and remembers when each event came."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from scenewright import live
from scenewright.live.floor import Floor

E = TypeVar("E", bound=live.Event)

PATIENCE_S = 30.0
"""What has not come when nothing numbered has for so long is lost; an answer over a bad network may take longer."""


class Follower:
    """Follows a conversation in an `async with` statement; `heard` holds (loop time in seconds, event)."""

    def __init__(self, conversation: live.Conversation) -> None:
        self._conversation = conversation
        self._came = asyncio.Event()
        self.floor = Floor()
        self.heard: list[tuple[float, live.LiveEvent]] = []
        self._happened_at = 0.0

    async def __aenter__(self) -> Follower:
        self._task = asyncio.create_task(self._follow())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def first(
        self, kind: type[E], since: int, when: Callable[[E], bool] = lambda _: True
    ) -> tuple[float, E] | None:
        """The first event of `kind` from `heard[since]` on for which `when` holds; None if none comes in time."""
        now = asyncio.get_running_loop().time
        asked_at = now()
        while True:
            self._came.clear()
            for at, event in self.heard[since:]:
                if isinstance(event, kind) and when(event):
                    return at, event
            left_s = max(asked_at, self._happened_at) + PATIENCE_S - now()
            if self._task.done():
                self._task.result()
                return None
            try:
                await asyncio.wait_for(self._came.wait(), left_s)
            except asyncio.TimeoutError:
                return None

    def said(self, since: int) -> str:
        """The words of answers from `heard[since]` on."""
        return "".join(event.text for _, event in self.heard[since:] if isinstance(event, live.TextDelta))

    async def over(self) -> None:
        """Return when the conversation is over; raises what ended it."""
        await self._task

    async def _follow(self) -> None:
        now = asyncio.get_running_loop().time
        try:
            async for event in self._conversation:
                self.heard.append((now(), event))
                if event.event_seq:
                    self._happened_at = now()
                self.floor.take(event)
                self._came.set()
        finally:
            self.floor.end()
            self._came.set()
