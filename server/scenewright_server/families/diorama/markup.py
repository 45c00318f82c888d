"""The decoder's token stream as text and mentions: `a <ref_2> large red chair <end> on the left <eot>`.

An answer first plans, then is told what its plan gives, then speaks: what comes before `<say>` is not for
the reader, but for the references among it, which are what an answer rests on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from scenewright_server.families.diorama.tokenizer import Tokenizer
from scenewright_server.families.family import TextDelta


@dataclass(frozen=True)
class Pointed:
    """The answer points at entry `ref` of the prefix. `words` name it, empty when it was only looked at."""

    ref: int
    words: str


class MarkupReader:
    """Reads one response. `points`: what comes before `<say>` points; a description's mentions are enough."""

    def __init__(self, tokenizer: Tokenizer, n_entries: int, points: bool) -> None:
        self._tokenizer = tokenizer
        self._refs = {id: k for k, id in enumerate(tokenizer.refs[:n_entries])}
        self._points = points
        self._speaking = False
        self._open: int | None = None
        self._words: list[int] = []
        self._pending: list[int] = []
        self._started = False

    def feed(self, token: int) -> list[TextDelta | Pointed]:
        """What one more token says. A reference to no entry says nothing."""
        return list(self._read(token))

    def finish(self) -> list[TextDelta | Pointed]:
        """What is left when the stream ends: an unfinished mention, half a character."""
        return [*self._flush(), *self._close()]

    def _read(self, token: int) -> Iterator[TextDelta | Pointed]:
        tokenizer = self._tokenizer
        if token == tokenizer.say:
            self._speaking = True
        elif token == tokenizer.end:
            yield from self._close()
        elif token in self._refs:
            yield from self._close()
            if self._speaking:
                self._open = self._refs[token]
            elif self._points:
                yield Pointed(self._refs[token], "")
        elif token >= tokenizer.n_specials and self._speaking:
            self._pending.append(token)
            if self._open is not None:
                self._words.append(token)
            yield from self._flush(complete=True)

    def _flush(self, complete: bool = False) -> Iterator[TextDelta]:
        """Pending tokens as text; with `complete`, only once they end on a whole character."""
        text = self._tokenizer.raw(self._pending)
        if not text or (complete and text.endswith("\ufffd")):
            return
        self._pending = []
        yield TextDelta(text if self._started else text.removeprefix(" "))
        self._started = True

    def _close(self) -> Iterator[Pointed]:
        if self._open is not None:
            yield Pointed(self._open, self._tokenizer.decode(self._words))
        self._open, self._words = None, []
