"""Constrained decoding of what the app's scene graph knows: its labels as it spells them, and its poses.

The model chooses what to speak of, when, and with which adjectives; what is known exactly is not left to it.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from scenewright_server.model.fusion import FusedModel
from scenewright_server.model.scene import Entry, label_tokens, placement


class Speller:
    """Follows one response. Inside a mention of a graph object only adjectives, each once, and then the object's
    label, token by token, may come, and in a description its place; elsewhere, and for what is only seen, anything."""

    def __init__(self, model: FusedModel, entries: Sequence[Entry], is_description: bool) -> None:
        tokenizer = model.tokenizer
        labels = [label_tokens(entry, tokenizer) for entry in entries]
        self._tokenizer = tokenizer
        self._entries = entries
        self._labels = {tokenizer.refs[k]: label for k, label in enumerate(labels) if label}
        self._adjectives = model.adjective_ids
        self._speaking = self._is_description = is_description
        self._to_spell: list[int] = []
        self._free: set[int] = set()  # adjectives that may still come before it
        self._previous: int | None = None  # the entry mentioned last

    def mask(self, logits: Tensor) -> Tensor:
        """logits (V,) with what may not come next at -inf."""
        if not self._to_spell:
            return logits
        allowed = torch.tensor([self._to_spell[0], *self._free], device=logits.device)
        return torch.full_like(logits, float("-inf")).index_copy(0, allowed, logits[allowed])

    def feed(self, token: int) -> None:
        """Take note of the token that came."""
        self._speaking |= token == self._tokenizer.say
        if self._to_spell:
            if token == self._to_spell[0]:
                self._to_spell, self._free = self._to_spell[1:], set()
            else:
                self._free.discard(token)
        elif self._speaking and token in self._tokenizer.refs[: len(self._entries)]:
            k = self._tokenizer.refs.index(token)
            if token in self._labels:
                self._to_spell = [*self._labels[token], self._tokenizer.end, *self._place(k)]
                self._free = set(self._adjectives) - {self._to_spell[0]}
            self._previous = k

    def _place(self, k: int) -> list[int]:
        """The tokens of where a description says that entry k stands, where the graph knows it."""
        before = self._previous
        if not self._is_description or (before is not None and self._entries[before].graph is None):
            return []
        return self._tokenizer.words(placement(self._entries, k, before))
