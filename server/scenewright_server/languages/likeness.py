"""What names and words are told by: short forms, misspellings, the colours of Chinese."""

from __future__ import annotations

from collections.abc import Iterator

from scenewright_server.languages.phrases import Tokens
from scenewright_server.languages.thesaurus import synonyms
from scenewright_server.scene.kinds import KINDS
from scenewright_server.scene.words import is_chinese

LINKS = set("of with for by in on at from and the a an to".split())
COLOURS_ZH = set("红色 蓝色 绿色 黄色 黑色 白色 棕色 橙色 粉色 紫色 灰色 金色 银色 米色".split())


def is_one_off(token: str, word: str) -> bool:
    """Whether two words differ by one letter left out, put in or taken for another, or by two that are swapped."""
    n = next((n for n, (a, b) in enumerate(zip(token, word, strict=False)) if a != b), min(len(token), len(word)))
    own, its = token[n:], word[n:]
    return own[1:] == its or own == its[1:] or own[1:] == its[1:] or (own[1::-1] == its[:2] and own[2:] == its[2:])


def parts_of(tokens: Tokens) -> Iterator[tuple[Tokens, float]]:
    """What a name may be called by for short: its end, its head before "of" and the like, other words within it."""
    n = len(tokens)
    if n and is_chinese(tokens[-1]):
        for size in range(2, n):
            yield tokens[-size:], 0.01
            yield tokens[:size], 0.08
        if n > 1 and (tokens[-1:] in synonyms() or tokens[-1] in KINDS):
            yield tokens[-1:], 0.06
        return
    head = next((k for k, token in enumerate(tokens) if k and token in LINKS), n)
    for start in range(1, head):
        yield tokens[start:head], 0.01
    if head < n:
        yield tokens[:head], 0.01
    for start in range(n):
        for end in range(start + 1, n):
            if tokens[start] not in LINKS and tokens[end - 1] not in LINKS:
                yield tokens[start:end], 0.06
        if start and tokens[start] not in LINKS and start >= head:
            yield tokens[start:], 0.06
