"""One sequence's tokens as events: text up to a stop string, and mentions with their confidence."""

from __future__ import annotations

from collections.abc import Iterable

from scenewright_server.engine.request import Mentioned
from scenewright_server.families.diorama.markup import MarkupReader, Mention, TextDelta
from scenewright_server.families.diorama.tokenizer import Tokenizer
from scenewright_server.scene.entries import Entry


class Output:
    """Text that may turn out to begin a stop string is held back until it does or does not."""

    def __init__(self, tokenizer: Tokenizer, entries: tuple[Entry, ...], points: bool, stop: tuple[str, ...]) -> None:
        self.stopped = False  # a stop string came; nothing follows
        self._reader = MarkupReader(tokenizer, len(entries), points)
        self._entries = entries
        self._stop = stop
        self._refs = frozenset(tokenizer.refs)
        self._n_specials = tokenizer.n_specials
        self._word_probabilities: list[float] = []  # of the words since the last reference
        self._held: list[TextDelta | Mentioned] = []

    def feed(self, token: int, probability: float) -> list[TextDelta | Mentioned]:
        """What one more token lets out; `probability` is the one that the model gave it."""
        events = self._ground(self._reader.feed(token), probability)
        if token in self._refs:
            self._word_probabilities = []
        elif token >= self._n_specials:
            self._word_probabilities.append(probability)
        return self._let_out(events, last=False)

    def finish(self) -> list[TextDelta | Mentioned]:
        """What is left when the sequence ends."""
        return [] if self.stopped else self._let_out(self._ground(self._reader.finish(), 0.0), last=True)

    def _ground(self, read: Iterable[TextDelta | Mention], probability: float) -> list[TextDelta | Mentioned]:
        """Mentions with what they point at; one with no words is as sure as its reference token."""
        probabilities = self._word_probabilities or [probability]
        confidence = sum(probabilities) / len(probabilities)
        return [
            event
            if isinstance(event, TextDelta)
            else Mentioned(event.ref, event.words, confidence if event.words else probability, self._entries[event.ref])
            for event in read
        ]

    def _let_out(self, events: list[TextDelta | Mentioned], last: bool) -> list[TextDelta | Mentioned]:
        self._held += events
        text = "".join(event.text for event in self._held if isinstance(event, TextDelta))
        found = [at for at in map(text.find, self._stop) if at >= 0]
        if found:
            self.stopped = True
            return self._release(min(found))
        return self._release(len(text) if last else len(text) - self._n_doubtful(text))

    def _n_doubtful(self, text: str) -> int:
        """Characters at the end of `text` that begin a stop string."""
        longest = max(map(len, self._stop), default=1) - 1
        return next((n for n in range(min(longest, len(text)), 0, -1) if self._begins_stop(text[-n:])), 0)

    def _begins_stop(self, text: str) -> bool:
        return any(stop.startswith(text) for stop in self._stop)

    def _release(self, n_chars: int) -> list[TextDelta | Mentioned]:
        """The held events up to the n_chars-th character of their text."""
        released: list[TextDelta | Mentioned] = []
        while self._held:
            event = self._held[0]
            if isinstance(event, TextDelta):
                if len(event.text) > n_chars:
                    if n_chars:
                        released.append(TextDelta(event.text[:n_chars]))
                        self._held[0] = TextDelta(event.text[n_chars:])
                    break
                n_chars -= len(event.text)
            released.append(self._held.pop(0))
        return released
