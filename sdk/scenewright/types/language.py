"""What a language model alone gives."""

from __future__ import annotations

from dataclasses import dataclass

from scenewright.types.outputs import FinishReason, Timings, Usage


@dataclass(frozen=True)
class GeneratedToken:
    """A token as the vocabulary writes it, and the natural logarithm of its probability before sampling changed it."""

    id: int
    token: str
    log_probability: float


@dataclass(frozen=True)
class GeneratedSequence:
    """A continuation without its prompt. `log_probability` is the sum of its tokens'; `score` what a beam search chose
    it by; `tokens` are there if they were asked for."""

    text: str
    finish_reason: FinishReason
    log_probability: float
    output_tokens: int
    score: float | None = None
    tokens: tuple[GeneratedToken, ...] = ()


@dataclass(frozen=True)
class Generation:
    """The continuations of a prompt, the best first."""

    sequences: tuple[GeneratedSequence, ...]
    usage: Usage
    timings: Timings

    @property
    def text(self) -> str:
        """Of the first."""
        return self.sequences[0].text
