"""Live conversations and the streams that carry them: begun, resumed, handed on, drained."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress
from typing import Any

from google.protobuf import duration_pb2
from scenewright.v1 import dialogue_pb2

from scenewright_server.perception.voice import Ear, Listener
from scenewright_server.service.auth import owner
from scenewright_server.service.live.conversation import Conversation
from scenewright_server.service.live.inbox import Inbox
from scenewright_server.service.live.replay import Event, Stream
from scenewright_server.service.live.setup import Manner, read_setup
from scenewright_server.service.metrics import Metrics
from scenewright_server.service.models import Models
from scenewright_server.service.reading.asked import given, read_history
from scenewright_server.service.reading.poses import known_handedness
from scenewright_server.service.served import Stopwatch
from scenewright_server.service.sessions import SessionStore
from scenewright_server.service.settings import Limits
from scenewright_server.service.status import Refused
from scenewright_server.service.validate import refuse
from scenewright_server.service.version import CONTRACT, server_version

NOTICE_S = 10
"""How long before the limit of a stream its go_away is sent."""
FLUSH_S = 1.0
"""How long the last events of conversations may take to be sent when the server stops."""
CUT_S = 0.1
"""A broken stream at first looks like one that the client has ended; within this time its cancellation follows."""


class Live:
    """All conversations of a server. `load` before the first, `go_away` and `close` at the end."""

    def __init__(self, models: Models, sessions: SessionStore, limits: Limits, metrics: Metrics, log: Any) -> None:
        self._models = models
        self._limits = limits
        self._sessions = sessions
        self._metrics = metrics
        self._log = log
        self._listener: Listener | None = None
        self._held: dict[str, _Held] = {}
        self._over: OrderedDict[str, str] = OrderedDict()  # the last that are over, and whose they were
        self._streams: set[Stream] = set()
        self._no_streams = asyncio.Event()
        self._no_streams.set()

    def __len__(self) -> int:
        return len(self._held)

    async def load(self) -> None:
        self._listener = await asyncio.to_thread(Listener)

    @property
    def listener(self) -> Listener:
        """Who judges whether somebody speaks."""
        assert self._listener is not None  # loaded before the gate opens
        return self._listener

    def go_away(self, time_left_s: float) -> None:
        """Tell every client that the server stops; each conversation ends after the turn under way."""
        for held in list(self._held.values()):
            held.leave(time_left_s, Refused("SHUTTING_DOWN", "the server is shutting down"), end=True)

    async def close(self) -> None:
        """End what is left, and give its streams FLUSH_S to send their last events."""
        held = list(self._held.values())
        for one in held:
            one.end(Refused("SHUTTING_DOWN", "the server is shutting down"))
        await asyncio.gather(*(one.task for one in held))
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._no_streams.wait(), FLUSH_S)
        if self._listener is not None:
            self._listener.close()

    async def converse(self, requests: AsyncIterator[dialogue_pb2.ConverseRequest]) -> AsyncGenerator[Event, None]:
        """The events of one stream. Raises `Refused` where the stream ends with a status."""
        setup = await _first(requests, self._limits.max_request_s)
        resumes = setup.HasField("resume")
        held = self._find(setup) if resumes else await self._begin(setup)
        stream = held.attach(setup.resume.last_event_seq)
        if resumes:
            self._metrics.resumes.inc()
        reader = asyncio.create_task(_read(requests, held, stream))
        limit_s = self._limits.max_live_s
        late = Refused("DEADLINE_EXCEEDED", f"the stream has lasted limits.max_live_s = {limit_s} s", bound=limit_s)
        notice_s = min(NOTICE_S, limit_s / 2)
        notice = asyncio.get_running_loop().call_later(limit_s - notice_s, held.leave, notice_s, late)
        in_order = False
        self._streams.add(stream)
        self._no_streams.clear()
        try:
            async with aclosing(stream.events()) as events:
                async for event in events:
                    yield event
            in_order = True
        finally:
            notice.cancel()
            reader.cancel()
            held.detach(stream, in_order)
            self._streams.discard(stream)
            if not self._streams:
                self._no_streams.set()

    def _find(self, setup: dialogue_pb2.ConverseSetup) -> _Held:
        others = [field.name for field, _ in setup.ListFields() if field.name != "resume"]
        if others:
            raise Refused(
                "FIELD_INVALID",
                f"setup.{others[0]} is set beside setup.resume; a conversation that goes on keeps its own",
                field=f"setup.{others[0]}",
            )
        handle, field = setup.resume.handle, "setup.resume.handle"
        if not handle:
            raise Refused("FIELD_REQUIRED", f"{field} is empty", field=field)
        held = self._held.get(handle)
        if held is None or held.conversation.dialogue.owner != owner():
            over = self._over.get(handle) == owner()
            raise Refused(
                "SESSION_EXPIRED" if over else "SESSION_NOT_FOUND",
                f"{field} {handle[:64]!r} {'is of a conversation that is over' if over else 'is unknown'}",
                field=field,
                value=handle[:64],
            )
        return held

    async def _begin(self, setup: dialogue_pb2.ConverseSetup) -> _Held:
        models, caller = self._models, owner()
        known = self._sessions.get(setup.session_id, caller) if setup.session_id else None
        model = models.get(setup.model) if known is None else models.of_session(setup.model, known.model)
        manner = read_setup(setup, model)
        if known is not None and setup.history:
            refuse("setup.history", f"{len(setup.history)} items", "none beside session_id: a session has its own past")
        memory = await read_history(setup.history, model, "setup.history")
        image, scene = given(setup, "image"), given(setup, "scene")
        told = known_handedness(setup, default=0 if known is None else known.handedness)
        told = known_handedness(scene, image, default=told)
        sight = await model.glance(image, scene, Stopwatch(), told, None if known is None else known.sight)
        ear = Ear(self.listener, manner.rate_hz) if manner.rate_hz else None
        if known is None:
            dialogue = self._sessions.create(float(model.limits.max_session_ttl_s), caller, model)
            dialogue.memory = memory
        else:
            dialogue = self._sessions.get(setup.session_id, caller)
        conversation = Conversation(manner, dialogue, sight, told, ear, self._metrics, self._log)
        held = _Held(conversation, Inbox(model.limits, manner.rate_hz), model.limits.max_resume_s)
        held.task = asyncio.create_task(self._hold(held, manner, owned=known is None))
        try:
            await held.begun
        except asyncio.CancelledError:
            held.end(None)
            raise
        return held

    async def _hold(self, held: _Held, manner: Manner, *, owned: bool) -> None:
        """Keep a conversation going until it is over, whatever becomes of its streams."""
        conversation = held.conversation
        try:
            with self._sessions.use(conversation.dialogue.id, conversation.dialogue.owner) as dialogue:
                if manner.instructions is not None:
                    dialogue.instructions = manner.instructions
                self._held[conversation.id] = held
                held.begun.set_result(None)
                await held.work()
        except Refused as refused:  # the session is in use, or was deleted
            if not held.begun.done():
                held.begun.set_exception(refused)
            held.why = refused
        except asyncio.CancelledError:
            pass  # told to end, see `why`
        finally:
            conversation.close()
            held.stop()
            if self._held.pop(conversation.id, None) is not None:
                self._over[conversation.id] = conversation.dialogue.owner
                if len(self._over) > self._limits.max_sessions:
                    self._over.popitem(last=False)
            if owned:
                self._sessions.discard(conversation.dialogue.id)


class _Held:
    """A conversation, and the stream that it has at present."""

    def __init__(self, conversation: Conversation, inbox: Inbox, resume_s: float) -> None:
        self.conversation = conversation
        self.inbox = inbox
        self.task: asyncio.Task[None]
        self.begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.why: Refused | None = None
        self._resume_s = resume_s
        self._stream: Stream | None = None
        self._expiry: asyncio.TimerHandle | None = None
        self._leaving: tuple[Refused, bool] | None = None  # the status to leave with, and whether all ends then
        conversation.on_idle = self._leave_if_idle

    def attach(self, after: int) -> Stream:
        """A stream of the events behind number `after`, its setup_complete first; it takes the place of another."""
        stream = self.conversation.events.read(after)
        if self._expiry is not None:
            self._expiry.cancel()
        self._stream, self._leaving = stream, None
        complete = dialogue_pb2.SetupComplete(
            session_id=self.conversation.dialogue.id,
            last_consumed_client_seq=self.inbox.last_seq,
            resume_handle=self.conversation.id,
            resume_ttl=_duration(self._resume_s),
            model=self.conversation.dialogue.model.name,
            server_version=server_version(),
            contract=CONTRACT,
        )
        stream.tell(Event(setup_complete=complete))
        return stream

    def detach(self, stream: Stream, in_order: bool) -> None:
        """The stream is over; after one that has not ended in order the conversation waits to be resumed."""
        if stream is not self._stream:
            return
        self._stream = None
        if in_order:
            self.end(None)
        else:
            self._expiry = asyncio.get_running_loop().call_later(self._resume_s, self.end, None)

    async def take(self, request: dialogue_pb2.ConverseRequest, stream: Stream) -> None:
        """A message of the client. Raises `Refused` where the stream must end for it."""
        if await self.inbox.put(request, stream):
            update = dialogue_pb2.ResumeUpdate(last_consumed_client_seq=self.inbox.last_seq)
            stream.tell(Event(resume_update=update))

    async def work(self) -> None:
        """Handle the client's messages one by one."""
        while True:
            item = await self.inbox.get()
            if not isinstance(item, Stream):
                await self.conversation.handle(item)
            else:
                await self.conversation.finish()
                item.end()
            self._leave_if_idle()

    def leave(self, time_left_s: float, refused: Refused, end: bool = False) -> None:
        """Send a go_away, and end the stream, or with `end` the conversation, after the turn under way."""
        self._leaving = refused, end
        if self._stream is not None:
            self._stream.tell(Event(go_away=dialogue_pb2.GoAway(time_left=_duration(time_left_s))))
        self._leave_if_idle()

    def end(self, why: Refused | None) -> None:
        """End the conversation."""
        self.why = why
        self.task.cancel()

    def stop(self) -> None:
        """Let go of the stream: the conversation is over."""
        if self._expiry is not None:
            self._expiry.cancel()
        if self._stream is not None:
            self._stream.end(self.why)

    def _leave_if_idle(self) -> None:
        if self._leaving is None or self.conversation.busy or self.inbox.has_more:
            return
        refused, end = self._leaving
        if end:
            self.end(refused)
        elif self._stream is not None:
            self._stream.end(refused)


