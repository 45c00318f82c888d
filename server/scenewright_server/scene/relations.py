"""How things stand to each other and to the user, each relation as a restriction of all things."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np

from scenewright_server.scene.entries import BEHIND_RAD, Entry
from scenewright_server.scene.expressions import Relation
from scenewright_server.scene.space import Space
from scenewright_server.scene.support import TOUCH_M

REACH_M = 0.8
"""Of the user's arm, to the nearest surface of a thing."""
NEAR_M, BESIDE_M, NEAR_ME_M, BESIDE_ME_M = 1.0, 0.6, 1.5, 1.2
"""Between surfaces; near and beside are wider for large things."""
SIDE_RAD, AHEAD_RAD, SIDEWAYS_RAD = 0.15, 0.5, math.radians(135)
"""What is on a side of the user begins at the first and ends at the last; what is ahead ends at the second."""
BACK_RAD = 2.0
"""From here on a thing is behind the user, not only to a side."""
CORNER_RAD = math.radians(172)
"""Up to here a thing behind the user is to a side as well."""
OBLIQUE_RAD = math.pi / 3
"""Up to here a thing to a side of the user is ahead as well, where both are asked together."""
ASIDE_RAD = 0.6
"""From here on a thing is on a side of the user and not ahead; from SIDEWAYS_RAD on it is behind and not on a
side."""
PLAIN_GAP_M, CLOSE_GAP_M = 3.0, 1.5
"""Between a thing and what is plainly on a side of it, and what is close there."""
OVER_M = 0.3
"""How far over or under two things something may be and stand between them."""
THIN_M, SLIT_M = 0.35, 0.1
"""Under what is no thicker and hangs, things may stand so far before it."""
HANGS_M, WALL_M = 1.0, 0.35
"""How far over a thing something may hang and be above it, and how far the wall may be behind it."""
MARGIN_M, MARGIN_RAD = 0.05, 0.01
"""By less than this nothing is behind or left of another."""


class NoFront(Exception):
    """A thing of which it is not known where its front is."""


