"""One live conversation, over as many connections as it takes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import grpc
import numpy as np

from scenewright import types
from scenewright._channel import Attempts
from scenewright._convert import checks, inputs
from scenewright.errors import (
    ClosedError,
    ExhaustedError,
    InvalidInputError,
    PreconditionError,
    ScenewrightError,
    ServerError,
)
from scenewright.live import _wire, events
from scenewright.live.link import Link, Log
from scenewright.live.outbox import Outbox
from scenewright.live.patience import Patience
from scenewright.v1 import dialogue_pb2

MAX_KEPT_BYTES = 8 << 20
MAX_UNREAD_EVENTS = 4096
MAX_LEAD_S = 8.0
"""Audio may be so far ahead of the clock; the server's own bound is higher, so that what a broken connection held
back can be sent at once."""
CLOSE_S = 5.0


class Conversation:
    """A live conversation; made by `aio.Client.converse`. Use it in an `async with` statement.

    It is its own iterator of events (`scenewright.live`), for one reader. Whatever is sent is kept until the server
    has taken it in; when a connection breaks, another is made and the conversation goes on where it was. Every
    `send_...` returns a number that a `Problem` about it carries, waits while too much is kept, and raises
    InvalidInputError for what cannot be sent. Errors that end the conversation are raised by whoever reads or sends.
    """

    def __init__(
        self,
        connect: Callable[[], grpc.aio.Channel],
        setup: dialogue_pb2.ConverseRequest,
        attempts: Attempts,
        *,
        metadata: Sequence[tuple[str, str]] = (),
        stall_s: float = 10.0,
        log: Log | None = None,
    ) -> None:
        self._connect = connect
        self._metadata = metadata
        self._first = setup
        self._attempts = attempts
        self._stall_s = stall_s
        self._log = log
        self._rate_hz = setup.setup.sample_rate_hz
        self._outbox = Outbox(MAX_KEPT_BYTES)
        self._events: asyncio.Queue[events.LiveEvent | None] = asyncio.Queue()
        self._error: ScenewrightError | None = None
        self._patience = Patience()
        self._begun, self._more, self._room = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._finishing = self._over = False
        self._handle, self._resume_ttl_s = "", 0.0
        self._last_event_seq = 0
        self._audio_until = 0.0
        self._task: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.session_id = ""
        self.n_connections = 0

    async def __aenter__(self) -> Conversation:
        if self._error is not None:
            raise self._error
        if self._task is not None or self._over:
            raise PreconditionError("a conversation is begun only once: make another with `converse`")
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.create_task(self._run())
        try:
            await self._begun.wait()
        except asyncio.CancelledError:
            self._task.cancel()
            raise
        if self._error is not None:
            raise self._error
        if self._task.done():
            self._task.result()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def __aiter__(self) -> Conversation:
        return self

    async def __anext__(self) -> events.LiveEvent:
        self._check_begun()
        event = None if self._over and self._events.empty() else await self._events.get()
        if event is not None:
            return event
        if self._error is not None:
            raise self._error
        raise StopAsyncIteration

    async def send_audio(self, audio: bytes | np.ndarray) -> int:
        """Samples at the rate of `Hearing`: 16-bit little-endian mono bytes, or an array as in `types.AudioLike`.

        Waits while more than MAX_LEAD_S seconds are ahead of the clock.
        """
        self._check_begun()
        if not self._rate_hz:
            raise InvalidInputError("audio: the conversation was begun with hearing=None")
        seq = 0
        for chunk in inputs.audio_to_chunks(audio, self._rate_hz):
            now = asyncio.get_running_loop().time()
            self._audio_until = max(self._audio_until, now) + len(chunk.data) / 2 / self._rate_hz
            await asyncio.sleep(max(0.0, self._audio_until - now - MAX_LEAD_S))
            seq = await self._send(audio=chunk)
        return seq

    async def send_text(self, text: str) -> int:
        """A typed turn; it interrupts an answer unless the conversation's `interruption` is "none"."""
        return await self._send(text=checks.make(dialogue_pb2.TextTurn, "", text=checks.text(text, "text")))

    async def send_frame(self, frame: types.FrameLike) -> int:
        """What the camera sees now. Give it a `frame_id`, and keep the camera's pose under it."""
        return await self._send(image=inputs.frame_to_proto(frame))

    async def send_scene(self, scene: types.SceneLike | events.SceneDelta) -> int:
        """The whole scene graph as it is now, or what has changed in it."""
        return await self._send(scene_update=_wire.scene_update_to_proto(scene))

    async def send_viewpoint(self, viewpoint: types.Viewpoint) -> int:
        """Where the user stands now: neither a frame nor the scene need come again."""
        return await self._send(viewpoint=inputs.viewpoint_to_proto(viewpoint))

    async def send_pointer(self, pointer: types.Pointer | None) -> int:
        """What the user points at, or None when they point no more; the newest before a turn's end counts."""
        if pointer is None:
            return await self._send(pointer_end=dialogue_pb2.PointerEnd())
        return await self._send(pointer=inputs.pointer_to_proto(pointer))

    async def send_instructions(self, instructions: str) -> int:
        """Who the model is and how it is to speak from the next turn on."""
        return await self._send(session_update=checks.make(dialogue_pb2.SessionUpdate, "", instructions=instructions))

    async def interrupt(self) -> int:
        """Stop the answer that is under way; without one it does nothing."""
        return await self._send(interrupt=dialogue_pb2.Interrupt())

    async def activity_start(self) -> int:
        """The user begins to speak; with `Hearing(turns="manual")` only."""
        return await self._send(activity_start=dialogue_pb2.ActivityStart())

    async def activity_end(self) -> int:
        """The user has spoken; with `Hearing(turns="manual")` only."""
        return await self._send(activity_end=dialogue_pb2.ActivityEnd())

    async def report_playback(self, response_id: str, presented: str = "", *, finished: bool = False) -> int:
        """What of an answer's text has been heard or read: `presented`, its beginning, or with `finished` all of it."""
        report = checks.make(
            dialogue_pb2.PlaybackReport,
            "",
            response_id=response_id,
            presented_chars=len(checks.text(presented, "presented")),
            finished=finished,
        )
        return await self._send(playback_report=report)

    def finish(self) -> None:
        """Nothing more will be sent: the turn under way is answered to its end, then the events end."""
        self._finishing = True
        self._more.set()

    async def close(self) -> None:
        """End the conversation at once; events not yet read stay readable."""
        if self._task is None:
            return
        if not self._over and not self._finishing:
            self._outbox.add(dialogue_pb2.ConverseRequest(interrupt=dialogue_pb2.Interrupt()))
        self.finish()
        await asyncio.wait({self._task}, timeout=CLOSE_S)
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        self._end(None)

    def abort(self, error: ScenewrightError) -> None:
        """End the conversation without a word to the server; whoever reads or sends gets `error`."""
        if self._loop is None or self._loop.is_closed():
            self._end(error)
        else:  # the client may be closed from another thread
            self._loop.call_soon_threadsafe(self._stop, error)

    def _stop(self, error: ScenewrightError) -> None:
        self._end(error)
        if self._task is not None:
            self._task.cancel()

    def _check_begun(self) -> None:
        if self._task is None and not self._over:
            raise PreconditionError("the conversation has not begun: use it in an `async with` statement")

    async def _send(self, **message: Any) -> int:
        self._check_begun()
        while self._outbox.full and not self._over:
            self._room.clear()
            await self._room.wait()
        if self._error is not None:
            raise self._error
        if self._over or self._finishing:
            raise ClosedError("the conversation is over")
        seq = self._outbox.add(dialogue_pb2.ConverseRequest(**message))
        self._more.set()
        return seq

    async def _run(self) -> None:
        error: ScenewrightError | None = None
        try:
            while error is None:
                try:
                    return await self._converse()
                except ScenewrightError as broken:
                    delay_s = self._delay_s(broken)
                    if delay_s is None:
                        error = broken
                    else:
                        await asyncio.sleep(delay_s)
        finally:
            self._end(error)

    def _delay_s(self, broken: ScenewrightError) -> float | None:
        """Seconds until the next try; None if there is to be none."""
        if not self._handle:
            return self._attempts.delay_s(broken)
        return self._patience.delay_s(broken, asyncio.get_running_loop().time(), self._resume_ttl_s)

    def _end(self, error: ScenewrightError | None) -> None:
        if not self._over:
            self._over, self._error = True, error
            self._events.put_nowait(None)
        self._begun.set()
        self._room.set()

    async def _converse(self) -> None:
        """One connection, from its first message to its end; returns when the conversation has ended in peace."""
        self.n_connections += 1
        async with Link(self._connect(), self._metadata, self.n_connections, self._stall_s, self._log) as link:
            await self._open(link)
            reading = asyncio.create_task(self._receive(link))
            watching = asyncio.create_task(link.watch(lambda: self._outbox.awaits_answer))
            writing = asyncio.create_task(self._send_all(link))
            try:
                done, _ = await asyncio.wait({reading, watching}, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                for task in (reading, watching, writing):
                    task.cancel()
                await asyncio.gather(reading, watching, writing, return_exceptions=True)

    async def _open(self, link: Link) -> None:
        resumed = bool(self._handle)
        first = _wire.resume_to_proto(self._handle, self._last_event_seq) if resumed else self._first
        complete = await link.open(first)
        self._handle, self.session_id = complete.resume_handle, complete.session_id
        self._resume_ttl_s = complete.resume_ttl.ToMicroseconds() / 1e6
        lost = self._outbox.rewind(complete.last_consumed_client_seq, int(MAX_LEAD_S * self._rate_hz) * 2)
        self._patience.connected()
        lost_s = lost / 2 / self._rate_hz if lost else 0.0
        self._events.put_nowait(
            events.SetupComplete(
                0,
                0,
                "",
                self.session_id,
                resumed,
                lost_s,
                complete.model,
                complete.server_version,
                complete.contract,
            )
        )
        self._begun.set()
        self._room.set()

    async def _send_all(self, link: Link) -> None:
        while True:
            message = self._outbox.next()
            if message is not None:
                await link.write(message)
            elif self._finishing:
                return await link.half_close()
            else:
                self._more.clear()
                await self._more.wait()

    async def _receive(self, link: Link) -> None:
        async for response in link.responses():
            self._patience.heard()
            self._take(response)

    def _take(self, response: dialogue_pb2.ConverseResponse) -> None:
        if response.HasField("resume_update"):
            self._outbox.acknowledge(response.resume_update.last_consumed_client_seq)
            self._room.set()
            return
        if response.event_seq:
            if response.event_seq != self._last_event_seq + 1:
                raise ServerError(f"event {response.event_seq} came after event {self._last_event_seq}")
            self._last_event_seq = response.event_seq
        if self._events.qsize() >= MAX_UNREAD_EVENTS:
            raise ExhaustedError(f"{self._events.qsize()} events are unread, at most {MAX_UNREAD_EVENTS} may be")
        event = _wire.event_from_proto(response)
        if event is not None:
            self._events.put_nowait(event)
