"""One live conversation: what the client says, in its order, and what comes of it.

It lives longer than a stream: see `replay` for its events and `live` for streams that come and go.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from scenewright.v1 import dialogue_pb2, generation_pb2, speech_pb2

from scenewright_server.families.family import SAMPLE_RATE_HZ
from scenewright_server.perception.voice import Ear
from scenewright_server.scene.pointing import Ray
from scenewright_server.service.exchange import Exchange
from scenewright_server.service.live.captions import Captions
from scenewright_server.service.live.gaze import Gaze
from scenewright_server.service.live.replay import Event, EventLog
from scenewright_server.service.live.response import Cause, Response, Spoken, error_event
from scenewright_server.service.live.setup import Manner
from scenewright_server.service.live.turns import TurnBegun, TurnEnded, TurnTaker
from scenewright_server.service.metrics import Metrics
from scenewright_server.service.reading.asked import read_instructions, read_question
from scenewright_server.service.reading.pointers import read_pointer
from scenewright_server.service.reading.sight import Sight
from scenewright_server.service.reading.waves import check_chunk
from scenewright_server.service.served import Stopwatch
from scenewright_server.service.sessions import Dialogue
from scenewright_server.service.status import Refused
from scenewright_server.service.validate import refuse

_RESPONSE_ID = re.compile(r"r([1-9]\d{0,9})", re.ASCII)


class Conversation:
    """Takes a client's messages one by one (`handle`) and logs what happens (`events`). Call `close`.

    `busy`: a turn is under way. `on_idle` is called whenever one has ended.
    """

    def __init__(
        self,
        manner: Manner,
        dialogue: Dialogue,
        sight: Sight,
        handedness: int,
        ear: Ear | None,
        metrics: Metrics,
        log: Any,
    ) -> None:
        model = dialogue.model
        self.id = secrets.token_urlsafe(16)
        self.dialogue = dialogue
        self.events = EventLog(model.limits.max_live_events)
        self.on_idle: Callable[[], None] = lambda: None
        self._manner = manner
        self._model = model
        self._metrics = metrics
        self._ear = ear
        self._log = log
        self._turns = TurnTaker(manner.rules)
        self._captions = Captions(model, self._turns, partial(self._say_words, False))
        self._gaze = Gaze(model, sight, handedness, self._refuse)
        self._pointer: Ray | None = None  # in the world
        self._turn_index = 0
        self._n_responses = 0
        self._response: Response | None = None  # the last one
        self._remembered: Response | None = None  # the last one that began
        self._tasks: set[asyncio.Task[None]] = set()
        self._ahead: set[asyncio.Task[None]] = set()  # that run the scene before the question is known
        self._released = False  # the turn was ended before the client's activity_end
        self._sync_sight()

    @property
    def busy(self) -> bool:
        return self._turns.speaking or bool(self._tasks)

    async def handle(self, request: dialogue_pb2.ConverseRequest) -> None:
        """One message of the client, the earlier ones having been handled."""
        try:
            kind = request.WhichOneof("message")
            if kind is None:
                raise Refused("FIELD_REQUIRED", "message is empty, needs exactly one member", field="message")
            if kind == "audio":
                await self._take_audio(request.audio.data)
            elif kind == "activity_start":
                self._press()
            elif kind == "activity_end":
                self._release()
            elif kind == "text":
                self._take_text(request.text.text)
            elif kind == "image":
                self._gaze.offer(request.image, request.client_seq)
            elif kind == "scene_update":
                self._gaze.update(request.scene_update)
            elif kind == "viewpoint":
                self._gaze.walk(request.viewpoint)
            elif kind == "pointer":
                self._pointer = read_pointer(request.pointer, "pointer", self._gaze.handedness)
            elif kind == "pointer_end":
                self._pointer = None
            elif kind == "session_update":
                self._take_update(request.session_update)
            elif kind == "interrupt":
                self._interrupt(dialogue_pb2.INTERRUPTION_CAUSE_CLIENT)
            elif kind == "playback_report":
                self._take_report(request.playback_report)
        except Refused as refused:
            self._refuse(refused, request.client_seq)
        self._sync_sight()

    async def finish(self) -> None:
        """Nothing more will be said: end the turn under way, and wait for its answer."""
        if self._turns.speaking:
            self._end_turn(self._turns.release())
        if self._response is not None:
            await self._response.left()

    def close(self) -> None:
        """End what is under way; a response ends as CANCELLED."""
        if self._response is not None:
            self._response.cancel()
        self._captions.stop()
        self._gaze.close()
        for task in self._tasks | self._ahead:
            task.cancel()

    async def _take_audio(self, data: bytes) -> None:
        ear = self._need_ear()
        check_chunk(data, ear.rate_hz, "audio.data")
        for frame, probability in await ear.hear(data):
            event = self._turns.feed(frame, probability)
            if isinstance(event, TurnBegun):
                self._begin_turn(event)
            elif isinstance(event, TurnEnded):
                self._released = self._manner.rules.manual
                self._end_turn(event)
        self._captions.update()

    def _press(self) -> None:
        ear = self._need_manual("activity_start")
        if self._turns.speaking:
            raise Refused("OUT_OF_ORDER", "activity_start came again before activity_end", field="activity_start")
        self._turns.skip(ear.rest())
        self._released = False
        self._begin_turn(self._turns.press())

    def _release(self) -> None:
        ear = self._need_manual("activity_end")
        if self._turns.speaking:
            cut = self._turns.feed(ear.rest(), 0.0)
            self._end_turn(cut if isinstance(cut, TurnEnded) else self._turns.release())
        elif not self._released:
            raise Refused("OUT_OF_ORDER", "activity_end came without activity_start", field="activity_end")
        self._released = False

    def _take_text(self, text: str) -> None:
        read_question(text, self._model, "text.text")
        if self._turns.speaking:
            self._released = self._manner.rules.manual
            self._say_stopped(self._turns.drop())
            self._say_words(True, "")
        if "text" in self._manner.interrupting:
            self._interrupt(dialogue_pb2.INTERRUPTION_CAUSE_TEXT)
        self._turn_index += 1
        self._respond(None, text)

    def _take_report(self, report: dialogue_pb2.PlaybackReport) -> None:
        if not report.response_id:
            raise Refused("FIELD_REQUIRED", "playback_report.response_id is empty", field="playback_report.response_id")
        found = _RESPONSE_ID.fullmatch(report.response_id)
        if found is None or int(found[1]) > self._n_responses:
            refuse("playback_report.response_id", repr(report.response_id[:64]), "the id of a response")
        for response in (self._response, self._remembered):
            if response is not None and response.id == report.response_id:
                response.report = report

    def _take_update(self, update: dialogue_pb2.SessionUpdate) -> None:
        instructions = read_instructions(update, self._model, "session_update.instructions")
        if instructions is not None:
            self.dialogue.instructions = instructions

    def _begin_turn(self, begun: TurnBegun) -> None:
        if self._response is not None:
            self._response.begin()
        self._turn_index += 1
        self._say(self._turn_index, speech_started=dialogue_pb2.SpeechStarted(audio_ms=_ms(begun.at)))
        if "speech" in self._manner.interrupting:
            self._interrupt(dialogue_pb2.INTERRUPTION_CAUSE_SPEECH)
        self._captions.begin()
        self._warm_up()

    def _end_turn(self, ended: TurnEnded) -> None:
        self._say_stopped(ended)
        manual = self._manner.rules.manual
        spoken = Spoken(_ms(self._turns.begun_at), _ms(ended.at), _ms(ended.n_silent), answers_silence=manual)
        self._respond(spoken, ended.audio if ended.voiced else np.zeros_like(ended.audio))

    def _interrupt(self, cause: Cause) -> None:
        if self._response is not None:
            self._response.interrupt(cause)

    def _respond(self, spoken: Spoken | None, question: str | np.ndarray) -> None:
        before, seen = self._response, self._gaze.n_offered
        self._n_responses += 1
        exchange = self._exchange(question)
        response = Response(f"r{self._n_responses}", self._turn_index, exchange, spoken, self._say)
        self._response = response
        task = asyncio.create_task(
            response.run(self._prepare(response, before, seen), partial(self._count, response), self._log)
        )
        self._tasks.add(task)
        task.add_done_callback(self._left)

    def _exchange(self, question: str | np.ndarray | None) -> Exchange:
        exchange = Exchange(
            self._model,
            self._metrics,
            self._gaze.sight,
            self._manner.sampling,
            Stopwatch(),
            question,
            language=self._manner.language or self.dialogue.language,
            instructions=self.dialogue.instructions,
            pointer=self._pointer,
        )
        exchange.session = self.dialogue.session
        return exchange

    def _warm_up(self) -> None:
        """Have the engine run what the answer will begin with while the user still speaks."""
        exchange = self._exchange(None)
        if exchange.sight.is_empty:
            return
        exchange.before = self.dialogue.memory
        task = asyncio.create_task(exchange.warm())
        self._ahead.add(task)
        task.add_done_callback(self._ahead.discard)

    async def _prepare(self, response: Response, before: Response | None, n_frames: int) -> None:
        """Look at the newest frame, let the response before it leave, and remember of that what was heard."""
        exchange = response.exchange
        exchange.sight = used = await self._gaze.settle(n_frames)
        exchange.on_started = lambda: self._begun(response, used)
        if before is not None:
            await before.left()
        if self._remembered is not None:
            self.dialogue.memory = self._remembered.memory()
        exchange.before = self.dialogue.memory

    def _begun(self, response: Response, used: Sight) -> None:
        self._remembered = response
        self._gaze.remember(used, response.exchange.sight)

    def _left(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._sync_sight()
        if not self.busy:
            self.on_idle()

    def _count(self, response: Response) -> None:
        if response.exchange.has_started:
            self.dialogue.n_turns += 1
            self.dialogue.memory = response.memory()
        if response.outcome is not None:
            outcome = generation_pb2.FinishReason.Name(response.outcome).removeprefix("FINISH_REASON_")
            self._metrics.turns.labels(outcome).inc()

    def _sync_sight(self) -> None:
        self.dialogue.sight, self.dialogue.handedness = self._gaze.sight, self._gaze.handedness

    def _need_ear(self) -> Ear:
        if self._ear is None:
            raise Refused("FIELD_REQUIRED", "setup.sample_rate_hz is 0, audio needs it", field="setup.sample_rate_hz")
        return self._ear

    def _need_manual(self, field: str) -> Ear:
        if not self._manner.rules.manual:
            raise Refused("OUT_OF_ORDER", f"{field} came, turn detection is automatic", field=field)
        return self._need_ear()

    def _refuse(self, refused: Refused, client_seq: int) -> None:
        self._say(self._turn_index, error=error_event(refused, client_seq))

    def _say_stopped(self, ended: TurnEnded) -> None:
        self._captions.stop()
        stopped = dialogue_pb2.SpeechStopped(audio_ms=_ms(ended.at), cut=ended.cut)
        self._say(self._turn_index, speech_stopped=stopped)

    def _say_words(self, final: bool, text: str) -> None:
        turns = self._turns
        words = speech_pb2.Transcript(
            text=text, is_final=final, start_ms=_ms(turns.begun_at), end_ms=_ms(turns.ended_at)
        )
        self._say(self._turn_index, transcript=words)

    def _say(self, turn_index: int, response_id: str = "", **event: Any) -> None:
        self.events.append(Event(turn_index=turn_index, response_id=response_id, **event))


def _ms(n_samples: int) -> int:
    return 1000 * n_samples // SAMPLE_RATE_HZ
