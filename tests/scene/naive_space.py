"""The slow way to relations: one pair at a time, in plain arithmetic, for a level scene of upright things."""

from __future__ import annotations

import math
from collections.abc import Sequence

from scenewright_server.scene.entries import Entry

Point = tuple[float, float]


def yaw(entry: Entry) -> float:
    assert entry.graph is not None
    _, y, _, w = entry.graph.rotation
    return 2 * math.atan2(y, w)


def own(entry: Entry, x: float, z: float) -> Point:
    """A point of the floor along the thing's own sides, from its middle."""
    dx, dz, a = x - entry.position[0], z - entry.position[2], yaw(entry)
    return dx * math.cos(a) - dz * math.sin(a), dx * math.sin(a) + dz * math.cos(a)


def corners(entry: Entry) -> list[Point]:
    a, (w, _, d) = yaw(entry), entry.size
    ring = []
    for sx, sz in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
        x, z = sx * w / 2, sz * d / 2
        ring.append(
            (
                entry.position[0] + x * math.cos(a) + z * math.sin(a),
                entry.position[2] - x * math.sin(a) + z * math.cos(a),
            )
        )
    return ring


def within(entry: Entry, point: Point, margin: float = 0.0) -> bool:
    x, z = own(entry, *point)
    return abs(x) <= entry.size[0] / 2 + margin + 1e-9 and abs(z) <= entry.size[2] / 2 + margin + 1e-9


def _crosses(a: Point, b: Point, c: Point, d: Point) -> bool:
    def side(p: Point, q: Point, r: Point) -> float:
        return (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])

    return side(a, b, c) * side(a, b, d) < 0 and side(c, d, a) * side(c, d, b) < 0


def _from_segment(p: Point, a: Point, b: Point) -> float:
    length = math.dist(a, b)
    if length == 0:
        return math.dist(p, a)
    t = ((p[0] - a[0]) * (b[0] - a[0]) + (p[1] - a[1]) * (b[1] - a[1])) / length**2
    t = min(1.0, max(0.0, t))
    return math.dist(p, (a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])))


def gap_aside(a: Entry, b: Entry) -> float:
    ones, others = corners(a), corners(b)
    edges = [(ones[i - 1], ones[i]) for i in range(4)]
    other_edges = [(others[i - 1], others[i]) for i in range(4)]
    if any(within(b, p) for p in ones) or any(within(a, p) for p in others):
        return 0.0
    if any(_crosses(*e, *f) for e in edges for f in other_edges):
        return 0.0
    return min(
        [_from_segment(p, *e) for p in ones for e in other_edges]
        + [_from_segment(p, *e) for p in others for e in edges]
    )


def bottom(entry: Entry) -> float:
    return entry.position[1] - entry.size[1] / 2


def top(entry: Entry) -> float:
    return entry.position[1] + entry.size[1] / 2


def gap(a: Entry, b: Entry) -> float:
    return math.hypot(gap_aside(a, b), max(bottom(a) - top(b), bottom(b) - top(a), 0.0))


def volume(entry: Entry) -> float:
    return entry.size[0] * entry.size[1] * entry.size[2]


def width(entry: Entry) -> float:
    xs, zs = zip(*corners(entry), strict=True)
    return max(max(xs) - min(xs), max(zs) - min(zs))


def diagonal(entry: Entry) -> float:
    xs, zs = zip(*corners(entry), strict=True)
    return math.hypot(max(xs) - min(xs), max(zs) - min(zs)) / 2


def surface_distance(entry: Entry) -> float:
    x, z = own(entry, 0.0, 0.0)
    away = (abs(x) - entry.size[0] / 2, abs(entry.position[1]) - entry.size[1] / 2, abs(z) - entry.size[2] / 2)
    return math.sqrt(sum(max(c, 0.0) ** 2 for c in away))


def bearing(entry: Entry) -> float:
    return math.degrees(math.atan2(entry.position[0], entry.position[2]))


def support(k: int, entries: Sequence[Entry]) -> int | None:
    best: tuple[float, int] | None = None
    here = entries[k]
    for j, other in enumerate(entries):
        spot = (here.position[0], here.position[2])
        if j != k and abs(bottom(here) - top(other)) <= 0.08 and within(other, spot, 0.02):
            away = math.dist(spot, (other.position[0], other.position[2]))
            if best is None or away < best[0]:
                best = (away, j)
    return None if best is None else best[1]


