"""What meets a wish that a question tells in other words than the thing's: "I'm freezing" for a blanket."""

from __future__ import annotations

import re
from collections.abc import Mapping

from scenewright_server.languages.phrases import Tokens
from scenewright_server.languages.thesaurus import key_of, wishes

_NO_WISH = re.compile(
    r"\b(?:without (?!waking|disturbing)|(?<!can )(?<!be )do not|(?:which|what) way (?!out|is north))\b|^be (?!there)"
    r"|^(?:who|whose|when|why|how (?:tall|big|heavy|high|wide))\b(?!.*\b(?:i|we|me|us)\b)|\bbetween\b"
    r"|\bthat (?:be )?not\b|\bnothing that\b|^do (?!you|we|i)\b|\bwhen\b"
    r"|\bhow (?:much|old|far|long (?!it is)|many (?!centimetres))"
)
"""What else is asked with the words of a wish."""
_PLAIN = 0.05
"""What a thing's name costs less than, by which it meets a wish."""


def wished(tokens: Tokens, names: Mapping[Tokens, tuple[str, float]]) -> str:
    """The plan's words for what meets a wish that these words tell, of what things are called; "" for nothing."""
    if _NO_WISH.search(" ".join(tokens)):
        return ""
    for signs, things in wishes():
        if any(tokens[i : i + len(sign)] == sign for sign in signs for i in range(len(tokens))):
            for thing in things:
                words, cost = names.get(key_of(thing), ("", 1.0))
                if cost < _PLAIN:
                    return words
    return ""
