"""How a server is reached: address, TLS, deadlines, retries. Shared by both clients."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import grpc

from scenewright.errors import InvalidInputError, ScenewrightError

DEFAULT_ADDRESS = "127.0.0.1:7447"
TOKEN_VARIABLE = "SCENEWRIGHT_TOKEN"


@dataclass(frozen=True)
class Tls:
    """PEM files. Without `root_certificates` the system's are trusted; key and certificate make it mutual."""

    root_certificates: str | Path | None = None
    private_key: str | Path | None = None
    certificate_chain: str | Path | None = None

    def credentials(self) -> grpc.ChannelCredentials:
        """For a secure channel; raises OSError if a file cannot be read."""
        paths = (self.root_certificates, self.private_key, self.certificate_chain)
        return grpc.ssl_channel_credentials(*(Path(path).read_bytes() if path else None for path in paths))


@dataclass(frozen=True)
class Settings:
    """How to call. `timeout_s` bounds a whole call, its retries included; None waits for ever.

    `model` is meant where a call names none. `token` None: that of the environment's SCENEWRIGHT_TOKEN, if any.
    """

    address: str = DEFAULT_ADDRESS
    tls: Tls | None = None
    timeout_s: float | None = 60.0
    max_attempts: int = 4
    model: str = ""
    token: str | None = field(default=None, repr=False)

    @property
    def options(self) -> Sequence[tuple[str, int | str]]:
        """The server bounds messages; the client takes whatever it sends. Retries are ours, not gRPC's."""
        return [
            ("grpc.max_receive_message_length", -1),
            ("grpc.max_send_message_length", -1),
            ("grpc.enable_retries", 0),
        ]

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What goes with every call: the bearer token, over plaintext too. Raises InvalidInputError if it is none."""
        token = os.environ.get(TOKEN_VARIABLE, "") if self.token is None else self.token
        if not all("!" <= character <= "~" for character in token):
            raise InvalidInputError("token: expected visible ASCII characters without spaces")
        return (("authorization", f"Bearer {token}"),) if token else ()


class Attempts:
    """The deadline and the tries of one call, without a clock of its own to wait on: the clients sleep."""

    def __init__(self, settings: Settings, timeout_s: float | None) -> None:
        allowed = settings.timeout_s if timeout_s is None else timeout_s
        self._deadline = None if allowed is None else time.monotonic() + allowed
        self._left = settings.max_attempts - 1
        self._backoff_s = 0.1

    def remaining_s(self) -> float | None:
        """Seconds until the deadline, at least 0."""
        return None if self._deadline is None else max(0.0, self._deadline - time.monotonic())

    def delay_s(self, error: ScenewrightError) -> float | None:
        """Seconds to wait before trying again after `error`; None if it is final.

        A try is repeated if the server cannot be reached or says with RetryInfo when to come back, and only
        if that is before the deadline. Without RetryInfo the waits double from 0.1 s, with jitter.
        """
        retriable = error.retry_after_s is not None or error.code is grpc.StatusCode.UNAVAILABLE
        if not retriable or self._left <= 0:
            return None
        wait = error.retry_after_s
        if wait is None:
            wait = self._backoff_s * random.uniform(0.8, 1.2)
            self._backoff_s *= 2
        remaining = self.remaining_s()
        if remaining is not None and wait >= remaining:
            return None
        self._left -= 1
        return wait
