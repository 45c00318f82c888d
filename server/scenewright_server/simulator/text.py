"""What can truly be said of a scene: its things, where they stand, its description.

Text is made from `Thing`s, which a simulated scene and an app's scene graph share, so open labels
("goblin king") are talked about in the same sentences as the simulator's own kinds.
All text is lower case; words in a `Mention` point at the thing that they name.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scenewright_server.languages import LANGUAGES
from scenewright_server.languages.en import article
from scenewright_server.languages.language import is_wide, join
from scenewright_server.scene.entries import Side
from scenewright_server.scene.findings import Answer, Place, Placing, Refusal, Survey
from scenewright_server.scene.plans import LOOKS
from scenewright_server.simulator.phrases import CHINESE
from scenewright_server.simulator.scene import Box, Scene, Vector

DEPTH_MARGIN_M = 0.3
BEHIND_YOU_RAD = 1.75
REACH_M = 0.8  # an arm's length


@dataclass(frozen=True)
class Thing:
    """Something to talk of: its noun, its centre in the camera's frame and extents (metres), its looks if known.

    `box` is None when it is out of view; `support` is the index of the thing that it stands on. `seen_as`: looks,
    or its "kind", that the frame shows where the app's label tells of others.
    """

    name: str
    position: Vector
    extents: Vector
    box: Box | None = None
    support: int | None = None
    colour: str | None = None
    pattern: str | None = None
    size: str | None = None
    seen_as: tuple[tuple[str, str], ...] = ()

    @property
    def bearing(self) -> float:
        """Radians to the right of straight ahead, in [-pi, pi]."""
        return math.atan2(self.position[0], self.position[2])

    @property
    def distance(self) -> float:
        """Metres from the user."""
        return math.dist(self.position, (0, 0, 0))

    @property
    def is_behind_you(self) -> bool:
        return abs(self.bearing) > BEHIND_YOU_RAD

    @property
    def side(self) -> Side:
        """Where the user sees it; "you" is behind the user."""
        if self.is_behind_you:
            return "you"
        return "left" if self.across < -0.15 else "right" if self.across > 0.15 else "middle"

    @property
    def across(self) -> float:
        """How far right of the middle of the frame it is seen, in frame widths; its bearing when it is out of view."""
        return (self.box[0] + self.box[2]) / 2 - 0.5 if self.box else self.bearing

    def seen(self, look: str) -> str | None:
        """What the frame shows of a look, or the kind, where the label tells of another."""
        return dict(self.seen_as).get(look)

    def is_called(self, noun: str) -> bool:
        """Whether a noun names it: "thing", its own, or the last word of its own."""
        return noun in ("thing", self.name) or self.name.endswith(f" {noun}")

    @property
    def phrase(self) -> str:
        """Every word known of its looks, then its noun: "large striped red chair"."""
        return self.words("en", LOOKS)

    @property
    def short(self) -> str:
        """Colour and noun: "red chair"."""
        return self.words("en")

    def words(self, language: str, looks: Sequence[str] = ("colour",)) -> str:
        """Its name with these looks, in a language."""
        known = {look: value for look in looks if (value := getattr(self, look)) and value != "plain"}
        return name_words(known, self.name, language)


def name_words(looks: Mapping[str, str], noun: str, language: str) -> str:
    """A noun behind its looks: "large striped red chair", "大的条纹红色椅子"."""
    values = [*(looks[look] for look in LOOKS if look in looks), noun]
    if language == "en":
        return " ".join(values)
    words = [CHINESE.get(value, value) for value in values]
    return words[0] + "".join(word if is_wide(word) else f" {word}" for word in words[1:])


@dataclass(frozen=True)
class Mention:
    """Words that name the thing with this index."""

    thing: int
    words: str


Utterance = tuple["str | Mention", ...]


def plain(said: Utterance) -> str:
    """What is said, as a person reads it."""
    return join(part.words if isinstance(part, Mention) else part for part in said)


def left_to_right(things: Sequence[Thing]) -> list[int]:
    """The order in which things are listed: what is ahead by bearing, then what is behind the user."""
    return sorted(range(len(things)), key=lambda i: (things[i].is_behind_you, things[i].bearing))


def reorder(things: Sequence[Thing], order: Sequence[int]) -> list[Thing]:
    """The things at `order`, their supports renumbered; a support that is left out becomes None."""
    place = {old: new for new, old in enumerate(order)}
    chosen = [things[i] for i in order]
    return [Thing(**{**t.__dict__, "support": None if t.support is None else place.get(t.support)}) for t in chosen]


def things(scene: Scene, boxes: Sequence[Box | None] | None = None) -> list[Thing]:
    """A scene's objects as things, in its order. `boxes` are their visible boxes, None for one that is hidden;
    projected boxes are taken when they are not given."""
    found = []
    for o, box in zip(scene.objects, boxes or [scene.camera.box(o) for o in scene.objects], strict=True):
        x, y, z = (float(v) for v in scene.camera.to_camera(o.centre))
        found.append(Thing(o.kind, (x, y, z), o.extents, box, o.support, o.colour, o.pattern, o.size))
    return found


def in_view(scene: Scene, boxes: Sequence[Box | None] | None = None) -> list[Thing]:
    """What a person sees of a scene, left to right: its things less those that are hidden."""
    found = things(scene, boxes)
    return reorder(found, [i for i in left_to_right(found) if found[i].box is not None])


def survey(things: Sequence[Thing]) -> Survey | Refusal:
    """What a description tells: every thing, left to right, with its place and what belies its label."""
    facts = [_fact(things, i, i - 1 if i else None) for i in range(len(things))]
    return Survey(tuple(facts)) if facts else Refusal("unsure")


def _fact(things: Sequence[Thing], i: int, previous: int | None) -> Placing:
    """Of thing i, in a description in which `previous` was named before it."""
    thing = things[i]
    seen = tuple(value for _, value in thing.seen_as)
    if thing.support is not None:
        return Placing(i, "on", None if thing.support == previous else thing.support, seen)
    return Placing(i, thing.side if previous is None else _place(thing, things[previous]), None, seen)


def _place(thing: Thing, previous: Thing) -> Place:
    """Where a thing is against the one named before it; where it is seen, if one of them is behind the user."""
    if thing.is_behind_you or previous.is_behind_you:
        return thing.side
    deeper = thing.position[2] - previous.position[2]
    if abs(deeper) > max(2 * DEPTH_MARGIN_M, 1.5 * abs(thing.position[0] - previous.position[0])):
        return "behind" if deeper > 0 else "front"
    return "beside"


class _Mentions:
    """The names of these things in a language."""

    def __init__(self, things: Sequence[Thing], language: str) -> None:
        self._things, self._language = things, language

    def full(self, k: int) -> Mention:
        return self._name(k, LOOKS)

    def usual(self, k: int) -> Mention:
        return self._name(k, ("colour",))

    def noun(self, k: int) -> Mention:
        return self._name(k, ())

    def _name(self, k: int, looks: Sequence[str]) -> Mention:
        return Mention(k, self._things[k].words(self._language, looks))

    def article(self, mention: Mention) -> str:
        return article(mention.words)

    def value(self, value: str) -> str:
        return value if self._language == "en" else CHINESE[value]


def reply(answer: Answer, things: Sequence[Thing], language: str) -> Utterance:
    """An answer in words."""
    return LANGUAGES[language].say(answer, _Mentions(things, language))


def describe(things: Sequence[Thing], language: str = "en") -> Utterance:
    """A description in words."""
    return reply(survey(things), things, language)
