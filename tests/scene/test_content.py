from __future__ import annotations

import numpy as np
from scenewright_server.scene.content import digest
from scenewright_server.scene.entries import GraphObject


def known(label: str) -> tuple[GraphObject, ...]:
    return (GraphObject("o", label, (0.0, 0.5, 2.0), (1.0, 1.0, 1.0)),)


def test_equal_content_has_one_key_and_different_content_another() -> None:
    frame = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    assert digest(frame) == digest(np.asfortranarray(frame))
    others = [frame.reshape(4, 2, 3), frame.astype(np.int8), frame + 1, None, (), b"", ""]
    assert len({digest(frame), *map(digest, others)}) == 1 + len(others)
    assert digest({"a": frame, "b": 1}) == digest({"b": 1, "a": frame}) != digest({"a": frame, "b": 2})
    assert digest((None, known("mug"))) == digest((None, known("mug"))) != digest((None, known("cup")))
