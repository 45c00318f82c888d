"""The words and marks of which the text of a plan is made."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

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


class TokenReader:
    """Goes through the tokens of a text from left to right. Raises PlanError where they are not what is needed."""

    def __init__(self, text: str) -> None:
        self._tokens = tokens_of(text)
        self._at, self._depth = 0, 0

    @property
    def _next(self) -> PlanToken:
        return self._tokens[self._at]

    def _peek(self, word: str) -> bool:
        return (self._next.kind, self._next.text) == ("word", word)

    def _take(self, kind: str, *texts: str) -> bool:
        tokens = self._tokens[self._at : self._at + len(texts)]
        if [(token.kind, token.text) for token in tokens] != [(kind, text) for text in texts]:
            return False
        self._at += len(texts)
        return True

    def _need(self, mark: str) -> None:
        if not self._take("mark", mark):
            self._fail(repr(mark))

    def _fail(self, expected: str) -> NoReturn:
        token = self._next
        raise PlanError(token.position, "the end" if token.kind == "end" else repr(token.text), expected)

    def _made(self, make: Callable[..., Any], *values: Any, **named: Any) -> Any:
        """An expression of these values, or what is wrong with them, at the place just read."""
        try:
            return make(*values, **named)
        except ValueError as error:
            raise PlanError(self._tokens[self._at - 1].position, "a wrong value", str(error)) from error
