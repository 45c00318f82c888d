"""The client for asyncio. It is `scenewright.Client` with `await`; see there for what the arguments mean."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import aclosing, contextmanager, suppress
from typing import Any, TypeVar

import grpc
import numpy as np

from scenewright import _calls, live, types
from scenewright._channel import DEFAULT_ADDRESS, LARGE_BYTES, Attempts, Settings, Tls, read_timeout
from scenewright._convert import checks, inputs, outputs
from scenewright.errors import ClosedError, NotFoundError, ScenewrightError, from_rpc
from scenewright.live import _wire

T = TypeVar("T")


class Client:
    """Talks to one server. Use it in an `async with` statement, or call `close()`.

    It may be made anywhere and used from any event loop; it has a connection for each.
    """

    def __init__(
        self,
        address: str = DEFAULT_ADDRESS,
        *,
        tls: Tls | None = None,
        model: str = "",
        token: str | None = None,
        timeout_s: float | None = 60.0,
        max_attempts: int = 4,
    ) -> None:
        self._settings = Settings(address, tls, timeout_s, max_attempts, model, token)
        self._metadata = self._settings.metadata
        self._credentials = self._settings.credentials
        self._closed = False
        self._channels: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[bool, grpc.aio.Channel]]
        self._channels = weakref.WeakKeyDictionary()
        self._conversations: weakref.WeakSet[live.Conversation] = weakref.WeakSet()

    async def __aenter__(self) -> Client:
        self._check_open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections; calls and conversations under way, and all later ones, raise ClosedError."""
        self._closed = True
        for conversation in tuple(self._conversations):
            conversation.abort(ClosedError("the client is closed"))
        here = asyncio.get_running_loop()
        for loop, channels in tuple(self._channels.items()):
            for channel in channels.values():
                if loop is here:
                    await channel.close(None)
                elif loop.is_running():
                    asyncio.run_coroutine_threadsafe(channel.close(None), loop)
        self._channels.clear()

    async def describe(
        self,
        image: types.FrameLike | None = None,
        *,
        scene: types.SceneLike | None = None,
        sampling: types.Sampling | None = None,
        language: str = "",
        model: str = "",
        timeout_s: float | None = None,
    ) -> types.Description:
        """Describe an image, a scene graph, or both."""
        return await self._run(_calls.describe(self._model(model), image, scene, sampling, language), timeout_s)

    def describe_stream(
        self,
        image: types.FrameLike | None = None,
        *,
        scene: types.SceneLike | None = None,
        sampling: types.Sampling | None = None,
        language: str = "",
        model: str = "",
        timeout_s: float | None = None,
    ) -> AsyncIterator[types.ResponseEvent]:
        """The same as it is made: text and annotations, then `Done`. Closing it cancels the call."""
        call = _calls.describe_stream(self._model(model), image, scene, sampling, language)
        return self._stream(call, timeout_s)

    async def ask(
        self,
        question: str | None = None,
        *,
        audio: types.AudioLike | None = None,
        frame: types.FrameLike | None = None,
        scene: types.SceneLike | None = None,
        pointer: types.Pointer | None = None,
        sampling: types.Sampling | None = None,
        language: str = "",
        instructions: str | None = None,
        model: str = "",
        timeout_s: float | None = None,
    ) -> types.Answer:
        """One question, typed or spoken, that stands alone; "this" is what `pointer` meets. Else use `session()`."""
        events = self.ask_stream(
            question,
            audio=audio,
            frame=frame,
            scene=scene,
            pointer=pointer,
            sampling=sampling,
            language=language,
            instructions=instructions,
            model=model,
            timeout_s=timeout_s,
        )
        return outputs.answer_from_events([event async for event in events])

    def ask_stream(
        self,
        question: str | None = None,
        *,
        audio: types.AudioLike | None = None,
        frame: types.FrameLike | None = None,
        scene: types.SceneLike | None = None,
        pointer: types.Pointer | None = None,
        sampling: types.Sampling | None = None,
        language: str = "",
        instructions: str | None = None,
        model: str = "",
        timeout_s: float | None = None,
    ) -> AsyncIterator[types.AskEvent]:
        """The same as it is made: `Question`, then text and annotations, then `Done`."""
        call = _calls.ask(
            self._model(model), "", question, audio, frame, scene, pointer, sampling, language, instructions
        )
        return self._stream(call, timeout_s)

    async def session(
        self,
        *,
        language: str = "",
        instructions: str = "",
        history: Sequence[types.HistoryTurn] = (),
        handedness: types.Handedness | None = None,
        ttl_s: float | None = None,
        model: str = "",
    ) -> Session:
        """Open a dialogue; `async with await client.session() as session` closes it."""
        call = _calls.create_session(self._model(model), ttl_s, language, instructions, history, handedness)
        return Session(self, await self._run(call, None))

    async def transcribe(
        self, audio: types.AudioLike, *, language: str = "", model: str = "", timeout_s: float | None = None
    ) -> types.Transcript:
        """Write down a recording."""
        return await self._run(_calls.transcribe(self._model(model), audio, language), timeout_s)

    def transcribe_stream(
        self,
        audio: AsyncIterable[bytes | np.ndarray] | Iterable[bytes | np.ndarray],
        rate_hz: int,
        *,
        language: str = "",
        voice_activity: types.VoiceActivity | None = None,
        model: str = "",
        timeout_s: float | None = None,
    ) -> AsyncIterator[types.Utterance]:
        """Write down speech as it comes in, in utterances; it has no deadline but `timeout_s`."""
        call = _calls.transcribe_stream(self._model(model), rate_hz, language, voice_activity)
        self._check_open()
        return self._transcribed(call, inputs.pieces(audio), read_timeout(timeout_s))

    async def encode_audio(
        self, audio: types.AudioLike, *, model: str = "", timeout_s: float | None = None
    ) -> types.AudioEncoding:
        """What the audio encoder makes of a recording; its `features` can be sent in place of the recording."""
        return await self._run(_calls.encode_audio(self._model(model), audio), timeout_s)

    async def embed_image(
        self,
        image: types.FrameLike,
        *,
        include_features: bool = False,
        model: str = "",
        timeout_s: float | None = None,
    ) -> types.ImageEmbedding:
        """The image's direction; with `include_features`, what can be sent in place of the image."""
        return await self._run(_calls.embed_image(self._model(model), image, include_features), timeout_s)

    async def embed_text(self, texts: types.Texts, *, model: str = "", timeout_s: float | None = None) -> np.ndarray:
        """The texts' directions in the images' space, (n texts, E) float32, each of length 1."""
        return await self._run(_calls.embed_text(self._model(model), texts), timeout_s)

    async def rank_labels(
        self, image: types.FrameLike, labels: types.Texts, *, model: str = "", timeout_s: float | None = None
    ) -> tuple[types.RankedLabel, ...]:
        """Which labels fit the image, the best first."""
        return await self._run(_calls.rank_labels(self._model(model), image, labels), timeout_s)

    async def model(self, name: str = "", *, timeout_s: float | None = None) -> types.Model:
        """What one model can do, what it knows, and every bound on the input."""
        return await self._run(_calls.get_model(self._model(name)), timeout_s)

    async def list_models(self, *, timeout_s: float | None = None) -> tuple[types.Model, ...]:
        """Every model that the server has; the first is meant where none is named."""
        return await self._run(_calls.list_models(), timeout_s)

    def converse(
        self,
        image: types.FrameLike | None = None,
        *,
        scene: types.SceneLike | None = None,
        session: Session | None = None,
        hearing: live.Hearing | None = live.Hearing(),
        interruption: live.Interruption | None = None,
        sampling: types.Sampling | None = None,
        language: str = "",
        instructions: str | None = None,
        history: Sequence[types.HistoryTurn] = (),
        handedness: types.Handedness | None = None,
        model: str = "",
        stall_s: float = 10.0,
        log: live.Log | None = None,
    ) -> live.Conversation:
        """A live conversation: `async with client.converse("room.jpg") as conversation`.

        It talks in `session`, or in one of its own that ends with it and may have a `history`; with `hearing=None` it
        takes no audio. `interruption` says what stops an answer: "speech" (and text, the default), "text" or "none". A
        connection that owes an answer for `stall_s` seconds is given up for another. `log` is told of every message:
        a `conformance.LogWriter` writes a file that `conformance.check` reads.
        """
        self._check_open()
        if session is not None:
            checks.instance(session, "session", Session)._check_open()
        setup = _wire.setup_to_proto(
            model if session else self._model(model),
            session.id if session else "",
            image,
            scene,
            hearing,
            interruption,
            sampling,
            language,
            instructions,
            history,
            handedness,
        )
        # A connection of its own each time: one that has stalled must not carry the next. `stall_s` watches it.
        own = ("grpc.use_local_subchannel_pool", 1)
        conversation = live.Conversation(
            lambda: self._connect(True, own),
            setup,
            Attempts(self._settings, None),
            metadata=self._metadata,
            stall_s=checks.seconds(stall_s, "stall_s"),
            log=log,
        )
        self._conversations.add(conversation)
        return conversation

    def _connect(self, is_large: bool, *more: tuple[str, int]) -> grpc.aio.Channel:
        self._check_open()
        address, options = self._settings.address, [*self._settings.options(is_large), *more]
        if self._credentials is None:
            return grpc.aio.insecure_channel(address, options)
        return grpc.aio.secure_channel(address, self._credentials, options)

    async def _run(self, call: _calls.Call[T], timeout_s: float | None) -> T:
        attempts = Attempts(self._settings, timeout_s)
        while True:
            try:
                with self._translated():
                    method = self._method(call)
                    return call.convert(
                        await method(call.request, timeout=attempts.remaining_s(), metadata=self._metadata)
                    )
            except ScenewrightError as error:
                await _wait(attempts, error)

    def _stream(self, call: _calls.Stream[T], timeout_s: float | None) -> AsyncIterator[T]:
        self._check_open()
        return self._events(call, Attempts(self._settings, timeout_s))

    async def _events(self, call: _calls.Stream[T], attempts: Attempts) -> AsyncIterator[T]:
        begun = False
        while True:
            try:
                with self._translated():
                    method = self._method(call)
                    responses = method(call.request, timeout=attempts.remaining_s(), metadata=self._metadata)
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

    async def _transcribed(
        self,
        call: _calls.Stream[T],
        audio: AsyncIterable[bytes | np.ndarray] | Iterable[bytes | np.ndarray],
        timeout_s: float | None,
    ) -> AsyncIterator[T]:
        with self._translated():
            responses = self._method(call)(timeout=timeout_s, metadata=self._metadata)

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

    def _model(self, name: str) -> str:
        return self._settings.model if name is None or (isinstance(name, str) and not name) else name

    def _method(self, call: _calls.Call[T] | _calls.Stream[T]) -> Callable[..., Any]:
        self._check_open()
        channels = self._channels.setdefault(asyncio.get_running_loop(), {})
        is_large = call.request.ByteSize() > LARGE_BYTES
        if is_large not in channels:
            channels[is_large] = self._connect(is_large)
        return getattr(call.stub(channels[is_large]), call.method)

    def _check_open(self) -> None:
        if self._closed:
            raise ClosedError("the client is closed")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except grpc.RpcError as error:
            self._check_open()
            raise from_rpc(error) from None
        except (asyncio.CancelledError, asyncio.InvalidStateError, grpc.aio.UsageError):
            # How gRPC ends calls on a channel that is closed; a task that is cancelled itself stays so.
            if not _is_cancelled():
                self._check_open()
            raise


