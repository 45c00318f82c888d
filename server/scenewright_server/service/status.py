"""The one table of refusals: reason -> gRPC status, and whether a retry helps.

A handler raises `Refused`; `to_status` turns it into a rich gRPC status (google.rpc.ErrorInfo, and RetryInfo
where a retry helps) that travels in the `grpc-status-details-bin` trailing metadata.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

DOMAIN = "scenewright"


@dataclass(frozen=True)
class Verdict:
    """How a reason is told to the client: its status code, and after how many seconds a retry may help."""

    code: grpc.StatusCode
    retry_after_s: float | None = None


_INVALID = Verdict(grpc.StatusCode.INVALID_ARGUMENT)
_PRECONDITION = Verdict(grpc.StatusCode.FAILED_PRECONDITION)

REASONS: dict[str, Verdict] = {
    "FIELD_REQUIRED": _INVALID,
    "FIELD_INVALID": _INVALID,
    "IMAGE_UNDECODABLE": _INVALID,
    "FRAME_TOO_LARGE": _INVALID,
    "AUDIO_UNDECODABLE": _INVALID,
    "AUDIO_TOO_LONG": _INVALID,
    "TEXT_TOO_LONG": _INVALID,
    "SCENE_TOO_LARGE": _INVALID,
    "NOTHING_TO_SEE": _INVALID,
    "CAPABILITY_MISSING": _PRECONDITION,
    "ENCODER_MISMATCH": _PRECONDITION,
    "SCENE_OUTDATED": _PRECONDITION,
    "MODEL_MISMATCH": _PRECONDITION,
    "SESSION_BUSY": _PRECONDITION,
    "OUT_OF_ORDER": _PRECONDITION,
    "EVENTS_LOST": _PRECONDITION,
    "TAKEN_OVER": Verdict(grpc.StatusCode.ABORTED),
    "UNAUTHENTICATED": Verdict(grpc.StatusCode.UNAUTHENTICATED),
    "MODEL_NOT_FOUND": Verdict(grpc.StatusCode.NOT_FOUND),
    "SESSION_NOT_FOUND": Verdict(grpc.StatusCode.NOT_FOUND),
    "SESSION_EXPIRED": Verdict(grpc.StatusCode.NOT_FOUND),
    "CONTEXT_FULL": Verdict(grpc.StatusCode.RESOURCE_EXHAUSTED),
    "TOO_MANY_SESSIONS": Verdict(grpc.StatusCode.RESOURCE_EXHAUSTED),
    "OVERLOADED": Verdict(grpc.StatusCode.RESOURCE_EXHAUSTED, retry_after_s=1.0),
    "AUDIO_TOO_FAST": Verdict(grpc.StatusCode.RESOURCE_EXHAUSTED, retry_after_s=1.0),
    "MODEL_LOADING": Verdict(grpc.StatusCode.UNAVAILABLE, retry_after_s=2.0),
    "SHUTTING_DOWN": Verdict(grpc.StatusCode.UNAVAILABLE, retry_after_s=5.0),
    "ENDPOINT_UNAVAILABLE": Verdict(grpc.StatusCode.UNAVAILABLE, retry_after_s=5.0),
    "ENDPOINT_TIMEOUT": Verdict(grpc.StatusCode.DEADLINE_EXCEEDED, retry_after_s=5.0),
    "ENDPOINT_REFUSED": _PRECONDITION,
    "ENDPOINT_INVALID": _PRECONDITION,
    "DEADLINE_EXCEEDED": Verdict(grpc.StatusCode.DEADLINE_EXCEEDED),
    "INTERNAL": Verdict(grpc.StatusCode.INTERNAL),
}


class Refused(Exception):
    """A request that the server will not or cannot serve.

    `reason` is a key of `REASONS`; `message` names field, value and bound, and `metadata` repeats them under
    these keys for programs. `retry_after_s` is the table's where nothing better is known.
    """

    def __init__(self, reason: str, message: str, *, retry_after_s: float | None = None, **metadata: Any) -> None:
        super().__init__(message)
        self.reason = reason
        self.verdict = REASONS[reason]
        self.retry_after_s = self.verdict.retry_after_s if retry_after_s is None else retry_after_s
        self.message = message
        self.metadata = {key: str(value) for key, value in metadata.items()}


def to_status(refused: Refused) -> tuple[grpc.StatusCode, str, tuple[tuple[str, str | bytes], ...]]:
    """A refusal's code, message and trailing metadata: `grpc-status-details-bin`, and where a retry helps
    `grpc-retry-pushback-ms`, which gRPC's own retry policies go by."""
    details: list[Message] = [
        error_details_pb2.ErrorInfo(reason=refused.reason, domain=DOMAIN, metadata=refused.metadata),
    ]
    delay_s = refused.retry_after_s
    if delay_s is not None:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromMicroseconds(round(delay_s * 1e6))
        details.append(retry)
    message = status_pb2.Status(code=code_pb2.Code.Value(refused.verdict.code.name), message=refused.message)
    for detail in details:
        packed = AnyMessage()
        packed.Pack(detail)
        message.details.append(packed)
    status = rpc_status.to_status(message)
    pushback = () if delay_s is None else (("grpc-retry-pushback-ms", str(round(1e3 * delay_s))),)
    return status.code, status.details, (*status.trailing_metadata, *pushback)
