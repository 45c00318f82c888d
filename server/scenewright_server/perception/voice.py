"""A live stream of PCM as the frames of 32 ms that turn taking works on, each with its probability of speech."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import soxr
import torch

from scenewright_server.families.family import SAMPLE_RATE_HZ
from scenewright_server.model.vad import FRAME, VoiceActivity, VoiceState

__all__ = ["FRAME", "Ear", "Listener"]


class Listener:
    """Judges the frames of all conversations, on a thread of its own: half a millisecond each. Call `close`."""

    def __init__(self) -> None:
        self._activity = VoiceActivity()
        # Threads of torch are per thread; a network this small is slower on two.
        self._thread = ThreadPoolExecutor(1, "voice-activity", initializer=torch.set_num_threads, initargs=(1,))

    async def judge(self, frames: list[np.ndarray], state: VoiceState) -> list[float]:
        """The probability of speech of each (FRAME,) float32; moves the state on."""
        if not frames:
            return []
        work = asyncio.get_running_loop().run_in_executor(
            self._thread, lambda: [self._activity.probability(frame, state) for frame in frames]
        )
        return await work

    def close(self) -> None:
        self._thread.shutdown(cancel_futures=True)


class Ear:
    """One conversation's audio: 16-bit samples at any rate in, judged frames at SAMPLE_RATE_HZ out."""

    def __init__(self, listener: Listener, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        self._listener = listener
        self._state = VoiceState()
        self._rest = np.zeros(0, np.float32)
        self._resampler = None if rate_hz == SAMPLE_RATE_HZ else soxr.ResampleStream(rate_hz, SAMPLE_RATE_HZ, 1)

    async def hear(self, data: bytes) -> list[tuple[np.ndarray, float]]:
        """The whole frames that these samples complete."""
        samples = np.frombuffer(data, "<i2").astype(np.float32) / 32768
        if self._resampler is not None:
            samples = np.clip(self._resampler.resample_chunk(samples), -1, 1)
        self._rest = np.concatenate([self._rest, samples])
        n_whole = len(self._rest) // FRAME
        frames = list(self._rest[: n_whole * FRAME].reshape(n_whole, FRAME))
        self._rest = self._rest[n_whole * FRAME :]
        return list(zip(frames, await self._listener.judge(frames, self._state), strict=True))

    def rest(self) -> np.ndarray:
        """The samples that do not make a frame yet; they will not come again."""
        rest, self._rest = self._rest, np.zeros(0, np.float32)
        return rest
