"""What goes into a call: dataclasses, files and arrays -> protobuf."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from google.protobuf import json_format

from scenewright import types
from scenewright._convert import checks
from scenewright._convert.audio import (
    CHUNK_MS,
    audio_to_chunks,
    audio_to_proto,
    pieces,
    rate_to_proto,
    samples_to_proto,
)
from scenewright._convert.checks import choice
from scenewright._convert.features import features_to_proto
from scenewright._convert.geometry import (
    handedness_to_proto,
    pointer_to_proto,
    pose_to_proto,
    vector_to_proto,
    viewpoint_to_proto,
)
from scenewright._convert.images import frame_to_proto, why
from scenewright.errors import InvalidInputError
from scenewright.v1 import audio_pb2, generation_pb2, graph_pb2, session_pb2

__all__ = [
    "CHUNK_MS",
    "audio_to_chunks",
    "audio_to_proto",
    "choice",
    "features_to_proto",
    "frame_to_proto",
    "handedness_to_proto",
    "history_to_proto",
    "object_to_proto",
    "pieces",
    "pointer_to_proto",
    "rate_to_proto",
    "samples_to_proto",
    "sampling_to_proto",
    "scene_to_dict",
    "scene_to_proto",
    "texts_to_proto",
    "viewpoint_to_proto",
    "voice_activity_to_proto",
]


def scene_to_proto(scene: types.SceneLike) -> graph_pb2.SceneGraph:
    """Raises InvalidInputError if the JSON is not a scene graph, or an object has a wrong type."""
    if isinstance(scene, (list, tuple)):
        scene = types.SceneGraph(scene)
    if isinstance(scene, types.SceneGraph):
        return _scene_graph(scene)
    name: str = "the scene graph"
    found: Any = scene
    if not isinstance(scene, Mapping):
        name = str(scene)
        found = _read_json(scene, name)
    if not isinstance(found, Mapping):
        raise InvalidInputError(f"scene: {name} holds a {type(found).__name__}, not a JSON object")
    try:
        return json_format.ParseDict(dict(found), graph_pb2.SceneGraph())
    except (json_format.ParseError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise InvalidInputError(f"scene: {name} is not a SceneGraph: {error}") from error


def _read_json(source: Any, name: str) -> Any:
    """Of a file in UTF-8, 16 or 32, with or without a byte order mark."""
    try:
        path = Path(source)
    except TypeError:
        raise checks.wrong("scene", "a SceneGraph, a list of SceneObject, a dict or a path", source) from None
    try:
        return json.loads(path.read_bytes())
    except json.JSONDecodeError as error:
        raise InvalidInputError(f"scene: {name!r} is not JSON: {error}") from error
    except RecursionError as error:
        raise InvalidInputError(f"scene: {name!r} is not a SceneGraph: it is nested too deeply") from error
    except (OSError, ValueError) as error:  # ValueError: no text, or a path that no file can have
        raise InvalidInputError(f"scene: cannot read {name!r}: {why(error)}") from error


def scene_to_dict(scene: types.SceneLike) -> dict[str, Any]:
    """The scene graph in protobuf's JSON mapping, as files hold it."""
    return json_format.MessageToDict(scene_to_proto(scene))


def history_to_proto(history: Any) -> list[session_pb2.HistoryTurn]:
    """Oldest first."""
    return [
        checks.make(session_pb2.HistoryTurn, f"history[{i}]", question=turn.question, answer=turn.answer)
        for i, turn in enumerate(checks.items(history, "history", types.HistoryTurn))
    ]


def voice_activity_to_proto(
    activity: types.VoiceActivity | None, field: str = "voice_activity"
) -> audio_pb2.VoiceActivity | None:
    """None stays None: the server's defaults."""
    if activity is None:
        return None
    checks.instance(activity, field, types.VoiceActivity)
    return checks.make(audio_pb2.VoiceActivity, field, **_fields(activity))


def sampling_to_proto(sampling: types.Sampling | None) -> generation_pb2.SamplingConfig | None:
    """None stays None: the server's defaults."""
    if sampling is None:
        return None
    checks.instance(sampling, "sampling", types.Sampling)
    return checks.make(generation_pb2.SamplingConfig, "sampling", **_fields(sampling))


def texts_to_proto(texts: Any, field: str) -> list[str]:
    """Strings, in their order."""
    return [checks.text(one, f"{field}[{i}]") for i, one in enumerate(checks.items(texts, field, str))]


def _scene_graph(scene: types.SceneGraph) -> graph_pb2.SceneGraph:
    given = checks.items(scene.objects, "scene.objects", types.SceneObject)
    return checks.make(
        graph_pb2.SceneGraph,
        "scene",
        revision=scene.revision,
        objects=[object_to_proto(item, f"scene.objects[{i}]") for i, item in enumerate(given)],
        handedness=handedness_to_proto(scene.handedness, "scene.handedness"),
        viewpoint=None if scene.viewpoint is None else viewpoint_to_proto(scene.viewpoint, "scene.viewpoint"),
    )


def object_to_proto(item: types.SceneObject, field: str) -> graph_pb2.SceneObject:
    """The same, field by field."""
    facts = checks.items(item.facts, f"{field}.facts", types.Fact)
    return checks.make(
        graph_pb2.SceneObject,
        field,
        id=item.id,
        anchor_id=item.anchor_id,
        label=item.label,
        aliases=item.aliases,
        description=item.description,
        pose=pose_to_proto(checks.instance(item.pose, f"{field}.pose", types.Pose), f"{field}.pose"),
        extents=None if item.extents is None else vector_to_proto(item.extents, f"{field}.extents"),
        facts=[_fact(fact, f"{field}.facts[{i}]") for i, fact in enumerate(facts)],
    )


def _fact(fact: types.Fact, field: str) -> graph_pb2.Fact:
    kind = "text" if isinstance(fact.value, str) else "number"
    return checks.make(graph_pb2.Fact, field, key=fact.key, unit=fact.unit, **{kind: fact.value})


def _fields(settings: types.Sampling | types.VoiceActivity) -> dict[str, Any]:
    return {f.name: getattr(settings, f.name) for f in fields(settings)}
