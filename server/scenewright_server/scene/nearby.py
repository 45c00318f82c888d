"""Facts that name other things of the scene: what is near a place, "nearby hotels: Otter Inn, Old Mill"."""

from __future__ import annotations

import re

from scenewright_server.scene.matching import fold
from scenewright_server.scene.scene import Scene, Things

_NEAR = re.compile(r"(?:near(?:by|est)?|close by|around|neighbou?r(?:s|ing)?)\b|周边|附近|周围|邻近|旁边")


def is_nearby(key: str) -> bool:
    """Whether a key tells what is near."""
    return _NEAR.match(fold(key)) is not None


def nearby(scene: Scene, k: int, among: Things) -> Things:
    """Of some things those that thing k's own facts name as near it; where they name none of these, those that name
    thing k so."""
    own = _named(scene, k)
    return tuple(j for j in among if j in own) or tuple(j for j in among if k in _named(scene, j))


def _named(scene: Scene, k: int) -> Things:
    graph = scene.entries[k].graph
    told = [its.value for its in graph.facts if is_nearby(its.key)] if graph is not None else []
    return tuple(dict.fromkeys(j for its in told if isinstance(its, str) for j in scene.named_by(its) if j != k))
