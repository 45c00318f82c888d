"""One response of a chat model that plans: a first pass writes the plan, the plan is carried out, and what it gives is
said as it is. What is beyond the scene goes to a second pass, in which the model speaks in its own words."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence, Sized
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from scenewright_server.families.ahead import Ahead
from scenewright_server.families.chat.depths import without_depths
from scenewright_server.families.chat.memory import ChatMemory, Exchange, Part, first_chars
from scenewright_server.families.chat.planning import TURNS_BEFORE, question_text
from scenewright_server.families.chat.prompt import with_honesty
from scenewright_server.families.chat.script import ChatScript, Telling, language_of, read_roster, speaks, words_of
from scenewright_server.families.chat.searching import NOTHING, TINY, Beginning, Planning, Search
from scenewright_server.families.chat.setting import Setting
from scenewright_server.families.chat.storage import PLAN
from scenewright_server.families.chat.weighing import Weighing
from scenewright_server.families.family import (
    Event,
    FinishReason,
    Heard,
    Mention,
    ModelError,
    Outcome,
    Pass,
    Span,
    SpanKind,
    TextDelta,
    Turn,
)
from scenewright_server.families.planned import Planned, steps_of
from scenewright_server.languages.courtesy import courtesy
from scenewright_server.languages.reading import SURE, Reading, fall_back, read
from scenewright_server.languages.rows import read_rows
from scenewright_server.scene import questions as q
from scenewright_server.scene import replies as r
from scenewright_server.scene.executing import execute, is_unknown
from scenewright_server.scene.expressions import PlanError
from scenewright_server.scene.parsing import parse
from scenewright_server.scene.pointing import first_met
from scenewright_server.scene.words import is_chinese

if TYPE_CHECKING:
    from scenewright_server.families.chat.base import ChatBase
    from scenewright_server.families.chat.chat import Chat

MAX_PLAN_TOKENS = 80
QUESTION_TOKENS = 512
"""Room that the scene's text leaves for the question and the turns before it, so that these do not change it."""
MAX_TURNS = 32  # of a dialogue, that are remembered
MAX_TRIED = 2  # plans of a question, that are weighed against each other
READ_ALONE = (0.5, 1.0)
"""How far a plan is trusted that was read by the question's words, and how fast that is lost with what it cost, beside
a decoder that does not speak the language."""
ROWS = -0.5
"""For a plan of a list that was read by the question's words."""
OWN_WORDS = -1.0
"""For a plan of the decoder that leaves the question to its own words."""
_UNSURE_ANYWAY = (r.NotUnderstood, r.Unclear, r.Lost, r.Ask)
"""Results that say themselves that they are no answer."""


