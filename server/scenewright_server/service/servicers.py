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

from scenewright_server.scene.words import normalise
from scenewright_server.service.backend import Answer, Backend, Stopwatch, Turn
from scenewright_server.service.live.live import Live
from scenewright_server.service.reading import waves
from scenewright_server.service.reading.features import FeatureCodec
from scenewright_server.service.reading.sampling import read_sampling
from scenewright_server.service.reading.sight import Sight
from scenewright_server.service.reading.sounds import read_audio
from scenewright_server.service.sessions import Dialogue, SessionStore
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
GetBackend = Callable[[], Backend]

DEFAULT_PAGE, MAX_PAGE = 50, 100


class SceneServicer(scene_pb2_grpc.SceneServiceServicer):
    """Describes frames and scene graphs."""

    def __init__(self, backend: GetBackend) -> None:
        self._backend = backend

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
        backend, watch = self._backend(), Stopwatch()
        backend.facts.need(model_pb2.CAPABILITY_DESCRIBE)
        language = check_language("language", request.language, backend.facts.bundle.info.languages)
        sampling = read_sampling(request.sampling, backend.limits)
        sight = await backend.look(_given(request, "image"), _given(request, "scene"), watch)
        async with aclosing(backend.respond(Turn("describe", sight, sampling, watch, language=language))) as answers:
            async for answer in answers:
                yield answer


class DialogueServicer(dialogue_pb2_grpc.DialogueServiceServicer):
    """Answers questions, alone or in a session, and converses."""

    def __init__(self, backend: GetBackend, sessions: SessionStore, live: Live) -> None:
        self._backend = backend
        self._sessions = sessions
        self._live = live

    async def Ask(
        self, request: dialogue_pb2.AskRequest, context: Context
    ) -> AsyncGenerator[dialogue_pb2.AskResponse, None]:
        watch = Stopwatch()
        if not request.session_id:
            async with aclosing(self._answer(request, watch, None)) as answers:
                async for answer in answers:
                    yield dialogue_pb2.AskResponse(**_event(answer))
            return
        with self._sessions.use(request.session_id) as dialogue:
            async with aclosing(self._answer(request, watch, dialogue)) as answers:
                async for answer in answers:
                    if isinstance(answer, generation_pb2.ResponseDone):
                        dialogue.n_turns += 1
                        dialogue.n_context = dialogue.engine.history_len
                    yield dialogue_pb2.AskResponse(session_id=dialogue.id, **_event(answer))

    async def _answer(
        self, request: dialogue_pb2.AskRequest, watch: Stopwatch, dialogue: Dialogue | None
    ) -> AsyncGenerator[Answer, None]:
        backend = self._backend()
        backend.facts.need(model_pb2.CAPABILITY_ANSWER)
        check_language("language", request.language, backend.facts.bundle.info.languages)
        turn = Turn("ask", Sight(), read_sampling(request.sampling, backend.limits), watch)
        if dialogue is not None:
            turn.session = dialogue.engine
            turn.keep = lambda sight: setattr(dialogue, "sight", sight)
        if require_one_of(request, "question", "question") == "text":
            turn.question = check_text(
                "text", request.text, backend.limits.max_text_chars, required=True, reason="TEXT_TOO_LONG"
            )
            if not normalise(turn.question):
                refuse("text", repr(turn.question[:64]), "a word")
        else:
            backend.facts.need(model_pb2.CAPABILITY_AUDIO_INPUT)
            turn.audio = await watch.decode(read_audio, request.audio, backend.limits)
        known = None if dialogue is None else dialogue.sight
        turn.sight = await backend.look(_given(request, "image"), _given(request, "scene"), watch, known)
        if turn.question is not None:
            yield dialogue_pb2.Question(text=request.text)
        async with aclosing(backend.respond(turn)) as answers:
            async for answer in answers:
                yield answer

    async def Converse(
        self, request_iterator: AsyncIterator[dialogue_pb2.ConverseRequest], context: Context
    ) -> AsyncGenerator[dialogue_pb2.ConverseResponse, None]:
        async with aclosing(self._live.converse(request_iterator)) as events:
            async for event in events:
                yield event


class SessionServicer(session_pb2_grpc.SessionServiceServicer):
    """Opens, shows and ends sessions."""

    def __init__(self, backend: GetBackend, sessions: SessionStore) -> None:
        self._backend = backend
        self._sessions = sessions

    async def CreateSession(
        self, request: session_pb2.CreateSessionRequest, context: Context
    ) -> session_pb2.CreateSessionResponse:
        backend = self._backend()
        ttl_s = float(backend.limits.max_session_ttl_s)
        if request.HasField("ttl"):
            asked_s = request.ttl.seconds + request.ttl.nanos / 1e9
            ttl_s = check_range("ttl", asked_s, 1, ttl_s, " s")
        language = check_language("language", request.language, backend.facts.bundle.info.languages)
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
            context_tokens=dialogue.n_context,
            max_context_tokens=self._backend().facts.bundle.model.config.gpt.n_ctx,
            frame_id=dialogue.sight.frame_id,
            scene_revision=dialogue.sight.revision,
        )


