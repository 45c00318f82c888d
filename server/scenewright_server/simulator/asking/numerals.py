"""Numbers in words: "three hundred", "三百"."""

from __future__ import annotations

from scenewright_server.simulator.asking.tables import Code

_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
_TENS = "- - twenty thirty forty fifty sixty seventy eighty ninety".split()
_HAN = "零一二三四五六七八九"


def spell(number: int, code: Code) -> str:
    """A number from 0 to 9999 in words, as it stands before a unit. Raises ValueError past that."""
    if not 0 <= number <= 9999:
        raise ValueError(f"number: {number}, it must be from 0 to 9999")
    return _spell_en(number) if code == "en" else _spell_zh(number)


def _spell_en(n: int) -> str:
    if n < 20:
        return _ONES[n]
    if n < 100:
        return _TENS[n // 10] + (f"-{_ONES[n % 10]}" if n % 10 else "")
    size, word = (1000, "thousand") if n >= 1000 else (100, "hundred")
    rest = n % size
    joint = " and " if 0 < rest < 100 else " "
    return f"{_ONES[n // size]} {word}" + (joint + _spell_en(rest) if rest else "")


def _spell_zh(n: int) -> str:
    if n == 2:
        return "两"
    words, is_gap = "", False
    for size, word in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit, n = n // size, n % size
        if digit == 0:
            is_gap = bool(words)
            continue
        words += "零" if is_gap else ""
        is_gap = False
        is_two = digit == 2 and size >= 100
        words += ("" if digit == 1 and size == 10 and not words else "两" if is_two else _HAN[digit]) + word
        if n == 0:
            break
    return words or "零"
