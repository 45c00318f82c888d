"""Where things are: for the user, for another thing, and all that is known of one."""

from __future__ import annotations

import math
from dataclasses import replace

from scenewright_server.scene import expressions as x
from scenewright_server.scene.choosing import Choosing
from scenewright_server.scene.entries import Entry
from scenewright_server.scene.relations import BACK_RAD, NEAR_ME_M
from scenewright_server.scene.replies import Against, Bearing, Described, Directed, NotUnderstood, Placed

_STRENGTH: tuple[tuple[x.Relation, ...], ...] = (("in",), ("under", "above"), x.SIDES, ("beside",), ("near",))
"""Which relations tell where a thing is for another: the first that hold make the others needless."""
_OPEN_BENEATH = (
    "table desk bench workbench worktop chair stool bed sofa couch bridge tree umbrella 桌 椅 凳 床 沙发 桥 树 茶几 伞"
).split()
"""What is within the box round one of these is under it, of anything else in it: poses alone do not tell."""
CLOSE_BENEATH_M = 0.5
"""Between a thing and what it lies under: a bunk over it is no bed that it is under."""
FLAT_M = 0.1
"""Of a rug: what stands on it is not raised."""
STRAIGHT_BACK_RAD = 2.75
"""From here on a thing is behind the user, and to no side."""


def place(choosing: Choosing, k: int) -> Placed:
    """Where thing k is for the user."""
    relations = choosing.relations
    space = relations.space
    under = space.under[k]
    on = [j for j in choosing.everything if under is None and relations.related("on", j)[k]]
    under = on[0] if on else under
    apart = [j for j in choosing.everything if j not in (k, under) and space.under[j] != k]
    away = space.gaps(k)
    near = min(apart, key=lambda j: away[j], default=None)
    is_near = under is None and near is not None and away[near] <= NEAR_ME_M / 2
    return Placed(
        k, bearing_of(choosing.scene.entries[k]), float(space.distances[k]), under, near if is_near else None
    )  # fmt: skip


def places(choosing: Choosing, k: int) -> tuple[Against | Placed, ...]:
    """Where thing k is: what it lies under, if it does, and where it is for the user."""
    placed, beneath, space = place(choosing, k), _beneath(choosing, k), choosing.relations.space
    if (room := placed.under) is not None and _is_room_of(choosing, room, k):
        within = Against(k, room, ("in",), math.dist(space.centres[k], space.centres[room]))
        return (within, replace(placed, under=None))
    is_raised = placed.under is not None and 2 * space.reaches[placed.under, 1] > FLAT_M
    if is_raised or beneath is None:
        return (placed,)
    under = Against(k, beneath, ("under",), math.dist(space.centres[k], space.centres[beneath]))
    return (under, replace(placed, near=None if placed.near == beneath else placed.near))


def _is_room_of(choosing: Choosing, room: int, k: int) -> bool:
    """Whether thing k stands on the floor of what it is in, and that is higher."""
    space = choosing.relations.space
    is_low = space.bottoms[k] - space.bottoms[room] <= FLAT_M and space.tops[k] <= space.tops[room]
    return bool(is_low and choosing.relations.related("in", room)[k])


def _beneath(choosing: Choosing, k: int) -> int | None:
    """The nearest of what is open beneath under which thing k, which is no larger, lies and which is not on it."""
    relations, space = choosing.relations, choosing.relations.space
    centres, areas = space.centres, space.reaches[:, 0] * space.reaches[:, 2]
    over = [j for j in choosing.scene.matching.headed(_OPEN_BENEATH) if relations.related("under", j)[k]]
    over = [j for j in over if space.under[j] != k and areas[k] <= areas[j]]
    over = [j for j in over if space.bottoms[j] - space.tops[k] <= CLOSE_BENEATH_M]
    return min(over, key=lambda j: math.dist(centres[k], centres[j]), default=None)


def place_against(choosing: Choosing, k: int, other: int) -> Against | NotUnderstood:
    """Where thing k is for another."""
    if k == other:
        return NotUnderstood("a thing against itself")
    relations = choosing.relations
    held = [r for r in x.RELATIONS if relations.related(r, other)[k]]
    told: list[x.Relation] = []
    name = choosing.scene.called[other].casefold()
    is_open = any(word in name for word in _OPEN_BENEATH)
    for stronger in (("on",), ("under",) * is_open, *_STRENGTH):
        told = told or [relation for relation in held if relation in stronger]
    centres = relations.space.centres
    return Against(k, other, tuple(told), math.dist(centres[k], centres[other]))


def direct(choosing: Choosing, k: int) -> Directed:
    """In which direction thing k is."""
    relations = choosing.relations
    side = bearing_of(choosing.scene.entries[k])
    return Directed(k, int(relations.hours()[k]), float(relations.space.distances[k]), side)


def bearing_of(entry: Entry) -> Bearing:
    """On which side of the user an entry is."""
    if entry.side != "you":
        return entry.side
    _, radians = entry.order
    if abs(radians) <= BACK_RAD:
        return "back left" if radians < 0 else "back right"
    if abs(radians) <= STRAIGHT_BACK_RAD:
        return "you left" if radians < 0 else "you right"
    return "you"


def describe(choosing: Choosing, k: int) -> Described:
    """All that is known of thing k."""
    graph = choosing.scene.entries[k].graph
    return Described(place(choosing, k), graph.description if graph else "", graph.facts if graph else ())
