"""What has a number: heights, widths, distances and all told amounts of things, and how amounts are reckoned with."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from scenewright_server.scene import facts
from scenewright_server.scene.amounts import DATE, DAY, SPAN, Amount, rate_of, read_amounts, read_span
from scenewright_server.scene.counting import is_counting
from scenewright_server.scene.dates import as_date, of_no_year, year_of
from scenewright_server.scene.entries import Entry, GraphObject
from scenewright_server.scene.expressions import Sign
from scenewright_server.scene.matching import single
from scenewright_server.scene.reduced import is_old_price, old_price
from scenewright_server.scene.relations import Relations
from scenewright_server.scene.topics import topic_of

SHAPES = ("height", "width", "depth", "size")
"""Told by the app where it tells them, else measured; size is a volume."""
PLACES = ("distance", "left", "right", "up", "load")
"""Measured alone: metres from the user, how far on a side and how high, how many are on it."""
_CHINESE = {
    "距离": "distance", "远近": "distance", "高度": "height", "高": "height", "宽度": "width", "宽": "width",
    "深度": "depth", "大小": "size", "体积": "size",
}  # fmt: skip
"""Measures by their words in Chinese."""
SIDES = ("left", "right", "up")
"""To be compared only."""


_WORN = re.compile(
    r"(?:jacket|coat|shirt|t-shirt|blouse|sweater|jumper|hoodie|dress|skirt|trousers|pants|jeans|shorts|shoes?|boots?|"
    r"sneakers|trainers|sandals|slippers|socks?|hat|cap|gloves?|suit|uniform|robe|ring|belt|helmet|swimsuit)s?$"
    r"|[衣裤裙鞋靴帽袜]$|手套$|戒指$|西装$|衬衫$|毛衫$"
)


def is_worn(name: str) -> bool:
    """Whether a thing of this name is worn: its size is a number of its maker's, not its extents."""
    return _WORN.search(name.casefold()) is not None


