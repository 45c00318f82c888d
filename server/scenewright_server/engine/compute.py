"""The engines of a process behind asyncio: one thread computes, and the event loop never waits for it."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import replace

import torch

from scenewright_server.engine.beams import Beam
from scenewright_server.engine.decoding import Decoding
from scenewright_server.engine.engine import KV_BYTES, Engine
from scenewright_server.engine.prompt import Prompt
from scenewright_server.engine.request import Done, Event, Failed, Sampling, Timings, Usage
from scenewright_server.engine.session import Session
from scenewright_server.families.family import Decoder, ModelError, Script


class ComputeThread:
    """The one thread on which all engines of a process take their steps, in turn. Call `close` when done.

    n_threads: of torch, in this thread; None leaves torch's own choice. A small decoder decodes fastest with one:
    two OpenMP threads collapse beside any other busy process.
    """

    def __init__(self, n_threads: int | None = 1) -> None:
        self._n_threads = n_threads
        self._engines: list[Engine] = []
        self._inbox: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._tell: dict[Decoding, Callable[[list[Event]], None]] = {}
        self.closed = False
        self._lock = threading.Lock()  # of `closed`: nothing comes into the inbox behind its end
        self._thread = threading.Thread(target=self._loop, name="compute", daemon=True)
        self._thread.start()

    def add(self, engine: Engine) -> None:
        """Let an engine take part. Raises ModelError SHUTTING_DOWN."""
        self._submit(lambda: self._engines.append(engine))

    def start(self, engine: Engine, decoding: Decoding, tell: Callable[[list[Event]], None]) -> None:
        """Give a decoding to an engine; `tell` is called on this thread with its events, after every step of it.

        Raises ModelError SHUTTING_DOWN.
        """

        def take_in() -> None:
            self._tell[decoding] = tell
            engine.scheduler.add(decoding)

        self._submit(take_in)

    def close(self) -> None:
        """End the thread after its present step. What is still inside fails with SHUTTING_DOWN."""
        with self._lock:
            self.closed = True
            self._inbox.put(None)
        self._thread.join()

    def _submit(self, job: Callable[[], None]) -> None:
        with self._lock:
            if self.closed:
                raise _shut_down()
            self._inbox.put(job)

    def _loop(self) -> None:
        if self._n_threads is not None:
            torch.set_num_threads(self._n_threads)
        try:
            while self._take_job():
                for engine in self._engines:
                    self._step(engine)
        finally:
            with self._lock:
                self.closed = True
            while not self._inbox.empty():
                if (job := self._inbox.get()) is not None:
                    job()
            for tell in self._tell.values():
                tell([Failed(_shut_down())])

    def _step(self, engine: Engine) -> None:
        if not engine.has_work:
            return
        told: dict[Decoding, list[Event]] = {}
        for decoding, event in engine.step():
            told.setdefault(decoding, []).append(event)
        for decoding in engine.scheduler.running:
            told.setdefault(decoding, [])  # what it has cost is told all the same
        for decoding, events in told.items():
            self._tell[decoding](events)
            if events and isinstance(events[-1], Done | Failed):
                del self._tell[decoding]

    def _take_job(self) -> bool:
        """One job a step, so that many cannot hold up the running decodings; False when the thread is to end.

        Waits when there is nothing to run.
        """
        try:
            job = self._inbox.get(block=not any(engine.has_work for engine in self._engines))
        except queue.Empty:
            return True
        if job is None:
            return False
        job()
        return True


class AsyncEngine:
    """One decoder's engine for asyncio. It takes at most `n_slots` + `n_waiting` scripts at once."""

    def __init__(
        self,
        decoder: Decoder,
        thread: ComputeThread,
        *,
        n_slots: int = 8,
        n_waiting: int = 64,
        kv_bytes: int = KV_BYTES,
    ) -> None:
        self._engine = Engine(decoder, n_slots=n_slots, kv_bytes=kv_bytes)
        self._thread = thread
        self._device = decoder.shape.device
        self._capacity = n_slots + n_waiting
        self._n_inside = 0
        thread.add(self._engine)

    @property
    def n_inside(self) -> int:
        """Scripts running or waiting."""
        return self._n_inside

    def run(
        self, script: Script, sampling: Sampling, session: Session | None = None, prompt: Prompt | None = None
    ) -> Run:
        """A handle on a script that will run when its events are asked for; see `Engine.add`."""
        return Run(self, Decoding(script, sampling, session, self._device, prompt))

    @contextlib.contextmanager
    def _place(self, decoding: Decoding, tell: Callable[[list[Event]], None]) -> Iterator[None]:
        """Have the decoding run; it counts as inside until the context is left."""
        if self._n_inside >= self._capacity:
            raise ModelError(
                "OVERLOADED",
                f"the engine holds {self._n_inside} requests, {self._capacity} is its bound",
                bound=self._capacity,
            )
        self._thread.start(self._engine, decoding, tell)
        self._n_inside += 1
        try:
            yield
        finally:
            self._n_inside -= 1


class Run:
    """One script's handle, for the event loop's thread: its events, what it has cost so far, and its end."""

    def __init__(self, engine: AsyncEngine, decoding: Decoding) -> None:
        self.usage = Usage()
        self.timings = Timings()
        self._engine = engine
        self._decoding = decoding

    def cancel(self) -> None:
        """End it within one step; its events end with Done all the same."""
        self._decoding.cancelled = True

    @property
    def found(self) -> tuple[Beam, ...]:
        """Of a beam search that has ended: the best continuations, the best first."""
        search = self._decoding.search
        return () if search is None else tuple(search.found)

    async def events(self) -> AsyncGenerator[Event, None]:
        """The script's events, Done the last.

        Closing the iterator, or cancelling its task, cancels the script: iterate inside `contextlib.aclosing` where
        you may leave early. Raises ModelError (OVERLOADED, SHUTTING_DOWN), or the script's error.
        """
        loop = asyncio.get_running_loop()
        decoding = self._decoding
        inbox: asyncio.Queue[tuple[list[Event], Usage, Timings]] = asyncio.Queue()  # holds one answer at most

        def tell(events: list[Event]) -> None:
            usage = replace(decoding.usage, generated=decoding.n_generated)
            with contextlib.suppress(RuntimeError):  # a loop that has been closed wants no events
                loop.call_soon_threadsafe(inbox.put_nowait, (events, usage, decoding.timings))

        with self._engine._place(decoding, tell):
            try:
                while True:
                    events, self.usage, self.timings = await inbox.get()
                    for event in events:
                        if isinstance(event, Failed):
                            raise event.error
                        yield event
                        if isinstance(event, Done):
                            return
            finally:
                self.cancel()  # the next step sees it; it says nothing to one that has ended


def _shut_down() -> ModelError:
    return ModelError("SHUTTING_DOWN", "the engine is shut down")
