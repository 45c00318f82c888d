"""Seeing, hearing and embedding for many callers, beside the decoder.

What was made of a frame or a recording is kept by its content, so that nothing is looked at or listened to twice.
Callers who ask for the same thing at once share the work; work that nobody waits for any more is not begun.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from copy import copy
from typing import Any, TypeVar

import numpy as np
import torch

from scenewright_server.families.family import Embedder, Family, Heard, Memory, ModelError, Script, Turn
from scenewright_server.scene.content import digest
from scenewright_server.scene.entries import Detections

T = TypeVar("T")

N_KEPT = 128  # results


class PerceptionThreads:
    """The threads of a process's perception, apart from the decoder's. Call `close` when done.

    Scripts are opened on a thread of their own: that is short, and must not wait while a picture is looked at.
    """

    def __init__(self, n_threads: int | None = 1) -> None:
        self.senses = _thread("perception", n_threads)
        self.opening = _thread("opening", n_threads)

    def close(self) -> None:
        for executor in (self.senses, self.opening):
            executor.shutdown(cancel_futures=True)


def _thread(name: str, n_threads: int | None) -> ThreadPoolExecutor:
    if n_threads is None:
        return ThreadPoolExecutor(1, name)
    return ThreadPoolExecutor(1, name, initializer=torch.set_num_threads, initargs=(n_threads,))


class Perception:
    """One family's senses. For one event loop. At most `capacity` pieces of work wait or run at once."""

    def __init__(self, family: Family, threads: PerceptionThreads, *, capacity: int = 64) -> None:
        self._family = family
        self._threads = threads
        self._capacity = capacity
        self._kept: OrderedDict[bytes, Any] = OrderedDict()
        self._under_way: dict[bytes, _Work] = {}
        self._frames: deque[tuple[np.ndarray, Future[Detections]]] = deque()

    def of(self, variant: Family) -> Perception:
        """The same senses, and all that they keep, of a variant of the family."""
        twin = copy(self)
        twin._family = variant
        return twin

    @property
    def n_inside(self) -> int:
        """Pieces of work that wait or run."""
        return len(self._under_way)

    async def see(self, frame: np.ndarray) -> Detections:
        """What is in a frame that was fitted. Raises ModelError OVERLOADED, and what the family raised."""
        return await self._once(digest(("see", frame)), lambda: self._see_soon(frame))

    async def hear(self, clip: np.ndarray) -> Heard:
        """What is said in (n,) float32 at SAMPLE_RATE_HZ. Raises ModelError OVERLOADED, AUDIO_TOO_LONG."""
        return await self._once(digest(("hear", clip)), self._senses(self._family.hear, clip))

    async def embed_image(self, frame: np.ndarray) -> np.ndarray:
        """The unit embedding (E,) of a frame that was fitted. Raises ModelError OVERLOADED."""
        return await self._once(digest(("embed", frame)), self._senses(self._embedder.embed_image, frame))

    async def embed_text(self, texts: Sequence[str]) -> np.ndarray:
        """Unit embeddings (N, E). Raises ModelError OVERLOADED."""
        texts = tuple(texts)
        return await self._once(digest(("embed", texts)), self._senses(self._embedder.embed_text, texts))

    async def open(self, turn: Turn, memory: Memory | None) -> Script:
        """The script of a response, its spans ready. Raises what `Family.open` does."""
        work = self._threads.opening.submit(self._family.open, turn, memory)
        return await asyncio.wrap_future(work)

    async def warm(self, turn: Turn, memory: Memory | None) -> Script | None:
        """The script that runs ahead of a question. Raises what `Family.warm` does."""
        work = self._threads.opening.submit(self._family.warm, turn, memory)
        return await asyncio.wrap_future(work)

    async def past(self, history: Sequence[tuple[str, str]]) -> Memory:
        """What remembers these questions and answers."""
        work = self._threads.opening.submit(self._family.past, history)
        return await asyncio.wrap_future(work)

    @property
    def _embedder(self) -> Embedder:
        assert self._family.embedder is not None  # or its spec would not name the capability
        return self._family.embedder

    def _senses(self, job: Callable[..., T], *arguments: Any) -> Callable[[], Future[T]]:
        return lambda: self._threads.senses.submit(job, *arguments)

    async def _once(self, key: bytes, begin: Callable[[], Future[T]]) -> T:
        """The result kept under `key`, or that of the work under way for it, or of work that begins now."""
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        work = self._under_way.get(key)
        if work is None or work.is_cancelled:  # one that was cancelled in this very moment gives nothing any more
            if len(self._under_way) >= self._capacity:
                raise ModelError(
                    "OVERLOADED",
                    f"perception has {len(self._under_way)} pieces of work, {self._capacity} is its bound",
                    bound=self._capacity,
                )
            work = self._under_way[key] = _Work(begin())
            work.future.add_done_callback(lambda future: self._done(key, future))
        return await work.result()

    def _done(self, key: bytes, future: asyncio.Future[Any]) -> None:
        work = self._under_way.get(key)
        if work is not None and work.future is future:
            del self._under_way[key]
        if future.cancelled() or future.exception() is not None:
            return
        self._kept[key] = future.result()
        if len(self._kept) > N_KEPT:
            self._kept.popitem(last=False)

    def _see_soon(self, frame: np.ndarray) -> Future[Detections]:
        """Frames that wait are seen together, as many as the family sees faster so."""
        future: Future[Detections] = Future()
        self._frames.append((frame, future))
        self._threads.senses.submit(self._see_some)
        return future

    def _see_some(self) -> None:
        batch: list[tuple[np.ndarray, Future[Detections]]] = []
        while self._frames and len(batch) < self._family.spec.n_frames_at_once:
            frame, future = self._frames.popleft()
            if future.set_running_or_notify_cancel():
                batch.append((frame, future))
        if not batch:
            return
        try:
            seen = self._family.see([frame for frame, _ in batch])
        except Exception as error:
            for _, future in batch:
                future.set_exception(error)
        else:
            for (_, future), detections in zip(batch, seen, strict=True):
                future.set_result(detections)


class _Work:
    """Something under way, and how many wait for it; when all have left, it is cancelled unless it runs already."""

    def __init__(self, work: Future[Any]) -> None:
        self.future = asyncio.wrap_future(work)
        self._work = work
        self._n_waiting = 0

    @property
    def is_cancelled(self) -> bool:
        return self._work.cancelled()

    async def result(self) -> Any:
        self._n_waiting += 1
        try:
            return await asyncio.shield(self.future)
        finally:
            self._n_waiting -= 1
            if not self._n_waiting:
                self._work.cancel()
