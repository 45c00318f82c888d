"""Random worlds with open labels, facts and descriptions, laid out around the user."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from scenewright_server.scene.entries import Entry, Fact, GraphObject, merge
from scenewright_server.scene.facts import tell
from scenewright_server.simulator.asking.looks import COLOURS, QUALITIES
from scenewright_server.simulator.asking.tables import Clause, Code, Noun, Tables, Topic

EYES_M = 1.6
_SYLLABLES = "nor va ka lo mi ren tu sel ba dor fy gra hol jen lam mor pri qua ros sta ven wil xan zer bel".split()
_HAN = "云海山星华安瑞宁晨林雅达美乐康泰和光"

_OWN: Mapping[Code, tuple[tuple[str, ...], ...]] = {
    "en": (

        ("{x} by the window", "{x} by the door", "{x} in the corner", "{x} near the stairs"),
        ("{x} A", "{x} B", "{x} C", "{x} D"), ("{x} 1", "{x} 2", "{x} 3", "{x} 4"),
        ("{x} Alpha", "{x} Beta", "{x} Gamma", "{x} Delta"), ("small {x}", "large {x}", "medium {x}"),
        ("old {x}", "new {x}"), ("upper {x}", "lower {x}"), ("left {x}", "right {x}"), ("front {x}", "rear {x}"),
        ("Anna's {x}", "Tom's {x}", "grandma's {x}", "the captain's {x}"), ("{x} for adults", "{x} for children"),
        ("morning {x}", "evening {x}"), ("northern {x}", "southern {x}", "western {x}"), ("cheap {x}", "fine {x}"),
        ("summer {x}", "autumn {x}", "spring {x}"), ("dwarven {x}", "elven {x}", "human {x}"),
        ("guest {x}", "staff {x}"), ("{x} with a handle", "{x} with wheels", "{x} with a lid"),
        ("light {x}", "dark {x}"), ("travel {x}", "garden {x}", "office {x}"), ("spare {x}", "main {x}"),
        ("{x} of the north", "{x} of the south"),
    ),
    "zh": (

        ("靠窗的{x}", "门口的{x}", "角落的{x}", "楼梯旁的{x}"), ("{x}A", "{x}B", "{x}C", "{x}D"),
        ("1号{x}", "2号{x}", "3号{x}", "4号{x}"), ("小{x}", "大{x}", "中号{x}"), ("旧{x}", "新{x}"),
        ("上层{x}", "下层{x}"), ("左边的{x}", "右边的{x}"), ("小明的{x}", "奶奶的{x}", "老板的{x}"),
        ("成人{x}", "儿童{x}"), ("东侧{x}", "西侧{x}", "北侧{x}"), ("夏季{x}", "秋季{x}"),
        ("带盖的{x}", "带轮的{x}", "带把的{x}"), ("浅色{x}", "深色{x}"), ("办公{x}", "家用{x}", "旅行{x}"),
        ("备用{x}", "主{x}"), ("普通{x}", "精装{x}", "豪华{x}"),
    ),
}  # fmt: skip
"""What tells several things of one name apart, as their labels do."""


@dataclass(frozen=True)
class Item:
    """What the world knows of one of its things beyond what is told: looks, topics and clauses that are told of it."""

    noun: Noun
    looks: tuple[Mapping[Code, str], ...]
    topics: tuple[Topic, ...]
    clauses: tuple[Clause, ...]


@dataclass(frozen=True)
class World:
    """A scene, and item by item what it was made from. language: of its labels, keys and descriptions; keys: how the
    app spells a topic's key, by its English name; currency: what its prices are in."""

    language: Code
    entries: tuple[Entry, ...]
    items: tuple[Item, ...]
    keys: Mapping[str, str]
    currency: str

    @property
    def called(self) -> tuple[str, ...]:
        return tuple(entry.graph.label for entry in self.entries if entry.graph is not None)

    def key(self, topic: Topic) -> str:
        return self.keys.get(topic.name["en"], topic.name[self.language])


def make_world(tables: Tables, language: Code, rng: random.Random) -> World:
    """A world of 3 to 26 things of a few kinds."""
    return _Maker(tables, language, rng).world()


def choose_text(text: str, rng: random.Random) -> str:
    """A text with one of each choice in braces: "opens at {8|9}"."""
    return re.sub(r"\{([^{}]*\|[^{}]*)\}", lambda found: rng.choice(found[1].split("|")), text)


