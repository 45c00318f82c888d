"""The people split: questions written one by one, and a judge of what a model says to them.

`people/held/` and `people/dev/`, and likewise `free-...` and `everyday-...`, hold one JSON file a scene: "name",
"domain", "language_of_labels", "scene" (a SceneGraph as protobuf writes it in JSON) and "questions". A question has
"id", "language", "kind", "style", "ask", "before" (the turns so far), and

accept: alternatives. An answer is right if everything in one of them holds.
    objects         these, and no others, are named or pointed at
    any_object      at least one of these is, and no others
    number, numbers {"value" or "from" and "to", "unit", "tolerance"}: said, in any unit of its kind
    words           groups of alternatives; one of each group is said
    yes_no          "yes" or "no"
    refusal         "unknown" (it says that it does not know), "not_here" (that there is none), "asks_back" (which of
                    `objects` is meant) or "beyond" (any answer of its own that is no refusal)
may: ids that may be named or pointed at besides.
names: more names by id for an answer in another language than the labels'.
reject: words and "@id"s that make an answer false.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any, Literal

from scenewright_server.training.evaluation.amounts import Amount, amounts, is_same_kind, plain
from scenewright_server.training.evaluation.mentions import Names, has_word
from scenewright_server.training.evaluation.stances import (
    ASKING,
    CHOICE,
    DENIAL,
    HELPLESS,
    LOST,
    NEGATION,
    UNKNOWN,
    barely,
    echoes,
    only_places,
    polarity,
)
from scenewright_server.training.evaluation.things import invented

FOLDER = Path(__file__).with_name("people")
MAX_BESIDE = 4
"""An answer that names more things than these beside what is asked for is none: it may hold all that the scene does."""
RECKONED = {"sum", "difference", "average", "count", "compare", "or", "threshold", "ordinal", "superlative"}
"""Kinds of question whose numbers may follow from facts; elsewhere a fact's number is told as it is."""
MEASURED = {"eur", "usd", "gbp", "cny", "gold", "money", "mass", "volume", "percent", "temperature", "energy"}
"""Kinds of unit that only a fact has: an amount of these that follows from no fact was made up."""


@dataclass(frozen=True)
class Question:
    """One question of the split; the module's docstring tells the fields."""

    id: str
    language: str
    kind: str
    style: str
    ask: str
    accept: tuple[dict[str, Any], ...]
    before: tuple[dict[str, str], ...] = ()
    may: tuple[str, ...] = ()
    names: dict[str, list[str]] = field(default_factory=dict)
    reject: tuple[str, ...] = ()


@dataclass(frozen=True)
class PeopleScene:
    """A scene of the split: `graph` is a SceneGraph in protobuf's JSON mapping."""

    name: str
    domain: str
    label_language: str
    graph: dict[str, Any]
    questions: tuple[Question, ...]


Grade = Literal["right", "wrong", "false", "made_up"]


@dataclass(frozen=True)
class Verdict:
    """`wrong`: not right, though nothing untrue is said (a refusal, half an answer). `false`: says something untrue of
    the scene. `made_up`: says something, or a number, that the scene does not hold."""

    verdict: Grade
    reason: str


def read_scenes(half: str) -> list[PeopleScene]:
    """The scenes of a half, as "held" or "dev", by name. Raises FileNotFoundError where there are none."""
    paths = sorted((FOLDER / half).glob("*.json"))
    if not paths:
        raise FileNotFoundError(f"no scenes in {FOLDER / half}")
    return [read_scene(path) for path in paths]


def read_scene(path: Path) -> PeopleScene:
    """One file of the split. Raises KeyError or TypeError, with the field's name, where it is not of the form above."""
    data = json.loads(path.read_text(encoding="utf-8"))
    sequences = ("accept", "before", "may", "reject")
    asked: list[dict[str, Any]] = [
        {k: tuple(v) if k in sequences else v for k, v in q.items()} for q in data["questions"]
    ]
    questions = tuple(Question(**q) for q in asked)
    return PeopleScene(data["name"], data["domain"], data["language_of_labels"], data["scene"], questions)


def judge(scene: PeopleScene, question: Question, answer: str, pointed: Collection[str] = ()) -> Verdict:
    """What a careful reader would say of an answer's text and the ids that it points at."""
    return _Reading(scene, question, answer, frozenset(pointed)).verdict()


