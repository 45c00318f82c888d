"""Turn taking: where in a stream of audio the user's turns begin and end. Pure: no clock, no network."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from scenewright_server.families.family import SAMPLE_RATE_HZ
from scenewright_server.perception.voice import FRAME

FRAME_MS = 1000 * FRAME // SAMPLE_RATE_HZ
HYSTERESIS, MIN_THRESHOLD = 0.15, 0.05  # speech goes on until it is this much less likely than it had to be to start
TAIL_FRAMES = 6  # of silence, that stay at the end of what is transcribed


@dataclass(frozen=True)
class TurnRules:
    """How turns are found. `manual`: the client says so, and only `start_threshold` and `max_s` count."""

    manual: bool = False
    start_threshold: float = 0.5
    min_speech_ms: int = 64
    end_silence_ms: int = 600
    prefix_padding_ms: int = 300
    max_s: float = 8.0  # a turn is cut here


@dataclass(frozen=True)
class TurnBegun:
    """Speech began at this sample of the stream."""

    at: int


@dataclass(frozen=True)
class TurnEnded:
    """Speech ended at sample `at`, `n_silent` samples before it was found to have ended.

    `audio` (n,) float32 is the turn, padding included; `voiced` whether any of it sounded like speech; `cut`
    whether the turn was ended for its length.
    """

    at: int
    n_silent: int
    audio: np.ndarray
    voiced: bool
    cut: bool = False


class TurnTaker:
    """One stream's turns. Give it every frame in order, with its probability of speech."""

    def __init__(self, rules: TurnRules) -> None:
        self.rules = rules
        self.speaking = False
        self._end_threshold = max(rules.start_threshold - HYSTERESIS, MIN_THRESHOLD)
        self._max_samples = int(rules.max_s * SAMPLE_RATE_HZ)
        n_before = -(-rules.prefix_padding_ms // FRAME_MS) + -(-rules.min_speech_ms // FRAME_MS)
        self._before: deque[np.ndarray] = deque(maxlen=n_before)
        self._frames: list[np.ndarray] = []  # of the turn
        self._n_voiced = 0  # frames of what may become a turn
        self._n_silent = 0  # frames since speech was last likely
        self._voiced = False
        self._deaf = False  # until the speech under way has ended
        self._now = 0  # samples so far
        self._begun_at = 0

    @property
    def now(self) -> int:
        """Samples taken in."""
        return self._now

    @property
    def begun_at(self) -> int:
        """The sample at which the turn's speech began."""
        return self._begun_at

    @property
    def ended_at(self) -> int:
        """The sample at which the turn's speech ended, so far."""
        return max(self._now - self._n_silent * FRAME, self._begun_at)

    @property
    def pausing(self) -> bool:
        """The user has fallen silent long enough that `audio` will not change if nothing more is said."""
        return self.speaking and self._n_silent >= TAIL_FRAMES

    def audio(self) -> np.ndarray:
        """The turn so far (n,) float32 without the silence at its end, but for a little."""
        n_extra = max(self._n_silent - TAIL_FRAMES, 0)
        frames = self._frames[: len(self._frames) - n_extra]
        return np.concatenate(frames)[: self._max_samples] if frames else np.zeros(0, np.float32)

    def feed(self, frame: np.ndarray, probability: float) -> TurnBegun | TurnEnded | None:
        """One more frame, FRAME samples (or the last few before a turn is ended by hand)."""
        self._now += len(frame)
        likely = probability >= self.rules.start_threshold
        if self.speaking:
            self._frames.append(frame)
            self._voiced |= likely
            if likely:
                self._n_silent = 0
            elif not self.rules.manual and (self._n_silent or probability < self._end_threshold):
                self._n_silent += 1
            if sum(map(len, self._frames)) >= self._max_samples:
                return self._end(cut=True)
            return self._end() if self._n_silent * FRAME_MS >= self.rules.end_silence_ms else None
        return None if self.rules.manual else self._await_speech(frame, probability)

    def skip(self, samples: np.ndarray) -> None:
        """Audio that belongs to no turn."""
        self._now += len(samples)

    def press(self) -> TurnBegun:
        """The client says that the user begins."""
        self._begin([], self._now)
        return TurnBegun(self._now)

    def release(self) -> TurnEnded:
        """The turn under way is over: the client says so, or there will be no more audio."""
        return self._end()

    def drop(self) -> TurnEnded:
        """The turn under way is not wanted; speech that goes on is ignored until it has ended."""
        self._deaf = True
        return self._end()

    def _await_speech(self, frame: np.ndarray, probability: float) -> TurnBegun | None:
        self._before.append(frame)
        if probability < self._end_threshold:
            self._n_voiced, self._deaf = 0, False
        elif self._n_voiced or probability >= self.rules.start_threshold:
            self._n_voiced += 1
        if self._deaf or self._n_voiced * FRAME_MS < self.rules.min_speech_ms:
            return None
        self._begin(list(self._before), self._now - self._n_voiced * FRAME)
        return TurnBegun(self._begun_at)

    def _begin(self, frames: list[np.ndarray], at: int) -> None:
        self.speaking, self._voiced = True, bool(frames)
        self._frames, self._begun_at, self._n_silent = frames, at, 0
        self._before.clear()

    def _end(self, cut: bool = False) -> TurnEnded:
        ended = TurnEnded(self.ended_at, self._now - self.ended_at, self.audio(), self._voiced, cut)
        self.speaking = False
        self._frames, self._n_voiced, self._n_silent = [], 0, 0
        return ended
