"""The rules of a conversation's turns and responses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from scenewright.conformance.log import LogEntry
from scenewright.v1 import dialogue_pb2, generation_pb2

_AUDIO_SLACK_MS = 100
_CLOSED_BY = {
    generation_pb2.FINISH_REASON_INTERRUPTED: "interrupted",
    generation_pb2.FINISH_REASON_FAILED: "error",
}


_CLIENT, _TEXT, _SPEECH = (
    dialogue_pb2.INTERRUPTION_CAUSE_CLIENT,
    dialogue_pb2.INTERRUPTION_CAUSE_TEXT,
    dialogue_pb2.INTERRUPTION_CAUSE_SPEECH,
)
_STOPPING = {
    dialogue_pb2.INTERRUPTION_UNSPECIFIED: frozenset({_CLIENT, _TEXT, _SPEECH}),
    dialogue_pb2.INTERRUPTION_NONE: frozenset({_CLIENT}),
    dialogue_pb2.INTERRUPTION_TEXT: frozenset({_CLIENT, _TEXT}),
    dialogue_pb2.INTERRUPTION_SPEECH: frozenset({_CLIENT, _TEXT, _SPEECH}),
}


@dataclass
class _Turn:
    spoken: bool
    stopped: bool = False
    start_ms: int | None = None
    words: str | None = None
    answered: bool = False


@dataclass
class _Response:
    id: str
    turn: int
    frame_id: str
    closing: str = ""  # the kind of the event after which only done may come
    n_chars: int = 0


@dataclass
class DialogueRules:
    """Takes a log line by line; `broken` is told the rule and how it was broken."""

    broken: Callable[[str, str], None]
    _rate_hz: int = 0
    _may_interrupt: frozenset[int] = _STOPPING[dialogue_pb2.INTERRUPTION_UNSPECIFIED]
    _audio_bytes: int = 0
    _last_client_seq: int = 0
    _texts: list[str] = field(default_factory=list)
    _causes: Counter[int] = field(default_factory=Counter)
    _turns: dict[int, _Turn] = field(default_factory=dict)
    _turn: int = 0
    _speaking: bool = False
    _audio_ms: int = 0
    _response: _Response | None = None
    _response_ids: set[str] = field(default_factory=set)
    _must_interrupt: bool = False

    def take(self, entry: LogEntry) -> None:
        """Check one line against those before it."""
        if entry.kind == "end":
            if entry.side == "server" and entry.end == "OK":
                self._finish()
        elif entry.side == "client":
            self._client(entry)
        else:
            if self._must_interrupt and entry.message.event_seq:
                self._must_interrupt = False
                if entry.kind != "interrupted":
                    self.broken("barge-in", f"{entry.kind} follows speech_started during a response")
            take = _TAKES.get(entry.kind)
            if take is not None:
                take(self, entry.message, entry.body)

    def _client(self, entry: LogEntry) -> None:
        if entry.kind == "setup":
            self._rate_hz = self._rate_hz or entry.body.sample_rate_hz
            if not entry.body.HasField("resume"):
                self._may_interrupt = _STOPPING.get(entry.body.interruption, self._may_interrupt)
        if entry.message.client_seq <= self._last_client_seq:  # sent again
            return
        self._last_client_seq = entry.message.client_seq
        if entry.kind == "audio":
            self._audio_bytes += entry.bytes.get("audio.data", {}).get("n", 0) or len(entry.body.data)
        elif entry.kind == "text":
            self._texts.append(entry.body.text)
            self._causes[_TEXT] += 1
        elif entry.kind == "interrupt":
            self._causes[_CLIENT] += 1

    def _on_speech_started(self, message: Any, body: Any) -> None:
        if self._speaking:
            self.broken("speech", "speech_started without a speech_stopped before it")
        self._speaking = True
        self._speech(message, body.audio_ms)
        self._begin_turn(message.turn_index, spoken=True)
        self._causes[_SPEECH] += 1
        self._must_interrupt = (
            _SPEECH in self._may_interrupt and self._response is not None and not self._response.closing
        )

    def _on_speech_stopped(self, message: Any, body: Any) -> None:
        if not self._speaking:
            self.broken("speech", "speech_stopped without a speech_started before it")
        self._speaking = False
        self._speech(message, body.audio_ms)
        self._current(message, "speech_stopped").stopped = True

    def _speech(self, message: Any, audio_ms: int) -> None:
        if message.response_id:
            self.broken("speech", f"an event of speech has response {message.response_id!r}")
        if audio_ms < self._audio_ms:
            self.broken("speech", f"audio_ms {audio_ms} after {self._audio_ms}")
        self._audio_ms = max(self._audio_ms, audio_ms)
        sent_ms = self._audio_bytes * 500 / self._rate_hz if self._rate_hz else 0
        if audio_ms > sent_ms + _AUDIO_SLACK_MS:
            self.broken("speech", f"audio_ms {audio_ms} with {sent_ms:.0f} ms of audio sent")

    def _on_transcript(self, message: Any, heard: Any) -> None:
        turn = self._current(message, "transcript")
        if message.response_id:
            self.broken("transcript", f"a transcript has response {message.response_id!r}")
        if not turn.spoken or turn.words is not None or turn.answered or turn.stopped != heard.is_final:
            kind = "a final" if heard.is_final else "a partial"
            self.broken("transcript", f"{kind} transcript of turn {message.turn_index} is out of place")
        if heard.start_ms > heard.end_ms or turn.start_ms not in (None, heard.start_ms):
            self.broken("transcript", f"from {heard.start_ms} to {heard.end_ms} ms in a turn from {turn.start_ms}")
        turn.start_ms = heard.start_ms
        if heard.is_final:
            turn.words = heard.text

    def _begin_turn(self, index: int, *, spoken: bool) -> None:
        if index != self._turn + 1:
            self.broken("turn-index", f"a new turn has index {index} after {self._turn}")
        self._turn = max(self._turn, index)
        self._turns[index] = _Turn(spoken)

    def _current(self, message: Any, kind: str) -> _Turn:
        """The turn of an event outside responses, which is the last one that has begun."""
        if message.turn_index != self._turn or self._turn not in self._turns:
            self.broken("turn-index", f"{kind} has {message.turn_index} in turn {self._turn}")
        return self._turns.setdefault(message.turn_index, _Turn(spoken=True))

    def _on_response_started(self, message: Any, body: Any) -> None:
        question, index = body.question, message.turn_index
        if self._response is not None:
            self.broken("response-opening", f"{message.response_id!r} begins while {self._response.id!r} is open")
        if not message.response_id or message.response_id in self._response_ids:
            self.broken("response-opening", f"the id {message.response_id!r} is empty or was used before")
        if not question.spoken:
            self._begin_turn(index, spoken=False)
        turn = self._turns.setdefault(index, _Turn(question.spoken))
        if turn.answered or turn.spoken != question.spoken:
            self.broken("response-opening", f"turn {index} is answered already, or was not spoken")
        known = self._texts if not turn.spoken else [turn.words or ""]
        if question.text not in known:
            self.broken("question", f"{question.text!r} was neither typed nor heard in turn {index}")
        self._expect_answers(before=index)
        turn.answered = True
        self._response_ids.add(message.response_id)
        self._response = _Response(message.response_id, index, body.frame_id)

    def _expect_answers(self, before: int) -> None:
        for index, turn in self._turns.items():
            if index < before and not turn.answered and turn.words != "":
                self.broken("completeness", f"turn {index} has no response")
                turn.answered = True

    def _in_response(self, message: Any, kind: str) -> _Response | None:
        response = self._response
        if response is None or message.response_id != response.id:
            self.broken("response-events", f"{kind} of {message.response_id!r}, which is not open")
            return None
        if message.turn_index != response.turn:
            self.broken("turn-index", f"{kind} has {message.turn_index} in a response of turn {response.turn}")
        if response.closing and kind != "done":
            self.broken("response-closing", f"{kind} follows {response.closing}")
        return response

    def _on_text_delta(self, message: Any, delta: Any) -> None:
        response = self._in_response(message, "text_delta")
        if not delta.text:
            self.broken("response-events", "an empty text_delta")
        if response is not None:
            response.n_chars += len(delta.text)

    def _on_annotation(self, message: Any, annotation: Any) -> None:
        response = self._in_response(message, "annotation")
        if response is None:
            return
        if annotation.frame_id != response.frame_id:
            self.broken("frame", f"{annotation.frame_id!r} in a response that looks at {response.frame_id!r}")
        for span in annotation.spans:
            if not span.length or span.start + span.length > response.n_chars:
                self.broken("spans", f"{span.length} from {span.start} on in a text of {response.n_chars}")

    def _on_interrupted(self, message: Any, interrupted: Any) -> None:
        response = self._in_response(message, "interrupted")
        if response is not None:
            response.closing = "interrupted"
        self._causes[interrupted.cause] -= 1
        cause = _name(dialogue_pb2.InterruptionCause, interrupted.cause)
        if self._causes[interrupted.cause] < 0:
            self.broken("barge-in", f"interrupted for {cause} without its cause before")
        elif interrupted.cause not in self._may_interrupt:
            self.broken("barge-in", f"interrupted for {cause}, which the setup leaves out")

    def _on_error(self, message: Any, error: Any) -> None:
        response = self._in_response(message, "error") if message.response_id else None
        if response is not None:
            response.closing = "error"

    def _on_done(self, message: Any, done: Any) -> None:
        response = self._in_response(message, "done")
        if response is None:
            return
        if _CLOSED_BY.get(done.finish_reason, "") != response.closing:
            name = _name(generation_pb2.FinishReason, done.finish_reason)
            self.broken("response-closing", f"{name} after {response.closing or 'neither interrupted nor error'}")
        self._response = None

    def _finish(self) -> None:
        self._expect_answers(before=self._turn + 1)
        if self._response is not None:
            self.broken("completeness", f"response {self._response.id!r} has no done")


_TAKES: dict[str, Callable[[DialogueRules, Any, Any], None]] = {
    "speech_started": DialogueRules._on_speech_started,
    "speech_stopped": DialogueRules._on_speech_stopped,
    "transcript": DialogueRules._on_transcript,
    "response_started": DialogueRules._on_response_started,
    "text_delta": DialogueRules._on_text_delta,
    "annotation": DialogueRules._on_annotation,
    "interrupted": DialogueRules._on_interrupted,
    "error": DialogueRules._on_error,
    "done": DialogueRules._on_done,
}


def _name(enum: Any, value: int) -> str:
    return enum.Name(value) if value in enum.values() else str(value)
