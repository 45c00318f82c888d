"""WAV files as other programs write them, against libsndfile; and the mixing of channels."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
import soundfile
from scenewright import live, sounds
from scenewright.errors import InvalidInputError
from scenewright_server.service.reading import waves

RATE_HZ = 16_000
TONE = (0.5 * np.sin(np.arange(4000) / 9)).astype(np.float32)
STEREO = np.stack([TONE, 0.5 * TONE], 1)


def wav(samples: np.ndarray, subtype: str = "PCM_16", container: str = "WAV") -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, RATE_HZ, format=container, subtype=subtype)
    return file.getvalue()


def resized(data: bytes, riff: int, size: int) -> bytes:
    """The same with other sizes in its header."""
    at = data.index(b"data") + 4
    return data[:4] + struct.pack("<I", riff) + data[8:at] + struct.pack("<I", size) + data[at + 4 :]


@pytest.mark.parametrize("container", ["WAV", "WAVEX"])
@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
@pytest.mark.parametrize("n_channels", [1, 2, 8])
def test_every_layout_is_read_as_libsndfile_reads_it(container, subtype, n_channels):
    data = wav(np.stack([TONE] * n_channels, 1), subtype, container)
    found = sounds.read_wav(data)
    assert (found.rate_hz, found.n_channels, found.n_frames) == (RATE_HZ, n_channels, len(TONE))
    wanted, _ = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)
    np.testing.assert_array_equal(found.samples(), wanted)


LYING = {
    "from a pipe": (resized(wav(TONE), 2**32 - 1, 2**32 - 1), len(TONE)),
    "from sox's pipe": (resized(wav(TONE), 0x7FFFFFFF, 0x7FFFF000), len(TONE)),
    "sizes of 0": (resized(wav(TONE), 0, 0), len(TONE)),
    "one byte short": (wav(TONE)[:-1], len(TONE) - 1),
    "cut in the middle": (wav(TONE)[:2044], 1000),
    "24 bits, two bytes short": (wav(TONE, "PCM_24")[:-2], len(TONE) - 1),
    "a chunk behind": (wav(TONE) + b"LIST" + struct.pack("<I", 4) + b"INFO", len(TONE)),
    "a chunk before": (wav(TONE)[:36] + b"junk" + struct.pack("<I", 3) + b"abc\0" + wav(TONE)[36:], len(TONE)),
    "more after it": (wav(TONE) + b"TAG" + bytes(125), len(TONE)),
}


@pytest.mark.parametrize("name", LYING)
def test_what_is_there_counts_for_server_and_command_alike(name, tmp_path):
    data, n_samples = LYING[name]
    path = tmp_path / "voice.wav"
    path.write_bytes(data)
    wanted = np.round(TONE[:n_samples] * 32768) / 32768
    heard, rate_hz = live.read_voice(path)
    assert rate_hz == RATE_HZ
    np.testing.assert_allclose(heard, wanted, atol=1e-4)
    np.testing.assert_array_equal(waves.read_file(data, 5, "audio"), heard)


def test_an_empty_recording_is_empty(tmp_path):
    empty = wav(TONE[:0])
    for data in (empty, empty + b"LIST" + struct.pack("<I", 4) + b"INFO"):
        assert sounds.read_wav(data).n_frames == 0
        path = tmp_path / "voice.wav"
        path.write_bytes(data)
        with pytest.raises(InvalidInputError, match=r"lasts 0\.0 s"):
            live.read_voice(path)


def test_what_is_no_wav_of_pcm_or_floats_is_left_to_libsndfile(tmp_path):
    ulaw, flac, noise = wav(TONE, "ULAW"), wav(TONE, "PCM_16", "FLAC"), b"RIFF\0\0\0\0WAVE"
    for data in (ulaw, flac, noise, b"", wav(TONE)[:30]):
        assert sounds.read_wav(data) is None
    path = tmp_path / "voice"
    path.write_bytes(ulaw)
    np.testing.assert_allclose(live.read_voice(path)[0], TONE, atol=0.02)
    path.write_bytes(noise)
    with pytest.raises(InvalidInputError, match="is no sound file"):
        live.read_voice(path)


@pytest.mark.parametrize(
    "channels", [[1, -1], [1, -0.5], [-1, 1, 1, -1], [1e-3, -1, 1], [0, 1, -1], [0, 0, 0, 1], [1, 1], [1, 0.3]]
)
def test_channels_never_cancel_each_other(channels):
    mono = sounds.mix(np.outer(TONE, channels).astype(np.float32))
    size = np.abs(channels).mean()
    np.testing.assert_allclose(np.abs(mono), np.abs(TONE) * size, atol=1e-5)


def test_channels_in_phase_are_averaged():
    np.testing.assert_array_equal(sounds.mix(STEREO), STEREO.mean(axis=1))
    other = np.cos(np.arange(4000) / 7).astype(np.float32)
    mixed = sounds.mix(np.stack([TONE, other], 1))
    assert any(np.allclose(mixed, (TONE + sign * other) / 2, atol=1e-6) for sign in (-1, 1))


def test_opposite_wires_are_heard_by_the_server():
    heard = waves.read_file(wav(np.stack([TONE, -TONE], 1)), 5, "audio")
    np.testing.assert_allclose(heard, TONE, atol=1e-4)
