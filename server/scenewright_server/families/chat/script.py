"""One response of a chat model: a single pass, in which it reads what is here and what is known, and speaks."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from scenewright_server.families.ahead import Ahead
from scenewright_server.families.chat.grounding import GroundingReader
from scenewright_server.families.chat.memory import ChatMemory, Exchange, Part, first_chars
from scenewright_server.families.chat.prompt import DESCRIBE, INSTRUCTIONS, NO_SPEECH, NOTHING, NOW, SPEAK, Said
from scenewright_server.families.chat.roster import Roster
from scenewright_server.families.chat.tokenizer import ChatTokenizer
from scenewright_server.families.family import (
    Event,
    FinishReason,
    Heard,
    Mention,
    ModelError,
    Outcome,
    Pass,
    SpanKind,
    TextDelta,
    Turn,
)
from scenewright_server.languages import LANGUAGES
from scenewright_server.scene.entries import is_same, merge
from scenewright_server.scene.pointing import first_met
from scenewright_server.scene.words import is_chinese

if TYPE_CHECKING:
    from scenewright_server.families.chat.base import ChatBase
    from scenewright_server.families.chat.chat import Chat

MOST_TOLD = 1000
"""Tokens of facts that are told of all things with a question that names none."""
SHORT, LONG, LONGEST_ROUND = 3, 10, 64
"""Tokens that a model says over and over: from this many on three times, from the next on twice, up to the last."""


class Speech:
    """See `families.family.Constraint`: a model that speaks says something, and then no control token but one that
    ends its answer."""

    forced: Sequence[int] = ()

    def __init__(self, never: Tensor, stops: Tensor) -> None:
        self._never, self._stops = never, stops
        self.said: list[int] = []
        self.has_begun = False  # some text is shown

    def mask(self, logits: Tensor) -> Tensor:
        logits = logits.masked_fill(self._never, float("-inf"))
        return logits if self.has_begun else logits.index_fill(0, self._stops, float("-inf"))


class Telling(ABC):
    """What a model is told and what its words give, wherever its decoder is; see `families.family.Script`."""

    def __init__(self, family: ChatBase, turn: Turn, memory: ChatMemory) -> None:
        self._chat = family
        self._before = memory
        question = turn.question
        self._kind: SpanKind = "audio" if isinstance(question, Heard) else "text"
        self._language = language_of(turn)
        self._question = DESCRIBE[self._language] if question is None else words_of(question)
        self._deaf = isinstance(question, Heard) and not question.text
        self._complete = False
        self._parts: list[Part] = []  # of the answer
        self._log_probabilities: list[float] = []
        self._since_mention = 0  # how many of them there were when the last thing was mentioned
        self._n_given = self._n_said = 0  # positions of what it is told, and of its answer
        if not self._deaf:
            self._open(turn)

    def _open(self, turn: Turn) -> None:
        family, before = self._chat, self._before
        self._roster = read_roster(family, turn)
        entries = self._roster.entries
        focus = [k for k, entry in enumerate(entries) if any(is_same(entry, old) for old in before.focus)]
        pointed = None if turn.ray is None else first_met(turn.ray, entries)
        told = self._roster.tell(self._question, focus, pointed, self._language, family.n_tokens, MOST_TOLD)
        scene = self._roster.list_things()
        self._system = [Said(turn.instructions.strip() or INSTRUCTIONS, "text")]
        if scene:
            self._system.append(Said(f"\n\nThe things here:\n{scene}", "scene"))
        told = f"{NOW[self._language]}\n{told}" if entries else NOTHING[self._language]
        self._asked = [Said(f"{told}\n\n", "scene" if turn.graph else "image")]
        self._asked.append(Said(f"{self._question} {SPEAK[self._language]}".strip(), self._kind))
        self._fit(turn.max_new_tokens)
        self._reader = GroundingReader(self._roster.by_number, self._roster.names)

    def _fit(self, n_new: int) -> None:
        """Lay the dialogue out, without as many of its oldest turns as must give way."""
        n_ctx, self._past = self._chat.n_ctx, self._before.turns
        while True:
            counts = self._lay_out()
            self._n_given = sum(counts.values())
            room = n_ctx - self._n_given
            if not self._past or room >= n_new:
                break
            self._past = self._past[1:]
        if room <= 0:
            n_scene = counts["scene"]
            raise ModelError(
                "CONTEXT_FULL",
                f"the context holds {n_ctx} positions, received {self._n_given}, of which {n_scene} are the scene's",
                bound=n_ctx,
                value=self._n_given,
                scene=n_scene,
            )
        self._n_new = min(n_new, room)

    @abstractmethod
    def _lay_out(self) -> Counter[SpanKind]:
        """Write what is told, `_system`, `_written()` and `_asked`, for the decoder; its positions by kind."""

    def _written(self) -> list[tuple[str, str]]:
        """The turns before, with the numbers that their things have now."""
        return [(turn.question, "".join(map(self._write, turn.answer))) for turn in self._past]

    def _write(self, part: Part) -> str:
        if isinstance(part, str):
            return part
        k = next((k for k, entry in enumerate(self._roster.entries) if is_same(entry, part)), None)
        return "" if k is None else f" [{self._roster.numbers[k]}]"

    def _say_deaf(self) -> Outcome:
        return Outcome((TextDelta(NO_SPEECH[self._language]),), over=FinishReason.NO_SPEECH)

    def finish(self) -> Sequence[Event]:
        self._complete = True
        return [] if self._deaf else self._ground(self._reader.finish())

    @property
    def confidence(self) -> float:
        """The geometric mean of the tokens' probabilities."""
        n = len(self._log_probabilities)
        return math.exp(sum(self._log_probabilities) / n) if n else 1.0

    def memory(self, n_chars: int | None = None) -> ChatMemory:
        if self._deaf:
            return self._before
        parts = tuple(self._parts)
        if not self._complete or n_chars is not None:
            parts = first_chars(parts, n_chars or 0)
        if not any(isinstance(part, str) for part in parts):
            return self._before
        turns = (*self._past, Exchange(self._question, parts))
        return ChatMemory(turns, self._n_given + self._n_said)

    def _ground(self, read: Sequence[str | int]) -> list[Event]:
        """Words, and mentions of entries."""
        events: list[Event] = []
        for part in read:
            if isinstance(part, str):
                self._parts.append(part)
                events.append(TextDelta(part))
            else:
                entry = self._roster.entries[part]
                self._parts.append(entry)
                events.append(Mention(part, self._roster.name(part), self._sureness(), entry))
        return events

    def _sureness(self) -> float:
        """Of the tokens since the last mention, the geometric mean of their probabilities."""
        since = self._log_probabilities[self._since_mention :]
        self._since_mention = len(self._log_probabilities)
        return math.exp(sum(since) / len(since)) if since else 1.0


