"""One model that is served: what it can do and takes in, its senses, and its engine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from typing import TypeVar

import numpy as np
from scenewright.v1 import audio_pb2, features_pb2, generation_pb2, graph_pb2, image_pb2, model_pb2

from scenewright_server.engine.compute import AsyncEngine, ComputeThread
from scenewright_server.engine.remote import RemoteEngine
from scenewright_server.families.endpoint import Endpoint
from scenewright_server.families.family import Family, Heard, ModelError
from scenewright_server.perception.perception import Perception, PerceptionThreads
from scenewright_server.scene.entries import Detections
from scenewright_server.scene.world import World
from scenewright_server.service.reading.features import FrameFeatures, SoundFeatures
from scenewright_server.service.reading.graphs import check_revision, read_graph
from scenewright_server.service.reading.images import Frame, read_image
from scenewright_server.service.reading.sight import Sight
from scenewright_server.service.reading.sounds import read_audio
from scenewright_server.service.settings import Settings
from scenewright_server.service.status import REASONS, Refused
from scenewright_server.service.validate import refuse

T = TypeVar("T")

_CAPABILITIES = {
    "describe": model_pb2.CAPABILITY_DESCRIBE,
    "ask": model_pb2.CAPABILITY_ANSWER,
    "voice": model_pb2.CAPABILITY_AUDIO_INPUT,
    "scene_graph": model_pb2.CAPABILITY_SCENE_INPUT,
    "transcribe": model_pb2.CAPABILITY_TRANSCRIBE,
    "embed_image": model_pb2.CAPABILITY_EMBED_IMAGE,
    "embed_text": model_pb2.CAPABILITY_EMBED_TEXT,
    "instructions": model_pb2.CAPABILITY_INSTRUCTIONS,
    "generate": model_pb2.CAPABILITY_GENERATE,
}
_FUSIONS = {"soft": model_pb2.FUSION_KIND_SOFT, "text": model_pb2.FUSION_KIND_TEXT}


class Stopwatch:
    """Milliseconds since a call's arrival, and how many of them went into reading bytes, looking and listening."""

    def __init__(self) -> None:
        self._arrived = time.perf_counter()
        self.decode_ms = self.encode_image_ms = self.encode_audio_ms = 0.0

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

    @contextmanager
    def encoding(self, sense: str) -> Iterator[None]:
        """Count what happens within as encoding, of "image" or "audio"."""
        begun = self.ms
        try:
            yield
        finally:
            name = f"encode_{sense}_ms"
            setattr(self, name, getattr(self, name) + self.ms - begun)


