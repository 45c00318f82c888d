"""What the keys of facts are called."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from scenewright_server.languages.likeness import DONE, LINKS
from scenewright_server.languages.phrases import Tokens, tokens_of
from scenewright_server.languages.thesaurus import key_of, synonyms
from scenewright_server.scene.entries import GraphObject
from scenewright_server.scene.matching import single
from scenewright_server.scene.measures import SHAPES
from scenewright_server.scene.topics import TOPICS, topic_of
from scenewright_server.scene.words import is_chinese

_VERBS = ("takes", "holds", "contains", "opens")
"""Words for what is told, that tell of it only where something is told."""
_KEY_ENDS = ("消费", "时间", "时长", "费用", "数量", "价格", "情况", "数", "费", "价")


def short_keys(tokens: Tokens) -> Iterator[Tokens]:
    """What a Chinese key may be called by for short: 音节 of 音节数, 人均 of 人均消费."""
    key = "".join(tokens)
    for end in _KEY_ENDS if is_chinese(key) else ():
        if key.endswith(end) and len(key) >= len(end) + 2:
            yield tokens[: -len(end)]


def keys_by_words(graphs: Sequence[GraphObject | None]) -> dict[Tokens, tuple[str, float]]:
    """Keys, and how far-fetched they are, by the tokens that they are called by: those of these graphs' facts, other
    words for them and for what things may have."""
    own = dict.fromkeys(fact.key for graph in graphs if graph for fact in graph.facts)
    found = {key_of(tokens_of(key.replace("_", " "))): (key, 0.0) for key in sorted(own, key=len, reverse=True)}
    for key in sorted(own, key=lambda key: single(key) != key):
        tokens = key_of(tokens_of(key.replace("_", " ")))
        stem = re.sub("(ing|s|ed|es)$", "", tokens[-1]) if len(tokens) == 1 and tokens[0].isascii() else ""
        for ending in ("", "s", "e", "es", "ing", "ed") if len(stem) > 3 or stem == "fee" else ():
            found.setdefault((stem + ending,), (key, 0.05))
        for same in synonyms().get(tokens, ()):
            found.setdefault(key_of(tokens_of(same)), (key, 0.03))
        for short in short_keys(tokens):
            found.setdefault(short, (key, 0.01))
        for n in range(1, len(tokens)):
            if tokens[n] not in LINKS and tokens[n:] != ("left",):
                found.setdefault(tokens[n:], (key, 0.04))
        if len(tokens) > 1 and tokens[-1] == "left":
            found.setdefault(key_of(tokens[:-1]), (key, 0.02))
        if len(tokens) > 1 and tokens[-1] in LINKS and DONE.search(tokens[-2]):
            found.setdefault(key_of(tokens[:-1]), (key, 0.01))
    for topic in TOPICS:
        told = [key for key in own if topic_of(key) == topic]
        for word in topic.words:
            cost = 0.02 if told else 0.12
            if not told and word in _VERBS:
                continue
            is_shape = topic.words[0] in SHAPES
            if not told and (longer := [key for key in own if key.startswith(f"{word} ")]):
                found.setdefault(key_of(tokens_of(word)), (longer[0], 0.05))
            key = topic.words[0] if is_shape and not told else told[0] if len(told) == 1 else word
            found.setdefault(key_of(tokens_of(word)), (key, 0.02 if is_shape else cost))
    return found
