"""What the rest may know of a language model alone: it goes on from any text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from scenewright_server.families.family import Script


class Writing(Script, Protocol):
    """A script of one pass that goes on from a prompt; the engine may search it with beams."""

    @property
    def prompt(self) -> tuple[int, ...]:
        """The ids that it goes on from."""

    @property
    def ids(self) -> Sequence[int]:
        """The tokens so far, those that end a text included."""

    @property
    def log_probabilities(self) -> Sequence[float]:
        """Of these tokens, natural logarithms."""

    @property
    def stops(self) -> frozenset[int]:
        """The tokens that end a text."""

    def text(self, ids: Sequence[int]) -> str:
        """What tokens after the prompt say."""


class Writer(Protocol):
    """Goes on from any text. Pure; for any thread."""

    def read(self, prompt: str) -> tuple[int, ...]:
        """A prompt's ids, behind those that begin every text of the model."""

    def open(self, prompt: tuple[int, ...], max_new_tokens: int, json_schema: str = "") -> Writing:
        """The script that goes on. Raises ModelError CONTEXT_FULL, and FIELD_INVALID for a schema that it cannot
        hold to."""

    def name(self, id: int) -> str:
        """How the vocabulary writes a token."""
