"""What can truly be said of a scene: its description, and dialogues about it with their answers.

Text is made from `Thing`s, which a simulated scene and an app's scene graph share, so open labels
("goblin king") are talked about in the same sentences as the simulator's own kinds.
All text is lower case; words in a `Mention` point at the thing that they name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from scenewright_server.diorama.kinds import ATTRIBUTES, COLOURS
from scenewright_server.diorama.scene import Box, Scene, Vector

NUMBERS = (
    "none one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen twenty twenty-one twenty-two twenty-three twenty-four"
).split()
SIDE_MARGIN_RAD = 0.07
DEPTH_MARGIN_M = 0.3
TALLER_BY = 1.2
CENTRE_MARGIN = 0.1
BEHIND_YOU_RAD = 1.75
MAX_LISTED = 2


@dataclass(frozen=True)
class Thing:
    """Something to talk of: its noun, its centre in the camera's frame and extents (metres), its looks if known.

    `box` is None when it is out of view; `support` is the index of the thing that it stands on.
    """

    name: str
    position: Vector
    extents: Vector
    box: Box | None = None
    support: int | None = None
    colour: str | None = None
    pattern: str | None = None
    size: str | None = None

    @property
    def bearing(self) -> float:
        """Radians to the right of straight ahead, in [-pi, pi]."""
        return math.atan2(self.position[0], self.position[2])

    @property
    def is_behind_you(self) -> bool:
        return abs(self.bearing) > BEHIND_YOU_RAD

    @property
    def side(self) -> str:
        """Where the user sees it: on the left, in the middle, on the right, or behind you."""
        if self.is_behind_you:
            return "behind you"
        across = (self.box[0] + self.box[2]) / 2 - 0.5 if self.box else self.bearing
        return "on the left" if across < -0.15 else "on the right" if across > 0.15 else "in the middle"

    @property
    def phrase(self) -> str:
        """Every word known of its looks, then its noun: "large striped red chair"."""
        pattern = None if self.pattern == "plain" else self.pattern
        return " ".join(w for w in (self.size, pattern, self.colour, self.name) if w)

    @property
    def short(self) -> str:
        """Colour and noun: "red chair"."""
        return f"{self.colour} {self.name}" if self.colour else self.name


@dataclass(frozen=True)
class Mention:
    """Words that name the thing with this index."""

    thing: int
    words: str


Answer = tuple["str | Mention", ...]


@dataclass(frozen=True)
class Turn:
    """A question of a type, the things that settle it, and its answer. A follow-up needs the turn before it."""

    type: str
    question: str
    refs: tuple[int, ...]
    answer: Answer


def plain(answer: Answer) -> str:
    """An answer as a person reads it."""
    words = " ".join(part.words if isinstance(part, Mention) else part for part in answer)
    return words.replace(" ,", ",")


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


def describe(things: Sequence[Thing]) -> Answer:
    """Every thing, left to right, each with its place: on its support, against the one before it, or in view."""
    parts: list[str | Mention] = []
    previous: Thing | None = None
    for i, thing in enumerate(things):
        if i:
            parts += [","] if i < len(things) - 1 else ["and"]
        parts += [_article(thing.phrase), Mention(i, thing.phrase), placement(things, i, previous)]
        previous = thing
    return tuple(parts) or ("nothing that i know",)


def placement(things: Sequence[Thing], i: int, previous: Thing | None) -> str:
    """Where thing i stands, in a description's words; `previous` is "it"."""
    thing = things[i]
    if thing.support is not None:
        under = things[thing.support]
        return "on it" if under is previous else f"on the {under.name}"
    if thing.is_behind_you:
        return "behind you"
    if previous is None:
        return thing.side
    deeper = thing.position[2] - previous.position[2]
    if abs(deeper) > max(2 * DEPTH_MARGIN_M, 1.5 * abs(thing.position[0] - previous.position[0])):
        return "behind it" if deeper > 0 else "in front of it"
    return "to the right of it"


