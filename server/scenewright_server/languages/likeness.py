"""What names and words are told by: short forms, misspellings, the colours of Chinese."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator
from difflib import get_close_matches

from scenewright_server.languages.phrases import Tokens
from scenewright_server.languages.thesaurus import synonyms
from scenewright_server.scene.kinds import KINDS
from scenewright_server.scene.matching import single
from scenewright_server.scene.words import is_chinese

LINKS = set("of with for by in on at from and the a an to".split())
DONE = re.compile("(ed|en|s|found|made|built|kept|held|sold|bought)$")
"""What a word of what was done, or is, ends with: the key "found in" is asked for as "found"."""
COLOURS_ZH = set("红色 蓝色 绿色 黄色 黑色 白色 棕色 橙色 粉色 紫色 灰色 金色 银色 米色".split())

_ENDS_ALIKE = set("子儿头面边号手口心上下里外前后左右中大小次色年月日个物品机器")
"""What Chinese names end with that does not tell what they are."""
_ALIKE = 0.84  # of a misspelt word's letters and the right one's
_COMMON = tuple("what where which when much many have there they with make this that just take your does cost".split())
"""What short misspelt words may be."""


def likeliest(token: str, words: Collection[str]) -> str:
    """The one of these words that a misspelt one is nearly; "" for none."""
    swapped = sorted(single(token))
    for word in sorted(words) if len(token) > 3 else ():
        if word[0] == token[0] and (sorted(word) == sorted(token) or sorted(word) == swapped):
            return word
    for word in _COMMON if len(token) < 5 else sorted(words):
        if abs(len(word) - len(token)) < 2 and _is_one_off(token, word):
            return word
    near = [word for word in words if word[0] == token[0] and abs(len(word) - len(token)) <= 2]
    found = get_close_matches(token, near, 1, _ALIKE) if len(token) > 4 else []
    return found[0] if found else ""


def _is_one_off(token: str, word: str) -> bool:
    """Whether two words differ by one letter left out, put in or taken for another, or by two that are swapped."""
    n = next((n for n, (a, b) in enumerate(zip(token, word, strict=False)) if a != b), min(len(token), len(word)))
    own, its = token[n:], word[n:]
    return own[1:] == its or own == its[1:] or own[1:] == its[1:] or (own[1::-1] == its[:2] and own[2:] == its[2:])


def bare_state(text: str) -> str:
    """The word of a short Chinese state: 湿 of "湿的", 拉上 of "拉上了"; "" of any other text."""
    plain = text.removeprefix("已经").removeprefix("正").removesuffix("着").removesuffix("了").removesuffix("的")
    return plain if plain != text and 0 < len(plain) < 4 and is_chinese(plain) else ""


def parts_of(tokens: Tokens) -> Iterator[tuple[Tokens, float]]:
    """What a name may be called by for short: its end, its head before "of" and the like, other words within it,
    红钢笔 for 红色钢笔."""
    n = len(tokens)
    if n and is_chinese(tokens[-1]):
        for size in range(2, n):
            yield tokens[-size:], 0.01
            if "".join(tokens[:size]) not in COLOURS_ZH:
                yield tokens[:size], 0.08
        if n > 2 and "".join(tokens[:2]) in COLOURS_ZH:
            yield (tokens[0], *tokens[2:]), 0.01
        if n > 1 and (tokens[-1:] in synonyms() or tokens[-1] in KINDS):
            yield tokens[-1:], 0.06
        return
    head = next((k for k, token in enumerate(tokens) if k and token in LINKS), n)
    for start in range(1, head):
        yield tokens[start:head], 0.01
    if head == n == 2 and tokens[0].isalpha():
        yield (tokens[1], "of", tokens[0]), 0.01
    if head < n:
        yield tokens[:head], 0.01
    for start in range(n):
        for end in range(start + 1, n):
            if tokens[start] not in LINKS and tokens[end - 1] not in LINKS:
                yield tokens[start:end], 0.06
        if start and tokens[start] not in LINKS and start >= head:
            yield tokens[start:], 0.06


def shared_endings(names: Collection[str]) -> list[str]:
    """The characters that several Chinese names end with: 馆 of 票据馆 and 标本馆."""
    ends = Counter(name[-1] for name in names if len(name) > 1 and is_chinese(name[-1]))
    return [end for end, n in ends.items() if n > 1 and end not in _ENDS_ALIKE]
