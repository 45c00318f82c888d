"""Numbers in words as digits: "thirty-eight", 二十一."""

from __future__ import annotations

import re

ONES = dict(
    zip(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen".split(),
        range(20),
        strict=True,
    )
)
TENS = dict(zip("twenty thirty forty fifty sixty seventy eighty ninety".split(), range(20, 100, 10), strict=True))
_ONES, _TENS_WORDS = "|".join(ONES), "|".join(TENS)
_ENGLISH = re.compile(
    r"(?<![\w'’-])(?<!\bor )(?<!\bto )(?<!\band a )(?<!\bhundred )(?<!\bthousand )(?<!\bhundred and )"
    rf"(?:(?P<half>half )?(?:a )?(?P<dozen>dozen)|(?P<hundreds>{_ONES}|a) hundred|"
    rf"(?P<tens>{_TENS_WORDS})(?:[ -](?P<more>{_ONES}))?|(?P<ones>{_ONES}))(?![\w'’-])"
    r"(?! (?:or|to|hundred|thousand)\b)",
    re.IGNORECASE,
)
"""A number in words; none of "two or three", nor a part of a longer one."""
_HANZI = dict(zip("零〇一二两三四五六七八九", (0, 0, 1, 2, 2, 3, 4, 5, 6, 7, 8, 9), strict=True))
_TENS = {"十": 10, "百": 100, "千": 1000, "万": 10000}
HAN = "零〇一二两三四五六七八九十百千万"
_HAN_NUMBER = re.compile(
    rf"(?!一(?:天|小时|分钟|年|斤|公斤|米)\s?[\d{HAN}]+(?:\.\d+)?(?:元|块))"  # "一天8元" is by the day
    rf"[{HAN}]+(?=元|块|欧|美元|英镑|公斤|千克|克|斤|米|厘米|公里|升|毫升|年|分钟|小时|天|岁)"
    rf"|(?<![{HAN}\d第几数])[{HAN}]*[十百千万][{HAN}]*(?=$|[，。；、,;）)])"  # "整串八十"
)


def han_in_digits(text: str) -> str:
    """Chinese numerals before a unit in digits, spaces before them where they were longer."""
    text = re.sub(r"(\d+(?:\.\d+)?)万", lambda found: f"{float(found[1]) * 10000:.0f}", text)
    return _HAN_NUMBER.sub(lambda found: str(han_value(found[0])).rjust(len(found[0])), text)


def han_value(numeral: str) -> int:
    """The number that Chinese numerals are."""
    if not any(c in _TENS for c in numeral):
        return int("".join(str(_HANZI[c]) for c in numeral))
    total = part = digit = 0
    for c in numeral:
        if c in _HANZI:
            digit = _HANZI[c]
        elif c == "万":
            total, part, digit = (total + part + digit) * 10000, 0, 0
        else:
            part, digit = part + (digit or 1) * _TENS[c], 0
    return total + part + digit


def counted(text: str, before: re.Pattern[str] | None = None) -> str:
    """A text with its English numbers in words in digits, spaces before them, as long as it was: those that stand
    `before` this, or any from two on."""

    def digits(found: re.Match[str]) -> str:
        value = _english_value(found)
        is_meant = value > 1 if before is None else before.match(text, found.end()) is not None
        return str(value).rjust(len(found[0])) if is_meant else found[0]

    return _ENGLISH.sub(digits, text)


def _english_value(found: re.Match[str]) -> int:
    its = {name: word.lower() for name, word in found.groupdict().items() if word}
    if "dozen" in its:
        return 6 if "half" in its else 12
    if "hundreds" in its:
        return 100 * ONES.get(its["hundreds"], 1)
    return ONES[its["ones"]] if "ones" in its else TENS[its["tens"]] + ONES.get(its.get("more", ""), 0)
