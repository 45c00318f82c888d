"""Sound for live conversations: files, and a microphone that plays them in real time."""

from __future__ import annotations

import asyncio
import io
from collections import deque
from collections.abc import Callable
from pathlib import Path

import numpy as np

from scenewright import sounds
from scenewright._convert.images import file_bytes
from scenewright.errors import InvalidInputError, ScenewrightError
from scenewright.live.conversation import Conversation

CHUNK_MS = 32
MAX_FILE_S = 600.0


class Microphone:
    """Feeds a conversation as a sound card does: a piece of `chunk_ms` every so many milliseconds.

    Between what is said it sends silence, or `background(n)`: (n,) float32 samples in [-1, 1] for the time in which
    nobody speaks. Use it in an `async with` statement.
    """

    def __init__(
        self,
        conversation: Conversation,
        rate_hz: int,
        *,
        chunk_ms: int = CHUNK_MS,
        background: Callable[[int], np.ndarray] | None = None,
    ) -> None:
        self._conversation = conversation
        self._rate_hz = rate_hz
        self._size = rate_hz * chunk_ms // 1000
        self._background = background or (lambda n: np.zeros(n, np.float32))
        self._to_say: deque[tuple[np.ndarray, asyncio.Event]] = deque()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Microphone:
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def say(self, samples: np.ndarray) -> None:
        """Play (n,) float32 samples in [-1, 1]; returns when the last of them has gone out."""
        said = asyncio.Event()
        self._to_say.append((samples, said))
        await said.wait()

    async def _run(self) -> None:
        now = asyncio.get_running_loop().time
        due = now()
        try:
            while True:
                chunk, said = self._next_chunk()
                due += len(chunk) / self._rate_hz
                await asyncio.sleep(max(0.0, due - now()))  # a sound card has a piece only when it has been heard
                await self._conversation.send_audio(chunk)
                if said is not None:
                    said.set()
        except ScenewrightError:  # the conversation is over; whoever reads its events learns why
            pass
        finally:
            for _, said in self._to_say:
                said.set()

    def _next_chunk(self) -> tuple[np.ndarray, asyncio.Event | None]:
        if not self._to_say:
            return self._background(self._size), None
        samples, said = self._to_say[0]
        chunk, rest = samples[: self._size], samples[self._size :]
        if len(rest):
            self._to_say[0] = rest, said
            return chunk, None
        self._to_say.popleft()
        return chunk, said


def read_voice(path: str | Path) -> tuple[np.ndarray, int]:
    """(n,) float32 mono samples in [-1, 1] of a sound file, and their rate in hertz.

    WAV of PCM or floats needs nothing else; other files need the package soundfile. Raises InvalidInputError.
    """
    data = file_bytes(path, "audio")
    wav = sounds.read_wav(data)
    if wav is None:
        samples, rate_hz = _read_any(data, path)
    else:
        _check_length(wav.n_frames, wav.rate_hz, path)
        samples, rate_hz = wav.samples(), wav.rate_hz
    return sounds.mix(samples), rate_hz


def _read_any(data: bytes, path: str | Path) -> tuple[np.ndarray, int]:
    try:
        import soundfile
    except ModuleNotFoundError as error:
        raise InvalidInputError(
            f"audio: {str(path)!r} is no WAV file of PCM or floats; others need the package soundfile: "
            "pip install soundfile"
        ) from error
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            _check_length(file.frames, file.samplerate, path)
            return file.read(dtype="float32", always_2d=True), file.samplerate
    except soundfile.LibsndfileError as error:
        raise InvalidInputError(f"audio: {str(path)!r} is no sound file: {error.error_string}") from error


def _check_length(n_frames: int, rate_hz: int, path: str | Path) -> None:
    if not 0 < n_frames <= MAX_FILE_S * rate_hz:
        raise InvalidInputError(f"audio: {str(path)!r} lasts {n_frames / rate_hz:.1f} s, 0 to {MAX_FILE_S:g} s may be")
