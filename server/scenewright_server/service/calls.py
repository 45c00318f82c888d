"""What every call goes through: a request id, the gate, rich statuses, one log line, metrics."""

from __future__ import annotations

import asyncio
import inspect
import re
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
import structlog

from scenewright_server.service.auth import Tokens, set_owner
from scenewright_server.service.metrics import Metrics
from scenewright_server.service.settings import Limits
from scenewright_server.service.status import Refused, to_status

REQUEST_ID = "x-request-id"
_REQUEST_ID_FORM = re.compile(r"[\w.:/+=-]{1,128}", re.ASCII)
_OURS = "/scenewright."
_HEALTH = "/grpc.health."


class Gate:
    """Whether calls are let in, and how many are inside."""

    def __init__(self, max_calls: int) -> None:
        self.refusal: Refused | None = Refused("MODEL_LOADING", "the model is being loaded and warmed up")
        self._max_calls = max_calls
        self._inside = 0
        self._empty = asyncio.Event()
        self._empty.set()

    def open(self) -> None:
        """Let calls in."""
        self.refusal = None

    async def drain(self, grace_s: float) -> bool:
        """Let no more calls in and wait until those inside have left; False when `grace_s` was too short."""
        self.refusal = Refused("SHUTTING_DOWN", "the server is shutting down")
        try:
            await asyncio.wait_for(self._empty.wait(), grace_s)
        except asyncio.TimeoutError:
            return False
        return True

    def enter(self) -> None:
        """Count a call in; raises `Refused` when the gate is shut."""
        if self.refusal is not None:
            raise self.refusal
        if self._inside >= self._max_calls:
            raise Refused(
                "OVERLOADED",
                f"{self._inside} calls are being served, at most {self._max_calls} may be",
                value=self._inside,
                bound=self._max_calls,
            )
        self._inside += 1
        self._empty.clear()

    def leave(self) -> None:
        """Count a call out."""
        self._inside -= 1
        if not self._inside:
            self._empty.set()


@dataclass
class _Call:
    method: str
    request_id: str
    started: float = field(default_factory=time.monotonic)
    timed_out: bool = False


