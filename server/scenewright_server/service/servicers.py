"""The contract's services. What they don't define answers UNIMPLEMENTED by itself."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

import grpc
from google.protobuf import duration_pb2, timestamp_pb2
from scenewright.v1 import (
    annotation_pb2,
    dialogue_pb2,
    dialogue_pb2_grpc,
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

from scenewright_server.families.family import SAMPLE_RATE_HZ, Heard
from scenewright_server.service.auth import owner
from scenewright_server.service.exchange import Answer, Exchange
from scenewright_server.service.live.live import Live
from scenewright_server.service.live.utterances import transcribe
from scenewright_server.service.metrics import Metrics
from scenewright_server.service.models import Models
from scenewright_server.service.reading.asked import given, read_history, read_instructions, read_question
from scenewright_server.service.reading.pointers import read_pointer
from scenewright_server.service.reading.poses import known_handedness
from scenewright_server.service.reading.sampling import read_sampling
from scenewright_server.service.served import Stopwatch, timings
from scenewright_server.service.sessions import Dialogue, SessionStore
from scenewright_server.service.validate import check_language, check_range, refuse, require, require_one_of
from scenewright_server.service.version import CONTRACT, server_version

Context = grpc.aio.ServicerContext

DEFAULT_PAGE, MAX_PAGE = 50, 100


class SceneServicer(scene_pb2_grpc.SceneServiceServicer):
    """Describes frames and scene graphs."""

    def __init__(self, models: Models, metrics: Metrics) -> None:
        self._models = models
        self._metrics = metrics

    async def DescribeScene(
        self, request: scene_pb2.DescribeSceneRequest, context: Context
    ) -> scene_pb2.DescribeSceneResponse:
        response = scene_pb2.DescribeSceneResponse()
        annotations: dict[str, annotation_pb2.Annotation] = {}
        async with aclosing(self._describe(request)) as events:
            async for event in events:
                kind = event.WhichOneof("event")
                if kind == "text_delta":
                    response.text += event.text_delta.text
                elif kind == "annotation":
                    annotations[event.annotation.id] = event.annotation
                elif kind == "done":
                    done = event.done
        response.annotations.extend(annotations.values())
        response.finish_reason = done.finish_reason
        response.usage.CopyFrom(done.usage)
        response.timings.CopyFrom(done.timings)
        response.confidence = done.confidence
        return response

    async def StreamDescribeScene(
        self, request: scene_pb2.StreamDescribeSceneRequest, context: Context
    ) -> AsyncGenerator[scene_pb2.StreamDescribeSceneResponse, None]:
        async with aclosing(self._describe(request)) as events:
            async for event in events:
                yield scene_pb2.StreamDescribeSceneResponse(response_event=event)

    async def _describe(
        self, request: scene_pb2.DescribeSceneRequest | scene_pb2.StreamDescribeSceneRequest
    ) -> AsyncGenerator[generation_pb2.ResponseEvent, None]:
        model, watch = self._models.get(request.model), Stopwatch()
        model.need(model_pb2.CAPABILITY_DESCRIBE)
        language = check_language("language", request.language, model.family.spec.languages)
        sampling = read_sampling(request.sampling, model.limits)
        image, scene = given(request, "image"), given(request, "scene")
        sight = await model.look(image, scene, watch, known_handedness(scene, image))
        exchange = Exchange(model, self._metrics, sight, sampling, watch, language=language)
        async with aclosing(exchange.events()) as answers:
            async for answer in answers:
                assert isinstance(answer, generation_pb2.ResponseEvent)  # nothing was asked aloud
                yield answer


class DialogueServicer(dialogue_pb2_grpc.DialogueServiceServicer):
    """Answers questions, alone or in a session, and converses."""

    def __init__(self, models: Models, metrics: Metrics, sessions: SessionStore, live: Live) -> None:
        self._models = models
        self._metrics = metrics
        self._sessions = sessions
        self._live = live

    async def Ask(
        self, request: dialogue_pb2.AskRequest, context: Context
    ) -> AsyncGenerator[dialogue_pb2.AskResponse, None]:
        if not request.session_id:
            async with aclosing(self._answer(request, None)) as answers:
                async for answer in answers:
                    yield _asked(answer, "")
            return
        with self._sessions.use(request.session_id, owner()) as dialogue:
            async with aclosing(self._answer(request, dialogue)) as answers:
                async for answer in answers:
                    yield _asked(answer, dialogue.id)

    async def _answer(
        self, request: dialogue_pb2.AskRequest, dialogue: Dialogue | None
    ) -> AsyncGenerator[Answer, None]:
        models, watch = self._models, Stopwatch()
        model = models.get(request.model) if dialogue is None else models.of_session(request.model, dialogue.model)
        model.need(model_pb2.CAPABILITY_ANSWER)
        language = check_language("language", request.language, model.family.spec.languages)
        instructions = read_instructions(request, model, "instructions")
        sampling = read_sampling(request.sampling, model.limits)
        question: str | None = None
        if require_one_of(request, "question", "question") == "text":
            question = read_question(request.text, model, "text")
        else:
            model.need(model_pb2.CAPABILITY_AUDIO_INPUT)
            recording = await model.read_recording(request.audio, watch)
        image, scene = given(request, "image"), given(request, "scene")
        told = known_handedness(scene, image, default=0 if dialogue is None else dialogue.handedness)
        known = None if dialogue is None else dialogue.sight
        sight = await model.look(image, scene, watch, told, known)
        pointer = None
        if request.HasField("pointer"):
            pointer = read_pointer(request.pointer, "pointer", told)
        if instructions is None and dialogue is not None:
            instructions = dialogue.instructions
        exchange = Exchange(
            model,
            self._metrics,
            sight,
            sampling,
            watch,
            recording if question is None else question,
            language=language or (dialogue.language if dialogue is not None else ""),
            instructions=instructions or "",
            pointer=pointer,
        )
        if dialogue is not None:
            exchange.session, exchange.before = dialogue.session, dialogue.memory
            exchange.on_started = lambda: dialogue.begin(exchange, instructions or "", told)
        if question is not None:
            yield dialogue_pb2.Question(text=question)
        async with aclosing(exchange.events()) as answers:
            async for answer in answers:
                is_done = isinstance(answer, generation_pb2.ResponseEvent) and answer.HasField("done")
                if is_done and dialogue is not None:
                    dialogue.n_turns += 1
                    dialogue.memory = exchange.memory()
                yield answer

    async def Converse(
        self, request_iterator: AsyncIterator[dialogue_pb2.ConverseRequest], context: Context
    ) -> AsyncGenerator[dialogue_pb2.ConverseResponse, None]:
        async with aclosing(self._live.converse(request_iterator)) as events:
            async for event in events:
                yield event


class SessionServicer(session_pb2_grpc.SessionServiceServicer):
    """Opens, shows and ends sessions."""

    def __init__(self, models: Models, sessions: SessionStore) -> None:
        self._models = models
        self._sessions = sessions

    async def CreateSession(
        self, request: session_pb2.CreateSessionRequest, context: Context
    ) -> session_pb2.CreateSessionResponse:
        model = self._models.get(request.model)
        ttl_s = float(model.limits.max_session_ttl_s)
        if request.HasField("ttl"):
            asked_s = request.ttl.seconds + request.ttl.nanos / 1e9
            ttl_s = check_range("ttl", asked_s, 1, ttl_s, " s")
        language = check_language("language", request.language, model.family.spec.languages)
        instructions = read_instructions(request, model, "instructions")
        memory = await read_history(request.history, model, "history")
        handedness = known_handedness(request)
        dialogue = self._sessions.create(ttl_s, owner(), model)
        dialogue.language, dialogue.instructions = language, instructions or ""
        dialogue.memory, dialogue.handedness = memory, handedness
        return session_pb2.CreateSessionResponse(session=_show(dialogue))

    async def GetSession(
        self, request: session_pb2.GetSessionRequest, context: Context
    ) -> session_pb2.GetSessionResponse:
        return session_pb2.GetSessionResponse(session=_show(self._sessions.get(request.session_id, owner())))

    async def ListSessions(
        self, request: session_pb2.ListSessionsRequest, context: Context
    ) -> session_pb2.ListSessionsResponse:
        check_range("page_size", request.page_size, 0, MAX_PAGE)
        token = request.page_token or "0"
        if not (token.isascii() and token.isdigit() and len(token) < 20):
            refuse("page_token", repr(token[:64]), "a next_page_token of this call")
        found, following = self._sessions.page(request.page_size or DEFAULT_PAGE, int(token), owner())
        return session_pb2.ListSessionsResponse(
            sessions=[_show(dialogue) for dialogue in found],
            next_page_token="" if following is None else str(following),
        )

    async def DeleteSession(
        self, request: session_pb2.DeleteSessionRequest, context: Context
    ) -> session_pb2.DeleteSessionResponse:
        self._sessions.delete(request.session_id, owner())
        return session_pb2.DeleteSessionResponse()


class SpeechServicer(speech_pb2_grpc.SpeechServiceServicer):
    """Writes down speech."""

    def __init__(self, models: Models, live: Live) -> None:
        self._models = models
        self._live = live

    async def Transcribe(
        self, request: speech_pb2.TranscribeRequest, context: Context
    ) -> speech_pb2.TranscribeResponse:
        model, watch = self._models.get(request.model), Stopwatch()
        model.need(model_pb2.CAPABILITY_TRANSCRIBE)
        check_language("language", request.language, model.family.spec.speech_languages)
        require(request, "audio", "audio")
        recording = await model.read_recording(request.audio, watch)
        heard = await model.hear(recording, watch)
        return speech_pb2.TranscribeResponse(
            text=heard.text,
            confidence=heard.confidence,
            no_speech=not heard.text,
            duration_s=0.0 if isinstance(recording, Heard) else len(recording) / SAMPLE_RATE_HZ,
            timings=timings(watch),
        )

    async def StreamingTranscribe(
        self, request_iterator: AsyncIterator[speech_pb2.StreamingTranscribeRequest], context: Context
    ) -> AsyncGenerator[speech_pb2.StreamingTranscribeResponse, None]:
        async with aclosing(transcribe(request_iterator, self._models, self._live.listener)) as transcripts:
            async for transcript in transcripts:
                yield speech_pb2.StreamingTranscribeResponse(transcript=transcript)


class ModelServicer(model_pb2_grpc.ModelServiceServicer):
    """Says what runs here."""

    def __init__(self, models: Models) -> None:
        self._models = models

    async def GetModel(self, request: model_pb2.GetModelRequest, context: Context) -> model_pb2.GetModelResponse:
        model = self._models.get(request.model).describe()
        return model_pb2.GetModelResponse(model=model, server_version=server_version(), contract=CONTRACT)

    async def ListModels(self, request: model_pb2.ListModelsRequest, context: Context) -> model_pb2.ListModelsResponse:
        models = [model.describe() for model in self._models]
        return model_pb2.ListModelsResponse(models=models, server_version=server_version(), contract=CONTRACT)


def _asked(answer: Answer, session_id: str) -> dialogue_pb2.AskResponse:
    if isinstance(answer, dialogue_pb2.Question):
        return dialogue_pb2.AskResponse(session_id=session_id, question=answer)
    return dialogue_pb2.AskResponse(session_id=session_id, response_event=answer)


def _show(dialogue: Dialogue) -> session_pb2.Session:
    return session_pb2.Session(
        id=dialogue.id,
        create_time=_timestamp(dialogue.created_at),
        expire_time=_timestamp(dialogue.expires_at),
        ttl=duration_pb2.Duration(seconds=int(dialogue.ttl_s), nanos=int(dialogue.ttl_s % 1 * 1e9)),
        language=dialogue.language,
        turns=dialogue.n_turns,
        context_tokens=0 if dialogue.memory is None else dialogue.memory.n_positions,
        max_context_tokens=dialogue.model.n_ctx,
        frame_id=dialogue.sight.frame_id,
        scene_revision=dialogue.sight.revision,
        model=dialogue.model.name,
    )


def _timestamp(seconds: float) -> timestamp_pb2.Timestamp:
    timestamp = timestamp_pb2.Timestamp()
    timestamp.FromMicroseconds(int(seconds * 1e6))
    return timestamp
