"""Names that are nearly what was said."""

from __future__ import annotations

from collections.abc import Collection
from difflib import SequenceMatcher

from scenewright_server.scene.kinds import is_noun
from scenewright_server.scene.words import COLOURS, HAN_COLOURS, HAN_MATERIALS, MATERIALS, is_chinese

ALIKE = 0.8
"""Of the letters of a misspelt name and the right one."""
_WORDS_ALIKE = 0.6
"""Of the letters of each of its words."""
_SHORTEST = 4
"""Of the letters of a word that is misspelt."""


def likeness(text: str, names: Collection[str]) -> float:
    """Of the letters of what was said and of a name, the best of these, which must have as many words; 0.0 where a
    word that the name lacks is a known one: a stable is no table, raspberry jam is no strawberry jam."""
    is_other = _is_other_zh if is_chinese(text) else _is_other
    best = 0.0
    for name in names:
        if name.count(" ") == text.count(" ") and abs(len(name) - len(text)) <= 2 and len(name) >= 2:
            is_swapped = sorted(name) == sorted(text) and name[0] == text[0]
            its = SequenceMatcher(None, text, name, autojunk=False).ratio() + 0.01 * is_swapped
            if its > max(best, ALIKE) and not is_other(text, name):
                best = its
    return best


def _is_other(text: str, name: str) -> bool:
    """Whether what was said has a word that is no misspelling of the name's word at its place."""
    told = name.split()
    return any(
        word not in told
        and word.removesuffix("s") != its.removesuffix("s")
        and (
            len(word) < _SHORTEST
            or word in COLOURS | MATERIALS
            or is_noun(word)
            or SequenceMatcher(None, word, its, autojunk=False).ratio() < _WORDS_ALIKE
        )
        for word, its in zip(text.split(), told, strict=True)
    )


def _is_other_zh(text: str, name: str) -> bool:
    """Whether what was said has a noun, a colour or a material where the name has other characters."""
    changes = SequenceMatcher(None, text, name, autojunk=False).get_opcodes()
    odd = {k for tag, start, end, _, _ in changes if tag in ("replace", "delete") for k in range(start, end)}
    return any(
        text[k] in HAN_COLOURS + HAN_MATERIALS
        or any(
            is_noun(text[start:end])
            for start in range(max(k - 2, 0), k + 1)
            for end in range(k + 1, min(start + 4, len(text)) + 1)
        )
        for k in odd
    )
