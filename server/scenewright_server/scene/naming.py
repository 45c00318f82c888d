"""From the words of a plan's slot to the entries that they name."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from scenewright_server.scene.entries import Entry
from scenewright_server.scene.findings import Refusal, Several
from scenewright_server.scene.looks import Looks
from scenewright_server.scene.matching import Matching
from scenewright_server.scene.pointing import PointedAt
from scenewright_server.scene.words import WIDE, is_chinese, normalise

FITS, MAY_FIT = 0.4, 0.02  # one of a class; the best of all for "the ..."
DOUBT = 0.05  # whoever says "the striped chair" knows that it is there: a look may be seen wrongly
NOT_NOISE = 0.22  # fit times score: what is hardly there makes nothing doubtful
TWIN = 0.55  # of the smaller box in the larger: two detections of one thing
NEARLY = 0.6  # how well a misspelt name fits: the decoder may misspell a rare one
MAX_WORDS = 6  # of a name in running text
_NO_NAMES = set(
    "a an the is are was there here what which where who how many much far do does did you i me my your it its this "
    "that these those in on of to at from with and or see have has any some all things thing".split()
)
PLACED_EN = re.compile(r"\b(?:on|under|in|of|to|behind|beside|near|than|from)(?: (?:the|a|an))? $")
PLACED_ZH = re.compile("的?[上下左右前后旁里]")
"""Around the name of a thing by which another is placed."""


class Naming:
    """Names among the entries of `looks`, of which there is one at least; `focus` are those that "it" may mean,
    `pointed` is what "this" means, None where nobody points."""

    def __init__(self, looks: Looks, focus: Sequence[int] = (), pointed: PointedAt | None = None) -> None:
        self._looks, self._entries = looks, looks.entries
        self._pointed = pointed
        self._told = list(zip(self._entries, looks.told, strict=True))
        self._matching = Matching(
            [(told[1] if told[0] else e.graph.label) if e.graph else "" for e, told in self._told],
            [(told[1], e.graph.label, *e.graph.aliases) if e.graph else () for e, told in self._told],
        )
        self._focus = [k for k in focus if k < len(self._entries)]

    def find_one(self, slot: str) -> tuple[int | Several | Refusal, float]:
        """The entry that a slot names, or why there is none, and how sure that is."""
        if slot == "this":
            return self._pointed_at(), 1.0
        if slot in ("it", "left one", "right one", "one"):
            return self._spoken_of(slot), 1.0
        fits = self._fits(slot, one=True, at_least=DOUBT)
        if fits.max() < MAY_FIT:
            return Refusal("missing"), 1.0
        surely = self._fits(slot, one=True) * np.array([e.score for e in self._entries])
        fitting = self._apart_from_twins([int(k) for k in np.flatnonzero(surely > NOT_NOISE)])
        # "The sofa" is what is called sofa before it is the camp sofa.
        noun = self._looks.split(slot)[1]
        fitting = [k for k in fitting if not self._looks.nouns[k] or noun in self._looks.nouns[k]] or fitting
        if len(fitting) > 1:
            return Several(tuple(fitting)), float(fits[fitting].min())
        best = fitting[0] if fitting else int(fits.argmax())
        return best, float(fits[best] / fits.sum())

    def find_all(self, slot: str) -> tuple[tuple[int, ...], float]:
        """All entries that a slot fits, and how sure that is."""
        fits = self._fits(slot)
        return tuple(int(k) for k in np.flatnonzero(fits > FITS)), float(np.maximum(fits, 1 - fits).min())

    def names_in(self, text: str) -> list[str]:
        """The longest words of running text that name something here, in its order."""
        text = normalise(text)
        exact = {normalise(name) for e in self._entries if e.graph for name in (e.graph.label, *e.graph.aliases)}
        wide = sorted((name for name in exact if re.match(f"[{WIDE}]", name)), key=lambda name: -len(name))
        found = {}
        for name in wide:
            if (at := text.find(name)) >= 0:
                found[at] = name
                text = text.replace(name, " " * len(name))
        words = [(m.start(), m[0]) for m in re.finditer(rf"[^\W{WIDE}]+(?:['-][^\W{WIDE}]+)*", text)]
        while words:
            spans = (words[:n] for n in range(min(MAX_WORDS, len(words)), 0, -1))
            n = next((len(span) for span in spans if self._is_name([word for _, word in span])), 0)
            if n:
                found[words[0][0]] = " ".join(word for _, word in words[:n])
            words = words[n or 1 :]
        return [found[at] for at in sorted(found)]

    def may_be_called(self, words: str) -> bool:
        """Whether something here has no name in the script of these words, so that nobody can tell that it is not
        meant."""
        is_known = self._looks.split(words)[1] in self._looks.values["kind"]
        names = [(e.graph.label, told[1], *e.graph.aliases) for e, told in self._told if e.graph]
        return not is_known and any(all(is_chinese(name) != is_chinese(words) for name in its if name) for its in names)

    def _is_name(self, words: Sequence[str]) -> bool:
        if words[0] in _NO_NAMES or words[-1] in _NO_NAMES:
            return False
        return bool((self._fits(" ".join(words)) > NEARLY).any())

    def find_named(self, text: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The entries that running text names, in its order: those that it speaks of, and those that only say where
        others are: "on the table"."""
        text = normalise(text)
        spoken_of: dict[int, None] = {}
        only_places: dict[int, None] = {}
        named: dict[str, tuple[int, ...]] = {}
        for match in re.finditer(self._looks.name_pattern(), text):
            name = match["name"]
            if name not in named:
                found, _ = self.find_one(name)
                named[name] = (found,) if isinstance(found, int) else found.things
            is_place = PLACED_EN.search(text[: match.start()]) or PLACED_ZH.match(text[match.end() :])
            (only_places if is_place else spoken_of).update(dict.fromkeys(named[name]))
        return tuple(spoken_of), tuple(only_places)

    def _pointed_at(self) -> int | Refusal:
        if isinstance(self._pointed, int):
            return self._pointed
        return Refusal("lost" if self._pointed is None else "unpointed")

    def _spoken_of(self, slot: str) -> int | Refusal:
        if not self._focus:
            return Refusal("lost")
        if slot == "it":
            return self._focus[0]
        return min(self._focus) if slot == "left one" else max(self._focus)

    def _fits(self, slot: str, one: bool = False, at_least: float = 0.0) -> np.ndarray:
        """For each entry, how well a slot fits it, (N,): the probability that its words do, no look counting for less
        than `at_least`. `one`: a single thing is meant, and an exact name goes before one that ends so."""
        looks, noun = self._looks.split(slot)
        whole, by_noun = self._named(slot, one), self._named(noun, one and not looks)
        for k, entry in enumerate(self._entries):
            if entry.graph is None and noun in self._looks.values["kind"]:
                by_noun[k] = self._looks.probability(k, "kind", noun)
            for look, value in looks.items():
                by_noun[k] *= max(self._looks.probability(k, look, value), at_least)
        return np.maximum(whole, by_noun)

    def _named(self, words: str, one: bool) -> np.ndarray:
        """How well words fit what the entries are called, (N,)."""
        if words == "thing":
            return np.ones(len(self._entries))
        fits = np.zeros(len(self._entries))
        match = self._matching.find(words, one)
        fits[list(match.things if words else ())] = NEARLY if match.is_near else 1.0
        return fits

    def _apart_from_twins(self, ks: list[int]) -> list[int]:
        """Those entries, less what lies over a surer one: one thing that was seen twice."""
        kept: list[int] = []
        for k in sorted(ks, key=lambda k: -self._entries[k].score):
            entry = self._entries[k]
            if entry.graph is not None or all(_overlap(self._entries[j], entry) < TWIN for j in kept):
                kept.append(k)
        return sorted(kept)


def _overlap(a: Entry, b: Entry) -> float:
    """The part of the smaller box that two entries share."""
    if a.box is None or b.box is None:
        return 0.0
    one, other = a.box, b.box
    w, h = (max(min(one[i + 2], other[i + 2]) - max(one[i], other[i]), 0.0) for i in (0, 1))
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return w * h / max(min(areas), 1e-9)
