"""What a language is: how answers are said, around the names that a speaker has for things."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar, Protocol, TypeVar

from scenewright_server.scene.findings import Answer, Place, Reason

M = TypeVar("M")

MAX_NAMED = 3
"""Of several things that may be meant; more are only counted."""


class Names(Protocol[M]):
    """How a speaker mentions entry k of its scene, and what it calls a value in its language.

    A mention may be whatever the speaker makes of it: words, words that point, or a step that finds the words later.
    """

    def full(self, k: int) -> M:
        """By all that is known of its looks: "large striped red chair"."""

    def usual(self, k: int) -> M:
        """ "red chair"."""

    def noun(self, k: int) -> M:
        """ "chair"."""

    def article(self, mention: M) -> str | M:
        """The indefinite article before a mention, asked for where the language has one."""

    def value(self, value: str) -> str:
        """ "red", "红色"."""


class Language(Protocol):
    """How a language says what was found. All text is lower case, as a small decoder learns it (`dressing` writes it as
    a person does), but for `unheard`: that no question was heard."""

    refusals: ClassVar[Mapping[Reason, str]]
    unheard: ClassVar[str]
    places: ClassVar[Mapping[Place, str]]

    def gap(self, words: str) -> str:
        """What stands between words and these that follow them: a space, or nothing."""

    def count(self, n: int) -> str:
        """How many: "two", "两个"."""

    def say(self, answer: Answer, names: Names[M]) -> tuple[str | M, ...]:
        """An answer as words and mentions, in the order in which they are said."""


def join(parts: Iterable[str]) -> str:
    """Words of one language as a person reads them."""
    return "".join(p if i == 0 or is_wide(p) or p == "," else f" {p}" for i, p in enumerate(parts))


def is_wide(text: str) -> bool:
    """Whether a text begins with a Chinese character or mark, before which no space stands."""
    return "\u3000" <= text[:1] <= "\uffef"


def say_metres(metres: float) -> str:
    """A distance in digits, as models are told of it: to a tenth of a metre, from ten on to a metre."""
    return f"{metres:.1f}" if metres < 9.95 else f"{metres:.0f}"
