"""What a client has said in a live conversation and the conversation has not yet dealt with: bounded, in order."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

from scenewright.v1 import dialogue_pb2

from scenewright_server.service.live.pace import Pace
from scenewright_server.service.live.replay import Stream
from scenewright_server.service.settings import Limits
from scenewright_server.service.status import Refused

CAPACITY = 32
ACKNOWLEDGE_EVERY = 16
"""So many messages of audio are acknowledged together."""


class Inbox:
    """Messages in their order, and the ends of streams. `last_seq` is the number of the newest message taken in.

    Of frames that wait only the newest is kept.
    """

    def __init__(self, limits: Limits, rate_hz: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.last_seq = 0
        self._pace = Pace(limits.max_live_lead_s, rate_hz, clock)
        self._items: deque[dialogue_pb2.ConverseRequest | Stream] = deque()
        self._frame: dialogue_pb2.ConverseRequest | None = None  # the newest of those that wait
        self._n_unacknowledged = 0
        self._room = asyncio.Semaphore(CAPACITY)
        self._filled = asyncio.Event()

    @property
    def has_more(self) -> bool:
        return bool(self._items)

    async def put(self, request: dialogue_pb2.ConverseRequest, stream: Stream) -> bool:
        """Take in the next message that came by this stream; True when `last_seq` is to be told.

        Waits for room. Raises `Refused` where the stream must end: OUT_OF_ORDER, AUDIO_TOO_FAST, TAKEN_OVER.
        """
        kind = request.WhichOneof("message")
        if kind == "setup":
            raise Refused("OUT_OF_ORDER", "setup came again; it comes once in a stream", field="setup")
        if request.client_seq <= self.last_seq:
            raise Refused(
                "OUT_OF_ORDER",
                f"client_seq is {request.client_seq}, needs more than {self.last_seq}",
                field="client_seq",
                value=request.client_seq,
                bound=self.last_seq,
            )
        if kind == "audio":
            self._pace.take(len(request.audio.data))
        await self._room.acquire()
        if stream.ended:
            self._room.release()
            raise Refused("TAKEN_OVER", "another stream has resumed this conversation")
        if kind == "image":
            self._replace_frame(request)
        self._append(request)
        self.last_seq = request.client_seq
        self._n_unacknowledged += 1
        if kind == "audio" and self._n_unacknowledged < ACKNOWLEDGE_EVERY:
            return False
        self._n_unacknowledged = 0
        return True

    def finish(self, stream: Stream) -> None:
        """The client has ended this stream in order."""
        self._append(stream)

    async def get(self) -> dialogue_pb2.ConverseRequest | Stream:
        """The oldest message, or stream that has been ended; waits for it."""
        while not self._items:
            self._filled.clear()
            await self._filled.wait()
        item = self._items.popleft()
        if not isinstance(item, Stream):
            self._room.release()
        if item is self._frame:
            self._frame = None
        return item

    def _append(self, item: dialogue_pb2.ConverseRequest | Stream) -> None:
        self._items.append(item)
        self._filled.set()

    def _replace_frame(self, request: dialogue_pb2.ConverseRequest) -> None:
        """Let go of a frame that still waits: it can be 16 MiB, and a newer one is here."""
        if self._frame is not None:
            self._items = deque(item for item in self._items if item is not self._frame)
            self._room.release()
        self._frame = request
