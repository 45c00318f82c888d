"""All that is told of an entry, as texts in which words are looked for."""

from __future__ import annotations

from scenewright_server.scene.descriptions import contrasts
from scenewright_server.scene.entries import Entry, Fact
from scenewright_server.scene.matching import fold
from scenewright_server.scene.reduced import REDUCED, old_price
from scenewright_server.scene.words import is_chinese

_YES, _NO = ("yes", "true", "是"), ("no", "false", "否")
ANSWERS = (*_YES, *_NO)
"""Values that tell nothing without their key."""


def texts_of(entry: Entry, called: str, seen_as: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """All that is told of an entry, folded: its name, aliases, description, facts and what is seen of it."""
    graph = entry.graph
    texts = [called, *sorted(seen_as)]
    if graph is not None:
        texts += [
            f"{fact.value}{fact.key}"
            for fact in graph.facts
            if is_chinese(fact.key) and len(str(fact.value)) < 7 and fact.value not in ANSWERS
        ]
        texts += [REDUCED] * (old_price(graph) is not None)
        texts += [*graph.aliases, *contrasts(graph.description), *(_told(fact) for fact in graph.facts)]
    return tuple(fold(text) for text in texts)


def _told(fact: Fact) -> str:
    """A fact as words; one of yes or no as its key, perhaps with "not" before it."""
    value = fact.value if isinstance(fact.value, str) else f"{fact.value:g} {fact.unit}"
    said = fold(value)
    if said in _YES:
        return fact.key
    return f"not {fact.key}" if said in _NO else f"{fact.key} {value}"
