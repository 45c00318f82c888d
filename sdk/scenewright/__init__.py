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
    Box,
    Description,
    Done,
    Features,
    FinishReason,
    Frame,
    Intrinsics,
    Model,
    Point,
    Pose,
    Question,
    RankedLabel,
    Sampling,
    SceneGraph,
    SceneObject,
    TextDelta,
    Transcript,
    Viewpoint,
)

__all__ = [
    "Annotation",
    "Answer",
    "Box",
    "Client",
    "Description",
    "Done",
    "Features",
    "FinishReason",
    "Frame",
    "Intrinsics",
    "Model",
    "Point",
    "Pose",
    "Question",
    "RankedLabel",
    "Sampling",
    "SceneGraph",
    "SceneObject",
    "ScenewrightError",
    "Session",
    "TextDelta",
    "Tls",
    "Transcript",
    "Viewpoint",
    "aio",
    "errors",
    "live",
    "types",
]
