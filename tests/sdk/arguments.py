"""Arguments as people give them by mistake: right ones, nearly right ones and anything else, for hypothesis."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image
from scenewright import live, types

PIXELS = np.random.default_rng(0).integers(0, 255, (24, 32, 3), dtype=np.uint8)


def _png() -> bytes:
    file = io.BytesIO()
    Image.fromarray(PIXELS).save(file, "PNG")
    return file.getvalue()


PNG = _png()
NUMBERS = (
    st.integers(-3, 700)
    | st.floats(-9, 9)
    | st.sampled_from(
        [True, 10**400, -(2**63), 2**32, float("nan"), float("inf"), 1e300, np.float32(2), np.int64(3), 5j]
    )
)
THINGS = st.deferred(
    lambda: (
        st.none()
        | NUMBERS
        | st.text(max_size=8)
        | st.binary(max_size=8)
        | st.sampled_from(
            ["", "\ud800", "no/such/file", "\0", object(), Path("/"), type, Ellipsis, np.datetime64("now")]
        )
        | st.lists(NUMBERS, max_size=5)
        | st.tuples(NUMBERS, NUMBERS)
        | st.dictionaries(st.text(max_size=3), st.integers(), max_size=2)
        | st.sets(st.integers(), max_size=2)
        | ARRAYS
    )
)
DTYPES = st.sampled_from("u1 u2 u4 i1 i2 i4 i8 f2 f4 f8 >i2 >f4 c8 ? O U2 M8[s]".split())
ARRAYS = DTYPES.flatmap(
    lambda dtype: st.lists(st.sampled_from([0, 1, 2, 3, 4, 5, 9, 40]), max_size=4).map(
        lambda shape: np.zeros(shape[:3], dtype)
    )
) | arrays.arrays(
    st.sampled_from([np.uint8, np.int16, np.float32, np.uint16]), st.tuples(st.integers(0, 6), st.integers(0, 6))
)
TEXTS = st.sampled_from(["", "en", "zh", "tiny", "where is the chair", "red", "chair", "mug"])


def mostly(right: st.SearchStrategy) -> st.SearchStrategy:
    """The right thing seven times in eight."""
    return st.integers(0, 7).flatmap(lambda i: right if i else THINGS)


TEXT, NUMBER = mostly(TEXTS), mostly(NUMBERS)
VECTOR = mostly(st.tuples(*[st.floats(-5, 5)] * 3) | arrays.arrays(np.float32, st.integers(2, 4)))
ROTATION = mostly(st.just(types.NO_ROTATION) | st.tuples(*[st.floats(-1, 1)] * 4) | st.just((0, 90, 0)))
HANDEDNESS = mostly(st.sampled_from([None, "left", "right"]))
POSE = mostly(st.builds(types.Pose, VECTOR, ROTATION))
INTRINSICS = mostly(st.none() | st.builds(types.Intrinsics, NUMBER, NUMBER, NUMBER, NUMBER, NUMBER, NUMBER))
PICTURES = st.sampled_from(
    ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "HSV", "I", "F", "I;16"]
).map(lambda mode: Image.new(mode, (8, 6)))
FEATURES = st.builds(
    types.Features, TEXT, TEXT, TEXT, mostly(st.just((1, 4))), mostly(st.just("float32")), mostly(st.just(bytes(16)))
)
IMAGES = mostly(st.just(PIXELS) | st.just(PNG) | PICTURES | FEATURES | ARRAYS)
FRAMES = mostly(
    IMAGES
    | st.builds(
        types.Frame,
        IMAGES,
        TEXT,
        mostly(st.sampled_from([0, 90, 180.0, 270, 45])),
        mostly(st.booleans()),
        INTRINSICS,
        mostly(st.none() | POSE),
        HANDEDNESS,
    )
)
FACTS = mostly(st.lists(mostly(st.builds(types.Fact, TEXT, NUMBER | TEXT, TEXT)), max_size=2))
OBJECTS = mostly(
    st.builds(
        types.SceneObject, TEXT, TEXT, POSE, mostly(st.none() | VECTOR), TEXT, mostly(st.just(("sofa",))), TEXT, FACTS
    )
)
VIEWPOINTS = mostly(st.none() | st.builds(types.Viewpoint, POSE, INTRINSICS, HANDEDNESS))
RIGHT_SCENE = types.SceneGraph([types.SceneObject("o1", "red chair", types.Pose((0.0, 0.0, 3.0)))])
SCENES = mostly(
    st.none()
    | st.just(RIGHT_SCENE)
    | st.just({"objects": [{"id": "o1", "label": "chair", "pose": {"position": {"z": 2}}}]})
    | st.builds(types.SceneGraph, mostly(st.lists(OBJECTS, max_size=2)), VIEWPOINTS, NUMBER, HANDEDNESS)
    | st.lists(OBJECTS, max_size=2)
)
SAMPLING = mostly(
    st.just(types.Sampling(max_new_tokens=3))
    | st.builds(types.Sampling, mostly(st.just(2)), NUMBER, NUMBER, NUMBER, NUMBER, mostly(st.just(["."])), NUMBER)
)
POINTERS = mostly(
    st.none() | st.builds(types.Pointer, VECTOR, VECTOR, HANDEDNESS, mostly(st.sampled_from([None, "gaze"])))
)
RATES = mostly(st.sampled_from([8000, 16_000, 16_000.0, np.int32(48_000), 4000, 22_050.5]))
SAMPLES = mostly(st.just(np.zeros(160, np.int16)) | st.just(np.full((2, 99), 0.1)) | ARRAYS)
RECORDINGS = mostly(st.tuples(SAMPLES, RATES) | st.tuples(RATES, SAMPLES) | st.just(b"RIFF") | FEATURES)
PIECES = mostly(st.lists(mostly(st.just(bytes(320)) | SAMPLES), max_size=3))
VOICE_ACTIVITY = mostly(st.none() | st.builds(types.VoiceActivity, NUMBER, NUMBER, NUMBER, NUMBER))
HISTORY = mostly(st.lists(mostly(st.builds(types.HistoryTurn, TEXT, TEXT)), max_size=2))
TIMEOUTS = st.sampled_from([None, None, None, None, 30, 30.0, 0, -1, "3", float("nan"), float("inf"), 1e300, True, []])
HEARING = mostly(
    st.none() | st.builds(live.Hearing, RATES, mostly(st.sampled_from(["automatic", "manual"])), VOICE_ACTIVITY)
)
DELTAS = st.builds(
    live.SceneDelta, NUMBER, NUMBER, mostly(st.lists(OBJECTS, max_size=1)), mostly(st.just(["o1"])), HANDEDNESS
)

COMMON = {
    "sampling": SAMPLING,
    "language": mostly(st.sampled_from(["", "en"])),
    "model": mostly(st.sampled_from(["", "tiny"])),
}
ASK = {"question": mostly(TEXTS), "audio": st.none() | RECORDINGS, "frame": FRAMES, "scene": SCENES,
       "pointer": POINTERS, "instructions": mostly(st.none()), **COMMON, "timeout_s": TIMEOUTS}  # fmt: skip
CALLS = {
    "describe": {"image": FRAMES, "scene": SCENES, **COMMON, "timeout_s": TIMEOUTS},
    "describe_stream": {"image": FRAMES, "scene": SCENES, **COMMON, "timeout_s": TIMEOUTS},
    "ask": ASK,
    "ask_stream": ASK,
    "transcribe": {"audio": RECORDINGS, "language": TEXT, "model": TEXT, "timeout_s": TIMEOUTS},
    "transcribe_stream": {"audio": PIECES, "rate_hz": RATES, "voice_activity": VOICE_ACTIVITY, "timeout_s": TIMEOUTS},
    "encode_audio": {"audio": RECORDINGS, "timeout_s": TIMEOUTS},
    "embed_image": {"image": FRAMES, "include_features": mostly(st.booleans()), "timeout_s": TIMEOUTS},
    "embed_text": {"texts": mostly(st.lists(TEXT, max_size=3)), "timeout_s": TIMEOUTS},
    "rank_labels": {"image": FRAMES, "labels": mostly(st.lists(TEXT, max_size=3)), "timeout_s": TIMEOUTS},
    "session": {"language": TEXT, "instructions": TEXT, "history": HISTORY, "handedness": HANDEDNESS,
                "ttl_s": mostly(st.sampled_from([None, 1, 2.5])), "model": TEXT},
    "model": {"name": TEXT, "timeout_s": TIMEOUTS},
}  # fmt: skip
CONVERSE = {"image": FRAMES, "scene": SCENES, "session": mostly(st.none()), "hearing": HEARING,
            "interruption": mostly(st.none()), **COMMON, "instructions": mostly(st.none()), "history": HISTORY,
            "handedness": HANDEDNESS, "stall_s": mostly(st.just(10.0))}  # fmt: skip
SENDS = {
    "send_audio": SAMPLES,
    "send_text": TEXT,
    "send_frame": FRAMES,
    "send_scene": SCENES | mostly(DELTAS),
    "send_viewpoint": VIEWPOINTS,
    "send_pointer": POINTERS,
    "send_instructions": TEXT,
    "report_playback": TEXT,
}


def some(strategies: dict[str, st.SearchStrategy]) -> st.SearchStrategy[dict[str, object]]:
    """Keyword arguments: any of these, in any number."""
    return st.fixed_dictionaries({}, optional=strategies)
