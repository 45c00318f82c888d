"""What the servicers share: requests looked at and sent to the engine, events translated back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field, replace
from typing import Literal, TypeVar

import numpy as np
from scenewright.v1 import (
    annotation_pb2,
    dialogue_pb2,
    generation_pb2,
    graph_pb2,
    image_pb2,
    model_pb2,
)

from scenewright_server.engine.async_engine import AsyncEngine
from scenewright_server.engine.engine import Engine
from scenewright_server.engine.request import (
    Done,
    EngineError,
    FinishReason,
    Mentioned,
    Request,
    Sampling,
    Started,
    Transcript,
)
from scenewright_server.engine.sequence import Sequence
from scenewright_server.engine.session import Session
from scenewright_server.families.diorama.markup import TextDelta
from scenewright_server.families.diorama.vision import squash
from scenewright_server.service.annotations import Annotator
from scenewright_server.service.facts import Facts
from scenewright_server.service.metrics import Metrics
from scenewright_server.service.reading.graphs import check_revision, read_graph
from scenewright_server.service.reading.images import Frame, read_image
from scenewright_server.service.reading.sight import Sight
from scenewright_server.service.status import REASONS, Refused

T = TypeVar("T")
Answer = dialogue_pb2.Question | str | annotation_pb2.Annotation | generation_pb2.ResponseDone

_FINISH_REASONS = {
    FinishReason.STOP: generation_pb2.FINISH_REASON_COMPLETED,
    FinishReason.NO_SPEECH: generation_pb2.FINISH_REASON_COMPLETED,
    FinishReason.TOKEN_LIMIT: generation_pb2.FINISH_REASON_TOKEN_LIMIT,
    FinishReason.CANCELLED: generation_pb2.FINISH_REASON_CANCELLED,
}


class Stopwatch:
    """Milliseconds since a call's arrival, and how many of them went into reading its bytes."""

    def __init__(self) -> None:
        self._arrived = time.perf_counter()
        self.decode_ms = 0.0

    @property
    def ms(self) -> float:
        return 1e3 * (time.perf_counter() - self._arrived)

    async def decode(self, read: Callable[..., T], *args: object) -> T:
        """Run `read` off the event loop and count its time as decoding."""
        begun = self.ms
        try:
            return await asyncio.to_thread(read, *args)
        finally:
            self.decode_ms += self.ms - begun


@dataclass
class Turn:
    """One response to make. `keep` is told the sight once the engine has looked at it.

    `respond` fills in the rest: `run` is the engine's part, the times count from `watch`'s start.
    """

    task: Literal["describe", "ask"]
    sight: Sight
    sampling: Sampling
    watch: Stopwatch
    question: str | None = None
    audio: np.ndarray | None = None
    session: Session = field(default_factory=Session)
    language: str = "en"  # of a description; an answer is in its question's
    keep: Callable[[Sight], None] = lambda sight: None
    run: Sequence | None = None
    transcript_ms: float = 0.0
    first_text_ms: float = 0.0
    submitted_ms: float = 0.0

    def cancel(self) -> None:
        """End the response within one step of the engine; its events end with ResponseDone all the same."""
        if self.run is not None:
            self.run.cancelled = True


