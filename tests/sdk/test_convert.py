"""Dataclasses and protobuf say the same, both ways."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from PIL import Image
from scenewright import types
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
        (PIXELS.astype(np.float32), "expected a uint8 array"),
        (PIXELS[0], r"got uint8 \(6, 3\)"),
        (7, "cannot take a int"),
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
    stereo = np.stack([samples, -samples], axis=1)
    assert not np.frombuffer(inputs.audio_to_proto((stereo, 48_000)).pcm.data, "<i2").any()
    file = tmp_path / "q.wav"
    file.write_bytes(b"RIFF")
    assert inputs.audio_to_proto(file).encoded == b"RIFF"


@pytest.mark.parametrize(
    ("audio", "message"),
    [
        ((np.zeros(0, np.float32), 16_000), "got shape"),
        ((np.zeros(9, np.float32), 4_000), "4000 Hz"),
        ((np.array([np.nan]), 16_000), "not finite"),
        ((np.zeros(9, np.int32), 16_000), "got int32"),
        ("missing.wav", "cannot read"),
    ],
)
def test_wrong_audio_is_named(audio, message):
    with pytest.raises(InvalidInputError, match=message):
        inputs.audio_to_proto(audio)


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
    ("text", "message"), [("[1]", "holds a list"), ("{", "is not JSON"), ('{"objekts": []}', "objekts")]
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
