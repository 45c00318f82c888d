"""Each call x each bound: the right status, a reason, and a message that names field, value and bound."""

import math

import grpc
import numpy as np
import pytest
from scenewright.v1 import (
    dialogue_pb2,
    embedding_pb2,
    features_pb2,
    image_pb2,
    scene_pb2,
    session_pb2,
    speech_pb2,
)

from tests.service.wire import (
    RATE_HZ,
    error_info,
    finish,
    graph,
    image,
    kind,
    pcm,
    pixels,
    png,
    refusal,
    thing,
    wav,
)

INVALID = grpc.StatusCode.INVALID_ARGUMENT
PRECONDITION = grpc.StatusCode.FAILED_PRECONDITION
NOT_FOUND = grpc.StatusCode.NOT_FOUND

GOOD = {
    "scene.DescribeScene": (scene_pb2.DescribeSceneRequest, {"image": image()}),
    "scene.StreamDescribeScene": (scene_pb2.StreamDescribeSceneRequest, {"image": image()}),
    "dialogue.Ask": (dialogue_pb2.AskRequest, {"image": image(), "text": "red?"}),
    "speech.Transcribe": (speech_pb2.TranscribeRequest, {"audio": {"pcm": pcm()}}),
    "embedding.EmbedImage": (embedding_pb2.EmbedImageRequest, {"image": image()}),
    "embedding.EmbedText": (embedding_pb2.EmbedTextRequest, {"texts": ["red chair"]}),
    "embedding.RankLabels": (embedding_pb2.RankLabelsRequest, {"image": image(), "labels": ["red chair"]}),
    "session.CreateSession": (session_pb2.CreateSessionRequest, {}),
    "session.GetSession": (session_pb2.GetSessionRequest, {}),
    "session.ListSessions": (session_pb2.ListSessionsRequest, {}),
    "session.DeleteSession": (session_pb2.DeleteSessionRequest, {}),
}
"""A request of each call that is good but for what a test changes; session ids are always a test's own."""

SEES = [method for method, (_, fields) in GOOD.items() if "image" in fields]
ANSWERS = ["scene.DescribeScene", "scene.StreamDescribeScene", "dialogue.Ask"]
SPEAKS = [*ANSWERS, "speech.Transcribe", "session.CreateSession"]


def raw(form=image_pb2.PIXEL_FORMAT_RGB24, width=4, height=4, data=bytes(48), **plane):
    return {"raw": {"format": form, "width": width, "height": height, "planes": [{"data": data, **plane}]}}


