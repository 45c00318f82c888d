"""The embedding service: images and texts in one space, and what the encoders make of frames and recordings."""

from __future__ import annotations

from typing import Any

import grpc
import numpy as np
from scenewright.v1 import embedding_pb2, embedding_pb2_grpc, generation_pb2, model_pb2

from scenewright_server.families.family import Embedder
from scenewright_server.service.models import Models
from scenewright_server.service.reading.sight import Sight
from scenewright_server.service.reading.sounds import read_audio
from scenewright_server.service.served import ServedModel, Stopwatch, refusals, timings
from scenewright_server.service.status import Refused
from scenewright_server.service.validate import check_count, check_text, refuse, require

Context = grpc.aio.ServicerContext


class EmbeddingServicer(embedding_pb2_grpc.EmbeddingServiceServicer):
    """Images and texts in one space."""

    def __init__(self, models: Models) -> None:
        self._models = models

    async def EmbedImage(
        self, request: embedding_pb2.EmbedImageRequest, context: Context
    ) -> embedding_pb2.EmbedImageResponse:
        model, watch = self._models.get(request.model), Stopwatch()
        model.need(model_pb2.CAPABILITY_EMBED_IMAGE)
        require(request, "image", "image")
        sight, embedding = await model.look_at_image(request.image, watch)
        response = embedding_pb2.EmbedImageResponse()
        if embedding is None:
            embedding = await _embed_image(model, sight, watch)
        if request.include_features:
            if model.frame_features is None:
                raise Refused(
                    "CAPABILITY_MISSING",
                    f"include_features: model {model.name!r} has no image encoder to share",
                    field="include_features",
                )
            seen = await model.see(sight, watch)
            assert seen.detections is not None and seen.frame is not None
            response.features.CopyFrom(model.frame_features.pack(seen.detections, embedding, seen.frame.aspect))
        response.embedding.values.extend(embedding.tolist())
        response.timings.CopyFrom(timings(watch))
        return response

    async def EncodeAudio(
        self, request: embedding_pb2.EncodeAudioRequest, context: Context
    ) -> embedding_pb2.EncodeAudioResponse:
        model, watch = self._models.get(request.model), Stopwatch()
        model.need(model_pb2.CAPABILITY_AUDIO_INPUT)
        require(request, "audio", "audio")
        samples = await watch.decode(read_audio, request.audio, model.limits)
        if model.sound_features is None:
            raise Refused("CAPABILITY_MISSING", f"model {model.name!r} has no audio encoder to share", field="model")
        heard = await model.hear(samples, watch)
        return embedding_pb2.EncodeAudioResponse(features=model.sound_features.pack(heard), timings=timings(watch))

    async def EmbedText(
        self, request: embedding_pb2.EmbedTextRequest, context: Context
    ) -> embedding_pb2.EmbedTextResponse:
        model, watch = self._models.get(request.model), Stopwatch()
        model.need(model_pb2.CAPABILITY_EMBED_TEXT)
        texts = _read_texts(model, "texts", request.texts)
        with refusals():
            embeddings = await model.perception.embed_text(texts)
        return embedding_pb2.EmbedTextResponse(
            embeddings=[embedding_pb2.Embedding(values=row.tolist()) for row in embeddings],
            timings=generation_pb2.Timings(total_ms=watch.ms),
        )

    async def RankLabels(
        self, request: embedding_pb2.RankLabelsRequest, context: Context
    ) -> embedding_pb2.RankLabelsResponse:
        model, watch = self._models.get(request.model), Stopwatch()
        model.need(model_pb2.CAPABILITY_EMBED_IMAGE, model_pb2.CAPABILITY_EMBED_TEXT)
        require(request, "image", "image")
        labels = _read_texts(model, "labels", request.labels)
        sight, image = await model.look_at_image(request.image, watch)
        if image is None:
            image = await _embed_image(model, sight, watch)
        with refusals():
            texts = await model.perception.embed_text(labels)
        similarities = texts @ image
        scale = _embedder(model).scale
        scores = np.exp(scale * (similarities - similarities.max()))
        probabilities = scores / scores.sum()
        return embedding_pb2.RankLabelsResponse(
            labels=[
                embedding_pb2.RankedLabel(
                    label=labels[i], similarity=float(similarities[i]), probability=float(probabilities[i])
                )
                for i in np.argsort(-similarities, kind="stable")
            ],
            timings=timings(watch),
        )


async def _embed_image(model: ServedModel, sight: Sight, watch: Stopwatch) -> np.ndarray:
    assert sight.frame is not None and sight.frame.rgb is not None
    with watch.encoding("image"), refusals():
        return await model.perception.embed_image(sight.frame.rgb)


def _embedder(model: ServedModel) -> Embedder:
    assert model.family.embedder is not None  # or its spec would not name the capability
    return model.family.embedder


def _read_texts(model: ServedModel, field: str, texts: Any) -> list[str]:
    """The texts to embed; one that the text tower would cut is refused."""
    check_count(field, len(texts), 1, model.limits.max_texts)
    embedder = _embedder(model)
    for i, text in enumerate(texts):
        check_text(f"{field}[{i}]", text, model.limits.max_label_chars, required=True, reason="TEXT_TOO_LONG")
        n = embedder.n_tokens(text)
        if n > embedder.max_tokens:
            refuse(f"{field}[{i}]", f"{n} tokens", f"at most {embedder.max_tokens}", "TEXT_TOO_LONG")
    return list(texts)
