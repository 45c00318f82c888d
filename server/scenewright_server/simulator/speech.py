"""Synthetic voices for training and tests: espeak-ng, called through the library in the `espeakng-loader`
wheel.

espeak-ng's C library keeps its state in globals: speak from one thread of a process at a time.
"""

from __future__ import annotations

import _ctypes
import ctypes
from dataclasses import dataclass

import numpy as np
import soxr

from scenewright_server.simulator.noises import SAMPLE_RATE_HZ, coloured_noise, fft_size

_ACCENTS = (
    "en-us", "en", "en-gb-x-rp", "en-gb-scotland", "en-029", "en-gb-x-gbclan", "en-gb-x-gbcwmd", "en-us-nyc",
)  # fmt: skip
# Variants with breath (f2, f3, f5, victor, ...) are left out: espeak-ng reads uninitialised memory for them,
# so they never sound the same twice.
_TRAIN_VARIANTS = (
    "m1", "m2", "m4", "m5", "m6", "m7", "f1", "f4", "klatt", "klatt2", "klatt4", "adam", "Andy", "anika",
    "belinda", "benjamin", "david", "ed", "edward", "ian", "john", "linda", "Michael", "quincy", "rob",
    "shelby", "steph", "travis", "Andrea", "Denis", "Gene", "Lee",
)  # fmt: skip
_TEST_VARIANTS = ("m3", "m8", "klatt3", "Annie", "aunty", "Hugo", "steph2", "max")

#: Accents and variants that are each in training, but never together.
_TEST_PAIRS = ("en-us+m7", "en-029+klatt2")

TRAIN_VOICES: tuple[str, ...] = tuple(
    voice for a in _ACCENTS for v in _TRAIN_VARIANTS if (voice := f"{a}+{v}") not in _TEST_PAIRS
)
TEST_VOICES: tuple[str, ...] = tuple(f"{a}+{v}" for a in _ACCENTS for v in _TEST_VARIANTS) + _TEST_PAIRS


@dataclass(frozen=True)
class Delivery:
    """How a sentence is said. `rate_wpm` 80..450; `pitch` and `pitch_range` 0..99 (espeak-ng's scale, 50 is
    normal)."""

    voice: str = "en-us"
    rate_wpm: int = 165
    pitch: int = 50
    pitch_range: int = 50


def draw_delivery(rng: np.random.Generator, voices: tuple[str, ...] = TRAIN_VOICES) -> Delivery:
    """A random speaker of `voices`, at a natural speed and pitch."""
    return Delivery(
        voice=voices[int(rng.integers(len(voices)))],
        rate_wpm=int(rng.integers(130, 211)),
        pitch=int(rng.integers(30, 71)),
        pitch_range=int(rng.integers(25, 76)),
    )


def speak(text: str, delivery: Delivery = Delivery()) -> np.ndarray:
    """Say `text`: float32 mono samples at 16 kHz in [-1, 1], trimmed to the speech itself.

    Raises ValueError for a voice that espeak-ng does not have, or a text in which there is nothing to say.
    """
    return speak_words(text, delivery)[0]


def speak_words(text: str, delivery: Delivery = Delivery()) -> tuple[np.ndarray, np.ndarray]:
    """As `speak`, and when each of the words of `text.split()` begins: (n_words,) float32 seconds.

    Words that espeak-ng says as one ("of the") share its span evenly.
    """
    with _Espeak() as espeak:
        samples, events = espeak.synthesise(text, delivery)
    loud = np.flatnonzero(np.abs(samples) > 0.005)
    if not len(loud):
        raise ValueError(f"nothing to say in {text!r}")
    first, end = int(loud[0]), int(loud[-1]) + 1
    words = text.split()
    offsets = np.cumsum([0] + [len(word) + 1 for word in words])[:-1]
    known = {int(np.searchsorted(offsets, at, side="right")) - 1: seconds for at, seconds in reversed(events)}
    known[len(words)] = end / SAMPLE_RATE_HZ
    starts = np.interp(np.arange(len(words)), sorted(known), [known[i] for i in sorted(known)])
    return samples[first:end], np.maximum(starts - first / SAMPLE_RATE_HZ, 0).astype(np.float32)