class Backend:
    """The model, its engine and its bounds."""

    def __init__(self, facts: Facts, engine: AsyncEngine, metrics: Metrics) -> None:
        self.facts = facts
        self.limits = facts.limits
        self._engine = engine
        self.metrics = metrics

    async def look(
        self,
        image: image_pb2.ImageInput | None,
        scene: graph_pb2.SceneGraph | None,
        watch: Stopwatch,
        known: Sight | None = None,
    ) -> Sight:
        """Read a request's frame and graph, over those `known` already; one of them must be there then.

        Raises `Refused` as `glance` does, and NOTHING_TO_SEE.
        """
        sight = await self.glance(image, scene, watch, known)
        sight.need()
        return sight

    async def glance(
        self,
        image: image_pb2.ImageInput | None,
        scene: graph_pb2.SceneGraph | None,
        watch: Stopwatch,
        known: Sight | None = None,
    ) -> Sight:
        """The same, but there may be nothing to see.

        Raises `Refused` as `read_image` and `read_graph` do, SCENE_OUTDATED and CAPABILITY_MISSING.
        """
        known = known or Sight()
        sight = Sight()
        if scene is not None:
            self.facts.need(model_pb2.CAPABILITY_SCENE_INPUT)
            sight = Sight(world=read_graph(scene, self.limits))
            check_revision("scene.revision", sight.revision, known.revision)
        if image is not None:
            sight = (await self.look_at_image(image, watch))[0].over(sight)
        return sight.over(known)

    async def look_at_image(self, image: image_pb2.ImageInput, watch: Stopwatch) -> tuple[Sight, np.ndarray | None]:
        """A frame alone, and its embedding (E,) where features brought it."""
        self.facts.need(model_pb2.CAPABILITY_IMAGE_INPUT)
        frame = await watch.decode(self._read_frame, image)
        if frame.features is None:
            return Sight(frame), None
        detections, embedding, aspect = self.facts.codec.unpack(frame.features, "image.features")
        return Sight(replace(frame, aspect=aspect), detections), embedding

    def _read_frame(self, image: image_pb2.ImageInput) -> Frame:
        """A frame made small at once: the queue and the engine's thread need not carry 12 megapixels."""
        frame = read_image(image, self.limits)
        size = self.facts.bundle.model.config.vision.image_size
        return frame if frame.rgb is None else replace(frame, rgb=squash(frame.rgb, size))

    async def respond(self, turn: Turn) -> AsyncGenerator[Answer, None]:
        """The events of one response, `ResponseDone` the last.

        A spoken question comes as `Question`. Closing the iterator cancels the response.
        """
        frame, graph = turn.sight.to_engine()
        request = Request(
            turn.task, frame, graph, turn.question, turn.audio, turn.sampling, turn.session, turn.language
        )
        turn.run = Sequence(request)
        turn.submitted_ms = turn.watch.ms
        annotator = Annotator("", None, {})
        with refusals():
            async with aclosing(self._engine.generate(turn.run)) as events:
                async for event in events:
                    if isinstance(event, Transcript):
                        turn.transcript_ms = turn.watch.ms
                        yield dialogue_pb2.Question(text=event.text, spoken=True, confidence=event.confidence)
                    elif isinstance(event, Started):
                        detections = turn.session.detections
                        turn.keep(turn.sight.remembered(detections))
                        values = self.facts.bundle.model.config.vision.attributes
                        annotator = Annotator(turn.sight.frame_id, detections, values)
                    elif isinstance(event, TextDelta):
                        turn.first_text_ms = turn.first_text_ms or turn.watch.ms
                        yield event.text
                    elif isinstance(event, Mentioned):
                        yield annotator.annotate(event)
                    elif isinstance(event, Done):
                        yield self._conclude(turn, event)

    async def run(self, job: Callable[[Engine], T]) -> T:
        """What `job` returns, run where the model lives."""
        with refusals():
            return await self._engine.run(job)

    @staticmethod
    def so_far(turn: Turn) -> generation_pb2.ResponseDone:
        """What a response has cost until now, whether the engine has ended it or not."""
        run = turn.run
        if run is None:
            return generation_pb2.ResponseDone(timings=generation_pb2.Timings(total_ms=turn.watch.ms))
        return _response_done(turn, Done(FinishReason.CANCELLED, run.usage, run.timings), len(run.ids))

    def _conclude(self, turn: Turn, done: Done) -> generation_pb2.ResponseDone:
        response_done = _response_done(turn, done, done.usage.generated)
        self.metrics.tokens.inc(done.usage.generated)
        if response_done.timings.first_token_ms:
            self.metrics.first_token_seconds.observe(response_done.timings.first_token_ms / 1e3)
        return response_done


def _response_done(turn: Turn, done: Done, n_generated: int) -> generation_pb2.ResponseDone:
    """What a response cost, in the contract's words."""
    usage, timings = done.usage, done.timings
    n_seen = sum(entry.graph is None for entry in turn.session.entries)
    spoken = turn.audio is not None
    total_ms = turn.watch.ms
    first_ms = turn.submitted_ms + timings.first_token if timings.first_token else 0.0
    return generation_pb2.ResponseDone(
        finish_reason=_FINISH_REASONS[done.reason],
        usage=generation_pb2.Usage(
            text_tokens=0 if spoken else usage.prompt,
            image_tokens=min(n_seen, usage.prefix),
            audio_tokens=usage.prompt if spoken else 0,
            scene_tokens=max(usage.prefix - n_seen, 0),
            cached_tokens=usage.cached,
            output_tokens=n_generated,
        ),
        timings=generation_pb2.Timings(
            queue_ms=timings.queue,
            decode_ms=turn.watch.decode_ms,
            encode_image_ms=timings.encode_image,
            encode_audio_ms=timings.encode_audio,
            prefill_ms=timings.prefill,
            first_token_ms=first_ms,
            generate_ms=max(total_ms - first_ms, 0) if first_ms else 0,
            total_ms=total_ms,
            transcript_ms=turn.transcript_ms,
            first_text_ms=turn.first_text_ms,
        ),
    )


@contextmanager
def refusals() -> Iterator[None]:
    """The engine's refusals as the contract's."""
    try:
        yield
    except EngineError as error:
        reason = error.reason if error.reason in REASONS else "FIELD_INVALID"
        raise Refused(reason, error.message, **error.metadata) from error
