"""Recorded sound -> mono float32 at the model's rate: pure functions on bytes, no protobuf, no ffmpeg."""

from __future__ import annotations

import io

import numpy as np
import soundfile
import soxr
from scenewright import sounds

from scenewright_server.families.family import SAMPLE_RATE_HZ
from scenewright_server.service.status import Refused
from scenewright_server.service.validate import refuse

PCM_RATES_HZ = (8_000, 48_000)
FILE_RATES_HZ = (4_000, 192_000)
CONTAINERS = ("WAV", "WAVEX", "FLAC", "OGG")


def read_pcm16(data: bytes, rate_hz: int, max_s: float, field: str) -> np.ndarray:
    """(n,) float32 in [-1, 1) at 16 kHz from little-endian 16 bit mono samples at `rate_hz`."""
    _check_rate(rate_hz, PCM_RATES_HZ, f"{field}.sample_rate_hz")
    if len(data) % 2:
        refuse(f"{field}.data", f"{len(data)} bytes", "an even number for 16 bit samples", "AUDIO_UNDECODABLE")
    _check_duration(len(data) // 2, rate_hz, max_s, field)
    return _resample(np.frombuffer(data, "<i2").astype(np.float32) / 32768, rate_hz)


def check_chunk(data: bytes, rate_hz: int, field: str) -> None:
    """Refuse a stream's chunk of 16 bit samples that is empty, odd, or longer than a second."""
    if not data:
        raise Refused("FIELD_REQUIRED", f"{field} is empty", field=field)
    if len(data) % 2:
        refuse(field, f"{len(data)} bytes", "an even number for 16 bit samples", "AUDIO_UNDECODABLE")
    if len(data) > 2 * rate_hz:
        refuse(field, f"{len(data) / 2 / rate_hz:.1f} s", "at most 1 s", "AUDIO_TOO_LONG")


def read_file(data: bytes, max_s: float, field: str) -> np.ndarray:
    """(n,) float32 at 16 kHz from the bytes of a WAV, FLAC or OGG file; channels are mixed.

    The header is judged before samples are decoded, and no more than `max_s` seconds are ever decoded. A WAV file's
    sizes are believed only as far as its bytes go. Raises `Refused`: FIELD_REQUIRED, FIELD_INVALID, AUDIO_UNDECODABLE
    or AUDIO_TOO_LONG.
    """
    if not data:
        raise Refused("FIELD_REQUIRED", f"{field} is empty", field=field)
    wav = sounds.read_wav(data)
    if wav is None:
        samples, rate_hz = _decode(data, max_s, field)
    else:
        rate_hz = wav.rate_hz
        _check_layout(rate_hz, wav.n_channels, wav.n_frames, max_s, field)
        samples = wav.samples()
    if not np.isfinite(samples).all():
        refuse(field, "not finite in all samples", "neither NaN nor infinity")
    return _resample(sounds.mix(samples), rate_hz)


def _decode(data: bytes, max_s: float, field: str) -> tuple[np.ndarray, int]:
    """(n, channels) float32 and their rate, of what libsndfile knows."""
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            if file.format not in CONTAINERS:
                refuse(field, file.format, f"one of {', '.join(CONTAINERS)}", "AUDIO_UNDECODABLE")
            rate_hz = file.samplerate
            _check_layout(rate_hz, file.channels, file.frames, max_s, field)
            samples = file.read(int(max_s * rate_hz) + 1, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise Refused(
            "AUDIO_UNDECODABLE",
            f"{field} ({len(data)} bytes) is not a whole WAV, FLAC or OGG file: {error.error_string}",
            field=field,
            value=len(data),
        ) from error
    _check_duration(len(samples), rate_hz, max_s, field)
    return samples, rate_hz


def _resample(mono: np.ndarray, rate_hz: int) -> np.ndarray:
    resampled = mono if rate_hz == SAMPLE_RATE_HZ else soxr.resample(mono, rate_hz, SAMPLE_RATE_HZ)
    return np.ascontiguousarray(np.clip(resampled, -1, 1), np.float32)


def _check_layout(rate_hz: int, n_channels: int, n_samples: int, max_s: float, field: str) -> None:
    _check_rate(rate_hz, FILE_RATES_HZ, f"{field} sample rate")
    if not 1 <= n_channels <= sounds.MAX_CHANNELS:
        refuse(field, f"{n_channels} channels", f"1 to {sounds.MAX_CHANNELS}")
    _check_duration(n_samples, rate_hz, max_s, field)


def _check_rate(rate_hz: int, bounds: tuple[int, int], field: str) -> None:
    low, high = bounds
    if not low <= rate_hz <= high:
        refuse(field, f"{rate_hz} Hz", f"{low} to {high}")


def _check_duration(n_samples: int, rate_hz: int, max_s: float, field: str) -> None:
    if n_samples == 0:
        refuse(field, "0 samples", "at least 1")
    if n_samples > max_s * rate_hz:
        refuse(field, f"{n_samples / rate_hz:.1f} s", f"at most {max_s:g} s", "AUDIO_TOO_LONG")
