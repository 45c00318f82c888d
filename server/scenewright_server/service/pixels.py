"""Pixel layouts -> upright RGB: pure functions on numpy and pillow, no protobuf.

Camera images arrive as the phone keeps them: planes in one or several buffers with row and pixel strides that are not
the image's width. YCbCr is full range BT.601 (JFIF), which is what ARKit's `420YpCbCr8BiPlanarFullRange` and
Android's `YUV_420_888` deliver.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

import numpy as np
from PIL import Image

from scenewright_server.service.status import Refused


@dataclass(frozen=True)
class Plane:
    """One plane of a raw image: bytes, and the distance in bytes between rows and between neighbouring samples."""

    data: bytes
    row_stride: int
    pixel_stride: int


def read_samples(plane: Plane, height: int, width: int, depth: int, field: str) -> np.ndarray:
    """The (height, width, depth) uint8 samples of a plane, `depth` neighbouring bytes at every step; a view.

    The last row may end at its last sample: cameras leave out the padding there. Raises `Refused(FRAME_LAYOUT)`
    when strides overlap or point outside the bytes.
    """
    if plane.pixel_stride < depth:
        _refuse_layout(field, "pixel_stride", plane.pixel_stride, f"at least {depth} bytes")
    row_bytes = (width - 1) * plane.pixel_stride + depth
    if plane.row_stride < row_bytes:
        _refuse_layout(
            field, "row_stride", plane.row_stride, f"at least {row_bytes} bytes for a row of {width} samples"
        )
    needed = (height - 1) * plane.row_stride + row_bytes
    if len(plane.data) < needed:
        _refuse_layout(
            field,
            "data",
            f"{len(plane.data)} bytes",
            f"at least {needed} bytes for {height} rows of stride {plane.row_stride}",
        )
    return np.lib.stride_tricks.as_strided(
        np.frombuffer(plane.data, np.uint8),
        shape=(height, width, depth),
        strides=(plane.row_stride, plane.pixel_stride, 1),
        writeable=False,
    )


def read_interleaved(
    plane: Plane, height: int, width: int, channels: Sequence[int], depth: int, field: str
) -> np.ndarray:
    """(height, width, 3) RGB from an interleaved plane; `channels` are the positions of R, G and B among `depth`."""
    return read_samples(plane, height, width, depth, field)[..., list(channels)]


def read_semi_planar(
    luma: Plane, chroma: Plane, height: int, width: int, *, v_first: bool, field: str
) -> np.ndarray:
    """(height, width, 3) RGB from NV12 (chroma bytes U V) or NV21 (`v_first`: V U)."""
    y = read_samples(luma, height, width, 1, f"{field}[0]")[..., 0]
    uv = read_samples(chroma, _half(height), _half(width), 2, f"{field}[1]")
    u, v = (uv[..., 1], uv[..., 0]) if v_first else (uv[..., 0], uv[..., 1])
    return _ycbcr_to_rgb(y, u, v)


def read_planar(luma: Plane, u: Plane, v: Plane, height: int, width: int, field: str) -> np.ndarray:
    """(height, width, 3) RGB from I420 / YUV_420_888: three planes, the chroma ones of half size with own strides."""
    return _ycbcr_to_rgb(
        read_samples(luma, height, width, 1, f"{field}[0]")[..., 0],
        read_samples(u, _half(height), _half(width), 1, f"{field}[1]")[..., 0],
        read_samples(v, _half(height), _half(width), 1, f"{field}[2]")[..., 0],
    )


def make_upright(rgb: np.ndarray, quarter_turns: int, mirrored: bool) -> np.ndarray:
    """Undo the mirror image (left and right swapped, as the sensor delivers it), then turn clockwise."""
    if mirrored:
        rgb = rgb[:, ::-1]
    return np.ascontiguousarray(np.rot90(rgb, -quarter_turns))


def _half(size: int) -> int:
    return (size + 1) // 2


def _ycbcr_to_rgb(y: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Full range BT.601, chroma repeated over its 2 x 2 pixels; pillow's own YCbCr conversion does the arithmetic."""
    height, width = y.shape
    full = [plane.repeat(2, 0).repeat(2, 1)[:height, :width] for plane in (u, v)]
    planes = [Image.fromarray(np.ascontiguousarray(plane)) for plane in (y, *full)]
    return np.asarray(Image.merge("YCbCr", planes).convert("RGB"))


def _refuse_layout(field: str, part: str, value: object, bound: str) -> NoReturn:
    name = f"{field}.{part}"
    raise Refused("FRAME_LAYOUT", f"{name} is {value}, needs {bound}", field=name, value=value, bound=bound)
