"""The entries of a scene: detections from the frame and objects from the app's scene graph, merged into one list, left
to right."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from scenewright_server.scene.geometry import FOCAL, Intrinsics

Box = tuple[float, float, float, float]
Vector = tuple[float, float, float]
Quaternion = tuple[float, float, float, float]
Side = Literal["left", "middle", "right", "you"]

MATCH_IOU = 0.35
BEHIND_RAD = 1.75


@dataclass(frozen=True)
class Fact:
    """Something that the app knows of an object: "maker" "Thonet", "price" 24.0 "EUR". The unit is a number's."""

    key: str
    value: str | float
    unit: str = ""


@dataclass(frozen=True)
class GraphObject:
    """An object of the app's scene graph, in the camera's frame (x right, y up, z forward; metres).

    `position` is its centre, `size` its extents along its own axes, `rotation` the unit quaternion (x, y, z, w) that
    turns these into the camera's, `box` its clipped projection (x0, y0, x1, y1) in [0, 1], None when it is out of view.
    """

    id: str
    label: str
    position: Vector
    size: Vector
    box: Box | None = None
    anchor_id: str = ""
    rotation: Quaternion = (0.0, 0.0, 0.0, 1.0)
    aliases: tuple[str, ...] = ()
    description: str = ""
    facts: tuple[Fact, ...] = ()


@dataclass(frozen=True)
class Detections:
    """What the image tower found in one frame, best first.

    boxes (N, 4) in [0, 1]; scores (N,) in [0, 1]; depth (N,) metres; attributes: name -> posteriors (N, n_values);
    height (N,) metres; raised (N,) in [0, 1], that it stands on another object. All float32; the last two are None
    where features from elsewhere do not tell them.
    """

    boxes: np.ndarray
    scores: np.ndarray
    depth: np.ndarray
    attributes: dict[str, np.ndarray]
    height: np.ndarray | None = None
    raised: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.boxes)


@dataclass(frozen=True)
class Entry:
    """One thing that an answer may point at as `<ref_k>`, k being its place in the list."""

    detection: int | None
    graph: GraphObject | None
    position: Vector
    size: Vector
    box: Box | None
    score: float
    row: int | None = field(default=None, compare=False)
    """Its place in the list that the app gave."""

    @property
    def order(self) -> tuple[bool, float]:
        """Left to right, what is behind the camera last: whether it is behind, and its bearing in radians."""
        bearing = math.atan2(self.position[0], self.position[2])
        return abs(bearing) > BEHIND_RAD, bearing

    @property
    def distance(self) -> float:
        """Metres from the camera."""
        return math.dist(self.position, (0, 0, 0))

    @property
    def side(self) -> Side:
        """Where the user sees it; "you" is behind the user."""
        is_behind, bearing = self.order
        if is_behind:
            return "you"
        across = (self.box[0] + self.box[2]) / 2 - 0.5 if self.box else bearing
        return "left" if across < -0.15 else "right" if across > 0.15 else "middle"


def iou(a: Sequence[float], b: Sequence[float]) -> float:
    """Intersection over union of two (x0, y0, x1, y1) boxes."""
    w = min(a[2], b[2]) - max(a[0], b[0])
    h = min(a[3], b[3]) - max(a[1], b[1])
    overlap = max(w, 0.0) * max(h, 0.0)
    return overlap / max((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - overlap, 1e-9)


def is_same(a: Entry, b: Entry) -> bool:
    """Whether two entries, of one scene or of the same a while later, are one thing."""
    if a.graph is not None or b.graph is not None:
        return a.graph is not None and b.graph is not None and a.graph.id == b.graph.id
    return a.box is not None and b.box is not None and iou(a.box, b.box) >= MATCH_IOU


def merge(
    detections: Detections | None, graph: Sequence[GraphObject], lens: Intrinsics | None = None
) -> tuple[Entry, ...]:
    """One entry for each thing seen or known, left to right, what is behind the camera last.

    A detection and a graph object are one thing when their boxes overlap by MATCH_IOU. `lens`: of the frame, for the
    metres of what is only seen; None: a square frame's with a focal length of FOCAL.
    """
    n = 0 if detections is None else len(detections)
    seen_as = {} if detections is None else _match(detections.boxes, graph)
    only_seen = sorted(set(range(n)) - set(seen_as.values()))
    entries = [replace(_entry(detections, seen_as.get(j), item, lens), row=j) for j, item in enumerate(graph)]
    entries += [_entry(detections, i, None, lens) for i in only_seen]
    return tuple(sorted(entries, key=lambda entry: entry.order))


def _match(boxes: np.ndarray, graph: Sequence[GraphObject]) -> dict[int, int]:
    """For each object of the graph that is seen, the box (N, 4) that shows it: those that overlap most go first."""
    in_view = [j for j, item in enumerate(graph) if item.box is not None]
    overlaps = _pair_iou(boxes, np.array([graph[j].box for j in in_view], float).reshape(-1, 4))
    found = zip(*(axis.tolist() for axis in np.nonzero(overlaps >= MATCH_IOU)), strict=True)
    seen_as: dict[int, int] = {}
    shown: set[int] = set()
    for _, i, j in sorted(((overlaps[i, at], i, in_view[at]) for i, at in found), reverse=True):
        if i not in shown and j not in seen_as:
            seen_as[j] = i
            shown.add(i)
    return seen_as


def _pair_iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(N, M): `iou` of each of boxes a (N, 4) with each of b (M, 4)."""
    low, high = np.maximum(a[:, None, :2], b[None, :, :2]), np.minimum(a[:, None, 2:], b[None, :, 2:])
    overlap = np.clip(high - low, 0, None).prod(-1)
    areas = [(boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]) for boxes in (a, b)]
    return overlap / np.maximum(areas[0][:, None] + areas[1][None] - overlap, 1e-9)


def _entry(detections: Detections | None, i: int | None, item: GraphObject | None, lens: Intrinsics | None) -> Entry:
    if detections is None or i is None:
        assert item is not None
        return Entry(None, item, item.position, item.size, item.box, 1.0)
    x0, y0, x1, y1 = (float(v) for v in detections.boxes[i])
    score = float(detections.scores[i])
    if item is not None:
        return Entry(i, item, item.position, item.size, (x0, y0, x1, y1), score)
    lens, depth = lens or Intrinsics(FOCAL, FOCAL), float(detections.depth[i])
    across, up = depth / lens.fx, depth / lens.fy  # metres over the frame's width, its height
    position = (((x0 + x1) / 2 - lens.cx) * across, (lens.cy - (y0 + y1) / 2) * up, depth)
    height = (y1 - y0) * up if detections.height is None else float(detections.height[i])
    return Entry(i, None, position, ((x1 - x0) * across, height, 0.0), (x0, y0, x1, y1), score)