class _Maker:
    def __init__(self, tables: Tables, language: Code, rng: random.Random) -> None:
        self._tables, self._language, self._rng = tables, language, rng
        self._currency = rng.choice(["EUR"] * 4 + ["USD"] * 2 + ["GBP", "gold"])
        if language == "zh":
            self._currency = rng.choice(["元", "元", "元", "EUR"])
        self._keys: dict[str, str] = {}
        self._common = tuple(topic for topic in tables.topics if "*" in topic.of)

    def world(self) -> World:
        rng = self._rng
        nouns = self._nouns()
        topics = self._topics(nouns)
        prose = rng.choice([0.0, 0.0, 0.35, 0.35, 0.8])
        style = rng.choices(["plain", "title", "engine"], [86, 8, 6 if self._language == "en" else 0])[0]
        made = [self._item(noun, topics, prose) for noun in nouns]
        labels = self._labels([item for item, *_ in made], style)
        objects = self._place(nouns)
        graph = []
        for n, (thing, label, (_, facts, description, aliases)) in enumerate(zip(objects, labels, made, strict=True)):
            graph.append(replace(thing, id=f"o{n}", label=label, facts=facts, description=description, aliases=aliases))
        entries = merge(None, tuple(graph))
        items = tuple(made[int(entry.graph.id[1:])][0] for entry in entries if entry.graph is not None)
        return World(self._language, tuple(entries), items, self._keys, self._currency)

    def _nouns(self) -> list[Noun]:
        """What is here: of a few kinds, some of them several times."""
        rng, pool = self._rng, self._tables.nouns
        kinds = {noun.kind.name["en"]: noun.kind for noun in pool}
        chosen = rng.sample(sorted(kinds), min(len(kinds), rng.choice([1, 2, 3, 4, 5])))
        of_kind = [noun for noun in pool if noun.kind.name["en"] in chosen]
        furniture = [noun for noun in pool if "top" in noun.tags]
        n = rng.choice([3, 5, 6, 8, 9, 10, 12, 14, 18])
        nouns = rng.sample(of_kind, min(n, len(of_kind)))
        nouns += rng.sample(furniture, min(rng.choice([0, 1, 2, 3]), len(furniture)))
        nouns += rng.sample(pool, rng.choice([0, 1, 2, 3]))
        unique = list({noun.name["en"]: noun for noun in nouns}.values())
        if rng.random() < 0.55:
            for noun in rng.sample(unique, min(len(unique), rng.choice([1, 1, 2]))):
                if not noun.is_proper:
                    unique += [noun] * rng.choice([1, 1, 2, 3])
        rng.shuffle(unique)
        return unique[:26]

    def _topics(self, nouns: Sequence[Noun]) -> list[Topic]:
        """Keys that this app tells facts by, and how it spells them."""
        rng = self._rng
        fitting = [topic for topic in self._tables.topics if sum(map(topic.suits, nouns)) >= 2]
        chosen = rng.sample(fitting, min(len(fitting), rng.choice([1, 2, 3, 4, 6])))
        price = next((topic for topic in self._tables.topics if topic.name["en"] == "price"), None)
        if price is not None and price not in chosen and rng.random() < 0.5:
            chosen.append(price)
        for topic in chosen:
            names = topic.said[self._language].get("noun", ())
            if names and rng.random() < 0.2:
                self._keys[topic.name["en"]] = rng.choice(names)
        return chosen

    def _item(
        self, noun: Noun, topics: Sequence[Topic], prose: float
    ) -> tuple[Item, tuple[Fact, ...], str, tuple[str, ...]]:
        rng, code = self._rng, self._language
        facts: list[Fact] = []
        pieces: list[str] = []
        told: list[Topic] = []
        looks: list[Mapping[Code, str]] = []
        for topic in topics:
            if not topic.suits(noun) or rng.random() < 0.15:
                continue
            value, unit = self.value(topic, noun)
            key = self._keys.get(topic.name["en"], topic.name[code])
            says = topic.said[code].get("says", ())
            if says and rng.random() < 0.45 * (prose > 0):
                piece = rng.choice(says).replace("{v}", say_value(value, unit, code, rng))
                if tell(_object(description=piece), key) is not None:
                    pieces.append(piece)
                    told.append(topic)
                    continue
            facts.append(Fact(key, value, unit))
            told.append(topic)
        for pool, chance in ((COLOURS, 0.35), (QUALITIES, 0.15)):
            if rng.random() < chance and not noun.is_proper:
                looks.append(rng.choice(pool))
        clauses: list[Clause] = []
        if rng.random() < prose:
            suiting = [clause for clause in self._tables.clauses if clause.of and clause.suits(noun)]
            others = [
                clause
                for clause in rng.sample(self._tables.clauses, min(3, len(self._tables.clauses)))
                if not clause.of
            ]
            clauses = rng.sample(suiting, min(len(suiting), rng.choice([1, 2, 3]))) + others[: rng.choice([0, 1, 1, 2])]
            pieces += [choose_text(clause.text, rng) for clause in clauses]
        in_text = [look[code] for look in looks[1:] or ()]
        if looks and rng.random() < 0.5:
            in_text = [look[code] for look in looks]
        elif looks:
            facts.append(Fact({"en": "colour", "zh": "颜色"}[code], looks[0][code]))
        pieces += in_text
        rng.shuffle(pieces)
        aliases = noun.aliases[code] if rng.random() < 0.3 else ()
        return Item(noun, tuple(looks), tuple(told), tuple(clauses)), tuple(facts), _join(pieces, code), aliases

    def value(self, topic: Topic, noun: Noun) -> tuple[str | float, str]:
        """A value of this topic for such a thing, and its unit."""
        rng, code = self._rng, self._language
        if topic.name["en"] == "price" or (topic.numbers and topic.numbers[0].unit["en"] == "EUR"):
            low, high = noun.price or ((topic.numbers[0].low, topic.numbers[0].high) if topic.numbers else (1, 100))
            factor = {"元": 8.0}.get(self._currency, 1.0)
            return round_off(rng.uniform(low, high) * factor, rng), self._currency
        if topic.numbers and (not topic.values or rng.random() < 0.8):
            numbers = rng.choice(topic.numbers)
            value = rng.uniform(numbers.low, numbers.high)
            is_whole = float(numbers.low).is_integer() and numbers.high >= 5
            return (float(round(value)) if is_whole else round(value, 1)), numbers.unit[code]
        if topic.values:
            return rng.choice(topic.values)[code], ""
        return self._invented(), ""

    def _invented(self) -> str:
        rng = self._rng
        if self._language == "zh":
            return "".join(rng.sample(_HAN, 2))
        return "".join(rng.sample(_SYLLABLES, 2)).capitalize()

    def _labels(self, items: Sequence[Item], style: str) -> list[str]:
        rng, code = self._rng, self._language
        counts: dict[str, int] = {}
        labels: list[str] = []
        wordy = rng.choice([0.0, 0.15, 0.5])
        nouns = [item.noun.name["en"] for item in items]
        own: dict[str, list[str]] = {}
        for item in items:
            name = item.noun.name[code]
            if nouns.count(item.noun.name["en"]) > 1:
                if item.noun.name["en"] not in own:
                    row = rng.choice(_own(item.noun, code)) if rng.random() < 0.6 else ()
                    own[item.noun.name["en"]] = rng.sample(row, len(row))
                if own[item.noun.name["en"]]:
                    labels.append(own[item.noun.name["en"]].pop().replace("{x}", name))
                    continue
            elif rng.random() < 0.12 and not item.noun.is_proper:
                labels.append(rng.choice(rng.choice(_own(item.noun, code))).replace("{x}", name))
                continue
            if item.looks and rng.random() < wordy and not item.noun.is_proper:
                name = f"{item.looks[0][code]} {name}" if code == "en" else item.looks[0][code] + name
            elif rng.random() < 0.06 and not item.noun.is_proper:
                name = f"{self._invented()} {name}" if code == "en" else self._invented() + name
            if style == "title":
                name = name.title()
            if style == "engine":
                n = counts[name] = counts.get(name, 0) + 1
                name = (
                    rng.choice(["SM_", "", "BP_", ""]) + name.title().replace(" ", rng.choice(["", "_"])) + f"_{n:02d}"
                )
            labels.append(name)
        return labels

    def _place(self, nouns: Sequence[Noun]) -> list[GraphObject]:
        """Positions around the user: on the floor, on what has a top, in boxes, on walls."""
        rng = self._rng
        centres: dict[int, tuple[float, float, float]] = {}
        is_outdoor = sum("outdoor" in noun.tags for noun in nouns) > len(nouns) / 2
        reach = 60.0 if is_outdoor else rng.choice([2.5, 4.0, 7.0])
        order = sorted(range(len(nouns)), key=lambda k: not nouns[k].tags & {"top", "box", "floor"})
        for k in order:
            height, width, depth = nouns[k].size
            holders = [j for j in centres if nouns[j].tags & {"top", "box"} and nouns[j].size[1] > width * 0.8]
            if "small" in nouns[k].tags and holders and rng.random() < 0.75:
                j = rng.choice(holders)
                x, y, z = centres[j]
                tall, wide, deep = nouns[j].size
                is_inside = "box" in nouns[j].tags and (rng.random() < 0.6 or "top" not in nouns[j].tags)
                y += (-tall / 2 + height / 2 + 0.02) if is_inside else (tall + height) / 2
                across, along = max(wide - width, 0) / 2, max(deep - depth, 0) / 2
                centres[k] = (x + rng.uniform(-across, across), y, z + rng.uniform(-along, along))
                continue
            for _ in range(20):
                bearing = rng.gauss(0, 0.6) if rng.random() < 0.6 else rng.uniform(-math.pi, math.pi)
                far = rng.uniform(0.7 + width / 2, reach + width)
                x, z = far * math.sin(bearing), far * math.cos(bearing)
                room = all(math.hypot(x - p[0], z - p[2]) > (width + nouns[j].size[1]) / 2 for j, p in centres.items())
                if room:
                    break
            y = rng.uniform(-0.2, 0.8) if "wall" in nouns[k].tags else height / 2 - EYES_M
            centres[k] = (x, y, z)
        return [self._object(nouns[k], centres[k]) for k in range(len(nouns))]

    def _object(self, noun: Noun, centre: tuple[float, float, float]) -> GraphObject:
        height, width, depth = noun.size
        x, y, z = centre
        box = None
        if z > 0.3 and abs(x / z) < 0.8 and abs(y / z) < 0.8:
            u, v, half_w, half_h = 0.5 + x / z / 1.6, 0.5 - y / z / 1.6, width / z / 3.2, height / z / 3.2
            left, top, right, bottom = (
                min(max(side, 0.0), 1.0) for side in (u - half_w, v - half_h, u + half_w, v + half_h)
            )
            box = left, top, right, bottom
        yaw = self._rng.uniform(-math.pi, math.pi)
        turned = (0.0, math.sin(yaw / 2), 0.0, math.cos(yaw / 2))
        return replace(_object(), position=centre, size=(width, height, depth), box=box, rotation=turned)


