"""Hours: when things open and close, what is within them, and which end of them a key means."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from scenewright_server.scene.amounts import Amount, read_amounts, read_hours, read_time
from scenewright_server.scene.matching import fold

_OPENING = {"open", "opens", "opening time", "开门", "开门时间"}
_CLOSING = set("closes|closing time|open until|until|关门|关门时间|打烊|打烊时间|营业到|营业至|开到".split("|"))
"""Keys that are one end of the hours that are told."""
_BEGINS = _OPENING - {"open"}
"""Of these, keys of the beginning alone: "open" asks for both."""
_RANGE = re.compile(
    r"(TIME) ?(?:-|–|—|~|to|until|至|到) ?(TIME)".replace("TIME", r"\d{1,2}(?:[:：.]\d\d(?: ?[ap]m)?| ?[ap]m|点半?)")
)
"""Hours that are the same on all days."""
_BOTH = re.compile(r"\bhours$|(?:营业|开放|运营|服务)时间$")
"""Keys that are both ends."""
_LAST = re.compile(
    r"last(?: (?:train|bus|tram|ferry|boat|metro|departure|entry|admission|call|orders?|round|show|tour|ride))?$"
    r"|末|最后|最晚"
)
"""Keys of what is the last of a day."""
_STARTS = re.compile(
    r"\b(?:depart|leav|open|start|begin|from\b|bed|sleep|lights[ -]out)|"
    r"就寝|熄灯|睡|出发|发车|离开|起飞|启程|上班|[开始起]"
)
_ENDS = re.compile(
    r"\b(?:arriv|clos|end|finish|until|return|back\b|wak|alarm|gets? up)|起床|醒|闹钟|下班|[到达抵束关闭烊收止回]"
)
"""Keys of the time at which something begins, a night, too, and ends."""
_NIGHT = 6.0
"""The hour until which what closes does so late, after the midnight of its day."""


def is_both_ends(key: str) -> bool:
    """Whether a key tells when things open and close."""
    return _BOTH.search(fold(key)) is not None


def told_end(key: str, text: str, name: str) -> str | None:
    """Of hours in words under a key, "8:00-14:00", the end that a name asks for; all where it asks for no end of them,
    None where they are not the same on all days."""
    asked = fold(name)
    if asked not in _CLOSING | _BEGINS or not (is_both_ends(key) or fold(key) == "open"):
        return text
    ends = _RANGE.fullmatch(text.strip())
    return None if ends is None else ends[2 if asked in _CLOSING else 1]


def end_of(found: Amount | None, name: str) -> Amount | None:
    """Of hours from one time to another the one that a key means, if it means one; one time alone is no hours."""
    if found is None or found.dimension not in ("clock", ""):
        return found
    if found.high is None:
        return None if found.dimension == "clock" and is_both_ends(name) else late(found, name)
    if fold(name) in _CLOSING:
        return replace(found, value=found.high, high=None)
    return replace(found, high=None) if fold(name) in _OPENING else found


def late(time: Amount, name: str) -> Amount:
    """A time of day at which things close or the last leaves, counted on beyond midnight: 1:00 comes after 23:00."""
    is_late = time.dimension == "clock" and time.high is None and time.value < _NIGHT
    its = fold(name)
    return replace(time, value=time.value + 24) if is_late and (its in _CLOSING or _LAST.match(its)) else time


def both_ends(name: str, told: Iterable[tuple[str, object]]) -> str | None:
    """The hours of which one fact tells the beginning and another the end, "16:00-1:00", where a name asks for both."""
    if not is_both_ends(name):
        return None
    times = [(fold(key), its) for key, its in told if isinstance(its, str) and read_time(its) is not None]
    opens, closes = (next((its for key, its in times if key in end), None) for end in (_OPENING, _CLOSING))
    return f"{opens}-{closes}" if opens and closes else None


def lasting(amounts: Sequence[Amount]) -> list[Amount]:
    """Amounts as they are held against each other: hours from one time to another, where all are, by how long."""
    if not all(its.dimension == "clock" and its.high is not None for its in amounts):
        return list(amounts)
    return [Amount((its.high or 0.0) - its.value, "h") for its in amounts]


def in_turn(a: Amount, its_key: str, b: Amount, other_key: str) -> tuple[Amount, Amount]:
    """Two times of day of one thing, of which one may be when it begins and the other when it ends: that on the next
    day where it is earlier by half a day or more, and not for a stop between."""
    if a.dimension != "clock" or b.dimension != "clock":
        return a, b
    if _is_start(its_key) and _is_end(other_key):
        return a, _after(a, b)
    return (_after(b, a), b) if _is_start(other_key) and _is_end(its_key) else (a, b)


def _is_start(key: str) -> bool:
    return _STARTS.search(fold(key)) is not None and not _is_end(key)


def _is_end(key: str) -> bool:
    return _ENDS.search(fold(key)) is not None


def _after(start: Amount, end: Amount) -> Amount:
    return replace(end, value=end.value + 24) if start.value - end.value >= 12 else end


def is_at(time: float, text: str) -> bool | None:
    """Whether a time of day, in hours from midnight, is one that a text tells or within its hours; None where it tells
    no time."""
    told = read_hours(text) + [its.amount for its in read_amounts(text) if its.amount.dimension == "clock"]
    if not told:
        return None
    return any(
        its.value <= t <= (its.value if its.high is None else its.high) for its in told for t in (time, time + 24)
    )


def is_other_end(key: str, name: str) -> bool:
    """Whether a key is when things close, where another name asks when they open, or the other way about."""
    own, asked = fold(key), fold(name)
    return (own in _CLOSING and asked in _OPENING) or (own in _OPENING and asked in _CLOSING)
