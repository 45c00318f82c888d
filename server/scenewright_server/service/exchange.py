"""One exchange: what is asked about a sight, and the response, event by event, in the contract's words."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from typing import Literal

import numpy as np
from scenewright.v1 import annotation_pb2, dialogue_pb2, generation_pb2

from scenewright_server.engine.compute import Run
from scenewright_server.engine.remote import RemoteRun
from scenewright_server.engine.request import Done, Sampling, Started, Timings, Usage
from scenewright_server.engine.session import Session
from scenewright_server.families.family import FinishReason, Heard, Memory, Mention, Script, TextDelta, Turn
from scenewright_server.scene.pointing import Ray
from scenewright_server.service.annotations import annotate
from scenewright_server.service.metrics import Metrics
from scenewright_server.service.reading.sight import Sight
from scenewright_server.service.served import ServedModel, Stopwatch, refusals
from scenewright_server.service.status import Refused

Answer = dialogue_pb2.Question | generation_pb2.ResponseEvent

MAX_SPANS = 64

_FINISH_REASONS = {
    FinishReason.STOP: generation_pb2.FINISH_REASON_COMPLETED,
    FinishReason.NO_SPEECH: generation_pb2.FINISH_REASON_NO_SPEECH,
    FinishReason.TOKEN_LIMIT: generation_pb2.FINISH_REASON_TOKEN_LIMIT,
    FinishReason.CANCELLED: generation_pb2.FINISH_REASON_CANCELLED,
}


class Exchange:
    """A handle on one response to make: its events, its end, what it has cost, and what it leaves to remember.

    `question` is typed or, as (n,) float32 at 16 kHz or as features, spoken; None asks for a description. `sight`,
    `session`, `before` (what is remembered) and `on_started` may be set until `events` is asked for. `on_started` is
    called when the turn begins; by then `sight` says what its frame shows.
    """

    def __init__(
        self,
        model: ServedModel,
        metrics: Metrics,
        sight: Sight,
        sampling: Sampling,
        watch: Stopwatch,
        question: str | np.ndarray | Heard | None = None,
        *,
        language: str = "",
        instructions: str = "",
        pointer: Ray | None = None,
    ) -> None:
        self.sight = sight
        self.question = question
        self.session = Session()
        self.before: Memory | None = None
        self.on_started: Callable[[], None] = lambda: None
        self.has_started = False
        self.is_complete = False  # ended by itself or its limit
        self._model = model
        self._metrics = metrics
        self._sampling = sampling
        self._watch = watch
        self._language = language
        self._instructions = instructions
        self._pointer = pointer  # in the world
        self._n_chars = 0  # of the text so far
        self._spans: dict[int, list[annotation_pb2.TextSpan]] = {}  # of each entry's words
        self._cancelled = False
        self._script: Script | None = None
        self._run: Run | RemoteRun | None = None
        self._transcript_ms = self._submitted_ms = self._first_text_ms = 0.0

    def cancel(self) -> None:
        """End the response within one step of the engine; its events end with ResponseDone all the same."""
        self._cancelled = True
        if self._run is not None:
            self._run.cancel()

    async def events(self) -> AsyncGenerator[Answer, None]:
        """The response's events, `ResponseDone` the last. A spoken question comes as `Question`.

        Closing the iterator cancels the response. Raises `Refused`.
        """
        model, asked = self._model, self.question
        question: str | Heard | None = None
        if asked is not None and not isinstance(asked, str):
            question = await model.hear(asked, self._watch)
            self._transcript_ms = self._watch.ms
            yield dialogue_pb2.Question(text=question.text, spoken=True, confidence=question.confidence)
        else:
            question = asked
        is_silent = isinstance(question, Heard) and not question.text
        if not is_silent:
            self.sight = await model.see(self.sight, self._watch)
        if self._cancelled:
            yield generation_pb2.ResponseEvent(done=self.so_far())
            return
        with refusals():
            self._script = await model.perception.open(self._turn(question), self.before)
            self._submitted_ms = self._watch.ms
            self._run = model.engine.run(self._script, self._sampling, self.session)
            if self._cancelled:
                self._run.cancel()
            async with aclosing(self._run.events()) as events:
                async for event in events:
                    if isinstance(event, Started) and not is_silent:
                        self.has_started = True
                        self.on_started()
                    elif isinstance(event, TextDelta):
                        self._first_text_ms = self._first_text_ms or self._watch.ms
                        self._n_chars += len(event.text)
                        yield generation_pb2.ResponseEvent(text_delta=generation_pb2.TextDelta(text=event.text))
                    elif isinstance(event, Mention):
                        yield generation_pb2.ResponseEvent(annotation=self._annotate(event))
                    elif isinstance(event, Done):
                        yield generation_pb2.ResponseEvent(done=self._conclude(event))

    async def warm(self) -> None:
        """Run what the response will begin with, while its question is still being spoken. What fails here fails again
        where the response tells of it."""
        model = self._model
        with suppress(Refused), refusals():
            self.sight = await model.see(self.sight, self._watch)
            script = await model.perception.warm(self._turn(None), self.before)
            if script is not None:
                self._run = model.engine.run(script, Sampling(), self.session)
                async with aclosing(self._run.events()) as events:
                    async for _ in events:
                        pass

    def _turn(self, question: str | Heard | None) -> Turn:
        task: Literal["describe", "ask"] = "describe" if question is None else "ask"
        sight = self.sight
        return Turn(
            task,
            sight.detections,
            sight.graph,
            question,
            self._language,
            self._sampling.max_new_tokens,
            lens=sight.lens,
            ray=None if self._pointer is None else sight.ray(self._pointer),
            instructions=self._instructions,
        )

    def memory(self, n_chars: int | None = None) -> Memory | None:
        """What the next exchange of the session will remember if the user took in `n_chars` characters of the
        response's text, None for all of a complete one. Only once `events` has ended."""
        if self._script is None or not self.has_started or (n_chars is None and not self.is_complete):
            return self.before
        return self._script.memory(n_chars)

    def so_far(self) -> generation_pb2.ResponseDone:
        """What the response has cost until now, whether the engine has ended it or not."""
        usage, timings = (Usage(), Timings()) if self._run is None else (self._run.usage, self._run.timings)
        return self._response_done(FinishReason.CANCELLED, usage, timings)

    def _annotate(self, mention: Mention) -> annotation_pb2.Annotation:
        """The annotation of a mention, with all the words so far that mean the thing."""
        spans = self._spans.setdefault(mention.ref, [])
        if mention.n_chars and len(spans) < MAX_SPANS:
            start = self._n_chars - mention.n_chars
            spans.append(annotation_pb2.TextSpan(start=start, length=mention.n_chars))
        return annotate(mention, self.sight.frame_id, spans)

    def _conclude(self, done: Done) -> generation_pb2.ResponseDone:
        self.is_complete = done.reason in (FinishReason.STOP, FinishReason.TOKEN_LIMIT)
        response_done = self._response_done(done.reason, done.usage, done.timings)
        response_done.confidence = done.confidence
        self._metrics.tokens.inc(done.usage.generated)
        if response_done.timings.first_token_ms:
            self._metrics.first_token_seconds.observe(response_done.timings.first_token_ms / 1e3)
        return response_done

    def _response_done(self, reason: FinishReason, usage: Usage, timings: Timings) -> generation_pb2.ResponseDone:
        given, watch = usage.given, self._watch
        total_ms = watch.ms
        first_ms = self._submitted_ms + timings.first_token if timings.first_token else 0.0
        return generation_pb2.ResponseDone(
            finish_reason=_FINISH_REASONS[reason],
            usage=generation_pb2.Usage(
                text_tokens=given.get("text", 0),
                image_tokens=given.get("image", 0),
                audio_tokens=given.get("audio", 0),
                scene_tokens=given.get("scene", 0),
                cached_tokens=usage.cached,
                output_tokens=usage.generated,
            ),
            timings=generation_pb2.Timings(
                queue_ms=timings.queue,
                decode_ms=watch.decode_ms,
                encode_image_ms=watch.encode_image_ms,
                encode_audio_ms=watch.encode_audio_ms,
                prefill_ms=timings.prefill,
                first_token_ms=first_ms,
                generate_ms=max(total_ms - first_ms, 0) if first_ms else 0,
                total_ms=total_ms,
                transcript_ms=self._transcript_ms,
                first_text_ms=self._first_text_ms,
            ),
        )
