"""Days and months that are told as text: "1 October", "July", 12月3日."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date

from scenewright_server.scene.amounts import DATE, DAY, Amount

MONTHS = "January February March April May June July August September October November December".split()
_SHORT = [name[:3].casefold() for name in MONTHS]
_MONTH = r"(?P<month>" + "|".join(f"{name[:3]}(?:{name[3:]})?" if name[3:] else name for name in MONTHS) + r"|sept)\.?"
_WRITTEN = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?:(?P<day>\d{{1,2}})(?:st|nd|rd|th)? (?:of )?)?{_MONTH}(?:,? (?P<year>\d{{4}}))?",
        rf"{_MONTH} (?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?:,? (?P<year>\d{{4}}))?",
        r"(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})",
        r"(?:(?P<year>\d{4})年)?(?P<month>\d{1,2})月(?:份|(?P<day>\d{1,2})[日号])?(?:到期|前|起|止)?",
    )
]
_FROM_TO = re.compile(r"(.+?)\s?(?:-|–|—|~|～|至|到|\bto\b|\buntil\b)\s?(.+)")
_DAY_FIRST, _DAY_LAST = re.compile(r"^\d+(?:st|nd|rd|th)?"), re.compile(r"\d+(?:st|nd|rd|th|[日号])?$")
_LEAP = 4
"""The year of days that are told without one."""


def read_date(text: str) -> Amount | None:
    """The day that a text is, in days of the calendar, or the days from one to another, "3 to 17 August", as those of a
    month; None for any other text."""
    its = _read_day(text)
    ends = _FROM_TO.fullmatch(text.strip()) if its is None else None
    if ends is None:
        return its
    low = _read_day(ends[1]) or _read_day(_DAY_FIRST.sub(ends[1], ends[2]))
    high = _read_day(ends[2]) or _read_day(_DAY_LAST.sub(ends[2], ends[1]))
    if low is None or high is None or low.unit != high.unit or low.value >= high.value:
        return None
    return Amount(low.value, low.unit, high.value if high.high is None else high.high)


def _read_day(text: str) -> Amount | None:
    """A day, or a month from its first day to its last."""
    found = next(filter(None, (pattern.fullmatch(text.strip()) for pattern in _WRITTEN)), None)
    if found is None:
        return None
    told = found.groupdict()
    month = int(told["month"]) if told["month"].isdigit() else _SHORT.index(told["month"][:3].casefold()) + 1
    year, unit = (int(told["year"]), DATE) if told["year"] else (_LEAP, DAY)
    day = int(told["day"] or 1)
    if not (1 <= month <= 12 and year > 0 and 1 <= day <= (last := monthrange(year, month)[1])):
        return None
    end = None if told["day"] else float(date(year, month, last).toordinal())
    return Amount(float(date(year, month, day).toordinal()), unit, end)


def as_date(amount: Amount) -> Amount:
    """A number whose unit is a month as that day."""
    return (read_date(f"{amount.value:g} {amount.unit}") if amount.unit else None) or amount


def year_of(day: Amount) -> Amount:
    """The year of a day."""
    return Amount(float(date.fromordinal(int(day.value)).year))


def of_no_year(day: Amount) -> Amount:
    """A day, or days of one year, as of any."""
    if day.unit == DAY:
        return day
    ends = [date.fromordinal(int(its)).replace(year=_LEAP) for its in (day.value, day.high) if its is not None]
    return Amount(float(ends[0].toordinal()), DAY, None if day.high is None else float(ends[-1].toordinal()))


def date_text(amount: Amount, in_chinese: bool = False) -> str:
    """A day, a month, or the days from one to another, as people write it."""
    its = date.fromordinal(max(int(amount.value), 1))
    has_year, is_month = amount.unit == DATE, amount.high is not None
    if amount.high is not None and (its.day, amount.high - amount.value + 1) != (1, monthrange(its.year, its.month)[1]):
        ends = (date_text(Amount(day, amount.unit), in_chinese) for day in (amount.value, amount.high))
        return ("到" if in_chinese else " to ").join(ends)
    if in_chinese:
        return f"{its.year}年" * has_year + f"{its.month}月" + f"{its.day}日" * (not is_month)
    return f"{its.day} " * (not is_month) + MONTHS[its.month - 1] + f" {its.year}" * has_year
