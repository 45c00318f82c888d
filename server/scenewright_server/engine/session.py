"""A dialogue about one scene: what is seen, what was said, and the keys and values of both."""

from __future__ import annotations

from collections import deque

import torch
from torch import Tensor

from scenewright_server.engine.kv_cache import KVCache
from scenewright_server.scene.entries import Detections, Entry, GraphObject, is_same


class Session:
    """Only the engine thread touches it. It takes memory for its cache with its first turn.

    The context is prefix (P, D), which sees itself whole, then the turns (T, D), oldest first. The cache
    holds the start of it; a turn runs what the cache lacks. While a turn is under way (`busy`) others wait.
    """

    def __init__(self) -> None:
        self.busy = False
        self.scene_key: bytes | None = None  # of detections and graph
        self.detections: Detections | None = None
        self.graph: tuple[GraphObject, ...] = ()
        self.entries: tuple[Entry, ...] = ()  # both, merged: what mentions refer to
        self.focus: tuple[Entry, ...] = ()  # what the last answer settled on: "it"
        self.cache: KVCache | None = None
        self._prefix: Tensor | None = None
        self._turns: deque[Tensor] = deque()
        self._prompt: Tensor | None = None  # of the turn under way, then of the last one
        self._kept = False  # the last turn is among the turns
        self._focus_before: tuple[Entry, ...] = ()  # `focus` without the last turn

    @property
    def n_turns(self) -> int:
        """Complete turns that the next one will remember."""
        return len(self._turns)

    @property
    def prefix_len(self) -> int:
        return 0 if self._prefix is None else len(self._prefix)

    @property
    def history_len(self) -> int:
        """Positions of the prefix and of the complete turns."""
        return self.prefix_len + sum(map(len, self._turns))

    @property
    def focus_refs(self) -> list[int]:
        """The entries that `focus` is of now, after a change of the scene too."""
        found = ((k for k, entry in enumerate(self.entries) if is_same(entry, old)) for old in self.focus)
        return [k for ks in found for k in list(ks)[:1]]

    def see(self, entries: tuple[Entry, ...], prefix: Tensor) -> None:
        """Put another scene (P, D) before the dialogue; what was said will be run again behind it."""
        self.entries = entries
        self._prefix = prefix
        self._rewind(0)

    def open_turn(self, prompt: Tensor, reserve: int, n_ctx: int) -> Tensor:
        """Begin a turn with its prompt (T, D); returns the embeddings (N, D) that the cache lacks, N >= T.

        The oldest turns are dropped until `reserve` positions are free after the prompt.
        """
        self._prompt, self._kept = prompt, False
        while self._turns and self.history_len + len(prompt) + reserve > n_ctx:
            self._turns.popleft()
            self._rewind(self.prefix_len)
        parts = [] if self._prefix is None else [self._prefix]
        context = torch.cat([*parts, *self._turns, prompt])
        return context[0 if self.cache is None else self.cache.length :]

    def close_turn(self, answer: Tensor | None, settled: tuple[Entry, ...] = ()) -> None:
        """End the turn with its answer (T, D) and what that settled on, or without one: then it has never been."""
        self._focus_before = self.focus
        if answer is not None and self._prompt is not None:
            self._turns.append(torch.cat([self._prompt, answer]))
            self._kept = True
            self.focus = settled or self.focus
        self._rewind(self.history_len)

    def amend_turn(self, answer: Tensor | None, settled: tuple[Entry, ...] = ()) -> None:
        """Let the last turn, however it was closed, have ended with this answer (T, D), or never have been."""
        if self._kept:
            self._turns.pop()
            self._kept = False
            self.focus = self._focus_before
        self._rewind(self.history_len)
        self.close_turn(answer, settled)

    def _rewind(self, length: int) -> None:
        if self.cache is not None:
            self.cache.truncate(length)
