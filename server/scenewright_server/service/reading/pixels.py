"""Pixel layouts -> upright RGB: pure functions on numpy and pillow, no protobuf.

Camera images arrive as the phone keeps them: in planes, with row and pixel strides of their own.
YCbCr is full range BT.601 (JFIF): ARKit's `420YpCbCr8BiPlanarFullRange`, Android's `YUV_420_888`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from scenewright_server.service.validate import refuse


@dataclass(frozen=True)
class Plane:
    """One plane of a raw image; bytes from row to row and from sample to sample, 0 for close together."""

    data: bytes
    row_stride: int
    pixel_stride: int


def read_samples(plane: Plane, height: int, width: int, depth: int, field: str) -> np.ndarray:
    """The (height, width, depth) uint8 samples of a plane, `depth` neighbouring bytes at every step; a view.

    The last row may end at its last sample: cameras leave out the padding there. Raises `Refused`
    (FIELD_INVALID) when strides overlap or point outside the bytes.
    """
    pixel_stride = plane.pixel_stride or depth
    if pixel_stride < depth:
        refuse(f"{field}.pixel_stride", pixel_stride, f"at least {depth} bytes")
    row_stride = plane.row_stride or width * pixel_stride
    row_bytes = (width - 1) * pixel_stride + depth
    if row_stride < row_bytes:
        refuse(f"{field}.row_stride", row_stride, f"at least {row_bytes} bytes for a row of {width} samples")
    needed = (height - 1) * row_stride + row_bytes
    if len(plane.data) < needed:
        bound = f"at least {needed} for {height} rows of stride {row_stride}"
        refuse(f"{field}.data", f"{len(plane.data)} bytes", bound)
    return np.lib.stride_tricks.as_strided(
        np.frombuffer(plane.data, np.uint8),
        shape=(height, width, depth),
        strides=(row_stride, pixel_stride, 1),
        writeable=False,
    )


def read_interleaved(planes: Sequence[Plane], height: int, width: int, field: str, *, depth: int) -> np.ndarray:
    """(height, width, 3) RGB from one plane of `depth` bytes a pixel that begin with R, G and B."""
    return read_samples(planes[0], height, width, depth, f"{field}[0]")[..., :3]


def read_semi_planar(planes: Sequence[Plane], height: int, width: int, field: str, *, v_first: bool) -> np.ndarray:
    """(height, width, 3) RGB from NV12 (Y, then bytes U V) or NV21 (`v_first`: Y, then V U).

    As three planes, Y, U and V, strides alone say how chroma bytes are interleaved.
    """
    if len(planes) == 3:
        return read_planar(planes, height, width, field)
    y = read_samples(planes[0], height, width, 1, f"{field}[0]")[..., 0]
    chroma = read_samples(planes[1], _half(height), _half(width), 2, f"{field}[1]")
    return _ycbcr_to_rgb(y, chroma[..., int(v_first)], chroma[..., int(not v_first)])


def read_planar(planes: Sequence[Plane], height: int, width: int, field: str) -> np.ndarray:
    """(height, width, 3) RGB from I420 or YUV_420_888: Y, U and V, chroma of half size rounded up."""
    sizes = [(height, width), *[(_half(height), _half(width))] * 2]
    y, u, v = (
        read_samples(plane, *size, 1, f"{field}[{i}]")[..., 0]
        for i, (plane, size) in enumerate(zip(planes, sizes, strict=True))
    )
    return _ycbcr_to_rgb(y, u, v)


def make_upright(rgb: np.ndarray, quarter_turns: int, mirrored: bool) -> np.ndarray:
    """Turn clockwise until upright, then undo the swap of left and right."""
    upright = np.rot90(rgb, -quarter_turns)
    return np.ascontiguousarray(upright[:, ::-1] if mirrored else upright)


def _half(size: int) -> int:
    return (size + 1) // 2


def _ycbcr_to_rgb(y: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Full range BT.601, chroma repeated over its 2 x 2 pixels; pillow does the arithmetic."""
    height, width = y.shape
    full = [plane.repeat(2, 0).repeat(2, 1)[:height, :width] for plane in (u, v)]
    planes = [Image.fromarray(np.ascontiguousarray(plane)) for plane in (y, *full)]
    return np.asarray(Image.merge("YCbCr", planes).convert("RGB"))
