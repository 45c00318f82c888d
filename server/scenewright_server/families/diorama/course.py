"""The course of an answer: all of its words, laid down by what was found, so that the decoder chooses none of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scenewright_server.families.diorama.tokenizer import Tokenizer
from scenewright_server.languages import LANGUAGES
from scenewright_server.languages.en import article
from scenewright_server.languages.language import Language
from scenewright_server.scene.findings import Answer
from scenewright_server.scene.looks import Looks
from scenewright_server.scene.plans import LOOKS


@dataclass(frozen=True)
class Words:
    """These tokens, and no others. A mention begins with the reference to its `thing`; `sure` is how likely its words
    are right, as far as what was seen tells."""

    ids: tuple[int, ...]
    thing: int | None = None
    sure: float = 1.0


@dataclass(frozen=True)
class Spelled:
    """A mention of entry k in these words."""

    k: int
    words: str
    sure: float = 1.0


class Mentions:
    """The names of things: a label that is made of known words, and what is seen, in the language of `values`, other
    labels as they stand, behind what is seen of their looks."""

    def __init__(self, looks: Looks, spoken: Language, values: Mapping[str, str]) -> None:
        self._looks, self._spoken, self._values = looks, spoken, values

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
        seen = {name: value for name in looks if name not in told and (value := self._looks.likeliest(k, name))}
        name = noun
        if graph is not None and noun not in self._looks.values["kind"]:
            name, told = graph.label, {}
        elif graph is None:
            name = self._looks.likeliest(k, "kind") or "thing"
            seen["kind"] = name
        known = seen | told
        front = [value for look in LOOKS if (value := known.get(look)) is not None and value != "plain"]
        sure = math.prod(self._looks.probability(k, look, value) for look, value in seen.items() if value != "thing")
        first, *others = map(self.value, [*front, name])
        return Spelled(k, first + "".join(self._spoken.gap(word) + word for word in others), sure)


def lay_course(
    tokenizer: Tokenizer, answer: Answer, language: str, looks: Looks, values: Mapping[str, str]
) -> list[Words]:
    """The words of an answer in their order; `values`: the language's names for values."""
    spoken = LANGUAGES[language]
    steps: list[Words] = []
    for part in spoken.say(answer, Mentions(looks, spoken, values)):
        said = part if isinstance(part, str) else part.words
        # What comes first has its own leading space, which the reader takes away.
        ids = tokenizer.encode(spoken.gap(said) + said) if steps else tokenizer.words(said)
        if isinstance(part, str):
            steps.append(Words(tuple(ids)))
        else:
            steps.append(Words((tokenizer.refs[part.k], *ids, tokenizer.end), part.k, part.sure))
    return steps
