"""Scenewright's Python SDK: send a frame, a voice or a scene graph; get words with places.

import scenewright

with scenewright.Client("localhost:7447") as client:
    print(client.describe("frame.png").text)
    with client.session() as session:
        print(session.ask("what is on the table?", frame="frame.png").text)
"""

from scenewright import aio, errors, live, types
from scenewright._channel import Tls
from scenewright.client import Client, Session
from scenewright.errors import ScenewrightError
from scenewright.types import (
    Annotation,
    Answer,
    AudioEncoding,
    Box,
    Description,
    Done,
    Fact,
    Features,
    FinishReason,
    Frame,
    HistoryTurn,
    Intrinsics,
    Model,
    Point,
    Pointer,
    Pose,
    Question,
    RankedLabel,
    Sampling,
    SceneGraph,
    SceneObject,
    TextDelta,
    TextSpan,
    Transcript,
    Utterance,
    Viewpoint,
    VoiceActivity,
)

CONTRACT = 2
"""The additions to the contract that this version knows; a server tells its own in `Model.contract`."""

__all__ = [
    "CONTRACT",
    "Annotation",
    "Answer",
    "AudioEncoding",
    "Box",
    "Client",
    "Description",
    "Done",
    "Fact",
    "Features",
    "FinishReason",
    "Frame",
    "HistoryTurn",
    "Intrinsics",
    "Model",
    "Point",
    "Pointer",
    "Pose",
    "Question",
    "RankedLabel",
    "Sampling",
    "SceneGraph",
    "SceneObject",
    "ScenewrightError",
    "Session",
    "TextDelta",
    "TextSpan",
    "Tls",
    "Transcript",
    "Utterance",
    "Viewpoint",
    "VoiceActivity",
    "aio",
    "errors",
    "live",
    "types",
]
