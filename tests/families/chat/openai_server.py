"""A real HTTP server that speaks OpenAI's protocol as a test has scripted it, or does not."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

Reply = Callable[[], AsyncIterator[bytes]]
"""The bytes of an answer, head and all; after the last the connection is closed."""

STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"


@dataclass
class Request:
    path: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass
class Scripted:
    """`replies` are given one after the other; `left` is released for each client that went before its answer's end."""

    url: str = ""
    replies: deque[Reply] = field(default_factory=deque)
    requests: list[Request] = field(default_factory=list)
    arrived: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    left: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            self.requests.append(await _read(reader))
            reply = self.replies.popleft()
            self.arrived.release()
            answer = asyncio.ensure_future(_write(writer, reply))
            gone = asyncio.ensure_future(reader.read())
            await asyncio.wait({answer, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not answer.done() or answer.exception() is not None:
                self.left.release()
            for task in (answer, gone):
                task.cancel()
        finally:
            writer.close()


@contextmanager
def scripted() -> Iterator[Scripted]:
    server, ready, loop = Scripted(), threading.Event(), asyncio.new_event_loop()

    async def start() -> None:
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1"
        ready.set()

    def live() -> None:
        loop.run_until_complete(start())
        loop.run_forever()

    thread = threading.Thread(target=live, daemon=True)
    thread.start()
    ready.wait()
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


async def _read(reader: asyncio.StreamReader) -> Request:
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers["content-length"]))
    return Request(first.split()[1], headers, json.loads(body))


async def _write(writer: asyncio.StreamWriter, reply: Reply) -> None:
    async for data in reply():
        writer.write(data)
        await writer.drain()


def chunk(text: str | None, ended: str | None = None, **more: Any) -> bytes:
    choice = {"index": 0, "delta": {} if text is None else {"content": text}, "finish_reason": ended, **more}
    return event({"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "m", "choices": [choice]})


def event(data: object) -> bytes:
    return f"data: {json.dumps(data)}\n\n".encode()


def raw(*parts: bytes) -> Reply:
    async def reply() -> AsyncIterator[bytes]:
        for part in parts:
            yield part

    return reply


def speaking(*texts: str, ended: str = "stop", usage: dict[str, Any] | None = None) -> Reply:
    """A stream of these texts, whole."""
    told = [event({"choices": [], "usage": usage})] if usage else []
    return raw(STREAM, chunk(None), *map(chunk, texts), chunk(None, ended), *told, b"data: [DONE]\n\n")


def answering(status: str, body: bytes = b"{}", *headers: str) -> Reply:
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return raw("\r\n".join(head).encode() + b"\r\n\r\n" + body)


def silent(*parts: bytes) -> Reply:
    """These bytes, and then nothing more."""

    async def reply() -> AsyncIterator[bytes]:
        for part in parts:
            yield part
        await asyncio.Event().wait()

    return reply


def endless(part: bytes) -> Reply:
    """The same over and over, as fast as it is taken."""

    async def reply() -> AsyncIterator[bytes]:
        yield STREAM
        while True:
            yield part
            await asyncio.sleep(0)

    return reply
