"""Every raw layout against a reference that walks the bytes one pixel at a time."""

import numpy as np
import pytest
from scenewright_server.service.reading import pixels
from scenewright_server.service.reading.pixels import Plane
from scenewright_server.service.status import Refused

SIZES = [(4, 6), (5, 7), (1, 1), (2, 3)]


def lay_out(samples, row_padding=0, pixel_stride=None):
    """Bytes of (H, W, depth) samples with 0xAA as padding; the last row ends at its last sample."""
    height, width, depth = samples.shape
    pixel_stride = pixel_stride or depth
    row_stride = (width - 1) * pixel_stride + depth + row_padding
    buffer = bytearray(b"\xaa" * ((height - 1) * row_stride + (width - 1) * pixel_stride + depth))
    for row in range(height):
        for column in range(width):
            at = row * row_stride + column * pixel_stride
            buffer[at : at + depth] = samples[row, column].tobytes()
    return Plane(bytes(buffer), row_stride, pixel_stride)


def rgb_by_the_book(y, u, v):
    """JFIF (full range BT.601), one pixel at a time in floating point."""
    height, width = y.shape
    rgb = np.zeros((height, width, 3), np.uint8)
    for row in range(height):
        for column in range(width):
            luma = float(y[row, column])
            cb = float(u[row // 2, column // 2]) - 128
            cr = float(v[row // 2, column // 2]) - 128
            pixel = (luma + 1.402 * cr, luma - 0.344136 * cb - 0.714136 * cr, luma + 1.772 * cb)
            rgb[row, column] = [min(max(round(value), 0), 255) for value in pixel]
    return rgb


def noise(*shape):
    return np.random.default_rng(list(shape)).integers(0, 256, shape, np.uint8)


def chroma_shape(height, width):
    return -(-height // 2), -(-width // 2)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("row_padding", "pixel_stride"), [(0, None), (13, None), (0, 8), (3, 5)])
@pytest.mark.parametrize(
    ("order", "channels"), [("RGB", (0, 1, 2)), ("RGBA", (0, 1, 2)), ("BGRA", (2, 1, 0)), ("ARGB", (1, 2, 3))]
)
def test_interleaved(size, row_padding, pixel_stride, order, channels):
    samples = noise(*size, len(order))
    plane = lay_out(samples, row_padding, pixel_stride)
    rgb = pixels.read_interleaved([plane], *size, "image.raw.planes", order=order)
    assert np.array_equal(rgb, samples[..., channels])


def test_strides_of_zero_mean_close_together():
    data = noise(3, 4, 3)
    assert np.array_equal(pixels.read_interleaved([Plane(data.tobytes(), 0, 0)], 3, 4, "planes", order="RGB"), data)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("v_first", [False, True])
@pytest.mark.parametrize("padding", [0, 9])
@pytest.mark.parametrize("luma_stride", [1, 2])
def test_semi_planar(size, v_first, padding, luma_stride):
    y, u, v = noise(*size), noise(*chroma_shape(*size)), noise(*chroma_shape(*size))[::-1]
    pair = (v, u) if v_first else (u, v)
    planes = [lay_out(y[..., None], padding, luma_stride), lay_out(np.stack(pair, -1), padding)]
    rgb = pixels.read_semi_planar(planes, *size, "image.raw.planes", v_first=v_first)
    assert np.abs(rgb.astype(int) - rgb_by_the_book(y, u, v)).max() <= 1


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("padding", "pixel_stride"), [(0, 1), (9, 1), (0, 2), (5, 2)])
def test_planar(size, padding, pixel_stride):
    """Android hands out chroma with a pixel stride of 2: planes that overlap in memory."""
    y, u, v = noise(*size), noise(*chroma_shape(*size)), noise(*chroma_shape(*size))[::-1]
    planes = [
        lay_out(y[..., None], padding),
        *(lay_out(plane[..., None], padding, pixel_stride) for plane in (u, v)),
    ]
    rgb = pixels.read_planar(planes, *size, "image.raw.planes")
    assert np.abs(rgb.astype(int) - rgb_by_the_book(y, u, v)).max() <= 1


@pytest.mark.parametrize("size", [(4, 6), (5, 7), (1, 1), (3, 2)])
@pytest.mark.parametrize("v_first", [False, True])
@pytest.mark.parametrize("padding", [0, 9])
def test_the_last_byte_of_interleaved_chroma_may_be_missing(size, v_first, padding):
    """Android gives 153,599 of 153,600 bytes: what is missing is as in the pixel before, and grey without one."""
    y, first, second = noise(*size), noise(*chroma_shape(*size)), noise(*chroma_shape(*size))[::-1].copy()
    second[-1, -1] = second[-1, -2] if second.shape[1] > 1 else 128
    luma, chroma = lay_out(y[..., None], padding), lay_out(np.stack([first, second], -1), padding)
    short = Plane(chroma.data[:-1], chroma.row_stride, chroma.pixel_stride)
    rgb = pixels.read_semi_planar([luma, short], *size, "planes", v_first=v_first)
    u, v = (second, first) if v_first else (first, second)
    assert np.abs(rgb.astype(int) - rgb_by_the_book(y, u, v)).max() <= 1
    shorter = Plane(chroma.data[:-2], chroma.row_stride, chroma.pixel_stride)
    with pytest.raises(Refused, match=r"planes\[1\]\.data is"):
        pixels.read_semi_planar([luma, shorter], *size, "planes", v_first=v_first)
    with pytest.raises(Refused, match=r"planes\[0\]\.data is"):
        pixels.read_semi_planar([Plane(luma.data[:-1], luma.row_stride, 1), chroma], *size, "planes", v_first=v_first)


@pytest.mark.parametrize("size", SIZES)
def test_rows_that_come_bottom_up_are_turned_in_every_plane(size):
    def upside_down(samples, padding):
        plane = lay_out(samples[::-1], padding)
        return Plane(plane.data, plane.row_stride, plane.pixel_stride, bottom_up=True)

    rgb = noise(*size, 3)
    assert np.array_equal(pixels.read_interleaved([upside_down(rgb, 7)], *size, "planes", order="RGB"), rgb)
    y, u, v = noise(*size), noise(*chroma_shape(*size)), noise(*chroma_shape(*size))[::-1]
    planes = [upside_down(y[..., None], 3), upside_down(np.stack([u, v], -1), 5)]
    found = pixels.read_semi_planar(planes, *size, "planes", v_first=False)
    assert np.abs(found.astype(int) - rgb_by_the_book(y, u, v)).max() <= 1


@pytest.mark.parametrize(
    ("plane", "part"),
    [
        (Plane(bytes(100), 10, 2), "pixel_stride"),
        (Plane(bytes(100), 11, 3), "row_stride"),
        (Plane(bytes(100), -12, 3), "row_stride"),
        (Plane(bytes(35), 12, 3), "data"),
        (Plane(b"", 12, 3), "data"),
    ],
)
def test_wrong_strides_are_named(plane, part):
    with pytest.raises(Refused, match=rf"planes\[0\]\.{part} is .* at least \d+") as refused:
        pixels.read_samples(plane, 3, 4, 3, "planes[0]")
    assert refused.value.reason == "FIELD_INVALID"