class SpeechServicer(speech_pb2_grpc.SpeechServiceServicer):
    """Writes down recordings."""

    def __init__(self, backend: GetBackend) -> None:
        self._backend = backend

    async def Transcribe(
        self, request: speech_pb2.TranscribeRequest, context: Context
    ) -> speech_pb2.TranscribeResponse:
        backend, watch = self._backend(), Stopwatch()
        backend.facts.need(model_pb2.CAPABILITY_TRANSCRIBE)
        check_language("language", request.language, backend.facts.bundle.info.languages)
        require(request, "audio", "audio")
        audio = await watch.decode(read_audio, request.audio, backend.limits)
        submitted_ms = watch.ms
        transcript = await backend.run(lambda engine: engine.transcribe(audio))
        return speech_pb2.TranscribeResponse(
            text=transcript.text,
            confidence=transcript.confidence,
            no_speech=not transcript.text,
            duration_s=len(audio) / waves.SAMPLE_RATE_HZ,
            timings=generation_pb2.Timings(
                decode_ms=watch.decode_ms, encode_audio_ms=watch.ms - submitted_ms, total_ms=watch.ms
            ),
        )


class EmbeddingServicer(embedding_pb2_grpc.EmbeddingServiceServicer):
    """Images and texts in one space."""

    def __init__(self, backend: GetBackend) -> None:
        self._backend = backend

    async def EmbedImage(
        self, request: embedding_pb2.EmbedImageRequest, context: Context
    ) -> embedding_pb2.EmbedImageResponse:
        backend, watch = self._backend(), Stopwatch()
        backend.facts.need(model_pb2.CAPABILITY_EMBED_IMAGE)
        require(request, "image", "image")
        sight, embedding = await backend.look_at_image(request.image, watch)
        response = embedding_pb2.EmbedImageResponse()
        submitted_ms = watch.ms
        if embedding is None:
            embedding = await _embed_image(backend, sight)
        if request.include_features:
            codec: FeatureCodec = backend.facts.codec
            seen, _ = sight.to_engine()
            assert seen is not None and sight.frame is not None
            detections = await backend.run(lambda engine: engine.see(seen))
            response.features.CopyFrom(codec.pack(detections, embedding, sight.frame.aspect))
        response.embedding.values.extend(embedding.tolist())
        response.timings.decode_ms = watch.decode_ms
        response.timings.encode_image_ms = watch.ms - submitted_ms
        response.timings.total_ms = watch.ms
        return response

    async def EmbedText(
        self, request: embedding_pb2.EmbedTextRequest, context: Context
    ) -> embedding_pb2.EmbedTextResponse:
        backend, watch = self._backend(), Stopwatch()
        backend.facts.need(model_pb2.CAPABILITY_EMBED_TEXT)
        texts = _read_texts(backend, "texts", request.texts)
        embeddings = await backend.run(lambda engine: engine.embed_text(texts))
        return embedding_pb2.EmbedTextResponse(
            embeddings=[embedding_pb2.Embedding(values=row.tolist()) for row in embeddings],
            timings=generation_pb2.Timings(total_ms=watch.ms),
        )

    async def RankLabels(
        self, request: embedding_pb2.RankLabelsRequest, context: Context
    ) -> embedding_pb2.RankLabelsResponse:
        backend, watch = self._backend(), Stopwatch()
        backend.facts.need(model_pb2.CAPABILITY_EMBED_IMAGE, model_pb2.CAPABILITY_EMBED_TEXT)
        require(request, "image", "image")
        labels = _read_texts(backend, "labels", request.labels)
        sight, image = await backend.look_at_image(request.image, watch)
        submitted_ms = watch.ms
        if image is None:
            image = await _embed_image(backend, sight)
        encode_ms = watch.ms - submitted_ms
        texts = await backend.run(lambda engine: engine.embed_text(labels))
        similarities = texts @ image
        scale = float(backend.facts.bundle.model.vision.clip.logit_scale.exp())
        scores = np.exp(scale * (similarities - similarities.max()))
        probabilities = scores / scores.sum()
        return embedding_pb2.RankLabelsResponse(
            labels=[
                embedding_pb2.RankedLabel(
                    label=labels[i], similarity=float(similarities[i]), probability=float(probabilities[i])
                )
                for i in np.argsort(-similarities, kind="stable")
            ],
            timings=generation_pb2.Timings(decode_ms=watch.decode_ms, encode_image_ms=encode_ms, total_ms=watch.ms),
        )


class ModelServicer(model_pb2_grpc.ModelServiceServicer):
    """Says what runs here."""

    def __init__(self, backend: GetBackend) -> None:
        self._backend = backend

    async def GetModel(self, request: model_pb2.GetModelRequest, context: Context) -> model_pb2.GetModelResponse:
        return model_pb2.GetModelResponse(model=self._backend().facts.describe())


async def _embed_image(backend: Backend, sight: Sight) -> np.ndarray:
    assert sight.frame is not None and sight.frame.rgb is not None
    rgb = sight.frame.rgb
    return await backend.run(lambda engine: engine.embed_image(rgb))


def _read_texts(backend: Backend, field: str, texts: Any) -> list[str]:
    """The texts to embed; one that the text tower would cut is refused."""
    check_count(field, len(texts), 1, backend.limits.max_texts)
    model = backend.facts.bundle.model
    n_tokens = model.config.vision.n_text_ctx - 1
    for i, text in enumerate(texts):
        check_text(f"{field}[{i}]", text, backend.limits.max_label_chars, required=True, reason="TEXT_TOO_LONG")
        n = len(model.tokenizer.words(normalise(text)))
        if n > n_tokens:
            refuse(f"{field}[{i}]", f"{n} tokens", f"at most {n_tokens}", "TEXT_TOO_LONG")
    return list(texts)


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