class Relations:
    """Relations among the entries of a scene. Every answer is (N,) bool: of which things it is so."""

    def __init__(self, entries: Sequence[Entry], space: Space | None = None) -> None:
        self.space = Space(entries) if space is None else space
        self._sides = np.array([entry.side for entry in entries])
        self._is_seen = np.array([entry.detection is not None for entry in entries], bool)
        under = [-1 if j is None else j for j in self.space.under]
        self._under = np.array(under, int).reshape(len(entries))
        self._known: dict[tuple[Relation, int], np.ndarray] = {}

    def related(self, relation: Relation, j: int) -> np.ndarray:
        """Which things are so related to thing j, as the user sees it."""
        if (relation, j) not in self._known:
            is_so = self._of_thing[relation](j)
            is_so[j] = False
            self._known[relation, j] = is_so
        return self._known[relation, j]

    def related_to_user(self, relation: Relation) -> np.ndarray | None:
        """Which things are so related to the user; None where nothing can be."""
        find = self._of_user.get(relation)
        return None if find is None else find()

    def plainly_related_to_user(self, relation: Relation) -> np.ndarray:
        """Which things people would say are so related to the user, and to no other side of the user."""
        bearings = self.space.bearings
        match relation:
            case "left of":
                is_plain = (bearings <= -ASIDE_RAD) & (bearings >= -SIDEWAYS_RAD)
            case "right of":
                is_plain = (bearings >= ASIDE_RAD) & (bearings <= SIDEWAYS_RAD)
            case "behind":
                is_plain = np.abs(bearings) >= SIDEWAYS_RAD
            case _:
                return np.ones(len(self.space), bool)
        return is_plain | self._is_seen

    def behind_user_on(self, side: Relation, plainly: bool = False) -> np.ndarray:
        """Which things are behind the user and to the left or to the right: more than a quarter turn away, not straight
        behind; `plainly`: not almost at the user's side."""
        bearings = self.space.bearings * (-1 if side == "left of" else 1)
        return (bearings > (BACK_RAD if plainly else math.pi / 2)) & (bearings < CORNER_RAD)

    def ahead_of_user_on(self, side: Relation) -> np.ndarray:
        """Which things are in front of the user and to the left or to the right: within 60 degrees of straight ahead,
        but not there; or both by what is seen."""
        bearings = self.space.bearings * (-1 if side == "left of" else 1)
        is_both = self._of_user["in front of"]() & self._of_user[side]()
        return is_both | ((bearings > SIDE_RAD) & (bearings <= OBLIQUE_RAD))

    def plainly_related(self, relation: Relation, j: int, closely: bool = False) -> np.ndarray:
        """Of which things people would say that they are so related to thing j, and hardly beside or far from it;
        `closely`: those of them that are within its width and close."""
        is_close = self.space.gaps(j) <= (CLOSE_GAP_M if closely else PLAIN_GAP_M)
        if relation not in ("in front of", "behind"):
            return self.related(relation, j) & is_close
        return self._nearer(j, 1 if relation == "in front of" else -1, aside=0.0 if closely else 0.5) & is_close

    def on_own_side(self, relation: Relation, j: int) -> np.ndarray:
        """Which things lie on a side of thing j's own: the side of which they are most. Raises NoFront."""
        if not self.space.has_front[j]:
            raise NoFront
        x, _, z = self.space.seen_from(j).T
        is_so = {
            "in front of": z > np.abs(x),
            "behind": -z > np.abs(x),
            "right of": x >= np.abs(z),
            "left of": -x >= np.abs(z),
        }[relation]
        is_so[j] = False
        return is_so

    def between(self, a: int | None, b: int | None) -> np.ndarray:
        """What stands between two things, None being the user: near the line that joins them, away from its ends; not
        far over or under two things, not what one of them stands on, nor what is on it or in it."""
        start, end = (np.zeros(2) if k is None else self.space.centres[k, [0, 2]] for k in (a, b))
        line = end - start
        length = max(float(np.linalg.norm(line)), 1e-9)
        to = self.space.centres[:, [0, 2]] - start
        along, aside = to @ line / length**2, np.abs(to @ np.array([-line[1], line[0]])) / length
        is_so = (along > 0.05) & (along < 0.95) & (aside <= max(0.3, 0.15 * length))
        if a is not None and b is not None:
            ends = [a, b]
            is_so &= self.space.bottoms <= self.space.tops[ends].max() + OVER_M
            is_so &= self.space.tops >= self.space.bottoms[ends].min() - OVER_M
        is_so[[k for k in (a, b) if k is not None]] = False
        is_so[[self._under[k] for k in (a, b) if k is not None and self._under[k] >= 0]] = False
        for k in (a, b):
            if k is not None:
                is_so &= ~(self.related("on", k) | self.related("in", k))
        return is_so

    def in_a_row(self, among: Sequence[int]) -> list[int]:
        """These things by their bearings; where all are behind the user, without a break straight behind."""
        bearings = {k: float(self.space.bearings[k]) for k in among}
        is_behind = all(abs(its) > math.pi / 2 for its in bearings.values())
        return sorted(among, key=lambda k: bearings[k] % (2 * math.pi) if is_behind else bearings[k])

    def at_hour(self, hour: int) -> np.ndarray:
        """What is in the direction of this hour of the clock."""
        return self.hours() == hour

    def hours(self) -> np.ndarray:
        """(N,) the hour in whose direction each thing is, 1 to 12."""
        return (np.round(self.space.bearings / math.radians(30)).astype(int) - 1) % 12 + 1

    def reachable(self) -> np.ndarray:
        """What the user can reach."""
        return self.space.surface_distances() < REACH_M

    @cached_property
    def empty(self) -> np.ndarray:
        """What has nothing on or in it."""
        return np.array(
            [not (self.related("on", j) | self.related("in", j)).any() for j in range(len(self.space))], bool
        )

    @cached_property
    def loads(self) -> np.ndarray:
        """(N,) how many things are on each thing."""
        return np.array([int(self.related("on", j).sum()) for j in range(len(self.space))], int)

    @property
    def _of_thing(self) -> dict[Relation, Callable[[int], np.ndarray]]:
        return {
            "on": self._on,
            "under": self._beneath,
            "in": self._in,
            "beside": self._beside,
            "left of": lambda j: self._left(j, 1),
            "right of": lambda j: self._left(j, -1),
            "in front of": lambda j: self._nearer(j, 1),
            "behind": lambda j: self._nearer(j, -1),
            "above": self._above,
            "near": self._near,
        }

    @property
    def _of_user(self) -> dict[Relation, Callable[[], np.ndarray]]:
        space, bearings = self.space, self.space.bearings
        x, y, z = space.centres.T
        away = np.hypot(x, z)
        return {
            "left of": lambda: (self._sides == "left") | ((bearings < -SIDE_RAD) & (bearings >= -SIDEWAYS_RAD)),
            "right of": lambda: (self._sides == "right") | ((bearings > SIDE_RAD) & (bearings <= SIDEWAYS_RAD)),
            "in front of": lambda: (self._sides == "middle") | (np.abs(bearings) <= AHEAD_RAD),
            "behind": lambda: np.abs(bearings) > BACK_RAD,
            "near": lambda: space.surface_distances() <= NEAR_ME_M,
            "beside": lambda: (space.surface_distances() <= BESIDE_ME_M) & (np.abs(bearings) > SIDE_RAD),
            "above": lambda: (y > 0.3) & (y > 0.6 * away),
            "under": lambda: (y < -0.3) & (away <= 0.6),
        }

    def _on(self, j: int) -> np.ndarray:
        """It stands on it, hangs on it, or is held by it at some height: on a board of a shelf."""
        space = self.space
        higher = space.bottoms - space.bottoms[j]
        is_held = self._in(j) & (self._under < 0) & (higher > 0.05)
        thickness = 2 * min(space.halves[j, 0], space.halves[j, 2])
        is_wall = 0 < thickness <= 0.4 and 2 * space.reaches[j, 1] >= 1.5
        is_so = (self._under == j) | is_held
        if is_wall:
            hangs = (self._under < 0) & (higher > 0.3) & (space.tops <= space.tops[j]) & (space.gaps(j) <= 0.06)
            is_so |= hangs & (self._volumes < self._volumes[j])
        return is_so

    def _holding(self, j: int) -> np.ndarray:
        """What holds thing j at some height within its own box, as a chair does."""
        space = self.space
        away = np.einsum("nij,ni->nj", space.axes, space.centres[j] - space.centres)
        is_within = (np.abs(away) <= space.halves + 1e-9).all(axis=1) & (self._volumes[j] < self._volumes)
        return is_within & (self._under[j] < 0) & (space.bottoms[j] - space.bottoms > 0.05)

    def _in(self, j: int) -> np.ndarray:
        """Its centre is within the box of a larger thing."""
        is_within = (np.abs(self.space.seen_from(j)) <= self.space.halves[j] + 1e-9).all(axis=1)
        return is_within & (self._volumes < self._volumes[j])

    def _above(self, j: int) -> np.ndarray:
        """It is wholly higher and over it; or hangs close over it on the wall that its long side stands along."""
        space = self.space
        rise, aside = space.bottoms - space.tops[j], space.gaps_aside(j)
        long = 0 if space.halves[j, 0] >= space.halves[j, 2] else 2
        is_along = np.abs(space.seen_from(j)[:, long]) <= space.halves[j, long]
        hangs = (self._under < 0) & (rise <= HANGS_M) & (aside <= WALL_M) & is_along
        return (rise >= -TOUCH_M) & ((aside <= 0.1) | hangs) & self._apart(j)

    def _beneath(self, j: int) -> np.ndarray:
        """It lies wholly lower beneath it, or a little before what is thin; or it stands on the same floor beneath the
        top, or carries or holds it."""
        space = self.space
        long, short = (0, 2) if space.halves[j, 0] >= space.halves[j, 2] else (2, 0)
        is_along = np.abs(space.seen_from(j)[:, long]) <= space.halves[j, long]
        slit = np.where(is_along & (2 * space.halves[j, short] <= THIN_M), SLIT_M, 0.0)
        is_lower = (space.tops <= space.bottoms[j] + TOUCH_M) & (space.gaps_aside(j) <= slit)
        is_within = space.covers(j) & (space.bottoms <= space.bottoms[j] + 0.05) & (space.tops < space.tops[j] - 0.02)
        carries = (np.arange(len(space)) == self._under[j]) | self._holding(j)
        return ((is_lower | is_within) & self._apart(j) & (self._under != j)) | carries

    def _beside(self, j: int) -> np.ndarray:
        space = self.space
        overlaps = np.minimum(space.tops - space.bottoms[j], space.tops[j] - space.bottoms) > 0.01
        return overlaps & (space.gaps_aside(j) <= self._wide(j, BESIDE_M, 0.25)) & self._apart(j) & ~self._in(j)

    def _near(self, j: int) -> np.ndarray:
        return self.space.gaps(j) <= self._wide(j, NEAR_M, 0.5)

    def _left(self, j: int, sign: int) -> np.ndarray:
        """By bearing, all round the user; of two that are not both ahead, within a quarter of the circle."""
        bearings = self.space.bearings
        turn = sign * ((bearings[j] - bearings + math.pi) % (2 * math.pi) - math.pi)
        are_ahead = (np.abs(bearings) <= BEHIND_RAD) & (abs(bearings[j]) <= BEHIND_RAD)
        return (turn > MARGIN_RAD) & (are_ahead | (turn < math.pi / 2)) & self._apart(j)

    def _nearer(self, j: int, sign: int, aside: float = 2.0) -> np.ndarray:
        """Along the user's line of sight to thing j, and no more than so many times as far aside as it is nearer."""
        spot = self.space.centres[j, [0, 2]]
        length = float(np.linalg.norm(spot))
        line = spot / length if length > 1e-9 else np.array([0.0, 1.0])
        spots = self.space.centres[:, [0, 2]]
        along, off = spots @ line, np.abs(spots @ np.array([line[1], -line[0]]))
        nearer = sign * (length - along)
        widths = np.hypot(self.space.reaches[:, 0], self.space.reaches[:, 2])
        return (along > 0) & (nearer > MARGIN_M) & (off <= aside * nearer + widths + widths[j]) & self._apart(j)

    def _apart(self, j: int) -> np.ndarray:
        """Neither stands on the other."""
        return (self._under != j) & (np.arange(len(self.space)) != self._under[j])

    def _wide(self, j: int, least: float, part: float) -> np.ndarray:
        """A gap that still counts as small: `least`, or this part of the wider of two things."""
        widths = 2 * self.space.reaches[:, [0, 2]].max(axis=1, initial=0)
        return np.maximum(least, part * np.maximum(widths, widths[j]))

    @cached_property
    def _volumes(self) -> np.ndarray:
        return np.prod(2 * self.space.halves, axis=1)
