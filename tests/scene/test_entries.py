"""What is seen and what is known as one list."""

from __future__ import annotations

import numpy as np
import pytest
from scenewright_server.scene.entries import MATCH_IOU, Detections, GraphObject, iou, merge
from scenewright_server.scene.geometry import Intrinsics

Box = tuple[float, float, float, float]


def boxes(rng: np.random.Generator, n: int) -> np.ndarray:
    corner = rng.uniform(0, 0.7, (n, 2))
    return np.hstack([corner, corner + rng.uniform(0.05, 0.3, (n, 2))])


def detections(found: np.ndarray) -> Detections:
    n = len(found)
    return Detections(found.astype(np.float32), np.ones(n, np.float32), np.full(n, 2, np.float32), {})


def matches_one_by_one(seen: Detections, graph: list[GraphObject]) -> set[tuple[str, int]]:
    """Of all pairs the one that overlaps most, again and again."""
    left = [(i, item) for i in range(len(seen)) for item in graph if item.box is not None]
    found = set()
    while left:
        i, item = max(left, key=lambda pair: iou(seen.boxes[pair[0]].astype(float), pair[1].box))
        if iou(seen.boxes[i].astype(float), item.box) < MATCH_IOU:
            break
        found.add((item.id, i))
        left = [pair for pair in left if pair[0] != i and pair[1].id != item.id]
    return found


@pytest.mark.parametrize("n_known", [0, 1, 12, 60])
def test_merge_matches_as_one_would_pair_by_pair(n_known: int) -> None:
    n_matched = 0
    for seed in range(20):
        rng = np.random.default_rng([seed, n_known])
        seen, known = boxes(rng, 12), boxes(rng, n_known)
        known[::2] = seen[rng.integers(0, 12, len(known[::2]))] + rng.normal(0, 0.02, (len(known[::2]), 4))
        graph = [
            GraphObject(f"{j}", "mug", (0, 0, 2), (1, 1, 1), None if rng.random() < 0.1 else tuple(known[j].tolist()))
            for j in range(n_known)
        ]
        entries = merge(detections(seen), graph)
        both = {(e.graph.id, e.detection) for e in entries if e.graph is not None and e.detection is not None}
        assert both == matches_one_by_one(detections(seen), graph)
        assert len(entries) == 12 + n_known - len(both)
        n_matched += len(both)
    assert n_matched > 15 or not n_known


def test_metres_of_what_is_seen_follow_the_lens() -> None:
    """What a lens projects comes back at its place and of its width; without a lens as if frames were square."""
    x, y, z, width, height = 0.6, -0.3, 2.0, 0.5, 0.4
    for lens in (Intrinsics(0.85, 0.85), Intrinsics(0.6, 0.9, 0.45, 0.55)):
        u, v, du, dv = lens.cx + lens.fx * x / z, lens.cy - lens.fy * y / z, lens.fx * width / z, lens.fy * height / z
        seen = detections(np.array([[u - du / 2, v - dv / 2, u + du / 2, v + dv / 2]]))
        (entry,) = merge(seen, (), lens)
        assert entry.position == pytest.approx((x, y, z), abs=1e-5)
        assert entry.size == pytest.approx((width, height, 0), abs=1e-5)
        assert (entry == merge(seen, ())[0]) == (lens.fx == lens.fy)
