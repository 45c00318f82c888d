"""A script's events up to a stop string."""

from __future__ import annotations

from collections.abc import Iterable

from scenewright_server.families.family import Event, TextDelta


class Output:
    """Lets events out; text that may turn out to begin a stop string is held back until it does or does not."""

    def __init__(self, stop: tuple[str, ...]) -> None:
        self.stopped = False  # a stop string came; nothing follows
        self._stop = stop
        self._held: list[Event] = []

    def feed(self, events: Iterable[Event]) -> list[Event]:
        """What further events let out."""
        return self._let_out(events, last=False)

    def finish(self, events: Iterable[Event] = ()) -> list[Event]:
        """What is left when these are the last."""
        return [] if self.stopped else self._let_out(events, last=True)

    def _let_out(self, events: Iterable[Event], last: bool) -> list[Event]:
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

    def _release(self, n_chars: int) -> list[Event]:
        """The held events up to the n_chars-th character of their text."""
        released: list[Event] = []
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
