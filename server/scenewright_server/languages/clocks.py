"""Times of day in Chinese words: "五点三刻", "晚上九点半"."""

from __future__ import annotations

from scenewright_server.languages.numerals import whole_at
from scenewright_server.languages.phrases import Tokens

_MORNING = frozenset(("早上", "上午", "凌晨", "清晨", "早晨"))
_LATER = frozenset(("下午", "晚上", "傍晚", "夜里", "今晚", "中午"))
_MINUTES = {"半": 30, "整": 0, "钟": 0}


def clock_at(tokens: Tokens, i: int) -> tuple[str, str, int] | None:
    """The time of day that begins at token i as "17:45", once as it is in the afternoon and once as in the morning,
    where it is not said of which of both it is, and where it ends; None where none does."""
    part = "".join(tokens[i : i + 2])
    is_told = part in _MORNING or part in _LATER
    found = whole_at(tokens, i + 2 * is_told) if i + 2 * is_told < len(tokens) else None
    if found is None or tokens[found[1] : found[1] + 1] != ("点",) or found[0] != int(found[0]) or found[0] > 23:
        return None
    hour, end = int(found[0]), found[1] + 1
    minute, end = _minute_at(tokens, end)
    late = hour + 12 if hour < 12 and part not in _MORNING and not (part == "中午" and hour > 3) else hour
    early = hour if part not in _LATER else late
    return f"{late}:{minute:02}", f"{early}:{minute:02}", end


def _minute_at(tokens: Tokens, i: int) -> tuple[int, int]:
    """The minutes that follow an hour, and where they end."""
    if i >= len(tokens):
        return 0, i
    if tokens[i] in _MINUTES:
        return _MINUTES[tokens[i]], i + 1
    at = i + (tokens[i] in ("过", "零"))
    found = whole_at(tokens, at) if at < len(tokens) else None
    if found is None or found[0] > 59 or found[0] != int(found[0]):
        return 0, i
    unit = tokens[found[1] : found[1] + 1]
    if unit == ("刻",) and found[0] < 4:
        return int(found[0]) * 15, found[1] + 1
    return (int(found[0]), found[1] + (unit == ("分",))) if unit == ("分",) or found[0] >= 10 else (0, i)
