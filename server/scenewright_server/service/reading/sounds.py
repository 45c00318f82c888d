"""AudioInput -> what the model hears."""

from __future__ import annotations

import numpy as np
from scenewright.v1 import audio_pb2

from scenewright_server.service.reading import waves
from scenewright_server.service.settings import Limits
from scenewright_server.service.validate import refuse, require_one_of


def read_audio(audio: audio_pb2.AudioInput, limits: Limits, field: str = "audio") -> np.ndarray:
    """(n,) float32 mono at 16 kHz; takes a while, keep it off the event loop.

    Raises `Refused`: FIELD_REQUIRED, FIELD_INVALID, AUDIO_UNDECODABLE, AUDIO_TOO_LONG.
    """
    source = require_one_of(audio, "source", field)
    if source == "features":
        refuse(field, "features", "samples or a file")
    data = audio.pcm.data if source == "pcm" else audio.encoded
    if len(data) > limits.max_audio_bytes:
        refuse(f"{field}.{source}", f"{len(data)} bytes", f"at most {limits.max_audio_bytes}", "AUDIO_TOO_LONG")
    if source == "pcm":
        return waves.read_pcm16(data, audio.pcm.sample_rate_hz, limits.max_audio_s, f"{field}.pcm")
    return waves.read_file(data, limits.max_audio_s, f"{field}.encoded")
