"""What goes into the engine and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from scenewright_server.families.family import FinishReason, Mention, ModelError, SpanKind, TextDelta


@dataclass(frozen=True)
class Sampling:
    """How tokens are chosen. The default is greedy.

    Raises ModelError FIELD_OUT_OF_RANGE naming field, value and bound.
    """

    max_new_tokens: int = 160
    temperature: float = 0.0  # 0: the likeliest token
    top_k: int = 0  # 0: all
    top_p: float = 1.0  # the least set of likeliest tokens that holds this mass
    repetition_penalty: float = 1.0  # on text tokens already in the answer (CTRL, Keskar et al. 2019)
    stop: tuple[str, ...] = ()  # the text ends before the first of these
    seed: int | None = None  # the same seed and request give the same answer
    n_beams: int = 1  # more: a beam search, which is greedy, and whose script is a Writing
    early_stopping: bool = False  # a beam search ends once n_beams have ended
    length_penalty: float = 1.0  # a beam's score is its log probability over its length to this power

    def __post_init__(self) -> None:
        for name, ok, bound in (
            ("max_new_tokens", self.max_new_tokens >= 1, ">= 1"),
            ("temperature", 0 <= self.temperature <= 100, "in 0..100"),
            ("top_k", self.top_k >= 0, ">= 0"),
            ("top_p", 0 < self.top_p <= 1, "in (0, 1]"),
            ("repetition_penalty", 0 < self.repetition_penalty <= 100, "in (0, 100]"),
            ("stop", all(self.stop), "no empty string"),
            (
                "n_beams",
                self.n_beams == 1 or (self.n_beams > 1 and self.temperature == 0),
                ">= 1, 1 if sampled",
            ),
        ):
            if not ok:
                value = getattr(self, name)
                raise ModelError("FIELD_OUT_OF_RANGE", f"{name} is {value!r}, must be {bound}", field=name, value=value)


@dataclass(frozen=True)
class Usage:
    """Tokens and soft tokens, each one position of the context."""

    given: dict[SpanKind, int] = field(default_factory=dict)  # of the last pass's spans, by kind
    cached: int = 0  # positions of the session that were not run again
    generated: int = 0


@dataclass(frozen=True)
class Timings:
    """Milliseconds. `first_token` and `total` count from the moment the engine took the script in."""

    queue: float = 0.0
    prefill: float = 0.0
    first_token: float = 0.0
    total: float = 0.0


@dataclass(frozen=True)
class Started:
    """The script has a slot: its turn begins."""


@dataclass(frozen=True)
class Done:
    """The last event of a script that did not fail.

    `confidence` is the probability that what the answer says is so, as far as the model can tell.
    """

    reason: FinishReason
    usage: Usage
    timings: Timings
    confidence: float = 1.0


@dataclass(frozen=True)
class Failed:
    """The last event of a script that failed; a Run raises `error` instead of passing it on."""

    error: Exception


Event = Started | TextDelta | Mention | Done | Failed
