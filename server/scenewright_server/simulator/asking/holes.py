"""What the holes of a form hold: parts of a plan, and the words for them."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping

from scenewright_server.simulator.asking.measures import MEASURES
from scenewright_server.simulator.asking.naming import NUMBERS, Naming, NoWords, Said, quoted
from scenewright_server.simulator.asking.numerals import spell
from scenewright_server.simulator.asking.tables import Code, Tables, Topic
from scenewright_server.simulator.asking.worlds import World, say_value


class Holes:
    """Fills holes with what is in a world."""

    def __init__(self, tables: Tables, world: World, naming: Naming, rng: random.Random) -> None:
        self._tables, self._world, self._naming, self._rng = tables, world, naming, rng
        self._code = tables.code

    def part(self, letter: str, said: Mapping[str, Said]) -> Said:
        """What a hole of this letter holds, after those that hold `said`. Raises NoWords."""
        parts: dict[str, Callable[[], Said]] = {
            "S": self._naming.some, "O": self._naming.named, "T": self._naming.thing,
            "R": self._naming.place, "W": self._naming.absent, "L": self._look, "C": self._condition,
            "M": self._extreme, "K": self._measure, "N": self._number,
            "A": self._money, "H": self._hour, "F": lambda: self._key(said),
        }  # fmt: skip
        return parts[letter]()

    def _look(self) -> Said:
        looks = [look for item in self._world.items for look in item.looks]
        if not looks:
            raise NoWords("nothing looks like anything")
        look = self._rng.choice(looks)
        return Said(f"{look[self._world.language]}", {"": look[self._code]})

    def _numeric(self) -> list[Topic]:
        """Topics of which some things are told a number."""
        told = {topic.name["en"]: topic for item in self._world.items for topic in item.topics if topic.numbers}
        return list(told.values())

    def _condition(self) -> Said:
        rng, code = self._rng, self._code
        topics = self._numeric()
        ways: Mapping[str, tuple[str, ...]]
        if topics and rng.random() < 0.75:
            topic = rng.choice(topics)
            key, ways = self._world.key(topic), topic.said[code]
            value, unit = self.told_number(key)
        else:
            key = rng.choice(["height", "width", "distance"])
            ways = MEASURES[code][key]
            value, unit = rng.choice([0.5, 1.0, 1.5, 2.0, 3.0, 5.0]), "m"
        side = rng.choice(["over", "under"])
        if not ways.get(side):
            raise NoWords(key)
        is_bare = rng.random() < 0.15 and unit in ("EUR", "USD", "GBP", "gold", "元")
        way = rng.choice(ways[side])
        noun = rng.choice(ways.get("noun", ("",)))
        if noun and rng.random() < 0.3:
            side, way = rng.choice(_BOUNDS[code])
            way = way.replace("{k}", noun)
        words = way.replace("{v}", f"{value:g}" if is_bare else self.say_number(value, unit))
        sign = {"over": ">", "under": "<", "least": ">=", "most": "<=", "same": "="}[side]
        sign = include(sign, way)
        return Said(f"{quoted(key)} {sign} {value:g}{'' if is_bare or not unit else ' ' + unit}", {"": words})

    def told_number(self, key: str) -> tuple[float, str]:
        """A round number near one that is told under a key, and its unit. Raises NoWords."""
        graphs = [entry.graph for entry in self._world.entries if entry.graph is not None]
        facts = [
            fact for graph in graphs for fact in graph.facts if fact.key == key and not isinstance(fact.value, str)
        ]
        if not facts:
            raise NoWords(key)
        fact = self._rng.choice(facts)
        return _near(float(fact.value), self._rng), fact.unit

    def say_number(self, value: float, unit: str) -> str:
        """An amount in figures or in words: "15 euros", "fifteen euros", "half a metre"."""
        return _say_amount(value, unit, self._code, self._rng)

    def _extreme(self) -> Said:
        rng, code = self._rng, self._code
        topics = [topic for topic in self._numeric() if topic.said[code].get("most")]
        if topics and rng.random() < 0.6:
            topic = rng.choice(topics)
            key, ways = quoted(self._world.key(topic)), topic.said[code]
        else:
            key = rng.choice(["height", "width", "size", "distance", "distance", "left", "right", "up", "height"])
            ways = MEASURES[code][key]
        side = rng.choice([side for side in ("most", "least") if ways.get(side)])
        words = rng.choice(ways[side])
        return Said(
            f"{'max' if side == 'most' else 'min'} {key}", {"": words, "the": f"the {words}" if code == "en" else words}
        )

    def _measure(self) -> Said:
        rng, code = self._rng, self._code
        topics = [topic for topic in self._numeric() if topic.said[code].get("more")]
        if topics and rng.random() < 0.5:
            topic = rng.choice(topics)
            key, ways = quoted(self._world.key(topic)), topic.said[code]
            units = [numbers.unit[code] for numbers in topic.numbers]
            if all(unit == units[0] for unit in units) and units[0] in _COUNTED[code]:
                ways = {**ways, "units": (_COUNTED[code][units[0]],)}
        else:
            key = rng.choice(["height", "width", "size", "distance", "height"])
            ways = MEASURES[code][key]
            if key != "size":
                ways = {**ways, "units": _METRES[code]}
        words = {what: rng.choice(ways[what]) for what in _SURFACES if ways.get(what)}
        return Said(key, {**words, "": words.get("noun", key)})

    def _number(self) -> Said:
        n = self._rng.randint(2, 5)
        nth = {"en": ["second", "third", "fourth", "fifth"], "zh": ["第二", "第三", "第四", "第五"]}[self._code][n - 2]
        return Said(str(n), {"": self._rng.choice([str(n), NUMBERS[self._code][n]]), "th": nth})

    def _money(self) -> Said:
        value = self._rng.choice([5, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60, 80, 100, 150, 200, 300, 500])
        unit = self._world.currency
        if self._rng.random() < 0.2:
            said = spell(value, self._code) if self._rng.random() < 0.3 else str(value)
            return Said(f"{value}", {"": said})
        return Said(f"{value} {unit}", {"": self.say_number(value, unit)})

    def _hour(self) -> Said:
        hour = self._rng.randint(1, 12)
        return Said(str(hour), {"": self._rng.choice([str(hour), NUMBERS[self._code][hour]])})

    def _key(self, said: Mapping[str, Said]) -> Said:
        """The key of a fact, rather one that the thing spoken of has."""
        topics: list[Topic] = []
        things = [self._naming.resolves(its.plan) for name, its in said.items() if name[0] == "T"]
        for found in things:
            topics += [topic for k in found for topic in self._world.items[k].topics]
        topics = topics or [topic for item in self._world.items for topic in item.topics]
        taken = {its.plan for its in said.values()}
        topics = [topic for topic in topics if quoted(self._world.key(topic)) not in taken]
        if self._rng.random() < 0.12:
            topics = list(self._tables.topics)
        topics = [topic for topic in topics if topic.said[self._code].get("noun")]
        if not topics:
            raise NoWords("no facts")
        topic = self._rng.choice(topics)
        noun = self._rng.choice(topic.said[self._code]["noun"])
        return Said(quoted(self._world.key(topic)), {"noun": noun, "": noun})


def include(text: str, way: str) -> str:
    """A plan's bounds as this way of asking sets them: "at least 5" has 5 itself within."""
    if re.search(_FROM, way):
        text = re.sub(">(?!=)", ">=", text)
    if re.search(_UP_TO, way):
        text = re.sub("<(?!=)", "<=", text)
    return text


