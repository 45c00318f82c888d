"""All that the rest of the house may know of a decoder that lives elsewhere: text goes there, text comes back."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

from scenewright_server.families.family import FinishReason, Outcome, Script, SpanKind


@dataclass(frozen=True)
class Form:
    """What the text of a completion must be: `fault` says why a text is not, "" where it is. `grammar` (GBNF) and
    `schema` (JSON) say the same to an endpoint that takes one of them. Where a text never is, that is an error if the
    form is `strict`; else the script is given the last one all the same."""

    fault: Callable[[str], str]
    grammar: str = ""
    schema: Mapping[str, Any] | None = None
    strict: bool = True


Role: TypeAlias = Literal["system", "user", "assistant"]


@dataclass(frozen=True)
class Completion:
    """One run of a decoder that lives elsewhere: a dialogue in, or a plain text, text out.

    messages: who says what; none where a text is gone on from. counts: about how many tokens of them are of which kind.
    form: none for free speech. prompt: the plain text. schema: the JSON schema that what follows it must be of.
    """

    messages: tuple[tuple[Role, str], ...]
    counts: tuple[tuple[SpanKind, int], ...]
    max_new_tokens: int
    form: Form | None = None
    prompt: str = ""
    schema: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Piece:
    """Text of a completion, and its tokens as the vocabulary writes them with the natural logarithms of their
    probabilities; none where the endpoint does not tell them."""

    text: str
    tokens: tuple[tuple[str, float], ...] = ()

    @property
    def probability(self) -> float:
        """The geometric mean of its tokens', 1 where they are not told."""
        logs = [log for _, log in self.tokens]
        return math.exp(min(sum(logs) / len(logs), 0.0)) if logs else 1.0


@runtime_checkable
class TextScript(Script, Protocol):
    """The course of a response of which every pass is a completion. `take_text` and `end_pass` stand for `take`."""

    def take_text(self, piece: Piece) -> Outcome:
        """Words came; of a completion with a form all at once."""

    def end_pass(self) -> Outcome:
        """The completion has ended: what comes next, if anything does."""


@dataclass(frozen=True)
class Ended:
    """A completion's end, and the tokens that it took: given, of these found in a cache, and generated; 0 where the
    endpoint does not tell."""

    reason: FinishReason
    n_given: int = 0
    n_cached: int = 0
    n_generated: int = 0


@runtime_checkable
class Endpoint(Protocol):
    """A decoder that lives elsewhere, reached over a network from the event loop's thread."""

    @property
    def n_ctx(self) -> int: ...

    @property
    def n_at_once(self) -> int:
        """Completions that it is asked for at a time."""

    def complete(
        self,
        completion: Completion,
        *,
        temperature: float,
        top_k: int,
        top_p: float,
        repetition_penalty: float,
        seed: int | None,
        stop: Sequence[str] = (),
    ) -> AsyncGenerator[Piece | Ended, None]:
        """The text as it comes, Ended the last; what follows a plain text may end before one of `stop`. Closing the
        generator, or cancelling its task, closes the connection.

        Raises ModelError: ENDPOINT_UNAVAILABLE, ENDPOINT_TIMEOUT, ENDPOINT_REFUSED, ENDPOINT_INVALID,
        FIELD_OUT_OF_RANGE for a way of sampling that it does not know.
        """

    async def close(self) -> None:
        """Let go of all connections."""