async def _first(requests: AsyncIterator[dialogue_pb2.ConverseRequest], timeout_s: float) -> dialogue_pb2.ConverseSetup:
    """The stream's setup, which must come first and soon."""
    try:
        first = await asyncio.wait_for(anext(requests), timeout_s)
    except asyncio.TimeoutError:
        raise Refused(
            "DEADLINE_EXCEEDED", f"no setup came in limits.max_request_s = {timeout_s:g} s", bound=timeout_s
        ) from None
    except StopAsyncIteration:
        raise Refused("FIELD_REQUIRED", "setup is missing: the stream ended before it", field="setup") from None
    kind = first.WhichOneof("message")
    if kind != "setup":
        raise Refused("FIELD_REQUIRED", f"setup is missing: the first message is {kind or 'empty'}", field="setup")
    if first.client_seq:
        raise Refused("FIELD_INVALID", f"client_seq is {first.client_seq}, needs 0 in setup", field="client_seq")
    return first.setup


async def _read(requests: AsyncIterator[dialogue_pb2.ConverseRequest], held: _Held, stream: Stream) -> None:
    """Take in what the client sends until it ends the stream, one way or the other."""
    try:
        async for request in requests:
            await held.take(request, stream)
    except Refused as refused:
        stream.end(refused)
        return
    await asyncio.sleep(CUT_S)
    held.inbox.finish(stream)


def _duration(seconds: float) -> duration_pb2.Duration:
    duration = duration_pb2.Duration()
    duration.FromMicroseconds(round(seconds * 1e6))
    return duration
