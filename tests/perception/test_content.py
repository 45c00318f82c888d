from __future__ import annotations

import numpy as np
from scenewright_server.perception.content import Recent, digest

from tests.engine.oracle import detections, graph


def test_equal_content_has_one_key_and_different_content_another() -> None:
    frame = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    assert digest(frame) == digest(np.asfortranarray(frame))
    others = [frame.reshape(4, 2, 3), frame.astype(np.int8), frame + 1, None, (), b"", ""]
    assert len({digest(frame), *map(digest, others)}) == 1 + len(others)
    assert digest(detections(1)) == digest(detections(1)) != digest(detections(2))
    assert digest((None, graph("mug"))) == digest((None, graph("mug"))) != digest((None, graph("cup")))


def test_recent_keeps_what_was_used_last() -> None:
    made: list[str] = []
    recent: Recent[str] = Recent(2)

    def get(name: str) -> str:
        return recent.get(name.encode(), lambda: made.append(name) or name)

    assert [get(name) for name in "abacab"] == list("abacab")
    assert made == ["a", "b", "c", "b"]
