"""What comes out of a call."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from scenewright.types.inputs import Features


@dataclass(frozen=True)
class Box:
    """A rectangle in fractions of the upright image, origin at the top left."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Point:
    """A point in fractions of the upright image, origin at the top left."""

    x: float
    y: float


@dataclass(frozen=True)
class TextSpan:
    """`length` characters of a response's whole text from `start` on; characters as Python counts them."""

    start: int
    length: int


@dataclass(frozen=True)
class Annotation:
    """A label with a place: a `target` in the image, an `object_id` of the scene graph, or both.

    With `spans` these words of the response mean it; without, the response is about it.
    """

    id: str
    label: str
    target: Box | Point | None = None
    object_id: str = ""
    anchor_id: str = ""
    frame_id: str = ""
    confidence: float | None = None
    spans: tuple[TextSpan, ...] = ()

    @property
    def box(self) -> Box | None:
        """The target if it is a box."""
        return self.target if isinstance(self.target, Box) else None


class FinishReason(str, enum.Enum):
    """Why a response ended."""

    COMPLETED = "completed"
    TOKEN_LIMIT = "token_limit"
    INTERRUPTED = "interrupted"
    CANCELLED = "cancelled"
    FAILED = "failed"
    NO_SPEECH = "no_speech"
    UNKNOWN = "unknown"  # a newer server's


@dataclass(frozen=True)
class Usage:
    """What a response cost, in decoder positions."""

    text_tokens: int = 0
    image_tokens: int = 0
    audio_tokens: int = 0
    scene_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True)
class Timings:
    """Where the time went, milliseconds; `silence_ms`, `transcript_ms` and `first_text_ms` in live conversations."""

    queue_ms: float = 0.0
    decode_ms: float = 0.0
    encode_image_ms: float = 0.0
    encode_audio_ms: float = 0.0
    prefill_ms: float = 0.0
    first_token_ms: float = 0.0
    generate_ms: float = 0.0
    total_ms: float = 0.0
    silence_ms: float = 0.0
    transcript_ms: float = 0.0
    first_text_ms: float = 0.0


@dataclass(frozen=True)
class TextDelta:
    """The next words of a stream, spaces included."""

    text: str


@dataclass(frozen=True)
class Question:
    """The question as the server understood it; `confidence` is set if it was spoken."""

    text: str
    spoken: bool = False
    confidence: float | None = None


@dataclass(frozen=True)
class Done:
    """The last event of a response; `confidence` is the model's in it, where it knows."""

    finish_reason: FinishReason
    usage: Usage
    timings: Timings
    confidence: float | None = None


ResponseEvent: TypeAlias = "TextDelta | Annotation | Done"
AskEvent: TypeAlias = "Question | TextDelta | Annotation | Done"


@dataclass(frozen=True)
class Description:
    """What a frame or a scene graph shows."""

    text: str
    annotations: tuple[Annotation, ...]
    finish_reason: FinishReason
    usage: Usage
    timings: Timings
    confidence: float | None = None


@dataclass(frozen=True)
class Answer:
    """An answer, with the question as it was understood."""

    question: Question
    text: str
    annotations: tuple[Annotation, ...]
    finish_reason: FinishReason
    usage: Usage
    timings: Timings
    confidence: float | None = None


@dataclass(frozen=True)
class Transcript:
    """What was said; `no_speech` when nothing was."""

    text: str
    confidence: float
    no_speech: bool
    duration_s: float
    timings: Timings


@dataclass(frozen=True)
class Utterance:
    """What was said of one utterance so far; it replaces the one before until `is_final`.

    `start_ms` and `end_ms` count the stream's audio; `confidence` is set in the final one.
    """

    text: str
    is_final: bool
    confidence: float | None
    start_ms: int
    end_ms: int


@dataclass(frozen=True)
class AudioEncoding:
    """`features` may be sent in place of the recording."""

    features: Features
    timings: Timings


@dataclass(frozen=True)
class ImageEmbedding:
    """`values` (E,) float32 of length 1; `features` if they were asked for."""

    values: np.ndarray
    features: Features | None
    timings: Timings


@dataclass(frozen=True)
class RankedLabel:
    """How well a label fits: cosine `similarity` in [-1, 1], `probability` among the labels of the call."""

    label: str
    similarity: float
    probability: float


@dataclass(frozen=True)
class Encoder:
    """An encoder whose features the server takes; 0 in `feature_shape` stands for any size."""

    id: str
    modality: str
    checkpoint_sha256: str
    preprocessing_id: str
    preprocessing: str
    feature_shape: tuple[int, ...]
    dtypes: tuple[str, ...]


@dataclass(frozen=True)
class Limits:
    """Every bound on the input."""

    max_message_bytes: int
    max_image_bytes: int
    max_image_pixels: int
    max_image_side: int
    max_image_aspect: float
    max_audio_bytes: int
    max_audio_s: float
    max_text_chars: int
    max_instruction_chars: int
    max_history_turns: int
    max_scene_objects: int
    max_facts: int
    max_label_chars: int
    max_texts: int
    max_new_tokens: int
    max_context_tokens: int
    max_sessions: int
    max_session_ttl_s: int
    max_requests: int
    max_live_s: int
    max_resume_s: int
    max_live_events: int
    max_live_frames_per_s: float
    max_live_lead_s: float


@dataclass(frozen=True)
class Model:
    """A model that the server runs, what it can do, what it knows and what it does not.

    `languages` it reads and writes, `speech_languages` it hears. `contract` counts the additions to the server's
    contract: a lower number than `scenewright.CONTRACT` is an older server's.
    """

    name: str
    version: str
    sha256: str
    architecture: str
    n_parameters: int
    capabilities: tuple[str, ...]
    languages: tuple[str, ...]
    speech_languages: tuple[str, ...]
    fusion: Mapping[str, str]
    embedding_dimension: int
    encoders: tuple[Encoder, ...]
    limits: Limits
    knows: str
    does_not_know: str
    license: str
    device: str
    server_version: str
    contract: int
