"""Numbers with units, and how they are read out of text: "EUR 54, was 72", "1511-1563", "每位85元", "21:35"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from scenewright_server.scene.matching import single
from scenewright_server.scene.numerals import HAN, counted, han_in_digits, han_value

Dimension = Literal[
    "money", "length", "mass", "volume", "time", "year", "temperature", "energy", "power", "voltage", "speed", "share",
    "area", "data", "bandwidth", "sound", "charge", "frequency", "clock", "span", "date", "",
]  # fmt: skip

CLOCK = "o'clock"
"""The unit of a time of day, in hours from midnight."""
SPAN = "@span"
"""The unit of a length of time, "5:10", of which it is not told whether it is in hours or in minutes."""
DATE, DAY = "@date", "@day"
"""The units of a day of a year, and of a day of any year, in days of the calendar."""

_UNITS: dict[tuple[Dimension, str, float], str] = {
    ("length", "m", 0.001): "mm millimetre millimetres millimeter millimeters 毫米",
    ("length", "m", 0.01): "cm centimetre centimetres centimeter centimeters 厘米 公分",
    ("length", "m", 1.0): "m metre metres meter meters 米 公尺",
    ("length", "m", 1000.0): "km kilometre kilometres kilometer kilometers 公里 千米",
    ("length", "m", 0.0254): "inch inches 英寸",
    ("length", "m", 0.3048): "ft foot feet 英尺",
    ("length", "m", 1609.344): "mi mile miles 英里",
    ("mass", "kg", 1e-6): "mg milligram milligrams 毫克",
    ("mass", "kg", 0.001): "g gram grams gramme grammes 克",
    ("mass", "kg", 1.0): "kg kilo kilos kilogram kilograms 公斤 千克",
    ("mass", "kg", 0.5): "斤",
    ("mass", "kg", 1000.0): "t ton tons tonne tonnes 吨",
    ("mass", "kg", 0.45359237): "lb lbs",
    ("mass", "kg", 0.028349523125): "oz ounce ounces",
    ("volume", "l", 0.001): "ml millilitre millilitres milliliter milliliters 毫升",
    ("volume", "l", 0.01): "cl",
    ("volume", "l", 1.0): "l litre litres liter liters 升",
    ("time", "s", 1.0): "s sec secs second seconds 秒",
    ("time", "s", 60.0): "min mins minute minutes 分钟",
    ("time", "s", 3600.0): "h hr hrs hour hours 小时 钟头",
    ("time", "s", 86400.0): "day days 天",
    ("time", "s", 604800.0): "week weeks 周",
    ("time", "s", 2629800.0): "month months 个月",
    ("time", "s", 31557600.0): "year years",
    ("temperature", "°C", 1.0): "°c ℃ degrees celsius 摄氏度",
    ("temperature", "°F", 1.0): "°f ℉",
    ("energy", "kcal", 1.0): "kcal calorie calories cal 千卡 大卡 卡路里",
    ("energy", "kcal", 0.239006): "kJ 千焦",
    ("energy", "kWh", 0.001): "Wh 瓦时",
    ("energy", "kWh", 1.0): "kWh 千瓦时",
    ("energy", "kWh", 1000.0): "MWh 兆瓦时",
    ("power", "W", 1.0): "w watt watts 瓦",
    ("power", "W", 1000.0): "kW kilowatt kilowatts 千瓦",
    ("power", "W", 1e6): "MW megawatt megawatts 兆瓦",
    ("voltage", "V", 1.0): "v volt volts 伏 伏特",
    ("voltage", "V", 1000.0): "kV kilovolt kilovolts 千伏",
    ("charge", "Ah", 0.001): "mAh 毫安时",
    ("frequency", "Hz", 1.0): "hz hertz 赫兹 赫",
    ("frequency", "Hz", 1e3): "kHz kilohertz 千赫",
    ("frequency", "Hz", 1e6): "MHz megahertz 兆赫",
    ("frequency", "Hz", 1e9): "GHz gigahertz",
    ("speed", "km/h", 1.0): "km/h kmh kph 公里每小时 千米每小时",
    ("speed", "km/h", 1.609344): "mph",
    ("speed", "km/h", 3.6): "m/s",
    ("area", "m²", 1.0): "m2 m² sqm 平方米 平米 平",
    ("share", "%", 1.0): "% percent 百分之",
    ("sound", "dB", 1.0): "db decibel decibels 分贝",
    ("data", "GB", 1.0): "gb",
    ("data", "GB", 1000.0): "TB",
    ("data", "GB", 0.001): "MB",
    ("data", "GB", 1e-6): "kB",
    ("bandwidth", "Mbps", 1.0): "mbps mbit/s",
    ("bandwidth", "Mbps", 1000.0): "Gbps gbit/s",
    ("money", "EUR", 1.0): "eur euro euros € 欧元 欧",
    ("money", "USD", 1.0): "usd dollar dollars $ us$ bucks 美元 美金",
    ("money", "GBP", 1.0): "gbp pound pounds £ quid 英镑",
    ("money", "CNY", 1.0): "cny rmb yuan ¥ ￥ 元 块 块钱 人民币 元人民币",
    ("money", "JPY", 1.0): "jpy yen 円 日元",
    ("money", "CHF", 1.0): "chf sfr francs 瑞士法郎",
    ("money", "INR", 1.0): "inr rupee rupees ₹ 卢比",
    ("money", "KRW", 1.0): "krw won ₩ 韩元",
    ("money", "HKD", 1.0): "hkd hk$ 港元 港币",
    ("money", "CAD", 1.0): "cad",
    ("money", "AUD", 1.0): "aud",
    ("money", "SEK", 1.0): "sek",
    ("money", "NOK", 1.0): "nok",
    ("money", "DKK", 1.0): "dkk",
    ("money", "PLN", 1.0): "pln zł",
    ("money", "CZK", 1.0): "czk kč",
    ("money", "BRL", 1.0): "brl r$",
    ("money", "TRY", 1.0): "try ₺",
    ("money", "RUB", 1.0): "rub ₽ roubles rubles",
    ("money", "cents", 1.0): "cents cent",
    ("money", "pence", 1.0): "pence",
    ("money", "gold", 1.0): "gold coin coins 金币",
    ("clock", CLOCK, 1.0): CLOCK,
    ("span", CLOCK, 1.0): SPAN,
    ("date", DATE, 1.0): DATE,
    ("date", DAY, 1.0): DAY,
}  # fmt: skip
_UNIT_OF: dict[str, tuple[Dimension, str, float]] = {
    name.casefold(): unit for unit, names in _UNITS.items() for name in names.split()
}

_MEANT = {"度": ("°C", 1.0), "岁": ("s", 31557600.0), "周岁": ("s", 31557600.0), "年": ("s", 31557600.0)}
"""Units that are written so and may be held against others: 60度 is told with its own."""
_MANY = {"thousand": 1e3, "million": 1e6, "billion": 1e9, "万": 1e4, "亿": 1e8}
_MANY_UNITS = re.compile(rf"({'|'.join(_MANY)})(?![a-z]) ?(.*)", re.IGNORECASE)
_BEFORE = "|".join(sorted((re.escape(n) for n, u in _UNIT_OF.items() if u[0] == "money"), key=len, reverse=True))
_DIGITS = (
    r"\d{1,3}(?:[,'’\u00a0\u202f ]\d{3})+(?:\.\d+)?(?!\d)|\d{1,3}(?:\.\d{3})+,\d+(?!\d)|\d+,\d{1,2}(?![\d,])"
    r"|\d+(?:\.\d+)?"
)
_AFTER = r"(?:(?:thousand|million|billion)\b(?: [^\W\d_]+)?)|[^\W\d_]+(?:/[^\W\d_]+)?[²$]?|°\s?[CFcf]|[%℃℉€$£¥￥₹₩₺₽]"
_AMOUNT = re.compile(
    rf"(?:(?<![^\W_])({_BEFORE})\s?)?((?<![\w)])[-−])?({_DIGITS})"
    rf"(?:\s?(?:-|–|—|~|～|至|到| to )\s?({_DIGITS}))?(?:[\s-]?({_AFTER}))?",
    re.IGNORECASE,
)
_CLOCK = re.compile(
    r"(?<![\d:.])([01]?\d|2[0-4]):([0-5]\d)(?::([0-5]\d))?(?![\d:])(?:\s?([ap])\.?m\b\.?)?|(?<![\d:.])(1[0-2]|\d)\s?([ap])\.?m\b\.?",
    re.IGNORECASE,
)
_TO = re.compile(r"\s?(?:-|–|—|~|～|至|到|to|until)\s?")
_WHOLE_HOURS = re.compile(
    r"(?<![\d.:])(\d|1\d|2[0-4])\s?(?:-|–|—|~|～|至|到|to|till|until)\s?(\d|1\d|2[0-4])(?![\d.:])"
)
_ALL_DAY = re.compile(
    r"\b24 ?(?:h|hrs?|hours?)\b|\b24/7\b|\b(?:round the clock|day and night)\b|24 ?小时|全天|昼夜", re.I
)
_MANY_WORDS = "|".join(sorted(name for name in _UNIT_OF if re.fullmatch("[a-z]{3,}s", name) and name != "coins"))
_ONE_WORDS = "euro|dollar|pound|cent|kilo|litre|liter|metre|meter|kilometre|kilometer|mile"
_UNIT_FOLLOWS = re.compile(rf" (?:{_MANY_WORDS}|{_ONE_WORDS}|percent|kg|km|cm|ml)\b", re.IGNORECASE)
"""What follows a number in words that is read as one in any text."""
_STONES = re.compile("块[灵晶]石")
"""Pieces of what is no money of ours."""
_BROKEN = re.compile(rf"([\d{HAN}]+)块([1-9一二三四五六七八九])(?=毛|角|钱|[一每/，。；、,.;）)\s]|$)(?:毛|角)?钱?")
"""Money in tenths: 十八块五."""
_WAS = re.compile(r"(?:was|before|formerly|instead of|rrp|regularly|old price|原价|原售价|曾售)\W{0,3}$", re.IGNORECASE)


@dataclass(frozen=True)
class Amount:
    """A number and its unit as the scene has it, "" where it has none; of a range its start, and its end as `high`."""

    value: float
    unit: str = ""
    high: float | None = None

    @property
    def dimension(self) -> Dimension:
        """What kind of amount its unit makes it; "" for an unknown one."""
        return _known(self.unit)[0]

    def in_base(self) -> tuple[float, str]:
        """Its value in the unit in which amounts of its dimension are compared: metres, kilograms, a currency."""
        base, factor = _scale(self.unit)
        return self.value * factor, base

    def in_unit(self, unit: str) -> float | None:
        """Its value in another unit, None where it has none in it; an amount without unit is in any."""
        value, base = self.in_base()
        other, factor = _scale(unit)
        if not base or not other:
            return self.value * many(self.unit)[0] / many(unit)[0]
        return value / factor if base == other else None


@dataclass(frozen=True)
class Found:
    """An amount in a text, where it stands there, and whether it held once only ("was 72")."""

    amount: Amount
    start: int
    end: int
    is_past: bool = False


def _known(unit: str) -> tuple[Dimension, str, float]:
    name = unit.strip().casefold().replace("° ", "°").replace(" / ", "/")
    known = _UNIT_OF.get(name) or _UNIT_OF.get(name.rstrip("."))
    times, rest = many(unit)
    if known is None and times != 1:
        dimension, base, factor = _known(rest)
        return (dimension, base, factor * times) if dimension else ("", "", 1.0)
    return known or ("", "", 1.0)


def many(unit: str) -> tuple[float, str]:
    """How many of a unit one is, and that unit: of "million EUR", "万人"."""
    found = _MANY_UNITS.fullmatch(unit.strip())
    return (_MANY[found[1].casefold()], found[2]) if found else (1.0, unit)


def _scale(unit: str) -> tuple[str, float]:
    """The unit in which amounts of this one are compared, and how much of that it is; of rates, too."""
    dimension, base, factor = _known(unit)
    if dimension:
        return base, factor
    if unit in _MEANT:
        return _MEANT[unit]
    rate, (times, rest) = rate_of(unit), many(unit)
    if rate is None:
        return single(rest.casefold()), times
    (over, a), (under, b) = _scale(rate[0]), _scale(rate[1])
    return f"{over}/{under}", a / b


def rate_of(unit: str) -> tuple[str, str] | None:
    """The two units of a rate, "EUR/kg", "km/h", the first of which is a known one or none, "/km²"; None for any
    other unit."""
    over, mark, under = (part.strip() for part in unit.replace(" per ", "/").partition("/"))
    return (over, under) if mark and (not over or _known(over)[0]) and under and "/" not in under else None


def symbol(unit: str) -> str:
    """A unit's common sign: "kg" for "kilograms"; "EUR" for "€"; an unknown one as it is."""
    dimension, base, factor = _known(unit)
    if not dimension or dimension in ("time",) or many(unit)[0] != 1:
        return unit
    if unit.casefold() in ("coin", "coins"):
        return "coins"
    if factor == 1.0:
        return base
    return next(iter(_UNITS[dimension, base, factor].split()), unit)


