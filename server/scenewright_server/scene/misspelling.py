"""Names that are nearly what was said."""

from __future__ import annotations

from collections.abc import Collection
from difflib import SequenceMatcher

from scenewright_server.scene.kinds import is_noun

ALIKE = 0.8
"""Of the letters of a misspelt name and the right one."""


def likeness(text: str, names: Collection[str]) -> float:
    """Of the letters of what was said and of a name, the best of these, which must have as many words; 0.0 where what
    was said ends with another noun: a stable is no table."""
    best, last = 0.0, text.split()[-1]
    for name in names:
        is_other = last not in name.split() and is_noun(last)
        if not is_other and name.count(" ") == text.count(" ") and abs(len(name) - len(text)) <= 2 and len(name) >= 2:
            is_swapped = sorted(name) == sorted(text) and name[0] == text[0]
            best = max(best, SequenceMatcher(None, text, name, autojunk=False).ratio() + 0.01 * is_swapped)
    return best
