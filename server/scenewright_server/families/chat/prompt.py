"""What a chat model is told: who it is, what is here, and what was asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from scenewright_server.families.chat.template import Message, Template
from scenewright_server.families.chat.tokenizer import ChatTokenizer
from scenewright_server.families.family import Span, SpanKind, Turn

INSTRUCTIONS = (
    "You are a guide to the place that the user stands in. Answer in one or two short sentences, only from what you "
    "are told of the things here. Write the number of every thing that you name behind its name, in brackets. "
    "If you are not told something, say that you do not know it."
)
GUIDE = "You are a guide to the place that the user stands in."
HONEST = (
    "Answer in your own words, in one or two short sentences. Of the things here say only what you are told of them. "
    "If you are asked for something that you are not told, say that you do not know it. Write the number of every "
    "thing that you name behind its name, in brackets."
)
"""What a model is told that speaks of what no plan settles."""
DESCRIBE = {"en": "What is here?", "zh": "这里有什么？"}
NOW = {"en": "As things are now:", "zh": "现在的情况："}
NOTHING = {"en": "Nothing that you know is in sight.", "zh": "视野里没有你认识的东西。"}
SPEAK = {"en": "", "zh": "请用中文回答。"}
NO_SPEECH = {"en": "I did not hear a question.", "zh": "我没有听到问题。"}


@dataclass(frozen=True)
class Said:
    """Words of a message, and what they count as."""

    text: str
    kind: SpanKind


class Prompter:
    """Writes dialogues as a model's template has them."""

    def __init__(self, tokenizer: ChatTokenizer, template: Template) -> None:
        self._tokenizer, self._template = tokenizer, template

    def write(self, system: Sequence[Said], past: Sequence[tuple[str, str]], question: Sequence[Said]) -> list[Span]:
        """The spans of a dialogue up to where the model is to speak."""
        contents: list[Sequence[Said]] = [[Said(text, "past")] for exchange in past for text in exchange]
        messages = [Message(("user", "assistant")[n % 2], n) for n in range(len(contents) + 1)]
        contents.append(question)
        if self._template.has_system:
            messages.insert(0, Message("system", len(contents)))
            contents.append(system)
        else:
            contents[0] = [*system, Said("\n\n", "text"), *contents[0]]
        spans: list[Span] = []
        for part in self._template.lay_out(messages):
            if isinstance(part, str):
                spans.append(_span(self._tokenizer.encode_controls(part), "text"))
            else:
                spans += [_span(self._tokenizer.encode(said.text), said.kind) for said in contents[part]]
        return [span for span in spans if len(span)]

    def behind_answers(self) -> tuple[int, ...]:
        """What the template writes between an answer and the next question."""
        parts = self._template.lay_out([Message(role, n) for n, role in enumerate(("user", "assistant", "user"))])
        between = parts[parts.index(1) + 1]
        return self._tokenizer.encode_controls(between) if isinstance(between, str) else ()


def _span(ids: tuple[int, ...], kind: SpanKind) -> Span:
    return Span(ids, ((kind, len(ids)),))


def with_honesty(turn: Turn) -> Turn:
    """A turn that no plan settles, as the model is told of it."""
    return replace(turn, instructions=f"{turn.instructions.strip() or GUIDE} {HONEST}")
