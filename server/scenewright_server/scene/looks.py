"""What labels tell and what a frame shows of each entry's looks and kind."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from scenewright_server.scene.entries import Detections, Entry
from scenewright_server.scene.plans import LOOKS
from scenewright_server.scene.words import normalise

SURE = 0.85  # a look that is seen so belies the label


class Looks:
    """The looks of these entries.

    `values` names each attribute's values in the order of the detections' posteriors; `names`: language -> what it
    calls the values. `told`: for each entry, what its label tells: attribute -> value, and a noun ("" without label);
    `nouns`: that noun and its aliases, none without label. `translated`: another language's name -> value.
    """

    def __init__(
        self,
        entries: Sequence[Entry],
        seen: Detections | None,
        values: Mapping[str, Sequence[str]],
        names: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        self.entries, self.values, self._seen = entries, values, seen
        self._look_of = {word: look for look in LOOKS for word in values.get(look, ())}
        spoken = {name: value for called in (names or {}).values() for value, name in called.items()}
        self.translated = dict(sorted(spoken.items(), key=lambda pair: -len(pair[0])))
        self._labels = [normalise(e.graph.label) if e.graph else "" for e in entries]
        self.told = [self.split(label) for label in self._labels]
        self.nouns = [
            tuple(word for word in (noun, *map(normalise, e.graph.aliases)) if word) if e.graph else ()
            for e, (_, noun) in zip(entries, self.told, strict=True)
        ]

    def split(self, words: str) -> tuple[dict[str, str], str]:
        """Looks and noun of a name: "small red chair"; a label of other words is all noun."""
        *front, last = self._in_english(words).split() or [""]
        looks = {self._look_of[word]: word for word in front if word in self._look_of}
        if len(looks) == len(front):
            return looks, last
        rest = [word for word in front if word not in self._look_of]
        return ({}, words) if words in self._labels or not looks else (looks, " ".join([*rest, last]))

    def _in_english(self, words: str) -> str:
        """A name made of known words of another language, which may not part them, in English; others as they are."""
        english, rest = [], words
        while rest:
            name = next((name for name in self.translated if rest.startswith(name)), None)
            if name is None:
                return words
            english.append(self.translated[name])
            rest = rest[len(name) :].removeprefix("的").strip()
        return " ".join(english)

    def name_pattern(self, *more: str) -> str:
        """A regular expression of what things may be called in running text: looks, then a noun, or one of `more`;
        the group "name" leaves out a plural's ending."""
        kinds = self.values["kind"]
        labels = [word for label in self._labels if label for word in (label, label.split()[-1])]
        nouns = [*kinds, *more, *labels, *(noun for nouns in self.nouns for noun in nouns)]
        nouns += [name for name, value in self.translated.items() if value in kinds]
        fronts = [*self._look_of, *(name for name, value in self.translated.items() if value in self._look_of)]
        return rf"(?<![a-z])(?P<name>(?:(?:{_any(fronts)})[的 ]*)*(?:{_any(nouns)}))(?:e?s)?(?![a-z])"

    def posterior(self, k: int, attribute: str) -> np.ndarray | None:
        """How likely entry k is seen to have each value of an attribute, (n_values,); None where nobody saw it."""
        i = self.entries[k].detection
        posteriors = None if i is None or self._seen is None else self._seen.attributes.get(attribute)
        return None if posteriors is None else posteriors[i]

    def probability(self, k: int, attribute: str, value: str) -> float:
        """That entry k has this value; 0 where nothing tells."""
        looks, _ = self.told[k]
        if attribute in looks:
            return float(looks[attribute] == value)
        posterior = self.posterior(k, attribute)
        return 0.0 if posterior is None else float(posterior[list(self.values[attribute]).index(value)])

    def likeliest(self, k: int, attribute: str) -> str | None:
        """What entry k most likely is seen to have of an attribute; None where nobody saw it."""
        posterior = self.posterior(k, attribute)
        return None if posterior is None else self.values[attribute][int(posterior.argmax())]

    def belied(self, k: int) -> dict[str, str]:
        """What is surely seen of entry k where its label tells otherwise: attribute -> value."""
        looks, noun = self.told[k]
        told = {**looks, **({"kind": noun} if noun in self.values["kind"] else {})}
        seen = {}
        for attribute, value in told.items():
            posterior = self.posterior(k, attribute)
            if posterior is not None and posterior.max() > SURE:
                best = self.values[attribute][int(posterior.argmax())]
                if best != value and attribute != "size":
                    seen[attribute] = best
        return seen


def _any(words: Iterable[str]) -> str:
    """A regular expression of any of these words, longer ones first."""
    return "|".join(map(re.escape, sorted({word for word in words if word}, key=lambda word: (-len(word), word))))
