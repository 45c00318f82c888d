"""How a server is reached: address, TLS, deadlines, retries. Shared by both clients."""

from __future__ import annotations

import ipaddress
import os
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import grpc

from scenewright._convert import checks
from scenewright._convert.images import why
from scenewright.errors import InvalidInputError, ScenewrightError

DEFAULT_ADDRESS = "127.0.0.1:7447"
TOKEN_VARIABLE = "SCENEWRIGHT_TOKEN"
PING_AFTER_S = 3.0
"""With calls under way and nothing heard for so long, the server is asked for a sign of life."""
PING_TIMEOUT_S = 5.0
"""A connection that gives none for so long is given up; calls within their deadline go over another."""
LARGE_BYTES = 1 << 20
LARGE_PING_TIMEOUT_S = 20.0
"""The same for larger requests, which have a connection of their own: there a ping waits behind what is being sent."""
FOREVER_S = 1e8
_SCHEMES = ("dns:", "ipv4:", "ipv6:", "unix:", "unix-abstract:", "vsock:", "xds:")


@dataclass(frozen=True)
class Tls:
    """PEM files. Without `root_certificates` the system's are trusted; key and certificate make it mutual."""

    root_certificates: str | Path | None = None
    private_key: str | Path | None = None
    certificate_chain: str | Path | None = None

    def credentials(self) -> grpc.ChannelCredentials:
        """For a secure channel; raises InvalidInputError if a file cannot be read or half of the pair is missing."""
        if (self.private_key is None) != (self.certificate_chain is None):
            given = "private_key" if self.certificate_chain is None else "certificate_chain"
            raise InvalidInputError(f"tls.{given}: expected private_key and certificate_chain together, got it alone")
        return grpc.ssl_channel_credentials(
            self._read("root_certificates"), self._read("private_key"), self._read("certificate_chain")
        )

    def _read(self, name: str) -> bytes | None:
        path = getattr(self, name)
        if path is None:
            return None
        try:
            return Path(path).read_bytes()
        except TypeError:
            raise checks.wrong(f"tls.{name}", "a path", path) from None
        except (OSError, ValueError) as error:
            raise InvalidInputError(f"tls.{name}: cannot read {str(path)!r}: {why(error)}") from error


@dataclass(frozen=True)
class Settings:
    """How to call. `timeout_s` bounds a whole call, its retries included; None waits for ever.

    `model` is meant where a call names none. `token` None: that of the environment's SCENEWRIGHT_TOKEN, if any.
    Raises InvalidInputError for what none of these can be.
    """

    address: str = DEFAULT_ADDRESS
    tls: Tls | None = None
    timeout_s: float | None = 60.0
    max_attempts: int = 4
    model: str = ""
    token: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        _check_address(self.address)
        if self.tls is not None:
            checks.instance(self.tls, "tls", Tls)
        read_timeout(self.timeout_s)
        checks.whole(self.max_attempts, "max_attempts", 1, 1_000_000)
        checks.text(self.model, "model")
        if self.token is not None:
            checks.text(self.token, "token")

    def options(self, is_large: bool = False) -> Sequence[tuple[str, int | str]]:
        """Of a connection for ordinary or for large requests. The server bounds messages; the client takes whatever it sends. Retries are ours, not gRPC's.

        No proxy stands between this machine and itself.
        """
        return [
            ("grpc.max_receive_message_length", -1),
            ("grpc.max_send_message_length", -1),
            ("grpc.enable_retries", 0),
            ("grpc.keepalive_time_ms", int(PING_AFTER_S * 1000)),
            ("grpc.http2.ping_timeout_ms", int(1000 * (LARGE_PING_TIMEOUT_S if is_large else PING_TIMEOUT_S))),
            ("grpc.http2.max_pings_without_data", 0),
            ("grpc.enable_http_proxy", int(not is_loopback(self.address))),
        ]

    @property
    def credentials(self) -> grpc.ChannelCredentials | None:
        """Those of `tls`; None for plaintext."""
        return None if self.tls is None else self.tls.credentials()

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
        allowed = read_timeout(settings.timeout_s if timeout_s is None else timeout_s)
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


def read_timeout(timeout_s: float | None) -> float | None:
    """Seconds, None for ever; raises InvalidInputError for what is no time."""
    if timeout_s is None:
        return None
    seconds = checks.number(timeout_s, "timeout_s")
    if not seconds >= 0:  # NaN too
        raise checks.wrong("timeout_s", "seconds from 0 on, or None", timeout_s)
    return None if seconds > FOREVER_S else seconds


def is_loopback(address: str) -> bool:
    """Whether an address, in any of gRPC's forms, is this machine's own."""
    if address.startswith(("unix:", "unix-abstract:")):
        return True
    if address.startswith(_SCHEMES):
        address = address.partition(":")[2].rpartition("/")[2]
    host = address.rpartition(":")[0].strip("[]").rstrip(".").lower()
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        return False
    ip = getattr(ip, "ipv4_mapped", None) or ip
    return ip.is_loopback or ip.is_unspecified


def _check_address(address: str) -> None:
    if checks.text(address, "address").startswith(_SCHEMES):
        return
    host, _, port = address.rpartition(":")
    is_host = host and not any(c in "/@" or c.isspace() for c in host) and (":" not in host or host[0] + host[-1] == "[]")
    if not is_host or not (port.isascii() and port.isdecimal() and 0 < int(port[:6]) < 65536):
        raise checks.wrong("address", "host:port with a port from 1 to 65535", address)
