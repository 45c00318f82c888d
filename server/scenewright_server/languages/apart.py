"""Things of one label that are told apart in what is said: the red chair and the blue chair, the mug on your left."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Generic

from scenewright_server.languages.speaking import Labels, M
from scenewright_server.scene import replies as r
from scenewright_server.scene.asking import ask, mark_of
from scenewright_server.scene.choosing import Choosing
from scenewright_server.scene.scene import Scene
from scenewright_server.scene.topics import topic_of

MAX_ALIKE = 8
"""Of things of one label that are told apart."""
_LOOKS = ("colour", "material")
"""What tells apart the things that another is on or near."""


class Apart(Generic[M]):
    """Labels of things, some of which are called with words before their label and after it."""

    def __init__(self, labels: Labels[M], words: Mapping[int, tuple[Sequence[str | M], Sequence[str | M]]]) -> None:
        self.labels, self.words = labels, words

    @property
    def scene(self) -> Scene | None:
        return self.labels.scene

    def text(self, k: int) -> str:
        return self.labels.text(k)

    def mention(self, k: int) -> M:
        return self.labels.mention(k)


def called(k: int, labels: Labels[M]) -> list[str | M] | None:
    """A thing with what tells it apart; None where nothing need."""
    words = labels.words.get(k) if isinstance(labels, Apart) else None
    return None if words is None else [*words[0], labels.mention(k), *words[1]]


def asks_of(result: r.Result | None, things: Sequence[int], labels: Labels[M]) -> Iterable[r.Ask]:
    """What tells apart each of these things that are called alike, but for what a result says of them anyway; and where
    a thing is that a result names, of several alike of which it does not name the others."""
    if labels.scene is None or isinstance(result, r.Ask):
        return
    alike: dict[str, list[int]] = {}
    for k in dict.fromkeys(things):
        alike.setdefault(labels.text(k), []).append(k)
    groups = [tuple(group) for group in alike.values() if 1 < len(group) <= MAX_ALIKE]
    is_told = isinstance(result, r.Listed | r.Exists | r.Counted)
    alone = [group[0] for group in alike.values() if len(group) == 1 and is_told]
    twins = {k: _twins(k, labels) for k in alone}
    beside = _beside(result, alike, labels)
    if not groups and not beside and not any(twins.values()):
        return
    choosing = Choosing(labels.scene)
    for k, others in beside.items():
        found = ask(choosing, (k, *others))
        if found.by == "fact" and topic_of(found.key).words[0] in _LOOKS:
            yield r.Ask((k,), "fact", found.marks[:1], found.key)
    asked = [(ask(choosing, group, _keys_of(result)), group) for group in groups]
    asked += [(mark_of(choosing, k, others, _keys_of(result)), (k, *others)) for k, others in twins.items() if others]
    for found, group in asked:
        is_seen = any(choosing.scene.entries[k].graph is None for k in group)  # nobody tells how far
        if found.by not in ("name", "nothing", *_said_by(result)) and not (found.by == "metres" and is_seen):
            yield found


def _beside(result: r.Result | None, alike: Mapping[str, list[int]], labels: Labels[M]) -> dict[int, tuple[int, ...]]:
    """What a thing that is placed is on or near, where that is one of several alike, and the others."""
    place = result.place if isinstance(result, r.Described) else result
    near = [k for k in (place.under, place.near) if k is not None] if isinstance(place, r.Placed) else []
    twins = {k: _twins(k, labels) for k in near if len(alike[labels.text(k)]) == 1}
    return {k: others for k, others in twins.items() if others}


def _twins(k: int, labels: Labels[M]) -> tuple[int, ...]:
    """The other things of the scene that are called as this one is, unless there are too many to tell it from."""
    n = len(labels.scene.entries) if labels.scene else 0
    found = tuple(j for j in range(n) if j != k and labels.text(j) == labels.text(k))
    return found if len(found) < MAX_ALIKE else ()


def _keys_of(result: r.Result | None) -> tuple[str, ...]:
    """The keys under which something is said of things."""
    match result:
        case r.Told(key=key) | r.Listed(key=key) | r.Totalled(key=key) | r.Unknown(key=key):
            return (key,)
        case r.Weighed(a=a, b=b) | r.Differs(a=a, b=b) | r.Times(a=a, b=b):
            return (a.key, b.key)
    return ()


def _said_by(result: r.Result | None) -> tuple[str, ...]:
    """What is said of places, by which things are not told apart."""
    if isinstance(result, r.Placed | r.Directed | r.Against | r.Described):
        return ("side", "under", "row", "metres")
    return ("metres",) if "distance" in _keys_of(result) else ()
