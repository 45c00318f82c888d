"""Hours: when things open and close, what is within them, and which end of them a key means."""

from __future__ import annotations

from dataclasses import replace

from scenewright_server.scene.amounts import Amount, read_hours
from scenewright_server.scene.matching import fold

_OPENING = {"open", "opens", "opening time", "开门", "开门时间"}
_CLOSING = set("closes|closing time|open until|until|关门|关门时间|打烊|打烊时间|营业到|营业至|开到".split("|"))
"""Keys that are one end of the hours that are told."""
_NIGHT = 6.0
"""The hour until which what closes does so late, after the midnight of its day."""


def end_of(found: Amount | None, name: str) -> Amount | None:
    """Of hours from one time to another the one that a key means, if it means one."""
    if found is None or found.dimension not in ("clock", ""):
        return found
    if found.high is None:
        return late(found, name)
    if fold(name) in _CLOSING:
        return replace(found, value=found.high, high=None)
    return replace(found, high=None) if fold(name) in _OPENING else found


def late(time: Amount, name: str) -> Amount:
    """A time of day at which things close, counted on beyond midnight: 1:00 comes after 23:00."""
    is_late = fold(name) in _CLOSING and time.dimension == "clock" and time.high is None and time.value < _NIGHT
    return replace(time, value=time.value + 24) if is_late else time


def is_within(time: float, text: str) -> bool:
    """Whether a time of day, in hours from midnight, is within hours that a text tells."""
    return any(its.value <= t <= (its.high or 0) for its in read_hours(text) for t in (time, time + 24))


def is_other_end(key: str, name: str) -> bool:
    """Whether a key is when things close, where another name asks when they open, or the other way about."""
    own, asked = fold(key), fold(name)
    return (own in _CLOSING and asked in _OPENING) or (own in _OPENING and asked in _CLOSING)