def cut(data):
    return data[: len(data) // 2]


FRAMES = {
    "no-source": ({}, "FIELD_REQUIRED", "image has none of encoded, raw, features"),
    "empty": ({"encoded": b""}, "FIELD_REQUIRED", "image.encoded is empty"),
    "noise": ({"encoded": b"\x00\xff" * 40}, "IMAGE_UNDECODABLE", "image.encoded (80 bytes) is not"),
    "cut-short": ({"encoded": cut(png(pixels()))}, "IMAGE_UNDECODABLE", "is not a whole JPEG, PNG, WEBP"),
    "bytes": ({"encoded": bytes(200_001)}, "FRAME_TOO_LARGE", "200001 bytes, needs at most 200000"),
    "pixels": ({"encoded": png(pixels(201, 300))}, "FRAME_TOO_LARGE", "201 pixels, needs at most 60000"),
    "side": ({"encoded": png(pixels(20, 601))}, "FRAME_TOO_LARGE", "needs sides of at most 600"),
    "aspect": ({"encoded": png(pixels(20, 180))}, "FIELD_INVALID", "needs an aspect of at most 4:1"),
    "zero-size": (raw(width=0), "FIELD_INVALID", "image.raw.width is 0 pixels, needs 1 to 600"),
    "row-stride": (raw(row_stride=11), "FIELD_INVALID", "planes[0].row_stride is 11, needs at least 12"),
    "pixel-stride": (raw(pixel_stride=2), "FIELD_INVALID", "planes[0].pixel_stride is 2, needs at least 3"),
    "few-bytes": (raw(data=bytes(47)), "FIELD_INVALID", "planes[0].data is 47 bytes, needs at least 48"),
    "format": (raw(form=0), "FIELD_INVALID", "image.raw.format is 0"),
    "nan-intrinsics": (
        {"encoded": png(pixels()), "intrinsics": {"fx": math.nan, "fy": 1, "width": 1, "height": 1}},
        "FIELD_INVALID",
        "image.intrinsics.fx is nan, needs a finite number",
    ),
    "nan-pose": (
        {"encoded": png(pixels()), "camera_pose": {"position": {"z": math.nan}}},
        "FIELD_INVALID",
        "image.camera_pose.position.z is nan m, needs -10000 to 10000 m",
    ),
    "frame-id": ({"encoded": png(pixels()), "frame_id": "x" * 200}, "FIELD_INVALID", "needs at most 128"),
}  # fmt: skip
SOUNDS = {
    "no-source": ({}, "FIELD_REQUIRED", "audio has none of pcm, encoded, features"),
    "empty": ({"encoded": b""}, "FIELD_REQUIRED", "audio.encoded is empty"),
    "no-samples": ({"pcm": {"sample_rate_hz": RATE_HZ}}, "FIELD_INVALID", "is 0 samples, needs at least 1"),
    "noise": ({"encoded": b"no sound"}, "AUDIO_UNDECODABLE", "audio.encoded (8 bytes) is not"),
    "odd": ({"pcm": {"data": b"123", "sample_rate_hz": RATE_HZ}}, "AUDIO_UNDECODABLE", "an even number"),
    "rate": ({"pcm": {"data": b"12", "sample_rate_hz": 7_999}}, "FIELD_INVALID", "needs 8000 to 48000"),
    "channels": ({"encoded": wav(0.1, channels=9)}, "FIELD_INVALID", "9 channels, needs 1 to 8"),
    "bytes": ({"encoded": bytes(400_001)}, "AUDIO_TOO_LONG", "400001 bytes, needs at most 400000"),
    "ten-minutes": ({"encoded": wav(40, 4_000)}, "AUDIO_TOO_LONG", "is 40.0 s, needs at most 2 s"),
    "too-long": ({"pcm": pcm(2.1)}, "AUDIO_TOO_LONG", "audio.pcm is 2.1 s, needs at most 2 s"),
}  # fmt: skip
SCENES = {
    "objects": (graph(*map(thing, "abcde")), "SCENE_TOO_LARGE", "scene.objects is 5 items, needs at most 4"),
    "no-id": (graph(thing("")), "FIELD_REQUIRED", "scene.objects[0].id is empty"),
    "same-id": (graph(thing("a"), thing("a")), "FIELD_INVALID", "objects[1].id is 'a', needs an id"),
    "label": (graph(thing(label="x" * 31)), "FIELD_INVALID", "label is 31 characters, needs at most 30"),
    "nan": (graph(thing(position=(0, 0, math.nan))), "FIELD_INVALID", "position.z is nan m, needs -10000"),
    "extents": (graph(thing(extents={"x": -1})), "FIELD_INVALID", "extents.x is -1 m, needs 0 to 1000 m"),
    "viewpoint": (graph(viewpoint={}), "FIELD_REQUIRED", "scene.viewpoint.pose is missing"),
}  # fmt: skip
SAMPLINGS = {
    "new-tokens-0": ({"max_new_tokens": 0}, "sampling.max_new_tokens is 0, needs 1 to 600"),
    "new-tokens": ({"max_new_tokens": 601}, "sampling.max_new_tokens is 601, needs 1 to 600"),
    "temperature": ({"temperature": 2.5}, "sampling.temperature is 2.5, needs 0 to 2"),
    "temperature-nan": ({"temperature": math.nan}, "sampling.temperature is nan, needs 0 to 2"),
    "top-p": ({"top_p": 1.5}, "sampling.top_p is 1.5, needs 0 to 1"),
    "top-p-0": ({"top_p": 0}, "sampling.top_p is 0, needs more than 0"),
    "repetition": ({"repetition_penalty": 0.5}, "sampling.repetition_penalty is 0.5, needs 1 to 2"),
    "sequences": ({"num_return_sequences": 2}, "sampling.num_return_sequences is 2, needs 1"),
    "beams": ({"num_beams": 4}, "sampling.num_beams is 4, needs 1"),
    "stops": ({"stop": ["a"] * 9}, "sampling.stop is 9 items, needs at most 8"),
    "stop": ({"stop": ["x" * 65]}, "sampling.stop[0] is 65 characters, needs at most 64"),
    "empty-stop": ({"stop": [""]}, "sampling.stop[0] is empty, needs 1 to 64 characters"),
}


def cases():
    """(method, fields, code, reason, message) of every case, with its name."""
    for method in SEES:
        for name, (bad, reason, message) in FRAMES.items():
            yield f"{method}-frame-{name}", method, {"image": bad}, INVALID, reason, message
    for method in ("dialogue.Ask", "speech.Transcribe"):
        for name, (bad, reason, message) in SOUNDS.items():
            yield f"{method}-sound-{name}", method, {"audio": bad}, INVALID, reason, message
        bad = {"audio": {"features": {}}}
        yield f"{method}-sound-features", method, bad, PRECONDITION, "ENCODER_MISMATCH", "audio.features.encoder_id"
    for method in ANSWERS:
        for name, (bad, reason, message) in SCENES.items():
            yield f"{method}-scene-{name}", method, {"scene": bad}, INVALID, reason, message
        for name, (bad, message) in SAMPLINGS.items():
            yield f"{method}-sampling-{name}", method, {"sampling": bad}, INVALID, "FIELD_INVALID", message
        nothing = {"image": None}
        yield f"{method}-nothing", method, nothing, INVALID, "NOTHING_TO_SEE", "neither an image nor a scene"
    for method in SPEAKS:
        message = "language is 'tlh', needs one of en"
        yield f"{method}-language", method, {"language": "tlh"}, INVALID, "FIELD_INVALID", message
        for tag in ("tlh-en", "e", "-en", "en-" + "x" * 9, "english", "en US", "*"):
            message = f"language is {tag!r}, needs one of en"
            yield f"{method}-language-{tag}", method, {"language": tag}, INVALID, "FIELD_INVALID", message
    for method in ("session.GetSession", "session.DeleteSession"):
        yield f"{method}-no-id", method, {}, INVALID, "FIELD_REQUIRED", "session_id is empty"
    for method in ("session.GetSession", "session.DeleteSession", "dialogue.Ask"):
        message = "session_id 'nobody' is unknown"
        yield f"{method}-unknown", method, {"session_id": "nobody"}, NOT_FOUND, "SESSION_NOT_FOUND", message
    for method, field in (("embedding.EmbedText", "texts"), ("embedding.RankLabels", "labels")):
        few, many = f"{field} has 0 items, needs 1 to 3", f"{field} is 4 items, needs at most 3"
        yield f"{method}-none", method, {field: []}, INVALID, "FIELD_REQUIRED", few
        yield f"{method}-many", method, {field: ["a"] * 4}, INVALID, "FIELD_INVALID", many
        yield (
            f"{method}-blank",
            method,
            {field: ["a", " "]},
            INVALID,
            "FIELD_REQUIRED",
            f"{field}[1] is empty",
        )
        long, dense = (
            f"{field}[0] is 31 characters, needs at most 30",
            f"{field}[0] is 21 tokens, needs at most 11",
        )
        yield f"{method}-long", method, {field: ["x" * 31]}, INVALID, "TEXT_TOO_LONG", long
        yield f"{method}-dense", method, {field: ["q" * 20]}, INVALID, "TEXT_TOO_LONG", dense
    ask = "dialogue.Ask"
    yield "Ask-none", ask, {"text": None}, INVALID, "FIELD_REQUIRED", "question has none of text, audio"
    yield (
        "Ask-blank",
        ask,
        {"text": " "},
        INVALID,
        "FIELD_REQUIRED",
        "text is empty, needs 1 to 100 characters",
    )
    yield "Ask-mute", ask, {"text": "?!"}, INVALID, "FIELD_INVALID", "text is '?!', needs a word"
    long = "text is 100000 characters, needs at most 100"
    yield "Ask-long", ask, {"text": "x" * 100_000}, INVALID, "TEXT_TOO_LONG", long
    create, ttl = "session.CreateSession", "needs 1 to 60 s"
    yield (
        "Create-short",
        create,
        {"ttl": {"nanos": 500_000_000}},
        INVALID,
        "FIELD_INVALID",
        f"ttl is 0.5 s, {ttl}",
    )
    yield "Create-long", create, {"ttl": {"seconds": 61}}, INVALID, "FIELD_INVALID", f"ttl is 61 s, {ttl}"
    pages = "session.ListSessions"
    yield "List-size", pages, {"page_size": 101}, INVALID, "FIELD_INVALID", "page_size is 101, needs 0 to 100"
    yield "List-token", pages, {"page_token": "x"}, INVALID, "FIELD_INVALID", "page_token is 'x', needs"
    yield (
        "Transcribe-none",
        "speech.Transcribe",
        {"audio": None},
        INVALID,
        "FIELD_REQUIRED",
        "audio is missing",
    )
    for method in ("embedding.EmbedImage", "embedding.RankLabels"):
        yield f"{method}-no-image", method, {"image": None}, INVALID, "FIELD_REQUIRED", "image is missing"


CASES = {name: case for name, *case in cases()}


def build(method, changes):
    """The good request with changes; None takes a field away."""
    kind, fields = GOOD[method]
    fields = {**fields, **changes}
    if "audio" in changes:
        fields.pop("text", None)
    return kind(**{name: value for name, value in fields.items() if value is not None})


def call(stubs, method):
    service, name = method.split(".")
    return getattr(getattr(stubs, service), name)


@pytest.mark.parametrize(("method", "changes", "code", "reason", "message"), CASES.values(), ids=CASES)
def test_refusal(stubs, method, changes, code, reason, message):
    error = refusal(call(stubs, method), build(method, changes))
    told, info, retry_s = error_info(error)
    assert (told, info.reason) == (code, reason)
    assert message in error.details()
    assert retry_s is None
    assert reason in {"NOTHING_TO_SEE"} or info.metadata["field"]


@pytest.mark.parametrize("method", GOOD)
def test_the_unchanged_requests_are_good(stubs, method):
    changes, session_id = {}, ""
    if method in {"session.GetSession", "session.DeleteSession"}:
        session_id = stubs.session.CreateSession(session_pb2.CreateSessionRequest()).session.id
        changes = {"session_id": session_id}
    answer = finish(call(stubs, method)(build(method, {**changes, **short(method)})))
    assert answer
    if method == "session.CreateSession":
        session_id = answer.session.id
    if session_id and method != "session.DeleteSession":
        stubs.session.DeleteSession(session_pb2.DeleteSessionRequest(session_id=session_id))


def short(method):
    return {"sampling": {"max_new_tokens": 4}} if method in ANSWERS else {}


def test_streams_do_not_notice(stubs):
    """Every bad request in the middle of a good stream leaves its words as they were."""
    request = build("scene.StreamDescribeScene", {"sampling": {"max_new_tokens": 200, "temperature": 0.5, "seed": 1}})

    def words(events):
        return [event for event in events if kind(event) != "done"]

    undisturbed = words(stubs.scene.StreamDescribeScene(request))
    bad = iter(CASES.values())
    disturbed = []
    for event in stubs.scene.StreamDescribeScene(request):
        disturbed.append(event)
        method, changes, *_ = next(bad, (None, None))
        if method:
            refusal(call(stubs, method), build(method, changes))
    assert words(disturbed) == undisturbed


NAN, BIG, WIDE = (np.full((2, 18), value, "<f4").tobytes() for value in (np.nan, 3, 5))
FEATURES = {
    "encoder_id": ({"encoder_id": "clip"}, PRECONDITION, "ENCODER_MISMATCH", "'clip', the model's is 'tiny"),
    "sha256": ({"checkpoint_sha256": "ab"}, PRECONDITION, "ENCODER_MISMATCH", "'ab', the model's is '"),
    "preprocessing": ({"preprocessing_id": "p"}, PRECONDITION, "ENCODER_MISMATCH", "'p', the model's is"),
    "dtype": ({"dtype": features_pb2.FEATURE_DATA_TYPE_FLOAT16}, INVALID, "FIELD_INVALID", "dtype is 2"),
    "rank": ({"shape": [18]}, INVALID, "FIELD_INVALID", "features.shape is [18], needs [n, 18]"),
    "width": ({"shape": [2, 16]}, INVALID, "FIELD_INVALID", "features.shape is [2, 16], needs [n, 18]"),
    "rows": ({"shape": [14, 18]}, INVALID, "FIELD_INVALID", "shape[0] is 14 items, needs at most 13"),
    "no-rows": ({"shape": [0, 18]}, INVALID, "FIELD_REQUIRED", "features.shape[0] has 0 items"),
    "bytes": ({"data": b"1234"}, INVALID, "FIELD_INVALID", "features.data is 4 bytes, needs"),
    "nan": ({"data": NAN, "shape": [2, 18]}, INVALID, "FIELD_INVALID", "neither NaN"),
    "range": ({"data": BIG, "shape": [2, 18]}, INVALID, "FIELD_INVALID", "0 to 1"),
    "aspect": ({"data": WIDE, "shape": [2, 18]}, INVALID, "FIELD_INVALID", "aspect 5, needs 0.25 to 4"),
}  # fmt: skip


@pytest.mark.parametrize("method", SEES)
@pytest.mark.parametrize(("changes", "code", "reason", "message"), FEATURES.values(), ids=FEATURES)
def test_wrong_features(stubs, method, changes, code, reason, message):
    asked = embedding_pb2.EmbedImageRequest(image=image(), include_features=True)
    features = stubs.embedding.EmbedImage(asked).features
    for name, value in changes.items():
        features.ClearField(name)
        features.MergeFrom(features_pb2.Features(**{name: value}))
    error = refusal(call(stubs, method), build(method, {"image": {"features": features}}))
    told, info, _ = error_info(error)
    assert (told, info.reason) == (code, reason)
    assert message in error.details()
    assert info.metadata["field"].startswith("image.features.")


def test_a_message_beyond_the_limit_is_refused_by_grpc(stubs, settings):
    huge = image_pb2.ImageInput(encoded=bytes(settings.limits.max_message_bytes))
    error = refusal(stubs.scene.DescribeScene, scene_pb2.DescribeSceneRequest(image=huge))
    assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED


def test_every_call_has_its_bad_input():
    assert {method for method, *_ in CASES.values()} == set(GOOD)