class NaiveRelations:
    """What `Relations` tells, for one pair."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = entries
        self.under = [support(k, entries) for k in range(len(entries))]
        self._known: dict[tuple[str, int, int], bool] = {}

    def holds(self, relation: str, i: int, j: int) -> bool:
        if (relation, i, j) not in self._known:
            self._known[relation, i, j] = i != j and self._holds(relation, i, j)
        return self._known[relation, i, j]

    def _holds(self, relation: str, i: int, j: int) -> bool:
        a, b = self.entries[i], self.entries[j]
        is_apart = self.under[i] != j and self.under[j] != i
        match relation:
            case "in":
                return self._is_in(i, j)
            case "on":
                return self.under[i] == j or self._is_held(i, j) or self._hangs(i, j)
            case "above":
                rise, aside = bottom(a) - top(b), gap_aside(a, b)
                long = max((0, 2), key=lambda n: b.size[n])
                away = abs(own(b, a.position[0], a.position[2])[long // 2])
                hangs = self.under[i] is None and rise <= 1.0 and aside <= 0.35 and away <= b.size[long] / 2
                return is_apart and rise >= -0.08 and (aside <= 0.1 or hangs)
            case "under":
                spot = (a.position[0], a.position[2])
                long = max((0, 2), key=lambda n: b.size[n])
                is_along = abs(own(b, a.position[0], a.position[2])[long // 2]) <= b.size[long] / 2
                is_thin = is_along and min(b.size[0], b.size[2]) <= 0.35
                is_lower = top(a) <= bottom(b) + 0.08 and gap_aside(a, b) <= (0.1 if is_thin else 0.0)
                is_within = within(b, spot) and bottom(a) <= bottom(b) + 0.05 and top(a) < top(b) - 0.02
                return self.under[j] == i or self._is_held(j, i) or (is_apart and (is_lower or is_within))
            case "near":
                return gap(a, b) <= max(1.0, 0.5 * max(width(a), width(b)))
            case "beside":
                overlaps = top(b) - bottom(a) > 0.01 and top(a) - bottom(b) > 0.01
                is_close = gap_aside(a, b) <= max(0.6, 0.25 * max(width(a), width(b)))
                return is_apart and overlaps and is_close and not self._is_in(i, j)
            case "left of" | "right of":
                turn = (bearing(b) - bearing(a) + 180) % 360 - 180
                turn = turn if relation == "left of" else -turn
                ahead = math.degrees(1.75)
                are_ahead = abs(bearing(a)) <= ahead and abs(bearing(b)) <= ahead
                return is_apart and turn > math.degrees(0.01) and (are_ahead or turn < 90)
        return is_apart and self._is_along(relation, a, b, 2.0)

    def holds_plainly(self, relation: str, i: int, j: int, closely: bool = False) -> bool:
        """On a side of a thing and not far away; in front or behind not far off its line of sight, closely, within its
        width."""
        a, b = self.entries[i], self.entries[j]
        if relation in ("left of", "right of"):
            return self.holds(relation, i, j) and gap(a, b) <= (1.5 if closely else 3.0)
        if closely:
            return self.holds(relation, i, j) and self._is_along(relation, a, b, 0.0) and gap(a, b) <= 1.5
        return self.holds(relation, i, j) and self._is_along(relation, a, b, 0.5) and gap(a, b) <= 3.0

    def _is_along(self, relation: str, a: Entry, b: Entry, slope: float) -> bool:
        to_b = math.atan2(b.position[0], b.position[2])
        away = math.hypot(b.position[0], b.position[2])
        along = a.position[0] * math.sin(to_b) + a.position[2] * math.cos(to_b)
        aside = abs(a.position[0] * math.cos(to_b) - a.position[2] * math.sin(to_b))
        nearer = away - along if relation == "in front of" else along - away
        return along > 0 and nearer > 0.05 and aside <= slope * nearer + diagonal(a) + diagonal(b)

    def _is_in(self, i: int, j: int) -> bool:
        a, b = self.entries[i], self.entries[j]
        is_level = abs(a.position[1] - b.position[1]) <= b.size[1] / 2 + 1e-9
        return is_level and within(b, (a.position[0], a.position[2])) and volume(a) < volume(b)

    def _is_held(self, i: int, j: int) -> bool:
        higher = bottom(self.entries[i]) - bottom(self.entries[j])
        return self._is_in(i, j) and self.under[i] is None and higher > 0.05

    def _hangs(self, i: int, j: int) -> bool:
        a, b = self.entries[i], self.entries[j]
        is_wall = min(b.size[0], b.size[2]) <= 0.4 and b.size[1] >= 1.5
        is_raised = bottom(a) - bottom(b) > 0.3 and top(a) <= top(b)
        return is_wall and self.under[i] is None and is_raised and gap(a, b) <= 0.06 and volume(a) < volume(b)

    def holds_for_user(self, relation: str, i: int) -> bool:
        entry, degrees = self.entries[i], bearing(self.entries[i])
        x, y, z = entry.position
        match relation:
            case "left of":
                return entry.side == "left" or -135 <= degrees < -math.degrees(0.15)
            case "right of":
                return entry.side == "right" or math.degrees(0.15) < degrees <= 135
            case "in front of":
                return entry.side == "middle" or abs(degrees) <= math.degrees(0.5)
            case "behind":
                return abs(degrees) > math.degrees(2.0)
            case "near":
                return surface_distance(entry) <= 1.5
            case "beside":
                return surface_distance(entry) <= 1.2 and abs(degrees) > math.degrees(0.15)
            case "above":
                return y > 0.3 and y > 0.6 * math.hypot(x, z)
        return y < -0.3 and math.hypot(x, z) <= 0.6

    def on_own_side(self, relation: str, i: int, j: int) -> bool:
        x, z = own(self.entries[j], self.entries[i].position[0], self.entries[i].position[2])
        sides = {"in front of": z > abs(x), "behind": -z > abs(x), "right of": x >= abs(z), "left of": -x >= abs(z)}
        return i != j and sides[relation]

    def between(self, i: int, a: int | None, b: int | None) -> bool:
        if i in (a, b) or i in [self.under[k] for k in (a, b) if k is not None]:
            return False
        if any(self.holds(relation, i, k) for relation in ("on", "in") for k in (a, b) if k is not None):
            return False
        if a is not None and b is not None:
            one, two, it = self.entries[a], self.entries[b], self.entries[i]
            if bottom(it) > max(top(one), top(two)) + 0.3 or top(it) < min(bottom(one), bottom(two)) - 0.3:
                return False
        ends = [(0.0, 0.0) if k is None else (self.entries[k].position[0], self.entries[k].position[2]) for k in (a, b)]
        spot = (self.entries[i].position[0], self.entries[i].position[2])
        length, first, second = math.dist(*ends), math.dist(spot, ends[0]), math.dist(spot, ends[1])
        along = (first**2 - second**2 + length**2) / (2 * length)
        aside = math.sqrt(max(first**2 - along**2, 0.0))
        return 0.05 * length < along < 0.95 * length and aside <= max(0.3, 0.15 * length)
