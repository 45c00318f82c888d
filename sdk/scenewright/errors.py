"""One tree of errors, made from one table of gRPC statuses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

_DETAILS_KEY = "grpc-status-details-bin"


class ScenewrightError(Exception):
    """A call failed.

    `code` is the gRPC status (None when the fault was found before sending), `reason` the server's name for
    the fault in UPPER_SNAKE ("" if it gave none), `metadata` what goes with it (such as the field), and
    `retry_after_s` the time after which another try may succeed.
    """

    def __init__(
        self,
        message: str,
        *,
        code: grpc.StatusCode | None = None,
        reason: str = "",
        metadata: Mapping[str, str] | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.reason = reason
        self.metadata = dict(metadata or {})
        self.retry_after_s = retry_after_s


class InvalidInputError(ScenewrightError, ValueError):
    """The request is wrong in itself; the message names field, value and bound."""


class NotFoundError(ScenewrightError):
    """There is no such session or model, or no longer."""


class PreconditionError(ScenewrightError):
    """This cannot be done as things stand: the model lacks the capability, the conversation has not begun."""


class ExhaustedError(ScenewrightError):
    """Something ran out: the server's capacity, a session's context."""


class UnavailableError(ScenewrightError):
    """The server cannot be reached, is loading its model or is shutting down."""


class DeadlineError(ScenewrightError, TimeoutError):
    """The call took longer than its deadline."""


class CancelledError(ScenewrightError):
    """The call was cancelled."""


class ClosedError(CancelledError):
    """The client, session or conversation was closed, before or while it was used."""


class UnsupportedError(ScenewrightError):
    """The server does not have this method."""


class AccessError(ScenewrightError):
    """The server wants a token, or another one."""


class ServerError(ScenewrightError):
    """The server failed; its log knows more."""


ERRORS: Mapping[grpc.StatusCode, type[ScenewrightError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidInputError,
    grpc.StatusCode.OUT_OF_RANGE: InvalidInputError,
    grpc.StatusCode.NOT_FOUND: NotFoundError,
    grpc.StatusCode.ALREADY_EXISTS: PreconditionError,
    grpc.StatusCode.FAILED_PRECONDITION: PreconditionError,
    grpc.StatusCode.ABORTED: PreconditionError,
    grpc.StatusCode.RESOURCE_EXHAUSTED: ExhaustedError,
    grpc.StatusCode.UNAVAILABLE: UnavailableError,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineError,
    grpc.StatusCode.CANCELLED: CancelledError,
    grpc.StatusCode.UNIMPLEMENTED: UnsupportedError,
    grpc.StatusCode.PERMISSION_DENIED: AccessError,
    grpc.StatusCode.UNAUTHENTICATED: AccessError,
    grpc.StatusCode.INTERNAL: ServerError,
    grpc.StatusCode.UNKNOWN: ServerError,
    grpc.StatusCode.DATA_LOSS: ServerError,
}


def from_rpc(error: grpc.RpcError) -> ScenewrightError:
    """The error of the tree that a failed call (sync or asyncio) stands for, with its google.rpc details."""
    code = error.code() or grpc.StatusCode.UNKNOWN
    info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    has_retry = False
    for detail in _details(error):
        if detail.Is(error_details_pb2.ErrorInfo.DESCRIPTOR):
            detail.Unpack(info)
        elif detail.Is(error_details_pb2.RetryInfo.DESCRIPTOR):
            has_retry = detail.Unpack(retry)
    return ERRORS.get(code, ServerError)(
        error.details() or code.value[1],
        code=code,
        reason=info.reason,
        metadata=info.metadata,
        retry_after_s=retry.retry_delay.ToMicroseconds() / 1e6 if has_retry else None,
    )


def from_event(event: Any) -> ScenewrightError:
    """The same for an ErrorEvent of a live conversation."""
    codes = {code.value[0]: code for code in grpc.StatusCode}
    code = codes.get(event.code, grpc.StatusCode.UNKNOWN)
    return ERRORS.get(code, ServerError)(
        event.message,
        code=code,
        reason=event.reason,
        metadata=event.metadata,
        retry_after_s=event.retry_after.ToMicroseconds() / 1e6 if event.HasField("retry_after") else None,
    )


def _details(error: Any) -> list[Any]:
    for key, value in error.trailing_metadata() or ():
        if key == _DETAILS_KEY:
            try:
                return list(status_pb2.Status.FromString(value).details)
            except DecodeError:
                return []
    return []
