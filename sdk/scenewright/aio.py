"""The client for asyncio. It is `scenewright.Client` with `await`; see there for what the arguments mean."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import grpc
import numpy as np

from scenewright import _calls, live, types
from scenewright._channel import DEFAULT_ADDRESS, Attempts, Settings, Tls
from scenewright._convert import outputs
from scenewright._language import AsyncLanguage
from scenewright.errors import NotFoundError, ScenewrightError, from_rpc
from scenewright.live import _wire

T = TypeVar("T")


class Client(AsyncLanguage):
    """Talks to one server from one event loop. Use it in an `async with` statement, or call `close()`."""

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
        self._channel = self._connect()

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection; calls under way are cancelled."""
        await self._channel.close(None)

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

    async def transcribe_stream(
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
        responses = self._method(call)(timeout=timeout_s, metadata=self._metadata)

        async def send() -> None:
            try:
                await responses.write(call.request)
                async for piece in _each(audio):
                    for request in _calls.audio_requests(piece, rate_hz):
                        await responses.write(request)
                await responses.done_writing()
            except (grpc.RpcError, asyncio.InvalidStateError):  # reading tells why
                pass
            except Exception:
                responses.cancel()
                raise

        sending = asyncio.create_task(send())
        try:
            async for response in responses:
                event = call.convert(response)
                if event is not None:
                    yield event
        except grpc.RpcError as error:
            raise from_rpc(error) from None
        except asyncio.CancelledError:
            if sending.done() and not sending.cancelled() and sending.exception() is not None:
                await sending
            raise
        finally:
            responses.cancel()
            sending.cancel()

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

    async def embed_text(self, texts: Sequence[str], *, model: str = "", timeout_s: float | None = None) -> np.ndarray:
        """The texts' directions in the images' space, (n texts, E) float32, each of length 1."""
        return await self._run(_calls.embed_text(self._model(model), texts), timeout_s)

    async def rank_labels(
        self, image: types.FrameLike, labels: Sequence[str], *, model: str = "", timeout_s: float | None = None
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
        # A connection of its own each time: one that has stalled must not carry the next.
        own = ("grpc.use_local_subchannel_pool", 1)
        return live.Conversation(
            lambda: self._connect(own),
            setup,
            Attempts(self._settings, None),
            metadata=self._metadata,
            stall_s=stall_s,
            log=log,
        )

    def _connect(self, *more: tuple[str, int]) -> grpc.aio.Channel:
        settings = self._settings
        options = [*settings.options, *more]
        if settings.tls is None:
            return grpc.aio.insecure_channel(settings.address, options)
        return grpc.aio.secure_channel(settings.address, settings.tls.credentials(), options)

    async def _run(self, call: _calls.Call[T], timeout_s: float | None) -> T:
        attempts = Attempts(self._settings, timeout_s)
        while True:
            try:
                return call.convert(
                    await self._method(call)(call.request, timeout=attempts.remaining_s(), metadata=self._metadata)
                )
            except grpc.RpcError as error:
                await _wait(attempts, from_rpc(error))

    async def _stream(self, call: _calls.Stream[T], timeout_s: float | None) -> AsyncIterator[T]:
        attempts = Attempts(self._settings, timeout_s)
        begun = False
        while True:
            responses = self._method(call)(call.request, timeout=attempts.remaining_s(), metadata=self._metadata)
            try:
                async for response in responses:
                    begun = True
                    event = call.convert(response)
                    if event is not None:
                        yield event
                return
            except grpc.RpcError as error:
                if begun:  # a second try would repeat what was given out
                    raise from_rpc(error) from None
                await _wait(attempts, from_rpc(error))
            finally:
                responses.cancel()

    def _model(self, name: str) -> str:
        return name or self._settings.model

    def _method(self, call: _calls.Call[T] | _calls.Stream[T]) -> Callable[..., Any]:
        return getattr(call.stub(self._channel), call.method)


class Session:
    """A dialogue about a frame, a scene graph or both; made by `Client.session`."""

    def __init__(self, client: Client, id: str) -> None:
        self._client = client
        self.id = id

    async def __aenter__(self) -> Session:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """End the session on the server; one that is gone already is no error."""
        with suppress(NotFoundError):
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
        call = _calls.ask("", self.id, question, audio, frame, scene, pointer, sampling, language, instructions)
        return self._client._stream(call, timeout_s)


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
