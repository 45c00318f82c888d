"""Numbers in running words: "fifteen", "three hundred", "一百二十", with the unit that follows or goes before."""

from __future__ import annotations

from scenewright_server.languages.phrases import Tokens
from scenewright_server.scene.amounts import Amount
from scenewright_server.scene.numerals import ONES, TENS

ORDINALS = dict(
    zip("first second third fourth fifth sixth seventh eighth ninth tenth".split(), range(1, 11), strict=True)
)
_METRES = ("metre", "metres", "meter", "meters")
_HALF = ("and", "a", "half")
_PARTS = {"half": 1 / 2, "quarter": 1 / 4, "third": 1 / 3, "fifth": 1 / 5, "tenth": 1 / 10}
_NOTES = {"fiver": 5, "tenner": 10}
_HANZI = {"零": 0, "一": 1, "二": 2, "两": 2, "俩": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
_POWERS = {"十": 10, "百": 100, "千": 1000, "万": 10000}
_HAN = {*_HANZI, *_POWERS}
MAX_UNIT = 3  # tokens


def whole_at(tokens: Tokens, i: int) -> tuple[float, int] | None:
    """The number that begins at token i, and where it ends; None where none does."""
    token = tokens[i]
    if token[0].isdigit() and token.replace(".", "").replace(",", "").isdigit():
        plain = token.replace(",", "") if len(token.rpartition(",")[2]) == 3 else token.replace(",", ".")
        value, end = (float(plain), i + 1) if plain.count(".") < 2 else (0.0, i)
        if end < len(tokens) and tokens[end] in ("hundred", "thousand", "grand", "k", "million", "万"):
            return value * {"hundred": 100, "万": 10000, "million": 1e6}.get(tokens[end], 1000), end + 1
        return (value, end) if end > i else None
    if (year := _year_at(tokens, i)) is not None:
        return year
    if token in _HANZI or token == "十":
        return None if i and tokens[i - 1] in _HAN and token != "两" else _han_at(tokens, i)
    return _english_at(tokens, i)


def ordinal_at(tokens: Tokens, i: int) -> tuple[int, int] | None:
    """The n of an n-th thing that begins at token i, and where it ends."""
    token = tokens[i]
    if token in ORDINALS:
        return ORDINALS[token], i + 1
    if token[0].isdigit() and token[-2:] in ("st", "nd", "rd", "th"):
        return int(token[:-2]), i + 1
    if token == "第" and i + 1 < len(tokens):
        found = whole_at(tokens, i + 1)
        return (int(found[0]), found[1]) if found else None
    return None


def amount_at(tokens: Tokens, i: int) -> tuple[float, str, int] | None:
    """The amount that begins at token i: its value, its unit ("" for none) and where it ends."""
    unit = ""
    if i + 1 < len(tokens) and _is_unit(tokens[i]) and Amount(0, tokens[i]).dimension == "money":
        unit, i = tokens[i], i + 1
    if not unit and (english := _of_a_half_at(tokens, i)):
        return english
    found = (0.5, i + 1) if tokens[i] == "半" else whole_at(tokens, i)
    if found is None:
        return None
    value, end = found
    if tokens[end : end + 3] == _HALF:
        value, end = value + 0.5, end + 3
    if tokens[end : end + 1] in (("多",), ("来",)):
        end += 1
    if tokens[end : end + 3] in (("个", "小", "时"), ("个", "钟", "头")):
        end += 1
    if not unit and tokens[end : end + 1] == ("成",) and _is_han(tokens[i]) and value < 10:
        return value * 10, "%", end + 1  # 七成
    if not unit and tokens[end : end + 1] == ("square",) and "".join(tokens[end + 1 : end + 2]) in _METRES:
        return value, "m²", end + 2
    for n in range(MAX_UNIT, 0, -1):
        words = tokens[end : end + n]
        joined = ("" if any(map(_is_han, words)) else " ").join(words)
        if len(words) == n and not unit and (_is_unit(joined) or joined == "岁"):
            after = tokens[end + n : end + n + 1]
            if tokens[end + n : end + n + 3] == _HALF:
                return value + 0.5, joined, end + n + 3
            is_half = after == ("半",)  # 一公斤半
            return value + is_half / 2, joined, end + n + (is_half or (joined == "块" and after == ("钱",)))
    return None if tokens[i] == "半" else (value, unit, end)


def _of_a_half_at(tokens: Tokens, i: int) -> tuple[float, str, int] | None:
    """English amounts of one unit and of parts of one: "a kilo", "half an hour", "a quarter of an hour"."""
    part, at = _PARTS.get(tokens[i], 1.0), i
    if part < 1:
        at += 1 + (tokens[i + 1 : i + 2] == ("of",))
    if tokens[at : at + 1] not in (("a",), ("an",)) or not _is_unit("".join(tokens[at + 1 : at + 2])):
        return None
    if tokens[at + 2 : at + 5] == _HALF:
        return part + 0.5, tokens[at + 1], at + 5
    return part, tokens[at + 1], at + 2


def share_at(tokens: Tokens, i: int) -> tuple[float, str, int] | None:
    """An English share of a whole that begins at token i, in percent, and where it ends: "half", "a third"."""
    part = _PARTS.get(tokens[i], 1.0)
    return (round(100 * part, 1), "%", i + 1) if part < 1 else None


def _is_unit(word: str) -> bool:
    return bool(Amount(0, word).dimension) and word not in ("in", "try")


def _is_han(token: str) -> bool:
    return "\u4e00" <= token[0] <= "\u9fff"


def _english_at(tokens: Tokens, i: int) -> tuple[float, int] | None:
    total, part, end = 0, 0, i
    while end < len(tokens):
        token = tokens[end]
        if token in ONES:
            part += ONES[token]
        elif token in TENS:
            part = part * (100 if 0 < part < 10 else 1) + TENS[token]  # "two fifty" is 250
        elif token in _NOTES and not part:
            part = _NOTES[token]
        elif token == "hundred" and (part or end == i):
            part = (part or 1) * 100
        elif (token == "thousand" and (part or end == i)) or (token == "grand" and (part or tokens[i - 1] == "a")):
            total, part = total + (part or 1) * 1000, 0
        elif token == "million" and (part or end == i):
            total, part = (total + part or 1) * 1_000_000, 0
        elif token == "and" and part >= 100 and end + 1 < len(tokens) and tokens[end + 1] in (*ONES, *TENS):
            pass
        else:
            break
        end += 1
    return (float(total + part), end) if end > i else None


def _year_at(tokens: Tokens, i: int) -> tuple[float, int] | None:
    """A year told figure by figure: 一九一零年, 零八年, 九五年, but not 三四年, which is three or four of them."""
    end = i
    while end < len(tokens) and tokens[end] in _HANZI and tokens[end] not in ("两", "俩"):
        end += 1
    figures = [_HANZI[token] for token in tokens[i:end]]
    if len(figures) not in (2, 4) or tokens[end : end + 1] != ("年",) or (i and tokens[i - 1] in _HAN):
        return None
    if len(figures) == 2 and figures[0] and figures[1] == figures[0] + 1:
        return None
    value = int("".join(map(str, figures)))
    return float(value if value > 99 else value + (2000 if value < 40 else 1900)), end


def _han_at(tokens: Tokens, i: int) -> tuple[float, int] | None:
    """两百五 is 250, and 两 after a number a unit: 五十两."""
    total = part = digit = 0
    power = 1  # just said
    end = i
    while end < len(tokens) and (tokens[end] in _HANZI or tokens[end] in _POWERS):
        token = tokens[end]
        if token == "两" and end > i and tokens[end + 1 : end + 2] not in (("百",), ("千",), ("万",)):
            break
        if token in _HANZI:
            digit = _HANZI[token]
            power = power if digit else 1
        elif token == "万":
            total, part, digit, power = (total + part + digit) * 10000, 0, 0, 10000
        else:
            power = _POWERS[token]
            part, digit = part + (digit or 1) * power, 0
        end += 1
    tenth = tokens[end + 1 : end + 2] if tokens[end : end + 1] == ("点",) else ()
    if tenth and tenth[0] in _HANZI and tokens[end + 2 : end + 3] not in (("十",), ("分",)):
        return total + part + digit + _HANZI[tenth[0]] / 10, end + 2
    return float(total + part + digit * max(power // 10, 1)), end