class CallInterceptor(grpc.aio.ServerInterceptor):
    """Wraps every handler of this contract; reflection is for those who have a token, health for everybody."""

    def __init__(self, gate: Gate, tokens: Tokens, metrics: Metrics, log: Any, limits: Limits) -> None:
        self._gate = gate
        self._tokens = tokens
        self._metrics = metrics
        self._log = log
        self._limits = limits

    async def intercept_service(  # type: ignore[override]
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler | None:
        """The method's handler with the wrapping around it; None for a method that is not served."""
        handler = await continuation(handler_call_details)
        method = handler_call_details.method
        if method.startswith(_HEALTH):
            return handler
        try:
            caller: str | Refused = self._tokens.admit(handler_call_details.invocation_metadata or ())
        except Refused as refused:
            caller = refused
        if handler is None or not method.startswith(_OURS):
            return handler if isinstance(caller, str) else _shut(caller)
        answer: Any = handler.unary_unary or handler.unary_stream or handler.stream_unary or handler.stream_stream
        if not (inspect.iscoroutinefunction(answer) or inspect.isasyncgenfunction(answer)):
            # The generated base class's own: UNIMPLEMENTED
            return None if isinstance(caller, str) else _shut(caller)

        limit = "max_live_s" if handler.request_streaming else "max_request_s"

        # A coroutine that writes, not a generator: cancelling reaches it at once, even while it waits for the
        # client to read, and not when a generator is collected.
        async def stream(request: Any, context: grpc.aio.ServicerContext) -> None:
            async with self._around(method, context, limit, caller), aclosing(answer(request, context)) as responses:
                async for response in responses:
                    with _gone_is_cancelled():
                        await context.write(response)

        async def unary(request: Any, context: grpc.aio.ServicerContext) -> Any:
            async with self._around(method, context, limit, caller):
                return await answer(request, context)

        make, wrapped = {
            (False, False): (grpc.unary_unary_rpc_method_handler, unary),
            (False, True): (grpc.unary_stream_rpc_method_handler, stream),
            (True, False): (grpc.stream_unary_rpc_method_handler, unary),
            (True, True): (grpc.stream_stream_rpc_method_handler, stream),
        }[handler.request_streaming, handler.response_streaming]
        return make(wrapped, handler.request_deserializer, handler.response_serializer)

    @asynccontextmanager
    async def _around(
        self, method: str, context: grpc.aio.ServicerContext, limit: str, caller: str | Refused
    ) -> AsyncIterator[None]:
        call = _Call(method.rpartition(".")[2], _request_id(context))
        context.set_trailing_metadata(((REQUEST_ID, call.request_id),))
        structlog.contextvars.bind_contextvars(request_id=call.request_id)
        code, reason, problem = "OK", "", {}
        inside = False
        try:
            if isinstance(caller, Refused):
                raise caller
            set_owner(caller)
            self._gate.enter()
            inside = True
            with self._metrics.calls_running.track_inprogress(), _time_limit(call, limit, getattr(self._limits, limit)):
                yield
        except Refused as refused:
            code, reason, problem = refused.verdict.code.name, refused.reason, {"message": refused.message}
            await _abort(context, refused, call)
        except asyncio.CancelledError as cancelled:
            code = "CANCELLED"
            why = next((one for one in cancelled.args if isinstance(one, Refused)), None)
            if why is None:
                raise
            # Whoever cancelled it says why, wherever it was: most often it waits for the client to read.
            code, reason, problem = why.verdict.code.name, why.reason, {"message": why.message}
            await _abort(context, why, call)
        except GeneratorExit:
            code = "CANCELLED"
            raise
        except Exception:  # whatever a handler forgot: told as INTERNAL, without its trace
            code, reason = "INTERNAL", "INTERNAL"
            self._log.exception("handler failed", method=call.method)
            message = f"internal error; see the server's log for request {call.request_id}"
            await _abort(context, Refused("INTERNAL", message), call)
        finally:
            if inside:
                self._gate.leave()
            elapsed_s = time.monotonic() - call.started
            self._metrics.calls.labels(call.method, code, reason).inc()
            self._metrics.call_seconds.labels(call.method).observe(elapsed_s)
            outcome = {"code": code, **({"reason": reason} if reason else {}), **problem}
            self._log.info("call", method=call.method, ms=round(elapsed_s * 1e3, 1), peer=context.peer(), **outcome)


@contextmanager
def _time_limit(call: _Call, limit: str, seconds: float) -> Iterator[None]:
    """Cancel the call's own task after `seconds` and tell that apart from the client's cancelling it."""
    task = asyncio.current_task()
    assert task is not None

    def expire() -> None:
        call.timed_out = True
        task.cancel()

    timer = asyncio.get_running_loop().call_later(seconds, expire)
    try:
        yield
    except asyncio.CancelledError:
        if call.timed_out:
            raise Refused(
                "DEADLINE_EXCEEDED",
                f"the call took longer than limits.{limit} = {seconds:g} s",
                bound=seconds,
            ) from None
        raise
    finally:
        timer.cancel()


def _request_id(context: grpc.aio.ServicerContext) -> str:
    """The client's own id where it sent a well-formed one, else a new one."""
    for key, value in context.invocation_metadata() or ():
        if key == REQUEST_ID and isinstance(value, str) and _REQUEST_ID_FORM.fullmatch(value):
            return value
    return uuid.uuid4().hex


async def _abort(context: grpc.aio.ServicerContext, refused: Refused, call: _Call) -> None:
    code, message, metadata = to_status(refused)
    with _gone_is_cancelled():
        await context.abort(code, message, (*metadata, (REQUEST_ID, call.request_id)))


@contextmanager
def _gone_is_cancelled() -> Iterator[None]:
    """Sending fails when the client has gone, sometimes before gRPC cancels the call for it."""
    try:
        yield
    except grpc.aio.InternalError:
        raise asyncio.CancelledError from None


def _shut(refused: Refused) -> grpc.RpcMethodHandler:
    """A handler of any method that says no."""

    async def refuse(_: Any, context: grpc.aio.ServicerContext) -> AsyncIterator[bytes]:
        await context.abort(*to_status(refused))
        yield b""

    return grpc.stream_stream_rpc_method_handler(refuse)
