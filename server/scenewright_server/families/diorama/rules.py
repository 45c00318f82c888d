"""The course of one response: the decoder plans, is told what its plan gives, and speaks.

`plan <call> result <say> answer <eot>`. The result is forced upon the decoder token by token; and while it names an
object of the scene graph, so is the label, as the app spells it; of a description all but the names is forced. What is
known is not left to guessing.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from scenewright_server.families.diorama.course import Name, Step, Words, lay_course, lay_whole_course
from scenewright_server.families.diorama.fusion import FusedModel
from scenewright_server.families.diorama.prefix import label_tokens
from scenewright_server.families.diorama.results import write
from scenewright_server.scene.entries import Detections, Entry
from scenewright_server.scene.findings import Answer, Finding, Several, Things
from scenewright_server.scene.lookup import Lookup
from scenewright_server.scene.plans import BY_HEART
from scenewright_server.scene.pointing import PointedAt

MAX_PLAN = 48


class Rules:
    """Follows one response and says which tokens may come next (a `Constraint`).

    `asked` are the question's tokens; None asks for a description, which needs no plan: its result comes at once.
    `focus` are the entries that "it" may mean, unless it is what is `pointed` at. `is_foreign`: the question is in
    another language than the answer. Of an answer to either no word is left to the decoder, which did not learn it.
    `finding` is set once the plan is carried out.
    """

    def __init__(
        self,
        model: FusedModel,
        entries: Sequence[Entry],
        detections: Detections | None = None,
        *,
        asked: Sequence[int] | None,
        language: str = "en",
        focus: Sequence[int] = (),
        pointed: PointedAt | None = None,
        is_foreign: bool = False,
    ) -> None:
        tokenizer = model.tokenizer
        self.finding: Finding | None = None
        self._tokenizer = tokenizer
        values, names = model.config.vision.attributes, model.config.names
        self._lookup = Lookup(entries, detections, values, focus, names, pointed)
        self._is_foreign, self._points = is_foreign, pointed is not None
        self._labels = self._spellings(model, entries, language)
        self._looks = {
            tokenizer.refs[k]: self._seen_words(model, detections, entry.detection, language)
            for k, entry in enumerate(entries)
            if entry.detection is not None and detections is not None
        }
        self._adjectives = model.adjective_ids
        self._language, self._names = language, model.config.names.get(language, {})
        self._plan: list[int] = []
        self._said: list[int] = []
        self.is_speaking = False
        self._forced: list[int] = []
        self._free: set[int] = set()  # adjectives that may still come before what is forced
        self._unsaid: Counter[int] = Counter()  # how often the answer may still mention what it rests on
        self._words = model.plan_ids | model.value_ids
        self._asked = list(asked or ())
        self._text = torch.arange(tokenizer.n_vocab) >= tokenizer.n_specials
        self._text[tokenizer.end] = True
        self._names_all = asked is None  # the answer must mention all that it rests on
        self._course: deque[Step] = deque()  # what is left of words that are known beforehand
        self._choice: frozenset[int] = frozenset()  # one of these comes now
        self._naming: frozenset[int] = frozenset()  # the words of a name that has begun
        if asked is None:
            survey = self._lookup.survey()
            self._course.extend(self._lay_course(survey.answer))
            self._tell(survey)

    @staticmethod
    def _spellings(model: FusedModel, entries: Sequence[Entry], language: str) -> dict[int, list[int]]:
        """The labels that are to be spelled as they stand; those made of known words alone may be translated."""
        tokenizer, known = model.tokenizer, model.value_ids
        labels = [label_tokens(entry, tokenizer) for entry in entries]
        kept = (language == "en" or not known.issuperset(label) for label in labels)
        return {
            tokenizer.refs[k]: label for k, (label, keep) in enumerate(zip(labels, kept, strict=True)) if label and keep
        }

    @staticmethod
    def _seen_words(model: FusedModel, detections: Detections, i: int, language: str) -> frozenset[int]:
        """The tokens of what a detection most likely looks like."""
        names = model.config.names.get(language, {})
        values = model.config.vision.attributes.items()
        likeliest = (options[int(detections.attributes[name][i].argmax())] for name, options in values)
        return frozenset(id for value in likeliest for id in model.tokenizer.words(names.get(value, value)))

    @property
    def forced(self) -> list[int]:
        """The tokens that must come now, whatever the decoder would say."""
        return [] if self._free else self._forced

    @property
    def said(self) -> list[int]:
        """The tokens of text so far, those of the plan and its result among them."""
        return self._said

    def mask(self, logits: Tensor) -> Tensor:
        """logits (V,) with what may not come next at -inf."""
        if self._forced:
            allowed = torch.tensor([self._forced[0], *self._free], device=logits.device)
            return torch.full_like(logits, float("-inf")).index_copy(0, allowed, logits[allowed])
        if self._choice:
            allowed = torch.zeros_like(self._text)
            allowed[list(self._choice)] = True
        elif self._naming:
            allowed = torch.zeros_like(self._text)
            allowed[[*self._naming, self._tokenizer.end]] = True
        elif self.is_speaking:
            allowed = self._text.clone()
            unsaid = [ref for ref, n in self._unsaid.items() if n]
            allowed[unsaid] = True
            if self._names_all and self._unsaid:
                # A list ends with the last of what it names, and not before.
                allowed = allowed if unsaid else torch.zeros_like(allowed)
                allowed[self._tokenizer.eot] = not unsaid
            else:
                allowed[self._tokenizer.eot] = True
        else:
            allowed = torch.zeros_like(self._text)
            allowed[list(self._next_of_plan())] = True
        return logits.masked_fill(~allowed.to(logits.device), float("-inf"))

    def _next_of_plan(self) -> set[int]:
        """A plan is made of its own words and of the question's; these go on as they do in the question."""
        marks = {self._tokenizer.end, self._tokenizer.call}
        last = self._plan[-1] if self._plan else None
        if len(self._plan) >= MAX_PLAN:
            return {self._tokenizer.call}
        if last is None or last in marks or last in self._words:
            return marks | self._words | set(self._asked)
        return marks | {after for before, after in pairwise(self._asked) if before == last}

    def feed(self, token: int) -> None:
        """Take note of the token that came."""
        tokenizer = self._tokenizer
        if token >= tokenizer.n_specials:
            self._said.append(token)
        if self._free and token != self._forced[0]:
            self._free.discard(token)
            return
        was_forced = bool(self._forced)
        self._forced, self._free, self._choice = self._forced[1:], set(), frozenset()
        if token == tokenizer.say:
            self.is_speaking = True
        elif self.is_speaking:
            if token == tokenizer.end:
                self._naming = frozenset()
            if token in self._unsaid and not self._forced:
                self._begin_name(token)
        elif token == tokenizer.call:
            plan = self._slots()
            finding = self._lookup.find(plan)
            self._names_all = isinstance(finding.answer, Things | Several)
            if tuple(plan) != BY_HEART or self._is_foreign:
                self._course.extend(self._lay_course(finding.answer))
            self._tell(finding)
        elif not was_forced:
            self._plan.append(token)
        if self.is_speaking and not self._forced and not self._naming and self._course:
            self._go_on(self._course.popleft())

    def _lay_course(self, answer: Answer) -> list[Step]:
        if self._is_foreign or self._points:
            return lay_whole_course(self._tokenizer, answer, self._language, self._lookup.looks, self._names)
        return lay_course(self._tokenizer, answer, self._language, self._names)

    def _begin_name(self, ref: int) -> None:
        """A mention: a label of the graph's must be spelled as it stands, behind adjectives for what was seen."""
        self._unsaid[ref] -= 1
        looks = self._looks.get(ref, frozenset())
        label = self._labels.get(ref)
        if label is None:
            self._naming = looks or frozenset(self._text.nonzero().flatten().tolist())
        else:
            self._forced = [*label, self._tokenizer.end]
            self._free = set(self._adjectives & looks) - {label[0]}

    def _go_on(self, step: Step) -> None:
        if isinstance(step, Name):
            self._forced = [self._tokenizer.refs[step.k]]
        elif isinstance(step, Words):
            self._forced = list(step.ids)
        else:
            self._choice = step.ids

    def _slots(self) -> list[str]:
        """The plan in words."""
        slots: list[list[int]] = [[]]
        for token in self._plan:
            if token == self._tokenizer.end:
                slots.append([])
            else:
                slots[-1].append(token)
        words = [self._tokenizer.decode(slot) for slot in slots]
        if not self._points or tuple(words) == BY_HEART:
            return words
        return ["this" if word == "it" else word for word in words]

    def _tell(self, finding: Finding) -> None:
        """Force a result upon the decoder; what it then mentions is of it."""
        tokenizer = self._tokenizer
        self.finding = finding
        self._forced = [*write(tokenizer, finding.answer), tokenizer.say]
        self._unsaid = Counter(tokenizer.refs[k] for k in finding.answer.things)
