"""Recordings and streamed sound -> protobuf."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np

from scenewright import sounds, types
from scenewright._convert import checks, features, images
from scenewright.errors import InvalidInputError
from scenewright.v1 import audio_pb2

CHUNK_MS = 100
"""Streamed audio goes out in pieces of at most this length; the contract allows a second."""
MAX_PEAK = 2.0
"""Floats that reach beyond 1 are clipped; those beyond this have another scale."""
_MAX_RATE_HZ = 48_000
_MIN_RATE_HZ = 8_000


def audio_to_proto(audio: types.AudioLike) -> audio_pb2.AudioInput:
    """Raises InvalidInputError if the recording cannot be read or has a wrong type, shape or rate."""
    if isinstance(audio, types.Features):
        return audio_pb2.AudioInput(features=features.features_to_proto(audio, "audio"))
    if isinstance(audio, tuple):
        if len(audio) != 2:
            raise InvalidInputError(f"audio: expected (samples, rate in hertz), got a tuple of {len(audio)}")
        samples, rate_hz = audio
        if isinstance(samples, Real) and not isinstance(rate_hz, Real):  # as scipy.io.wavfile gives them
            samples, rate_hz = rate_hz, samples
        return audio_pb2.AudioInput(pcm=samples_to_proto(samples, rate_to_proto(rate_hz)))
    return audio_pb2.AudioInput(encoded=images.file_bytes(audio, "audio"))


def rate_to_proto(rate_hz: Any) -> int:
    """Samples a second, of any integer type or a whole float."""
    rate = checks.whole(rate_hz, "rate_hz", 0, 2**32 - 1)
    if not _MIN_RATE_HZ <= rate <= _MAX_RATE_HZ:
        raise InvalidInputError(f"audio: rate {rate} Hz is not within {_MIN_RATE_HZ} to {_MAX_RATE_HZ}")
    return rate


def samples_to_proto(samples: Any, rate_hz: int) -> audio_pb2.PcmAudio:
    """Samples as in `types.AudioLike` as 16-bit mono; raises InvalidInputError for others."""
    return audio_pb2.PcmAudio(data=_pcm16(_narrow(_array(samples), 4)), sample_rate_hz=rate_hz)


def audio_to_chunks(audio: bytes | np.ndarray, rate_hz: int) -> list[audio_pb2.AudioChunk]:
    """16-bit little-endian mono samples in pieces of at most CHUNK_MS.

    `audio` is that already, or an array of samples as in `types.AudioLike`. Raises InvalidInputError.
    """
    if isinstance(audio, (bytes, bytearray, memoryview)):
        data = bytes(audio)
    else:
        data = _pcm16(_narrow(_array(audio), 8))  # a quiet piece tells nothing of the scale of the others
    if not data or len(data) % 2:
        raise InvalidInputError(f"audio: {len(data)} bytes, expected an even number above 0 for 16-bit samples")
    size = 2 * (rate_hz * CHUNK_MS // 1000)
    return [audio_pb2.AudioChunk(data=data[at : at + size]) for at in range(0, len(data), size)]


def pieces(audio: Any) -> Any:
    """An iterable of pieces; what is one piece in itself becomes the only one."""
    if isinstance(audio, (bytes, bytearray, memoryview, np.ndarray)):
        return [audio]
    if isinstance(audio, str) or not (hasattr(audio, "__iter__") or hasattr(audio, "__aiter__")):
        raise checks.wrong("audio", "an iterable of bytes or arrays", audio)
    return audio


def _array(samples: Any) -> np.ndarray:
    """(n, channels), whichever of its axes was the channels'."""
    try:
        values = np.asarray(samples)
    except (ValueError, TypeError) as error:
        raise InvalidInputError(f"audio: expected an array of samples: {error}") from error
    if values.ndim not in (1, 2) or not values.size:
        raise InvalidInputError(f"audio: expected samples (n,) or (n, channels), got shape {values.shape}")
    if values.ndim == 1:
        return values[:, None]
    if values.shape[0] <= sounds.MAX_CHANNELS < values.shape[1]:
        values = values.T
    if values.shape[1] > sounds.MAX_CHANNELS:
        raise InvalidInputError(
            f"audio: expected samples (n,) or (n, channels) of at most {sounds.MAX_CHANNELS} channels, "
            f"got shape {np.shape(samples)}"
        )
    return values


def _narrow(values: np.ndarray, n_bytes: int) -> np.ndarray:
    """Integers of so many bytes and more that 16 bits would hold are 16-bit samples in a wider array."""
    is_wide = values.dtype.kind == "i" and values.dtype.itemsize >= n_bytes
    return values.astype(np.int16) if is_wide and -32768 <= values.min() and values.max() <= 32767 else values


def _pcm16(values: np.ndarray) -> bytes:
    """16-bit little-endian mono of (n, channels)."""
    try:
        with np.errstate(over="ignore"):  # told below
            scaled = sounds.scale(values)
    except ValueError as error:
        raise InvalidInputError(f"audio: {error}") from error
    if not np.isfinite(scaled).all():
        raise InvalidInputError("audio: some samples are not finite")
    if (peak := float(np.abs(scaled).max())) > MAX_PEAK:
        raise InvalidInputError(f"audio: expected floats in [-1, 1], got some of {peak:g}")
    return np.clip(np.rint(sounds.mix(scaled) * 32768.0), -32768, 32767).astype("<i2").tobytes()
