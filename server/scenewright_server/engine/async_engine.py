"""The engine behind asyncio: one thread owns the model, and the event loop never waits for it."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import functools
import queue
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from typing import TypeVar

import torch

from scenewright_server.engine.engine import Engine
from scenewright_server.engine.request import Done, EngineError, Event, Failed, Request
from scenewright_server.engine.sequence import Sequence
from scenewright_server.families.diorama.fusion import FusedModel

T = TypeVar("T")


class AsyncEngine:
    """Takes at most `n_slots` + `n_waiting` requests and jobs at once. Call `close` when done.

    n_threads: of torch, in the engine's thread; None leaves torch's own choice. The embedded model decodes
    fastest with one: its matrices are small, and two OpenMP threads collapse beside any other busy process.
    """

    def __init__(self, model: FusedModel, *, n_slots: int = 8, n_waiting: int = 64, n_threads: int | None = 1) -> None:
        self._engine = Engine(model, n_slots=n_slots)
        self._capacity = n_slots + n_waiting
        self._n_threads = n_threads
        self._n_inside = 0
        self._closed = False
        self._lock = threading.Lock()  # of the three above
        self._inbox: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._sinks: dict[Sequence, Callable[[Event], None]] = {}
        self._thread = threading.Thread(target=self._loop, name="engine", daemon=True)
        self._thread.start()

    @property
    def n_inside(self) -> int:
        """Requests and jobs running or waiting."""
        return self._n_inside

    async def generate(self, request: Request | Sequence) -> AsyncGenerator[Event, None]:
        """The request's events, Done the last.

        Closing the iterator, or cancelling its task, cancels the request: iterate inside
        `contextlib.aclosing` where you may leave early. Who gives the request as a Sequence may set its
        `cancelled` instead, and still gets Done.
        Raises EngineError (OVERLOADED, SHUTTING_DOWN, CONTEXT_FULL, AUDIO_TOO_LONG), or the model's error.
        """
        loop = asyncio.get_running_loop()
        events: asyncio.Queue[Event] = asyncio.Queue()  # holds one answer at most
        sequence = request if isinstance(request, Sequence) else Sequence(request)

        def take_in() -> None:
            self._sinks[sequence] = functools.partial(_tell, loop, events)
            self._engine.scheduler.add(sequence)

        with self._place(take_in):
            try:
                while True:
                    event = await events.get()
                    if isinstance(event, Failed):
                        raise event.error
                    yield event
                    if isinstance(event, Done):
                        return
            finally:
                sequence.cancelled = True  # the next step sees it; it says nothing to one that has ended

    async def run(self, job: Callable[[Engine], T]) -> T:
        """What `job` returns, run on the engine's thread between two steps: embeddings, transcripts.

        Raises EngineError (OVERLOADED, SHUTTING_DOWN) and what the job raised.
        """
        result: concurrent.futures.Future[T] = concurrent.futures.Future()

        def work() -> None:
            if not result.set_running_or_notify_cancel():
                return
            try:
                result.set_result(job(self._engine))
            except Exception as error:
                result.set_exception(error)

        with self._place(work):
            return await asyncio.wrap_future(result)

    def close(self) -> None:
        """End the thread after its present step. What is still inside fails with SHUTTING_DOWN."""
        with self._lock:
            self._closed = True
            self._inbox.put(None)
        self._thread.join()

    @contextlib.contextmanager
    def _place(self, job: Callable[[], None]) -> Iterator[None]:
        """Hand a job to the thread; it counts as inside until the context is left."""
        with self._lock:
            if self._closed:
                raise EngineError("SHUTTING_DOWN", "the engine is shut down")
            if self._n_inside >= self._capacity:
                raise EngineError(
                    "OVERLOADED",
                    f"the engine holds {self._n_inside} requests, {self._capacity} is its bound",
                    bound=self._capacity,
                )
            self._n_inside += 1
            self._inbox.put(job)
        try:
            yield
        finally:
            with self._lock:
                self._n_inside -= 1

    def _loop(self) -> None:
        if self._n_threads is not None:
            torch.set_num_threads(self._n_threads)
        try:
            while self._take_job():
                for sequence, event in self._engine.step():
                    self._sinks[sequence](event)
                    if isinstance(event, Done | Failed):
                        del self._sinks[sequence]
        finally:
            with self._lock:
                self._closed = True
            while not self._inbox.empty():
                if (job := self._inbox.get()) is not None:
                    job()
            for sink in self._sinks.values():
                sink(Failed(EngineError("SHUTTING_DOWN", "the engine is shut down")))

    def _take_job(self) -> bool:
        """One job a step, so that many cannot hold up the running sequences; False when the engine is to end.

        Waits when there is nothing to run.
        """
        try:
            job = self._inbox.get(block=not self._engine.has_work)
        except queue.Empty:
            return True
        if job is None:
            return False
        job()
        return True


def _tell(loop: asyncio.AbstractEventLoop, events: asyncio.Queue[Event], event: Event) -> None:
    """Put an event into a queue of another thread's loop; a loop that has been closed wants no events."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(events.put_nowait, event)