class ChatScript(Telling):
    """The tokens of a decoder on this machine."""

    def __init__(self, family: Chat, turn: Turn, memory: ChatMemory) -> None:
        self._family = family
        super().__init__(family, turn, memory)
        self._speech = Speech(family.never, torch.tensor(sorted(family.stops), device=family.never.device))
        self._stream = family.tokenizer.stream()

    def _lay_out(self) -> Counter[SpanKind]:
        self._spans = self._family.prompter.write(self._system, self._written(), self._asked)
        counts: Counter[SpanKind] = Counter()
        for span in self._spans:
            counts.update(dict(span.counts))
        return counts

    def ahead(self) -> Ahead:
        """What runs all that is told before the question."""
        spans = self._family.prompter.write(self._system, self._written(), ())
        return Ahead(tuple(spans[:-1]), self._before, self._family.adapter)  # the last one opens the answer

    def begin(self) -> Outcome:
        if self._deaf:
            return self._say_deaf()
        return Outcome(next=Pass(tuple(self._spans), self._n_new, self._speech, self._family.adapter))

    def take(self, token: int, probability: float) -> Outcome:
        self._log_probabilities.append(math.log(max(probability, 1e-9)))
        if token in self._family.stops:
            return Outcome(over=FinishReason.STOP)
        self._n_said += 1
        self._speech.said.append(token)
        text, line_end, _ = self._stream.feed(token).partition(self._family.line_end or "\0")
        events = self._ground(self._reader.feed(text))
        self._speech.has_begun |= any(isinstance(event, TextDelta) for event in events)
        is_over = bool(line_end and self._parts) or goes_round(self._speech.said)
        return Outcome(events, over=FinishReason.STOP if is_over else None)


def goes_round(said: Sequence[int]) -> bool:
    """Whether tokens end in ones that were said right before them: a small model does not find out of that."""
    for n in range(SHORT, min(LONGEST_ROUND, len(said) // 2) + 1):
        times = 3 if n < LONG else 2
        if len(said) >= times * n and all(said[-k * n - n : -k * n] == said[-n:] for k in range(1, times)):
            return True
    return False


def read_roster(family: ChatBase, turn: Turn) -> Roster:
    """The things of a turn. Raises ModelError SCENE_TOO_LARGE."""
    entries, bound = merge(turn.detections, turn.graph), family.spec.max_objects
    if len(entries) > bound:
        raise ModelError(
            "SCENE_TOO_LARGE",
            f"the scene holds {len(entries)} things, seen and told, {bound} is the model's bound",
            value=len(entries),
            bound=bound,
        )
    return Roster(entries, turn.graph, turn.detections, family.looks)


def never_said(n_logits: int, tokenizer: ChatTokenizer, stops: frozenset[int], device: torch.device) -> Tensor:
    """(V,) true for the tokens that no answer holds: control tokens, and ids that mean nothing."""
    never = torch.zeros(n_logits, dtype=torch.bool)
    never[tokenizer.n_ids :] = True
    never[list(tokenizer.controls)] = True
    never[list(stops)] = False
    return never.to(device)


def language_of(turn: Turn) -> str:
    """Of the answer, as `languages/` names it: the one that is wished for, else the question's."""
    wished = turn.language.split("-")[0].lower()
    if wished:
        return wished if wished in LANGUAGES else "en"
    return "zh" if turn.question is not None and is_chinese(words_of(turn.question)) else "en"


def speaks(family: ChatBase, language: str) -> bool:
    """Whether a model speaks a language, as `languages/` names it."""
    return language in {its.split("-")[0] for its in family.spec.languages}


def words_of(question: str | Heard) -> str:
    return question.text if isinstance(question, Heard) else question