def _near(value: float, rng: random.Random) -> float:
    """A round number near this one."""
    if value >= 1000 and float(value).is_integer() and value < 2100:
        return float(round(value / 50) * 50)
    near = value * rng.uniform(0.7, 1.4)
    step = 10 ** max(len(str(int(abs(near)))) - 1, 0)
    step = step / 2 if near >= 2 else 0.5
    return max(round(near / step) * step, step)


def _say_amount(value: float, unit: str, code: Code, rng: random.Random) -> str:
    is_whole = float(value).is_integer() and 0 < value < 10_000
    if unit == "%" and value == 50 and rng.random() < 0.4:
        return {"en": "half", "zh": "一半"}[code]
    if is_whole and (value <= 30 or value % 10 == 0) and rng.random() < 0.3:
        words = spell(int(value), code)
        if code == "zh":
            names = {
                "m": ("米",),
                "元": ("元", "块", "块钱"),
                "EUR": ("欧", "欧元"),
                "USD": ("美元", "美金"),
                "gold": ("金币",),
            }
            return words + rng.choice(names.get(unit, (unit,)))
        names = {"m": ("metres",), "EUR": ("euros", "euro"), "USD": ("dollars", "bucks"), "GBP": ("pounds", "quid"),
                 "%": ("percent", "per cent"), "kg": ("kilos", "kilograms"), "km": ("kilometres",), "g": ("grams",),
                 "kcal": ("calories",), "gold": ("gold", "gold pieces"), "l": ("litres",), "元": ("yuan",)}  # fmt: skip
        return f"{words} {rng.choice(names.get(unit, (unit,)))}".strip() if value != 1 or unit != "m" else "a metre"
    if code == "en" and unit == "m":
        if value == 0.5 and rng.random() < 0.3:
            return "half a metre"
        return rng.choice([f"{value:g} m", f"{value:g} metres", f"{value * 100:g} cm"]) if value != 1 else "a metre"
    if code == "zh" and unit == "m":
        return f"{value:g}米" if value != 0.5 or rng.random() < 0.6 else "半米"
    if code == "zh" and unit == "元":
        return rng.choice([f"{value:g}元", f"{value:g}块", f"{value:g}块钱"])
    return say_value(value, unit, code, rng)


