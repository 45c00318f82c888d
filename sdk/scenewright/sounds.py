"""Recordings as they come -> mono samples: WAV files whose headers lie, and the mixing of channels.

The SDK, its command and the server read WAV and mix channels by these functions and no others.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

MAX_CHANNELS = 8
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_GUID_TAIL = bytes.fromhex("000000001000800000aa00389b71")
"""What follows the format's number in WAVE_FORMAT_EXTENSIBLE. Source: Microsoft, "Multiple channel audio data"."""
_DTYPES = {
    (_PCM, 8): "u1",
    (_PCM, 16): "<i2",
    (_PCM, 24): "u1",
    (_PCM, 32): "<i4",
    (_FLOAT, 32): "<f4",
    (_FLOAT, 64): "<f8",
}
_FAINT = 0.1


@dataclass(frozen=True)
class Wav:
    """The samples of a WAV file as bytes, and what its header says of them that can be believed."""

    kind: int
    bits: int
    rate_hz: int
    n_channels: int
    data: memoryview

    @property
    def n_frames(self) -> int:
        """Whole samples of every channel."""
        return len(self.data) // (self.n_channels * self.bits // 8)

    def samples(self) -> np.ndarray:
        """(n_frames, n_channels) float32, full scale at 1."""
        n = self.n_frames * self.n_channels
        data = self.data[: n * self.bits // 8]
        values = np.frombuffer(data, _DTYPES[self.kind, self.bits])
        if self.bits == 24:  # as the upper three bytes of 32 bits
            wide = np.zeros((n, 4), np.uint8)
            wide[:, 1:] = values.reshape(n, 3)
            values = wide.view("<i4")[:, 0]
        return scale(values).reshape(self.n_frames, self.n_channels)


def read_wav(data: bytes) -> Wav | None:
    """What a WAV file holds; None if it is none, or of a coding that is neither PCM nor float.

    Its sizes are not believed further than its bytes go: a file from a pipe or one cut short holds what is there.
    """
    view = memoryview(data)
    if len(data) < 12 or bytes(view[:4]) != b"RIFF" or bytes(view[8:12]) != b"WAVE":
        return None
    layout, at = None, 12
    while at + 8 <= len(data):
        name, size = bytes(view[at : at + 4]), struct.unpack_from("<I", data, at + 4)[0]
        at += 8
        if name == b"fmt ":
            layout = _read_layout(bytes(view[at : at + size]))
        elif name == b"data":
            if layout is None:
                return None
            is_told = size and at + size <= len(data)
            return Wav(*layout, view[at : at + size] if is_told or _is_chunk(view[at:]) else view[at:])
        at += size + size % 2
    return None


def _read_layout(chunk: bytes) -> tuple[int, int, int, int] | None:
    """Kind, bits, rate and channels of a `fmt ` chunk."""
    if len(chunk) < 16:
        return None
    kind, n_channels, rate_hz, _, _, bits = struct.unpack_from("<HHIIHH", chunk)
    if kind == _EXTENSIBLE and chunk[26:40] == _GUID_TAIL:
        kind = struct.unpack_from("<H", chunk, 24)[0]
    if (kind, bits) not in _DTYPES or not n_channels or not rate_hz:
        return None
    return kind, bits, rate_hz, n_channels


def _is_chunk(rest: memoryview) -> bool:
    """Whether another chunk, and only that, follows: the data before it are none indeed."""
    return len(rest) >= 8 and 8 + struct.unpack_from("<I", rest, 4)[0] in (len(rest), len(rest) - 1)


def scale(values: np.ndarray) -> np.ndarray:
    """Samples of any type as float32 with full scale at 1; unsigned ones are silent in the middle of their range.

    Floats stay as they are. Raises ValueError for types that samples do not have.
    """
    if np.issubdtype(values.dtype, np.floating):
        return values.astype(np.float32)
    if not np.issubdtype(values.dtype, np.integer) or values.dtype.itemsize > 4:
        raise ValueError(f"samples of type {values.dtype}, expected integers of 8, 16 or 32 bits, or floats")
    half = 2.0 ** (8 * values.dtype.itemsize - 1)
    middle = half if np.issubdtype(values.dtype, np.unsignedinteger) else 0.0
    return ((values.astype(np.float64) - middle) / half).astype(np.float32)


def mix(samples: np.ndarray) -> np.ndarray:
    """(n,) of (n, channels): their average, with those turned over that are in opposite phase to the first one.

    The first is the first that is not faint beside the loudest. So two wires that cancel each other are heard.
    """
    if samples.shape[1] == 1:
        return samples[:, 0]
    energy = np.einsum("nc,nc->c", samples, samples, dtype=np.float64)
    first = samples[:, np.argmax(energy >= _FAINT * energy.max())]
    likeness = np.einsum("nc,n->c", samples, first, dtype=np.float64)
    return (samples * np.where(likeness < 0, -1, 1).astype(samples.dtype)).mean(axis=1)