class ServedModel:
    """A family with its perception and its engine. `limits` are the server's, or the model's where it takes less."""

    def __init__(self, family: Family, settings: Settings, compute: ComputeThread, threads: PerceptionThreads) -> None:
        spec, limits = family.spec, settings.limits
        self.family = family
        self.limits = limits.model_copy(
            update={
                "max_audio_s": min(limits.max_audio_s, spec.max_audio_s),
                "max_scene_objects": min(limits.max_scene_objects, spec.max_objects),
            }
        )
        self.perception = Perception(family, threads, capacity=limits.max_requests)
        self.engine: AsyncEngine | RemoteEngine
        decoder = family.decoder
        if isinstance(decoder, Endpoint):
            self.n_ctx, self.device = decoder.n_ctx, "endpoint"
            self.engine = RemoteEngine(decoder, n_waiting=max(limits.max_requests - decoder.n_at_once, 0))
        else:
            self.n_ctx, self.device = decoder.shape.n_ctx, str(decoder.shape.device)
            n_slots = min(settings.slots, limits.max_requests)
            n_waiting = limits.max_requests - n_slots
            self.engine = AsyncEngine(
                decoder, compute, n_slots=n_slots, n_waiting=n_waiting, kv_bytes=settings.kv_bytes
            )
        self.frame_features = self.sound_features = None
        if family.codec is not None:
            self.frame_features = FrameFeatures(family.codec, spec.sha256, limits.max_image_aspect)
        if family.audio_codec is not None:
            self.sound_features = SoundFeatures(family.audio_codec, spec.sha256)
        self.capabilities = {_CAPABILITIES[name] for name in spec.capabilities if name in _CAPABILITIES}
        if "ask" in spec.capabilities:
            self.capabilities.add(model_pb2.CAPABILITY_CONVERSE)
        if "image" in spec.fusion:
            self.capabilities |= {model_pb2.CAPABILITY_IMAGE_INPUT, model_pb2.CAPABILITY_GROUND}

    @property
    def variants(self) -> list[ServedModel]:
        """The same model with an adapter on, each under a name of its own; senses, engine and bounds are shared."""
        made = []
        for family in self.family.variants:
            twin = copy(self)
            twin.family, twin.perception = family, self.perception.of(family)
            made.append(twin)
        return made

    @property
    def is_remote(self) -> bool:
        """Its decoder lives elsewhere."""
        return isinstance(self.engine, RemoteEngine)

    async def close(self) -> None:
        """Let go of what the engine holds beside the threads that all share."""
        if isinstance(self.engine, RemoteEngine):
            await self.engine.close()

    @property
    def name(self) -> str:
        """The bundle's; of a variant, with the adapter's behind a colon."""
        return self.family.spec.name

    def need(self, *capabilities: model_pb2.Capability.ValueType) -> None:
        """Raises `Refused` (CAPABILITY_MISSING), the capability named, unless the model has all of these."""
        for capability in capabilities:
            if capability not in self.capabilities:
                name = model_pb2.Capability.Name(capability)
                raise Refused("CAPABILITY_MISSING", f"model {self.name!r} lacks {name}", capability=name)

    async def look(
        self,
        image: image_pb2.ImageInput | None,
        scene: graph_pb2.SceneGraph | None,
        watch: Stopwatch,
        handedness: int = 0,
        known: Sight | None = None,
    ) -> Sight:
        """Read a request's frame and graph, over those `known` already; one of them must be there then. `handedness`
        is that of what names none.

        Raises `Refused` as `glance` does, and NOTHING_TO_SEE.
        """
        sight = await self.glance(image, scene, watch, handedness, known)
        sight.need()
        return sight

    async def glance(
        self,
        image: image_pb2.ImageInput | None,
        scene: graph_pb2.SceneGraph | None,
        watch: Stopwatch,
        handedness: int = 0,
        known: Sight | None = None,
    ) -> Sight:
        """The same, but there may be nothing to see.

        Raises `Refused` as `read_image` and `read_graph` do, SCENE_OUTDATED and CAPABILITY_MISSING.
        """
        known = known or Sight()
        sight = Sight()
        if scene is not None:
            sight = Sight(world=self.read_graph(scene, handedness=handedness))
            check_revision("scene.revision", sight.revision, known.revision)
        if image is not None:
            sight = (await self.look_at_image(image, watch, handedness))[0].over(sight)
        return sight.over(known)

    def read_graph(self, scene: graph_pb2.SceneGraph, field: str = "scene", *, handedness: int = 0) -> World:
        """A scene graph that the model can take. Raises `Refused` as reading.graphs does, and CAPABILITY_MISSING."""
        self.need(model_pb2.CAPABILITY_SCENE_INPUT)
        world = read_graph(scene, self.limits, field, default=handedness)
        self.check_labels(scene.objects, f"{field}.objects")
        return world

    def check_labels(self, objects: Sequence[graph_pb2.SceneObject], field: str) -> None:
        """Refuse a label that the model cannot take whole."""
        for i, item in enumerate(objects):
            fault = self.family.fault(item.label)
            if fault is not None:
                refuse(f"{field}[{i}].label", *fault)

    async def read_recording(self, audio: audio_pb2.AudioInput, watch: Stopwatch) -> np.ndarray | Heard:
        """Samples (n,) float32 at 16 kHz, or what the encoder made of them. Raises `Refused` as `read_audio` does."""
        if audio.WhichOneof("source") != "features":
            return await watch.decode(read_audio, audio, self.limits)
        if self.sound_features is None:
            raise Refused(
                "CAPABILITY_MISSING",
                f"audio.features: model {self.name!r} takes recordings only, GetModel lists no audio encoder",
                field="audio.features",
            )
        return self.sound_features.unpack(audio.features, "audio.features")

    async def hear(self, recording: np.ndarray | Heard, watch: Stopwatch) -> Heard:
        """What is said in a recording. Raises `Refused`: OVERLOADED."""
        if isinstance(recording, Heard):
            return recording
        with watch.encoding("audio"), refusals():
            return await self.perception.hear(recording)

    async def look_at_image(
        self, image: image_pb2.ImageInput, watch: Stopwatch, handedness: int = 0
    ) -> tuple[Sight, np.ndarray | None]:
        """A frame alone, and its embedding (E,) where features brought it."""
        self.need(model_pb2.CAPABILITY_IMAGE_INPUT)
        frame = await watch.decode(self._read_frame, image, handedness)
        if frame.features is None:
            return Sight(frame), None
        detections, embedding, aspect = self._unpack(frame.features)
        return Sight(replace(frame, features=None, aspect=aspect), detections), embedding

    async def see(self, sight: Sight, watch: Stopwatch) -> Sight:
        """The sight with what its frame shows, in place of its pixels. Raises `Refused`: OVERLOADED."""
        if sight.frame is None or sight.frame.rgb is None:
            return sight
        with watch.encoding("image"), refusals():
            return sight.seen(await self.perception.see(sight.frame.rgb))

    def _read_frame(self, image: image_pb2.ImageInput, handedness: int) -> Frame:
        """A frame fitted at once: nobody need carry 12 megapixels further."""
        frame = read_image(image, self.limits, default=handedness)
        return frame if frame.rgb is None else replace(frame, rgb=self.family.fit(frame.rgb))

    def _unpack(self, features: features_pb2.Features) -> tuple[Detections, np.ndarray, float]:
        if self.frame_features is None:
            raise Refused(
                "CAPABILITY_MISSING",
                f"image.features: model {self.name!r} takes frames only, GetModel lists no image encoder",
                field="image.features",
            )
        return self.frame_features.unpack(features, "image.features")

    def describe(self) -> model_pb2.Model:
        """The Model message."""
        spec, embedder = self.family.spec, self.family.embedder
        shared = {field.name for field in model_pb2.Limits.DESCRIPTOR.fields} & set(type(self.limits).model_fields)
        embeds = model_pb2.CAPABILITY_EMBED_IMAGE in self.capabilities
        return model_pb2.Model(
            name=spec.name,
            version=spec.version,
            sha256=spec.sha256,
            architecture=spec.architecture,
            n_parameters=spec.n_parameters,
            capabilities=sorted(self.capabilities),
            languages=spec.languages,
            speech_languages=spec.speech_languages,
            image_fusion=_FUSIONS.get(spec.fusion.get("image", ""), model_pb2.FUSION_KIND_UNSPECIFIED),
            audio_fusion=_FUSIONS.get(spec.fusion.get("audio", ""), model_pb2.FUSION_KIND_UNSPECIFIED),
            scene_fusion=_FUSIONS.get(spec.fusion.get("scene_graph", ""), model_pb2.FUSION_KIND_UNSPECIFIED),
            embedding_dimension=embedder.dimension if embeds and embedder is not None else 0,
            encoders=[one.encoder for one in (self.frame_features, self.sound_features) if one is not None],
            limits=model_pb2.Limits(
                max_context_tokens=self.n_ctx, **{name: getattr(self.limits, name) for name in shared}
            ),
            knows=spec.knows,
            does_not_know=spec.knows_not,
            license=spec.license,
            device=self.device,
        )


@contextmanager
def refusals() -> Iterator[None]:
    """A model's refusals as the contract's."""
    try:
        yield
    except ModelError as error:
        reason = error.reason if error.reason in REASONS else "FIELD_INVALID"
        raise Refused(reason, error.message, retry_after_s=error.retry_after_s, **error.metadata) from error


def timings(watch: Stopwatch) -> generation_pb2.Timings:
    """Of a call without a decoder."""
    return generation_pb2.Timings(
        decode_ms=watch.decode_ms,
        encode_image_ms=watch.encode_image_ms,
        encode_audio_ms=watch.encode_audio_ms,
        total_ms=watch.ms,
    )
