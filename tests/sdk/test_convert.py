"""Dataclasses and protobuf say the same, both ways."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from PIL import Image, ImageOps
from scenewright import pictures, types
from scenewright._convert import inputs, outputs
from scenewright.errors import InvalidInputError
from scenewright.v1 import (
    annotation_pb2,
    dialogue_pb2,
    embedding_pb2,
    generation_pb2,
    geometry_pb2,
    image_pb2,
    model_pb2,
    speech_pb2,
)

PIXELS = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
FACTS = (types.Fact("price", 24, "EUR"), types.Fact("产地", "北京"))
POSE = types.Pose((1.0, 2.0, 3.0), (0.0, 1.0, 0.0, 0.0))


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def test_image_file_and_bytes_travel_as_they_are(tmp_path):
    path = tmp_path / "frame.png"
    path.write_bytes(png(PIXELS))
    for image in (path, str(path), path.read_bytes()):
        assert inputs.frame_to_proto(image).encoded == path.read_bytes()


@pytest.mark.parametrize(
    ("image", "pixel_format", "n_channels"),
    [
        (PIXELS, image_pb2.PIXEL_FORMAT_RGB24, 3),
        (PIXELS[::-1], image_pb2.PIXEL_FORMAT_RGB24, 3),
        (np.dstack([PIXELS, PIXELS[..., :1]]), image_pb2.PIXEL_FORMAT_RGBA32, 4),
        (Image.fromarray(PIXELS), image_pb2.PIXEL_FORMAT_RGB24, 3),
    ],
)
def test_pixels_travel_raw(image, pixel_format, n_channels):
    raw = inputs.frame_to_proto(image).raw
    assert (raw.format, raw.width, raw.height) == (pixel_format, 6, 4)
    (plane,) = raw.planes
    assert (plane.row_stride, plane.pixel_stride) == (6 * n_channels, n_channels)
    sent = np.frombuffer(plane.data, np.uint8).reshape(4, 6, n_channels)
    np.testing.assert_array_equal(sent, np.asarray(image))


STEPS = np.array([[0, 51, 255], [102, 153, 204]], np.uint8)
WIDE = STEPS.astype(np.uint16) * 257


@pytest.mark.parametrize(
    "image",
    [
        STEPS,
        STEPS[..., None],
        np.dstack([STEPS, STEPS[::-1]]),
        np.dstack([STEPS] * 3)[::-1][::-1],
        np.dstack([*[STEPS / 255] * 3, STEPS]),
        STEPS.astype(np.int64),
        STEPS.astype(np.float64),
        (STEPS / 255).astype(np.float16),
        STEPS / 255 * 1.001 - 0.001,
        WIDE,
        WIDE.astype(">u2"),
        WIDE.astype(np.float32),
        WIDE >> 4,
        Image.fromarray(STEPS),
        Image.fromarray(WIDE),
        Image.frombytes("I;16B", (3, 2), WIDE.astype(">u2").tobytes()),
        Image.fromarray(STEPS).convert("I;16"),
        Image.fromarray(WIDE.astype(np.int32)),
        Image.fromarray(STEPS).convert("I"),
        Image.fromarray(STEPS / np.float32(255)),
        Image.fromarray(STEPS).convert("F"),
        *(Image.fromarray(STEPS).convert("RGB").convert(mode) for mode in "LA RGBA RGBX CMYK P".split()),
        Image.fromarray(STEPS).convert("P").convert("PA"),
        Image.fromarray(STEPS).convert("LA").convert("La"),
    ],
    ids=lambda image: image.mode if isinstance(image, Image.Image) else f"{image.dtype} {image.shape}",
)
def test_every_depth_and_mode_becomes_8_bits(image):
    raw = inputs.frame_to_proto(image).raw
    sent = np.frombuffer(raw.planes[0].data, np.uint8).reshape(2, 3, -1)[..., :3]
    assert np.abs(sent.astype(int) - STEPS[..., None]).max() <= 1


def test_two_tones_and_hidden_colours_are_what_they_look_like():
    sent = inputs.frame_to_proto(Image.fromarray(STEPS > 100)).raw.planes[0].data
    assert sent == np.repeat(np.where(STEPS > 100, 255, 0).astype(np.uint8), 3).tobytes()
    assert inputs.frame_to_proto(STEPS > 100).raw.planes[0].data == sent
    palette = Image.fromarray(STEPS).convert("P")
    palette.info["transparency"] = bytes(3)
    assert inputs.frame_to_proto(palette).raw.planes[0].data == np.repeat(STEPS, 3).tobytes()


def test_what_is_too_large_to_send_raw_is_encoded():
    large = np.repeat(np.repeat(STEPS, 1200, 0), 1000, 1)
    for image in (np.dstack([large] * 3), np.dstack([large] * 4), Image.fromarray(large)):
        encoded = inputs.frame_to_proto(image).encoded
        with Image.open(io.BytesIO(encoded)) as sent:
            assert np.abs(np.asarray(sent.convert("L")).astype(int) - large).max() <= 2
    noise = np.random.default_rng(0).integers(0, 255, (2000, 2000, 3), dtype=np.uint8)
    assert len(inputs.frame_to_proto(noise).encoded) <= 8 << 20
    with pytest.raises(InvalidInputError, match="image: cannot encode 70000x50 pixels"):
        inputs.frame_to_proto(np.zeros((50, 70_000, 3), np.uint8))


@pytest.mark.parametrize("orientation", range(10))
def test_a_pictures_exif_joins_its_frames_rotation(orientation):
    """Pillow's transposition and numpy's turns are the oracle."""
    image = Image.fromarray(PIXELS)
    image.getexif()[0x112] = orientation
    stored = io.BytesIO()
    image.save(stored, "PNG", exif=image.getexif())
    opened = Image.open(stored)
    for rotation in (0, 90, 180, 270):
        for mirrored in (False, True):
            proto = inputs.frame_to_proto(types.Frame(opened, rotation=rotation, mirrored=mirrored))
            turns = (proto.rotation - image_pb2.ROTATION_NONE, proto.mirrored)
            sent = np.frombuffer(proto.raw.planes[0].data, np.uint8).reshape(4, 6, 3)
            wanted = np.rot90(np.asarray(ImageOps.exif_transpose(opened)), -rotation // 90)
            np.testing.assert_array_equal(pictures.turn(sent, *turns), wanted[:, ::-1] if mirrored else wanted)
    np.testing.assert_array_equal(np.asarray(pictures.upright(opened)), np.asarray(ImageOps.exif_transpose(opened)))


def test_a_broken_exif_block_is_none():
    image = Image.fromarray(PIXELS)
    image.info["exif"] = b"Exif\0\0MM\0*\xff\xff"
    assert inputs.frame_to_proto(image).rotation == image_pb2.ROTATION_NONE


def test_frame_carries_its_camera():
    camera = types.Intrinsics(500.0, 501.0, 320.0, 240.0, 640, 480)
    frame = types.Frame(PIXELS, "f7", 90, True, camera, POSE, "right")
    proto = inputs.frame_to_proto(frame)
    assert proto.frame_id == "f7"
    assert (proto.rotation, proto.mirrored) == (image_pb2.ROTATION_CLOCKWISE_90, True)
    assert proto.intrinsics.fy == 501.0
    assert proto.camera_pose.rotation.y == 1.0
    assert proto.handedness == geometry_pb2.HANDEDNESS_RIGHT_HANDED
    assert inputs.frame_to_proto(PIXELS).handedness == geometry_pb2.HANDEDNESS_UNSPECIFIED


def test_a_pointer_and_a_viewpoint_carry_their_axes():
    pointer = types.Pointer((0.0, 1.5, 0.0), (0.0, 0.0, 2.0), "right", "hand")
    proto = inputs.pointer_to_proto(pointer)
    assert (proto.origin.y, proto.direction.z) == (1.5, 2.0)
    assert (proto.handedness, proto.source) == (
        geometry_pb2.HANDEDNESS_RIGHT_HANDED,
        geometry_pb2.POINTER_SOURCE_HAND,
    )
    viewpoint = inputs.viewpoint_to_proto(types.Viewpoint(POSE))
    assert viewpoint.pose.position.x == 1.0 and not viewpoint.HasField("intrinsics")
    with pytest.raises(InvalidInputError, match="source: expected one of None, gaze, hand, controller, screen"):
        inputs.pointer_to_proto(types.Pointer((0.0, 0.0, 0.0), (1.0, 0.0, 0.0), source="nose"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ("no/such/file.png", "cannot read 'no/such/file.png'"),
        (PIXELS[0, 0], r"expected an array \(height, width\) .* got uint8 \(3,\)"),
        (PIXELS[:0], r"got uint8 \(0, 6, 3\)"),
        (np.moveaxis(PIXELS, 2, 0), r"got uint8 \(3, 4, 6\)"),
        (PIXELS / 128 - 1, "image: pixels from -1 to .*, expected 0 to 1 or 0 to 255"),
        (PIXELS * np.nan, "image: some pixels are not finite"),
        (PIXELS.astype(np.int32) * 1000, "image: pixels from 0 to 71000, expected 0 to 255 or 0 to 65535"),
        (PIXELS.astype(complex), "image: pixels of type complex128"),
        (7, "image: expected a path, bytes or what its type names, got 7"),
        ("\0", "image: cannot read"),
        (Image.new("RGB", (0, 3)), "image: expected pixels, got a picture of 0x3"),
        (types.Frame(PIXELS, mirrored=1), "image.mirrored: expected True or False, got 1"),
        (types.Frame(PIXELS, rotation=45), "rotation: expected one of 0, 90, 180, 270, got 45"),
    ],
)
def test_wrong_images_are_named(image, message):
    with pytest.raises(InvalidInputError, match=message):
        inputs.frame_to_proto(image)


def test_audio_becomes_mono_pcm16(tmp_path):
    samples = np.array([0.0, 0.5, -1.0, 2.0], np.float32)
    proto = inputs.audio_to_proto((samples, 16_000))
    assert proto.pcm.sample_rate_hz == 16_000
    np.testing.assert_array_equal(np.frombuffer(proto.pcm.data, "<i2"), [0, 16384, -32768, 32767])
    whole = np.array([1, -2, 32767, -32768], np.int16)
    assert inputs.audio_to_proto((whole, 8_000)).pcm.data == whole.tobytes()
    file = tmp_path / "q.wav"
    file.write_bytes(b"RIFF")
    assert inputs.audio_to_proto(file).encoded == b"RIFF"


@pytest.mark.parametrize(
    ("audio", "message"),
    [
        ((np.zeros(0, np.float32), 16_000), "got shape"),
        ((np.zeros(9, np.float32), 4_000), "4000 Hz"),
        ((np.array([np.nan]), 16_000), "not finite"),
        ((np.zeros(9, np.uint64), 16_000), "samples of type uint64"),
        ((np.zeros(9, bool), 16_000), "samples of type bool"),
        ((np.full(9, 2**40), 16_000), "samples of type int64"),
        ((np.full(9, 300.0), 16_000), r"expected floats in \[-1, 1\], got some of 300"),
        ((np.zeros((9, 9)), 16_000), "at most 8 channels, got shape"),
        ((np.zeros((1, 9, 9)), 16_000), r"got shape \(1, 9, 9\)"),
        ((np.zeros(9), 16_000.5), "rate_hz: expected a whole number"),
        ((np.zeros(9), "16000"), "rate_hz: expected a whole number .* got '16000'"),
        ((np.zeros(9), np.zeros(9)), "rate_hz"),
        ((16_000, 16_000), "got shape"),
        ((np.zeros(9), 16_000, 2), "got a tuple of 3"),
        ([0.0, 0.5], "audio: expected a path"),
        ("missing.wav", "cannot read"),
    ],
)
def test_wrong_audio_is_named(audio, message):
    with pytest.raises(InvalidInputError, match=message):
        inputs.audio_to_proto(audio)


TONE = np.rint(8000 * np.sin(np.arange(400) / 3)).astype(np.int16)


@pytest.mark.parametrize(
    "samples",
    [
        TONE[:, None],
        TONE[None],
        np.stack([TONE, TONE]),
        np.stack([TONE, TONE], 1),
        np.stack([TONE, -TONE]),
        np.stack([TONE, -TONE, TONE, -TONE], 1),
        TONE[::-1][::-1],
        TONE.astype(">i2"),
        TONE.astype(np.int32) << 16,
        TONE.astype(np.int32),
        TONE.astype(np.int64),
        TONE.astype(np.int32).astype(np.uint16) + np.uint16(32768),
        TONE / 32768,
        (TONE / 32768).astype(np.float32),
        list(TONE / 32768),
    ],
)
def test_every_layout_and_type_of_samples_is_heard(samples):
    for audio in ((samples, 16_000), (16_000.0, samples), (samples, np.int64(16_000))):
        heard = inputs.audio_to_proto(audio).pcm
        assert heard.sample_rate_hz == 16_000
        np.testing.assert_allclose(np.frombuffer(heard.data, "<i2"), TONE, atol=1)


def test_bytes_of_8_bits_are_silent_in_the_middle():
    for dtype, middle in ((np.uint8, 128), (np.int8, 0)):
        data = inputs.audio_to_proto((np.array([middle, middle + 64], dtype), 8_000)).pcm.data
        np.testing.assert_array_equal(np.frombuffer(data, "<i2"), [0, 16384])


def test_a_quiet_piece_of_32_bits_stays_quiet():
    (chunk,) = inputs.audio_to_chunks(np.full(9, 40_000, np.int32), 16_000)
    assert np.frombuffer(chunk.data, "<i2").max() == 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: types.SceneObject(7, "mug", POSE), r"scene.objects\[0\].id: expected text, got 7"),
        (lambda: types.SceneObject("a", "\ud800", POSE), r"scene.objects\[0\].label: .* surrogates"),
        (lambda: types.SceneObject("a", "mug", (1, 2, 3)), r"scene.objects\[0\].pose: expected a Pose, got a tuple"),
        (lambda: types.SceneObject("a", "mug", types.Pose((0, 0, 2), (0, 90, 0))),
         r"scene.objects\[0\].pose.rotation: expected 4 numbers \(x, y, z, w\), got 3"),
        (lambda: types.SceneObject("a", "mug", types.Pose(np.eye(3))), r"pose.position: expected 3 numbers"),
        (lambda: types.SceneObject("a", "mug", POSE, aliases="cup"), r"aliases: expected a list, got 'cup'"),
        (lambda: types.SceneObject("a", "mug", POSE, facts=[("price", 2)]), r"facts\[0\]: expected a Fact"),
        (lambda: {"id": "a"}, r"scene.objects\[0\]: expected a SceneObject, got a dict"),
    ],
)  # fmt: skip
def test_wrong_types_in_a_scene_are_named(make, message):
    for scene in (types.SceneGraph([make()]), [make()]):
        with pytest.raises(InvalidInputError, match=message):
            inputs.scene_to_proto(scene)


def test_what_is_plainly_meant_is_taken():
    item = types.SceneObject("a", "mug", types.Pose(np.array([0, 1, 2], np.float32)), [1, 2, 3])
    assert inputs.scene_to_proto([item]) == inputs.scene_to_proto(types.SceneGraph((item,)))
    camera = types.Intrinsics(500, 500, 320, np.float32(240), 640.0, np.int32(480))
    proto = inputs.frame_to_proto(types.Frame(PIXELS, rotation=90.0, intrinsics=camera)).intrinsics
    assert (proto.fx, proto.width, proto.height) == (500, 640, 480)
    with pytest.raises(InvalidInputError, match=r"image.intrinsics.width: expected a whole number .* got 640.5"):
        inputs.frame_to_proto(types.Frame(PIXELS, intrinsics=types.Intrinsics(1, 1, 1, 1, 640.5, 480)))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_scene_file_of_another_tool_is_read(tmp_path, encoding):
    path = tmp_path / "graph.json"
    path.write_text('{"objects": [{"id": "a", "label": "杯子"}]}', encoding=encoding)
    assert inputs.scene_to_proto(path).objects[0].label == "杯子"


def test_scene_graph_is_the_same_as_dataclass_dict_and_file(tmp_path):
    item = types.SceneObject("o1", "goblin king", POSE, (1.0, 2.0, 0.5), "anchor-1", ("boss",), "angry", FACTS)
    graph = types.SceneGraph([item], types.Viewpoint(types.Pose((0.0, 1.6, 0.0))), 3, "left")
    as_dict = inputs.scene_to_dict(graph)
    path = tmp_path / "graph.json"
    path.write_text(json.dumps(as_dict), encoding="utf-8")
    assert as_dict["objects"][0]["anchorId"] == "anchor-1"
    assert as_dict["objects"][0]["facts"] == [
        {"key": "price", "number": 24.0, "unit": "EUR"},
        {"key": "产地", "text": "北京"},
    ]
    assert inputs.scene_to_proto(graph) == inputs.scene_to_proto(as_dict) == inputs.scene_to_proto(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [("[1]", "holds a list"), ("[" * 9999, "is not"), ("{", "is not JSON"), ('{"objekts": []}', "objekts")],
)
def test_wrong_scene_files_are_named(tmp_path, text, message):
    path = tmp_path / "graph.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidInputError, match=message):
        inputs.scene_to_proto(path)


def test_features_survive_the_round_trip():
    features = types.Features("diorama/vision", "0" * 64, "squash-160", (2, 3), "float32", bytes(24))
    proto = embedding_pb2.EmbedImageResponse(
        embedding=embedding_pb2.Embedding(values=[0.6, 0.8]), features=inputs.features_to_proto(features)
    )
    embedding = outputs.image_embedding_from_proto(proto)
    assert embedding.features == features
    assert inputs.frame_to_proto(embedding.features).features == proto.features


def test_sampling_leaves_unset_what_is_none():
    proto = inputs.sampling_to_proto(types.Sampling(temperature=0.0, stop=["\n"]))
    assert proto.HasField("temperature") and not proto.HasField("top_k")
    assert list(proto.stop) == ["\n"]


def test_events_make_an_answer():
    done = generation_pb2.ResponseDone(
        finish_reason=generation_pb2.FINISH_REASON_COMPLETED,
        usage=generation_pb2.Usage(output_tokens=3),
        timings=generation_pb2.Timings(total_ms=12.5),
        confidence=0.75,
    )
    span = annotation_pb2.TextSpan(start=7, length=5)
    box = annotation_pb2.Box2D(x=0.25, y=0.5, width=0.25, height=0.125)
    responses = [
        dialogue_pb2.AskResponse(question=dialogue_pb2.Question(text="where", spoken=True, confidence=0.5)),
        *(
            dialogue_pb2.AskResponse(response_event=generation_pb2.ResponseEvent(**event))
            for event in (
                {"annotation": annotation_pb2.Annotation(id="a1", label="table")},
                {"text_delta": generation_pb2.TextDelta(text="on the ")},
                {"text_delta": generation_pb2.TextDelta(text="table")},
                {"annotation": annotation_pb2.Annotation(id="a1", label="table", box=box, spans=[span])},
                {"done": done},
            )
        ),
    ]
    answer = outputs.answer_from_events(map(outputs.ask_event_from_proto, responses))
    assert answer.question == types.Question("where", True, 0.5)
    assert answer.text == "on the table"
    (table,) = answer.annotations
    assert table == types.Annotation("a1", "table", types.Box(0.25, 0.5, 0.25, 0.125), spans=(types.TextSpan(7, 5),))
    assert answer.text[table.spans[0].start :][: table.spans[0].length] == "table"
    assert answer.confidence == 0.75
    assert answer.finish_reason is types.FinishReason.COMPLETED
    assert (answer.usage.output_tokens, answer.timings.total_ms) == (3, 12.5)


def test_an_event_from_the_future_is_skipped():
    assert outputs.response_event_from_proto(generation_pb2.ResponseEvent()) is None
    assert outputs.ask_event_from_proto(dialogue_pb2.AskResponse()) is None
    assert outputs.utterance_from_proto(speech_pb2.StreamingTranscribeResponse()) is None


def test_model_speaks_in_words():
    proto = model_pb2.GetModelResponse(
        model=model_pb2.Model(
            name="diorama",
            capabilities=[model_pb2.CAPABILITY_DESCRIBE, model_pb2.CAPABILITY_EMBED_IMAGE, 99],
            image_fusion=model_pb2.FUSION_KIND_SOFT,
            speech_languages=["en"],
            limits=model_pb2.Limits(max_audio_s=30.0),
        ),
        server_version="0.3.0",
        contract=1,
    )
    model = outputs.model_from_proto(proto)
    assert model.capabilities == ("describe", "embed_image", "99")
    assert model.fusion == {"image": "soft", "audio": "none", "scene": "none"}
    assert model.limits.max_audio_s == 30.0
    assert (model.speech_languages, model.server_version, model.contract) == (("en",), "0.3.0", 1)
    served = model_pb2.ListModelsResponse(models=[proto.model], server_version="0.3.0", contract=1)
    assert outputs.models_from_proto(served) == (model,)


def test_limits_are_all_there():
    assert {f.name for f in model_pb2.Limits.DESCRIPTOR.fields} == set(types.Limits.__annotations__)
    assert {f.name for f in generation_pb2.Timings.DESCRIPTOR.fields} == set(types.Timings.__annotations__)
    assert {f.name for f in generation_pb2.Usage.DESCRIPTOR.fields} == set(types.Usage.__annotations__)
