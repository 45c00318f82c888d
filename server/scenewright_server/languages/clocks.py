"""Times of day in words: "五点三刻", "晚上九点半", "half past seven", "6 pm"."""

from __future__ import annotations

from scenewright_server.languages.numerals import whole_at
from scenewright_server.languages.phrases import Tokens
from scenewright_server.scene.words import is_chinese

_MORNING = frozenset(("早上", "上午", "凌晨", "清晨", "早晨"))
_LATER = frozenset(("下午", "晚上", "傍晚", "夜里", "今晚", "中午"))
_AM = ("am", "a m", "in the morning")
_PM = ("pm", "p m", "in the evening", "in the afternoon", "at night")
_PARTS_OF_HOURS = {"half": 30, "quarter": 15}
_MINUTES = {"半": 30, "整": 0, "钟": 0}


def clock_at(tokens: Tokens, i: int) -> tuple[str, str, int] | None:
    """The time of day that begins at token i as "17:45", once as it is in the afternoon and once as in the morning,
    where it is not said of which of both it is, and where it ends; None where none does."""
    if not is_chinese(tokens[i]):
        return _english_at(tokens, i)
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


def _english_at(tokens: Tokens, i: int) -> tuple[str, str, int] | None:
    """The same of English: "noon", "seven", "half past seven", "19:30", "quarter to six", "6 pm"."""
    if tokens[i] in ("noon", "midday"):
        return "12:00", "12:00", i + 1
    minute, at, back = 0, i, 0
    if tokens[i] in _PARTS_OF_HOURS:
        minute, at = _PARTS_OF_HOURS[tokens[i]], i + 1
        back = tokens[at : at + 1] == ("to",)
        at += tokens[at : at + 1] in (("past",), ("to",))
        if at == i + 1 and minute == 15:
            return None
    found = whole_at(tokens, at) if at < len(tokens) else None
    if found is None or found[0] != int(found[0]) or not 0 < found[0] < 24:
        return None
    hour, end = int(found[0]), found[1]
    if at == i and tokens[end : end + 1] == (":",) and "".join(tokens[end + 1 : end + 2]).isdigit():
        minute, end = min(int(tokens[end + 1]), 59), end + 2
    hour, minute = (hour - 1, 60 - minute) if back else (hour, minute)
    end += 2 * (tokens[end : end + 2] == ("o", "'clock"))
    said = " ".join(tokens[end : end + 3])
    part = next((words for words in (*_AM, *_PM) if said == words or said.startswith(f"{words} ")), "")
    late = hour + 12 if hour < 12 and part not in _AM else hour
    early = late if part in _PM else hour
    return f"{late}:{minute:02}", f"{early}:{minute:02}", end + len(part.split())


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
