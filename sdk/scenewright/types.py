"""What goes into a call and what comes out: frozen dataclasses. `_convert` knows their protobuf."""

from __future__ import annotations

import enum
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeAlias

import numpy as np
from PIL import Image

Vector: TypeAlias = tuple[float, float, float]
Handedness: TypeAlias = Literal["left", "right"]
NO_ROTATION = (0.0, 0.0, 0.0, 1.0)


@dataclass(frozen=True)
class Pose:
    """Where something is in the world: `position` in metres, `rotation` a quaternion (x, y, z, w)."""

    position: Vector
    rotation: tuple[float, float, float, float] = NO_ROTATION


@dataclass(frozen=True)
class Intrinsics:
    """A pinhole camera in pixels, of an image of `width` x `height` before it is made upright."""

    fx: float
    fy: float
    cx: float
    cy: float
    width: int
    height: int


@dataclass(frozen=True)
class Viewpoint:
    """Where a scene graph is seen from when no image comes with it."""

    pose: Pose
    intrinsics: Intrinsics | None = None


@dataclass(frozen=True)
class SceneObject:
    """One thing that the app knows to be there; `extents` is its full width, height and depth in metres."""

    id: str
    label: str
    pose: Pose
    extents: Vector | None = None
    anchor_id: str = ""
    aliases: Sequence[str] = ()
    description: str = ""


@dataclass(frozen=True)
class SceneGraph:
    """A snapshot of the scene; `handedness` is "left" (Unity: z forward) or "right" (OpenGL: z backward)."""

    objects: Sequence[SceneObject]
    viewpoint: Viewpoint | None = None
    revision: int = 0
    handedness: Handedness = "left"


@dataclass(frozen=True)
class Features:
    """What an encoder made of an image or a recording: `data` is row-major, little-endian.

    It may be sent in place of what it was made of, to a server with the very same encoder.
    """

    encoder_id: str
    checkpoint_sha256: str
    preprocessing_id: str
    shape: tuple[int, ...]
    dtype: Literal["float32", "float16", "bfloat16"]
    data: bytes = field(repr=False)


ImageSource: TypeAlias = "str | os.PathLike[str] | bytes | Image.Image | np.ndarray | Features"
"""A JPEG, PNG or WebP file's path or bytes, a PIL image, a uint8 array (H, W, 3 or 4), or features."""


@dataclass(frozen=True)
class Frame:
    """An image and what is known of the camera that took it.

    `rotation` is the clockwise turn that makes the image upright: 0, 90, 180 or 270 degrees. `frame_id` comes
    back in every annotation of this frame.
    """

    image: ImageSource
    frame_id: str = ""
    capture_time: datetime | None = None
    rotation: int = 0
    mirrored: bool = False
    intrinsics: Intrinsics | None = None
    camera_pose: Pose | None = None
    handedness: Handedness = "left"


FrameLike: TypeAlias = "ImageSource | Frame"
SceneLike: TypeAlias = "SceneGraph | Mapping[str, Any] | str | os.PathLike[str]"
"""A scene graph, the same as a dict in protobuf's JSON mapping, or the path of a file with that JSON."""
AudioLike: TypeAlias = "str | os.PathLike[str] | bytes | tuple[np.ndarray, int] | Features"
"""A WAV, FLAC or OGG file's path or bytes, (samples, rate in hertz), or features.

Samples are (n,) or (n, channels); int16, or floats in [-1, 1]."""


@dataclass(frozen=True)
class Sampling:
    """How tokens are chosen; what is None stays as the server has it: greedy, up to the model's limit."""

    max_new_tokens: int | None = None
    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    repetition_penalty: float | None = None
    stop: Sequence[str] = ()
    seed: int | None = None


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
class Annotation:
    """A label with a place: a `target` in the image, an `object_id` of the scene graph, or both."""

    id: str
    label: str
    target: Box | Point | None = None
    object_id: str = ""
    anchor_id: str = ""
    frame_id: str = ""
    confidence: float | None = None

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
    """The last event of a stream."""

    finish_reason: FinishReason
    usage: Usage
    timings: Timings


DescribeEvent: TypeAlias = "TextDelta | Annotation | Done"
AskEvent: TypeAlias = "Question | TextDelta | Annotation | Done"


@dataclass(frozen=True)
class Description:
    """What a frame or a scene graph shows."""

    text: str
    annotations: tuple[Annotation, ...]
    finish_reason: FinishReason
    usage: Usage
    timings: Timings


@dataclass(frozen=True)
class Answer:
    """An answer, with the question as it was understood."""

    question: Question
    text: str
    annotations: tuple[Annotation, ...]
    finish_reason: FinishReason
    usage: Usage
    timings: Timings


@dataclass(frozen=True)
class Transcript:
    """What was said; `no_speech` when nothing was."""

    text: str
    confidence: float
    no_speech: bool
    duration_s: float
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
    max_scene_objects: int
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
    """What the server runs, what it can do, what it knows and what it does not."""

    name: str
    version: str
    sha256: str
    architecture: str
    n_parameters: int
    capabilities: tuple[str, ...]
    languages: tuple[str, ...]
    fusion: Mapping[str, str]
    embedding_dimension: int
    encoders: tuple[Encoder, ...]
    limits: Limits
    knows: str
    does_not_know: str
    license: str
    device: str
