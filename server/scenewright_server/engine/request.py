"""What goes into the engine and what comes out of it."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from scenewright_server.engine.session import Session
from scenewright_server.families.diorama.audio import Heard
from scenewright_server.families.diorama.markup import TextDelta
from scenewright_server.scene.entries import Detections, Entry, GraphObject


class EngineError(Exception):
    """A request that the engine refuses. `reason` is UPPER_SNAKE; `metadata` repeats the message's numbers.

    Reasons: OVERLOADED (the queue is full), CONTEXT_FULL (scene and question alone pass the model's context),
    AUDIO_TOO_LONG (for the model's hearing), FIELD_OUT_OF_RANGE, FIELD_REQUIRED, SHUTTING_DOWN.
    """

    def __init__(self, reason: str, message: str, **metadata: Any) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.metadata = {key: str(value) for key, value in metadata.items()}


@dataclass(frozen=True)
class Sampling:
    """How tokens are chosen. The default is greedy.

    Raises EngineError FIELD_OUT_OF_RANGE naming field, value and bound.
    """

    max_new_tokens: int = 160
    temperature: float = 0.0  # 0: the likeliest token
    top_k: int = 0  # 0: all
    top_p: float = 1.0  # the least set of likeliest tokens that holds this mass
    repetition_penalty: float = 1.0  # on text tokens already in the answer (CTRL, Keskar et al. 2019)
    stop: tuple[str, ...] = ()  # the text ends before the first of these
    seed: int | None = None  # the same seed and request give the same answer

    def __post_init__(self) -> None:
        for name, ok, bound in (
            ("max_new_tokens", self.max_new_tokens >= 1, ">= 1"),
            ("temperature", 0 <= self.temperature <= 100, "in 0..100"),
            ("top_k", self.top_k >= 0, ">= 0"),
            ("top_p", 0 < self.top_p <= 1, "in (0, 1]"),
            ("repetition_penalty", 0 < self.repetition_penalty <= 100, "in (0, 100]"),
            ("stop", all(self.stop), "no empty string"),
        ):
            if not ok:
                value = getattr(self, name)
                raise EngineError(
                    "FIELD_OUT_OF_RANGE", f"{name} is {value!r}, must be {bound}", field=name, value=value
                )


@dataclass(frozen=True)
class Request:
    """A description, or an answer to a typed question or else a spoken one, about a frame, a graph or both.

    In a session, a frame or graph of None is the one that the session has; an empty graph is an empty graph.
    """

    task: Literal["describe", "ask"]
    frame: np.ndarray | Detections | None = None  # (H, W, 3) uint8 RGB, or what an encoder saw in it
    graph: tuple[GraphObject, ...] | None = None
    question: str | None = None
    audio: np.ndarray | Heard | None = None  # (n,) float32 at 16 kHz, or what an encoder heard in it
    sampling: Sampling = field(default_factory=Sampling)
    session: Session | None = None  # None: a single turn
    language: str = "en"  # of a description; an answer is in the language of its question

    def __post_init__(self) -> None:
        if self.task == "ask" and self.question is None and self.audio is None:
            raise EngineError("FIELD_REQUIRED", "ask needs a question, typed or spoken", field="question")


class FinishReason(str, enum.Enum):
    STOP = "stop"  # the model ended its turn, or a stop string came
    TOKEN_LIMIT = "token_limit"  # max_new_tokens, or the end of the context
    CANCELLED = "cancelled"
    NO_SPEECH = "no_speech"  # the audio held no words, so nothing was asked


@dataclass(frozen=True)
class Usage:
    """Tokens and soft tokens, each one position of the context."""

    prefix: int = 0  # the frame's and the graph's
    prompt: int = 0  # this turn's question
    cached: int = 0  # positions of the session that were not run again
    generated: int = 0


@dataclass(frozen=True)
class Timings:
    """Milliseconds. `first_token` and `total` count from the moment the engine took the request in."""

    queue: float = 0.0
    encode_image: float = 0.0  # looking at frame and graph; near 0 when that was done before
    encode_audio: float = 0.0  # listening; near 0 when that was done before
    prefill: float = 0.0
    first_token: float = 0.0
    total: float = 0.0


@dataclass(frozen=True)
class Started:
    """The request has a slot and its scene has been looked at: `entries` is what mentions refer to."""

    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Transcript:
    """What was said in a recording. `text` is empty when no words were heard."""

    text: str
    confidence: float  # 0..1


@dataclass(frozen=True)
class Mentioned:
    """The answer points at `entry`, the `ref`-th of the scene.

    `words` name it, and have come as text before; they are empty when the answer rests on it.
    """

    ref: int
    words: str
    confidence: float  # 0..1: mean probability of the words' tokens; where there are none, that of the finding
    entry: Entry


@dataclass(frozen=True)
class Done:
    """The last event of a request that did not fail.

    `confidence` is the probability that what the answer says is so, as far as the model can tell.
    """

    reason: FinishReason
    usage: Usage
    timings: Timings
    confidence: float = 1.0


@dataclass(frozen=True)
class Failed:
    """The last event of a request that failed; AsyncEngine raises `error` instead of passing it on."""

    error: Exception


Event = Started | Transcript | TextDelta | Mentioned | Done | Failed
