"""Recorded sound -> mono float32 at the model's rate: pure functions on bytes, no protobuf, no ffmpeg."""

from __future__ import annotations

import io

import numpy as np
import soundfile
import soxr

from scenewright_server.service.status import Refused

SAMPLE_RATE_HZ = 16_000
"""What the model hears."""

MIN_RATE_HZ, MAX_RATE_HZ = 4_000, 192_000
MAX_CHANNELS = 8
CONTAINERS = ("WAV", "WAVEX", "FLAC", "OGG")


def read_pcm16(data: bytes, rate_hz: int, max_s: float, field: str) -> np.ndarray:
    """(n,) float32 in [-1, 1) at 16 kHz from little-endian 16 bit mono samples at `rate_hz`."""
    _check_rate(rate_hz, f"{field}.sample_rate_hz")
    if len(data) % 2:
        raise Refused(
            "AUDIO_UNDECODABLE",
            f"{field}.data is {len(data)} bytes, 16 bit samples need an even number",
            field=f"{field}.data",
            value=len(data),
        )
    _check_duration(len(data) // 2, rate_hz, max_s, field)
    return _resample(np.frombuffer(data, "<i2").astype(np.float32) / 32768, rate_hz)


def read_file(data: bytes, max_s: float, field: str) -> np.ndarray:
    """(n,) float32 at 16 kHz from the bytes of a WAV, FLAC or OGG file; channels are averaged.

    The header is judged before samples are decoded, and no more than `max_s` seconds are ever decoded. Raises
    `Refused`: AUDIO_UNDECODABLE, AUDIO_EMPTY, AUDIO_TOO_LONG, FIELD_NOT_FINITE or FIELD_OUT_OF_RANGE.
    """
    if not data:
        raise Refused("AUDIO_EMPTY", f"{field} is empty", field=field, value=0)
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            if file.format not in CONTAINERS:
                raise Refused(
                    "AUDIO_UNDECODABLE",
                    f"{field} is {file.format}, needs one of {', '.join(CONTAINERS)}",
                    field=field,
                    value=file.format,
                )
            rate_hz = file.samplerate
            _check_rate(rate_hz, f"{field} sample rate")
            if not 1 <= file.channels <= MAX_CHANNELS:
                raise Refused(
                    "FIELD_OUT_OF_RANGE",
                    f"{field} has {file.channels} channels, needs 1 to {MAX_CHANNELS}",
                    field=field,
                    value=file.channels,
                    bound=MAX_CHANNELS,
                )
            _check_duration(file.frames, rate_hz, max_s, field)
            samples = file.read(int(max_s * rate_hz) + 1, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise Refused(
            "AUDIO_UNDECODABLE", f"{field} ({len(data)} bytes) is not WAV, FLAC or OGG: {error}", field=field
        ) from error
    _check_duration(len(samples), rate_hz, max_s, field)
    if not np.isfinite(samples).all():
        raise Refused("FIELD_NOT_FINITE", f"{field} has samples that are NaN or infinite", field=field)
    return _resample(samples.mean(axis=1), rate_hz)


def _resample(mono: np.ndarray, rate_hz: int) -> np.ndarray:
    resampled = mono if rate_hz == SAMPLE_RATE_HZ else soxr.resample(mono, rate_hz, SAMPLE_RATE_HZ)
    return np.ascontiguousarray(np.clip(resampled, -1, 1), np.float32)


def _check_rate(rate_hz: int, field: str) -> None:
    if not MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:
        raise Refused(
            "FIELD_OUT_OF_RANGE",
            f"{field} is {rate_hz} Hz, needs {MIN_RATE_HZ} to {MAX_RATE_HZ}",
            field=field,
            value=rate_hz,
            bound=f"{MIN_RATE_HZ}..{MAX_RATE_HZ}",
        )


def _check_duration(n_samples: int, rate_hz: int, max_s: float, field: str) -> None:
    if n_samples == 0:
        raise Refused("AUDIO_EMPTY", f"{field} has 0 samples, needs at least 1", field=field, value=0)
    if n_samples > max_s * rate_hz:
        seconds = n_samples / rate_hz
        raise Refused(
            "AUDIO_TOO_LONG",
            f"{field} lasts {seconds:.1f} s, at most {max_s:g} s are heard",
            field=field,
            value=f"{seconds:.1f}",
            bound=f"{max_s:g}",
        )
