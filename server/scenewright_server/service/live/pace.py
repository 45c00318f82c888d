"""How far audio may be ahead of the clock."""

from __future__ import annotations

import time
from collections.abc import Callable

from scenewright_server.service.status import Refused


class Pace:
    """A bucket of `lead_s` seconds of 16 bit audio that fills as time goes."""

    def __init__(self, lead_s: float, rate_hz: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._lead_s = lead_s
        self._rate_hz = rate_hz
        self._clock = clock
        self._credit_s = lead_s
        self._credited_at = clock()

    def take(self, n_bytes: int) -> None:
        """Let these bytes come. Raises `Refused` (AUDIO_TOO_FAST)."""
        if not self._rate_hz:
            return
        now = self._clock()
        self._credit_s = min(self._lead_s, self._credit_s + now - self._credited_at)
        self._credited_at = now
        cost_s = n_bytes / 2 / self._rate_hz
        if cost_s > self._credit_s:
            raise Refused(
                "AUDIO_TOO_FAST",
                f"audio is {self._lead_s - self._credit_s + cost_s:.1f} s ahead of the clock,"
                f" at most {self._lead_s:g} s (limits.max_live_lead_s) may be",
                field="audio",
                bound=self._lead_s,
            )
        self._credit_s -= cost_s
