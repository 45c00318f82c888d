"""The course of an answer whose words are known beforehand: a description but for the names of things and their
articles, a number, why there is no answer; and all of an answer in another language than its question's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from scenewright_server.families.diorama.tokenizer import Tokenizer
from scenewright_server.languages import LANGUAGES
from scenewright_server.languages.en import article
from scenewright_server.languages.language import MAX_NAMED, join
from scenewright_server.scene.findings import Answer, Count, Refusal, Several, Survey
from scenewright_server.scene.looks import Looks
from scenewright_server.scene.plans import LOOKS
from scenewright_server.scene.words import normalise


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


@dataclass(frozen=True)
class Spelled:
    """A mention of entry k in these words."""

    k: int
    words: str


class SpelledMentions:
    """The names of things in their words: a label that is made of known words, and what is seen, in the language of
    `values`, other labels as they stand."""

    def __init__(self, looks: Looks, values: Mapping[str, str]) -> None:
        self._looks, self._values = looks, values

    def full(self, k: int) -> Spelled:
        return self._spell(k, LOOKS)

    def usual(self, k: int) -> Spelled:
        return self._spell(k, ("colour",))

    def noun(self, k: int) -> Spelled:
        return self._spell(k, ())

    def article(self, mention: Spelled) -> str:
        return article(mention.words)

    def value(self, value: str) -> str:
        return self._values.get(value, value)

    def _spell(self, k: int, looks: Sequence[str]) -> Spelled:
        graph, (told, noun) = self._looks.entries[k].graph, self._looks.told[k]
        if graph is not None and noun not in self._looks.values["kind"]:
            return Spelled(k, normalise(graph.label) or graph.label)
        known = {**{name: self._looks.likeliest(k, name) for name in looks}, **told}
        front = [value for look in LOOKS if (value := known.get(look)) is not None and value != "plain"]
        words = [*front, noun or self._looks.likeliest(k, "kind") or "thing"]
        return Spelled(k, join(self.value(word) for word in words))


def lay_whole_course(
    tokenizer: Tokenizer, answer: Answer, language: str, looks: Looks, values: Mapping[str, str]
) -> list[Step]:
    """The steps of an answer all of whose words are known, those of the names too."""

    def ids(part: str | Spelled) -> tuple[int, ...]:
        if isinstance(part, str):
            return tuple(tokenizer.words(part))
        return tokenizer.refs[part.k], *tokenizer.words(part.words), tokenizer.end

    said = LANGUAGES[language].say(answer, SpelledMentions(looks, values))
    words = Words(tuple(id for part in said for id in ids(part)))
    return [words, Choice(frozenset([tokenizer.eot]))]


def lay_course(tokenizer: Tokenizer, answer: Answer, language: str, values: Mapping[str, str]) -> list[Step]:
    """The steps of an answer; none where the decoder finds the words. `values`: the language's names for values."""
    is_long = isinstance(answer, Several) and len(answer.things) > MAX_NAMED
    if not is_long and not isinstance(answer, Refusal | Count | Survey):
        return []
    said = LANGUAGES[language].say(answer, Mentions(tokenizer, values))
    return [*_steps(tokenizer, said), Choice(frozenset([tokenizer.eot]))]


def _steps(tokenizer: Tokenizer, said: Iterable[str | Step]) -> Iterable[Step]:
    return (Words(tuple(tokenizer.words(part))) if isinstance(part, str) else part for part in said)
