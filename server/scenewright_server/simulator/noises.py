"""Sounds in which nobody speaks: for the background of spoken questions, and to be heard as no words."""

from __future__ import annotations

import numpy as np

SAMPLE_RATE_HZ = 16_000
MAX_UNSPOKEN_S = 4


def coloured_noise(n: int, rng: np.random.Generator) -> np.ndarray:
    """(n,) noise of unit RMS whose power falls as 1/f^a, a in 0..1.5: between hiss and rumble."""
    size = fft_size(n)
    spectrum = np.fft.rfft(rng.standard_normal(size))
    spectrum *= np.maximum(np.arange(len(spectrum)), 1 + size // 400) ** -rng.uniform(0, 0.75)
    noise = np.fft.irfft(spectrum, size)[:n]
    return (noise / np.sqrt(np.mean(np.square(noise)))).astype(np.float32)


def draw_unspoken(rng: np.random.Generator) -> np.ndarray:
    """0.4-4 s float32 at 16 kHz, its peak -60 to -2 dBFS: noise, steady or swelling like talk; a hum; clicks;
    notes; or a drone, which is voiced as vowels are."""
    n = int(rng.uniform(0.4, MAX_UNSPOKEN_S) * SAMPLE_RATE_HZ)
    wave = coloured_noise(n, rng)
    sort = rng.choice(["steady", "swelling", "hum", "clicks", "notes", "drone"])
    if sort == "swelling":
        level = np.abs(coloured_noise(n // 1600 + 2, rng)) ** rng.uniform(0.5, 3)
        wave = wave * np.interp(np.arange(n) / 1600, np.arange(len(level)), level)
    elif sort == "hum":
        wave = rng.uniform(0, 0.3) * wave + _harmonics(np.full(n, rng.uniform(45, 400)), rng)
    elif sort == "clicks":
        wave = 0.02 * wave
        wave[rng.integers(n, size=int(rng.integers(1, 12)))] = 1.0
    elif sort == "notes":
        each = int(rng.uniform(0.08, 0.6) * SAMPLE_RATE_HZ)
        pitches_hz = 110 * 2 ** (rng.integers(0, 40, n // each + 1) / 12)
        fade = 1 - (np.arange(n) % each) / each * rng.uniform(0, 1)
        wave = 0.02 * wave + _harmonics(np.repeat(pitches_hz, each)[:n], rng) * fade
    elif sort == "drone":
        wave = 0.02 * wave + _drone(n, rng)
    return (wave / np.abs(wave).max() * 10 ** rng.uniform(-3, -0.1)).astype(np.float32)


def fft_size(n: int) -> int:
    """The power of two from n on."""
    return 1 << max(n - 1, 1).bit_length()


def _harmonics(pitch_hz: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    phase = 2 * np.pi * np.cumsum(pitch_hz) / SAMPLE_RATE_HZ
    wave = np.sin(phase)
    for k in range(2, int(rng.integers(2, 8))):
        wave = wave + rng.uniform(0, 1) * np.sin(k * phase)
    return wave


def _drone(n: int, rng: np.random.Generator) -> np.ndarray:
    """A buzz of gliding pitch whose timbre changes every 0.05-0.2 s."""
    each = int(rng.uniform(0.05, 0.2) * SAMPLE_RATE_HZ)
    at = np.arange(n) / each
    edges = np.arange(n // each + 2)
    pitch_hz = rng.uniform(80, 250) * (1 + 0.2 * np.interp(at, edges, rng.uniform(-1, 1, len(edges))))
    phase = 2 * np.pi * np.cumsum(pitch_hz) / SAMPLE_RATE_HZ
    loudness = rng.exponential(1, (16, len(edges))) ** 2 * (rng.random(len(edges)) < 0.8)
    return sum((np.interp(at, edges, row) * np.sin(k * phase) for k, row in enumerate(loudness, 1)), np.zeros(n))
