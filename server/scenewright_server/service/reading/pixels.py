"""Pixel layouts -> RGB: pure functions on numpy and pillow, no protobuf.

Camera images arrive as the phone keeps them: in planes, with row and pixel strides of their own.
YCbCr is full range BT.601 (JFIF): ARKit's `420YpCbCr8BiPlanarFullRange`, Android's `YUV_420_888`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from scenewright_server.service.validate import refuse

GREY = b"\x80"
"""No colour, as a byte of chroma."""


@dataclass(frozen=True)
class Plane:
    """One plane of a raw image; bytes from row to row and from sample to sample, 0 for close together.

    `bottom_up`: its first row is the image's lowest.
    """

    data: bytes
    row_stride: int
    pixel_stride: int
    bottom_up: bool = False


def read_samples(
    plane: Plane, height: int, width: int, depth: int, field: str, *, may_lack_last: bool = False
) -> np.ndarray:
    """The (height, width, depth) uint8 samples of a plane, top row first, `depth` neighbouring bytes at every step.

    The last row may end at its last sample: cameras leave out the padding there. `may_lack_last`: even its last byte
    may be missing; it is then that of the sample before, grey where there is none. Raises `Refused` (FIELD_INVALID)
    when strides overlap or point outside the bytes.
    """
    pixel_stride = plane.pixel_stride or depth
    if pixel_stride < depth:
        refuse(f"{field}.pixel_stride", pixel_stride, f"at least {depth} bytes")
    row_stride = plane.row_stride or width * pixel_stride
    row_bytes = (width - 1) * pixel_stride + depth
    if row_stride < row_bytes:
        refuse(f"{field}.row_stride", row_stride, f"at least {row_bytes} bytes for a row of {width} samples")
    needed = (height - 1) * row_stride + row_bytes
    data = plane.data
    if may_lack_last and len(data) == needed - 1:
        data += data[-pixel_stride:][:1] if width > 1 else GREY
    if len(data) < needed:
        bound = f"at least {needed} for {height} rows of stride {row_stride}"
        refuse(f"{field}.data", f"{len(plane.data)} bytes", bound)
    samples = np.lib.stride_tricks.as_strided(
        np.frombuffer(data, np.uint8),
        shape=(height, width, depth),
        strides=(row_stride, pixel_stride, 1),
        writeable=False,
    )
    return samples[::-1] if plane.bottom_up else samples


def read_interleaved(planes: Sequence[Plane], height: int, width: int, field: str, *, order: str) -> np.ndarray:
    """(height, width, 3) RGB from one plane with a byte for each letter of `order`, such as "BGRA"."""
    samples = read_samples(planes[0], height, width, len(order), f"{field}[0]")
    return samples[..., [order.index(channel) for channel in "RGB"]]


def read_semi_planar(planes: Sequence[Plane], height: int, width: int, field: str, *, v_first: bool) -> np.ndarray:
    """(height, width, 3) RGB from NV12 (Y, then bytes U V) or NV21 (`v_first`: Y, then V U).

    As three planes, Y, U and V, strides alone say how chroma bytes are interleaved.
    """
    if len(planes) == 3:
        return read_planar(planes, height, width, field)
    y = read_samples(planes[0], height, width, 1, f"{field}[0]")[..., 0]
    chroma = read_samples(planes[1], _half(height), _half(width), 2, f"{field}[1]", may_lack_last=True)
    return _ycbcr_to_rgb(y, chroma[..., int(v_first)], chroma[..., int(not v_first)])


def read_planar(planes: Sequence[Plane], height: int, width: int, field: str) -> np.ndarray:
    """(height, width, 3) RGB from I420 or YUV_420_888: Y, U and V, chroma of half size rounded up."""
    sizes = [(height, width), *[(_half(height), _half(width))] * 2]
    y, u, v = (
        read_samples(plane, *size, 1, f"{field}[{i}]")[..., 0]
        for i, (plane, size) in enumerate(zip(planes, sizes, strict=True))
    )
    return _ycbcr_to_rgb(y, u, v)


def _half(size: int) -> int:
    return (size + 1) // 2


def _ycbcr_to_rgb(y: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Full range BT.601, chroma repeated over its 2 x 2 pixels; pillow does the arithmetic."""
    height, width = y.shape
    full = [plane.repeat(2, 0).repeat(2, 1)[:height, :width] for plane in (u, v)]
    planes = [Image.fromarray(np.ascontiguousarray(plane)) for plane in (y, *full)]
    return np.asarray(Image.merge("YCbCr", planes).convert("RGB"))
