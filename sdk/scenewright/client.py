"""The client for ordinary code. `scenewright.aio.Client` is the same for asyncio."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from typing import Any, TypeVar

import grpc
import numpy as np

from scenewright import _calls, types
from scenewright._channel import DEFAULT_ADDRESS, LARGE_BYTES, Attempts, Settings, Tls, read_timeout
from scenewright._convert import inputs, outputs
from scenewright._language import Language
from scenewright.errors import ClosedError, NotFoundError, ScenewrightError, from_rpc

T = TypeVar("T")


class Client(Language):
    """Talks to one server; safe to share between threads. Use it in a `with` statement, or call `close()`.

    Every method takes `timeout_s`, the deadline of the whole call with its retries (the client's own by
    default), and raises errors of `scenewright.errors`. `model` is meant where a method names none, `token` goes with
    every call (by default SCENEWRIGHT_TOKEN of the environment). With `tls=Tls()` the channel is encrypted.
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
        self._lock, self._closed = threading.Lock(), False
        self._credentials = self._settings.credentials
        self._channels: dict[bool, grpc.Channel] = {}

    def __enter__(self) -> Client:
        self._check_open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; calls under way, and all later ones, raise ClosedError."""
        with self._lock:
            self._closed = True
            for channel in self._channels.values():
                channel.close()

    def describe(
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
        return self._run(_calls.describe(self._model(model), image, scene, sampling, language), timeout_s)

    def describe_stream(
        self,
        image: types.FrameLike | None = None,
        *,
        scene: types.SceneLike | None = None,
        sampling: types.Sampling | None = None,
        language: str = "",
        model: str = "",
        timeout_s: float | None = None,
    ) -> Iterator[types.ResponseEvent]:
        """The same as it is made: text and annotations, then `Done`. Leaving the loop cancels the call."""
        call = _calls.describe_stream(self._model(model), image, scene, sampling, language)
        return self._stream(call, timeout_s)

    def ask(
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
        return outputs.answer_from_events(events)

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
    ) -> Iterator[types.AskEvent]:
        """The same as it is made: `Question`, then text and annotations, then `Done`."""
        call = _calls.ask(
            self._model(model), "", question, audio, frame, scene, pointer, sampling, language, instructions
        )
        return self._stream(call, timeout_s)

    def session(
        self,
        *,
        language: str = "",
        instructions: str = "",
        history: Sequence[types.HistoryTurn] = (),
        handedness: types.Handedness | None = None,
        ttl_s: float | None = None,
        model: str = "",
    ) -> Session:
        """Open a dialogue: it remembers its frame, scene graph and turns for `ttl_s` unused seconds.

        `instructions` say who the model is and how it is to speak, `history` what was said before; it keeps its model.
        """
        call = _calls.create_session(self._model(model), ttl_s, language, instructions, history, handedness)
        return Session(self, self._run(call, None))

    def transcribe(
        self, audio: types.AudioLike, *, language: str = "", model: str = "", timeout_s: float | None = None
    ) -> types.Transcript:
        """Write down a recording."""
        return self._run(_calls.transcribe(self._model(model), audio, language), timeout_s)

    def transcribe_stream(
        self,
        audio: Iterable[bytes | np.ndarray],
        rate_hz: int,
        *,
        language: str = "",
        voice_activity: types.VoiceActivity | None = None,
        model: str = "",
        timeout_s: float | None = None,
    ) -> Iterator[types.Utterance]:
        """Write down speech as it comes in, in utterances; it has no deadline but `timeout_s`.

        `audio` gives pieces of any length: 16-bit little-endian mono bytes, or arrays as in `types.AudioLike`. It is
        read on another thread, and the utterances end when it does.
        """
        call = _calls.transcribe_stream(self._model(model), rate_hz, language, voice_activity)
        self._check_open()
        return self._transcribed(call, iter(inputs.pieces(audio)), read_timeout(timeout_s))

    def encode_audio(
        self, audio: types.AudioLike, *, model: str = "", timeout_s: float | None = None
    ) -> types.AudioEncoding:
        """What the audio encoder makes of a recording; its `features` can be sent in place of the recording."""
        return self._run(_calls.encode_audio(self._model(model), audio), timeout_s)

    def embed_image(
        self,
        image: types.FrameLike,
        *,
        include_features: bool = False,
        model: str = "",
        timeout_s: float | None = None,
    ) -> types.ImageEmbedding:
        """The image's direction; with `include_features`, what can be sent in place of the image."""
        return self._run(_calls.embed_image(self._model(model), image, include_features), timeout_s)

    def embed_text(self, texts: types.Texts, *, model: str = "", timeout_s: float | None = None) -> np.ndarray:
        """The texts' directions in the images' space, (n texts, E) float32, each of length 1."""
        return self._run(_calls.embed_text(self._model(model), texts), timeout_s)

    def rank_labels(
        self, image: types.FrameLike, labels: types.Texts, *, model: str = "", timeout_s: float | None = None
    ) -> tuple[types.RankedLabel, ...]:
        """Which labels fit the image, the best first."""
        return self._run(_calls.rank_labels(self._model(model), image, labels), timeout_s)

    def model(self, name: str = "", *, timeout_s: float | None = None) -> types.Model:
        """What one model can do, what it knows, and every bound on the input."""
        return self._run(_calls.get_model(self._model(name)), timeout_s)

    def list_models(self, *, timeout_s: float | None = None) -> tuple[types.Model, ...]:
        """Every model that the server has; the first is meant where none is named."""
        return self._run(_calls.list_models(), timeout_s)

    def _run(self, call: _calls.Call[T], timeout_s: float | None) -> T:
        attempts = Attempts(self._settings, timeout_s)
        while True:
            try:
                with self._translated():
                    method = self._method(call)
                    return call.convert(method(call.request, timeout=attempts.remaining_s(), metadata=self._metadata))
            except ScenewrightError as error:
                _wait(attempts, error)

    def _stream(self, call: _calls.Stream[T], timeout_s: float | None) -> Iterator[T]:
        self._check_open()
        return self._events(call, Attempts(self._settings, timeout_s))

    def _events(self, call: _calls.Stream[T], attempts: Attempts) -> Iterator[T]:
        begun = False
        while True:
            try:
                with closing(self._responses(call, call.request, attempts.remaining_s())) as responses:
                    for response in responses:
                        begun = True
                        event = call.convert(response)
                        if event is not None:
                            yield event
                return
            except ScenewrightError as error:
                if begun:  # a second try would repeat what was given out
                    raise
                _wait(attempts, error)

    def _transcribed(
        self, call: _calls.Stream[T], audio: Iterator[bytes | np.ndarray], timeout_s: float | None
    ) -> Iterator[T]:
        broken: list[Exception] = []

        def requests() -> Iterator[Any]:
            yield call.request
            try:
                for piece in audio:
                    yield from _calls.audio_requests(piece, call.request.setup.sample_rate_hz)
            except Exception as error:
                broken.append(error)
                raise

        try:
            with closing(self._responses(call, requests(), timeout_s)) as responses:
                for response in responses:
                    event = call.convert(response)
                    if event is not None:
                        yield event
        except ScenewrightError as error:
            raise (broken or [error])[0] from None

    def _responses(self, call: _calls.Stream[T], request: Any, timeout_s: float | None) -> Generator[Any, None, None]:
        """What comes back; leaving it cancels the call."""
        with self._translated():
            responses = self._method(call)(request, timeout=timeout_s, metadata=self._metadata)
            try:
                yield from responses
            finally:
                responses.cancel()

    def _model(self, name: str) -> str:
        return self._settings.model if name is None or (isinstance(name, str) and not name) else name

    def _method(self, call: _calls.Call[T] | _calls.Stream[T]) -> Callable[..., Any]:
        with self._lock:  # gRPC dies of a method that is looked up on a closed channel
            self._check_open()
            is_large = call.request.ByteSize() > LARGE_BYTES
            if is_large not in self._channels:
                self._channels[is_large] = self._connect(is_large)
            return getattr(call.stub(self._channels[is_large]), call.method)

    def _connect(self, is_large: bool) -> grpc.Channel:
        address, options = self._settings.address, self._settings.options(is_large)
        if self._credentials is None:
            return grpc.insecure_channel(address, options)
        return grpc.secure_channel(address, self._credentials, options)

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
        except ValueError:  # how gRPC refuses a call on a channel that was closed just now
            self._check_open()
            raise


class Session:
    """A dialogue about a frame, a scene graph or both; made by `Client.session`."""

    def __init__(self, client: Client, id: str) -> None:
        self._client = client
        self._closed = False
        self.id = id

    def __enter__(self) -> Session:
        self._check_open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the session on the server; one that is gone already, or whose client is, is no error."""
        if self._closed:
            return
        self._closed = True
        with suppress(NotFoundError, ClosedError):
            self._client._run(_calls.delete_session(self.id), None)

    def ask(
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
        return outputs.answer_from_events(events)

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
    ) -> Iterator[types.AskEvent]:
        """The same as it is made: `Question`, then text and annotations, then `Done`."""
        self._check_open()
        call = _calls.ask("", self.id, question, audio, frame, scene, pointer, sampling, language, instructions)
        return self._client._stream(call, timeout_s)

    def _check_open(self) -> None:
        if self._closed:
            raise NotFoundError("the session is closed", reason="SESSION_NOT_FOUND")


def _wait(attempts: Attempts, error: ScenewrightError) -> None:
    delay_s = attempts.delay_s(error)
    if delay_s is None:
        raise error
    time.sleep(delay_s)
