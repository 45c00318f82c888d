"""ImageInput -> Frame: bounded, decoded, upright."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from PIL import Image
from scenewright import pictures
from scenewright.v1 import features_pb2, geometry_pb2, image_pb2

from scenewright_server.scene.geometry import Intrinsics, Pose
from scenewright_server.service.reading import pixels
from scenewright_server.service.reading.poses import UNTOLD, read_handedness, read_pose
from scenewright_server.service.settings import Limits
from scenewright_server.service.status import Refused
from scenewright_server.service.validate import (
    MAX_ID_CHARS,
    check_finite,
    check_range,
    check_text,
    refuse,
    require_one_of,
)

FORMATS = ("JPEG", "PNG", "WEBP")

_QUARTER_TURNS = {
    image_pb2.ROTATION_UNSPECIFIED: 0,
    image_pb2.ROTATION_NONE: 0,
    image_pb2.ROTATION_CLOCKWISE_90: 1,
    image_pb2.ROTATION_CLOCKWISE_180: 2,
    image_pb2.ROTATION_CLOCKWISE_270: 3,
}

_READERS: dict[int, tuple[tuple[int, ...], Callable[..., np.ndarray]]] = {
    image_pb2.PIXEL_FORMAT_RGB24: ((1,), partial(pixels.read_interleaved, order="RGB")),
    image_pb2.PIXEL_FORMAT_RGBA32: ((1,), partial(pixels.read_interleaved, order="RGBA")),
    image_pb2.PIXEL_FORMAT_BGRA32: ((1,), partial(pixels.read_interleaved, order="BGRA")),
    image_pb2.PIXEL_FORMAT_ARGB32: ((1,), partial(pixels.read_interleaved, order="ARGB")),
    image_pb2.PIXEL_FORMAT_NV12: ((2, 3), partial(pixels.read_semi_planar, v_first=False)),
    image_pb2.PIXEL_FORMAT_NV21: ((2, 3), partial(pixels.read_semi_planar, v_first=True)),
    image_pb2.PIXEL_FORMAT_I420: ((3,), pixels.read_planar),
}
"""How many planes a format may have, and what reads them."""


@dataclass(frozen=True)
class Frame:
    """A frame as the engine wants it.

    `rgb` (H, W, 3) uint8 is upright and unmirrored; None when `features` came in its place. `camera` is the
    pose in the left-handed world and `lens` that of the upright image, each None when it was not told. `aspect`
    is the upright image's width over its height, as a float32 like that of features; theirs is known once they
    are unpacked.
    """

    frame_id: str
    rgb: np.ndarray | None
    features: features_pb2.Features | None
    camera: Pose | None
    lens: Intrinsics | None
    aspect: float = 1.0


def read_image(image: image_pb2.ImageInput, limits: Limits, field: str = "image", default: int = UNTOLD) -> Frame:
    """Judge, decode and turn a frame; takes a while, keep it off the event loop. `default`: the handedness of its
    camera's pose where it names none.

    Raises `Refused`: FIELD_REQUIRED, FIELD_INVALID, FRAME_TOO_LARGE or IMAGE_UNDECODABLE.
    """
    source = require_one_of(image, "source", field)
    check_text(f"{field}.frame_id", image.frame_id, MAX_ID_CHARS, required=False)
    turns = _QUARTER_TURNS.get(image.rotation)
    if turns is None:
        refuse(f"{field}.rotation", image.rotation, "a known Rotation")
    is_right_handed = read_handedness(image, field, default)
    camera = None
    if image.HasField("camera_pose"):
        camera = read_pose(image.camera_pose, is_right_handed, f"{field}.camera_pose")
    lens = read_lens(image.intrinsics, f"{field}.intrinsics") if image.HasField("intrinsics") else None
    if source == "features":
        return Frame(image.frame_id, None, image.features, camera, lens)
    turn = turns, image.mirrored
    if source == "encoded":
        rgb, exif = _decode(image.encoded, limits, f"{field}.encoded")
        turn = pictures.join_turns(exif, turn)
    else:
        rgb = _read_raw(image.raw, limits, f"{field}.raw")
    if lens is not None:
        lens = _turn_lens(lens, image.intrinsics, rgb, *turn)
    rgb = pictures.turn(rgb, *turn)
    return Frame(image.frame_id, rgb, None, camera, lens, float(np.float32(rgb.shape[1] / rgb.shape[0])))


def read_lens(intrinsics: geometry_pb2.CameraIntrinsics, field: str) -> Intrinsics:
    """Intrinsics in pixels as fractions of the image."""
    for name in ("width", "height"):
        if getattr(intrinsics, name) < 1:
            refuse(f"{field}.{name}", getattr(intrinsics, name), "1 or more")
    for name in ("fx", "fy"):
        if check_finite(f"{field}.{name}", getattr(intrinsics, name)) <= 0:
            refuse(f"{field}.{name}", getattr(intrinsics, name), "more than 0")
    for name in ("cx", "cy"):
        check_finite(f"{field}.{name}", getattr(intrinsics, name))
    return Intrinsics(
        intrinsics.fx / intrinsics.width,
        intrinsics.fy / intrinsics.height,
        intrinsics.cx / intrinsics.width,
        intrinsics.cy / intrinsics.height,
    )


def _turn_lens(
    lens: Intrinsics, told: geometry_pb2.CameraIntrinsics, rgb: np.ndarray, turns: int, mirrored: bool
) -> Intrinsics:
    """The lens of the upright picture; one whose size fits only that picture belongs to it already."""
    height, width = rgb.shape[:2]
    is_upright = turns % 2 and (told.width - told.height) * (width - height) < 0
    return lens.turned(0 if is_upright else turns, mirrored)


def _decode(data: bytes, limits: Limits, field: str) -> tuple[np.ndarray, tuple[int, bool]]:
    """The pixels as they are stored, and the turn that EXIF asks for."""
    if not data:
        raise Refused("FIELD_REQUIRED", f"{field} is empty", field=field)
    _check_bytes(len(data), limits, field)
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            _check_size(image.width, image.height, limits, field)
            return pictures.to_rgb(image), pictures.exif_turn(image)
    except Refused:
        raise
    except Image.DecompressionBombError as error:
        raise Refused("FRAME_TOO_LARGE", f"{field}: {error}", field=field, bound=limits.max_image_pixels) from error
    except Exception as error:  # decoders meet hostile bytes in many ways
        raise Refused(
            "IMAGE_UNDECODABLE",
            f"{field} ({len(data)} bytes) is not a whole {', '.join(FORMATS)} image",
            field=field,
            value=len(data),
        ) from error


def _read_raw(raw: image_pb2.RawImage, limits: Limits, field: str) -> np.ndarray:
    if raw.format not in _READERS:
        refuse(f"{field}.format", raw.format, "a PixelFormat other than PIXEL_FORMAT_UNSPECIFIED")
    for name in ("width", "height"):
        check_range(f"{field}.{name}", getattr(raw, name), 1, limits.max_image_side, " pixels")
    _check_size(raw.width, raw.height, limits, field)
    _check_bytes(sum(len(plane.data) for plane in raw.planes), limits, field)
    counts, read = _READERS[raw.format]
    if len(raw.planes) not in counts:
        name = image_pb2.PixelFormat.Name(raw.format)
        refuse(f"{field}.planes", f"{len(raw.planes)} planes", f"{' or '.join(map(str, counts))} for {name}")
    planes = [pixels.Plane(plane.data, plane.row_stride, plane.pixel_stride, raw.bottom_up) for plane in raw.planes]
    return read(planes, raw.height, raw.width, f"{field}.planes")


def _check_bytes(n_bytes: int, limits: Limits, field: str) -> None:
    if n_bytes > limits.max_image_bytes:
        refuse(field, f"{n_bytes} bytes", f"at most {limits.max_image_bytes}", "FRAME_TOO_LARGE")


def _check_size(width: int, height: int, limits: Limits, field: str) -> None:
    size = f"{width}x{height} pixels"
    if width * height > limits.max_image_pixels:
        refuse(field, size, f"at most {limits.max_image_pixels} pixels", "FRAME_TOO_LARGE")
    if max(width, height) > limits.max_image_side:
        refuse(field, size, f"sides of at most {limits.max_image_side}", "FRAME_TOO_LARGE")
    if max(width, height) > limits.max_image_aspect * min(width, height):
        refuse(field, size, f"an aspect of at most {limits.max_image_aspect:g}:1")
