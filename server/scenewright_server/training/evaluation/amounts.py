"""Numbers with their units out of what a model said, in English and Chinese: "5.99 euros", "两米四", "twenty-five"."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace

UNITS: dict[str, tuple[str, float]] = {
    word: (kind, scale)
    for kind, scale, words in (
        ("length", 1.0, "m metre metres meter meters 米 公尺"),
        ("length", 0.01, "cm centimetre centimetres centimeter centimeters 厘米 公分"),
        ("length", 0.001, "mm millimetre millimetres millimeter millimeters 毫米"),
        ("length", 1000.0, "km kilometre kilometres kilometer kilometers 公里 千米"),
        ("length", 0.3048, "ft foot feet 英尺"),
        ("length", 0.0254, "inch inches 英寸"),
        ("mass", 1.0, "kg kilo kilos kilogram kilograms kilogramme kilogrammes 公斤 千克"),
        ("mass", 1000.0, "t tonne tonnes ton tons 吨"),
        ("mass", 0.001, "g gram grams gramme grammes 克"),
        ("mass", 1e-6, "mg milligram milligrams 毫克"),
        ("mass", 0.5, "斤"),
        ("volume", 1.0, "l litre litres liter liters 升"),
        ("volume", 0.001, "ml millilitre millilitres milliliter milliliters 毫升"),
        ("eur", 1.0, "eur euro euros € 欧元 欧"),
        ("usd", 1.0, "usd dollar dollars buck bucks $ 美元"),
        ("gbp", 1.0, "gbp pound pounds £ 英镑"),
        ("cny", 1.0, "cny rmb yuan ¥ 元 人民币"),
        ("money", 1.0, "块 块钱"),
        ("money", 0.01, "cent cents"),
        ("gold", 1.0, "gold 金币 枚金币"),
        ("time", 1 / 60, "s second seconds 秒"),
        ("time", 1.0, "min mins minute minutes 分钟"),
        ("time", 60.0, "h hour hours 小时 个小时 钟头 个钟头"),
        ("time", 1440.0, "day days 天"),
        ("year", 1.0, "year years 年 岁"),
        ("percent", 1.0, "% percent per_cent"),
        ("temperature", 1.0, "°c degree degrees celsius 摄氏度 度"),
        ("energy", 1.0, "kcal calories kilocalories 千卡 大卡"),
    )
    for word in words.split()
}
CURRENCIES = {"eur", "usd", "gbp", "cny", "gold"}
DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
TENS = {"十": 10, "百": 100, "千": 1000}
WORDS = {
    w: i
    for i, w in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen".split()
    )
} | {w: 10 * i for i, w in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)}
SCALES = {"hundred": 100, "thousand": 1000, "million": 1_000_000}

_UNIT = "|".join(sorted(map(re.escape, UNITS), key=len, reverse=True))
_WORD = "|".join(sorted([*WORDS, *SCALES], key=len, reverse=True))
_NUMBER = re.compile(
    r"(?P<before>[€$£¥]|eur |usd )?\s?"
    r"(?:(?P<half>half an?|半)(?=\s?(?:hour|metre|meter|kilo|litre|liter|小时|米|公斤|升))"
    r"|(?P<digits>(?<![\w.])-?\d{1,3}(?: \d{3})+(?![\d.])|(?<![a-z\d.])-?\d+(?:[.,]\d+)*(?!\d|st\b|nd\b|rd\b|th\b))"
    r"(?P<wan>万)?"
    rf"|(?<![a-z])(?P<words>(?:an? (?=hundred|thousand|dozen))?(?:{_WORD}|dozen)"
    rf"(?:(?:[ -]|,? and )(?:{_WORD}))*)(?![a-z])"
    r"|(?<!第)(?P<han>百分之)?(?P<hans>[零〇一二两三四五六七八九十百千万]+(?:点[零〇一二三四五六七八九]+)?))"
    rf"(?P<measure>个)?(?P<plus> and a half)?(?:[ -]?(?P<unit>{_UNIT})(?![a-z]))?"
    r"(?P<tail>(?<=[块米])[一二三四五六七八九](?![十百个米块元\d]))?(?P<bonus>半)?"
)


@dataclass(frozen=True)
class Amount:
    """A number in a text. `kind`: its unit's dimension ("length", "eur" ...; "" without), `value` in that kind's base
    unit (metres, kilograms, litres, minutes, whole coins), `raw`: as said. `is_weak`: a "one" that may be no number."""

    value: float
    kind: str
    raw: float
    start: int
    end: int
    is_weak: bool = False
    scale: float = 1.0


def plain(text: str) -> str:
    """Lower case, half width, no accents on Latin letters, plain quotes."""
    text = unicodedata.normalize("NFKC", text).lower().replace("’", "'").replace("‘", "'")
    parts = unicodedata.normalize("NFD", text)
    return unicodedata.normalize("NFC", "".join(c for c in parts if not 0x300 <= ord(c) < 0x370))


def amounts(text: str) -> list[Amount]:
    """Every number in a text, in order; ordinals ("third", "第三", "3rd") are none."""
    text = re.sub(r"per cent", "percent ", plain(text))
    text = re.sub(r"\ban? (single|only) ", "one ", text)
    found: list[Amount] = []
    for m in _NUMBER.finditer(text):
        raw, is_weak = _value(m)
        unit = m["unit"] or (m["before"] or "").strip()
        kind, scale = UNITS.get(unit, ("", 1.0))
        if m["han"]:
            kind, scale = "percent", 1.0
        if m["tail"]:
            raw += DIGITS[m["tail"]] / 10
        if m["plus"] or (m["bonus"] and unit):
            raw += 0.5
        if not kind and raw == 12 and "dozen" in m[0]:
            is_weak = False
        amount = Amount(raw * scale, kind, raw, m.start(), m.end(), is_weak and not kind, scale)
        last = found[-1] if found else None
        if last and _continues(last, amount, text[last.end : amount.start].strip(" ,"), text[amount.start] == "零"):
            found[-1] = _joined(last, amount)
        else:
            found.append(amount)
    return found


def _value(m: re.Match[str]) -> tuple[float, bool]:
    if m["half"]:
        return 0.5, False
    if m["digits"]:
        return _read_digits(m["digits"]) * (10_000 if m["wan"] else 1), False
    if m["words"]:
        value = read_words(m["words"])
        return value, value == 1
    value = read_han(m["hans"])
    return value, value == 1 or (len(m["hans"]) == 1 and m["hans"] in "千百万十零" and not m["unit"])


def _read_digits(text: str) -> float:
    """ "1,299.00", "1.299,00", "5,99", "215 000": the last mark is decimal unless three digits follow a comma."""
    text = text.replace(" ", "")
    head, mark, tail = text, "", ""
    marks = [c for c in text if c in ".,"]
    if marks and not (marks[-1] == "," and len(text.rsplit(",", 1)[1]) == 3) and marks.count(marks[-1]) == 1:
        head, mark, tail = text.rpartition(marks[-1])
    head = head.replace(",", "").replace(".", "")
    return float(f"{head}.{tail}" if mark else head)


def read_words(text: str) -> float:
    """English number words: "two hundred and fifteen thousand" to 215000, "a dozen" to 12."""
    total, part = 0, 0
    for word in re.split(r"[ ,-]+", text):
        if word == "dozen":
            part = max(part, 1) * 12
        elif word in SCALES and SCALES[word] == 100:
            part = max(part, 1) * 100
        elif word in SCALES:
            total, part = total + max(part, 1) * SCALES[word], 0
        elif word in WORDS:
            part += WORDS[word]
    return float(total + part)


def read_han(text: str) -> float:
    """Chinese numerals: 两百三十 to 230, 三点五 to 3.5, 一五六三 to 1563."""
    whole, _, decimals = text.partition("点")
    if decimals:
        return read_han(whole) + float("0." + "".join(str(DIGITS[c]) for c in decimals))
    if len(whole) > 1 and all(c in DIGITS for c in whole):
        return float("".join(str(DIGITS[c]) for c in whole))
    total, part, digit, last = 0, 0, 0, 10
    for c in whole:
        if c in DIGITS:
            digit = DIGITS[c]
        elif c in TENS:
            part, digit, last = part + (digit or 1) * TENS[c], 0, TENS[c]
        else:
            total, part, digit, last = (part + digit or 1) * 10_000, 0, 0, 10_000
    if digit and last >= 100 and len(whole) > 1 and whole[-2] in "百千万":
        digit = digit * last // 10  # 两百三 is 230
    return float(total + part + digit)


def _continues(first: Amount, second: Amount, between: str, is_after_zero: bool) -> bool:
    """Whether two numbers are one amount: "2 m 40 cm", "8 euros 90", "5 euros and 99 cents", 十二块零八."""
    if not first.kind or between not in ("", "and", "又") or first.raw != int(first.raw):
        return False
    if not second.kind:
        is_spoken = first.kind in {"eur", "usd", "gbp"} and second.raw >= 10
        return (is_spoken or is_after_zero) and second.raw == int(second.raw) and second.raw < 100
    is_same = second.kind == first.kind or (second.kind == "money" and first.kind in CURRENCIES)
    return is_same and second.scale < first.scale


def _joined(first: Amount, second: Amount) -> Amount:
    value = first.value + (second.value if second.kind else second.raw / 100)
    return replace(first, value=value, raw=value / first.scale, end=second.end)


def is_same_kind(kind: str, wanted: str) -> bool:
    """Whether an amount said with this unit may answer for that one: a bare number may, and coins for any currency."""
    if kind == wanted or not kind:
        return True
    if wanted == "":
        return kind in {"year", "time"}
    return kind == "money" and wanted in CURRENCIES
