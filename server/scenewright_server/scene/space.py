"""The things of a scene as boxes in a level frame, and how far they are from each other and from the user."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from scenewright_server.scene.entries import Entry
from scenewright_server.scene.geometry import rotation_matrix
from scenewright_server.scene.support import TOUCH_M, find_supports

AGREE_COS = math.cos(math.radians(10))
LEAN_COS = math.cos(math.radians(60))
UPRIGHT_COS = 0.95


class Space:
    """Boxes of N things in the level frame: x right, y up, z ahead of the user, whose eyes are its origin; metres.

    The vertical is the one that the upright axes of most objects agree on, where their rotations are told. `under`: for
    each thing, what it stands on, where that is known already.
    """

    def __init__(self, entries: Sequence[Entry], under: Sequence[int | None] | None = None) -> None:
        n = len(entries)
        turns = [rotation_matrix(np.array(entry.graph.rotation)) if entry.graph else np.eye(3) for entry in entries]
        is_told = np.array([entry.graph is not None for entry in entries], bool)
        axes = np.array(turns).reshape(n, 3, 3)
        self.are_turned = bool(np.abs(axes - np.eye(3)).max(initial=0) > 1e-6)
        """Whether rotations are told at all."""
        level = _level(axes[is_told, :, 1]) if self.are_turned else np.eye(3)
        self.centres = np.array([entry.position for entry in entries], float).reshape(n, 3) @ level.T
        self.axes = np.where(is_told[:, None, None], level @ axes, np.eye(3)) if n else axes
        """(N, 3, 3): the own axes of each thing as columns."""
        self.halves = np.array([entry.size for entry in entries], float).reshape(n, 3) / 2
        self.reaches = (np.abs(self.axes) @ self.halves[:, :, None])[:, :, 0]
        """(N, 3): half of its extents along the level axes."""
        self.has_front = is_told & self.are_turned
        self.bearings = np.arctan2(self.centres[:, 0], self.centres[:, 2])
        """(N,) radians to the right of straight ahead."""
        self.footprints = np.array([self._footprint(k) for k in range(n)]).reshape(n, 4, 2)
        """(N, 4, 2): the corners of what each covers from above, in order round it."""
        if under is None:
            under = self._rests() if self.are_turned and is_told.all() else find_supports(entries, None)
        self.under = list(under)

    def __len__(self) -> int:
        return len(self.centres)

    @property
    def bottoms(self) -> np.ndarray:
        return self.centres[:, 1] - self.reaches[:, 1]

    @property
    def tops(self) -> np.ndarray:
        return self.centres[:, 1] + self.reaches[:, 1]

    @property
    def distances(self) -> np.ndarray:
        """(N,) metres from the user to the centres."""
        return np.linalg.norm(self.centres, axis=1)

    def surface_distances(self) -> np.ndarray:
        """(N,) metres from the user to the nearest surface; 0 within a thing."""
        own = np.einsum("nij,ni->nj", self.axes, -self.centres)
        return np.linalg.norm(np.maximum(np.abs(own) - self.halves, 0), axis=1)

    def seen_from(self, j: int) -> np.ndarray:
        """(N, 3) centres along the own axes of thing j, from its centre."""
        return (self.centres - self.centres[j]) @ self.axes[j]

    def gaps_aside(self, j: int) -> np.ndarray:
        """(N,) metres between footprints; 0 where they overlap."""
        foot = self.footprints[j]
        gaps = np.minimum(_to_polygons(foot, self.footprints), _to_polygon(self.footprints, foot))
        return np.where(self._overlap(j), 0.0, gaps)

    def gaps(self, j: int) -> np.ndarray:
        """(N,) metres between the surfaces, taking each thing as high everywhere as its highest point."""
        above = np.maximum(self.bottoms - self.tops[j], self.bottoms[j] - self.tops)
        return np.hypot(self.gaps_aside(j), np.maximum(above, 0))

    def covers(self, j: int, margin: float = 0.0) -> np.ndarray:
        """(N,) whether a centre lies over or under the footprint of thing j, widened by a margin in metres."""
        foot = self.footprints[j]
        edges = np.roll(foot, -1, axis=0) - foot
        normals = np.stack([edges[:, 1], -edges[:, 0]], axis=1)
        lengths = np.maximum(np.linalg.norm(normals, axis=1), 1e-9)
        to = self.centres[:, None, [0, 2]] - foot
        return ((to * normals).sum(-1) / lengths <= margin + 1e-9).all(axis=1)

    def heights(self) -> np.ndarray:
        """(N,) extents along the own axis that is the most upright."""
        return 2 * np.take_along_axis(self.halves, np.abs(self.axes[:, 1, :]).argmax(axis=1)[:, None], 1)[:, 0]

    def _footprint(self, k: int) -> np.ndarray:
        """Counter-clockwise in (x, z): that of the box where it is upright, else of the box round it."""
        centre = self.centres[k, [0, 2]]
        if abs(self.axes[k, 1, 1]) >= UPRIGHT_COS:
            a = self.axes[k][[0, 2], 0] * self.halves[k, 0]
            b = self.axes[k][[0, 2], 2] * self.halves[k, 2]
        else:
            a, b = np.array([self.reaches[k, 0], 0.0]), np.array([0.0, self.reaches[k, 2]])
        ring = np.array([centre - a - b, centre + a - b, centre + a + b, centre - a + b])
        return ring if a[0] * b[1] - a[1] * b[0] >= 0 else ring[::-1]

    def _overlap(self, j: int) -> np.ndarray:
        """(N,) whether footprints overlap: no edge of either parts them."""
        foot = self.footprints[j]
        is_parted = np.zeros(len(self), bool)
        for edges in (foot[1:3] - foot[:2], self.footprints[:, 1:3] - self.footprints[:, :2]):
            for e in range(2):
                edge = np.broadcast_to(edges[..., e, :], (len(self), 2))
                normal = np.stack([-edge[:, 1], edge[:, 0]], axis=1)
                a = np.einsum("nij,nj->ni", self.footprints, normal)
                b = normal @ foot.T
                is_parted |= (a.max(1) < b.min(1)) | (b.max(1) < a.min(1))
        return ~is_parted

    def _rests(self) -> list[int | None]:
        """By bottoms that meet tops, the centre over the other; on the nearest where there are several."""
        found: list[int | None] = [None] * len(self)
        best = np.full(len(self), np.inf)
        for j in range(len(self)):
            if self.reaches[j, 1] <= 0:
                continue
            aside = np.linalg.norm((self.centres - self.centres[j])[:, [0, 2]], axis=1)
            meets = (np.abs(self.bottoms - self.tops[j]) <= TOUCH_M) & self.covers(j, 0.02) & (aside < best)
            meets[j] = False
            for k in np.flatnonzero(meets):
                found[k], best[k] = j, aside[k]
        return found


def _level(ups: np.ndarray) -> np.ndarray:
    """(3, 3): rows are right, up and ahead of the level frame, from the upright axes (N, 3) of things."""
    up = np.array([0.0, 1.0, 0.0])
    if len(ups):
        agree = (ups @ ups.T >= AGREE_COS).sum(axis=1) * (ups[:, 1] >= LEAN_COS)
        best = int(agree.argmax())
        if 2 * agree[best] > len(ups):
            up = ups[best]
    ahead = np.array([0.0, 0.0, 1.0]) - up[2] * up
    ahead /= np.linalg.norm(ahead)
    return np.stack([np.cross(up, ahead), up, ahead])


def _to_polygons(points: np.ndarray, polygons: np.ndarray) -> np.ndarray:
    """(N,) the least distance of any of the points (P, 2) from the edges of each polygon (N, 4, 2)."""
    return _to_edges(points[None, :, None], polygons[:, None], np.roll(polygons, -1, axis=1)[:, None]).min(axis=(1, 2))


def _to_polygon(points: np.ndarray, polygon: np.ndarray) -> np.ndarray:
    """(N,) the least distance of any of N groups of points (N, P, 2) from the edges of a polygon (4, 2)."""
    return _to_edges(points[:, :, None], polygon, np.roll(polygon, -1, axis=0)).min(axis=(1, 2))


def _to_edges(points: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """The distances of points from the segments between starts and ends, all (..., 2)."""
    along = ends - starts
    length = np.maximum((along**2).sum(-1), 1e-12)
    t = np.clip(((points - starts) * along).sum(-1) / length, 0, 1)
    return np.linalg.norm(points - starts - t[..., None] * along, axis=-1)
