"""Plans put right by what is told here: a planner sees the keys of facts and no values, so it may leave out one that
the question says ("Swiss forwards"), or name another in its place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from scenewright_server.languages.cues import Cues
from scenewright_server.scene import expressions as x
from scenewright_server.scene import questions as q
from scenewright_server.scene.choosing import PICKS, Choosing
from scenewright_server.scene.countries import other_words
from scenewright_server.scene.failures import Failed, Several
from scenewright_server.scene.matching import calls, fold
from scenewright_server.scene.measures import SPAN_OF
from scenewright_server.scene.replacing import replaced
from scenewright_server.scene.topics import topic_of
from scenewright_server.scene.words import is_chinese

_LEAST, _LEAST_HAN, _MOST = 3, 2, 30
"""Characters of a value that a question may say."""
_ANSWERS = frozenset("yes no none true false n/a left right not all now 没有 可以".split())
"""Values that a question may have for other reasons."""
_LASTS = re.compile(r"\b(?:short|long)(?:er|est)?\b|最[长短久]")
_DENIED = re.compile(
    r"(?:\b(?:not|no|without|except|excluding|apart from|other than|besides|but not|leaving out)\b|n't\b)[^,.;?]{0,20}$"
    r"|(?:不是|不要|不在|除了|除开|非|没有)[^，。；？]{0,6}$"
)
"""Words that deny what comes soon after them."""


@dataclass(frozen=True)
class Said:
    """A value of a fact that the question says, the things that have it, and its key, "" where it stands under several;
    `is_denied`: "not from Brazil"."""

    key: str
    value: str
    things: frozenset[int]
    is_denied: bool = False


class Mending:
    """What a question says of values and keys of facts in a scene."""

    def __init__(self, question: str, choosing: Choosing, cues: Cues) -> None:
        self._question, self._choosing, self._cues = fold(question), choosing, cues
        self._graphs = [entry.graph for entry in choosing.scene.entries]

    def left_out(self, parts: Sequence[object]) -> list[Said]:
        """The values that the question says and a plan of these parts does not name, nor a thing that has them."""
        words = {word for part in parts for its in _words_of(part) for word in (fold(its), *other_words(its))}
        names = [part.words for part in parts if isinstance(part, x.Named)]
        named = {k for name in names for k in self._choosing.matching.find(name, one=False).things}
        return [
            its
            for its in self._values
            if not any(_is_within(fold(its.value), word) for word in words) and not named & its.things
        ]

    def keys_left_out(self, parts: Sequence[object]) -> int:
        """How many keys of a list the question says that a plan of these parts does not name."""
        if not self._choosing.scene.is_list:
            return 0
        words = " ".join(fold(its) for part in parts for its in _words_of(part))
        keys = {fold(fact.key) for graph in self._graphs if graph for fact in graph.facts}
        said = [key for key in keys if len(key) > _LEAST and key.isascii() and calls(self._question, key)]
        topics = [topic_of(part.name) for part in parts if isinstance(part, x.Key)]
        return sum(key not in words and topic_of(key) not in topics for key in said)

    def mended(self, plan: q.Plan) -> Iterator[q.Plan]:
        """Plans like this one that name what it leaves out."""
        mended: q.Plan = plan
        for said in self.left_out(_parts(plan)):
            other = next((part for part in _parts(mended) if self._is_unsaid(part)), None)
            mended = tuple(self._with(said, other, question) for question in mended)
        if mended != plan:
            yield mended
        if len(plan) == 1 and isinstance(plan[0], q.Fact) and (keys := self._more_keys(plan[0])):
            yield (replace(plan[0], keys=(*plan[0].keys, *keys)),)
        spans = tuple(replaced(question, its, span) for question in plan for its, span in self._spans(question))
        if len(plan) == 1 and spans:
            yield spans[:1]
        if len(plan) == 1 and (other := self._of_all_or_any(plan[0])) is not None:
            yield (other,)

    def _spans(self, question: q.Question) -> Iterator[tuple[x.Extreme, x.Extreme]]:
        """Picks by a range, "1998-2004", and the same by how long it lasts, where the question asks what is longest."""
        for part in q.all_within(question):
            if isinstance(part, x.Extreme) and _LASTS.search(self._question):
                span = x.Key(f"{SPAN_OF}{part.key.name}"[: x.MAX_WORDS_CHARS].strip())
                if self._choosing.values(span, self._choosing.everything):
                    yield part, replace(part, key=span)

    def _of_all_or_any(self, question: q.Question) -> q.Question | None:
        """A question of one thing asked of each of several, or whether it is so of any, where the words tell so."""
        if not isinstance(question, q.Fact | q.Where | q.Way | q.Check | q.Describe) or question.each:
            return None
        if self._n_of([question.of]) < 2:
            return None
        if re.search(self._cues.each, self._question):
            return replace(question, each=True)
        is_of_any = isinstance(question, q.Check) and not isinstance(question.among, (*PICKS, x.Narrowed, x.Joined))
        if not is_of_any or not re.search(self._cues.any, self._question):
            return None
        assert isinstance(question, q.Check)
        links = question.of.links if isinstance(question.of, x.Narrowed) else (question.of,)
        return q.Exist(x.Narrowed((*links, question.among)))

    @cached_property
    def _values(self) -> list[Said]:
        """The values that the question says, those within longer ones left out."""
        found: dict[str, list[tuple[int, str, str]]] = {}
        named = {fold(name) for graph in self._graphs if graph for name in (graph.label, *graph.aliases)}
        for k, graph in enumerate(self._graphs):
            for fact in graph.facts if graph else ():
                value = fold(fact.value) if isinstance(fact.value, str) else ""
                if value not in named and _is_plain(fact.key) and self._is_said(value):
                    found.setdefault(value, []).append((k, fact.key, " ".join(str(fact.value).split())))
        longest = [value for value in found if not any(value != its and value in its for its in found)]
        return [self._said(value, found[value]) for value in longest]

    def _said(self, value: str, told: list[tuple[int, str, str]]) -> Said:
        keys = {key for _, key, _ in told}
        key = told[0][1] if len(keys) == 1 else ""
        return Said(key, told[0][2], frozenset(k for k, _, _ in told), self._is_denied(value))

    def _is_denied(self, value: str) -> bool:
        """Whether the question says what is not so, or what is left out, right before a value."""
        at = [self._question.find(word) for word in (value, *other_words(value))]
        before = self._question[: next((start for start in at if start >= 0), 0)]
        return _DENIED.search(before) is not None

    def _is_said(self, value: str) -> bool:
        least = _LEAST_HAN if is_chinese(value) else _LEAST
        if not least <= len(value) <= _MOST or value in _ANSWERS or not any(map(str.isalpha, value)):
            return False
        words = [word for word in other_words(value) if len(word) >= (_LEAST_HAN if is_chinese(word) else _LEAST)]
        return any(calls(self._question, word) for word in (value, *words))

    def _is_unsaid(self, part: object) -> bool:
        """Whether a value that is compared is none that the question says."""
        if not isinstance(part, x.Compared) or part.sign != "=" or not isinstance(part.with_, str):
            return False
        return not any(calls(self._question, word) for word in (part.with_, *other_words(part.with_)))

    def _with(self, said: Said, other: object | None, question: q.Question) -> q.Question:
        """A question narrowed by a value, or with it in place of another one."""
        link: x.Set = x.Compared(x.Key(said.key), "=", said.value) if said.key else x.Look(said.value)
        link = x.Not(link) if said.is_denied else link
        if other is not None:
            changed: q.Question = replaced(question, other, link)
            return changed
        if not isinstance(question, q.Name | q.Count | q.Exist | q.Total | q.Fact | q.Where | q.Values):
            return question
        links: list[x.Set] = [*question.of.links] if isinstance(question.of, x.Narrowed) else [question.of]
        n = next((i for i, its in enumerate(links) if isinstance(its, PICKS)), len(links))
        if self._n_of(links[:n]) < 2:
            return question
        links = [its for its in links if not isinstance(its, x.All)]
        n = next((i for i, its in enumerate(links) if isinstance(its, PICKS)), len(links))
        links.insert(n, link)
        return replace(question, of=links[0] if len(links) == 1 else x.Narrowed(tuple(links)))

    def _n_of(self, links: Sequence[x.Set]) -> int:
        """Of how many things a question is before any are picked."""
        if not links:
            return len(self._choosing.everything)
        try:
            return len(self._choosing.choose(links[0] if len(links) == 1 else x.Narrowed(tuple(links))))
        except (Failed, Several):
            return 0

    def _more_keys(self, question: q.Fact) -> list[x.Key]:
        """The further keys that a question asks for: "电话和地址", where it says those that are planned as well."""
        if not all(self._says_key(key.name) for key in question.keys):
            return []
        try:
            things = self._choosing.choose(question.of)
        except (Failed, Several):
            return []
        asked = {topic_of(key.name) for key in question.keys} | {fold(key.name) for key in question.keys}
        graphs = [self._choosing.scene.entries[k].graph for k in things[:1]]
        keys = [fact.key for graph in graphs if graph is not None for fact in graph.facts]
        more = [
            key
            for key in keys
            if _is_plain(key) and self._says_key(key) and topic_of(key) not in asked and fold(key) not in asked
        ]
        return [x.Key(key) for key in more]

    def _says_key(self, name: str) -> bool:
        words = {fold(word) for word in (name, *topic_of(name).words)}
        least = {word for word in words if len(word) >= (_LEAST_HAN if is_chinese(word) else _LEAST)}
        return any(calls(self._question, word) for word in least)


def _is_plain(key: str) -> bool:
    """Whether a plan can have this key."""
    return key == " ".join(key.split()) and 0 < len(key) <= x.MAX_WORDS_CHARS


def _parts(plan: q.Plan) -> list[object]:
    return [part for question in plan for part in q.all_within(question)]


def _words_of(part: object) -> Iterator[str]:
    match part:
        case x.Compared(x.Key(name), _, str() as words):
            yield from (name, words)
        case x.Named(words) | x.Look(words) | x.Kind(words) | x.Key(words):
            yield words


def _is_within(value: str, words: str) -> bool:
    return value in words or (len(words) > 2 and words in value)