def read_amounts(text: str) -> list[Found]:
    """All amounts of a text, in its order."""
    broken = [Found(Amount(_broken(its[1], its[2]), "块"), its.start(), its.end()) for its in _BROKEN.finditer(text)]
    text = in_digits(_without(broken, text))
    times = list(_read_times(text))
    found = sorted((*broken, *times, *_read(_without(times, text))), key=lambda its: its.start)
    return _joined(found, text)


def read_whole(text: str) -> Amount | None:
    """The amount that a text is; None for any other text."""
    found = read_amounts(text)
    return found[0].amount if [(its.start, its.end) for its in found] == [(0, len(text))] else None


def _joined(found: list[Found], text: str) -> list[Found]:
    """Amounts of a text, those from one to another, "6 months to 3 years", as one."""
    for n in range(len(found) - 2, -1, -1):
        low, high = found[n], found[n + 1]
        its, top = low.amount, high.amount
        is_one = its.dimension == top.dimension and its.dimension not in ("", "clock")
        if is_one and its.high is None and top.high is None and _TO.fullmatch(text[low.end : high.start]):
            end = top.in_unit(its.unit)
            if end is not None and end > its.value:
                found[n : n + 2] = [Found(Amount(its.value, its.unit, end), low.start, high.end, low.is_past)]
    return found