def record(
    speech: np.ndarray,
    rng: np.random.Generator,
    *,
    snr_db: float | None = None,
    noise: np.ndarray | None = None,
    room: bool = False,
    lead_s: float | None = None,
) -> tuple[np.ndarray, float]:
    """Put `speech` before a microphone: float32 samples, and how many seconds of silence now lead it.

    It gets a random gain and 0.05-0.4 s of silence at both ends (`lead_s` in front where given); with `room`, a small
    room's reverberation and a cheap microphone's colouring; with `snr_db`, noise that much weaker than the speech
    (coloured_noise, or a random part of `noise`, which has unit RMS and is longer than the clip).
    """
    drawn_s, tail_s = rng.uniform(0.05, 0.4, 2)
    lead, tail = (int(s * SAMPLE_RATE_HZ) for s in (drawn_s if lead_s is None else lead_s, tail_s))
    wave = np.pad(_reverberate(speech, rng) if room else speech, (lead, tail))
    wave = wave * (rng.uniform(0.1, 0.9) / max(float(np.abs(wave).max()), 1e-6))
    if snr_db is not None:
        if noise is None:
            noise = coloured_noise(len(wave), rng)
        at = int(rng.integers(len(noise) - len(wave) + 1))
        level = np.sqrt(np.mean(np.square(wave[lead : lead + len(speech)])))
        wave = wave + noise[at : at + len(wave)] * (level * 10 ** (-snr_db / 20))
    return np.clip(wave, -1, 1).astype(np.float32), lead / SAMPLE_RATE_HZ


def _reverberate(wave: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    decay_s = rng.uniform(0.03, 0.25)
    t = np.arange(int(decay_s * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    response = rng.standard_normal(len(t)) * np.exp(-6.9 * t / decay_s) * rng.uniform(0.02, 0.12)
    response[0] = 1.0
    n = fft_size(len(wave) + len(response))
    gain = np.interp(np.linspace(0, 1, n // 2 + 1), np.linspace(0, 1, 6), 10 ** rng.uniform(-0.4, 0.2, 6))
    return np.fft.irfft(np.fft.rfft(wave, n) * np.fft.rfft(response, n) * gain, n)[: len(wave)]


class _Event(ctypes.Structure):
    """espeak_EVENT; `position` counts characters from 1, `audio_ms` is when they are said."""

    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_ms", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    ]


class _Espeak:
    """The few calls of espeak-ng's speak_lib.h that give samples back instead of playing them, for one
    sentence.

    The library's globals remember earlier sentences (flutter, echo), so each one gets the library freshly
    loaded: 0.4 ms, for a sentence that always sounds the same.
    """

    _SYNCHRONOUS, _DONT_EXIT, _UTF8 = 2, 0x8000, 1
    _RATE, _PITCH, _RANGE = 1, 3, 4
    _END_OF_LIST, _WORD = 0, 1

    def __enter__(self) -> _Espeak:
        import espeakng_loader

        self._chunks: list[np.ndarray] = []
        self._words: list[tuple[int, float]] = []
        self._lib = ctypes.CDLL(espeakng_loader.get_library_path())
        data_path = espeakng_loader.get_data_path().encode()
        self._rate_hz = self._lib.espeak_Initialize(self._SYNCHRONOUS, 0, data_path, self._DONT_EXIT)
        if self._rate_hz <= 0:
            raise RuntimeError(f"espeak-ng did not start: error {self._rate_hz}")
        prototype = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))
        self._callback = prototype(self._collect)
        self._lib.espeak_SetSynthCallback(self._callback)
        return self

    def __exit__(self, *_exception: object) -> None:
        self._lib.espeak_Terminate()
        _ctypes.dlclose(self._lib._handle)

    def _collect(self, samples, n: int, events) -> int:
        if samples and n > 0:
            self._chunks.append(np.ctypeslib.as_array(samples, (n,)).copy())
        i = 0
        while events and events[i].type != self._END_OF_LIST:
            if events[i].type == self._WORD:
                self._words.append((events[i].position - 1, events[i].audio_ms / 1000))
            i += 1
        return 0

    def synthesise(self, text: str, delivery: Delivery) -> tuple[np.ndarray, list[tuple[int, float]]]:
        """16 kHz samples, and (character offset, seconds) of the words."""
        # The voice resets the parameters, so it is set first.
        if self._lib.espeak_SetVoiceByName(delivery.voice.encode()):
            raise ValueError(f"espeak-ng has no voice {delivery.voice!r}")
        for parameter, value in (
            (self._RATE, delivery.rate_wpm),
            (self._PITCH, delivery.pitch),
            (self._RANGE, delivery.pitch_range),
        ):
            self._lib.espeak_SetParameter(parameter, value, 0)
        data = text.encode()
        self._lib.espeak_Synth(data, ctypes.c_size_t(len(data) + 1), 0, 0, 0, self._UTF8, None, None)
        self._lib.espeak_Synchronize()
        pcm = np.concatenate(self._chunks or [np.zeros(0, np.int16)])
        samples = soxr.resample(pcm.astype(np.float32) / 32768, self._rate_hz, SAMPLE_RATE_HZ)
        return samples, self._words
