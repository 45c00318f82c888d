"""What the holes of a form hold: parts of a plan, and the words for them."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

from scenewright_server.simulator.asking.measures import MEASURES
from scenewright_server.simulator.asking.naming import NUMBERS, Naming, NoWords, Said, quoted
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
            "S": self._naming.some, "T": self._naming.thing, "R": self._naming.place, "W": self._naming.absent,
            "L": self._look, "C": self._condition, "M": self._extreme, "K": self._measure, "N": self._number,
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
            facts = [
                f
                for e in self._world.entries
                if e.graph
                for f in e.graph.facts
                if f.key == key and not isinstance(f.value, str)
            ]
            if not facts:
                raise NoWords(key)
            fact = rng.choice(facts)
            value, unit = _near(float(fact.value), rng), fact.unit
        else:
            key = rng.choice(["height", "width", "distance"])
            ways = MEASURES[code][key]
            value, unit = rng.choice([0.5, 1.0, 1.5, 2.0, 3.0, 5.0]), "m"
        side = rng.choice(["over", "under"])
        if not ways.get(side):
            raise NoWords(key)
        is_bare = rng.random() < 0.15 and unit in ("EUR", "USD", "GBP", "gold", "元")
        words = rng.choice(ways[side]).replace("{v}", f"{value:g}" if is_bare else _say_amount(value, unit, code, rng))
        sign = {"over": ">", "under": "<"}[side]
        return Said(f"{quoted(key)} {sign} {value:g}{'' if is_bare or not unit else ' ' + unit}", {"": words})

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
        else:
            key = rng.choice(["height", "width", "size", "distance", "height"])
            ways = MEASURES[code][key]
        words = {
            what: rng.choice(ways[what]) for what in ("noun", "how", "more", "less", "most", "least") if ways.get(what)
        }
        return Said(key, {**words, "": words.get("noun", key)})

    def _number(self) -> Said:
        n = self._rng.randint(2, 5)
        nth = {"en": ["second", "third", "fourth", "fifth"], "zh": ["第二", "第三", "第四", "第五"]}[self._code][n - 2]
        return Said(str(n), {"": self._rng.choice([str(n), NUMBERS[self._code][n]]), "th": nth})

    def _money(self) -> Said:
        value = self._rng.choice([5, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60, 80, 100, 150, 200, 300, 500])
        unit = self._world.currency
        if self._rng.random() < 0.2:
            return Said(f"{value}", {"": f"{value}"})
        return Said(f"{value} {unit}", {"": _say_amount(value, unit, self._code, self._rng)})

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


def _near(value: float, rng: random.Random) -> float:
    """A round number near this one."""
    if value >= 1000 and float(value).is_integer() and value < 2100:
        return float(round(value / 50) * 50)
    near = value * rng.uniform(0.7, 1.4)
    step = 10 ** max(len(str(int(abs(near)))) - 1, 0)
    step = step / 2 if near >= 2 else 0.5
    return max(round(near / step) * step, step)


def _say_amount(value: float, unit: str, code: Code, rng: random.Random) -> str:
    if code == "en" and unit == "m":
        return rng.choice([f"{value:g} m", f"{value:g} metres", f"{value * 100:g} cm"]) if value != 1 else "a metre"
    if code == "zh" and unit == "m":
        return rng.choice([f"{value:g}米", f"{value:g}米"])
    if code == "zh" and unit == "元":
        return rng.choice([f"{value:g}元", f"{value:g}块", f"{value:g}块钱"])
    return say_value(value, unit, code, rng)
