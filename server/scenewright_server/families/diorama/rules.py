"""The course of one response: the decoder plans, is told what its plan gives, and speaks.

`plan <call> result <say> answer <eot>`. The result is forced upon the decoder, and so is every word of an answer that
the lookup has settled: no number, unit, name, yes or no is left to guessing. Its own are the words learnt by heart.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from scenewright_server.families.diorama.course import Words, lay_course
from scenewright_server.families.diorama.fusion import FusedModel
from scenewright_server.families.diorama.results import write
from scenewright_server.scene.entries import Detections, Entry
from scenewright_server.scene.findings import Finding
from scenewright_server.scene.lookup import Lookup
from scenewright_server.scene.plans import BY_HEART
from scenewright_server.scene.pointing import PointedAt

MAX_PLAN = 48


class Rules:
    """Follows one response and says which tokens may come next (a `Constraint`).

    `asked` are the question's tokens; None asks for a description, which needs no plan: its result comes at once.
    `focus` are the entries that "it" may mean, unless it is what is `pointed` at. `is_foreign`: the question is in
    another language than the answer, of which the decoder learnt no words by heart. `finding` is set once the plan is
    carried out.
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
        self._language, self._names = language, names.get(language, {})
        self._plan: list[int] = []
        self._said: list[int] = []
        self.is_speaking = False
        self._is_laid = True  # no word of the answer is the decoder's
        self._course: deque[Words] = deque()  # what is known to come; it is emptied token by token
        self._forced: list[int] = []
        self._words = model.plan_ids | model.value_ids
        self._asked = list(asked or ())
        self._text = torch.arange(tokenizer.n_vocab) >= tokenizer.n_specials
        self._text[tokenizer.eot] = True
        if asked is None:
            self._tell(self._lookup.survey())

    @property
    def forced(self) -> list[int]:
        """The tokens that must come now, whatever the decoder would say."""
        return self._forced

    @property
    def sure(self) -> float:
        """How likely that is right which is forced now, as far as what was seen tells."""
        return self._course[0].sure if self._course else 1.0

    @property
    def said(self) -> list[int]:
        """The tokens of text so far, those of the plan and its result among them."""
        return self._said

    def mask(self, logits: Tensor) -> Tensor:
        """logits (V,) with what may not come next at -inf."""
        if self.is_speaking and not self._is_laid and not self._forced:
            allowed = self._text
        else:
            allowed = torch.zeros_like(self._text)
            allowed[self._forced[:1] or list(self._next_of_plan())] = True
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
        if token == tokenizer.say:
            self.is_speaking = True
        if self._forced:
            self._forced = self._forced[1:]
            if not self._forced:
                self._course.popleft()
                self._go_on()
        elif token == tokenizer.call:
            self._tell(self._find())
        elif not self.is_speaking:
            self._plan.append(token)

    def _find(self) -> Finding:
        plan = self._slots()
        self._is_laid = tuple(plan) != BY_HEART or self._is_foreign
        return self._lookup.find(plan, self._tokenizer.decode(self._asked))

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
        """Force a result upon the decoder, and the words in which it is said."""
        tokenizer, answer = self._tokenizer, finding.answer
        self.finding = finding
        self._course.append(Words((*write(tokenizer, answer), tokenizer.say), sure=finding.confidence))
        if self._is_laid:
            self._course += lay_course(tokenizer, answer, self._language, self._lookup.looks, self._names)
            self._course.append(Words((tokenizer.eot,)))
        self._go_on()

    def _go_on(self) -> None:
        self._forced = list(self._course[0].ids) if self._course else []