class PlannedTelling(ABC):
    """What a plan gives, wherever it is written; see `families.family.Script`. The scene and the question are laid out
    as the decoder takes them: spans, or words."""

    read = (-0.25, 10.0)  # as `READ_ALONE`, beside a decoder that has learnt to plan in the language

    def __init__(self, family: ChatBase, turn: Turn, memory: ChatMemory) -> None:
        assert turn.question is not None
        self._chat, self._turn, self._before = family, turn, memory
        self._question, self._language = words_of(turn.question), language_of(turn)
        self._kind: SpanKind = "audio" if isinstance(turn.question, Heard) else "text"
        roster = read_roster(family, turn)
        pointed = None if turn.ray is None else first_met(turn.ray, roster.entries)
        self._setting = Setting(roster, pointed, memory.turns)
        told = [(exchange.question, exchange.text) for exchange in memory.turns]
        asked = self._ask(self._question, told, bool(self._setting.pointed))
        self._scene: Any = self._fit_scene(len(asked))
        self._asked = asked
        self._turn_before = memory.planned.among(self._setting.entries) if memory.planned else self._read_before()
        self._trust = self.read if speaks(family, self._language) else READ_ALONE
        self._has_read = False
        self._waiting: tuple[str, float] | None = None  # a plan that waits for what an earlier question was about
        self._own_plan = ""
        self._probability = 1.0  # of the plans
        self._after: r.Turn | None = None  # what the next turn is to know of this one
        self._parts: list[Part] = []  # of the answer
        self._spoken: Any = None  # the script of the answer to what is beyond
        self._n_tokens = 0  # of the plan
        self._complete = False

    def begin(self) -> Outcome:
        if self._trust[0] >= 0:
            self._weigh_reading()
            if self._weighing.all and self._weighing.best.score >= 0:  # no plan that is written can be better
                return self._go_on()
        return self.ask_for_plan()

    def ask_for_plan(self) -> Outcome:
        """The pass that writes the question's plan."""
        return self._plan_of((self._scene, self._asked))

    def finish(self) -> Sequence[Event]:
        self._complete = True
        return [] if self._spoken is None else self._spoken.finish()

    @property
    def plan(self) -> str:
        """The plan of this question, once it is written."""
        return self._own_plan

    @property
    def confidence(self) -> float:
        """The probability of the plan; times the geometric mean of the words' where the model speaks."""
        return self._probability * (1.0 if self._spoken is None else self._spoken.confidence)

    def memory(self, n_chars: int | None = None) -> ChatMemory:
        if self._spoken is not None:
            return self._remember_spoken(self._spoken.memory(n_chars))
        parts = tuple(self._parts)
        if not self._complete or n_chars is not None:
            parts = first_chars(parts, n_chars or 0)
        if not any(isinstance(part, str) for part in parts):
            return self._before
        n_positions = len(self._scene) + len(self._asked) + self._n_tokens
        turns = (*self._before.turns, Exchange(self._question, parts))[-MAX_TURNS:]
        if self._after is None:
            return ChatMemory(turns, n_positions, self._before.planned)
        planned = Planned.of(self._after, self._setting.entries)
        if len(parts) < len(self._parts):  # of what the user did not hear nobody speaks
            heard = tuple(thing for thing in planned.things if thing in parts)
            planned = replace(planned, things=heard or planned.things)
        return ChatMemory(turns, n_positions, planned)

    def _remember_spoken(self, memory: ChatMemory) -> ChatMemory:
        """ "It" is then what the model pointed at, if it did."""
        if memory is self._before:
            return memory
        before = self._turn_before or r.Turn(q.Beyond(), ())
        planned = Planned.of(before, self._setting.entries)
        return replace(memory, planned=replace(planned, things=memory.focus or planned.things))

    @abstractmethod
    def _ask(self, question: str, before: Sequence[tuple[str, str]], points: bool) -> Any:
        """A question for the planner; turns before it that take too much are left out."""

    @abstractmethod
    def _lay_out(self, text: str) -> Any:
        """The scene's text for the planner."""

    @abstractmethod
    def _plan_of(self, spans: tuple[Any, ...]) -> Outcome:
        """The pass that writes the plan of a scene and a question."""

    @abstractmethod
    def _open_spoken(self, turn: Turn) -> Telling:
        """The script of an answer in the model's own words."""

    @abstractmethod
    def _n_chars_within(self, text: str) -> int:
        """How much of a text the limit of tokens lets be said."""

    def _misunderstood(self, error: PlanError) -> Outcome:
        """What a text gives that is no plan."""
        return self._say([r.Reply((r.NotUnderstood(str(error)),), r.Turn(q.Beyond(), ()))])

    def _fit_scene(self, n_asked: int) -> Sized:
        """The scene for the planner, as much of it as there is room for. Raises ModelError CONTEXT_FULL."""
        n_ctx = self._chat.n_ctx
        room = n_ctx - MAX_PLAN_TOKENS - max(min(QUESTION_TOKENS, n_ctx // 4), n_asked)
        scene: Sized = ()
        for text in self._setting.texts():
            scene = self._lay_out(text)
            if len(scene) <= room:
                return scene
        n_needed = len(scene) + n_asked + MAX_PLAN_TOKENS
        raise ModelError(
            "CONTEXT_FULL",
            f"the context holds {n_ctx} positions, received {n_needed}, of which {len(scene)} are the scene's",
            bound=n_ctx,
            value=n_needed,
            scene=len(scene),
        )

    def _settle(self, text: str, log_probability: float = 0.0) -> Outcome:
        """What a plan gives: the answer, or the pass that it needs first."""
        try:
            looks_back = q.looks_back(parse(text))
        except PlanError:
            looks_back = False
        if looks_back and self._turn_before is None and self._before.turns:
            return self._plan_before(text, log_probability)
        trust = log_probability + OWN_WORDS * (text == "beyond")
        self._weighing.add_written(text, log_probability, trust)
        if not self._has_read and self._weighing.best.score < self._trust[0]:  # else no reading can be better
            self._weigh_reading()
        return self._go_on()

    def _weigh_reading(self) -> None:
        """Weigh what the question says by its words alone, once, if it can be read."""
        self._has_read = True
        rows = read_rows(self._question, self._setting.scene(self._turn_before)) if self._chat.reads_words else None
        if rows is not None:
            self._weighing.add(rows, ROWS, ROWS)
        reading = self._read(self._question, self._turn_before)
        if reading is None:
            return
        log_confidence = math.log(max(reading.confidence, TINY))
        at_best, rate = self._trust
        trust = 0.0 if reading.plan == "beyond" else at_best + rate * log_confidence
        self._weighing.add(reading.plan, log_confidence, trust)

    def _go_on(self) -> Outcome:
        """After a plan was weighed: the next one, or what the best of them gives."""
        best, (sure, least) = self._weighing.best, self._chat.sure
        self._own_plan = best.text
        self._probability *= math.exp(best.log_probability)
        if best.error is not None:
            return self._misunderstood(best.error)
        if best.score < least:
            return self._fall_back()
        within = [reply for reply in best.replies if not _is_beyond(reply)]
        if not within:
            return self._speak(best.replies[0])
        self._after = within[-1].turn
        first = within[0].results[0]
        if best.score < sure and not isinstance(first, _UNSURE_ANYWAY) and not is_unknown(first):
            within[0] = replace(within[0], results=(r.Unsure(), *within[0].results))
        return self._say(within)

    def _fall_back(self) -> Outcome:
        """No plan is believed: tell of the one thing that the question names, else that what it asks is not told."""
        scene = self._setting.scene(self._turn_before)
        told = fall_back(self._question, scene, "zh" if is_chinese(self._question) else "en")
        if told is None:
            keys = [
                key for weighed in self._weighing.all for key in weighed.unknown if self._weighing.doubts.is_said(key)
            ]
            result = r.Unknown(keys[0], ()) if keys else r.NotUnderstood("unsure")
            return self._say([r.Reply((result,), r.Turn(q.Beyond(), ()))])
        self._own_plan, reply = told
        self._after = reply.turn
        return self._say([without_depths(reply, self._setting.flat)])

    def _read(self, question: str, before: r.Turn | None) -> Reading | None:
        """What a question says by its words alone."""
        if not self._chat.reads_words:
            return None
        return read(question, self._setting.scene(before), "zh" if is_chinese(question) else "en")

    def _read_before(self) -> r.Turn | None:
        """What the turn before was about, where only its words are known and they can be read."""
        reading = self._read(self._before.turns[-1].question, None) if self._before.turns else None
        if reading is None or reading.confidence < SURE:
            return None
        return self._turn_of(reading.plan)

    @cached_property
    def _weighing(self) -> Weighing:
        before = " ".join(f"{exchange.question} {exchange.text}" for exchange in self._before.turns[-TURNS_BEFORE:])
        scene = self._setting.scene(self._turn_before)
        return Weighing(self._question, before, scene, self._setting.flat)

    def _plan_before(self, text: str, log_probability: float) -> Outcome:
        """Plan the question before first, of which only words are known."""
        self._waiting = (text, log_probability)
        told = [(exchange.question, exchange.text) for exchange in self._before.turns[:-1]]
        return self._plan_of((self._scene, self._ask(self._before.turns[-1].question, told, False)))

    def _recall(self, text: str) -> Outcome:
        """The question before was planned; go on with the plan that waited for it."""
        self._turn_before = self._turn_of(text)
        assert self._waiting is not None
        waiting, self._waiting = self._waiting, None
        return self._settle(*waiting)

    def _turn_of(self, text: str) -> r.Turn:
        """The turn before, of which a plan says what it was about and its answer's names what it spoke of."""
        try:
            turn = execute(parse(text), self._setting.scene(None))[-1].turn
        except PlanError:
            turn = r.Turn(q.Beyond(), ())
        named = self._setting.named_in(self._before.turns[-1].text)
        both = tuple(k for k in turn.things if k in named)
        return replace(turn, things=both or named or turn.things)

    def _speak(self, reply: r.Reply) -> Outcome:
        """Have the model speak of what is beyond; where it cannot, or not in this language, say so. To thanks and the
        like, where the app gives it no part to play, it says what anyone does."""
        kind = None if self._turn.instructions.strip() else courtesy(self._question, self._language)
        if kind is not None:
            return self._say([replace(reply, results=(r.Courtesy(kind),))])
        try:
            if speaks(self._chat, self._language):
                self._spoken = self._open_spoken(with_honesty(self._turn))
                return self._spoken.begin()
        except ModelError:
            self._spoken = None
        return self._say([reply])

    def _say(self, replies: Sequence[r.Reply]) -> Outcome:
        """Say replies as they are, up to the limit of tokens; what they rest on and do not name is pointed at."""
        steps = steps_of(replies, self._setting.scene(None), self._language)
        n_left = self._n_chars_within("".join(words for words, _ in steps))
        events: list[Event] = []
        for words, k in steps:
            if len(words) > n_left:
                events += self._put(words[:n_left], None)
                return Outcome(events, over=FinishReason.TOKEN_LIMIT)
            n_left -= len(words)
            events += self._put(words, k)
        return Outcome(events, over=FinishReason.STOP)

    def _put(self, words: str, k: int | None) -> list[Event]:
        """Words, and that they mean entry k."""
        events: list[Event] = []
        if words:
            self._parts.append(words)
            events.append(TextDelta(words))
        if k is not None:
            entry = self._setting.entries[k]
            self._parts.append(entry)
            events.append(Mention(k, self._setting.called[k], self._probability, entry, len(words)))
        return events


class PlannedScript(PlannedTelling):
    """The tokens of a decoder on this machine."""

    def __init__(self, family: Chat, turn: Turn, memory: ChatMemory) -> None:
        self._family, self._search = family, Search()
        super().__init__(family, turn, memory)

    def ahead(self) -> Ahead:
        """What runs the scene."""
        return Ahead((self._scene,), self._before, PLAN)

    def take(self, token: int, probability: float) -> Outcome:
        if self._spoken is not None:
            return self._spoken.take(token, probability)
        self._planning.take(token, probability)
        self._n_tokens += 1
        is_over = token in self._family.stops
        if not is_over:
            self._plan += self._stream.feed(token)
            is_over = "\n" in self._plan
            if not is_over and self._n_tokens < MAX_PLAN_TOKENS:
                return Outcome()
        plan = self._plan.partition("\n")[0].strip() if is_over else ""  # half a plan is none
        if self._waiting:
            return self._recall(plan)
        self._search.add(self._planning)
        return self._settle(plan, -self._planning.cost)

    def _go_on(self) -> Outcome:
        best = self._weighing.best.score
        beginning = self._search.next(best) if self._weighing.n_tried < MAX_TRIED else None
        return super()._go_on() if beginning is None else self._plan_of((self._scene, self._asked), beginning)

    def _ask(self, question: str, before: Sequence[tuple[str, str]], points: bool) -> Span:
        n_ctx = self._family.n_ctx
        own = self._family.tokenizer.encode(question_text(question, (), points))
        ids = self._family.tokenizer.encode(question_text(question, before, points))
        if len(ids) > max(QUESTION_TOKENS, n_ctx // 4):
            ids = own
        return Span(ids, (("past", len(ids) - len(own)), (self._kind, len(own))))

    def _lay_out(self, text: str) -> Span:
        ids = self._family.tokenizer.encode(text)
        return Span(ids, (("scene" if self._turn.graph else "image", len(ids)),))

    def _plan_of(self, spans: tuple[Span, ...], beginning: Beginning = NOTHING) -> Outcome:
        self._stream, self._plan, self._n_tokens = self._family.tokenizer.stream(), "", 0
        self._planning = Planning(self._family.never, beginning)
        return Outcome(next=Pass(spans, MAX_PLAN_TOKENS, self._planning, PLAN, greedy=True))

    def _open_spoken(self, turn: Turn) -> ChatScript:
        return ChatScript(self._family, turn, self._before)

    def _n_chars_within(self, text: str) -> int:
        ids, n = self._family.tokenizer.encode(text), self._turn.max_new_tokens
        return len(text) if len(ids) <= n else len(self._family.tokenizer.decode(ids[:n]).rstrip("\ufffd"))


def _is_beyond(reply: r.Reply) -> bool:
    return all(isinstance(result, r.OutOfScene) for result in reply.results)
