"""Which facts of a scene an amount or a unit in a question may be of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from scenewright_server.languages.numerals import amount_at
from scenewright_server.languages.phrases import Tokens
from scenewright_server.scene.amounts import Amount
from scenewright_server.scene.entries import GraphObject
from scenewright_server.scene.questions import Fact
from scenewright_server.scene.replies import Turn
from scenewright_server.scene.words import is_chinese

Graphs = Sequence[GraphObject | None]
_MAX_KEYS = 4
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


def is_measured(tokens: Tokens, i: int) -> bool:
    """Whether a Chinese amount with a unit begins at token i: 十米长."""
    found = amount_at(tokens, i) if is_chinese(tokens[i]) else None
    return found is not None and found[1] != ""
