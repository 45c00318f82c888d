"""What settles a question: a plan of the decoder's, looked up among the entries of a scene.

The decoder understands and speaks; what follows from boxes, poses and posteriors is computed here, as a
neural-symbolic reader does (Yi et al., "Neural-Symbolic VQA", 2018).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from scenewright_server.scene.entries import Detections, Entry
from scenewright_server.scene.findings import (
    Answer,
    Count,
    Distance,
    Finding,
    Kind,
    Look,
    One,
    Place,
    Placing,
    Refusal,
    Survey,
    Things,
    Where,
    YesNo,
)
from scenewright_server.scene.looks import Looks
from scenewright_server.scene.naming import Naming
from scenewright_server.scene.plans import LOOKS, RELATIONS
from scenewright_server.scene.pointing import PointedAt
from scenewright_server.scene.support import find_supports
from scenewright_server.scene.words import is_chinese, normalise

REACH_M = 0.8
RELATION_SLOTS = (("is", 1), ("what", 0))  # the slots that name no thing


class Lookup:
    """One scene's entries, ready to be asked.

    `values` names each attribute's values in the order of the detections' posteriors; `focus` are the entries that
    the answer before settled on, for "it"; `names`: language -> what it calls the values; `pointed` is what the user
    points at, for "this", None where nobody points. `naming` and `looks` tell names and looks among them.
    """

    def __init__(
        self,
        entries: Sequence[Entry],
        detections: Detections | None,
        values: Mapping[str, Sequence[str]],
        focus: Sequence[int] = (),
        names: Mapping[str, Mapping[str, str]] | None = None,
        pointed: PointedAt | None = None,
    ) -> None:
        self.entries = entries
        self.looks = Looks(entries, detections, values, names)
        self.naming = Naming(self.looks, focus, pointed)
        self._under = find_supports(entries, detections)

    def find(self, plan: Sequence[str], question: str = "") -> Finding:
        """Carry out a plan of a question. One that makes no sense was not understood.

        Nothing is denied for want of understanding: where a slot of the plan names nothing here, and is no words of
        the question's own, the one thing that the question names stands in for it.
        """
        finding = self._find(plan)
        if not question or not self.entries or not _denies(finding.answer):
            return finding
        mended = self._mend(plan, normalise(question))
        return finding if mended is None else mended

    def _mend(self, plan: Sequence[str], question: str) -> Finding | None:
        """What a plan gives whose slots are garbled; None where they are as they were asked for."""
        operation, *slots = plan or ("",)
        named = self.naming.names_in(question)
        if self._operations.get((operation, len(slots))) is None:
            is_one = (operation, 1) in self._operations and len(named) == 1
            return self._find((operation, named[0])) if is_one else None
        at = [n for n in range(len(slots)) if (operation, n) not in RELATION_SLOTS]
        lost = [n for n in at if not self.naming.find_all(slots[n])[0] and self._is_garbled(slots[n], question, named)]
        if not lost or not named:
            names = [slots[n] for n in at if not self.naming.find_all(slots[n])[0]]
            return Finding(Refusal("unclear")) if any(map(self.naming.may_be_called, names)) else None
        held = {k for n in at if n not in lost for k in self.naming.find_all(slots[n])[0]}
        free = [name for name in named if not held.issuperset(self.naming.find_all(name)[0])]
        if len(lost) > 1 or len(free) != 1:
            return Finding(Refusal("unclear"))
        return self._find((operation, *slots[: lost[0]], free[0], *slots[lost[0] + 1 :]))

    def _is_garbled(self, slot: str, question: str, named: Sequence[str]) -> bool:
        """Whether a slot that names nothing is no name of the question's: it goes on behind one, or is put together."""
        if slot in ("it", "this", "one", "left one", "right one"):
            return False
        if any(f" {name} " in f" {slot} " and not slot.endswith(name) for name in named):
            return True
        if is_chinese(slot):
            return slot not in question
        said = {value for name, value in self.looks.translated.items() if name in question} | set(question.split())
        return not slot or not all(any(map(partial(_is_form, word), said)) for word in slot.split())

    def _find(self, plan: Sequence[str]) -> Finding:
        operation, *slots = plan or ("",)
        if operation == "beyond":
            return Finding(Refusal("beyond"))
        if operation == "what" and slots[1:] == ["me"]:
            return Finding(self._around(slots[0]))
        run = self._operations.get((operation, len(slots)))
        if run is None:
            return Finding(Refusal("unclear"))
        if not self.entries:
            return Finding(Refusal("unsure"))
        if operation in ("exist", "count"):
            return run(*slots)
        return self._carry_out(operation, slots, run)

    def survey(self) -> Finding:
        """Every entry, left to right, with its place and what belies its label: what a description tells."""
        facts = [self._fact(k, k - 1 if k else None) for k in range(len(self.entries))]
        return Finding(Survey(tuple(facts)) if facts else Refusal("unsure"))

    @property
    def _operations(self) -> dict[tuple[str, int], Callable[..., Finding]]:
        """By a plan's first word and its number of slots."""
        return {
            ("exist", 1): self._exist,
            ("count", 1): self._count,
            **{(look, 1): partial(self._look, look) for look in LOOKS},
            ("kind", 1): self._kind,
            ("where", 1): self._where,
            ("distance", 1): self._distance,
            ("reach", 1): self._reach,
            ("nearest", 1): self._nearest,
            ("is", 3): self._is,
            ("what", 2): self._what,
            ("closer", 2): self._closer,
            ("farther", 2): lambda i, j: self._closer(i, j, farther=True),
            ("taller", 2): self._taller,
            ("apart", 2): self._apart,
            ("closest", 0): lambda: Finding(One(self._by_distance()[0])),
            ("farthest", 0): lambda: Finding(One(self._by_distance()[-1])),
            ("centre", 0): self._centre,
            ("list", 0): lambda: Finding(Things(tuple(range(len(self.entries))))),
        }

    def _carry_out(self, operation: str, slots: Sequence[str], run: Callable[..., Finding]) -> Finding:
        """Replace the slots that name one thing by its entry, and run the operation."""
        sure = 1.0
        named: list[int | str] = []
        for n, slot in enumerate(slots):
            if (operation, n) in RELATION_SLOTS:
                if slot not in RELATIONS:
                    return Finding(Refusal("unclear"), sure)
                named.append(slot)
                continue
            found, how_sure = self.naming.find_one(slot)
            sure *= how_sure
            if not isinstance(found, int):
                return Finding(found, sure)
            named.append(found)
        finding = run(*named)
        return Finding(finding.answer, sure * finding.confidence)

    def _exist(self, slot: str) -> Finding:
        found, sure = self.naming.find_all(slot)
        return Finding(YesNo("exist", found, bool(found)), sure)

    def _count(self, slot: str) -> Finding:
        found, sure = self.naming.find_all(slot)
        return Finding(Count(found), sure)

    def _look(self, look: str, k: int) -> Finding:
        told = self.looks.told[k][0].get(look)
        if told is not None:
            seen = self.looks.belied(k).get(look)
            return Finding(Look(k, look, told) if seen is None else Look(k, look, seen, told))
        posterior = self.looks.posterior(k, look)
        if posterior is None:
            return Finding(Refusal("unknown"))
        return Finding(Look(k, look, self.looks.values[look][int(posterior.argmax())]), float(posterior.max()))

    def _kind(self, k: int) -> Finding:
        posterior = self.looks.posterior(k, "kind")
        is_seen = not self.looks.told[k][1] and posterior is not None
        return Finding(
            Kind(k, self.looks.belied(k).get("kind")),
            float(posterior.max()) if is_seen and posterior is not None else 1.0,
        )

    def _where(self, k: int) -> Finding:
        under = self._under[k]
        return Finding(Where(k, self.entries[k].side) if under is None else Where(k, "on", under))

    def _distance(self, k: int) -> Finding:
        return Finding(Distance((k,), self.entries[k].distance))

    def _apart(self, i: int, j: int) -> Finding:
        return Finding(Distance((i, j), math.dist(self.entries[i].position, self.entries[j].position)))

    def _reach(self, k: int) -> Finding:
        return Finding(YesNo("reach", (k,), self.entries[k].distance < REACH_M))

    def _nearest(self, j: int) -> Finding:
        here = self.entries[j].position
        others = [k for k in range(len(self.entries)) if k != j]
        return Finding(_first(others, lambda k: math.dist(self.entries[k].position, here)))

    def _is(self, i: int, relation: str, j: int) -> Finding:
        return Finding(YesNo("is", (i, j), self._holds(relation, i, j)))

    def _what(self, relation: str, j: int) -> Finding:
        found = (i for i in range(len(self.entries)) if i != j and self._holds(relation, i, j))
        return Finding(Things(tuple(found)))

    def _holds(self, relation: str, i: int, j: int) -> bool:
        a, b = self.entries[i], self.entries[j]
        if relation in ("on", "under"):
            return self._under[i if relation == "on" else j] == (j if relation == "on" else i)
        if self._under[i] == j or self._under[j] == i or a.order[0] or b.order[0]:
            return False
        if relation in ("left", "right"):
            return (a.order < b.order) == (relation == "left")
        return (a.position[2] > b.position[2]) == (relation == "behind")

    def _around(self, side: str) -> Answer:
        """What is on a side of the user, or within reach."""
        if side == "behind":
            if not any(e.graph for e in self.entries):
                return Refusal("blind")
            return self._those(lambda e: e.order[0])
        if not self.entries:
            return Refusal("unsure")
        return self._those(lambda e: e.distance < REACH_M if side == "reach" else e.side == side)

    def _those(self, is_so: Callable[[Entry], bool]) -> Things:
        return Things(tuple(k for k, entry in enumerate(self.entries) if is_so(entry)))

    def _closer(self, i: int, j: int, farther: bool = False) -> Finding:
        is_closer = self.entries[i].distance < self.entries[j].distance
        return Finding(One(i if is_closer != farther else j))

    def _taller(self, i: int, j: int) -> Finding:
        return Finding(One(i if self.entries[i].size[1] > self.entries[j].size[1] else j))

    def _by_distance(self) -> list[int]:
        return sorted(range(len(self.entries)), key=lambda k: self.entries[k].distance)

    def _centre(self) -> Finding:
        away = {
            k: math.hypot((e.box[0] + e.box[2]) / 2 - 0.5, (e.box[1] + e.box[3]) / 2 - 0.5)
            for k, e in enumerate(self.entries)
            if e.box
        }
        return Finding(_first(list(away), away.__getitem__))

    def _fact(self, k: int, previous: int | None) -> Placing:
        """Of entry k, in a description in which `previous` was named before it."""
        under, seen = self._under[k], tuple(self.looks.belied(k).values())
        if under is not None:
            return Placing(k, "on", None if under == previous else under, seen)
        place = self.entries[k].side if previous is None else _place(self.entries[k], self.entries[previous])
        return Placing(k, place, None, seen)


def _is_form(word: str, other: str) -> bool:
    """Whether two words are one, perhaps in the singular and in the plural."""
    begin = word[: max(3, len(word) - 2)]
    return word == other or (other.startswith(begin) and abs(len(word) - len(other)) <= 2)


def _denies(answer: Answer) -> bool:
    """Whether an answer says that something is not there, or was not understood."""
    return answer in (Refusal("missing"), Refusal("unclear"), Count(())) or answer == YesNo("exist", (), False)


def _place(entry: Entry, previous: Entry) -> Place:
    """Where an entry is against the one named before it; where it is seen, if one of them is behind the user."""
    if entry.order[0] or previous.order[0]:
        return entry.side
    dx, _, dz = (a - b for a, b in zip(entry.position, previous.position, strict=True))
    if abs(dz) > max(0.6, 1.5 * abs(dx)):
        return "behind" if dz > 0 else "front"
    return "beside"


def _first(ks: Sequence[int], away: Callable[[int], float]) -> One | Things:
    """The nearest of these; nothing where there are none."""
    return One(min(ks, key=away)) if ks else Things(())
