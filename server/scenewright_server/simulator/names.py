"""How a question names things."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scenewright_server.languages.en import article, plural
from scenewright_server.languages.language import is_wide
from scenewright_server.scene.plans import LOOKS
from scenewright_server.simulator import truth
from scenewright_server.simulator.kinds import ATTRIBUTES, COLOURS
from scenewright_server.simulator.phrases import CHINESE
from scenewright_server.simulator.text import Thing, name_words


@dataclass(frozen=True)
class Name:
    """Words for one thing or a class of things: looks, and a noun or "thing"."""

    looks: tuple[tuple[str, str], ...]
    noun: str

    @property
    def slot(self) -> str:
        return name_words(dict(self.looks), self.noun, "en")

    def say(self, language: str, form: str, rng: np.random.Generator) -> str:
        """In a question. `form`: "the", "a", "plural"."""
        if self.noun == "it":
            return "it" if language == "en" else "它"
        noun = plural(self.noun) if form == "plural" and language == "en" else self.noun
        words = name_words(dict(self.looks), noun, language)
        if language == "en":
            return words if form == "plural" else f"{'the' if form == 'the' else article(words)} {words}"
        ends_in_colour = self.looks and self.looks[-1][0] == "colour" and is_wide(words)
        if ends_in_colour and rng.random() < 0.4:
            noun = CHINESE.get(self.noun, self.noun)
            words = words.removesuffix(noun).rstrip() + "的" + noun
        return ("那个" if form == "the" and rng.random() < 0.15 else "") + words


def name_one(things: Sequence[Thing], i: int, rng: np.random.Generator, without: str = "") -> Name | None:
    """A shortest-first random name that means thing i alone, not using the attribute `without`."""
    thing = things[i]
    last = thing.name.split()[-1]
    if last != thing.name and rng.random() < 0.2 and truth.meant(things, {}, last) == [i]:
        return Name((), last)
    adjectives = [k for k in LOOKS if k != without and getattr(thing, k) and not thing.seen(k)]
    adjectives = [k for k in adjectives if getattr(thing, k) != "plain"]
    sets: list[list[str]] = [[], *([a] for a in adjectives)]
    if len(adjectives) > 1:
        sets += [[a, b] for n, a in enumerate(adjectives) for b in adjectives[n + 1 :]]
    if adjectives and rng.random() < 0.5:
        sets = [sets[1 + rng.integers(len(adjectives))], *sets]
    for keys in sets:
        looks = {k: getattr(thing, k) for k in keys}
        if truth.meant(things, looks, thing.name) == [i]:
            return Name(tuple(looks.items()), thing.name)
    return None


def name_class(things: Sequence[Thing], distractors: Sequence[str], rng: np.random.Generator) -> Name:
    """A class to ask for, half of them of a thing that is there."""
    i = int(rng.integers(len(things)))
    thing = things[i]
    noun = thing.name if rng.random() < 0.5 else pick(rng, distractors)
    if thing.colour is None or rng.random() < 0.35:
        return Name((), noun)
    if rng.random() < 0.15 and thing.size:
        return Name((("size", pick(rng, ATTRIBUTES["size"])),), thing.name)
    colour = thing.colour if rng.random() < 0.5 else pick(rng, COLOURS)
    return Name((("colour", colour),), thing.name if rng.random() < 0.7 else noun)


def is_belied(things: Sequence[Thing], name: Name) -> bool:
    """Whether frame and label disagree on something that this name asks for."""
    asked = [*dict(name.looks), *(["kind"] if name.noun in ATTRIBUTES["kind"] else [])]
    return any(thing.seen(look) for thing in things for look in asked)


def pick(rng: np.random.Generator, options: Sequence[str]) -> str:
    """One of these, all as likely."""
    return options[int(rng.integers(len(options)))]
