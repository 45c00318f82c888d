"""What stands on what: by poses where the scene graph gives them, else by how things and their boxes look."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from scenewright_server.scene.entries import Box, Detections, Entry

LEANS = tuple(math.radians(degrees) for degrees in range(0, 31, 3))  # how far a camera may look down
TOUCH_M, EDGE_M = 0.08, 0.02
"""How far bottom and top may be apart, and how far a middle may be past the other's edge."""


def find_supports(entries: Sequence[Entry], seen: Detections | None) -> list[int | None]:
    """For each entry, the index of the one that it stands on."""
    near = _may_touch(entries)
    return [_support(k, entries, seen, np.flatnonzero(near[k]).tolist()) for k in range(len(entries))]


def _support(k: int, entries: Sequence[Entry], seen: Detections | None, others: Sequence[int]) -> int | None:
    raised = _raised(entries[k], seen)
    if raised is not None and raised < 0.5:
        return None
    found = [
        (away, j) for j in others if j != k and (away := _rests(entries[k], entries[j], raised is not None)) is not None
    ]
    return min(found)[1] if found else None


def _may_touch(entries: Sequence[Entry]) -> np.ndarray:
    """(N, N) bool: whether one may stand on the other; of told poses, whether they are near enough at any lean."""
    n = len(entries)
    places = np.array([entry.position for entry in entries], float).reshape(n, 3)
    sizes = np.array([entry.size for entry in entries], float).reshape(n, 3)
    is_told = np.array([entry.graph is not None for entry in entries], bool)
    away = np.square(places[:, None] - places).sum(-1)
    rise = (sizes[:, None, 1] + sizes[:, 1]) / 2 + TOUCH_M
    reach = np.hypot(sizes[:, 0], sizes[:, 2]) / 2 + 2 * EDGE_M
    return ~(is_told[:, None] & is_told) | (away <= (reach**2 + rise**2) * 1.001)


def _raised(entry: Entry, seen: Detections | None) -> float | None:
    """How surely an entry stands on another, where only the image tower tells."""
    if entry.graph is not None or seen is None or seen.raised is None or entry.detection is None:
        return None
    return float(seen.raised[entry.detection])


def _rests(entry: Entry, under: Entry, is_raised: bool) -> float | None:
    """How far an entry is from standing on the middle of another, None when it does not stand on it."""
    if entry.graph is not None and under.graph is not None:
        return _rests_by_pose(entry, under)
    if entry.box is None or under.box is None:
        return None
    return _rests_by_box(entry, under, entry.box, under.box, is_raised)


def _rests_by_pose(entry: Entry, under: Entry) -> float | None:
    """By a vertical that leans from the camera's by some angle at which it looks down, bottom meets top, and the
    middle is over the other."""
    dx, dy, dz = (a - b for a, b in zip(entry.position, under.position, strict=True))
    rise = (entry.size[1] + under.size[1]) / 2
    if under.size[1] <= 0 or abs(dx) > under.size[0] / 2 + EDGE_M:
        return None
    deeper = [
        along
        for lean in LEANS
        if abs(dy * math.cos(lean) - dz * math.sin(lean) - rise) <= TOUCH_M
        and abs(along := dy * math.sin(lean) + dz * math.cos(lean)) <= under.size[2] / 2 + EDGE_M
    ]
    return min((math.hypot(dx, along) for along in deeper), default=None)


def _rests_by_box(entry: Entry, under: Entry, box: Box, other: Box, is_raised: bool) -> float | None:
    """An object on another ends inside its box, above its foot, and is about as far away; what is seen to be
    raised need only be near that."""
    slack = 0.1 if is_raised else 0.02
    middle, foot = (box[0] + box[2]) / 2, box[3]
    height = other[3] - other[1]
    inside = other[0] - slack / 2 <= middle <= other[2] + slack / 2
    on_top = other[1] - slack * height <= foot <= other[1] + (0.85 if is_raised else 0.6) * height
    deeper = entry.position[2] - under.position[2]
    if inside and on_top and box[1] < other[1] + slack * height and abs(deeper) < (0.9 if is_raised else 0.45):
        return abs(middle - (other[0] + other[2]) / 2) + abs(deeper)
    return None
