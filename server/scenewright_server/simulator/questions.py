"""Dialogues about a scene, in two languages, each question with its plan, what settles it, and its answer.

A plan is what a question asks, in words that both languages share: an operation and its slots, such as
("is", "small mug", "on", "table"). A slot that names a thing holds its looks and its noun in English; "thing" is any
noun, "it" what the last answer settled on, "left one" one of several that it named.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from scenewright_server.scene.findings import (
    Answer,
    Count,
    Distance,
    Kind,
    Look,
    One,
    Refusal,
    Several,
    Things,
    YesNo,
)
from scenewright_server.scene.plans import LOOKS, Plan
from scenewright_server.simulator import truth
from scenewright_server.simulator.kinds import ATTRIBUTES, COLOURS
from scenewright_server.simulator.names import Name, is_belied, name_class, name_one, pick
from scenewright_server.simulator.phrases import CHINESE, QUESTIONS, RELATIONS, SHORT_FOLLOW_UPS
from scenewright_server.simulator.text import DEPTH_MARGIN_M, REACH_M, Thing, Utterance, reply

TALLER_BY = 1.25
CENTRE_MARGIN = 0.1
REACH_MARGIN_M = 0.1
MAX_LISTED = 2

QUESTION_TYPES = (
    "colour", "pattern", "size", "kind", "exist", "count", "relation", "relation_query", "centre", "compare", "where",
    "distance", "reach", "around", "list", "missing", "several", "beyond", "follow_up",
)  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """A question of a type, its plan, what settles it, and its answer. A follow-up needs the turn before it."""

    type: str
    question: str
    plan: Plan
    result: Answer
    answer: Utterance
    language: str = "en"

    @property
    def refs(self) -> tuple[int, ...]:
        """The things that settle it."""
        return self.result.things


def dialogue(
    things: Sequence[Thing],
    rng: np.random.Generator,
    n_turns: int,
    distractors: Sequence[str],
    *,
    language: str = "en",
    is_measured: bool = False,
) -> list[Asked]:
    """`n_turns` questions of random types, follow-ups right behind what they follow.

    `distractors` are nouns to ask for that may be absent. `is_measured`: a scene graph gives poses, so that exact
    distances and what is out of view are known.
    """
    turns: list[Asked] = []
    asker = _Asker(list(things), rng, distractors, language, is_measured)
    for _ in range(6 * n_turns):
        if len(turns) >= n_turns:
            break
        turn = asker.ask()
        if turn is None:
            continue
        turns.append(turn)
        if turn.refs and rng.random() < 0.3 and len(turns) < n_turns:
            follow = asker.follow_up(turn)
            if follow:
                turns.append(follow)
    return turns


class _Asker:
    """Draws questions about one list of things."""

    def __init__(
        self,
        things: list[Thing],
        rng: np.random.Generator,
        distractors: Sequence[str],
        language: str,
        is_measured: bool,
    ) -> None:
        self.things, self.rng, self.distractors = things, rng, distractors
        self.language, self.is_measured = language, is_measured

    def ask(self) -> Asked | None:
        """A question of a random type, or None when this scene has no clear answer to the type drawn."""
        makers: list[tuple[Callable[[], Asked | None], float]] = [
            (lambda: self._attribute("colour"), 1.0),
            (lambda: self._attribute("pattern"), 0.8),
            (lambda: self._attribute("size"), 0.8),
            (self._kind, 0.8),
            (self._exist, 1.4),
            (self._count, 1.4),
            (self._relation, 1.6),
            (self._relation_query, 1.8),
            (self._centre, 0.5),
            (self._compare, 1.2),
            (self._extreme, 0.5),
            (self._where, 0.8),
            (self._distance, 0.8),
            (self._apart, 0.6 if self.is_measured else 0.0),
            (self._nearest, 0.5 if self.is_measured else 0.0),
            (self._reach, 1.0 if self.is_measured else 0.15),
            (self._around, 1.2 if self.is_measured else 0.3),
            (self._list, 0.4),
            (self._missing, 0.5),
            (self._several, 0.8),
            (self._beyond, 0.3),
        ]
        weights = np.array([w for _, w in makers])
        return makers[self.rng.choice(len(makers), p=weights / weights.sum())][0]()

    def follow_up(self, before: Asked) -> Asked | None:
        """A question about "it", what the turn before settled on, or about "the left one" of several."""
        refs = before.refs
        if before.type == "several" and len(refs) == 2:
            side = pick(self.rng, ("left", "right"))
            i, name = refs[side == "right"], Name((), f"{side} one")
            said = f"the {side} one" if self.language == "en" else f"{CHINESE[side]}{CHINESE['one']}"
        elif before.type in ("relation", "compare", "distance", "count", "exist") and len(refs) != 1:
            return None
        else:
            if before.type in ("relation_query", "around", "list") and len(refs) != 1:
                return None
            i, name, said = refs[0], Name((), "it"), "它" if self.language == "zh" else "it"
        keys = [k for k in LOOKS if k != before.type and getattr(self.things[i], k) and not self.things[i].seen(k)]
        if keys and self.rng.random() < 0.8:
            key = pick(self.rng, keys)
            turn = self._turn("follow_up", key, (name.slot,), Look(i, key, getattr(self.things[i], key)), said)
            if name.noun == "it" and self.rng.random() < 0.3:
                return replace(turn, question=SHORT_FOLLOW_UPS[key][self.language])
            return turn
        place = truth.where(self.things, i)
        return None if place is None else self._turn("follow_up", "where", (name.slot,), place, said)

    def _turn(
        self, type: str, operation: str, slots: Sequence[str], result: Answer, *said: str, form: str = "", rel: str = ""
    ) -> Asked:
        """A turn with one of the forms of `form` (the operation's own when not given)."""
        question = pick(self.rng, QUESTIONS[form or operation][self.language]).format(*said, rel=rel)
        words = reply(result, self.things, self.language)
        return Asked(type, question, (operation, *slots), result, words, self.language)

    def _any(self, without: str = "") -> tuple[int, Name] | None:
        i = int(self.rng.integers(len(self.things)))
        name = name_one(self.things, i, self.rng, without)
        return None if name is None else (i, name)

    def _two(self) -> tuple[int, Name, int, Name] | None:
        if len(self.things) < 2:
            return None
        i, j = (int(k) for k in self.rng.choice(len(self.things), 2, replace=False))
        a, b = name_one(self.things, i, self.rng), name_one(self.things, j, self.rng)
        return None if a is None or b is None else (i, a, j, b)

    def _the(self, name: Name) -> str:
        return name.say(self.language, "the", self.rng)

    def _attribute(self, key: str) -> Asked | None:
        picked = self._any(without=key)
        if picked is None or getattr(self.things[picked[0]], key) is None:
            return None
        i, name = picked
        seen, told = self.things[i].seen(key), getattr(self.things[i], key)
        result = Look(i, key, told) if seen is None else Look(i, key, seen, told)
        return self._turn(key, key, (name.slot,), result, self._the(name))

    def _kind(self) -> Asked | None:
        i = int(self.rng.integers(len(self.things)))
        thing = self.things[i]
        keys = [k for k in LOOKS if getattr(thing, k) not in (None, "plain") and not self.things[i].seen(k)]
        if not keys:
            return None
        chosen = self.rng.choice(keys, min(len(keys), int(self.rng.integers(1, 3))), replace=False)
        looks = {k: getattr(thing, k) for k in sorted(chosen, key=LOOKS.index)}
        if truth.matching(self.things, looks, "thing") != [i]:
            return None
        name = Name(tuple(looks.items()), "thing")
        return self._turn("kind", "kind", (name.slot,), Kind(i, self.things[i].seen("kind")), self._the(name))

    def _exist(self) -> Asked | None:
        name = name_class(self.things, self.distractors, self.rng)
        found = truth.matching(self.things, dict(name.looks), name.noun)
        if bool(found) != bool(self.rng.random() < 0.5) or is_belied(self.things, name):
            return None
        said = name.say(self.language, "a", self.rng)
        return self._turn("exist", "exist", (name.slot,), YesNo("exist", tuple(found), bool(found)), said)

    def _count(self) -> Asked | None:
        draw = self.rng.random()
        colours = [t.colour for t in self.things if t.colour]
        if draw < 0.25 or not colours:
            name = Name((), "thing")
        elif draw < 0.6:
            colour = pick(self.rng, colours) if self.rng.random() < 0.8 else pick(self.rng, COLOURS)
            name = Name((("colour", colour),), "thing")
        elif draw < 0.75:
            name = Name((("pattern", pick(self.rng, ATTRIBUTES["pattern"])),), "thing")
        else:
            noun = self.things[self.rng.integers(len(self.things))].name
            name = Name((), noun if self.rng.random() < 0.8 else pick(self.rng, self.distractors))
        if is_belied(self.things, name):
            return None
        found = truth.matching(self.things, dict(name.looks), name.noun)
        said = name.say(self.language, "plural", self.rng)
        return self._turn("count", "count", (name.slot,), Count(tuple(found)), said)

    def _rel(self, relation: str) -> str:
        return pick(self.rng, RELATIONS[relation][self.language])

    def _relation(self) -> Asked | None:
        two = self._two()
        if two is None:
            return None
        i, a, j, b = two
        supported = [k for k, t in enumerate(self.things) if t.support is not None]
        if supported and self.rng.random() < 0.4:
            k = int(self.rng.choice(supported))
            under = self.things[k].support
            assert under is not None
            top, bottom = name_one(self.things, k, self.rng), name_one(self.things, under, self.rng)
            if top is not None and bottom is not None:
                i, a, j, b = (k, top, under, bottom) if self.rng.random() < 0.7 else (under, bottom, k, top)
        is_stack = self.things[i].support == j or self.things[j].support == i
        upward = "on" if self.things[i].support == j else "under"
        relation = upward if is_stack and self.rng.random() < 0.6 else pick(self.rng, tuple(RELATIONS))
        holds = truth.holds(self.things, relation, i, j)
        if holds is None or (relation in ("on", "under") and not holds and self.rng.random() < 0.8):
            return None
        result = YesNo("is", (i, j), holds)
        slots = (a.slot, relation, b.slot)
        return self._turn("relation", "is", slots, result, self._the(a), self._the(b), rel=self._rel(relation))

    def _relation_query(self) -> Asked | None:
        picked = self._any()
        if picked is None:
            return None
        j, name = picked
        thing = self.things[j]
        relation = pick(self.rng, ("left", "right", "behind", "front"))
        if j in {t.support for t in self.things} and self.rng.random() < 0.6:
            relation = "on"
        elif thing.support is not None and self.rng.random() < 0.3:
            relation = "under"
        is_stack = relation in ("on", "under")
        if thing.is_behind_you and not is_stack:
            return None
        others = [i for i, t in enumerate(self.things) if i != j and (is_stack or not t.is_behind_you)]
        verdicts = {i: truth.holds(self.things, relation, i, j) for i in others}
        found = [i for i, holds in verdicts.items() if holds]
        stacked = {i for i in verdicts if self.things[i].support == j or thing.support == i}
        unclear = any(holds is None and i not in stacked for i, holds in verdicts.items())
        if len(found) > MAX_LISTED or unclear or (not found and self.rng.random() < 0.5):
            return None
        slots, rel = (relation, name.slot), self._rel(relation)
        return self._turn("relation_query", "what", slots, Things(tuple(found)), self._the(name), rel=rel)

    def _centre(self) -> Asked | None:
        away = sorted(
            (math.hypot((t.box[0] + t.box[2]) / 2 - 0.5, (t.box[1] + t.box[3]) / 2 - 0.5), i)
            for i, t in enumerate(self.things)
            if t.box
        )
        if not away or (len(away) > 1 and away[1][0] - away[0][0] < CENTRE_MARGIN) or away[0][0] > 0.3:
            return None
        return self._turn("centre", "centre", (), One(away[0][1]))

    def _compare(self) -> Asked | None:
        two = self._two()
        if two is None:
            return None
        i, a, j, b = two
        word = pick(self.rng, ("closer", "farther", "taller"))
        if word == "taller":
            ratio = self.things[i].extents[1] / self.things[j].extents[1]
            if 1 / TALLER_BY < ratio < TALLER_BY:
                return None
            first = ratio > 1
        else:
            by = self.things[i].distance - self.things[j].distance
            if abs(by) < DEPTH_MARGIN_M:
                return None
            first = (by < 0) == (word == "closer")
        return self._turn("compare", word, (a.slot, b.slot), One(i if first else j), self._the(a), self._the(b))

    def _extreme(self) -> Asked | None:
        word, sign = (("closest", 1), ("farthest", -1))[self.rng.integers(2)]
        i = truth.first([(sign * t.distance, i) for i, t in enumerate(self.things)], DEPTH_MARGIN_M)
        return None if i is None else self._turn("compare", word, (), One(i))

    def _nearest(self) -> Asked | None:
        picked = self._any()
        if picked is None:
            return None
        j, name = picked
        here = self.things[j].position
        away = [(math.dist(t.position, here), i) for i, t in enumerate(self.things) if i != j]
        i = truth.first(away, 0.2)
        return None if i is None else self._turn("distance", "nearest", (name.slot,), One(i), self._the(name))

    def _where(self) -> Asked | None:
        picked = self._any()
        place = None if picked is None else truth.where(self.things, picked[0])
        if picked is None or place is None:
            return None
        return self._turn("where", "where", (picked[1].slot,), place, self._the(picked[1]))

    def _distance(self) -> Asked | None:
        picked = self._any()
        if picked is None:
            return None
        i, name = picked
        found = Distance((i,), self.things[i].distance)
        return self._turn("distance", "distance", (name.slot,), found, self._the(name))

    def _apart(self) -> Asked | None:
        two = self._two()
        if two is None:
            return None
        i, a, j, b = two
        found = Distance((i, j), math.dist(self.things[i].position, self.things[j].position))
        return self._turn("distance", "apart", (a.slot, b.slot), found, self._the(a), self._the(b))

    def _reach(self) -> Asked | None:
        if self.rng.random() < 0.5:
            near = [i for i, t in enumerate(self.things) if t.distance < REACH_M]
            unclear = any(abs(t.distance - REACH_M) < REACH_MARGIN_M for t in self.things)
            if unclear or len(near) > 4 or (not near and self.rng.random() < 0.7):
                return None
            return self._turn("reach", "what", ("reach", "me"), Things(tuple(near)), form="what reach")
        picked = self._any()
        if picked is None or abs(self.things[picked[0]].distance - REACH_M) < REACH_MARGIN_M:
            return None
        i, name = picked
        result = YesNo("reach", (i,), self.things[i].distance < REACH_M)
        return self._turn("reach", "reach", (name.slot,), result, self._the(name))

    def _around(self) -> Asked | None:
        """What is to my left, to my right, behind me."""
        side = pick(self.rng, ("left", "right", "behind", "behind"))
        key = "you" if side == "behind" else side
        if side == "behind" and not self.is_measured:
            return self._turn("around", "what", (side, "me"), Refusal("blind"), form="what behind")
        unclear = any(truth.is_between_sides(t) for t in self.things if not t.is_behind_you)
        found = [i for i, t in enumerate(self.things) if t.side == key]
        if len(found) > 4 or (unclear and side != "behind"):
            return None
        return self._turn("around", "what", (side, "me"), Things(tuple(found)), form=f"what {side}")

    def _list(self) -> Asked | None:
        if len(self.things) > 8:
            return None
        return self._turn("list", "list", (), Things(tuple(range(len(self.things)))))

    def _unary(self, type: str, name: Name, result: Answer) -> Asked:
        """A question about one thing that has no answer of its own kind."""
        operation = pick(self.rng, ("colour", "pattern", "size", "where", "distance", "reach", "colour", "where"))
        return self._turn(type, operation, (name.slot,), result, self._the(name))

    def _missing(self) -> Asked | None:
        noun = pick(self.rng, self.distractors)
        looks = (("colour", pick(self.rng, COLOURS)),) if self.rng.random() < 0.4 else ()
        if truth.matching(self.things, {}, noun):
            return None
        return self._unary("missing", Name(looks, noun), Refusal("missing"))

    def _several(self) -> Asked | None:
        thing = self.things[self.rng.integers(len(self.things))]
        noun = thing.name if self.rng.random() < 0.5 else thing.name.split()[-1]
        found = truth.meant(self.things, {}, noun)
        if len(found) < 2 or is_belied(self.things, Name((), noun)):
            return None
        return self._unary("several", Name((), noun), Several(tuple(found)))

    def _beyond(self) -> Asked:
        return self._turn("beyond", "beyond", (), Refusal("beyond"))
