"""The language service: a model goes on from a text."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, cast

import grpc
from scenewright.v1 import generation_pb2, language_pb2, language_pb2_grpc, model_pb2

from scenewright_server.engine.beams import Beam
from scenewright_server.engine.compute import Run
from scenewright_server.engine.prompt import Prompt
from scenewright_server.engine.remote import RemoteRun
from scenewright_server.engine.request import Done, Sampling
from scenewright_server.families.family import FinishReason, TextDelta
from scenewright_server.families.writing import LocalWriting, Token, Writer, Writing
from scenewright_server.service.metrics import Metrics
from scenewright_server.service.models import Models
from scenewright_server.service.reading.generation import Wanted, read_generate, read_stream_generate
from scenewright_server.service.served import ServedModel, Stopwatch, refusals
from scenewright_server.service.validate import refuse

Context = grpc.aio.ServicerContext
AnyRun: TypeAlias = Run | RemoteRun

N_AT_ONCE = 4
"""Sequences of one request that are made at a time, so that it does not take every slot of the engine."""

_FINISH_REASONS = {
    FinishReason.STOP: generation_pb2.FINISH_REASON_COMPLETED,
    FinishReason.TOKEN_LIMIT: generation_pb2.FINISH_REASON_TOKEN_LIMIT,
    FinishReason.CANCELLED: generation_pb2.FINISH_REASON_CANCELLED,
}


@dataclass(frozen=True)
class Written:
    """A continuation that has ended."""

    text: str
    reason: FinishReason
    n_tokens: int
    tokens: Sequence[Token]
    score: float | None = None

    @property
    def log_probability(self) -> float:
        return sum(token.log_probability for token in self.tokens)


class LanguageServicer(language_pb2_grpc.LanguageServiceServicer):
    """Goes on from texts."""

    def __init__(self, models: Models, metrics: Metrics) -> None:
        self._models = models
        self._metrics = metrics

    async def Generate(
        self, request: language_pb2.GenerateRequest, context: Context
    ) -> language_pb2.GenerateResponse:  # fmt: skip
        model, watch = self._models.get(request.model), Stopwatch()
        model.need(model_pb2.CAPABILITY_GENERATE)
        wanted = read_generate(request, model.limits)
        prompt = await _read(model, wanted)
        with refusals():
            n_runs = _n_runs(wanted)
            shared = Prompt(n_runs) if n_runs > 1 else None
            opened = [await self._open(model, prompt, wanted, k, shared) for k in range(n_runs)]
            submitted_ms = watch.ms
            gate = asyncio.Semaphore(N_AT_ONCE)
            tasks = [asyncio.create_task(_collect(run, script, wanted, gate)) for script, run in opened]
            try:
                found = [one for several in await asyncio.gather(*tasks) for one in several]
            finally:
                for task in tasks:
                    task.cancel()  # it says nothing to one that has ended
        if wanted.sampling.n_beams == 1:
            found.sort(key=lambda one: -one.log_probability)
        n_tokens = sum(one.n_tokens for one in found)
        runs = [run for _, run in opened]
        return language_pb2.GenerateResponse(
            sequences=[_tell(one, wanted.include_tokens) for one in found],
            usage=_usage(runs, n_tokens),
            timings=self._timings(runs[0], watch, submitted_ms, n_tokens),
        )

    async def StreamGenerate(
        self, request: language_pb2.StreamGenerateRequest, context: Context
    ) -> AsyncGenerator[language_pb2.StreamGenerateResponse, None]:
        model, watch = self._models.get(request.model), Stopwatch()
        model.need(model_pb2.CAPABILITY_GENERATE)
        wanted = read_stream_generate(request, model.limits)
        prompt = await _read(model, wanted)
        with refusals():
            _, run = await self._open(model, prompt, wanted)
            submitted_ms = watch.ms
            async with aclosing(run.events()) as events:
                async for event in events:
                    if isinstance(event, TextDelta):
                        delta = generation_pb2.TextDelta(text=event.text)
                        yield _stream(generation_pb2.ResponseEvent(text_delta=delta))
                    elif isinstance(event, Done):
                        n_tokens = event.usage.generated
                        done = generation_pb2.ResponseDone(
                            finish_reason=_FINISH_REASONS[event.reason],
                            usage=_usage([run], n_tokens),
                            timings=self._timings(run, watch, submitted_ms, n_tokens),
                            confidence=event.confidence,
                        )
                        yield _stream(generation_pb2.ResponseEvent(done=done))

    async def _open(
        self, model: ServedModel, prompt: Any, wanted: Wanted, k: int = 0, shared: Prompt | None = None
    ) -> tuple[Writing, AnyRun]:
        """The k-th sequence's script and its run, with a seed of its own."""
        sampling = wanted.sampling
        script = await asyncio.to_thread(_writer(model).open, prompt, sampling.max_new_tokens, wanted.json_schema)
        own = replace(sampling, seed=((sampling.seed or 0) + k) % 2**64)
        return script, model.engine.run(script, own, prompt=shared)

    def _timings(self, run: AnyRun, watch: Stopwatch, submitted_ms: float, n_tokens: int) -> generation_pb2.Timings:
        timings = run.timings
        first_ms = submitted_ms + timings.queue + timings.prefill
        self._metrics.tokens.inc(n_tokens)
        self._metrics.first_token_seconds.observe(first_ms / 1e3)
        return generation_pb2.Timings(
            queue_ms=timings.queue,
            prefill_ms=timings.prefill,
            first_token_ms=first_ms,
            generate_ms=max(watch.ms - first_ms, 0),
            total_ms=watch.ms,
        )


