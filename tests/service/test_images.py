"""ImageInput as a client sends it -> the upright frame."""

import io

import numpy as np
import pytest
from PIL import Image
from scenewright import pictures, types
from scenewright._convert.inputs import frame_to_proto
from scenewright.v1 import geometry_pb2, image_pb2
from scenewright_server.service.reading.images import read_image
from scenewright_server.service.settings import Limits
from scenewright_server.service.status import Refused

TURNS = ("NONE", "CLOCKWISE_90", "CLOCKWISE_180", "CLOCKWISE_270")
LIMITS = Limits(max_image_pixels=10_000, max_image_side=400, max_image_bytes=40_000)


def picture(height=16, width=32):
    """Four flat quarters: red, green / blue, white."""
    rgb = np.zeros((height, width, 3), np.uint8)
    rgb[: height // 2, : width // 2] = 255, 0, 0
    rgb[: height // 2, width // 2 :] = 0, 255, 0
    rgb[height // 2 :, : width // 2] = 0, 0, 255
    rgb[height // 2 :, width // 2 :] = 255, 255, 255
    return rgb


def to_file(rgb, form="PNG", **options):
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, form, **options)
    return buffer.getvalue()


def raw(form, size, *planes):
    height, width = size
    return image_pb2.RawImage(
        format=form,
        width=width,
        height=height,
        planes=[image_pb2.ImagePlane(data=data, row_stride=row, pixel_stride=px) for data, row, px in planes],
    )


@pytest.mark.parametrize(
    ("form", "options", "tolerance"),
    [("PNG", {}, 0), ("JPEG", {"quality": 95, "subsampling": 0}, 3), ("WEBP", {"lossless": True}, 0)],
)
def test_encoded(form, options, tolerance):
    frame = read_image(image_pb2.ImageInput(encoded=to_file(picture(), form, **options), frame_id="f"), LIMITS)
    assert frame.frame_id == "f"
    assert np.abs(frame.rgb.astype(int) - picture()).max() <= tolerance


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "1", "I;16", "CMYK"])
def test_every_mode_becomes_rgb(mode):
    grey = Image.new("L", (8, 6), 255)
    image = Image.new("I;16", (8, 6), 65535) if mode == "I;16" else grey.convert(mode)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG" if mode == "CMYK" else "PNG")
    frame = read_image(image_pb2.ImageInput(encoded=buffer.getvalue()), LIMITS)
    assert frame.rgb.shape == (6, 8, 3) and frame.rgb.dtype == np.uint8
    assert frame.rgb.min() > 250


@pytest.mark.parametrize(("turns", "mirrored"), [(t, m) for t in range(4) for m in (False, True)])
def test_rotation_and_mirror_undo_what_the_sensor_did(turns, mirrored):
    upright = picture()
    sent = upright[:, ::-1] if mirrored else upright
    sent = np.ascontiguousarray(np.rot90(sent, turns))
    rotation = image_pb2.Rotation.Value("ROTATION_" + TURNS[turns])
    frame = read_image(image_pb2.ImageInput(encoded=to_file(sent), rotation=rotation, mirrored=mirrored), LIMITS)
    assert np.array_equal(frame.rgb, upright)


def test_exif_orientation_is_followed():
    exif = Image.Exif()
    exif[0x0112] = 6  # stored a quarter turn counter-clockwise
    stored = np.ascontiguousarray(np.rot90(picture()))
    frame = read_image(image_pb2.ImageInput(encoded=to_file(stored, exif=exif)), LIMITS)
    assert np.array_equal(frame.rgb, picture())


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("rotation", range(4))
def test_exif_turns_the_lens_with_the_pixels(orientation, rotation):
    """A mark in the stored picture, and a lens whose centre is on it: so it stays, whatever turns the picture."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = np.zeros((16, 32, 3), np.uint8)
    stored[4:6, 24:26] = 255
    for intrinsics in (
        geometry_pb2.CameraIntrinsics(fx=20, fy=20, cx=25, cy=5, width=32, height=16),
        geometry_pb2.CameraIntrinsics(fx=40, fy=40, cx=50, cy=10, width=64, height=32),
    ):
        image = image_pb2.ImageInput(encoded=to_file(stored, exif=exif), intrinsics=intrinsics, rotation=1 + rotation)
        frame = read_image(image, LIMITS)
        height, width = frame.rgb.shape[:2]
        y, x = np.argwhere(frame.rgb[..., 0] == 255).mean(axis=0) + 0.5
        assert (frame.lens.cx * width, frame.lens.cy * height) == pytest.approx((x, y))
        assert frame.lens.fx * width == pytest.approx(frame.lens.fy * height)


def test_a_lens_whose_size_fits_only_the_upright_picture_belongs_to_it():
    exif = Image.Exif()
    exif[0x0112] = 6
    lens = geometry_pb2.CameraIntrinsics(fx=16, fy=20, cx=4, cy=24, width=16, height=32)
    image = image_pb2.ImageInput(encoded=to_file(picture(), exif=exif), intrinsics=lens)
    frame = read_image(image, LIMITS)
    assert frame.rgb.shape == (32, 16, 3)
    assert (frame.lens.fx, frame.lens.fy, frame.lens.cx, frame.lens.cy) == (1, 0.625, 0.25, 0.75)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_a_picture_is_the_same_by_every_way_in(form, tmp_path):
    """By bytes, by path, as Pillow opens it, as an array of what is seen."""
    exif = Image.Exif()
    exif[0x0112] = 5
    data = to_file(picture(), form, exif=exif, **({"lossless": True} if form == "WEBP" else {}))
    path = tmp_path / "photo"
    path.write_bytes(data)
    opened = Image.open(path)
    lens = types.Intrinsics(20, 20, 25, 5, 32, 16)
    first, *others = (
        read_image(frame_to_proto(types.Frame(image, rotation=90, intrinsics=lens)), LIMITS)
        for image in (data, path, str(path), opened, opened.convert("RGBA"))
    )
    for other in others:
        np.testing.assert_array_equal(other.rgb, first.rgb)
        assert other.lens == first.lens
    seen = np.asarray(pictures.upright(opened))
    np.testing.assert_array_equal(read_image(frame_to_proto(types.Frame(seen, rotation=90)), LIMITS).rgb, first.rgb)


def test_16_bits_are_scaled():
    grey = np.arange(256, dtype=np.uint8).reshape(8, 32)
    for wide in (grey.astype(np.uint16) * 257, grey.astype(np.uint16)):
        frame = read_image(image_pb2.ImageInput(encoded=to_file(wide)), LIMITS)
        np.testing.assert_array_equal(frame.rgb, np.repeat(grey[..., None], 3, 2))


@pytest.mark.parametrize("name", ["RGB24", "RGBA32", "BGRA32", "ARGB32", "NV12", "NV21", "I420"])
def test_every_raw_format_shows_the_same_picture(name):
    """Flat quarters of even size: chroma at half size loses nothing, so all formats agree to rounding."""
    rgb = picture()
    y, u, v = (np.asarray(part) for part in Image.fromarray(rgb).convert("YCbCr").split())
    u, v = u[::2, ::2], v[::2, ::2]
    form = image_pb2.PixelFormat.Value(f"PIXEL_FORMAT_{name}")
    planes = {
        "RGB24": [(rgb.tobytes(), 0, 0)],
        "RGBA32": [(np.dstack([rgb, rgb[..., :1]]).tobytes(), 0, 0)],
        "BGRA32": [(np.dstack([rgb[..., ::-1], rgb[..., :1]]).tobytes(), 0, 0)],
        "ARGB32": [(np.dstack([rgb[..., :1], rgb]).tobytes(), 0, 0)],
        "NV12": [(y.tobytes(), 32, 1), (np.stack([u, v], -1).tobytes(), 32, 2)],
        "NV21": [(y.tobytes(), 32, 1), (np.stack([v, u], -1).tobytes(), 32, 2)],
        "I420": [(y.tobytes(), 32, 1), (u.tobytes(), 16, 1), (v.tobytes(), 16, 1)],
    }[name]
    frame = read_image(image_pb2.ImageInput(raw=raw(form, (16, 32), *planes)), LIMITS)
    assert np.abs(frame.rgb.astype(int) - rgb).max() <= 2


@pytest.mark.parametrize("form", [image_pb2.PIXEL_FORMAT_NV12, image_pb2.PIXEL_FORMAT_NV21])
def test_semi_planar_as_three_planes(form):
    """Android gives Y, U and V; U and V look into one buffer, one byte apart."""
    y, u, v = (np.asarray(part) for part in Image.fromarray(picture()).convert("YCbCr").split())
    pair = (u, v) if form == image_pb2.PIXEL_FORMAT_NV12 else (v, u)
    chroma = np.stack([plane[::2, ::2] for plane in pair], -1).tobytes()
    views = [chroma, chroma[1:]] if form == image_pb2.PIXEL_FORMAT_NV12 else [chroma[1:], chroma]
    planes = [(y.tobytes(), 32, 1), *((view, 32, 2) for view in views)]
    frame = read_image(image_pb2.ImageInput(raw=raw(form, (16, 32), *planes)), LIMITS)
    assert np.abs(frame.rgb.astype(int) - picture()).max() <= 2


def test_bottom_up_turns_the_rows_before_anything_else():
    sent = np.ascontiguousarray(np.rot90(picture()))
    bottom_up = raw(image_pb2.PIXEL_FORMAT_RGB24, sent.shape[:2], (sent[::-1].tobytes(), 0, 0))
    bottom_up.bottom_up = True
    lens = geometry_pb2.CameraIntrinsics(fx=1, fy=1, cx=4, cy=3, width=sent.shape[1], height=sent.shape[0])
    image = image_pb2.ImageInput(raw=bottom_up, rotation=image_pb2.ROTATION_CLOCKWISE_90, intrinsics=lens)
    frame = read_image(image, LIMITS)
    assert np.array_equal(frame.rgb, picture())
    assert (
        frame.lens == read_image(image_pb2.ImageInput(encoded=to_file(sent), rotation=2, intrinsics=lens), LIMITS).lens
    )


def test_a_pose_without_a_handedness_takes_the_one_told_before():
    image = image_pb2.ImageInput(encoded=to_file(picture()), camera_pose={"position": {"z": 2}})
    left, right = geometry_pb2.HANDEDNESS_LEFT_HANDED, geometry_pb2.HANDEDNESS_RIGHT_HANDED
    for own, told, z in ((0, 0, 2), (0, left, 2), (0, right, -2), (left, right, 2), (right, left, -2)):
        image.handedness = own
        assert read_image(image, LIMITS, default=told).camera.position[2] == z


def test_intrinsics_follow_the_picture():
    """A pixel keeps its ray: what is projected by the turned lens lands on the turned pixel."""
    intrinsics = geometry_pb2.CameraIntrinsics(fx=50, fy=40, cx=12, cy=9, width=64, height=32)
    sent = image_pb2.ImageInput(encoded=to_file(picture()), intrinsics=intrinsics)
    plain = read_image(sent, LIMITS).lens
    assert (plain.fx, plain.fy, plain.cx, plain.cy) == pytest.approx((50 / 64, 40 / 32, 12 / 64, 9 / 32))
    sent.rotation = image_pb2.ROTATION_CLOCKWISE_90
    turned = read_image(sent, LIMITS).lens
    assert (turned.fx, turned.fy, turned.cx, turned.cy) == pytest.approx((40 / 32, 50 / 64, 1 - 9 / 32, 12 / 64))
    sent.mirrored = True
    assert read_image(sent, LIMITS).lens.cx == pytest.approx(9 / 32)


RGB24 = image_pb2.PIXEL_FORMAT_RGB24
NV12 = image_pb2.PIXEL_FORMAT_NV12
INTRINSICS = {"fx": 1, "fy": 1, "cx": 0, "cy": 0, "width": 2, "height": 2}
ORIGIN = geometry_pb2.Vector3()
BAD = [
    ({}, "FIELD_REQUIRED", "image has none of encoded, raw, features"),
    ({"encoded": b""}, "FIELD_REQUIRED", "image.encoded is empty"),
    ({"encoded": b"GIF89a" + bytes(50)}, "IMAGE_UNDECODABLE", "image.encoded (56 bytes)"),
    ({"encoded": to_file(picture(), "GIF")}, "IMAGE_UNDECODABLE", "JPEG, PNG, WEBP"),
    ({"encoded": to_file(picture(), "JPEG")[:300]}, "IMAGE_UNDECODABLE", "300 bytes"),
    ({"encoded": bytes(40_001)}, "FRAME_TOO_LARGE", "40001 bytes, needs at most 40000"),
    ({"encoded": to_file(picture(101, 100))}, "FRAME_TOO_LARGE", "100x101 pixels, needs at most 10000"),
    ({"encoded": to_file(picture(10, 401))}, "FRAME_TOO_LARGE", "401x10 pixels, needs sides of at most 400"),
    ({"encoded": to_file(picture(10, 90))}, "FIELD_INVALID", "90x10 pixels, needs an aspect of at most 4:1"),
    ({"raw": raw(0, (2, 2), (bytes(12), 0, 0))}, "FIELD_INVALID", "image.raw.format is 0"),
    ({"raw": raw(99, (2, 2), (bytes(12), 0, 0))}, "FIELD_INVALID", "image.raw.format is 99"),
    ({"raw": raw(RGB24, (0, 2), (bytes(12), 0, 0))}, "FIELD_INVALID", "height is 0 pixels, needs 1 to 400"),
    ({"raw": raw(RGB24, (2, 0), (bytes(12), 0, 0))}, "FIELD_INVALID", "width is 0 pixels, needs 1 to 400"),
    ({"raw": raw(RGB24, (2, 2**32 - 1), (b"", 0, 0))}, "FIELD_INVALID", "needs 1 to 400 pixels"),
    ({"raw": raw(RGB24, (2, 2))}, "FIELD_INVALID", "0 planes, needs 1 for PIXEL_FORMAT_RGB24"),
    ({"raw": raw(NV12, (2, 2), (bytes(4), 0, 0))}, "FIELD_INVALID", "1 planes, needs 2 or 3 for"),
    ({"raw": raw(RGB24, (2, 2), (bytes(11), 0, 0))}, "FIELD_INVALID", "data is 11 bytes, needs at least 12"),
    ({"raw": raw(RGB24, (2, 2), (bytes(12), 5, 0))}, "FIELD_INVALID", "row_stride is 5, needs at least 6"),
    ({"raw": raw(RGB24, (2, 2), (bytes(12), 6, 2))}, "FIELD_INVALID", "pixel_stride is 2, needs at least 3"),
    ({"raw": raw(RGB24, (2, 2), (bytes(12), 2**32 - 1, 0))}, "FIELD_INVALID", "planes[0].data is 12 bytes"),
    ({"raw": raw(RGB24, (2, 2), (bytes(40_001), 0, 0))}, "FRAME_TOO_LARGE", "at most 40000"),
    ({"raw": raw(NV12, (2, 2), (bytes(4), 0, 0), (b"", 0, 0))}, "FIELD_INVALID", "planes[1].data is 0"),
    ({"frame_id": "x" * 129}, "FIELD_INVALID", "image.frame_id is 129 characters, needs at most 128"),
    ({"rotation": 9}, "FIELD_INVALID", "image.rotation is 9"),
    ({"intrinsics": {**INTRINSICS, "fx": np.nan}}, "FIELD_INVALID", "image.intrinsics.fx is nan"),
    ({"intrinsics": {**INTRINSICS, "fy": -1}}, "FIELD_INVALID", "intrinsics.fy is -1.0, needs more than 0"),
    ({"intrinsics": {**INTRINSICS, "cx": np.inf}}, "FIELD_INVALID", "image.intrinsics.cx is inf"),
    ({"intrinsics": {**INTRINSICS, "width": 0}}, "FIELD_INVALID", "image.intrinsics.width is 0"),
    ({"camera_pose": {}}, "FIELD_REQUIRED", "image.camera_pose.position is missing"),
    ({"camera_pose": {"position": {"x": np.nan}}}, "FIELD_INVALID", "position.x is nan m, needs -10000 to"),
    ({"camera_pose": {"position": {"y": 1e5}}}, "FIELD_INVALID", "position.y is 100000 m"),
    ({"camera_pose": {"position": {}, "rotation": {"w": np.inf}}}, "FIELD_INVALID", "rotation.w is inf"),
    ({"camera_pose": {"position": {}}, "handedness": 7}, "FIELD_INVALID", "handedness is 7"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "reason", "message"), BAD, ids=[f"{r}-{m}" for _, r, m in BAD])
def test_bad_frames(fields, reason, message):
    sources = {"encoded", "raw", "features"}
    if fields and not sources & set(fields):
        fields = {"encoded": to_file(picture()), **fields}
    with pytest.raises(Refused) as refused:
        read_image(image_pb2.ImageInput(**fields), LIMITS)
    assert message in refused.value.message
    assert refused.value.reason == reason
    assert refused.value.metadata["field"]
