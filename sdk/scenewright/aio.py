"""The client for asyncio. It is `scenewright.Client` with `await`; see there for what the arguments mean."""

from __future__ import annotations

import weakref
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Sequence
from contextlib import suppress
from typing import TypeVar

import numpy as np

from scenewright import _calls, live, types
from scenewright._aio_channels import Channels
from scenewright._channel import DEFAULT_ADDRESS, Attempts, Settings, Tls, read_timeout
from scenewright._convert import checks, inputs, outputs
from scenewright._language import AsyncLanguage
from scenewright.errors import ClosedError, NotFoundError
from scenewright.live import _wire

T = TypeVar("T")


class Client(AsyncLanguage):
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
        self._channels = Channels(self._settings)
        self._conversations: weakref.WeakSet[live.Conversation] = weakref.WeakSet()

    async def __aenter__(self) -> Client:
        self._channels.check_open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections; calls and conversations under way, and all later ones, raise ClosedError."""
        for conversation in tuple(self._conversations):
            conversation.abort(ClosedError("the client is closed"))
        await self._channels.close()

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
        call = _calls.describe(self._model(model), image, scene, sampling, language)
        return await self._channels.run(call, timeout_s)

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
        return self._channels.stream(call, timeout_s)

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
        return self._channels.stream(call, timeout_s)

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
        return Session(self, await self._channels.run(call, None))

    async def transcribe(
        self, audio: types.AudioLike, *, language: str = "", model: str = "", timeout_s: float | None = None
    ) -> types.Transcript:
        """Write down a recording."""
        return await self._channels.run(_calls.transcribe(self._model(model), audio, language), timeout_s)

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
        self._channels.check_open()
        return self._channels.transcribe(call, inputs.pieces(audio), read_timeout(timeout_s))

    async def encode_audio(
        self, audio: types.AudioLike, *, model: str = "", timeout_s: float | None = None
    ) -> types.AudioEncoding:
        """What the audio encoder makes of a recording; its `features` can be sent in place of the recording."""
        return await self._channels.run(_calls.encode_audio(self._model(model), audio), timeout_s)

    async def embed_image(
        self,
        image: types.FrameLike,
        *,
        include_features: bool = False,
        model: str = "",
        timeout_s: float | None = None,
    ) -> types.ImageEmbedding:
        """The image's direction; with `include_features`, what can be sent in place of the image."""
        return await self._channels.run(_calls.embed_image(self._model(model), image, include_features), timeout_s)

    async def embed_text(self, texts: types.Texts, *, model: str = "", timeout_s: float | None = None) -> np.ndarray:
        """The texts' directions in the images' space, (n texts, E) float32, each of length 1."""
        return await self._channels.run(_calls.embed_text(self._model(model), texts), timeout_s)

    async def rank_labels(
        self, image: types.FrameLike, labels: types.Texts, *, model: str = "", timeout_s: float | None = None
    ) -> tuple[types.RankedLabel, ...]:
        """Which labels fit the image, the best first."""
        return await self._channels.run(_calls.rank_labels(self._model(model), image, labels), timeout_s)

    async def model(self, name: str = "", *, timeout_s: float | None = None) -> types.Model:
        """What one model can do, what it knows, and every bound on the input."""
        return await self._channels.run(_calls.get_model(self._model(name)), timeout_s)

    async def list_models(self, *, timeout_s: float | None = None) -> tuple[types.Model, ...]:
        """Every model that the server has; the first is meant where none is named."""
        return await self._channels.run(_calls.list_models(), timeout_s)

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
        self._channels.check_open()
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
            lambda: self._channels.connect(True, own),
            setup,
            Attempts(self._settings, None),
            metadata=self._channels.metadata,
            stall_s=checks.seconds(stall_s, "stall_s"),
            log=log,
        )
        self._conversations.add(conversation)
        return conversation

    def _model(self, name: str) -> str:
        return self._settings.model if name is None or (isinstance(name, str) and not name) else name


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
            await self._client._channels.run(_calls.delete_session(self.id), None)

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
        return self._client._channels.stream(call, timeout_s)

    def _check_open(self) -> None:
        if self._closed:
            raise NotFoundError("the session is closed", reason="SESSION_NOT_FOUND")
