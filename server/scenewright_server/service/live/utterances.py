"""Speech written down as it comes in: StreamingTranscribe."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

from scenewright.v1 import model_pb2, speech_pb2

from scenewright_server.families.family import SAMPLE_RATE_HZ
from scenewright_server.perception.voice import Ear, Listener
from scenewright_server.service.live.captions import Captions
from scenewright_server.service.live.pace import Pace
from scenewright_server.service.live.setup import check_rate, read_rules
from scenewright_server.service.live.turns import TurnBegun, TurnEnded, TurnTaker
from scenewright_server.service.models import Models
from scenewright_server.service.reading.waves import check_chunk
from scenewright_server.service.served import ServedModel, refusals
from scenewright_server.service.status import Refused
from scenewright_server.service.validate import check_language

Requests = AsyncIterator[speech_pb2.StreamingTranscribeRequest]


async def transcribe(
    requests: Requests, models: Models, listener: Listener
) -> AsyncGenerator[speech_pb2.Transcript, None]:
    """The transcripts of one stream, partial ones while an utterance goes on, then its final one. Raises `Refused`."""
    first = await anext(requests, None)
    if first is None or first.WhichOneof("message") != "setup":
        raise Refused("FIELD_REQUIRED", "setup is missing: it comes first", field="setup")
    setup = first.setup
    model = models.get(setup.model)
    model.need(model_pb2.CAPABILITY_TRANSCRIBE)
    check_rate("setup.sample_rate_hz", setup.sample_rate_hz)
    check_language("setup.language", setup.language, model.family.spec.speech_languages)
    rules = read_rules(setup.voice_activity, "setup.voice_activity", model.limits.max_audio_s)
    utterances = _Utterances(model, TurnTaker(rules), Ear(listener, setup.sample_rate_hz))
    pace = Pace(model.limits.max_live_lead_s, setup.sample_rate_hz)
    reading = asyncio.create_task(_read(requests, utterances, pace, setup.sample_rate_hz))
    try:
        while (transcript := await utterances.transcripts.get()) is not None:
            yield transcript
        await reading
    finally:
        reading.cancel()
        utterances.close()


async def _read(requests: Requests, utterances: _Utterances, pace: Pace, rate_hz: int) -> None:
    """Take in what the client sends until it ends its side."""
    try:
        async for request in requests:
            kind = request.WhichOneof("message")
            if kind != "audio":
                reason = "OUT_OF_ORDER" if kind == "setup" else "FIELD_REQUIRED"
                raise Refused(reason, f"message is {kind or 'empty'}, needs audio after setup", field="message")
            check_chunk(request.audio.data, rate_hz, "audio.data")
            pace.take(len(request.audio.data))
            await utterances.take(request.audio.data)
        await utterances.finish()
    finally:
        utterances.transcripts.put_nowait(None)


class _Utterances:
    """One stream's utterances, heard one after the other. `transcripts` ends with None."""

    def __init__(self, model: ServedModel, turns: TurnTaker, ear: Ear) -> None:
        self.transcripts: asyncio.Queue[speech_pb2.Transcript | None] = asyncio.Queue()
        self._model = model
        self._turns = turns
        self._ear = ear
        self._captions = Captions(model, turns, lambda text: self._tell(text, turns.begun_at, turns.ended_at))

    async def take(self, data: bytes) -> None:
        """More audio."""
        for frame, probability in await self._ear.hear(data):
            event = self._turns.feed(frame, probability)
            if isinstance(event, TurnBegun):
                self._captions.begin()
            elif isinstance(event, TurnEnded):
                await self._end(event)
        self._captions.update()

    async def finish(self) -> None:
        """No more audio will come: what is under way has ended."""
        if self._turns.speaking:
            await self._end(self._turns.release())

    def close(self) -> None:
        self._captions.stop()

    async def _end(self, ended: TurnEnded) -> None:
        self._captions.stop()
        if not ended.voiced:
            return
        begun_at = self._turns.begun_at
        with refusals():
            heard = await self._model.perception.hear(ended.audio)
        self._tell(heard.text, begun_at, ended.at, heard.confidence)

    def _tell(self, text: str, begun_at: int, ended_at: int, confidence: float | None = None) -> None:
        self.transcripts.put_nowait(
            speech_pb2.Transcript(
                text=text,
                is_final=confidence is not None,
                confidence=confidence,
                start_ms=1000 * begun_at // SAMPLE_RATE_HZ,
                end_ms=1000 * ended_at // SAMPLE_RATE_HZ,
            )
        )
