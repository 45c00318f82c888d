"""The language model alone: it goes on from any text, and from nothing else."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from scenewright_server.families.chat.memory import ChatMemory
from scenewright_server.families.chat.schema import SchemaGuide, make_guides
from scenewright_server.families.chat.tokenizer import ChatTokenizer, TextStream
from scenewright_server.families.family import (
    Event,
    FinishReason,
    KVShape,
    ModelError,
    Outcome,
    Pass,
    Span,
    TextDelta,
)
from scenewright_server.families.writing import Token

N_BEFORE = 8
"""Tokens of the prompt that say how the first ones after it are written: with a space before them, or not."""


class ChatWriter:
    """See `families.writing.Writer`."""

    tells_tokens = True

    def __init__(
        self, tokenizer: ChatTokenizer, stops: frozenset[int], n_logits: int, shape: KVShape, adapter: str = ""
    ) -> None:
        self._tokenizer, self._stops, self._shape, self._adapter = tokenizer, stops, shape, adapter
        never = torch.zeros(n_logits, dtype=torch.bool)
        never[tokenizer.n_ids :] = True  # ids that mean nothing
        self._never = never.to(shape.device)
        self._guides: Callable[[str], SchemaGuide] | None = None  # made when a schema is first asked for

    def read(self, prompt: str) -> tuple[int, ...]:
        return (*self._tokenizer.opening, *self._tokenizer.encode(prompt))

    def open(self, prompt: tuple[int, ...], max_new_tokens: int, json_schema: str = "") -> ChatWriting:
        room = self._shape.n_ctx - len(prompt)
        if room <= 0:
            raise ModelError(
                "CONTEXT_FULL",
                f"the context holds {self._shape.n_ctx} positions, the prompt alone has {len(prompt)}",
                field="prompt", value=len(prompt), bound=self._shape.n_ctx - 1,
            )  # fmt: skip
        guide = None
        if json_schema:
            if self._guides is None:
                self._guides = make_guides(self._tokenizer.file, len(self._never), self._stops)
            guide = self._guides(json_schema)
        n_new = min(max_new_tokens, room)
        return ChatWriting(prompt, n_new, self._stops, self._never, self._stream, self._name, guide, self._adapter)

    def _name(self, id: int) -> str:
        return self._tokenizer.name(id)

    def _stream(self, prompt: Sequence[int]) -> TextStream:
        """A stream that has read the end of a prompt."""
        stream = self._tokenizer.stream()
        for id in prompt[-N_BEFORE:]:
            stream.feed(id)
        return stream


class ChatWriting:
    """See `families.writing.LocalWriting`. It is its own constraint: any token, but those that a schema forbids. A
    repetition penalty falls on the prompt's tokens too, as in transformers."""

    forced: Sequence[int] = ()

    def __init__(
        self,
        prompt: tuple[int, ...],
        max_new_tokens: int,
        stops: frozenset[int],
        never: Tensor,
        stream: Callable[[Sequence[int]], TextStream],
        name: Callable[[int], str],
        guide: SchemaGuide | None,
        adapter: str,
    ) -> None:
        self.prompt, self.stops = prompt, stops
        self.ids: list[int] = []
        self.log_probabilities: list[float] = []
        self._never, self._guide, self._stream_after, self._name = never, guide, stream, name
        self._stream = stream(prompt)
        span = Span(prompt, (("text", len(prompt)),))
        self._pass = Pass((span,), max_new_tokens, self, adapter)

    @property
    def said(self) -> Sequence[int]:
        return [*self.prompt, *self.ids]

    def mask(self, logits: Tensor) -> Tensor:
        logits = logits.masked_fill(self._never, float("-inf"))
        return logits if self._guide is None else self._guide.mask(logits)

    def begin(self) -> Outcome:
        return Outcome(next=self._pass)

    def take(self, token: int, probability: float) -> Outcome:
        self.ids.append(token)
        self.log_probabilities.append(math.log(max(probability, 1e-45)))
        if token in self.stops:
            return Outcome(over=FinishReason.STOP)
        text = self._stream.feed(token)
        is_whole = self._guide is not None and self._guide.take(token)
        return Outcome((TextDelta(text),) if text else (), over=FinishReason.STOP if is_whole else None)

    def finish(self) -> Sequence[Event]:
        return ()

    @property
    def confidence(self) -> float:
        """The geometric mean of the tokens' probabilities."""
        n = len(self.log_probabilities)
        return math.exp(sum(self.log_probabilities) / n) if n else 1.0

    @property
    def tokens(self) -> list[Token]:
        return [self.token(id, log) for id, log in zip(self.ids, self.log_probabilities, strict=True)]

    def token(self, id: int, log_probability: float) -> Token:
        return Token(id, self._name(id), log_probability)

    def memory(self, n_chars: int | None = None) -> ChatMemory:
        """Nothing: what was gone on from is no dialogue."""
        return ChatMemory()

    def text(self, ids: Sequence[int]) -> str:
        stream = self._stream_after(self.prompt)
        return "".join(stream.feed(id) for id in ids if id not in self.stops)
