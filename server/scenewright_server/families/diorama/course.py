"""The course of an answer whose words are known beforehand: a description but for the names of things and their
articles, a number, and why there is no answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from scenewright_server.families.diorama.tokenizer import Tokenizer
from scenewright_server.languages import LANGUAGES
from scenewright_server.languages.language import MAX_NAMED
from scenewright_server.scene.findings import Answer, Count, Refusal, Several, Survey


@dataclass(frozen=True)
class Words:
    """These tokens, and no others."""

    ids: tuple[int, ...]


@dataclass(frozen=True)
class Choice:
    """One of these tokens, as the decoder likes."""

    ids: frozenset[int]


@dataclass(frozen=True)
class Name:
    """A mention of entry k, in the decoder's words."""

    k: int


Step = Words | Choice | Name


class Mentions:
    """The names of things as steps; `values`: the language's names for values."""

    def __init__(self, tokenizer: Tokenizer, values: Mapping[str, str]) -> None:
        self._article = Choice(frozenset(id for word in ("a", "an") for id in tokenizer.words(word)))
        self._values = values

    def full(self, k: int) -> Step:
        return Name(k)

    usual = noun = full

    def article(self, mention: Step) -> Step:
        """The decoder's choice, as it alone knows what comes."""
        return self._article

    def value(self, value: str) -> str:
        return self._values.get(value, value)


def lay_course(tokenizer: Tokenizer, answer: Answer, language: str, values: Mapping[str, str]) -> list[Step]:
    """The steps of an answer; none where the decoder finds the words. `values`: the language's names for values."""
    is_long = isinstance(answer, Several) and len(answer.things) > MAX_NAMED
    if not is_long and not isinstance(answer, Refusal | Count | Survey):
        return []
    said = LANGUAGES[language].say(answer, Mentions(tokenizer, values))
    return [*_steps(tokenizer, said), Choice(frozenset([tokenizer.eot]))]


def _steps(tokenizer: Tokenizer, said: Iterable[str | Step]) -> Iterable[Step]:
    return (Words(tuple(tokenizer.words(part))) if isinstance(part, str) else part for part in said)