def _without(amounts: list[Found], text: str) -> str:
    """A text with the same number of characters in which these amounts are not read again."""
    for its in amounts:
        text = text[: its.start] + "|" * (its.end - its.start) + text[its.end :]
    return text


def _broken(whole: str, tenths: str) -> float:
    value, rest = (float(its) if its.isdigit() else han_value(its) for its in (whole, tenths))
    return value + rest / 10


def read_time(text: str) -> float | None:
    """The hours from midnight that a text is, "21:35", "9 pm"; None for any other text."""
    found = _CLOCK.fullmatch(text)
    return None if found is None else _hours(found)


def read_span(text: str) -> Amount | None:
    """The length of time that a text is, "5:10"; None for any other text."""
    found = re.fullmatch(r"(\d{1,3}):([0-5]\d)", text.strip())
    return None if found is None else Amount(int(found[1]) + int(found[2]) / 60, SPAN)


def read_hours(text: str) -> list[Amount]:
    """The spans of a text from one time of day to another, "9:00-17:00"; in whole hours where it tells no minutes,
    "9 to 5", or that it is the whole day, "24 hours". One that ends on the next day ends after 24."""
    times = [its.amount for its in _read_times(text)]
    if times:
        return [its for its in times if its.high is not None]
    if _ALL_DAY.search(text):
        return [Amount(0.0, CLOCK, 24.0)]
    spans = [(int(found[1]), int(found[2])) for found in _WHOLE_HOURS.finditer(text)]
    return [Amount(low, CLOCK, next(its for its in (high, high + 12, high + 24) if its > low)) for low, high in spans]