def dialogue(things: Sequence[Thing], rng: np.random.Generator, n_turns: int, distractors: Sequence[str]) -> list[Turn]:
    """`n_turns` questions of random types, follow-ups right behind what they follow.

    `distractors` are nouns to ask for that may be absent.
    """
    turns: list[Turn] = []
    asker = _Asker(list(things), rng, distractors)
    for _ in range(4 * n_turns):
        if len(turns) >= n_turns:
            break
        turn = asker.ask()
        if turn is None:
            continue
        turns.append(turn)
        if len(turn.refs) == 1 and turn.type != "kind" and rng.random() < 0.3 and len(turns) < n_turns:
            follow = asker.follow_up(turn)
            if follow:
                turns.append(follow)
    return turns


QUESTION_TYPES = (
    "colour", "pattern", "size", "kind", "exist", "count", "relation", "relation_query",
    "centre", "compare", "where", "follow_up",
)  # fmt: skip


class _Asker:
    """Draws questions about one list of things."""

    def __init__(self, things: list[Thing], rng: np.random.Generator, distractors: Sequence[str]):
        self.things, self.rng, self.distractors = things, rng, distractors

    def ask(self) -> Turn | None:
        """A question of a random type, or None when this scene has no clear answer to the type drawn."""
        makers: list[tuple[str, Callable[[], Turn | None], float]] = [
            ("colour", lambda: self._attribute("colour"), 1.0),
            ("pattern", lambda: self._attribute("pattern"), 0.8),
            ("size", lambda: self._attribute("size"), 0.8),
            ("kind", self._kind, 0.8),
            ("exist", self._exist, 1.4),
            ("count", self._count, 1.4),
            ("relation", self._relation, 1.6),
            ("relation_query", self._relation_query, 1.8),
            ("centre", self._centre, 0.5),
            ("compare", self._compare, 1.2),
            ("where", self._where, 0.8),
        ]
        weights = np.array([w for _, _, w in makers])
        return makers[self.rng.choice(len(makers), p=weights / weights.sum())][1]()

    def _pick(self, options: Sequence[str]) -> str:
        return options[int(self.rng.integers(len(options)))]

    def _matching(self, **looks: str) -> list[int]:
        return [i for i, t in enumerate(self.things) if all(getattr(t, k) == v for k, v in looks.items())]

    def _name(self, i: int, without: str = "") -> str | None:
        """A shortest-first random phrase that fits thing i alone, not using the attribute `without`."""
        thing = self.things[i]
        adjectives = [k for k in ("size", "pattern", "colour") if k != without and getattr(thing, k)]
        adjectives = [k for k in adjectives if getattr(thing, k) != "plain"]
        sets: list[list[str]] = [[], *([a] for a in adjectives)]
        if len(adjectives) > 1:
            sets += [[a, b] for n, a in enumerate(adjectives) for b in adjectives[n + 1 :]]
        start = self.rng.integers(2) if len(sets) > 1 else 0
        for keys in sets[start:] if start == 0 else [sets[1 + self.rng.integers(len(adjectives))], *sets]:
            if self._matching(name=thing.name, **{k: getattr(thing, k) for k in keys}) == [i]:
                return " ".join([*(getattr(thing, k) for k in keys), thing.name])
        return None

    def _any(self, without: str = "") -> tuple[int, str] | None:
        i = int(self.rng.integers(len(self.things)))
        name = self._name(i, without)
        return None if name is None else (i, name)

    def _two(self) -> tuple[int, str, int, str] | None:
        if len(self.things) < 2:
            return None
        i, j = (int(k) for k in self.rng.choice(len(self.things), 2, replace=False))
        a, b = self._name(i), self._name(j)
        return None if a is None or b is None else (i, a, j, b)

    def _mention(self, i: int) -> Mention:
        return Mention(i, self.things[i].short)

    def _attribute(self, key: str) -> Turn | None:
        picked = self._any(without=key)
        if picked is None or getattr(self.things[picked[0]], key) is None:
            return None
        i, name = picked
        forms = {
            "colour": (
                "what colour is the {}",
                "which colour does the {} have",
                "what is the colour of the {}",
            ),
            "pattern": ("what pattern does the {} have", "is the {} plain striped or checkered"),
            "size": ("what size is the {}", "is the {} small or large"),
        }[key]
        return Turn(key, self._pick(forms).format(name), (i,), (getattr(self.things[i], key),))

    def _kind(self) -> Turn | None:
        i = int(self.rng.integers(len(self.things)))
        thing = self.things[i]
        keys = [k for k in ("colour", "pattern", "size") if getattr(thing, k) and getattr(thing, k) != "plain"]
        if not keys:
            return None
        chosen = sorted(
            self.rng.choice(keys, min(len(keys), int(self.rng.integers(1, 3))), replace=False), reverse=True
        )
        if self._matching(**{k: getattr(thing, k) for k in chosen}) != [i]:
            return None
        looks = " ".join(getattr(thing, k) for k in sorted(chosen, key=("size", "pattern", "colour").index))
        form = self._pick(("what is the {} thing", "what kind of thing is the {} one"))
        return Turn("kind", form.format(looks), (i,), (_article(thing.name), thing.name))

    def _class(self) -> tuple[dict[str, str], str]:
        """Looks to ask for, half of them of a thing that is there, and the phrase for one such thing."""
        thing = self.things[self.rng.integers(len(self.things))]
        name = thing.name if self.rng.random() < 0.5 else self._pick(self.distractors)
        if thing.colour is None or self.rng.random() < 0.35:
            return {"name": name}, name
        if self.rng.random() < 0.15 and thing.size:
            return {"name": thing.name, "size": self._pick(ATTRIBUTES["size"])}, ""
        colour = thing.colour if self.rng.random() < 0.5 else self._pick(COLOURS)
        return {"name": thing.name if self.rng.random() < 0.7 else name, "colour": colour}, ""

    def _exist(self) -> Turn | None:
        looks, _ = self._class()
        phrase = " ".join(looks[k] for k in ("size", "colour", "name") if k in looks)
        found = self._matching(**looks)
        if bool(found) != bool(self.rng.random() < 0.5):
            return None
        form = self._pick(("is there {}", "do you see {}", "can you see {}"))
        question = form.format(f"{_article(phrase)} {phrase}")
        return Turn("exist", question, tuple(found), ("yes" if found else "no",))

    def _count(self) -> Turn | None:
        draw = self.rng.random()
        if draw < 0.25:
            question, found = "how many things are there", list(range(len(self.things)))
        elif draw < 0.6 and any(t.colour for t in self.things):
            there = [t.colour for t in self.things if t.colour]
            colour = self._pick(there) if self.rng.random() < 0.8 else self._pick(COLOURS)
            question, found = f"how many {colour} things are there", self._matching(colour=colour)
        elif draw < 0.75 and any(t.pattern for t in self.things):
            pattern = self._pick(ATTRIBUTES["pattern"])
            question, found = f"how many {pattern} things are there", self._matching(pattern=pattern)
        else:
            name = self.things[self.rng.integers(len(self.things))].name
            name = name if self.rng.random() < 0.8 else self._pick(self.distractors)
            question, found = f"how many {plural(name)} are there", self._matching(name=name)
        return Turn("count", question, tuple(found), (NUMBERS[len(found)],))

    def _holds(self, relation: str, i: int, j: int) -> bool | None:
        """Whether thing i stands in this relation to thing j; None when it is too close to call."""
        a, b = self.things[i], self.things[j]
        if relation == "on":
            return a.support == j
        if j == a.support or i == b.support or a.is_behind_you or b.is_behind_you:
            return None
        if relation in ("to the left of", "to the right of"):
            by, margin = a.bearing - b.bearing, SIDE_MARGIN_RAD
        else:
            by, margin = a.position[2] - b.position[2], DEPTH_MARGIN_M
        if abs(by) < margin:
            return None
        return (by > 0) == (relation in ("to the right of", "behind"))

    def _relation(self) -> Turn | None:
        two = self._two()
        if two is None:
            return None
        i, a, j, b = two
        supported = [k for k, t in enumerate(self.things) if t.support is not None]
        if supported and self.rng.random() < 0.4:
            k = int(self.rng.choice(supported))
            name, under = self._name(k), self._name(self.things[k].support or 0)
            if name is not None and under is not None:
                i, a, j, b = k, name, self.things[k].support or 0, under
        relation = "on" if self.things[i].support is not None and self.rng.random() < 0.6 else self._pick(RELATIONS)
        holds = self._holds(relation, i, j)
        if holds is None or (relation == "on" and not holds and self.rng.random() < 0.7):
            return None
        return Turn("relation", f"is the {a} {relation} the {b}", (i, j), ("yes" if holds else "no",))

    def _relation_query(self) -> Turn | None:
        picked = self._any()
        if picked is None:
            return None
        j, name = picked
        supports = {t.support for t in self.things}
        relation = "on" if j in supports and self.rng.random() < 0.6 else self._pick(RELATIONS[:4])
        if self.things[j].is_behind_you and relation != "on":
            return None
        verdicts = {i: self._holds(relation, i, j) for i, t in enumerate(self.things) if i != j and not t.is_behind_you}
        found = [i for i, holds in verdicts.items() if holds]
        if len(found) > MAX_LISTED:
            return None
        stacked = {i for i in verdicts if self.things[i].support == j or self.things[j].support == i}
        if any(holds is None and i not in stacked for i, holds in verdicts.items()):
            return None
        if not found and self.rng.random() < 0.5:
            return None
        return Turn("relation_query", f"what is {relation} the {name}", (j,), self._list(found))

    def _list(self, found: Sequence[int]) -> Answer:
        parts: list[str | Mention] = []
        for n, i in enumerate(found):
            parts += ["and the" if n else "the", self._mention(i)]
        return tuple(parts) or ("nothing",)

    def _centre(self) -> Turn | None:
        away = sorted(
            (math.hypot((t.box[0] + t.box[2]) / 2 - 0.5, (t.box[1] + t.box[3]) / 2 - 0.5), i)
            for i, t in enumerate(self.things)
            if t.box
        )
        if not away or (len(away) > 1 and away[1][0] - away[0][0] < CENTRE_MARGIN) or away[0][0] > 0.3:
            return None
        form = self._pick(("what is in the centre", "what am i looking at", "what is in the middle"))
        i = away[0][1]
        return Turn("centre", form, (), (_article(self.things[i].short), self._mention(i)))

    def _compare(self) -> Turn | None:
        two = self._two()
        if two is None:
            return None
        i, a, j, b = two
        word = self._pick(("closer", "farther", "taller"))
        if word == "taller":
            ratio = self.things[i].extents[1] / self.things[j].extents[1]
            if 1 / TALLER_BY < ratio < TALLER_BY:
                return None
            first = ratio > 1
        else:
            by = math.dist(self.things[i].position, (0, 0, 0)) - math.dist(self.things[j].position, (0, 0, 0))
            if abs(by) < DEPTH_MARGIN_M:
                return None
            first = (by < 0) == (word == "closer")
        winner = i if first else j
        return Turn("compare", f"which is {word} the {a} or the {b}", (i, j), ("the", self._mention(winner)))

    def _where(self) -> Turn | None:
        picked = self._any()
        if picked is None:
            return None
        i, name = picked
        thing = self.things[i]
        if thing.box and min(abs(abs((thing.box[0] + thing.box[2]) / 2 - 0.5) - 0.15), 1) < 0.03:
            return None
        answer: Answer = (thing.side,)
        if thing.support is not None:
            under = self.things[thing.support]
            answer = ("on the", Mention(thing.support, under.short))
        return Turn("where", f"where is the {name}", (i,), answer)

    def follow_up(self, before: Turn) -> Turn | None:
        """A question about "it", the one thing that the turn before settled on."""
        i = before.refs[0]
        named = [part.thing for part in before.answer if isinstance(part, Mention)]
        if named:
            if before.type != "centre" and len(named) != 1:
                return None
            i = named[0]
        keys = [k for k in ("colour", "pattern", "size") if k != before.type and getattr(self.things[i], k)]
        if not keys:
            return None
        key = self._pick(keys)
        forms = {
            "colour": ("what colour is it", "and its colour"),
            "pattern": ("what pattern does it have", "and its pattern"),
            "size": ("what size is it", "and its size"),
        }[key]
        return Turn("follow_up", self._pick(forms), (i,), (getattr(self.things[i], key),))


RELATIONS = ("to the left of", "to the right of", "behind", "in front of", "on")


def _article(words: str) -> str:
    return "an" if words[0] in "aeiou" else "a"


def plural(name: str) -> str:
    """More than one of a noun."""
    if name.endswith("f"):
        return name[:-1] + "ves"
    return name + ("es" if name.endswith(("s", "x", "ch", "sh")) else "s")