class Session:
    """A dialogue about a frame, a scene graph or both; made by `Client.session`."""

    def __init__(self, client: Client, id: str) -> None:
        self._client = client
        self._closed = False
        self.id = id

    async def __aenter__(self) -> Session:
        self._check_open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """End the session on the server; one that is gone already, or whose client is, is no error."""
        if self._closed:
            return
        self._closed = True
        with suppress(NotFoundError, ClosedError):
            await self._client._run(_calls.delete_session(self.id), None)

    async def ask(
        self,
        question: str | None = None,
        *,
        audio: types.AudioLike | None = None,
        frame: types.FrameLike | None = None,
        scene: types.SceneLike | None = None,
        pointer: types.Pointer | None = None,
        sampling: types.Sampling | None = None,
        language: str = "",
        instructions: str | None = None,
        timeout_s: float | None = None,
    ) -> types.Answer:
        """Ask, typed or spoken. `frame`, `scene` and `instructions` replace the session's; `pointer` is for this
        question alone. The first call needs a frame or a scene."""
        events = self.ask_stream(
            question,
            audio=audio,
            frame=frame,
            scene=scene,
            pointer=pointer,
            sampling=sampling,
            language=language,
            instructions=instructions,
            timeout_s=timeout_s,
        )
        return outputs.answer_from_events([event async for event in events])

    def ask_stream(
        self,
        question: str | None = None,
        *,
        audio: types.AudioLike | None = None,
        frame: types.FrameLike | None = None,
        scene: types.SceneLike | None = None,
        pointer: types.Pointer | None = None,
        sampling: types.Sampling | None = None,
        language: str = "",
        instructions: str | None = None,
        timeout_s: float | None = None,
    ) -> AsyncIterator[types.AskEvent]:
        """The same as it is made: `Question`, then text and annotations, then `Done`."""
        self._check_open()
        call = _calls.ask("", self.id, question, audio, frame, scene, pointer, sampling, language, instructions)
        return self._client._stream(call, timeout_s)

    def _check_open(self) -> None:
        if self._closed:
            raise ClosedError("the session is closed")


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