def time_text(hours: float) -> str:
    """A time of day in digits: "21:35", "2:09:15"."""
    seconds = round(hours * 3600)
    seconds -= 86400 * (seconds > 86400)
    return span_text(seconds // 60 / 60) + f":{seconds % 60:02d}" * (seconds % 60 > 0)


def span_text(value: float) -> str:
    """Hours, or minutes, and sixtieths of them in digits: "5:10"."""
    return "{}:{:02d}".format(*divmod(round(value * 60), 60))


def _hours(found: re.Match[str]) -> float:
    hour, minute, second, half, hour_alone, half_alone = found.groups()
    half = (half or half_alone or "").casefold()
    whole = int(hour or hour_alone)
    whole = whole % 12 + 12 * (half == "p") if half and whole <= 12 else whole
    return whole + int(minute or 0) / 60 + int(second or 0) / 3600


def _read_times(text: str) -> Iterator[Found]:
    """The times of day of a text; two that "-" or "to" joins are one range."""
    open_: Found | None = None
    for found in _CLOCK.finditer(text):
        its = Found(Amount(_hours(found), CLOCK), found.start(), found.end())
        if open_ is not None and _TO.fullmatch(text[open_.end : its.start]):
            high = its.amount.value if its.amount.value > open_.amount.value else its.amount.value + 24
            yield Found(Amount(open_.amount.value, CLOCK, high), open_.start, its.end)
            open_ = None
            continue
        if open_ is not None:
            yield open_
        open_ = its
    if open_ is not None:
        yield open_


def in_digits(text: str) -> str:
    """Numbers in words before a unit in digits, spaces before them where they were longer."""
    return counted(han_in_digits(text), _UNIT_FOLLOWS)


def _read(text: str) -> Iterator[Found]:
    for found in _AMOUNT.finditer(text):
        before, minus, digits, high, after = found.groups()
        if not before and re.match("[A-Za-z0-9]", text[max(found.start(3) - 1, 0) : found.start(3)]):
            continue
        end = found.end()
        unit = before or ""
        if after is not None:
            name = _unit_in(after)
            if before and many(name) != (1.0, name) and not many(name)[1]:
                unit, end = f"{name} {before}", found.start(5) + len(name)
            elif name and (not before or _known(name)[0] != "money"):
                unit = unit or name
                end = found.start(5) + len(name)
            else:
                end = found.end(4) if high else found.end(3)
        value = _number(digits) * (-1 if minus and not high else 1)
        top = _number(high) if high else None
        if after == "s" and text[found.start(5) - 1].isdigit() and re.fullmatch(r"1[5-9]\d0|20\d0", digits):
            unit, top = "", value + 9  # the 1970s
        if top is not None and top <= value:
            top = None
        was = _WAS.search(text[max(found.start() - 24, 0) : found.start()]) is not None
        yield Found(Amount(value, unit, top), found.start(), end, was)


def _unit_in(after: str) -> str:
    """The unit that begins what follows a number: all of a word in Latin letters, the longest in Chinese."""
    if _STONES.match(after):
        return ""
    if many(after)[0] != 1 and after.isascii():
        return after if _known(after)[0] else after.split()[0]
    rate = rate_of(after) if after.isascii() else None
    if _known(after)[0] or (rate and _known(rate[1])[0]):
        return rate[0] if rate and _known(rate[0])[0] == "money" else after
    if after.isascii() or not re.match("[\u4e00-\u9fff]", after):
        return ""
    return next((after[:n] for n in range(min(len(after), 6), 0, -1) if _known(after[:n])[0]), "")


def _number(digits: str) -> float:
    plain = re.sub(r"[ '’\u00a0\u202f]", "", digits)
    if re.fullmatch(r"\d{1,3}(\.\d{3})+,\d+", plain):
        plain = plain.replace(".", "").replace(",", ".")
    elif re.fullmatch(r"\d+,\d{1,2}", plain):
        plain = plain.replace(",", ".")
    return float(plain.replace(",", "")[:300])


def is_year(found: Found) -> bool:
    """Whether a number without a unit may be a year of our era."""
    value = found.amount.value
    return not found.amount.unit and value == int(value) and 1000 <= value <= 2100
