"""What speaks against a plan: names and numbers that nobody said, words of the question that it does not answer to, an
outcome that says nothing.

A small decoder's second plan is often the better one. A doubt is in nats, to be taken from what a plan scores; the
weights were set by hand, on the dev half of the people split and on written questions that the decoder had not seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property

from scenewright_server.families.chat.mending import Mending
from scenewright_server.languages.cues import CUES, NUMBERS
from scenewright_server.languages.numerals import whole_at
from scenewright_server.languages.phrases import tokens_of
from scenewright_server.scene import expressions as x
from scenewright_server.scene import questions as q
from scenewright_server.scene import replies as r
from scenewright_server.scene.amounts import CLOCK, read_amounts
from scenewright_server.scene.calling import kinds_of, names_of
from scenewright_server.scene.choosing import Choosing
from scenewright_server.scene.countries import other_words
from scenewright_server.scene.expressions import PlanError
from scenewright_server.scene.failures import Failed
from scenewright_server.scene.matching import fold
from scenewright_server.scene.measures import AGES, PLACES, SHAPES
from scenewright_server.scene.scene import Scene, Things
from scenewright_server.scene.topics import topic_of
from scenewright_server.scene.words import is_chinese

NO_PLAN = 12.0
"""Against a text that is no plan."""
INVENTED, RECKONED = 4.0, 1.5
"""Against a name or a value that neither the question nor the scene has; a number may have been reckoned."""
UNKNOWN_KEY = 2.0
"""Against a key that nothing here has and nobody said."""
UNUSED = 1.5
"""Against words of the question that the plan does not answer to."""
UNSAID = 1.0
"""Against asking something of a thing that nobody named."""
OUTCOMES: dict[type, float] = {
    r.NotUnderstood: NO_PLAN, r.Lost: 3.0, r.NotHere: 1.0, r.Unclear: 1.0, r.Nothing: 2.5, r.Unknown: 2.5, r.Mixed: 1.0,
    r.Ask: 0.3,
}  # fmt: skip
"""Against what says little, though it may yet be right."""
EMPTY = 0.7  # against "there are none"
UNKNOWN, KNOWN_ELSEWHERE = 1.0, 3.0  # against a fact that is not known; of this thing, while others have it
UNASKED = 1.0  # against all that is known, where no description is asked for
UNDECIDED = 2.0  # against neither yes nor no
MANY = 4  # things to choose from: one that asks back so was hardly meant
ALIKE = 0.75  # of two words, one of which may be misspelt
SMALL = 12.0  # numbers in words up to this one may mean nothing: "one of them", "the two"

Numbers = frozenset[float]
_WORD = re.compile(r"[^\W\d_]+")
_TIME = re.compile(r"(\d{1,2}):\d\d")


@dataclass(frozen=True)
class Weighed:
    """A plan, the replies that it gives, none of what is no plan, and its trust less what speaks against it."""

    text: str
    replies: tuple[r.Reply, ...]
    log_probability: float
    score: float
    error: PlanError | None = None

    @property
    def unknown(self) -> list[str]:
        """The keys that it asks for and that are not told."""
        results = (result for reply in self.replies for result in reply.results)
        return [its.key for its in results if isinstance(its, r.Told) and its.value is None]


class Doubts:
    """Of plans for one question, asked after other turns (their words), in one scene."""

    def __init__(self, question: str, before: str, scene: Scene) -> None:
        self._question, self._all_said = fold(question), f"{fold(question)} {fold(before)}"
        self._choosing = Choosing(scene)
        self._cues = CUES["zh" if is_chinese(question) else "en"]
        self.mending = Mending(question, self._choosing, self._cues)

    def of(self, plan: q.Plan, replies: Sequence[r.Reply]) -> float:
        """How much speaks against a plan that gave these replies, in nats."""
        if all(isinstance(question, q.Beyond) for question in plan):
            return UNUSED if self._things_said else 0.0
        parts = [part for question in plan for part in q.all_within(question)]
        return (
            self._of_names(plan, parts)
            + sum(self._of_key(part.name) for part in parts if isinstance(part, x.Key))
            + sum(self._of_value(part.with_) for part in parts if isinstance(part, x.Compared))
            + self._of_numbers(parts)
            + self._of_cues(parts)
            + self._of_values_left_out(parts, replies)
            + sum(self._of_outcome(reply) for reply in replies)
        )

    def is_said(self, words: str) -> bool:
        """Whether one of these words was said, or one like it; of words in another script nobody can tell."""
        folded = fold(words)
        if folded in self._all_said or is_chinese(words) != is_chinese(self._question):
            return True
        if is_chinese(words):
            return any(folded[i : i + 2] in self._all_said for i in range(len(folded) - 1))
        said = [word for word in _WORD.findall(self._all_said) if len(word) > 2]
        return any(_is_alike(word, other) for word in _WORD.findall(folded) if len(word) > 2 for other in said)

    def _of_names(self, plan: q.Plan, parts: Sequence[object]) -> float:
        """Names of nothing here that nobody said; things that nobody named; things that were named and are left out."""
        names = [part.words for part in parts if isinstance(part, x.Named)]
        against = INVENTED * sum(not self._is_here(words) and not self.is_said(words) for words in names)
        if not isinstance(plan[0], q.Name):
            against += UNSAID * sum(self._is_here(words) and not self._is_called(words) for words in names)
        used = {k for words in names for k in self._named(words)}
        is_open = any(isinstance(part, x.All | x.Those | x.This | x.Other | x.Kind | q.Again) for part in parts)
        is_left_out = bool(self._things_said) and not is_open and not used & self._things_said
        return against + UNUSED * is_left_out

    def _of_values_left_out(self, parts: Sequence[object], replies: Sequence[r.Reply]) -> float:
        """Values that were said, are in no part of the plan, and are not those of all that it found; keys of a list."""
        found = {k for reply in replies for k in reply.things}
        left_out = [its for its in self.mending.left_out(parts) if not found or not found <= its.things]
        return UNUSED * (len(left_out) + self.mending.keys_left_out(parts))

    def _of_key(self, name: str) -> float:
        if name in (*SHAPES, *PLACES, *AGES) or self._is_told(name):
            return 0.0
        return 0.0 if any(map(self.is_said, topic_of(name).words)) else UNKNOWN_KEY

    def _of_value(self, value: object) -> float:
        if not isinstance(value, str) or any(map(self.is_said, (value, *other_words(value)))):
            return 0.0
        time = _TIME.fullmatch(value)
        return 0.0 if time and self._hours_said(float(time[1])) else INVENTED

    def _hours_said(self, time: float) -> set[float]:
        """The numbers of the question that may be a time's hour: nine for 21:30."""
        in_digits, in_words = self._numbers_said
        return {n for n in in_digits | in_words if n % 12 == time // 1 % 12}

    def _of_numbers(self, parts: Sequence[object]) -> float:
        """Numbers that nobody said, and such as were said and are left out."""
        in_digits, in_words = self._numbers_said
        used = frozenset(_numbers_in(parts))
        times = {part.value for part in parts if isinstance(part, x.Number) and part.unit == CLOCK}
        hours = {hour for time in times for hour in self._hours_said(time)}
        used = (used - times if hours else used) | hours
        words = " ".join(part.words for part in parts if isinstance(part, x.Named | x.Look))
        named = {float(digits) for digits in re.findall(r"\d+", words)}
        needed = {n for n in in_digits if n > 2} | {n for n in in_words if n > SMALL}
        return RECKONED * len(used - in_digits - in_words - {1.0}) + UNUSED * len(needed - used - named)

    def _of_cues(self, parts: Sequence[object]) -> float:
        """Sides and operations that were said and are not in the plan; "cheaper" that was planned as dearer."""
        text = " ".join(_places_in(parts))
        missed = sum(place not in text for place, cue in self._cues.places.items() if self._has(cue))
        kinds = {type(part).__name__ for part in parts}
        missed += sum(not kinds & answers for cue, answers in self._cues.operations.items() if self._has(cue))
        less, more = self._has(self._cues.less), self._has(self._cues.more)
        signs = {sign for part in parts for sign in _signs_of(part)}
        missed += less != more and signs == ({"more"} if less else {"less"})
        return UNUSED * missed

    def _of_outcome(self, reply: r.Reply) -> float:
        against = UNSAID * len(reply.missing)
        for result in reply.results:
            against += OUTCOMES.get(type(result), 0.0)
            match result:
                case r.Told(value=None):
                    against += KNOWN_ELSEWHERE if self._is_told(result.key) else UNKNOWN
                case r.Told(value=str(text), is_quoted=True) if self._has(self._cues.amount) and not re.search(
                    self._cues.amounts, fold(text)
                ):
                    against += UNUSED
                case r.Verdict() if None in result.are_so:
                    against += UNDECIDED
                case r.Described() if not self._has(self._cues.description):
                    against += UNASKED
                case r.Ask() if self._has(self._cues.each):
                    against += UNSAID
                case r.Ask() if len(result.things) > MANY:
                    against += UNUSED
                case r.Counted(things=()) | r.Exists(things=()):
                    against += EMPTY
        return against

    @cached_property
    def _numbers_said(self) -> tuple[Numbers, Numbers]:
        """Those of the question in digits, and in words."""
        digits = {found.amount.value for found in read_amounts(self._question)}
        digits |= {float(n.replace(",", "")) for n in re.findall(r"\d+(?:,\d{3})*(?:\.\d+)?", self._question)}
        words = {float(NUMBERS[word]) for word in _WORD.findall(self._question) if word in NUMBERS}
        tokens, i = tokens_of(self._question), 0
        while i < len(tokens):
            value, end = whole_at(tokens, i) or (0.0, i + 1)
            if end > i + 1:  # "three hundred", 三百: not three, nor a hundred
                words -= {float(NUMBERS[word]) for word in tokens[i:end] if word in NUMBERS}
            words |= {value} if value else set()
            i = max(end, i + 1)
        return frozenset(digits), frozenset(words - digits)

    @cached_property
    def _things_said(self) -> frozenset[int]:
        """What the question calls by a whole name."""
        return frozenset(self._choosing.scene.called_in(self._question))

    def _named(self, words: str) -> Things:
        return self._choosing.matching.find(words, one=False).things

    def _is_here(self, words: str) -> bool:
        try:
            return bool(self._choosing.choose(x.Kind(words)))
        except Failed:
            return False

    def _is_called(self, words: str) -> bool:
        """Whether these words were said, or another name or a kind of what they name."""
        graphs = [self._choosing.scene.entries[k].graph for k in self._named(words)]
        names = [name for graph in graphs if graph for name in (graph.label, *names_of(graph), *kinds_of(graph))]
        return any(map(self.is_said, (words, *names)))

    def _is_told(self, key: str) -> bool:
        return any(self._choosing.comparing.tell(key, k) is not None for k in self._choosing.everything)

    def _has(self, cue: str) -> bool:
        return re.search(cue, self._question) is not None


def _is_alike(a: str, b: str) -> bool:
    return (len(a) > 3 and a[:4] == b[:4]) or SequenceMatcher(None, a, b).ratio() >= ALIKE


def _numbers_in(parts: Sequence[object]) -> Iterator[float]:
    for part in parts:
        match part:
            case x.Number(value=n) | x.Extreme(n=n) | x.Multiple(n=n) | x.Nth(n=n) | q.Share(n=n) | q.Total(n=n):
                yield float(n)
            case x.Clock(hour=n):
                yield float(n)


def _places_in(parts: Sequence[object]) -> Iterator[str]:
    """Words for the sides that a plan tells apart, or answers with."""
    for part in parts:
        match part:
            case x.Related(relation=words) | x.Key(name=words) | x.Named(words=words) | x.Look(words=words):
                yield words
            case x.Between():
                yield "between"
            case x.Reachable():
                yield "reach"
            case q.Where() | q.Way() | x.Those() | q.Again():
                yield "left right behind front between"


def _signs_of(part: object) -> Iterator[str]:
    """Whether a part of a plan looks for less or for more."""
    match part:
        case x.Extreme(most=most):
            yield "more" if most else "less"
        case x.Compared(sign=sign) | q.Compare(sign=sign) if sign[0] in "<>":
            yield "less" if sign[0] == "<" else "more"
