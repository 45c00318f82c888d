"""Plans by an endpoint, from a prompt alone: `plan_prompt.txt` tells the language and gives examples. A text that is no
plan is asked for again; if it never is one, the model answers in one pass, as one does that does not plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from scenewright_server.families.chat.memory import ChatMemory
from scenewright_server.families.chat.planned import MAX_PLAN_TOKENS, QUESTION_TOKENS, PlannedTelling
from scenewright_server.families.chat.planning import question_text
from scenewright_server.families.chat.remote_script import RemoteScript
from scenewright_server.families.endpoint import Completion, Form, Piece, Role
from scenewright_server.families.family import Outcome, SpanKind, Turn
from scenewright_server.scene.expressions import PlanError
from scenewright_server.scene.parsing import parse

if TYPE_CHECKING:
    from scenewright_server.families.chat.remote import RemoteChat

PROMPT = Path(__file__).with_name("plan_prompt.txt")


@dataclass(frozen=True)
class Words:
    """Words for the planner, and how many tokens they may be."""

    text: str
    n: int
    kind: SpanKind

    def __len__(self) -> int:
        return self.n


class RemotePlannedScript(PlannedTelling):
    """Text of an endpoint; see `families.endpoint.TextScript`. Readings are trusted more than beside a decoder that has
    learnt to plan: what is read surely costs no call."""

    read = (0.5, 10.0)

    def __init__(self, family: RemoteChat, turn: Turn, memory: ChatMemory) -> None:
        self._family = family
        super().__init__(family, turn, memory)

    def take(self, token: int, probability: float) -> Outcome:
        raise AssertionError("an endpoint gives text, no tokens")

    def take_text(self, piece: Piece) -> Outcome:
        if self._spoken is not None:
            return self._spoken.take_text(piece)
        self._probability *= piece.probability
        self._n_tokens = self._family.n_tokens(piece.text)
        plan = read_plan(piece.text)
        if self._waiting:
            return self._recall(plan)
        self._own_plan = plan
        return self._settle(plan)

    def end_pass(self) -> Outcome:
        assert self._spoken is not None  # a plan comes whole
        return self._spoken.end_pass()

    def _ask(self, question: str, before: Sequence[tuple[str, str]], points: bool) -> Words:
        text = question_text(question, before, points)
        if self._family.n_tokens(text) > max(QUESTION_TOKENS, self._family.n_ctx // 4):
            text = question_text(question, (), points)
        return Words(text, self._family.n_tokens(text), self._kind)

    def _lay_out(self, text: str) -> Words:
        n = self._family.n_tokens(text) + self._family.n_tokens(plan_prompt())
        return Words(text, n, "scene" if self._turn.graph else "image")

    def _plan_of(self, spans: tuple[Words, ...]) -> Outcome:
        messages: tuple[tuple[Role, str], ...] = (
            ("system", plan_prompt()),
            ("user", "\n".join(words.text for words in spans)),
        )
        counts = tuple((words.kind, words.n) for words in spans)
        return Outcome(next=Completion(messages, counts, MAX_PLAN_TOKENS, Form(_fault, strict=False)))

    def _open_spoken(self, turn: Turn) -> RemoteScript:
        return RemoteScript(self._family, turn, self._before)

    def _misunderstood(self, error: PlanError) -> Outcome:
        self._spoken = self._open_spoken(self._turn)
        return self._spoken.begin()

    def _n_chars_within(self, text: str) -> int:
        n_bytes = self._family.n_bytes(self._turn.max_new_tokens)
        return len(text.encode()[:n_bytes].decode(errors="ignore"))


@cache
def plan_prompt() -> str:
    """What a model is told that has not learnt to plan."""
    return PROMPT.read_text(encoding="utf-8").strip()


def examples() -> list[tuple[str, str]]:
    """Of the prompt: what is asked, and its plan."""
    lines = (line.partition(" => ") for line in plan_prompt().splitlines())
    return [(question, plan) for question, arrow, plan in lines if arrow]


def read_plan(text: str) -> str:
    """A plan out of what a model wrote: its first line, without what it put around it."""
    line = next((line for line in text.replace("```", "\n").splitlines() if line.strip()), "")
    return line.strip().removeprefix("Plan:").removeprefix("=>").strip(" `")


def _fault(text: str) -> str:
    try:
        parse(read_plan(text))
    except PlanError as error:
        return f"it is no plan: {error}"
    return ""
