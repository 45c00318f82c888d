"""A network on loopback that a test can slow down, hold up and cut: a TCP proxy before a server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

_BLOCK = 16_384


class Proxy:
    """Passes bytes both ways between clients and the server at `target`; use it in an `async with` statement.

    Bytes are never reordered or changed: a link passes them, holds them, or is gone for both ends at once.
    """

    def __init__(self, target: str) -> None:
        host, _, port = target.rpartition(":")
        self._target = host, int(port)
        self._links: set[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._flows: set[asyncio.Event] = set()
        self._bytes_left: int | None = None
        self._draw: Callable[[], int] | None = None
        self.address = ""
        self.refuses = False
        self.delay_s = 0.0
        self.n_cuts = 0

    async def __aenter__(self) -> Proxy:
        self._server = await asyncio.start_server(self._link, "127.0.0.1", 0)
        self.address = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.cut()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """Break every link, without a goodbye; bytes on their way are lost. New links may be made."""
        self._bytes_left = self._draw() if self._draw else None
        self.n_cuts += bool(self._links)
        for writers in self._links:
            for writer in writers:
                writer.transport.abort()
        self._links.clear()

    def cut_after(self, n_bytes: int) -> None:
        """Cut once `n_bytes` more have come from the server, wherever in a message that is."""
        self._bytes_left = n_bytes

    def cut_always(self, draw: Callable[[], int] | None) -> None:
        """Cut after `draw()` bytes, and again, for as long as the network is used; None ends it."""
        self._draw = draw
        self._bytes_left = draw() if draw else None

    def stall(self) -> None:
        """Hold every byte of the links there are, both ways; nobody is told. New links pass theirs."""
        for flow in self._flows:
            flow.clear()

    def flow(self) -> None:
        """Pass what was held."""
        for flow in self._flows:
            flow.set()

    async def _link(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if self.refuses:
                raise ConnectionRefusedError
            far_reader, far_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        pair = (writer, far_writer)
        self._links.add(pair)
        flow = asyncio.Event()
        flow.set()
        self._flows.add(flow)
        for work in (self._pass(reader, far_writer, flow, False), self._pass(far_reader, writer, flow, True)):
            task = asyncio.create_task(work)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, flow: asyncio.Event, counted: bool
    ) -> None:
        with suppress(OSError):
            while block := await reader.read(_BLOCK):
                await flow.wait()
                if self.delay_s:
                    await asyncio.sleep(self.delay_s)
                if counted and self._bytes_left is not None:
                    self._bytes_left -= len(block)
                    if self._bytes_left <= 0:
                        writer.write(block[: len(block) + self._bytes_left])
                        self.cut()
                        return
                writer.write(block)
                await writer.drain()
        writer.close()