class _Reading:
    """An answer, taken apart once: what it names, its numbers, whether it refuses, asks, affirms or denies."""

    def __init__(self, scene: PeopleScene, question: Question, answer: str, pointed: frozenset[str]):
        self.question, self.pointed = question, pointed
        self.objects = {o["id"]: o for o in scene.graph.get("objects", [])}
        self.text = plain(answer).strip()
        self.names = Names(scene.graph, question.names)
        self.said = self.names.find(self.text)
        self.asked = {i for mention in self.names.find(plain(question.ask)) for i in mention.ids}
        self.numbers = amounts(self.names.masked(self.text))
        self.is_unknown = bool(UNKNOWN.search(self.text))
        self.is_denial = bool(DENIAL.search(UNKNOWN.sub(" ", self.text)))
        self.is_asking = bool(ASKING.search(self.text))
        self.explicit = polarity(self.text)

    def verdict(self) -> Verdict:
        """The first alternative that holds makes it right, unless something else in it is untrue."""
        if not self.text and not self.pointed:
            return Verdict("wrong", "says nothing")
        if self.text == plain(self.question.ask).strip():
            return Verdict("wrong", "says the question again")
        if LOST.search(self.text):
            return Verdict("wrong", "did not understand")
        is_beyond = any(a.get("refusal") == "beyond" for a in self.question.accept)
        if not is_beyond and len(self._beside()) > MAX_BESIDE:
            return Verdict("wrong", f"names {len(self._beside())} other things, at most {MAX_BESIDE}")
        untrue = self._untrue(is_beyond)
        if untrue:
            return untrue
        failures = [self._failure(alternative) for alternative in self.question.accept]
        if None in failures:
            return Verdict("right", "accepted")
        return self._grade(next(f for f in failures if f))

    def _beside(self) -> set[str]:
        """What it names beside what any alternative asks for and the question names."""
        wanted = {i for a in self.question.accept for i in a.get("objects", a.get("any_object", []))}
        named = {i for m in self.said if len(m.ids) == 1 for i in m.ids}
        return named - wanted - self.asked - set(self.question.may)

    def _untrue(self, is_beyond: bool) -> Verdict | None:
        """What makes an answer false whatever else it says."""
        for word in self.question.reject:
            named = {i for m in self.said if len(m.ids) == 1 and not m.is_contrast for i in m.ids}
            if word[0] == "@" and word[1:] in self.pointed | named:
                return Verdict("false", f"names {word[1:]}")
            if word[0] != "@" and has_word(self.text, word):
                return Verdict("false", f"says {word!r}")
        wanted = {a["yes_no"] for a in self.question.accept if "yes_no" in a}
        if len(wanted) == 1 and self.explicit and self.explicit not in wanted and not self.is_unknown:
            return Verdict("false", f"says {self.explicit}, and it is {wanted.pop()}")
        kinds = MEASURED - {"mass", "volume", "temperature"} if is_beyond else MEASURED
        text = re.sub(r"\d{1,2}:\d\d|\d{3,4}-\d{5,}", " ", self.names.masked(self.text))
        for amount in amounts(text):
            if amount.kind in kinds and not amount.is_weak and not self._follows(amount):
                grade: Grade = "false" if self.question.kind in RECKONED else "made_up"
                return Verdict(grade, f"{amount.raw:g} {amount.kind} follows from nothing")
        thing = None if is_beyond else invented(self.text, self._told())
        return Verdict("made_up", f"speaks of {thing!r}, which is not there") if thing else None

    def _failure(self, accept: dict[str, Any]) -> str | None:
        """Why this alternative does not hold; None if it does."""
        refusal = accept.get("refusal")
        if refusal:
            return self._refuses(refusal, accept)
        checks: dict[str, Callable[[Any, str], str | None]] = {
            "objects": self._objects,
            "any_object": self._objects,
            "number": self._number,
            "numbers": self._numbers,
            "words": self._words,
            "yes_no": self._yes_no,
        }
        return next((failure for key in accept if (failure := checks[key](accept[key], key))), None)

    def _refuses(self, refusal: str, accept: dict[str, Any]) -> str | None:
        missing = self._words(accept["words"], "words") if "words" in accept else None
        if refusal == "unknown":
            denied = self.is_denial and not self.is_unknown
            is_bare = not re.search(r"[a-z]{3}|[一-鿿]", barely(DENIAL.sub(" ", self.names.without(self.text))))
            if denied and (is_bare or any(m.is_denied for m in self.said)):
                return "denies what is there"
            return missing or (None if self.is_unknown or denied else "does not say that it does not know")
        if refusal == "not_here":
            return None if self.is_denial else "does not say that there is none"
        if refusal == "asks_back":
            choices = accept.get("objects", [])
            named = {i for m in self.said for i in m.ids} | self.pointed
            is_choice = CHOICE.search(self.text) or len(named & set(choices)) > 1
            if not self.is_asking or not is_choice:
                return "does not ask which one"
            return f"asks about {sorted(self.pointed - set(choices))}" if self.pointed - set(choices) else None
        if len(re.findall(r"[a-z]+|[一-鿿]", self.text)) < 3:
            return "says too little"
        is_bare = not barely(DENIAL.sub(" ", self.text)).strip(" .")
        is_refusal = self.is_unknown or HELPLESS.search(self.text) or is_bare
        is_asking_back = self.is_asking and re.search(r"\bwhich one do you mean|哪一个", self.text)
        return "refuses" if len(self.text) < 90 and (is_refusal or is_asking_back) else missing

    def _objects(self, wanted: list[str], key: str) -> str | None:
        """The right things are named or pointed at, and no others; beside a text that names things, pointing counts
        only for what the text leaves open."""
        needed, free = set(wanted), set(self.question.may)
        answered = [m for m in self.said if not m.is_contrast]
        sure = {i for m in answered if len(m.ids) == 1 for i in m.ids}
        open_ = [m.ids for m in answered if len(m.ids) > 1]
        context = {i for m in self.said if m.is_contrast or m.is_place for i in m.ids}
        allowed = needed | free | self.asked | context
        got = {
            i
            for i in needed
            if i in sure or i in self.pointed or any(i in ids and self._settles(i, ids) for ids in open_)
        }
        got |= {i for i in needed - got if self.names.has_own_word(i, self.objects, self.text)}
        if not answered:
            rivals = {i: self.names.rivals(i) for i in needed - got}
            got |= {i for i, ids in rivals.items() if len(ids) > 1 and self.names.is_told_apart(i, ids, self.text)}
        compared = {i for m in self.said if m.is_contrast for i in m.ids} - sure
        got -= compared if sure & free else set()
        extra = ({i for m in answered if len(m.ids) == 1 for i in m.ids} | self.pointed) - allowed
        if not got >= needed:
            extra |= {min(ids) for ids in open_ if not ids & allowed}
        if not got and (sure or self.pointed) and not self.is_denial:
            extra |= sure | self.pointed
        if extra:
            return f"names {sorted(extra)}"
        if got >= needed if key == "objects" else got:
            return "denies what is there" if self.is_denial and not sure and not self.pointed else None
        return f"misses {sorted(needed - got)}" if got else f"does not name {sorted(needed)}"

    def _settles(self, i: str, ids: frozenset[str]) -> bool:
        """Whether a name that fits several things is meant for this one: all are wanted, it is on the side told, or
        its own words are said."""
        needed = {n for a in self.question.accept for n in a.get("objects", a.get("any_object", []))}
        return ids <= needed | set(self.question.may) or self.names.is_told_apart(i, ids, self.text)

    def _number(self, wanted: dict[str, Any], key: str) -> str | None:
        low, high, kind, span = _span(wanted)
        fit = [a for a in self.numbers if is_same_kind(a.kind, kind) and not (a.is_weak and self.is_asking)]
        if any(low <= _base(a, span) <= high for a in fit):
            return None
        if low <= 0 <= high and not kind and (self.is_denial or re.search(r"\b(?:none|zero)\b|没有", self.text)):
            return None
        strong = _strong(fit)
        is_single = not strong and not self.is_asking and re.search(r"\b(?:an?|only|single|one)\b|一", self.text)
        if low <= 1 <= high and not kind and is_single:
            return None
        said = ", ".join(f"{a.raw:g}" for a in strong)
        return f"number: says {said}, not {low:g} to {high:g}" if said else f"says no number like {wanted}"

    def _numbers(self, wanted: list[dict[str, Any]], key: str) -> str | None:
        return next((f for w in wanted if (f := self._number(w, key))), None)

    def _words(self, groups: list[list[str]], key: str) -> str | None:
        for group in groups:
            if not any(has_word(self.text, word) or self._says_number(word) for word in group):
                return f"says none of {group}"
        return None

    def _says_number(self, word: str) -> bool:
        return bool(re.fullmatch(r"[\d.]+", word)) and any(a.raw == float(word) for a in self.numbers)

    def _yes_no(self, wanted: str, key: str) -> str | None:
        if self.is_unknown:
            return "does not know"
        if LOST.search(self.text):
            return "does not understand"
        if self.explicit:
            return None if self.explicit == wanted else f"says {self.explicit}"
        if self.is_asking:
            return "asks"
        soft = "no" if NEGATION.search(self.text) else "yes" if echoes(self.text, plain(self.question.ask)) else ""
        return None if soft == wanted else f"yes_no: {soft or 'neither'}"

    def _follows(self, amount: Amount) -> bool:
        """Whether an amount is in the scene, in the question, or follows from it: a sum, a difference, a multiple."""
        for accept in self.question.accept:
            for wanted in [*accept.get("numbers", []), *([accept["number"]] if "number" in accept else [])]:
                low, high, kind, span = _span(wanted)
                if is_same_kind(amount.kind, kind) and low <= _base(amount, span) <= high:
                    return True
        known = [a for t in self._told() for a in amounts(t)]
        values = [k.value for k in known if is_same_kind(amount.kind, k.kind) or is_same_kind(k.kind, amount.kind)]
        derived = list(values)
        if self.question.kind in RECKONED:
            derived += [v * n for v in values for n in range(2, 11)]
            derived += [d for a, b in combinations(values, 2) for d in (a + b, abs(a - b))]
        return any(abs(amount.value - d) <= 0.005 * amount.scale + 1e-9 for d in derived)

    def _told(self) -> list[str]:
        """All that the model was told in words: the scene's, the turns before and the question."""
        texts = [self.question.ask, *(t for turn in self.question.before for t in turn.values())]
        texts += [name for names in self.question.names.values() for name in names]
        for item in self.objects.values():
            texts += [item["id"], item["label"], *item.get("aliases", []), item.get("description", "")]
            for fact in item.get("facts", []):
                texts.append(fact["text"] if "text" in fact else f"{fact['number']} {fact.get('unit', '')}")
        return texts

    def _grade(self, why: str) -> Verdict:
        """How bad an answer is that no alternative accepts."""
        kinds = {a.get("refusal") for a in self.question.accept}
        if self.is_unknown or (self.is_asking and "asks_back" not in kinds and not self.pointed):
            return Verdict("wrong", why)
        if kinds & {"unknown", "not_here"}:
            if "denies" in why:
                return Verdict("false", why)
            is_idle = self.is_asking or (self.said and only_places(self.names.without(self.text)))
            return Verdict("wrong" if is_idle else "made_up", why)
        if kinds & {"asks_back", "beyond"}:
            return Verdict("wrong", why)
        needed = {i for a in self.question.accept for i in a.get("objects", a.get("any_object", []))} | self.asked
        is_denied = any(m.is_denied and m.ids & needed for m in self.said)
        if is_denied or (self.is_denial and not self.said and not self.numbers):
            return Verdict("false", "denies what is there")
        if why.startswith(("number:", "names", "denies", "yes_no: yes", "yes_no: no")):
            return Verdict("false", why)
        return Verdict("wrong", why)


def _strong(found: list[Amount]) -> list[Amount]:
    return [a for a in found if not a.is_weak]


def _span(wanted: dict[str, Any]) -> tuple[float, float, str, float]:
    """From and to in base units, the kind of unit and the unit's scale."""
    unit = amounts(f"2 {wanted.get('unit', '')}")[0]
    low, high = (wanted["value"],) * 2 if "value" in wanted else (wanted["from"], wanted["to"])
    slack = wanted.get("tolerance", 0.005)
    return (low - slack) * unit.scale, (high + slack) * unit.scale, unit.kind, unit.scale


def _base(amount: Amount, scale: float) -> float:
    """An amount in base units; a bare number is in the unit that is asked for."""
    return amount.value if amount.kind else amount.raw * scale
