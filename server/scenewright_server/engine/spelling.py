"""Constrained decoding of names: what the app's scene graph calls a thing is spelled as the app spells it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from scenewright_server.model.fusion import FusedModel
from scenewright_server.model.scene import Entry, label_tokens


class Speller:
    """Follows one response. Inside a mention of a graph object only adjectives, each once, and then the object's
    label, token by token, may come; elsewhere, and for what is only seen, anything."""

    def __init__(self, model: FusedModel, entries: Sequence[Entry], speaks_at_once: bool) -> None:
        tokenizer = model.tokenizer
        labels = [label_tokens(entry, tokenizer) for entry in entries]
        self._labels = {tokenizer.refs[k]: label for k, label in enumerate(labels) if label}
        self._adjectives = model.adjective_ids
        self._say, self._end = tokenizer.say, tokenizer.end
        self._speaking = speaks_at_once
        self._to_spell: list[int] = []  # of the open mention's label
        self._free: set[int] = set()  # adjectives that may still come before it

    def mask(self, logits: Tensor) -> Tensor:
        """logits (V,) with what may not come next at -inf."""
        if not self._to_spell:
            return logits
        allowed = torch.tensor([self._to_spell[0], *self._free], device=logits.device)
        return torch.full_like(logits, float("-inf")).index_copy(0, allowed, logits[allowed])

    def feed(self, token: int) -> None:
        """Take note of the token that came."""
        self._speaking |= token == self._say
        if self._to_spell:
            if token == self._to_spell[0]:
                self._to_spell, self._free = self._to_spell[1:], set()
            else:
                self._free.discard(token)
        elif self._speaking and token in self._labels:
            self._to_spell = [*self._labels[token], self._end]
            self._free = set(self._adjectives) - {self._to_spell[0]}
