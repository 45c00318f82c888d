"""Scripts whose decoder lives elsewhere: they run on the event loop, beside the engines, and wait for text alone."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace

from scenewright_server.engine.output import Output
from scenewright_server.engine.prompt import Prompt
from scenewright_server.engine.request import Done, Event, Failed, Sampling, Started, Timings, Usage
from scenewright_server.engine.session import Session
from scenewright_server.families.endpoint import Completion, Ended, Endpoint, Form, Piece, Role, TextScript
from scenewright_server.families.family import FinishReason, ModelError, Outcome, Script, SpanKind, TextDelta

N_AGAIN = 2
"""How often an endpoint is asked again for a text that is not what it must be."""
MAX_SHOWN = 500
"""Characters of such a text that it is shown."""
AGAIN = "That is not what was asked for: {fault}. Write it again, and nothing else."


class RemoteEngine:
    """One endpoint for asyncio, on one event loop. It takes as many scripts at once as the endpoint may be asked for,
    and `n_waiting` more. What it waits for holds up nobody else: it needs no thread."""

    def __init__(self, endpoint: Endpoint, *, n_waiting: int = 64) -> None:
        self._endpoint = endpoint
        self._slots = asyncio.Semaphore(endpoint.n_at_once)
        self._capacity = endpoint.n_at_once + n_waiting
        self._n_inside = 0

    @property
    def n_inside(self) -> int:
        """Scripts running or waiting."""
        return self._n_inside

    def run(
        self, script: Script, sampling: Sampling, session: Session | None = None, prompt: Prompt | None = None
    ) -> RemoteRun:
        """A handle on a script that will run when its events are asked for. Sessions and prompts keep nothing here.

        Raises ModelError FIELD_OUT_OF_RANGE for beams.
        """
        assert isinstance(script, TextScript)  # whose family has an endpoint
        if (n := sampling.n_beams) > 1:
            message = f"sampling.num_beams is {n}, must be 1: this model's endpoint tells no beams and no scores"
            raise ModelError("FIELD_OUT_OF_RANGE", message, field="sampling.num_beams", value=n, bound=1)
        return RemoteRun(self, script, sampling)

    async def close(self) -> None:
        """Let go of all connections."""
        await self._endpoint.close()

    @contextlib.contextmanager
    def _place(self) -> Iterator[None]:
        if self._n_inside >= self._capacity:
            raise ModelError(
                "OVERLOADED",
                f"{self._n_inside} requests wait for the endpoint, {self._capacity} is the bound",
                bound=self._capacity,
            )
        self._n_inside += 1
        try:
            yield
        finally:
            self._n_inside -= 1


class RemoteRun:
    """See `engine.compute.Run`."""

    def __init__(self, engine: RemoteEngine, script: TextScript, sampling: Sampling) -> None:
        self.usage = Usage()
        self.timings = Timings()
        self._engine = engine
        self._script = script
        self._sampling = sampling
        self._output = Output(sampling.stop)
        self._inbox: asyncio.Queue[Event] = asyncio.Queue()  # holds one answer at most
        self._task: asyncio.Task[FinishReason] | None = None
        self._cancelled = False
        self._begun = 0.0

    def cancel(self) -> None:
        """Close the connection; the events end with Done all the same."""
        self._cancelled = True
        if self._task is not None:
            self._task.cancel()

    async def events(self) -> AsyncGenerator[Event, None]:
        """The script's events, Done the last.

        Closing the iterator, or cancelling its task, cancels the script: iterate inside `contextlib.aclosing` where
        you may leave early. Raises ModelError (OVERLOADED, what `Endpoint.complete` raises), or the script's error.
        """
        with self._engine._place():
            self._begun = time.perf_counter()
            task = self._task = asyncio.create_task(self._run())
            task.add_done_callback(self._conclude)
            if self._cancelled:
                task.cancel()
            try:
                while True:
                    event = await self._inbox.get()
                    if isinstance(event, Failed):
                        raise event.error
                    yield event
                    if isinstance(event, Done):
                        return
            finally:
                task.cancel()
                await asyncio.wait({task})

    @property
    def _age_ms(self) -> float:
        return 1e3 * (time.perf_counter() - self._begun)

    def _conclude(self, task: asyncio.Task[FinishReason]) -> None:
        """Put the last event behind the others, however the task has ended."""
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception):
            self._inbox.put_nowait(Failed(error))
            return
        reason = FinishReason.CANCELLED if task.cancelled() else task.result()
        self.timings = replace(self.timings, total=self._age_ms)
        self._inbox.put_nowait(Done(reason, self.usage, self.timings, self._script.confidence))

    async def _run(self) -> FinishReason:
        async with self._engine._slots:
            self.timings = replace(self.timings, queue=self._age_ms)
            self._inbox.put_nowait(Started())
            outcome = self._script.begin()
            while (reason := self._tell(outcome)) is None:
                assert isinstance(outcome.next, Completion)
                outcome = await self._pass(outcome.next)
        self._put(self._output.finish(self._script.finish()))
        return reason

    async def _pass(self, completion: Completion) -> Outcome:
        """What a whole completion gives, after the events of its text were told."""
        if completion.form is not None:
            whole = await self._write(completion, completion.form)
            # What follows from a text that must be of a form may take a while: a plan is carried out.
            return await asyncio.to_thread(self._script.take_text, whole)
        async with aclosing(self._complete(completion)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Ended):
                    if piece.reason is not FinishReason.STOP:
                        return Outcome(over=piece.reason)
                    break
                outcome = self._script.take_text(piece)
                if outcome.next is not None or outcome.over is not None:
                    return outcome
                if (reason := self._tell(outcome)) is not None:
                    return Outcome(over=reason)
        return self._script.end_pass()

    async def _write(self, completion: Completion, form: Form) -> Piece:
        """The text of a completion that must be of a form; where it is not, the endpoint is asked again."""
        asked, fault, text, found = completion, "", "", list[Piece]()
        for _ in range(1 + N_AGAIN):
            found = []
            async with aclosing(self._complete(asked)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, Piece):
                        found.append(piece)
            text = "".join(piece.text for piece in found).strip()
            if not (fault := form.fault(text)):
                break
            more: tuple[tuple[Role, str], ...] = (("assistant", text[:MAX_SHOWN]), ("user", AGAIN.format(fault=fault)))
            asked = replace(completion, messages=(*completion.messages, *more))
        if fault and form.strict:
            message = f"the endpoint's text is not of the form that it must have, asked {1 + N_AGAIN} times: {fault}"
            raise ModelError("ENDPOINT_INVALID", message)
        least_sure = min(found, key=lambda piece: piece.probability, default=Piece(""))
        return Piece(text, least_sure.tokens)

    async def _complete(self, completion: Completion) -> AsyncGenerator[Piece | Ended, None]:
        """A completion, its cost counted. One of a form is the likeliest, however the answer is to be sampled."""
        sampling = self._sampling if completion.form is None else Sampling()
        n_before, n_pieces = self.usage.generated, 0
        async with aclosing(
            self._engine._endpoint.complete(
                completion,
                temperature=sampling.temperature,
                top_k=sampling.top_k,
                top_p=sampling.top_p,
                repetition_penalty=sampling.repetition_penalty,
                seed=sampling.seed,
                stop=sampling.stop,
            )
        ) as pieces:
            async for piece in pieces:
                if isinstance(piece, Piece):
                    n_pieces += 1
                    if not self.timings.prefill:
                        self.timings = replace(self.timings, prefill=self._age_ms - self.timings.queue)
                    self.usage = replace(self.usage, generated=n_before + n_pieces)
                else:
                    given = share(piece.n_given, completion.counts)
                    self.usage = Usage(given, piece.n_cached, n_before + (piece.n_generated or n_pieces))
                yield piece

    def _tell(self, outcome: Outcome) -> FinishReason | None:
        """Tell an outcome's events; why all ends with it, if it does."""
        self._put(self._output.feed(outcome.events))
        return FinishReason.STOP if self._output.stopped else outcome.over

    def _put(self, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, TextDelta) and not self.timings.first_token:
                self.timings = replace(self.timings, first_token=self._age_ms)
            self._inbox.put_nowait(event)


def share(n: int, counts: Sequence[tuple[SpanKind, int]]) -> dict[SpanKind, int]:
    """`n` tokens among kinds, in proportion to how many there were thought to be; these themselves where `n` is 0,
    which means that it was not told."""
    total = sum(n_here for _, n_here in counts)
    given: dict[SpanKind, int] = {}
    before = thought = 0
    for kind, n_here in counts:
        thought += n_here
        so_far = round(n * thought / total) if n else thought
        given[kind] = given.get(kind, 0) + so_far - before
        before = so_far
    return given
