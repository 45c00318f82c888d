"""What is clearly so of things: the truth that questions are made of. What is too close to call is left open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from scenewright_server.scene.findings import Where
from scenewright_server.simulator.text import DEPTH_MARGIN_M, Thing

SIDE_MARGIN_RAD = 0.07


def matching(things: Sequence[Thing], looks: Mapping[str, str], noun: str) -> list[int]:
    """Things of a class."""
    return [i for i, t in enumerate(things) if t.is_called(noun) and all(getattr(t, k) == v for k, v in looks.items())]


def meant(things: Sequence[Thing], looks: Mapping[str, str], noun: str) -> list[int]:
    """What "the ..." may mean: things of just this name, or else of the class."""
    found = matching(things, looks, noun)
    return [i for i in found if things[i].name == noun] or found


def holds(things: Sequence[Thing], relation: str, i: int, j: int) -> bool | None:
    """Whether thing i stands in this relation to thing j; None when it is too close to call."""
    a, b = things[i], things[j]
    if relation == "on":
        return a.support == j
    if relation == "under":
        return b.support == i
    if j == a.support or i == b.support or a.is_behind_you or b.is_behind_you:
        return None
    if relation in ("left", "right"):
        by, margin = a.bearing - b.bearing, SIDE_MARGIN_RAD
    else:
        by, margin = a.position[2] - b.position[2], DEPTH_MARGIN_M
    if abs(by) < margin:
        return None
    return (by > 0) == (relation in ("right", "behind"))


def first(away: Sequence[tuple[float, int]], margin: float) -> int | None:
    """The thing that is the least away, if by a clear margin."""
    away = sorted(away)
    return None if not away or (len(away) > 1 and away[1][0] - away[0][0] < margin) else away[0][1]


def where(things: Sequence[Thing], i: int) -> Where | None:
    """The place of thing i; None when it is seen between two."""
    thing = things[i]
    if thing.support is not None:
        return Where(i, "on", thing.support)
    return None if is_between_sides(thing) else Where(i, thing.side)


def is_between_sides(thing: Thing) -> bool:
    """Whether it is seen hardly left or right of the middle, or hardly in it."""
    return abs(abs(thing.across) - 0.15) < 0.03
