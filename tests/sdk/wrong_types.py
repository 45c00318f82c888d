"""Arguments of plainly wrong types: mypy, which reads this file in `make check`, must refuse every one of them.

An `ignore` that nothing needs is an error there (warn_unused_ignores); nobody runs this.
"""

from __future__ import annotations

import numpy as np
import scenewright
from scenewright import Frame, Intrinsics, Pose, Sampling, SceneGraph, SceneObject, aio, live


def refuse(client: scenewright.Client, session: scenewright.Session, samples: np.ndarray) -> None:
    client.describe(7)  # type: ignore[arg-type]
    client.describe(["a.png"])  # type: ignore[arg-type]
    client.describe(scene=7)  # type: ignore[arg-type]
    client.describe(sampling={"seed": 1})  # type: ignore[arg-type]
    client.ask(b"what")  # type: ignore[arg-type]
    client.ask("what", frame="a.png", pointer=(0, 0, 1))  # type: ignore[arg-type]
    client.transcribe((16_000, samples))  # type: ignore[arg-type]
    client.transcribe([0.0, 0.5])  # type: ignore[arg-type]
    client.embed_text("one string")  # type: ignore[arg-type]
    client.rank_labels("a.png", "one string")  # type: ignore[arg-type]
    client.session(history=[("a", "b")])  # type: ignore[list-item]
    client.session(handedness="both")  # type: ignore[arg-type]
    session.ask("what", timeout_s="3")  # type: ignore[arg-type]
    SceneObject(7, "mug", Pose((0, 0, 2)))  # type: ignore[arg-type]
    SceneObject("a", "mug", Pose((0, 0, 2)), aliases="cup")  # type: ignore[arg-type]
    SceneGraph([{"id": "a"}])  # type: ignore[list-item]
    Pose((0, 0, 2), (0, 90, 0))  # type: ignore[arg-type]
    Intrinsics(500, 500, 320, 240, 640.0, 480)  # type: ignore[arg-type]
    Frame("a.png", rotation="90")  # type: ignore[arg-type]
    Sampling(stop=".")  # type: ignore[arg-type]
    scenewright.Client(7447)  # type: ignore[arg-type]
    scenewright.Client(tls=True)  # type: ignore[arg-type]


def refuse_too(client: aio.Client, session: scenewright.Session) -> None:
    client.converse(session=session)  # type: ignore[arg-type]
    client.converse(hearing=16_000)  # type: ignore[arg-type]
    client.converse(interruption="never")  # type: ignore[arg-type]
    live.Hearing(turns="push")  # type: ignore[arg-type]
