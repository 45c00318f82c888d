"""From the words of a plan's slot to the entries that they name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher

import numpy as np

from scenewright_server.scene.entries import Entry
from scenewright_server.scene.findings import Refusal, Several
from scenewright_server.scene.looks import Looks
from scenewright_server.scene.pointing import PointedAt
from scenewright_server.scene.words import is_chinese, normalise

FITS, MAY_FIT = 0.4, 0.02  # one of a class; the best of all for "the ..."
DOUBT = 0.05  # whoever says "the striped chair" knows that it is there: a look may be seen wrongly
NOT_NOISE = 0.22  # fit times score: what is hardly there makes nothing doubtful
TWIN = 0.55  # of the smaller box in the larger: two detections of one thing
ALIKE = 0.75  # of a slot's letters and a label's: the decoder may misspell a rare one
LAST_WORD = 0.8  # how well "king" fits the label "goblin king"
PLACED_EN = re.compile(r"\b(?:on|under|in|of|to|behind|beside|near|than|from)(?: (?:the|a|an))? $")
PLACED_ZH = re.compile("的?[上下左右前后旁里]")
"""Around the name of a thing by which another is placed."""


class Naming:
    """Names among the entries of `looks`, of which there is one at least; `focus` are those that "it" may mean,
    `pointed` is what "this" means, None where nobody points."""

    def __init__(self, looks: Looks, focus: Sequence[int] = (), pointed: PointedAt | None = None) -> None:
        self._looks, self._entries = looks, looks.entries
        self._pointed = pointed
        self._focus = [k for k in focus if k < len(self._entries)]

    def find_one(self, slot: str) -> tuple[int | Several | Refusal, float]:
        """The entry that a slot names, or why there is none, and how sure that is."""
        if slot == "this":
            return self._pointed_at(), 1.0
        if slot in ("it", "left one", "right one", "one"):
            return self._spoken_of(slot), 1.0
        fits = self._fits(slot, at_least=DOUBT)
        if fits.max() < MAY_FIT:
            return Refusal("missing"), 1.0
        scores = np.array([e.score for e in self._entries])
        fitting = self._apart_from_twins([int(k) for k in np.flatnonzero(self._fits(slot) * scores > NOT_NOISE)])
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

    def _fits(self, slot: str, at_least: float = 0.0) -> np.ndarray:
        """For each entry, how well a slot fits it, (N,)."""
        names: list[tuple[dict[str, str], str]] = [({}, slot), self._looks.split(slot)]
        return np.array([max(self._fit(k, *name, at_least) for name in names) for k in range(len(self._entries))])

    def _fit(self, k: int, looks: Mapping[str, str], noun: str, at_least: float) -> float:
        """The probability that these words fit entry k, no look counting for less than `at_least`."""
        if noun == "thing":
            p = 1.0
        elif self._looks.nouns[k]:
            p = max(_likeness(noun, told) for told in self._looks.nouns[k])
        else:
            p = self._looks.probability(k, "kind", noun) if noun in self._looks.values["kind"] else 0.0
        for look, value in looks.items():
            p *= max(self._looks.probability(k, look, value), at_least)
        return p

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


def _likeness(noun: str, told: str) -> float:
    """How well a noun names what is told of as `told`."""
    if noun == told:
        return 1.0
    if told.endswith(noun if is_chinese(noun) else f" {noun}"):
        return LAST_WORD
    is_long = min(len(noun), len(told)) > 4 and noun.count(" ") == told.count(" ")
    ratio = SequenceMatcher(None, noun, told).ratio() if is_long else 0.0
    return 0.7 * ratio if ratio > ALIKE else 0.0
