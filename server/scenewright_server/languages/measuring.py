"""Which facts of a scene an amount or a unit in a question may be of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from scenewright_server.languages.numerals import amount_at
from scenewright_server.languages.phrases import Tokens
from scenewright_server.scene.amounts import Amount
from scenewright_server.scene.entries import GraphObject
from scenewright_server.scene.expressions import Extreme, Key
from scenewright_server.scene.questions import Fact, parts_of
from scenewright_server.scene.replies import Turn
from scenewright_server.scene.scene import Scene
from scenewright_server.scene.topics import topic_of
from scenewright_server.scene.words import is_chinese
from scenewright_server.scene.writing import write_key

Graphs = Sequence[GraphObject | None]
_MAX_KEYS = 4
_PRICES = ("price", "价格")
SIZES = ("height", "width", "depth", "size", "distance")
_ASKED_OTHERWISE = ("money", "length")
"""Dimensions of units of which more than one thing is asked: "how many metres" is how far, high or long."""


def keys_of_units(graphs: Graphs) -> dict[str, list[str]]:
    """The keys that are told in each unit or dimension, the oftenest first."""
    facts = [fact for graph in graphs if graph for fact in graph.facts if fact.unit]
    counted = Counter((dimension_of(fact.unit), fact.key) for fact in facts)
    found: dict[str, list[str]] = {}
    for (unit, key), _ in counted.most_common():
        found.setdefault(unit, []).append(key)
    if "temperature" in found:
        found.setdefault("度", found["temperature"])
    return found


def dimension_of(unit: str) -> str:
    """What kind of amount a unit makes, an unknown one its own."""
    return Amount(0.0, unit).dimension or unit


def units_at(tokens: Tokens, i: int, keys: dict[str, list[str]], graphs: Graphs) -> Iterator[tuple[int, list[str]]]:
    """Units that begin at token i, and the keys that are told in them: only of units in which nothing has two facts."""
    for end in range(min(len(tokens), i + 3), i, -1):
        unit = dimension_of("".join(tokens[i:end]))
        if unit in keys and unit != "年" and unit not in _ASKED_OTHERWISE and _is_told_once(unit, graphs):
            told = [key for key in keys[unit] if unit != "time" or _is_told_in(key, "".join(tokens[i:end]), graphs)]
            if told:
                yield end, told[:_MAX_KEYS]


def _is_told_in(key: str, unit: str, graphs: Graphs) -> bool:
    """Whether a key's times are about as long as a unit: hours are not asked for where days are told."""
    told = {Amount(1.0, fact.unit).in_base()[0] for graph in graphs if graph for fact in graph.facts if fact.key == key}
    return any(1 / 100 < value / Amount(1.0, unit).in_base()[0] < 100 for value in told if value)


def _is_told_once(unit: str, graphs: Graphs) -> bool:
    """Whether no thing has two facts in a unit."""
    return all(
        sum(dimension_of(fact.unit) == unit for fact in graph.facts if fact.unit) < 2 for graph in graphs if graph
    )


def keys_before(before: Turn | None, graphs: Graphs) -> list[str]:
    """The keys that were asked for last, if they are of numbers: a number without a unit may be of them."""
    keys = [key.name for key in before.question.keys] if before and isinstance(before.question, Fact) else []
    of_numbers = {fact.key for graph in graphs if graph for fact in graph.facts if not isinstance(fact.value, str)}
    return [key for key in keys if key in of_numbers]


def key_of_costs(graphs: Graphs) -> str:
    """What things here mostly cost, where that is not told as a price: "rent", "nightly"; "" for a price."""
    told = [fact for graph in graphs if graph for fact in graph.facts if dimension_of(fact.unit or "") == "money"]
    counted = Counter(fact.key for fact in told).most_common(2)
    n_prices = sum(topic_of(fact.key) == topic_of("price") for fact in told)
    if not counted or counted[0][1] < 3 or topic_of(counted[0][0]) == topic_of("price"):
        return ""
    is_alone = len(counted) < 2 or counted[1][1] < counted[0][1]
    return counted[0][0] if is_alone and 3 * n_prices < counted[0][1] else ""


def key_before(scene: Scene) -> str:
    """The one key of numbers that the question before was about, as a plan has it, "" where there are several or
    none."""
    before, graphs = scene.before, [entry.graph for entry in scene.entries]
    told = {fact.key for graph in graphs if graph for fact in graph.facts if not isinstance(fact.value, str)}
    keys = {key.name for key in _keys_in(before.question) if key.to is None} if before else set()
    return write_key(Key(min(keys))) if len(keys) == 1 and keys <= {*told, *SIZES} else ""


def pick_before(scene: Scene) -> str:
    """Whether the question before was for the most or the least of its key: "max" or "min"; "" for neither."""
    question = scene.before.question if scene.before else None
    picks = {part.most for part in _parts_in(question) if isinstance(part, Extreme)}
    return {True: "max", False: "min"}[min(picks)] if len(picks) == 1 else ""


def _parts_in(expression: object) -> Iterator[object]:
    for part in parts_of(expression):
        yield part
        yield from _parts_in(part)


def _keys_in(expression: object) -> Iterator[Key]:
    return (part for part in _parts_in(expression) if isinstance(part, Key))


def key_of_those(scene: Scene, unit: str) -> str:
    """The one key of numbers that all things that were just spoken of are told in a unit, without one in any; of
    several keys the one asked for last, or the price; "" for none."""
    before, graphs = scene.before, [entry.graph for entry in scene.entries]
    shared: set[str] | None = None
    for k in before.things if before else ():
        graph = graphs[k]
        told = [fact for fact in (graph.facts if graph else ()) if not isinstance(fact.value, str)]
        if unit:
            told = [fact for fact in told if fact.unit and dimension_of(fact.unit) == dimension_of(unit)]
        shared = {fact.key for fact in told} & ({fact.key for fact in told} if shared is None else shared)
    if not shared:
        return ""
    if len(shared) > 1:
        last = {*keys_before(before, graphs)}
        plain = {key for key in shared if key in _PRICES}
        shared = (shared & last) or plain
    return min(shared) if len(shared) == 1 else ""


def is_measured(tokens: Tokens, i: int) -> bool:
    """Whether a Chinese amount with a unit begins at token i: 十米长."""
    found = amount_at(tokens, i) if is_chinese(tokens[i]) else None
    return found is not None and found[1] != ""