async def _read(model: ServedModel, wanted: Wanted) -> Any:
    """The prompt as the model's writer reads it."""
    writer = _writer(model)
    if wanted.include_tokens and not writer.tells_tokens:
        refuse("include_tokens", True, "False: this model's endpoint tells no tokens")
    prompt = await asyncio.to_thread(writer.read, wanted.prompt)
    if not prompt:
        refuse("prompt", "0 tokens", "1 at least")
    return prompt


def _usage(runs: Sequence[AnyRun], n_tokens: int) -> generation_pb2.Usage:
    """What all sequences of a prompt cost together; it counts once."""
    usage = runs[0].usage
    n_cached = min(run.usage.cached for run in runs)
    return generation_pb2.Usage(
        text_tokens=sum(usage.given.values()), cached_tokens=n_cached, output_tokens=n_tokens
    )  # fmt: skip


def _writer(model: ServedModel) -> Writer[Any]:
    assert model.family.writer is not None  # or its spec would not name the capability
    return model.family.writer


def _n_runs(wanted: Wanted) -> int:
    return wanted.n_sequences if wanted.sampling.n_beams == 1 else 1


async def _collect(run: AnyRun, script: Writing, wanted: Wanted, gate: asyncio.Semaphore) -> list[Written]:
    """What a run gives: one sequence, or a search's best."""
    words: list[str] = []
    async with gate, aclosing(run.events()) as events:
        async for event in events:
            if isinstance(event, TextDelta):
                words.append(event.text)
            elif isinstance(event, Done):
                done = event
    sampling = wanted.sampling
    if sampling.n_beams == 1:
        return [Written("".join(words), done.reason, done.usage.generated, script.tokens)]
    assert isinstance(run, Run)  # an endpoint has no beams
    best = run.found[: wanted.n_sequences]
    return await asyncio.to_thread(lambda: [_of_beam(beam, cast(LocalWriting, script), sampling) for beam in best])


def _of_beam(beam: Beam, script: LocalWriting, sampling: Sampling) -> Written:
    tokens = [script.token(id, log) for id, log in zip(beam.ids, beam.log_probabilities, strict=True)]
    return Written(_cut(script.text(beam.ids), sampling), beam.reason, len(tokens), tokens, beam.score)


def _cut(text: str, sampling: Sampling) -> str:
    """The text before the first stop string."""
    return text[: min((at for at in map(text.find, sampling.stop) if at >= 0), default=len(text))]


def _tell(one: Written, include_tokens: bool) -> language_pb2.GeneratedSequence:
    return language_pb2.GeneratedSequence(
        text=one.text,
        finish_reason=_FINISH_REASONS[one.reason],
        log_probability=one.log_probability,
        output_tokens=one.n_tokens,
        score=one.score,
        tokens=[
            language_pb2.GeneratedToken(id=token.id, token=token.name, log_probability=token.log_probability)
            for token in (one.tokens if include_tokens else ())
        ],
    )


def _stream(event: generation_pb2.ResponseEvent) -> language_pb2.StreamGenerateResponse:
    return language_pb2.StreamGenerateResponse(response_event=event)
