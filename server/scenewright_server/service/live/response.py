"""One response of a live conversation: begun once and ended once, whatever happens to it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from scenewright.v1 import dialogue_pb2, error_pb2, generation_pb2, speech_pb2

from scenewright_server.families.family import Memory
from scenewright_server.service.exchange import Exchange
from scenewright_server.service.status import Refused

Cause: TypeAlias = "dialogue_pb2.InterruptionCause.ValueType"
Outcome: TypeAlias = "generation_pb2.FinishReason.ValueType"


class Say(Protocol):
    """Puts an event into the conversation's log."""

    def __call__(self, turn_index: int, response_id: str = "", **event: Any) -> None: ...


@dataclass(frozen=True)
class Spoken:
    """Where a spoken turn lies in the conversation's audio; `answers_silence`: also when it holds no words."""

    start_ms: int
    end_ms: int
    silence_ms: float
    answers_silence: bool


class Response:
    """The answer to one turn of the user. `id` is unique in the conversation."""

    def __init__(self, id: str, turn_index: int, exchange: Exchange, spoken: Spoken | None, say: Say) -> None:
        self.id = id
        self.turn_index = turn_index
        self.exchange = exchange
        self.report: dialogue_pb2.PlaybackReport | None = None
        self.outcome: Outcome | None = None  # once its end has been told
        self._sent = ""  # its text, as far as the client was told
        self._spoken = spoken
        self._say = say
        self._begun = False
        self._silent = False  # no words were heard, so nothing is said
        self._left = asyncio.Event()

    @property
    def over(self) -> bool:
        """Nothing more will be said."""
        return self._silent or self.outcome is not None

    def memory(self) -> Memory | None:
        """What the next response will remember, as far as is known what the user has taken in of this one."""
        report, exchange = self.report, self.exchange
        if exchange.is_complete and (report is None or report.finished):
            return exchange.memory()
        n_sent = len(self._sent)
        return exchange.memory(n_sent if report is None or report.finished else min(report.presented_chars, n_sent))

    async def left(self) -> None:
        """Until the engine is done with it."""
        await self._left.wait()

    def begin(self) -> None:
        """Tell that it has begun, unless that was told: what overtakes it must come behind."""
        if not self.over:
            asked = self.exchange.question
            text = asked if isinstance(asked, str) else ""
            self._begin(dialogue_pb2.Question(text=text, spoken=self._spoken is not None))

    def interrupt(self, cause: Cause) -> None:
        """Stop it within one step of the engine; a second time does nothing."""
        if not self.over:
            self.begin()
            self._tell(interrupted=dialogue_pb2.Interrupted(cause=cause))
            self._end(generation_pb2.FINISH_REASON_INTERRUPTED)

    def cancel(self) -> None:
        """Stop it because someone is leaving."""
        if not self.over:
            self._end(generation_pb2.FINISH_REASON_CANCELLED)

    async def run(self, prepare: Awaitable[None], on_left: Callable[[], None], log: Any) -> None:
        """Answer once `prepare` is through; `on_left` is called when the engine is done with it."""
        try:
            await prepare
            if not self.over:
                self.exchange.sight.need()
                if self._spoken is None:
                    self.begin()
                await self._answer()
        except Refused as refused:
            self._fail(refused)
        except Exception:  # told without its trace; the conversation goes on
            log.exception("response failed", response_id=self.id)
            self._fail(Refused("INTERNAL", f"internal error; see the server's log for response {self.id}"))
        finally:
            self._left.set()
            on_left()

    async def _answer(self) -> None:
        async with aclosing(self.exchange.events()) as answers:
            async for answer in answers:
                if self.over:  # it was, before the engine stopped
                    continue
                if isinstance(answer, dialogue_pb2.Question):
                    self._hear(answer)
                elif answer.HasField("done"):
                    self._end(answer.done.finish_reason, answer.done)
                else:
                    self._sent += answer.text_delta.text
                    self._tell(response_event=answer)

    def _hear(self, question: dialogue_pb2.Question) -> None:
        """What the engine has heard: the last transcript, and the response if there are words."""
        assert self._spoken is not None
        words = speech_pb2.Transcript(
            text=question.text,
            is_final=True,
            confidence=question.confidence,
            start_ms=self._spoken.start_ms,
            end_ms=self._spoken.end_ms,
        )
        self._say(self.turn_index, transcript=words)
        if question.text or self._spoken.answers_silence:
            self._begin(question)
        else:
            self._silent = True
            self.exchange.cancel()

    def _begin(self, question: dialogue_pb2.Question) -> None:
        if self._begun:
            return
        self._begun = True
        sight = self.exchange.sight
        self._tell(
            response_started=dialogue_pb2.ResponseStarted(
                question=question, frame_id=sight.frame_id, scene_revision=sight.revision
            )
        )

    def _fail(self, refused: Refused) -> None:
        if not self.over:
            self.begin()
            self._tell(error=error_event(refused))
            self._end(generation_pb2.FINISH_REASON_FAILED)

    def _end(self, outcome: Outcome, done: generation_pb2.ResponseDone | None = None) -> None:
        self.outcome = outcome
        self.exchange.cancel()
        if not self._begun:
            return
        done = done or self.exchange.so_far()
        done.finish_reason = outcome
        done.timings.silence_ms = 0.0 if self._spoken is None else self._spoken.silence_ms
        self._tell(response_event=generation_pb2.ResponseEvent(done=done))

    def _tell(self, **event: Any) -> None:
        self._say(self.turn_index, self.id, **event)


def error_event(refused: Refused, client_seq: int = 0) -> error_pb2.ErrorEvent:
    """A refusal as an event, where a status would end the stream."""
    event = error_pb2.ErrorEvent(
        code=refused.verdict.code.value[0],
        reason=refused.reason,
        message=refused.message,
        client_seq=client_seq,
        metadata=refused.metadata,
    )
    if refused.retry_after_s is not None:
        event.retry_after.FromMicroseconds(round(refused.retry_after_s * 1e6))
    return event
