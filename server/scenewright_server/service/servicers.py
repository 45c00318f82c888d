"""The contract's services. What they don't define answers UNIMPLEMENTED by itself."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

import grpc
import numpy as np
from google.protobuf import duration_pb2, timestamp_pb2
from google.protobuf.message import Message
from scenewright.v1 import (
    annotation_pb2,
    dialogue_pb2,
    dialogue_pb2_grpc,
    embedding_pb2,
    embedding_pb2_grpc,
    generation_pb2,
    model_pb2,
    model_pb2_grpc,
    scene_pb2,
    scene_pb2_grpc,
    session_pb2,
    session_pb2_grpc,
    speech_pb2,
    speech_pb2_grpc,
)

from scenewright_server.families.family import SAMPLE_RATE_HZ, Embedder
from scenewright_server.service.exchange import Answer, Exchange
from scenewright_server.service.live.live import Live
from scenewright_server.service.metrics import Metrics
from scenewright_server.service.reading.questions import read_question
from scenewright_server.service.reading.sampling import read_sampling
from scenewright_server.service.reading.sight import Sight
from scenewright_server.service.reading.sounds import read_audio
from scenewright_server.service.served import ServedModel, Stopwatch, refusals
from scenewright_server.service.sessions import Dialogue, SessionStore
from scenewright_server.service.status import Refused
from scenewright_server.service.validate import (
    check_count,
    check_language,
    check_range,
    check_text,
    refuse,
    require,
    require_one_of,
)

Context = grpc.aio.ServicerContext
GetModel = Callable[[], ServedModel]

DEFAULT_PAGE, MAX_PAGE = 50, 100


class SceneServicer(scene_pb2_grpc.SceneServiceServicer):
    """Describes frames and scene graphs."""

    def __init__(self, model: GetModel, metrics: Metrics) -> None:
        self._model = model
        self._metrics = metrics

    async def DescribeScene(
        self, request: scene_pb2.DescribeSceneRequest, context: Context
    ) -> scene_pb2.DescribeSceneResponse:
        text: list[str] = []
        annotations: dict[str, annotation_pb2.Annotation] = {}
        async with aclosing(self._describe(request)) as answers:
            async for answer in answers:
                if isinstance(answer, str):
                    text.append(answer)
                elif isinstance(answer, annotation_pb2.Annotation):
                    annotations.setdefault(answer.id, answer)
                elif isinstance(answer, generation_pb2.ResponseDone):
                    done = answer
        return scene_pb2.DescribeSceneResponse(
            text="".join(text),
            annotations=annotations.values(),
            finish_reason=done.finish_reason,
            usage=done.usage,
            timings=done.timings,
        )

    async def StreamDescribeScene(
        self, request: scene_pb2.StreamDescribeSceneRequest, context: Context
    ) -> AsyncGenerator[scene_pb2.StreamDescribeSceneResponse, None]:
        async with aclosing(self._describe(request)) as answers:
            async for answer in answers:
                yield scene_pb2.StreamDescribeSceneResponse(**_event(answer))

    async def _describe(
        self, request: scene_pb2.DescribeSceneRequest | scene_pb2.StreamDescribeSceneRequest
    ) -> AsyncGenerator[Answer, None]:
        model, watch = self._model(), Stopwatch()
        model.need(model_pb2.CAPABILITY_DESCRIBE)
        language = check_language("language", request.language, model.family.spec.languages)
        sampling = read_sampling(request.sampling, model.limits)
        sight = await model.look(_given(request, "image"), _given(request, "scene"), watch)
        exchange = Exchange(model, self._metrics, sight, sampling, watch, language=language)
        async with aclosing(exchange.events()) as answers:
            async for answer in answers:
                yield answer


class DialogueServicer(dialogue_pb2_grpc.DialogueServiceServicer):
    """Answers questions, alone or in a session, and converses."""

    def __init__(self, model: GetModel, metrics: Metrics, sessions: SessionStore, live: Live) -> None:
        self._model = model
        self._metrics = metrics
        self._sessions = sessions
        self._live = live

    async def Ask(
        self, request: dialogue_pb2.AskRequest, context: Context
    ) -> AsyncGenerator[dialogue_pb2.AskResponse, None]:
        if not request.session_id:
            async with aclosing(self._answer(request, None)) as answers:
                async for answer in answers:
                    yield dialogue_pb2.AskResponse(**_event(answer))
            return
        with self._sessions.use(request.session_id) as dialogue:
            async with aclosing(self._answer(request, dialogue)) as answers:
                async for answer in answers:
                    yield dialogue_pb2.AskResponse(session_id=dialogue.id, **_event(answer))

    async def _answer(
        self, request: dialogue_pb2.AskRequest, dialogue: Dialogue | None
    ) -> AsyncGenerator[Answer, None]:
        model, watch = self._model(), Stopwatch()
        model.need(model_pb2.CAPABILITY_ANSWER)
        check_language("language", request.language, model.family.spec.languages)
        sampling = read_sampling(request.sampling, model.limits)
        question = await self._read_question(request, model, watch)
        known = None if dialogue is None else dialogue.sight
        sight = await model.look(_given(request, "image"), _given(request, "scene"), watch, known)
        exchange = Exchange(model, self._metrics, sight, sampling, watch, question)
        if dialogue is not None:
            exchange.session, exchange.before = dialogue.session, dialogue.memory
            exchange.on_started = lambda: setattr(dialogue, "sight", exchange.sight)
        if isinstance(question, str):
            yield dialogue_pb2.Question(text=question)
        async with aclosing(exchange.events()) as answers:
            async for answer in answers:
                if isinstance(answer, generation_pb2.ResponseDone) and dialogue is not None:
                    dialogue.n_turns += 1
                    dialogue.memory = exchange.memory()
                yield answer

    async def _read_question(
        self, request: dialogue_pb2.AskRequest, model: ServedModel, watch: Stopwatch
    ) -> str | np.ndarray:
        """Typed, or spoken as samples. Raises `Refused`."""
        if require_one_of(request, "question", "question") == "audio":
            model.need(model_pb2.CAPABILITY_AUDIO_INPUT)
            return await watch.decode(read_audio, request.audio, model.limits)
        return read_question(request.text, model, "text")

    async def Converse(
        self, request_iterator: AsyncIterator[dialogue_pb2.ConverseRequest], context: Context
    ) -> AsyncGenerator[dialogue_pb2.ConverseResponse, None]:
        async with aclosing(self._live.converse(request_iterator)) as events:
            async for event in events:
                yield event


class SessionServicer(session_pb2_grpc.SessionServiceServicer):
    """Opens, shows and ends sessions."""

    def __init__(self, model: GetModel, sessions: SessionStore) -> None:
        self._model = model
        self._sessions = sessions

    async def CreateSession(
        self, request: session_pb2.CreateSessionRequest, context: Context
    ) -> session_pb2.CreateSessionResponse:
        model = self._model()
        ttl_s = float(model.limits.max_session_ttl_s)
        if request.HasField("ttl"):
            asked_s = request.ttl.seconds + request.ttl.nanos / 1e9
            ttl_s = check_range("ttl", asked_s, 1, ttl_s, " s")
        language = check_language("language", request.language, model.family.spec.languages)
        return session_pb2.CreateSessionResponse(session=self._show(self._sessions.create(ttl_s, language)))

    async def GetSession(
        self, request: session_pb2.GetSessionRequest, context: Context
    ) -> session_pb2.GetSessionResponse:
        return session_pb2.GetSessionResponse(session=self._show(self._sessions.get(request.session_id)))

    async def ListSessions(
        self, request: session_pb2.ListSessionsRequest, context: Context
    ) -> session_pb2.ListSessionsResponse:
        check_range("page_size", request.page_size, 0, MAX_PAGE)
        token = request.page_token or "0"
        if not (token.isascii() and token.isdigit() and len(token) < 20):
            refuse("page_token", repr(token[:64]), "a next_page_token of this call")
        found, following = self._sessions.page(request.page_size or DEFAULT_PAGE, int(token))
        return session_pb2.ListSessionsResponse(
            sessions=[self._show(dialogue) for dialogue in found],
            next_page_token="" if following is None else str(following),
        )

    async def DeleteSession(
        self, request: session_pb2.DeleteSessionRequest, context: Context
    ) -> session_pb2.DeleteSessionResponse:
        self._sessions.delete(request.session_id)
        return session_pb2.DeleteSessionResponse()

    def _show(self, dialogue: Dialogue) -> session_pb2.Session:
        return session_pb2.Session(
            id=dialogue.id,
            create_time=_timestamp(dialogue.created_at),
            expire_time=_timestamp(dialogue.expires_at),
            ttl=duration_pb2.Duration(seconds=int(dialogue.ttl_s), nanos=int(dialogue.ttl_s % 1 * 1e9)),
            language=dialogue.language,
            turns=dialogue.n_turns,
            context_tokens=0 if dialogue.memory is None else dialogue.memory.n_positions,
            max_context_tokens=self._model().family.decoder.shape.n_ctx,
            frame_id=dialogue.sight.frame_id,
            scene_revision=dialogue.sight.revision,
        )


class SpeechServicer(speech_pb2_grpc.SpeechServiceServicer):
    """Writes down recordings."""

    def __init__(self, model: GetModel) -> None:
        self._model = model

    async def Transcribe(
        self, request: speech_pb2.TranscribeRequest, context: Context
    ) -> speech_pb2.TranscribeResponse:
        model, watch = self._model(), Stopwatch()
        model.need(model_pb2.CAPABILITY_TRANSCRIBE)
        check_language("language", request.language, model.family.spec.languages)
        require(request, "audio", "audio")
        audio = await watch.decode(read_audio, request.audio, model.limits)
        with watch.encoding("audio"), refusals():
            heard = await model.perception.hear(audio)
        return speech_pb2.TranscribeResponse(
            text=heard.text,
            confidence=heard.confidence,
            no_speech=not heard.text,
            duration_s=len(audio) / SAMPLE_RATE_HZ,
            timings=_timings(watch),
        )


class EmbeddingServicer(embedding_pb2_grpc.EmbeddingServiceServicer):
    """Images and texts in one space."""

    def __init__(self, model: GetModel) -> None:
        self._model = model

    async def EmbedImage(
        self, request: embedding_pb2.EmbedImageRequest, context: Context
    ) -> embedding_pb2.EmbedImageResponse:
        model, watch = self._model(), Stopwatch()
        model.need(model_pb2.CAPABILITY_EMBED_IMAGE)
        require(request, "image", "image")
        sight, embedding = await model.look_at_image(request.image, watch)
        response = embedding_pb2.EmbedImageResponse()
        if embedding is None:
            embedding = await _embed_image(model, sight, watch)
        if request.include_features:
            if model.features is None:
                raise Refused(
                    "CAPABILITY_MISSING",
                    f"include_features: model {model.family.spec.name!r} has no image encoder to share",
                    field="include_features",
                )
            seen = await model.see(sight, watch)
            assert seen.detections is not None and seen.frame is not None
            response.features.CopyFrom(model.features.pack(seen.detections, embedding, seen.frame.aspect))
        response.embedding.values.extend(embedding.tolist())
        response.timings.CopyFrom(_timings(watch))
        return response

    async def EmbedText(
        self, request: embedding_pb2.EmbedTextRequest, context: Context
    ) -> embedding_pb2.EmbedTextResponse:
        model, watch = self._model(), Stopwatch()
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
        model, watch = self._model(), Stopwatch()
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
            timings=_timings(watch),
        )


class ModelServicer(model_pb2_grpc.ModelServiceServicer):
    """Says what runs here."""

    def __init__(self, model: GetModel) -> None:
        self._model = model

    async def GetModel(self, request: model_pb2.GetModelRequest, context: Context) -> model_pb2.GetModelResponse:
        return model_pb2.GetModelResponse(model=self._model().describe())


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


def _timings(watch: Stopwatch) -> generation_pb2.Timings:
    """Of a call without a decoder."""
    return generation_pb2.Timings(
        decode_ms=watch.decode_ms,
        encode_image_ms=watch.encode_image_ms,
        encode_audio_ms=watch.encode_audio_ms,
        total_ms=watch.ms,
    )


def _given(request: Message, name: str) -> Any:
    """A sub-message, or None when it is unset."""
    return getattr(request, name) if request.HasField(name) else None


def _event(answer: Answer) -> dict[str, Any]:
    """The member of a response's `event` that holds this answer."""
    if isinstance(answer, str):
        return {"text_delta": answer}
    if isinstance(answer, annotation_pb2.Annotation):
        return {"annotation": answer}
    if isinstance(answer, dialogue_pb2.Question):
        return {"question": answer}
    return {"done": answer}


def _timestamp(seconds: float) -> timestamp_pb2.Timestamp:
    timestamp = timestamp_pb2.Timestamp()
    timestamp.FromMicroseconds(int(seconds * 1e6))
    return timestamp