def _object(description: str = "") -> GraphObject:
    return GraphObject("", "thing", (0.0, 0.0, 1.0), (1.0, 1.0, 1.0), description=description)


def _own(noun: Noun, code: Code) -> tuple[tuple[str, ...], ...]:
    """What may tell several of a noun apart; of the living not what is in the later rows."""
    return _OWN[code][: 3 if noun.tags & {"person", "animal"} else None]


def round_off(value: float, rng: random.Random) -> float:
    """A price as shops write them."""
    if value < 15:
        return round(value + 0.05, 1) if rng.random() < 0.5 else round(value) - 0.01 if value > 2 else round(value, 2)
    return float(round(value)) if value < 200 else float(round(value / 10) * 10)


def say_value(value: str | float, unit: str, code: Code, rng: random.Random) -> str:
    """A fact's value as people write it: "20 euros", "€20", "1.5 kg"."""
    if isinstance(value, str):
        return value
    figure = f"{value:g}"
    names = {"EUR": ("euros", "€"), "USD": ("dollars", "$"), "GBP": ("pounds", "£")}
    han = {"EUR": "欧元", "USD": "美元"}
    if code == "zh":
        return figure + han.get(unit, unit)
    if unit in names:
        word, sign = names[unit]
        return rng.choice([f"{figure} {word}", sign + figure, f"{figure} {word}", f"{unit} {figure}"])
    return f"{figure} {unit}".strip()


def _join(pieces: Sequence[str], code: Code) -> str:
    """Pieces as a description."""
    if not pieces:
        return ""
    ended = [piece.rstrip(".。 ") for piece in pieces]
    if code == "zh":
        return "。".join(ended) + "。"
    return ". ".join(piece[:1].upper() + piece[1:] for piece in ended) + "."
