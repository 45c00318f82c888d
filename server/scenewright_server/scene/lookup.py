"""What settles a question: a plan of the decoder's, looked up among the entries of a scene.

The decoder understands and speaks; what follows from boxes, poses and posteriors is computed here, as a
neural-symbolic reader does (Yi et al., "Neural-Symbolic VQA", 2018). A plan is an operation and its slots, such as
("is", "small mug", "on", "table"); what comes back are words and indices of entries, and how sure they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

import numpy as np

from scenewright_server.scene.entries import Box, Detections, Entry
from scenewright_server.scene.words import is_chinese, normalise

Result = tuple["str | int", ...]

NUMBERS = (
    "none one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen twenty twenty-one twenty-two twenty-three twenty-four"
).split()
LOOKS = ("size", "pattern", "colour")
RELATIONS = ("left", "right", "behind", "front", "on", "under")
FITS, MAY_FIT = 0.4, 0.02  # one of a class; the best of all for "the ..."
DOUBT = 0.05  # whoever says "the striped chair" knows that it is there: a look may be seen wrongly
NOT_NOISE = 0.22  # fit times score: what is hardly there makes nothing doubtful
TWIN = 0.55  # of the smaller box in the larger: two detections of one thing
SURE = 0.85  # a look that is seen so belies the label
ALIKE = 0.75  # of a slot's letters and a label's: the decoder may misspell a rare one
LAST_WORD = 0.8  # how well "king" fits the label "goblin king"
REACH_M = 0.8
LEANS = tuple(math.radians(degrees) for degrees in range(0, 31, 3))  # how far a camera may look down
TOUCH_M = 0.08


PLAN_WORDS = (
    "colour pattern size kind where distance reach nearest exist count is what closer farther taller apart closest "
    "farthest centre list beyond left right behind front on under me it one thing"
).split()
"""Operations, relations and what may stand for a thing; a plan's other words are looks, kinds and the question's."""
BY_HEART = ("beyond", "it")
"""The plan of an answer that nothing here settles and that a fine-tuned decoder has learnt."""


@dataclass(frozen=True)
class Finding:
    """A result and the probability that it is right, as far as what was seen tells."""

    result: Result
    confidence: float = 1.0


class Lookup:
    """One scene's entries, ready to be asked.

    `values` names each attribute's values in the order of the detections' posteriors; `focus` are the entries that
    the answer before settled on, for "it"; `names`: language -> what it calls the values.
    """

    def __init__(
        self,
        entries: Sequence[Entry],
        detections: Detections | None,
        values: Mapping[str, Sequence[str]],
        focus: Sequence[int] = (),
        names: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        self.entries, self.values, self.focus = entries, values, [k for k in focus if k < len(entries)]
        self._detections = detections
        self._words = {word: look for look in LOOKS for word in values.get(look, ())}
        spoken = {name: value for called in (names or {}).values() for value, name in called.items()}
        self._values_of = dict(sorted(spoken.items(), key=lambda pair: -len(pair[0])))
        labels = [normalise(e.graph.label) if e.graph else "" for e in entries]
        self._told = [self._split(label) for label in labels]
        self._under = [self._support(k) for k in range(len(entries))]
        self._sure = 1.0

    def find(self, plan: Sequence[str]) -> Finding:
        """Carry out a plan. One that makes no sense is beyond what can be asked."""
        operation, *slots = plan or ("",)
        self._sure = 1.0
        if operation == "what" and slots[1:] == ["me"]:
            result = self._around(slots[0])
        elif (operation, len(slots)) not in self._operations:
            result = ("beyond",)
        elif not self.entries:
            result = ("unsure",)
        else:
            result = self._carry_out(operation, slots)
        return Finding(result, self._sure)

    def survey(self) -> Finding:
        """Every entry, left to right, with its place and what belies its label: what a description tells."""
        self._sure = 1.0
        facts: list[str | int] = []
        for k in range(len(self.entries)):
            facts += [k, *self._placement(k, k - 1 if k else None)]
            seen = self._belied(k)
            if seen:
                facts += ["seen", *seen.values()]
        return Finding(tuple(facts) or ("unsure",), self._sure)

    @property
    def _operations(self) -> dict[tuple[str, int], Callable[..., Result]]:
        unary = {
            "colour": self._look, "pattern": self._look, "size": self._look, "kind": self._kind, "where": self._where,
            "distance": self._distance, "reach": self._reach, "nearest": self._nearest,
        }  # fmt: skip
        return {
            **{(name, 1): run for name, run in unary.items()},
            ("exist", 1): self._exist,
            ("count", 1): self._count,
            ("is", 3): self._is,
            ("what", 2): self._what,
            **{(name, 2): self._compare for name in ("closer", "farther", "taller")},
            ("apart", 2): self._apart,
            **{(name, 0): self._extreme for name in ("closest", "farthest")},
            ("centre", 0): self._centre,
            ("list", 0): self._list,
        }

    def _carry_out(self, operation: str, slots: list[str]) -> Result:
        """Replace the slots that name one thing by its entry, and run the operation."""
        run = self._operations[operation, len(slots)]
        if operation in ("exist", "count"):
            return run(*slots)
        named: list[int | str] = []
        for n, slot in enumerate(slots):
            if (operation, n) in (("is", 1), ("what", 0)):
                found: int | str | Result = slot if slot in RELATIONS else ("beyond",)
            else:
                found = self._the(slot)
            if isinstance(found, tuple):
                return found
            named.append(found)
        return run(operation, *named)

    def _split(self, words: str) -> tuple[dict[str, str], str]:
        """Looks and noun of a name: "small red chair"; a label of other words is all noun."""
        *front, last = self._in_english(words).split() or [""]
        looks = {self._words[word]: word for word in front if word in self._words}
        if len(looks) == len(front):
            return looks, last
        rest = [word for word in front if word not in self._words]
        is_label = any(words == (normalise(e.graph.label) if e.graph else "") for e in self.entries)
        return ({}, words) if is_label or not looks else (looks, " ".join([*rest, last]))

    def _in_english(self, words: str) -> str:
        """A name made of known words of another language, which may not part them, in English; others as they are."""
        english, rest = [], words
        while rest:
            name = next((name for name in self._values_of if rest.startswith(name)), None)
            if name is None:
                return words
            english.append(self._values_of[name])
            rest = rest[len(name) :].removeprefix("的").strip()
        return " ".join(english)

    def _posterior(self, k: int, attribute: str) -> np.ndarray | None:
        i = self.entries[k].detection
        posteriors = None if i is None or self._detections is None else self._detections.attributes.get(attribute)
        return None if posteriors is None else posteriors[i]

    def _probability(self, k: int, attribute: str, value: str) -> float:
        """That entry k has this value; 0 where nothing tells."""
        looks, _ = self._told[k]
        if attribute in looks:
            return float(looks[attribute] == value)
        posterior = self._posterior(k, attribute)
        return 0.0 if posterior is None else float(posterior[list(self.values[attribute]).index(value)])

    def _fit(self, k: int, looks: Mapping[str, str], noun: str, at_least: float) -> float:
        """The probability that these words fit entry k, no look counting for less than `at_least`."""
        _, told = self._told[k]
        if noun == "thing":
            p = 1.0
        elif told:
            p = _likeness(noun, told)
        else:
            p = self._probability(k, "kind", noun) if noun in self.values["kind"] else 0.0
        for look, value in looks.items():
            p *= max(self._probability(k, look, value), at_least)
        return p

    def _fits(self, slot: str, at_least: float = 0.0) -> np.ndarray:
        """For each entry, how well a slot fits it, (N,)."""
        names: list[tuple[dict[str, str], str]] = [({}, slot), self._split(slot)]
        return np.array([max(self._fit(k, *name, at_least) for name in names) for k in range(len(self.entries))])

    def _the(self, slot: str) -> int | Result:
        """The entry that a slot names, or why there is none."""
        if slot == "it":
            return self.focus[0] if self.focus else ("lost",)
        if slot in ("left one", "right one", "one"):
            if not self.focus:
                return ("lost",)
            return min(self.focus) if slot == "left one" else max(self.focus)
        fits = self._fits(slot, at_least=DOUBT)
        if fits.max() < MAY_FIT:
            return ("missing",)
        scores = np.array([e.score for e in self.entries])
        fitting = self._apart_from_twins([int(k) for k in np.flatnonzero(self._fits(slot) * scores > NOT_NOISE)])
        # "The sofa" is what is called sofa before it is the camp sofa.
        fitting = [k for k in fitting if self._told[k][1] in ("", self._split(slot)[1])] or fitting
        if len(fitting) > 1:
            self._sure *= float(fits[fitting].min())
            return ("several", *fitting)
        best = fitting[0] if fitting else int(fits.argmax())
        self._sure *= float(fits[best] / fits.sum())
        return best

    def _apart_from_twins(self, ks: list[int]) -> list[int]:
        """Those entries, less what lies over a surer one: one thing that was seen twice."""
        kept: list[int] = []
        for k in sorted(ks, key=lambda k: -self.entries[k].score):
            if self.entries[k].graph is not None or all(self._overlap(j, k) < TWIN for j in kept):
                kept.append(k)
        return sorted(kept)

    def _overlap(self, j: int, k: int) -> float:
        """The part of the smaller box that two entries share."""
        a, b = self.entries[j].box, self.entries[k].box
        if a is None or b is None:
            return 0.0
        w, h = (max(min(a[i + 2], b[i + 2]) - max(a[i], b[i]), 0.0) for i in (0, 1))
        areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
        return w * h / max(min(areas), 1e-9)

    def _class(self, slot: str) -> list[int]:
        fits = self._fits(slot)
        self._sure *= float(np.maximum(fits, 1 - fits).min())
        return [int(k) for k in np.flatnonzero(fits > FITS)]

    def _belied(self, k: int) -> dict[str, str]:
        """What is surely seen of entry k where its label tells otherwise: attribute -> value."""
        looks, noun = self._told[k]
        told = {**looks, **({"kind": noun} if noun in self.values["kind"] else {})}
        seen = {}
        for attribute, value in told.items():
            posterior = self._posterior(k, attribute)
            if posterior is not None and posterior.max() > SURE:
                best = self.values[attribute][int(posterior.argmax())]
                if best != value and attribute != "size":
                    seen[attribute] = best
        return seen

    def _look(self, look: str, k: int) -> Result:
        told = self._told[k][0].get(look)
        seen = self._belied(k).get(look)
        if told is not None:
            return (k, told) if seen is None else (k, seen, "but", told)
        posterior = self._posterior(k, look)
        if posterior is None:
            return ("unknown",)
        self._sure *= float(posterior.max())
        return (k, self.values[look][int(posterior.argmax())])

    def _kind(self, _: str, k: int) -> Result:
        seen = self._belied(k).get("kind")
        posterior = self._posterior(k, "kind")
        if not self._told[k][1] and posterior is not None:
            self._sure *= float(posterior.max())
        return (k,) if seen is None else (k, seen, "but")

    def _exist(self, slot: str) -> Result:
        found = self._class(slot)
        return (*found, "yes" if found else "no")

    def _count(self, slot: str) -> Result:
        found = self._class(slot)
        return (*found, NUMBERS[len(found)])

    def _is(self, _: str, i: int, relation: str, j: int) -> Result:
        return (i, j, "yes" if self._holds(relation, i, j) else "no")

    def _what(self, _: str, relation: str, j: int) -> Result:
        found = [i for i in range(len(self.entries)) if i != j and self._holds(relation, i, j)]
        return tuple(found) or ("nothing",)

    def _holds(self, relation: str, i: int, j: int) -> bool:
        a, b = self.entries[i], self.entries[j]
        if relation in ("on", "under"):
            return self._under[i if relation == "on" else j] == (j if relation == "on" else i)
        if self._under[i] == j or self._under[j] == i or a.order[0] or b.order[0]:
            return False
        if relation in ("left", "right"):
            return (a.order < b.order) == (relation == "left")
        return (a.position[2] > b.position[2]) == (relation == "behind")

    def _around(self, side: str) -> Result:
        """What is on a side of the user, or within reach."""
        if side == "behind":
            if not any(e.graph for e in self.entries):
                return ("blind",)
            found = [k for k, e in enumerate(self.entries) if e.order[0]]
        elif not self.entries:
            return ("unsure",)
        elif side == "reach":
            found = [k for k, e in enumerate(self.entries) if _distance(e) < REACH_M]
        else:
            found = [k for k in range(len(self.entries)) if self._side(k) == side]
        return tuple(found) or ("nothing",)

    def _compare(self, word: str, i: int, j: int) -> Result:
        if word == "taller":
            return (i if self.entries[i].size[1] > self.entries[j].size[1] else j,)
        is_closer = _distance(self.entries[i]) < _distance(self.entries[j])
        return (i if is_closer == (word == "closer") else j,)

    def _extreme(self, word: str) -> Result:
        order = sorted(range(len(self.entries)), key=lambda k: _distance(self.entries[k]))
        return (order[0 if word == "closest" else -1],)

    def _nearest(self, _: str, j: int) -> Result:
        others = [k for k in range(len(self.entries)) if k != j]
        here = self.entries[j].position
        return (min(others, key=lambda k: math.dist(self.entries[k].position, here)),) if others else ("nothing",)

    def _distance(self, _: str, k: int) -> Result:
        return (k, say_metres(_distance(self.entries[k])))

    def _apart(self, _: str, i: int, j: int) -> Result:
        return (i, j, say_metres(math.dist(self.entries[i].position, self.entries[j].position)))

    def _reach(self, _: str, k: int) -> Result:
        return (k, "yes" if _distance(self.entries[k]) < REACH_M else "no")

    def _centre(self, _: str) -> Result:
        away = [
            (math.hypot((e.box[0] + e.box[2]) / 2 - 0.5, (e.box[1] + e.box[3]) / 2 - 0.5), k)
            for k, e in enumerate(self.entries)
            if e.box
        ]
        return (min(away)[1],) if away else ("nothing",)

    def _list(self, _: str) -> Result:
        return tuple(range(len(self.entries)))

    def _where(self, _: str, k: int) -> Result:
        under = self._under[k]
        return (k, self._side(k)) if under is None else (k, "on", under)

    def _side(self, k: int) -> str:
        entry = self.entries[k]
        is_behind, bearing = entry.order
        if is_behind:
            return "you"
        across = (entry.box[0] + entry.box[2]) / 2 - 0.5 if entry.box else bearing
        return "left" if across < -0.15 else "right" if across > 0.15 else "middle"

    def _placement(self, k: int, previous: int | None) -> Result:
        """Where entry k stands, in a description in which `previous` was named before it."""
        under = self._under[k]
        if under is not None:
            return ("on",) if under == previous else ("on", under)
        if self.entries[k].order[0]:
            return ("you",)
        if previous is None or self.entries[previous].order[0]:
            return (self._side(k),)
        dx, _, dz = (a - b for a, b in zip(self.entries[k].position, self.entries[previous].position, strict=True))
        if abs(dz) > max(0.6, 1.5 * abs(dx)):
            return ("behind",) if dz > 0 else ("front",)
        return ("beside",)

    def _support(self, k: int) -> int | None:
        """What entry k stands on: by poses where the scene graph gives them, else by how it and the boxes look."""
        entry = self.entries[k]
        raised = self._raised(k)
        if raised is not None and raised < 0.5:
            return None
        found = [
            (away, j)
            for j, other in enumerate(self.entries)
            if j != k and (away := _rests(entry, other, raised is not None)) is not None
        ]
        return min(found)[1] if found else None

    def _raised(self, k: int) -> float | None:
        """How surely entry k stands on another, where only the image tower tells."""
        entry, seen = self.entries[k], self._detections
        if entry.graph is not None or seen is None or seen.raised is None or entry.detection is None:
            return None
        return float(seen.raised[entry.detection])


def _distance(entry: Entry) -> float:
    return math.dist(entry.position, (0, 0, 0))


def _likeness(noun: str, told: str) -> float:
    """How well a noun names what is told of as `told`."""
    if noun == told:
        return 1.0
    if told.endswith(noun if is_chinese(noun) else f" {noun}"):
        return LAST_WORD
    is_long = min(len(noun), len(told)) > 4 and noun.count(" ") == told.count(" ")
    ratio = SequenceMatcher(None, noun, told).ratio() if is_long else 0.0
    return 0.7 * ratio if ratio > ALIKE else 0.0


def _rests(entry: Entry, under: Entry, is_raised: bool) -> float | None:
    """How far an entry is from standing on the middle of another, None when it does not stand on it."""
    if entry.graph is not None and under.graph is not None:
        return _rests_by_pose(entry, under)
    if entry.box is None or under.box is None:
        return None
    return _rests_by_box(entry, under, entry.box, under.box, is_raised)


def _rests_by_pose(entry: Entry, under: Entry) -> float | None:
    """By a vertical that leans from the camera's by some angle at which it looks down, bottom meets top, and the
    middle is over the other, which may be turned."""
    dx, dy, dz = (a - b for a, b in zip(entry.position, under.position, strict=True))
    rise = (entry.size[1] + under.size[1]) / 2
    reach = math.hypot(under.size[0], under.size[2]) / 2
    aside = [
        math.hypot(dx, dy * math.sin(lean) + dz * math.cos(lean))
        for lean in LEANS
        if abs(dy * math.cos(lean) - dz * math.sin(lean) - rise) <= TOUCH_M
    ]
    return min(aside) if aside and min(aside) <= reach and under.size[1] > 0 else None


def _rests_by_box(entry: Entry, under: Entry, box: Box, other: Box, is_raised: bool) -> float | None:
    """An object on another ends inside its box, above its foot, and is about as far away; what is seen to be
    raised need only be near that."""
    slack = 0.1 if is_raised else 0.02
    middle, foot = (box[0] + box[2]) / 2, box[3]
    height = other[3] - other[1]
    inside = other[0] - slack / 2 <= middle <= other[2] + slack / 2
    on_top = other[1] - slack * height <= foot <= other[1] + (0.85 if is_raised else 0.6) * height
    deeper = entry.position[2] - under.position[2]
    if inside and on_top and box[1] < other[1] + slack * height and abs(deeper) < (0.9 if is_raised else 0.45):
        return abs(middle - (other[0] + other[2]) / 2) + abs(deeper)
    return None


def say_metres(metres: float) -> str:
    """A distance as it is spoken: to a tenth of a metre, from ten on to a metre."""
    return f"{metres:.1f}" if metres < 9.95 else f"{metres:.0f}"
