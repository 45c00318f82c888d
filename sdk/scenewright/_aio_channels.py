"""The connections of the asyncio client, and how calls are made over them."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from contextlib import aclosing, contextmanager
from typing import Any, TypeVar

import grpc
import numpy as np

from scenewright import _calls
from scenewright._channel import LARGE_BYTES, Attempts, Settings
from scenewright.errors import ClosedError, ScenewrightError, from_rpc

T = TypeVar("T")


class Channels:
    """One for ordinary and one for large requests, for every event loop that calls; all end with `close`."""

    def __init__(self, settings: Settings) -> None:
        self.metadata = settings.metadata
        self._settings, self._credentials = settings, settings.credentials
        self._channels: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[bool, grpc.aio.Channel]]
        self._channels = weakref.WeakKeyDictionary()
        self._closed = False

    async def close(self) -> None:
        """Calls under way, and all later ones, raise ClosedError."""
        self._closed = True
        here = asyncio.get_running_loop()
        for loop, channels in tuple(self._channels.items()):
            for channel in channels.values():
                if loop is here:
                    await channel.close(None)
                elif loop.is_running():
                    asyncio.run_coroutine_threadsafe(channel.close(None), loop)
        self._channels.clear()

    def connect(self, is_large: bool, *more: tuple[str, int]) -> grpc.aio.Channel:
        """A channel of the caller's own, with `more` options."""
        self.check_open()
        address, options = self._settings.address, [*self._settings.options(is_large), *more]
        if self._credentials is None:
            return grpc.aio.insecure_channel(address, options)
        return grpc.aio.secure_channel(address, self._credentials, options)

    async def run(self, call: _calls.Call[T], timeout_s: float | None) -> T:
        """The result of a call, tried again as `Attempts` says."""
        attempts = Attempts(self._settings, timeout_s)
        while True:
            try:
                with self._translated():
                    method = self._method(call)
                    return call.convert(
                        await method(call.request, timeout=attempts.remaining_s(), metadata=self.metadata)
                    )
            except ScenewrightError as error:
                await _wait(attempts, error)

    def stream(self, call: _calls.Stream[T], timeout_s: float | None) -> AsyncIterator[T]:
        """The events of a call, tried again until its first one."""
        self.check_open()
        return self._events(call, Attempts(self._settings, timeout_s))

    async def _events(self, call: _calls.Stream[T], attempts: Attempts) -> AsyncIterator[T]:
        begun = False
        while True:
            try:
                with self._translated():
                    method = self._method(call)
                    responses = method(call.request, timeout=attempts.remaining_s(), metadata=self.metadata)
                async with aclosing(self._read(responses)) as reading:
                    async for response in reading:
                        begun = True
                        event = call.convert(response)
                        if event is not None:
                            yield event
                return
            except ScenewrightError as error:
                if begun:  # a second try would repeat what was given out
                    raise
                await _wait(attempts, error)

    async def transcribe(
        self,
        call: _calls.Stream[T],
        audio: AsyncIterable[bytes | np.ndarray] | Iterable[bytes | np.ndarray],
        timeout_s: float | None,
    ) -> AsyncIterator[T]:
        """The events that come while `audio` goes out; what its iterator raises is raised."""
        with self._translated():
            responses = self._method(call)(timeout=timeout_s, metadata=self.metadata)

        async def send() -> None:
            try:
                await responses.write(call.request)
                async for piece in _each(audio):
                    for request in _calls.audio_requests(piece, call.request.setup.sample_rate_hz):
                        await responses.write(request)
                await responses.done_writing()
            except (grpc.RpcError, asyncio.InvalidStateError):  # reading tells why
                pass
            except Exception:
                responses.cancel()
                raise

        sending = asyncio.create_task(send())
        try:
            async with aclosing(self._read(responses)) as reading:
                async for response in reading:
                    event = call.convert(response)
                    if event is not None:
                        yield event
        except asyncio.CancelledError:
            if sending.done() and not sending.cancelled() and sending.exception() is not None:
                await sending
            raise
        finally:
            sending.cancel()

    async def _read(self, responses: Any) -> AsyncGenerator[Any, None]:
        """What comes back; leaving it cancels the call."""
        with self._translated():
            try:
                async for response in responses:
                    yield response
            finally:
                responses.cancel()

    def _method(self, call: _calls.Call[T] | _calls.Stream[T]) -> Callable[..., Any]:
        self.check_open()
        channels = self._channels.setdefault(asyncio.get_running_loop(), {})
        is_large = call.request.ByteSize() > LARGE_BYTES
        if is_large not in channels:
            channels[is_large] = self.connect(is_large)
        return getattr(call.stub(channels[is_large]), call.method)

    def check_open(self) -> None:
        """Raises ClosedError once `close` was called."""
        if self._closed:
            raise ClosedError("the client is closed")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except grpc.RpcError as error:
            self.check_open()
            raise from_rpc(error) from None
        except (asyncio.CancelledError, asyncio.InvalidStateError, grpc.aio.UsageError):
            # How gRPC ends calls on a channel that is closed; a task that is cancelled itself stays so.
            if not _is_cancelled():
                self.check_open()
            raise


def _is_cancelled() -> bool:
    """Whether somebody cancelled this very task; Python 3.10 does not say."""
    cancelling = getattr(asyncio.current_task(), "cancelling", None)
    return cancelling is not None and cancelling() > 0


async def _each(pieces: AsyncIterable[T] | Iterable[T]) -> AsyncIterator[T]:
    if isinstance(pieces, AsyncIterable):
        async for piece in pieces:
            yield piece
    else:
        for piece in pieces:
            yield piece


async def _wait(attempts: Attempts, error: ScenewrightError) -> None:
    delay_s = attempts.delay_s(error)
    if delay_s is None:
        raise error from None
    await asyncio.sleep(delay_s)
