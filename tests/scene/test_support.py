"""What stands on what, against the plain reading of the rule."""

from __future__ import annotations

import math
import random

from scenewright_server.scene.entries import GraphObject, merge
from scenewright_server.scene.support import LEANS, TOUCH_M, find_supports


def naive(things: list[GraphObject]) -> list[int | None]:
    """For each thing the one whose middle is nearest under it, at some lean of the camera."""
    found: list[int | None] = []
    for a in things:
        best: tuple[float, int] | None = None
        for j, b in enumerate(things):
            x, y, z = (p - q for p, q in zip(a.position, b.position, strict=True))
            for lean in LEANS:
                up, along = y * math.cos(lean) - z * math.sin(lean), y * math.sin(lean) + z * math.cos(lean)
                aside = math.hypot(x, along)
                touches = abs(up - (a.size[1] + b.size[1]) / 2) <= TOUCH_M
                is_over = abs(x) <= b.size[0] / 2 + 0.02 and abs(along) <= b.size[2] / 2 + 0.02 and b.size[1] > 0
                if a is not b and touches and is_over and (best is None or (aside, j) < best):
                    best = (aside, j)
        found.append(None if best is None else best[1])
    return found


def test_supports_are_those_of_the_plain_rule() -> None:
    rng, n_found = random.Random(0), 0
    for _ in range(80):
        things = [
            GraphObject(
                str(i),
                "x",
                (rng.uniform(-1, 1), rng.uniform(-1, 1), rng.uniform(0, 2)),
                (rng.choice((0.0, 0.3, 2.0)), rng.choice((0.0, 0.2, 1.0)), rng.uniform(0, 1)),
            )
            for i in range(14)
        ]
        entries = merge(None, things)
        ordered = [entry.graph for entry in entries if entry.graph is not None]
        found = find_supports(entries, None)
        assert found == naive(ordered)
        n_found += sum(k is not None for k in found)
    assert n_found > 40
