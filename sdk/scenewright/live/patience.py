"""When a conversation whose connection broke is taken up again, and when it is given up."""

from __future__ import annotations

import random

import grpc

from scenewright.errors import ScenewrightError

_BROKEN = {  # without a reason these come from the network, not from the server
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.CANCELLED,
}
_PASSING = {"DEADLINE_EXCEEDED", "AUDIO_TOO_FAST", "OVERLOADED"}  # of one connection, not of the conversation
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.1, 2.0


def may_resume(error: ScenewrightError) -> bool:
    """Whether the conversation outlives a connection that ended so."""
    return error.reason in _PASSING or (not error.reason and error.code in _BROKEN)


class Patience:
    """The waits between tries to go on: none at first, then doubling, for `ttl_s` from the break on."""

    def __init__(self) -> None:
        self._broken_at: float | None = None
        self._n_fruitless = 0

    def connected(self) -> None:
        """A new connection stands."""
        self._broken_at = None

    def heard(self) -> None:
        """The new connection bears fruit: something came over it."""
        self._n_fruitless = 0

    def delay_s(self, error: ScenewrightError, now: float, ttl_s: float) -> float | None:
        """Seconds until the next try after `error`, with jitter; None if the conversation is lost."""
        if not may_resume(error):
            return None
        if self._broken_at is None:
            self._broken_at = now
        wait_s = 0.0
        if self._n_fruitless:
            wait_s = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2 ** (self._n_fruitless - 1)) * random.uniform(0.8, 1.2)
        self._n_fruitless = min(self._n_fruitless + 1, 10)
        wait_s = max(wait_s, error.retry_after_s or 0.0)
        return wait_s if now + wait_s < self._broken_at + ttl_s else None
