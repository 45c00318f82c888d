"""What the rest may know of a language model alone: it goes on from any text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from scenewright_server.families.family import Script

P = TypeVar("P")
"""A prompt as a writer reads it: ids, or its text where only an endpoint knows these."""


@dataclass(frozen=True)
class Token:
    """One token of a text as the vocabulary writes it, and the natural logarithm of its probability. id: 0 where an
    endpoint does not tell it."""

    id: int
    name: str
    log_probability: float


class Writing(Script, Protocol):
    """A script of one pass that goes on from a prompt."""

    @property
    def tokens(self) -> Sequence[Token]:
        """Those so far, what ends a text included; none where an endpoint does not tell them."""


class LocalWriting(Writing, Protocol):
    """One whose decoder is on this machine: the engine may search it with beams."""

    @property
    def prompt(self) -> tuple[int, ...]:
        """The ids that it goes on from."""

    @property
    def stops(self) -> frozenset[int]:
        """The tokens that end a text."""

    def text(self, ids: Sequence[int]) -> str:
        """What tokens after the prompt say."""

    def token(self, id: int, log_probability: float) -> Token:
        """A token of its vocabulary."""


class Writer(Protocol[P]):
    """Goes on from any text. Pure; for any thread."""

    @property
    def tells_tokens(self) -> bool:
        """Whether its writings know their tokens."""

    def read(self, prompt: str) -> P:
        """A prompt, behind what begins every text of the model; empty where it has no tokens."""

    def open(self, prompt: P, max_new_tokens: int, json_schema: str = "") -> Writing:
        """The script that goes on. Raises ModelError CONTEXT_FULL, and FIELD_INVALID for a schema that it cannot
        hold to."""