_SURFACES = ("noun", "how", "more", "less", "most", "least", "units")
_BOUNDS: Mapping[Code, tuple[tuple[str, str], ...]] = {
    "en": (

        ("over", "with a {k} over {v}"), ("over", "whose {k} is above {v}"), ("over", "with more {k} than {v}"),
        ("least", "with a {k} of at least {v}"), ("least", "with a {k} of {v} or more"),
        ("least", "with {v} {k} or more"), ("least", "whose {k} is no less than {v}"),
        ("under", "with a {k} under {v}"), ("under", "whose {k} is below {v}"), ("under", "with less than {v} {k}"),
        ("most", "with a {k} of at most {v}"), ("most", "with a {k} of {v} or less"),
        ("most", "whose {k} is no more than {v}"), ("most", "with a {k} up to {v}"),
        ("same", "with a {k} of exactly {v}"), ("least", "where the {k} is {v} and up"),
        ("under", "that don't even get to {v} in {k}"), ("same", "whose {k} is {v}"),
    ),
    "zh": (

        ("over", "{k}超过{v}"), ("over", "{k}大于{v}"), ("over", "{k}比{v}多"), ("least", "{k}至少{v}"),
        ("least", "{k}不低于{v}"), ("least", "{k}在{v}以上"), ("least", "{k}{v}起"), ("least", "{k}{v}以上"),
        ("under", "{k}不到{v}"), ("under", "{k}低于{v}"), ("under", "{k}少于{v}"), ("most", "{k}最多{v}"),
        ("most", "{k}不超过{v}"), ("most", "{k}在{v}以内"), ("most", "{k}{v}以下"), ("most", "{k}{v}以内"),
        ("same", "{k}正好{v}"), ("same", "{k}是{v}"),
    ),
}  # fmt: skip
"""Bounds of any key."""
_FROM = r"\bat least\b|\bor more\b|\bno less than\b|以上|至少|不低于|起$"
_UP_TO = r"\bat most\b|\bor less\b|\bno more than\b|\bup to\b|\bwithin\b|以下|以内|之内|最多|不超过|别超过"
_COUNTED: Mapping[Code, Mapping[str, str]] = {
    "en": {"years": "years", "pages": "pages", "seats": "seats", "kcal": "calories", "km": "kilometres", "t": "tonnes",
           "hours": "hours", "days": "days", "points": "points", "pieces": "pieces", "mg": "milligrams", "%": "percent",
           "EUR": "euros", "g": "grams", "dB": "decibels", "inches": "inches"},
    "zh": {"岁": "岁", "年": "年", "页": "页", "座": "座", "公里": "公里", "吨": "吨", "小时": "小时", "天": "天",
           "片": "片", "克": "克"},
}  # fmt: skip
"""Units that are counted in a question: "how many years older"."""
_METRES: Mapping[Code, tuple[str, ...]] = {"en": ("metres", "centimetres"), "zh": ("米", "厘米")}
