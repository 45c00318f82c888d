"""Frames: files, pictures and arrays -> protobuf."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from scenewright import pictures, types
from scenewright._convert import checks, features, geometry
from scenewright.errors import InvalidInputError
from scenewright.v1 import image_pb2

MAX_RAW_BYTES = 8 << 20
"""Pixels of more bytes go as JPEG: a server takes 16 MiB of a frame, and networks are slow."""
_QUALITIES = (95, 85, 70)
_ROTATIONS = {
    0: image_pb2.ROTATION_NONE,
    90: image_pb2.ROTATION_CLOCKWISE_90,
    180: image_pb2.ROTATION_CLOCKWISE_180,
    270: image_pb2.ROTATION_CLOCKWISE_270,
}


def frame_to_proto(frame: types.FrameLike, field: str = "image") -> image_pb2.ImageInput:
    """Raises InvalidInputError if the image cannot be read or has a wrong type or shape.

    A picture goes with its pixels as they are stored, and its EXIF orientation joined to the frame's rotation: so the
    server turns lens and pixels alike, as it does those of a file.
    """
    if not isinstance(frame, types.Frame):
        frame = types.Frame(frame)
    image, turns = frame.image, (0, False)
    checks.choice(_ROTATIONS, frame.rotation, f"{field}.rotation")
    mirrored = checks.flag(frame.mirrored, f"{field}.mirrored")
    source: dict[str, Any]
    if isinstance(image, types.Features):
        source = {"features": features.features_to_proto(image, field)}
    elif isinstance(image, Image.Image):
        turns = pictures.exif_turn(image)
        source = _pixels(_picture(image, field), field)
    elif isinstance(image, np.ndarray):
        source = _pixels(_array(image, field), field)
    else:
        source = {"encoded": file_bytes(image, field)}
    n_turns, mirrored = pictures.join_turns(turns, (int(frame.rotation) // 90, mirrored))
    return checks.make(
        image_pb2.ImageInput,
        field,
        **source,
        frame_id=frame.frame_id,
        rotation=_ROTATIONS[90 * n_turns],
        mirrored=mirrored,
        handedness=geometry.handedness_to_proto(frame.handedness, f"{field}.handedness"),
        intrinsics=geometry.intrinsics_to_proto(frame.intrinsics, f"{field}.intrinsics"),
        camera_pose=geometry.pose_to_proto(frame.camera_pose, f"{field}.camera_pose"),
    )


def file_bytes(source: Any, field: str) -> bytes:
    """A file's bytes, by its path or as they are."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        return bytes(source)
    try:
        path = Path(source)
    except TypeError:
        raise checks.wrong(field, "a path, bytes or what its type names", source) from None
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a path that no file can have
        raise InvalidInputError(f"{field}: cannot read {str(source)!r}: {why(error)}") from error


def why(error: Exception) -> str:
    """What the system says, without the path and the number."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _picture(image: Image.Image, field: str) -> np.ndarray:
    if not (image.width and image.height):
        raise InvalidInputError(f"{field}: expected pixels, got a picture of {image.width}x{image.height}")
    try:
        return pictures.to_rgb(image)
    except (ValueError, OSError) as error:
        raise InvalidInputError(f"{field}: cannot take a picture of mode {image.mode}: {error}") from error


def _array(pixels: np.ndarray, field: str) -> np.ndarray:
    """(H, W, 3 or 4) uint8 of grey, grey with alpha, RGB or RGBA of any real type."""
    grey = pixels[..., None] if pixels.ndim == 2 else pixels
    if grey.ndim != 3 or not 1 <= grey.shape[2] <= 4 or not pixels.size:
        raise InvalidInputError(
            f"{field}: expected an array (height, width) or (height, width, 1 to 4), got {pixels.dtype} {pixels.shape}"
        )
    n_channels = grey.shape[2]
    if n_channels % 2 == 0 and grey.dtype != np.uint8:  # alpha is ignored, and may have a range of its own
        grey = grey[..., :-1]
    try:
        grey = pictures.to_8_bits(grey)
    except ValueError as error:
        raise InvalidInputError(f"{field}: {error}") from error
    return grey if n_channels > 2 else np.repeat(grey[..., :1], 3, axis=2)


def _pixels(pixels: np.ndarray, field: str) -> dict[str, Any]:
    """Raw, or as JPEG what is too large for that."""
    if pixels.size > MAX_RAW_BYTES:
        return {"encoded": _jpeg(pixels[..., :3], field)}
    height, width, n_channels = pixels.shape
    formats = {3: image_pb2.PIXEL_FORMAT_RGB24, 4: image_pb2.PIXEL_FORMAT_RGBA32}
    data = np.ascontiguousarray(pixels).tobytes()
    plane = image_pb2.ImagePlane(data=data, row_stride=width * n_channels, pixel_stride=n_channels)
    return {"raw": image_pb2.RawImage(format=formats[n_channels], width=width, height=height, planes=[plane])}


def _jpeg(rgb: np.ndarray, field: str) -> bytes:
    """At the highest quality at which it is small enough, else at the lowest."""
    picture = Image.fromarray(np.ascontiguousarray(rgb))
    for quality in _QUALITIES:
        file = io.BytesIO()
        try:
            picture.save(file, "JPEG", quality=quality, subsampling=0)
        except (OSError, ValueError) as error:
            height, width = rgb.shape[:2]
            raise InvalidInputError(f"{field}: cannot encode {width}x{height} pixels: {error}") from error
        if file.tell() <= MAX_RAW_BYTES:
            break
    return file.getvalue()
