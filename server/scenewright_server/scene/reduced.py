"""Prices that were higher before: "EUR 54, was 72"."""

from __future__ import annotations

import re
from dataclasses import replace

from scenewright_server.scene.amounts import Amount, read_amounts
from scenewright_server.scene.entries import GraphObject
from scenewright_server.scene.matching import fold

OLD_PRICE = frozenset(
    ("old price", "price before", "previous price", "original price", "full price", "原价", "原来的价格")
)
"""Keys of a price that is past, where no fact has them."""
_WAS = {*OLD_PRICE, "was", "before"}
"""Keys of facts that tell such a price."""
_PAST = re.compile(r"was|before|formerly|instead of|rrp|regularly|old price|原价|原售价|曾售", re.IGNORECASE)
"""In a text that may tell a past price, see `amounts`."""
REDUCED = "reduced, discounted, on sale, on offer, marked down, 打折, 降价, 特价, 优惠"
"""What is told of a thing that costs less than before."""


def old_price(graph: GraphObject) -> Amount | None:
    """The price that an object had before, None where none is told."""
    for fact in (fact for fact in graph.facts if fold(fact.key) in _WAS):
        read = [its.amount for its in read_amounts(fact.value)] if isinstance(fact.value, str) else []
        amounts = [Amount(fact.value, fact.unit)] if isinstance(fact.value, float) else read
        if amounts and amounts[0].dimension == "money":
            return amounts[0]
    texts = [fact.value for fact in graph.facts if isinstance(fact.value, str)]
    for text in (*texts, graph.description):
        found = read_amounts(text) if _PAST.search(text) else []
        unit = next((its.amount.unit for its in found if its.amount.dimension == "money"), "")
        past = next((its.amount for its in found if its.is_past and its.amount.dimension in ("money", "")), None)
        if unit and past is not None:
            return replace(past, unit=past.unit or unit)
    return None


def is_old_price(name: str) -> bool:
    """Whether a key is for a price that is past."""
    return fold(name) in OLD_PRICE
