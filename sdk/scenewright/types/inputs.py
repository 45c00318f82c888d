"""What goes into a call."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
    """A pinhole camera in pixels, of an image of `width` x `height` before it is made upright.

    Where a quarter turn makes it upright and `width` and `height` fit only the upright image, it belongs to that."""

    fx: float
    fy: float
    cx: float
    cy: float
    width: int
    height: int


@dataclass(frozen=True)
class Viewpoint:
    """Where the scene is seen from: the upright camera in the world of the scene graph, and its lens."""

    pose: Pose
    intrinsics: Intrinsics | None = None
    handedness: Handedness | None = None


@dataclass(frozen=True)
class Pointer:
    """A ray in the world of the scene graph, so that "this" means what it meets first.

    `origin` in metres; `direction` of any length but zero.
    """

    origin: Vector
    direction: Vector
    handedness: Handedness | None = None
    source: Literal["gaze", "hand", "controller", "screen"] | None = None


@dataclass(frozen=True)
class Fact:
    """Something known of an object, in words or as a number with its unit: Fact("price", 24, "EUR")."""

    key: str
    value: str | float
    unit: str = ""


@dataclass(frozen=True)
class SceneObject:
    """One thing that the app knows to be there; `extents` is its full width, height and depth in metres."""

    id: str
    label: str
    pose: Pose
    extents: Vector | None = None
    anchor_id: str = ""
    aliases: Texts = ()
    description: str = ""
    facts: Sequence[Fact] = ()


@dataclass(frozen=True)
class SceneGraph:
    """A snapshot of the scene; `handedness` is "left" (Unity: z forward) or "right" (OpenGL: z backward).

    None, here and elsewhere: as was told before in the session or conversation, and left if nothing was.
    """

    objects: Sequence[SceneObject]
    viewpoint: Viewpoint | None = None
    revision: int = 0
    handedness: Handedness | None = None


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
"""A JPEG, PNG or WebP file's path or bytes, a PIL image, an array, or features.

Files and PIL images are turned as their EXIF orientation says. PIL images may be of any mode, arrays (H, W) or (H, W, 1
to 4): grey, grey with alpha, RGB or RGBA; uint8, or other integers from 0 to 255 or 65535, or floats from 0 to 1 or 255.
Alpha is ignored. What has more than 8 MiB of pixels is sent as JPEG."""


@dataclass(frozen=True)
class Frame:
    """An image and what is known of the camera that took it.

    `rotation` is the clockwise turn that makes the image upright: 0, 90, 180 or 270 degrees. `frame_id` comes
    back in every annotation of this frame. An EXIF orientation is followed before `rotation`, and turns the lens too.
    """

    image: ImageSource
    frame_id: str = ""
    rotation: int = 0
    mirrored: bool = False
    intrinsics: Intrinsics | None = None
    camera_pose: Pose | None = None
    handedness: Handedness | None = None


FrameLike: TypeAlias = "ImageSource | Frame"
SceneLike: TypeAlias = "SceneGraph | list[SceneObject] | Mapping[str, Any] | str | os.PathLike[str]"
"""A scene graph, its objects alone, the same as a dict in protobuf's JSON mapping, or the path of a file with that."""
AudioLike: TypeAlias = "str | os.PathLike[str] | bytes | tuple[np.ndarray, int] | Features"
"""A WAV, FLAC or OGG file's path or bytes, (samples, rate in hertz), or features.

Samples are (n,), (n, channels) or (channels, n), of up to 8 channels: integers of 8, 16 or 32 bits, or floats in
[-1, 1]. Channels are averaged, those in opposite phase turned over."""
Texts: TypeAlias = "list[str] | tuple[str, ...]"
"""Several texts; one string alone is none."""


@dataclass(frozen=True)
class Sampling:
    """How tokens are chosen; what is None stays as the server has it: greedy, up to the model's limit."""

    max_new_tokens: int | None = None
    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    repetition_penalty: float | None = None
    stop: Texts = ()
    seed: int | None = None


@dataclass(frozen=True)
class HistoryTurn:
    """A question of the past and what was answered."""

    question: str
    answer: str


@dataclass(frozen=True)
class VoiceActivity:
    """How speech is told from silence; None leaves it to the server.

    Speech counts from a likelihood of `start_threshold` (0.1 to 0.95) on and for at least `min_speech_ms`,
    `prefix_padding_ms` before it belong to it, and `end_silence_ms` of silence end it.
    """

    start_threshold: float | None = None
    min_speech_ms: int | None = None
    end_silence_ms: int | None = None
    prefix_padding_ms: int | None = None
