"""A conversation's events, numbered, the last of them kept so that a broken stream can be resumed."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator

from scenewright.v1 import dialogue_pb2

from scenewright_server.service.status import Refused
from scenewright_server.service.validate import refuse

Event = dialogue_pb2.ConverseResponse


class EventLog:
    """The last `n_kept` events. `last` is the number of the newest, 0 before the first."""

    def __init__(self, n_kept: int) -> None:
        self.last = 0
        self._events: deque[Event] = deque(maxlen=n_kept)
        self._reader: Stream | None = None

    def append(self, event: Event) -> None:
        """Number an event and keep it."""
        self.last += 1
        event.event_seq = self.last
        self._events.append(event)
        if self._reader is not None:
            self._reader.wake()

    def next(self, seq: int) -> Event | None:
        """The event after number `seq`, None if there is none yet. Raises `Refused` (EVENTS_LOST)."""
        if seq >= self.last:
            return None
        oldest = self.last - len(self._events) + 1
        if seq + 1 < oldest:
            raise Refused(
                "EVENTS_LOST",
                f"event {seq + 1} is asked for, events {oldest} to {self.last} are kept",
                value=seq + 1,
                bound=oldest,
            )
        return self._events[seq + 1 - oldest]

    def read(self, after: int) -> Stream:
        """A stream of the events behind number `after`; whoever read before is ended with TAKEN_OVER.

        Raises `Refused`: EVENTS_LOST, or FIELD_INVALID for a number beyond the last.
        """
        if after > self.last:
            refuse("setup.resume.last_event_seq", after, f"at most {self.last}, the last event there is")
        self.next(after)
        if self._reader is not None:
            self._reader.end(Refused("TAKEN_OVER", "another stream has resumed this conversation"))
        self._reader = Stream(self, after)
        return self._reader


class Stream:
    """What goes down one stream: the log's events from a place on, and messages of the stream's own."""

    def __init__(self, log: EventLog, position: int) -> None:
        self._log = log
        self._position = position
        self._own: dict[str, Event] = {}  # by kind; a newer one takes an unsent one's place
        self._woken = asyncio.Event()
        self._end: Refused | bool = False  # True: in order

    @property
    def ended(self) -> bool:
        return bool(self._end)

    def wake(self) -> None:
        self._woken.set()

    def tell(self, event: Event) -> None:
        """Send a message of the stream's own, which has no number and is never replayed."""
        self._own[event.WhichOneof("event") or ""] = event
        self.wake()

    def end(self, refused: Refused | None = None) -> None:
        """End the stream, once what is logged has been sent: in order, or with a status. Only the first counts."""
        self._end = self._end or refused or True
        self.wake()

    async def events(self) -> AsyncGenerator[Event, None]:
        """All that is to be sent, in its order. Raises `Refused` as `end` was told, and EVENTS_LOST."""
        while True:
            self._woken.clear()
            while self._own:
                yield self._own.pop(next(iter(self._own)))
            event = self._log.next(self._position)
            if event is not None:
                self._position = event.event_seq
                yield event
            elif isinstance(self._end, Refused):
                raise self._end
            elif self._end:
                return
            else:
                await self._woken.wait()
