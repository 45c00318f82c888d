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
from scenewright_server.engine.session import Session
from scenewright_server.model.markup import TextDelta
from scenewright_server.model.scene import Entry
from scenewright_server.model.vision import squash
from scenewright_server.service.annotations import Annotator
from scenewright_server.service.facts import Facts
from scenewright_server.service.graphs import read_graph
from scenewright_server.service.images import Frame, read_image
from scenewright_server.service.metrics import Metrics
from scenewright_server.service.sight import Sight
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
    """One response to make. `keep` is told the sight once the engine has looked at it."""

    task: Literal["describe", "ask"]
    sight: Sight
    sampling: Sampling
    watch: Stopwatch
    question: str | None = None
    audio: np.ndarray | None = None
    session: Session = field(default_factory=Session)
    keep: Callable[[Sight], None] = lambda sight: None


class Backend:
    """The model, its engine and its bounds."""

    def __init__(self, facts: Facts, engine: AsyncEngine, metrics: Metrics) -> None:
        self.facts = facts
        self.limits = facts.limits
        self._engine = engine
        self._metrics = metrics

    async def look(
        self,
        image: image_pb2.ImageInput | None,
        scene: graph_pb2.SceneGraph | None,
        watch: Stopwatch,
        known: Sight | None = None,
    ) -> Sight:
        """Read a request's frame and graph, over those `known` already.

        Raises `Refused` as `read_image` and `read_graph` do, SCENE_OUTDATED, NOTHING_TO_SEE and
        CAPABILITY_MISSING.
        """
        known = known or Sight()
        sight = Sight()
        if scene is not None:
            self.facts.need(model_pb2.CAPABILITY_SCENE_INPUT)
            sight = Sight(world=read_graph(scene, self.limits))
            if sight.revision < known.revision:
                raise Refused(
                    "SCENE_OUTDATED",
                    f"scene.revision is {sight.revision}, the session holds {known.revision} already",
                    field="scene.revision",
                    value=sight.revision,
                    bound=known.revision,
                )
        if image is not None:
            sight = (await self.look_at_image(image, watch))[0].over(sight)
        sight = sight.over(known)
        if sight.is_empty:
            raise Refused("NOTHING_TO_SEE", "there is neither an image nor a scene with objects, needs one of them")
        return sight

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
        request = Request(turn.task, frame, graph, turn.question, turn.audio, turn.sampling, turn.session)
        offset_ms = turn.watch.ms
        entries: tuple[Entry, ...] = ()
        annotator = Annotator("", None, {})
        with refusals():
            async with aclosing(self._engine.generate(request)) as events:
                async for event in events:
                    if isinstance(event, Transcript):
                        yield dialogue_pb2.Question(text=event.text, spoken=True, confidence=event.confidence)
                    elif isinstance(event, Started):
                        entries = event.entries
                        detections = turn.session.detections
                        turn.keep(turn.sight.remembered(detections))
                        values = self.facts.bundle.model.config.vision.attributes
                        annotator = Annotator(turn.sight.frame_id, detections, values)
                    elif isinstance(event, TextDelta):
                        yield event.text
                    elif isinstance(event, Mentioned):
                        yield annotator.annotate(event)
                    elif isinstance(event, Done):
                        yield self._conclude(turn, event, entries, offset_ms)

    async def run(self, job: Callable[[Engine], T]) -> T:
        """What `job` returns, run where the model lives."""
        with refusals():
            return await self._engine.run(job)

    def _conclude(
        self, turn: Turn, done: Done, entries: tuple[Entry, ...], offset_ms: float
    ) -> generation_pb2.ResponseDone:
        usage, timings = done.usage, done.timings
        first_ms = offset_ms + timings.first_token
        self._metrics.tokens.inc(usage.generated)
        self._metrics.first_token_seconds.observe(first_ms / 1e3)
        n_seen = sum(entry.graph is None for entry in entries)
        spoken = turn.audio is not None
        return generation_pb2.ResponseDone(
            finish_reason=_FINISH_REASONS[done.reason],
            usage=generation_pb2.Usage(
                text_tokens=0 if spoken else usage.prompt,
                image_tokens=n_seen,
                audio_tokens=usage.prompt if spoken else 0,
                scene_tokens=max(usage.prefix - n_seen, 0),
                cached_tokens=usage.cached,
                output_tokens=usage.generated,
            ),
            timings=generation_pb2.Timings(
                queue_ms=timings.queue,
                decode_ms=turn.watch.decode_ms,
                encode_image_ms=timings.encode_image,
                encode_audio_ms=timings.encode_audio,
                prefill_ms=timings.prefill,
                first_token_ms=first_ms,
                generate_ms=max(timings.total - timings.first_token, 0),
                total_ms=turn.watch.ms,
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
