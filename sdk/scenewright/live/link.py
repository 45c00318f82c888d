"""One connection of a live conversation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Any, Literal, Protocol

import grpc

from scenewright.errors import ServerError, UnavailableError, from_rpc
from scenewright.v1 import dialogue_pb2, dialogue_pb2_grpc

_GONE = (grpc.RpcError, asyncio.InvalidStateError)


class Log(Protocol):
    """What may be told of every message, both ways: `conformance.LogWriter`. `stream` counts connections from 1."""

    def write(self, side: Literal["client", "server"], stream: int, message: Any) -> None:
        """A ConverseRequest as it goes out, or a ConverseResponse as it comes in."""

    def write_end(self, side: Literal["client", "server"], stream: int, end: str) -> None:
        """The client has no more to say (HALF_CLOSE), or the server's status ended the connection."""


class Link:
    """A Converse stream on a channel of its own; use it in an `async with` statement, which ends both.

    `number` counts a conversation's connections in its log. A server that owes something and is silent for `stall_s`
    seconds counts as lost. Reading raises ScenewrightError; writing to a lost connection does nothing.
    """

    def __init__(
        self,
        channel: grpc.aio.Channel,
        metadata: Sequence[tuple[str, str]],
        number: int,
        stall_s: float,
        log: Log | None,
    ) -> None:
        self._channel = channel
        self._metadata = metadata
        self._number = number
        self._stall_s = stall_s
        self._log = log
        self._owed_since: float | None = None
        self._call: Any = None

    async def __aenter__(self) -> Link:
        stub: Any = dialogue_pb2_grpc.DialogueServiceStub(self._channel)
        self._call = stub.Converse(metadata=self._metadata)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._call.cancel()
        await self._channel.close(None)

    async def open(self, first: dialogue_pb2.ConverseRequest) -> dialogue_pb2.SetupComplete:
        """Send the setup, and give the server's answer to it."""
        try:
            await asyncio.wait_for(self.write(first), self._stall_s)
            response = await asyncio.wait_for(self._read(), self._stall_s)
        except asyncio.TimeoutError:
            self._note_end("UNAVAILABLE")
            raise self._silent() from None
        if response is None or not response.HasField("setup_complete"):
            raise ServerError("the server's first event was not setup_complete")
        return response.setup_complete

    async def write(self, message: dialogue_pb2.ConverseRequest) -> None:
        """Send one message."""
        if self._log is not None:
            self._log.write("client", self._number, message)
        with suppress(*_GONE):  # reading tells why
            await self._call.write(message)

    async def half_close(self) -> None:
        """Nothing more will be written."""
        if self._log is not None:
            self._log.write_end("client", self._number, "HALF_CLOSE")
        with suppress(*_GONE):
            await self._call.done_writing()

    async def responses(self) -> AsyncIterator[dialogue_pb2.ConverseResponse]:
        """What the server says, until it ends the stream in peace."""
        while (response := await self._read()) is not None:
            self._owed_since = None
            yield response

    async def watch(self, owes: Any) -> None:
        """Raises UnavailableError once the server `owes()` something and is silent for too long.

        A network that holds everything back tells nobody.
        """
        now = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(self._stall_s / 4)
            if not owes():
                self._owed_since = None
            elif self._owed_since is None:
                self._owed_since = now()
            elif now() - self._owed_since >= self._stall_s:
                self._note_end("UNAVAILABLE")
                raise self._silent()

    async def _read(self) -> dialogue_pb2.ConverseResponse | None:
        try:
            response = await self._call.read()
        except grpc.RpcError as broken:
            error = from_rpc(broken)
            self._note_end(error.code.name if error.code else "UNKNOWN")
            raise error from None
        if not isinstance(response, dialogue_pb2.ConverseResponse):  # grpc.aio.EOF
            self._note_end("OK")
            return None
        if self._log is not None:
            self._log.write("server", self._number, response)
        return response

    def _note_end(self, status: str) -> None:
        if self._log is not None:
            self._log.write_end("server", self._number, status)

    def _silent(self) -> UnavailableError:
        return UnavailableError(
            f"nothing came from the server for {self._stall_s:g} s", code=grpc.StatusCode.UNAVAILABLE
        )
