import io

import numpy as np
import pytest
import soundfile
from scenewright_server.service.reading import waves
from scenewright_server.service.status import Refused


def tone(rate_hz, seconds=0.5, hz=440.0):
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(int(rate_hz * seconds)) / rate_hz)).astype(np.float32)


def to_pcm16(samples):
    return (samples * 32768).astype("<i2").tobytes()


def to_file(samples, rate_hz, container, subtype=None):
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate_hz, format=container, subtype=subtype)
    return buffer.getvalue()


def assert_same_tone(heard, tolerance=0.02):
    expected = tone(16_000)
    assert heard.dtype == np.float32 and abs(len(heard) - len(expected)) <= 2
    middle = slice(1000, 7000)
    assert np.abs(heard[middle] - expected[middle]).max() < tolerance


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 22_050, 44_100, 48_000])
def test_pcm16_is_resampled(rate_hz):
    assert_same_tone(waves.read_pcm16(to_pcm16(tone(rate_hz)), rate_hz, 5, "audio.pcm16"))


@pytest.mark.parametrize(
    ("container", "subtype", "tolerance"),
    [("WAV", None, 0.02), ("WAV", "FLOAT", 0.02), ("FLAC", None, 0.02), ("OGG", "VORBIS", 0.1)],
)
def test_files_are_read_and_channels_averaged(container, subtype, tolerance):
    mono = tone(44_100)
    stereo = np.stack([mono * 1.5, mono * 0.5], 1)
    assert_same_tone(waves.read_file(to_file(stereo, 44_100, container, subtype), 5, "audio.encoded"), tolerance)


@pytest.mark.parametrize(
    ("data", "reason", "message"),
    [
        (b"", "FIELD_REQUIRED", "audio is empty"),
        (
            b"not a sound at all",
            "AUDIO_UNDECODABLE",
            r"^audio \(18 bytes\) is not a whole WAV, FLAC or OGG file: [^<]*$",
        ),
        (to_file(tone(16_000), 16_000, "WAV")[:20], "AUDIO_UNDECODABLE", "20 bytes"),
        (to_file(tone(16_000), 16_000, "AIFF"), "AUDIO_UNDECODABLE", "AIFF"),
        (to_file(tone(16_000)[:0], 16_000, "WAV"), "FIELD_INVALID", "0 samples"),
        (to_file(tone(16_000, 600), 16_000, "FLAC"), "AUDIO_TOO_LONG", "600.0 s, needs at most 5 s"),
        (to_file(tone(16_000) * np.nan, 16_000, "WAV", "FLOAT"), "FIELD_INVALID", "neither NaN"),
        (to_file(tone(2_000), 2_000, "WAV"), "FIELD_INVALID", "2000 Hz, needs 4000 to 192000"),
        (to_file(np.zeros((100, 9)), 16_000, "WAV"), "FIELD_INVALID", "9 channels, needs 1 to 8"),
    ],
)
def test_bad_files(data, reason, message):
    with pytest.raises(Refused, match=message) as refused:
        waves.read_file(data, 5, "audio")
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    ("data", "rate_hz", "reason"),
    [
        (b"", 16_000, "FIELD_INVALID"),
        (b"123", 16_000, "AUDIO_UNDECODABLE"),
        (bytes(32), 0, "FIELD_INVALID"),
        (bytes(32), 4_000_000, "FIELD_INVALID"),
        (bytes(2 * 16_000 * 6), 16_000, "AUDIO_TOO_LONG"),
    ],
)
def test_bad_pcm16(data, rate_hz, reason):
    with pytest.raises(Refused, match="audio") as refused:
        waves.read_pcm16(data, rate_hz, 5, "audio")
    assert refused.value.reason == reason