ALTITUDES = ("altitude", "elevation", "海拔")
"""Keys of heights above the sea."""
SAME = 1e-6
"""Amounts are equal that differ by less than this part of them."""
_SIGNS: dict[Sign, Callable[[float, float], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_DAY, _WEEK = 86400.0, 604800.0
"""In seconds."""
_DEAR = 1000.0
"""From this price by the kilo on it is told by the gram, where the weight is."""
_NO_RATES = {"clock", "date", "share", "year", "temperature", "speed", "bandwidth"}
_DIVIDED = {"cents": ("EUR", "USD", "CAD", "AUD", "HKD"), "pence": ("GBP",)}
"""Currencies by what a hundredth of them is called."""
SPAN_OF = "span "
"""Before a key: how long the range lasts that is told under it."""
AGES = ("age", "years old", "年龄")
"""Told, or else reckoned from the year that is told."""


class MixedUnits(Exception):
    """Amounts that do not go together."""


@dataclass(frozen=True)
class Valued:
    """An amount of a thing, and whether it was measured or told."""

    amount: Amount
    is_measured: bool = False


class Measures:
    """Amounts of the entries of a scene."""

    def __init__(self, entries: Sequence[Entry], relations: Relations, year: int | None = None) -> None:
        self._year = year
        self._entries, self._relations, self._space = entries, relations, relations.space
        self._told: dict[tuple[str, int], Amount | None] = {}
        self._own: dict[str, str] = {}

    def value(self, name: str, k: int, to: int | None = None, told_first: bool = False) -> Valued | None:
        """The amount of thing k under this name; `to`: a distance from there; `told_first`: of "3 left" what is told
        and no side; of a load always. None where none is known."""
        name = self.meant(name)
        if name.startswith(SPAN_OF):
            return self._lasts(name.removeprefix(SPAN_OF), k)
        if to is not None:
            return Valued(Amount(math.dist(self._space.centres[k], self._space.centres[to]), "m"), True)
        if name in PLACES and not ((told_first or name == "load") and self.is_told(name, k)):
            return Valued(self._place(name, k), True)
        told = self._amount(name, k)
        if told is None and self._year is not None and name in AGES:
            told = self._age(k, self._year)
        if told is not None:
            return Valued(told)
        return self._shape(name, k) if name in SHAPES else None

    @cached_property
    def _heights(self) -> str:
        """The key of the heights above the sea that most things tell, where none tells its own; else "height"."""
        graphs = [entry.graph for entry in self._entries if entry.graph is not None]
        if any(facts.has_fact(graph, "height") for graph in graphs):
            return "height"
        told = {name: sum(facts.has_key(graph, name) for graph in graphs) for name in ALTITUDES}
        return next((name for name, n in told.items() if 2 * n > len(self._entries)), "height")

    def meant(self, name: str) -> str:
        """The key that is meant by a name: where most things tell their altitude, their height is that."""
        name = self.measure(name)
        return self._heights if name == "height" else name

    def measure(self, name: str) -> str:
        """The measure that a Chinese word is for, where nothing is told under that word; else the name."""
        if name not in _CHINESE:
            return name
        if name not in self._own:
            graphs = [entry.graph for entry in self._entries if entry.graph is not None]
            is_told = any(facts.has_key(graph, name) for graph in graphs)
            is_told |= _CHINESE[name] == "distance" and any(facts.tell(graph, name) for graph in graphs)
            self._own[name] = name if is_told else _CHINESE[name]
        return self._own[name]

    def is_told(self, name: str, k: int) -> bool:
        """Whether a fact of thing k has this very key; of "left", whether it is told what is left."""
        graph = self._entries[k].graph
        return graph is not None and facts.has_key(graph, name)

    def _amount(self, name: str, k: int) -> Amount | None:
        if (name, k) not in self._told:
            graph = self._entries[k].graph
            is_old = graph is not None and is_old_price(name) and not facts.has_key(graph, name)
            find = old_price if is_old else lambda its: _span(its, name) or facts.amount(its, name)
            told = None if graph is None else find(graph)
            self._told[name, k] = None if told is None else self.in_currency(as_date(told))
        return self._told[name, k]

    def in_currency(self, amount: Amount) -> Amount:
        """An amount of cents, or pence, in the only currency of which prices are told that has them; others as they
        are."""
        currencies = [
            unit for unit in _DIVIDED.get(Amount(0.0, amount.unit).in_base()[1], ()) if unit in self._currencies
        ]
        if len(currencies) != 1 or amount.dimension != "money":
            return amount
        high = None if amount.high is None else amount.high / 100
        return Amount(amount.value / 100, currencies[0], high)

    @cached_property
    def _currencies(self) -> set[str]:
        """The currencies of all that is told."""
        told = [fact for entry in self._entries if entry.graph is not None for fact in entry.graph.facts]
        texts = [its.value if isinstance(its.value, str) else f"{its.value:g} {its.unit}" for its in told]
        texts += [entry.graph.description for entry in self._entries if entry.graph is not None]
        return {its.amount.in_base()[1] for text in texts for its in read_amounts(text)}

    def _lasts(self, name: str, k: int) -> Valued | None:
        """How long the range lasts that thing k has under a key, "1998-2004"."""
        told = self._amount(name, k)
        if told is None or told.high is None:
            return None
        low, high = Amount(told.value, told.unit), Amount(told.high, told.unit)
        return Valued(gap(high, low) if told.unit else _years(told.high - told.value))

    def _age(self, k: int, this_year: int) -> Amount | None:
        """Years since the one that is told, of what has no age of its own."""
        graph = self._entries[k].graph
        since = None if graph is None else facts.year_of(graph)
        return None if since is None or since > this_year else Amount(this_year - since, "years")

    def _place(self, name: str, k: int) -> Amount:
        if name == "load":
            return Amount(float(self._relations.loads[k]))
        x, y, z = self._space.centres[k]
        if name == "distance":
            return Amount(float(np.linalg.norm(self._space.centres[k])), "m")
        if name == "up":
            return Amount(float(y), "m")
        bearing = float(math.atan2(x, z))
        aside = math.copysign(math.pi, bearing) - bearing if abs(bearing) > math.pi / 2 else bearing
        return Amount(aside if name == "right" else -aside)

    def _called(self, k: int) -> str:
        graph = self._entries[k].graph
        return graph.label if graph else ""

    def _shape(self, name: str, k: int) -> Valued | None:
        width, height, depth = 2 * self._space.halves[k]
        height = self._space.heights()[k]
        if name == "size" and is_worn(self._called(k)):
            return None
        if name == "size":
            sides = [side for side in (width, height, depth) if side > 0]
            volume = math.prod(sides) * min(sides, default=0.0) ** (3 - len(sides))
            return Valued(Amount(float(volume), "m³"), True) if sides else None
        extent = {"height": height, "width": width, "depth": depth}[name]
        return Valued(Amount(float(extent), "m"), True) if extent > 0 else None


def _years(n: float) -> Amount:
    return Amount(n, "year" if n == 1 else "years")


def _span(graph: GraphObject, name: str) -> Amount | None:
    """How long something lasts, where that is told as "5:10"; a bare "time" is one of day."""
    lasts = topic_of(name).words[0] in ("length", "duration") and name != "时间"
    told = facts.tell(graph, name) if lasts else None
    return read_span(told.value) if told is not None and isinstance(told.value, str) else None


def in_one_unit(amounts: Sequence[Amount]) -> tuple[list[float], str]:
    """The values of amounts in the unit of the first that has one. Raises MixedUnits."""
    unit = next((amount.unit for amount in amounts if amount.unit), "")
    if not Amount(0.0, unit).dimension:  # "tablets" of 1 tablet and 3 tablets
        unit = max((amount for amount in amounts if amount.unit), key=lambda its: its.value, default=Amount(0.0)).unit
    values = [amount.in_unit(unit) for amount in amounts]
    if any(value is None for value in values):
        if all(is_counting(amount.unit) for amount in amounts):
            return [amount.value for amount in amounts], ""
        raise MixedUnits
    return [value for value in values if value is not None], unit


def total(amounts: Sequence[Amount], each: Sequence[tuple[float, float]]) -> Amount:
    """The sum of one amount at least, or of ranges: of each so many units, of so many pieces. Units of a rate come to
    what is above its line, two of EUR 28/kg to EUR 56, and pieces do where that is money; a time of day,
    or a day, and durations come to a later one. Raises MixedUnits."""
    are_many = any(n * pieces != 1 for n, pieces in each)
    amounts = [_times(amount, n, pieces, are_many) for amount, (n, pieces) in zip(amounts, each, strict=True)]
    moments = [amount for amount in amounts if is_moment(amount)]
    if moments:
        if len(moments) > 1:
            raise MixedUnits
        return _moved(moments[0], [amount for amount in amounts if amount is not moments[0]])
    values, unit = in_one_unit(amounts)
    if all(amount.high is None for amount in amounts):
        return Amount(_tidy(sum(values)), unit)
    highs, _ = in_one_unit(
        [Amount(amount.value if amount.high is None else amount.high, amount.unit) for amount in amounts]
    )
    return Amount(_tidy(sum(values)), unit, _tidy(sum(highs)))


def _times(amount: Amount, n: float, pieces: float, are_many: bool) -> Amount:
    """So many units of an amount, of so many pieces, `are_many` where it or another is not one alone."""
    over = (rate_of(amount.unit) or ("",))[0]
    unit = over if over and (n != 1 or (are_many and Amount(0.0, over).dimension == "money")) else amount.unit
    n *= pieces
    return Amount(amount.value * n, unit, None if amount.high is None else amount.high * n)


def average(amounts: Sequence[Amount], n: Sequence[float]) -> Amount:
    """The mean of one amount at least, each so many times. Raises MixedUnits."""
    values, unit = in_one_unit(amounts)
    return Amount(_tidy(sum(value * its for value, its in zip(values, n, strict=True)) / sum(n)), unit)


def difference(a: Amount, b: Amount) -> Amount:
    """a - b in the unit of a. Raises MixedUnits."""
    values, unit = in_one_unit((a, b))
    return Amount(_tidy(values[0] - values[1]), unit)


def gap(a: Amount, b: Amount) -> Amount:
    """a - b; between two times of day, or days, a duration; less a duration, an earlier one. Raises MixedUnits."""
    if is_moment(a) and not is_moment(b):
        return _moved(a, [b], -1)
    its = difference(a, b)
    if its.dimension == "date":
        return Amount(its.value, "days")
    if its.dimension != "clock":
        return its
    if b.unit == SPAN:
        return replace(its, unit=SPAN)
    seconds = round(its.value * 3600)
    return Amount(seconds, "s") if seconds % 60 else Amount(seconds / 60, "min")


def is_moment(amount: Amount) -> bool:
    """Whether an amount is a time of day or a day."""
    return amount.dimension in ("clock", "date")


def _moved(moment: Amount, by: Sequence[Amount], sign: int = 1) -> Amount:
    """A time of day as much later as durations of less than a day are, or earlier, or a day by whole ones. Raises
    MixedUnits, for months and years, too, which are not all of one length."""
    if any(its.dimension != "time" or Amount(1, its.unit).in_base()[0] > _WEEK for its in by):
        raise MixedUnits
    if any(its.high is not None for its in (moment, *by)):
        raise MixedUnits
    days = sign * sum(its.in_base()[0] for its in by) / _DAY
    if moment.dimension == "clock" and abs(days) < 1:
        return replace(moment, value=_tidy((moment.value + 24 * days) % 24))
    if moment.dimension == "date" and days == int(days):
        return replace(moment, value=moment.value + days)
    raise MixedUnits


def quotient(a: Amount, b: Amount) -> Amount:
    """a / b of amounts that do not measure the same: a rate, "EUR/kg", "/km²", or, over a rate, what it takes: ml over
    ml/h are hours. Money is told by the kilo, but what is dear in the unit at hand. Raises MixedUnits where they make
    neither."""
    rate = rate_of(b.unit)
    if rate is not None and a.in_unit(rate[0]) is not None:
        return Amount(_tidy((a.in_unit(rate[0]) or 0.0) / b.value), rate[1])
    over, mark, under = b.unit.replace(" per ", "/").partition("/")
    if mark and single(over) == single(a.unit or over):  # pages over pages/min
        return Amount(_tidy(a.value / b.value), under)
    if not b.unit or (a.dimension == b.dimension and (a.dimension or a.unit == b.unit)):
        raise MixedUnits
    if rate or _NO_RATES & {a.dimension, b.dimension}:
        raise MixedUnits
    if a.dimension == "money" and b.dimension in ("mass", "volume", "length", "area"):
        value, unit = b.in_base()
        if a.value / value < _DEAR:
            return Amount(_tidy(a.value / value), f"{a.unit}/{unit}")
    return Amount(_tidy(a.value / b.value), f"{a.unit}/{single(b.unit)}")


def holds(a: Amount, sign: Sign, b: Amount) -> bool:
    """Whether an amount compares so with another: one of a range does if something in it does, and equals all in it.
    A price of a rate is held against money as it is, a day against a bare number by its year, against a month by
    all of its days, and against a day of no year as in any. Raises MixedUnits."""
    if a.unit == DATE and not b.unit:
        a = year_of(a)
    if (a.unit, b.unit) == (DATE, DAY) and b.high is None:
        a = of_no_year(a)
    if b.high is not None and a.dimension == b.dimension == "date" and b.unit in (a.unit, DAY):
        return _is_of_days(of_no_year(a) if b.unit == DAY else a, sign, b)
    rate = rate_of(a.unit)
    if rate is not None and a.in_unit(b.unit) is None:
        a = replace(a, unit=rate[0])
    high = a.value if a.high is None or b.high is not None else a.high
    low_gap, high_gap = (_level(difference(replace(a, value=its), b).value, its) for its in (a.value, high))
    if sign in ("=", "!="):
        return (low_gap <= 0 <= high_gap) == (sign == "=")
    return _SIGNS[sign](low_gap if sign in ("<", "<=") else high_gap, 0.0)


def _is_of_days(a: Amount, sign: Sign, b: Amount) -> bool:
    """Whether a day, or days, compare so with the days of a month: are among them, or wholly before or after."""
    low, high = a.value, a.value if a.high is None else a.high
    first, last = b.value, b.value if b.high is None else b.high
    if sign in ("=", "!="):
        return (low <= last and first <= high) == (sign == "=")
    bound = first if sign in ("<", ">=") else last
    return _SIGNS[sign](low if sign in ("<", "<=") else high, bound)


def _level(gap: float, value: float) -> float:
    """A gap between amounts, 0 where they are the same."""
    return 0.0 if abs(gap) <= SAME * max(abs(value), 1e-3) else gap


def _tidy(value: float) -> float:
    """Without the last digits, which reckoning in binary leaves behind."""
    return round(value, 9)
