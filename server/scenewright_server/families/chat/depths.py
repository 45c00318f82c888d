"""Results without the lengths that nobody knows: a detector tells where in the picture a thing is, not how far."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from scenewright_server.scene import replies as r
from scenewright_server.scene.measures import SHAPES

_LENGTHS = {"distance", "up", "reach", *SHAPES}


def without_depths(reply: r.Reply, flat: Collection[int]) -> r.Reply:
    """A reply that tells no length of the entries `flat`, which are only seen."""
    if not any(k in flat for k in reply.things):
        return reply
    return replace(reply, results=tuple(_without(result, flat) for result in reply.results))


def _without(result: r.Result, flat: Collection[int]) -> r.Result:
    if not any(k in flat for k in result.things):
        return result
    match result:
        case r.Placed(thing) if thing in flat:
            return replace(result, metres=None, near=None)
        case r.Described(place) if place.thing in flat:
            return replace(result, place=replace(place, metres=None, near=None))
        case r.Directed() | r.Against():
            return replace(result, metres=None)
        case r.Told(things, key, _, True) | r.Listed(things, key, (_, *_), True) if key in _LENGTHS:
            return r.Unknown(key, things)
        case r.Totalled(_, key, things, is_measured=True) if key in _LENGTHS:
            return r.Unknown(key, things)
        case r.Weighed(a=a, b=b) | r.Differs(a=a, b=b) | r.Times(a=a, b=b):
            unknown = [own for own in (a, b) if own.is_measured and any(k in flat for k in own.things)]
            return r.Unknown(unknown[0].key, unknown[0].things) if unknown else result
        case r.Ask(things, "metres"):
            return r.Ask(things, "nothing")
    return result
