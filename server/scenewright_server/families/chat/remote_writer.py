"""The language model alone where it lives elsewhere: a plain text goes there, what follows it comes back."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from scenewright_server.families.chat.endpoint import EndpointConfig
from scenewright_server.families.chat.memory import ChatMemory
from scenewright_server.families.chat.schema import read_schema
from scenewright_server.families.endpoint import Completion, Piece
from scenewright_server.families.family import Event, FinishReason, ModelError, Outcome, SpanKind, TextDelta
from scenewright_server.families.writing import Token


class RemoteWriter:
    """See `families.writing.Writer`. `n_tokens` tells how many a text may have at most."""

    def __init__(self, config: EndpointConfig, n_ctx: int, n_tokens: Callable[[str], int]) -> None:
        self._config, self._n_ctx, self._n_tokens = config, n_ctx, n_tokens

    @property
    def tells_tokens(self) -> bool:
        return self._config.logprobs

    def read(self, prompt: str) -> str:
        return prompt

    def open(self, prompt: str, max_new_tokens: int, json_schema: str = "") -> RemoteWriting:
        n_prompt = self._n_tokens(prompt)
        room = self._n_ctx - n_prompt
        if room <= 0:
            raise ModelError(
                "CONTEXT_FULL",
                f"the context holds {self._n_ctx} positions, the prompt alone may have {n_prompt}",
                field="prompt", value=n_prompt, bound=self._n_ctx - 1,
            )  # fmt: skip
        if json_schema and not self._config.takes_schema:
            raise ModelError(
                "FIELD_INVALID",
                "json_schema is set, must be empty: this model's endpoint takes none",
                field="json_schema", value="set", bound="empty for this model's endpoint",
            )  # fmt: skip
        schema = read_schema(json_schema) if json_schema else None
        counts: tuple[tuple[SpanKind, int], ...] = (("text", n_prompt),)
        return RemoteWriting(Completion((), counts, min(max_new_tokens, room), prompt=prompt, schema=schema))


class RemoteWriting:
    """See `families.writing.Writing` and `families.endpoint.TextScript`."""

    def __init__(self, completion: Completion) -> None:
        self.tokens: list[Token] = []
        self._completion = completion

    def begin(self) -> Outcome:
        return Outcome(next=self._completion)

    def take(self, token: int, probability: float) -> Outcome:
        raise AssertionError("an endpoint gives text, no tokens")

    def take_text(self, piece: Piece) -> Outcome:
        self.tokens += [Token(0, name, min(log_probability, 0.0)) for name, log_probability in piece.tokens]
        return Outcome((TextDelta(piece.text),) if piece.text else ())

    def end_pass(self) -> Outcome:
        return Outcome(over=FinishReason.STOP)

    def finish(self) -> Sequence[Event]:
        return ()

    @property
    def confidence(self) -> float:
        """The geometric mean of the tokens' probabilities, 1 where they are not told."""
        n = len(self.tokens)
        return math.exp(sum(token.log_probability for token in self.tokens) / n) if n else 1.0

    def memory(self, n_chars: int | None = None) -> ChatMemory:
        """Nothing: what was gone on from is no dialogue."""
        return ChatMemory()
