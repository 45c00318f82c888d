"""The words and marks of which the text of a plan is made."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from scenewright_server.scene.expressions import PlanError

_TOKEN = re.compile(r'\s*(?:("(?:[^"]|"")*")|(<=|>=|!=|==|[()&+|;,<>="])|((?:(?!!=)[^\s()&+|;,<>="])+))')


@dataclass(frozen=True)
class PlanToken:
    """A mark, a word, words that stood in quotes, or the end; and where it begins, in characters from the start."""

    kind: Literal["mark", "word", "quoted", "end"]
    text: str
    position: int


def tokens_of(text: str) -> list[PlanToken]:
    """The tokens of a text, the last of which is its end. Raises PlanError where a quote is not closed."""
    tokens: list[PlanToken] = []
    position, end = 0, len(text.rstrip())
    while position < end:
        found = _TOKEN.match(text, position)
        if found is None or found[2] == '"':
            start = position + len(text[position:]) - len(text[position:].lstrip())
            raise PlanError(start, repr(text[start : start + 12]), "a closing quote")
        quoted, mark, word = found.groups()
        start = found.start(found.lastindex or 0)
        if quoted is not None:
            tokens.append(PlanToken("quoted", quoted[1:-1].replace('""', '"'), start))
        else:
            tokens.append(PlanToken("mark" if mark else "word", mark or word, start))
        position = found.end()
    tokens.append(PlanToken("end", "", end))
    return tokens
