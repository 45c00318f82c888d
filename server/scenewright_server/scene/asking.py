"""What tells several things apart, so that a question back can name it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from scenewright_server.scene.amounts import Amount
from scenewright_server.scene.choosing import Choosing
from scenewright_server.scene.matching import fold
from scenewright_server.scene.placing import bearing_of
from scenewright_server.scene.replies import Ask, Mark
from scenewright_server.scene.scene import Things
from scenewright_server.scene.topics import topic_of

TOLD_APART = ("colour", "maker", "size", "material", "price", "year")
"""The keys of facts by which things are told apart, the best first; any other key comes after places."""
LOOKS = ("colour", "material", "maker", "size", "title", "flavour", "number", "编号")
"""Of these, what tells one thing from others that need not tell it."""
MIN_GAP_M = 0.3
"""Things are told apart by their distances where none is nearer than this to the next."""


def ask(choosing: Choosing, things: Things, asked: Sequence[str] = ()) -> Ask:
    """A question back about these things: by names, a fact, sides, what they are on, another fact, or distances;
    not by what is `asked`."""
    scene, space = choosing.scene, choosing.relations.space
    names = [scene.called[k] for k in things]
    if _differ([fold(name) for name in names]):
        return Ask(things, "name", tuple(names))
    topics = [topic_of(key) for key in asked]
    own = [key for key in _keys(choosing, things) if topic_of(key) not in topics]
    best = [key for key in TOLD_APART if topic_of(key) not in topics]
    if by_fact := _by_fact(choosing, things, [*best, *own] if scene.is_list else best):  # rows of a list stand nowhere
        return by_fact
    sides: list[Mark] = [scene.entries[k].side for k in things]
    if _differ(sides):
        return Ask(things, "side", tuple(sides))
    under = [space.under[k] for k in things]
    if all(j is not None for j in under) and _differ([scene.called[j] for j in under if j is not None]):
        return Ask(things, "under", tuple(j for j in under if j is not None))
    if by_fact := _by_fact(choosing, things, own):
        return by_fact
    metres = sorted(float(space.distances[k]) for k in things)
    if all(b - a >= MIN_GAP_M for a, b in pairwise(metres)):
        return Ask(things, "metres", tuple(float(space.distances[k]) for k in things))
    return Ask(things, "nothing")


def mark_of(choosing: Choosing, k: int, others: Things, asked: Sequence[str] = ()) -> Ask:
    """The side that a thing is on, its colour or the like, what it is on, which it is from the left or right or how far
    away it is, or another fact: the first that tells it from the others, and is not what is `asked`. In a list nobody
    stands: its facts alone tell rows apart."""
    scene, topics = choosing.scene, [topic_of(key) for key in asked]
    keys = [key for key in _keys(choosing, (k,)) if topic_of(key) not in topics]
    looks = [key for key in LOOKS if topic_of(key) not in topics]
    found = None
    if not scene.is_list:
        found = _side_of(choosing, k, others) or _own_fact(choosing, k, others, looks) or _spot_of(choosing, k, others)
    return found or _own_fact(choosing, k, others, [*looks, *keys]) or Ask((k,), "nothing")


def _side_of(choosing: Choosing, k: int, others: Things) -> Ask | None:
    side, *sides = [bearing_of(choosing.scene.entries[j]) for j in (k, *others)]
    return None if side in sides else Ask((k,), "side", (side,))


def _own_fact(choosing: Choosing, k: int, others: Things, keys: Sequence[str]) -> Ask | None:
    """What is told of a thing under the first of these keys under which nothing else is told the same."""
    for key in keys:
        own, *told = [choosing.comparing.tell(key, j) for j in (k, *others)]
        rest = {_said(its.value) for its in told if its is not None}
        if own is not None and not own.is_quoted and _said(own.value) not in rest:
            return Ask((k,), "fact", (own.value,), key)
    return None


def _spot_of(choosing: Choosing, k: int, others: Things) -> Ask | None:
    """What a thing is on, which it is from the left or right, or how far away it is."""
    scene, space = choosing.scene, choosing.relations.space
    under = space.under[k]
    if under is not None and scene.called[under] not in {_called(choosing, space.under[j]) for j in others}:
        return Ask((k,), "under", (under,))
    rightward = [float(space.centres[j, 0]) for j in (k, *others)]
    is_behind = {bearing_of(scene.entries[j]).startswith("you") for j in (k, *others)}
    is_row = len(is_behind) == 1  # all before the user, or all behind
    if is_row and all(b - a >= MIN_GAP_M for a, b in pairwise(sorted(rightward))):
        nth = sorted(rightward).index(rightward[0])
        return Ask((k,), "row", (nth + 1 if 2 * nth < len(rightward) else nth - len(rightward),))
    metres = float(space.distances[k])
    is_apart = all(abs(metres - float(space.distances[j])) >= MIN_GAP_M for j in others)
    return Ask((k,), "metres", (metres,)) if is_apart else None


def _called(choosing: Choosing, k: int | None) -> str:
    return "" if k is None else choosing.scene.called[k]


def _by_fact(choosing: Choosing, things: Things, keys: Sequence[str]) -> Ask | None:
    for key in keys:
        told = [choosing.comparing.tell(key, k) for k in things]
        values = [its.value for its in told if its is not None]
        if len(values) == len(things) and _differ([_said(value) for value in values]):
            return Ask(things, "fact", tuple(values), key)
    return None


def _differ(marks: Sequence[Mark]) -> bool:
    return len(set(marks)) == len(marks)


def _said(value: str | Amount) -> str:
    return f"{value.value} {value.unit}" if isinstance(value, Amount) else fold(value)


def _keys(choosing: Choosing, things: Things) -> list[str]:
    graph = choosing.scene.entries[things[0]].graph
    own = [fact.key for fact in graph.facts] if graph else []
    return list(dict.fromkeys(own))
