"""Questions that need no decoder: read by their words, looked up in what the app tells, said plainly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scenewright_server.families.diorama.fusion import FusedModel
from scenewright_server.families.diorama.memory import DioramaMemory
from scenewright_server.families.diorama.script import by_heart, language_of, past_turn, prompt_spans
from scenewright_server.families.diorama.tokenizer import N_REFS, Tokenizer
from scenewright_server.families.family import (
    Event,
    FinishReason,
    Heard,
    Mention,
    Outcome,
    TextDelta,
    Turn,
)
from scenewright_server.families.planned import Planned, steps_of
from scenewright_server.languages import LANGUAGES
from scenewright_server.languages.reading import SURE, Reading, fall_back, read
from scenewright_server.scene import expressions as x
from scenewright_server.scene import questions as q
from scenewright_server.scene import replies as r
from scenewright_server.scene.entries import Entry, GraphObject, merge
from scenewright_server.scene.executing import execute
from scenewright_server.scene.facts import tell
from scenewright_server.scene.matching import fold, single, split_name
from scenewright_server.scene.measures import PLACES, SHAPES
from scenewright_server.scene.parsing import parse
from scenewright_server.scene.pointing import first_met
from scenewright_server.scene.scene import Scene
from scenewright_server.scene.words import is_chinese, normalise

MAX_PAST = 8
"""Turns that are kept for the decoder."""


@dataclass(frozen=True)
class Understood:
    """A question of a scene graph that was read, and what its plan gives."""

    question: str
    language: str
    reading: Reading
    scene: Scene
    replies: tuple[r.Reply, ...]


def understand(turn: Turn, memory: DioramaMemory, tokenizer: Tokenizer) -> Understood | None:
    """What a turn asks of its scene graph, perhaps that it was not understood; None where it is the decoder's: small
    talk, words that it learnt alone, labels alone are told and no phrase fits, or there is a frame to look at and no
    told fact is asked for."""
    if turn.question is None or not turn.graph:
        return None
    question = turn.question.text if isinstance(turn.question, Heard) else turn.question
    names = [name for item in turn.graph for name in (item.label, *item.aliases)]
    own = language_of(question, names)
    is_bare = not any(item.facts or item.description for item in turn.graph) and len(turn.graph) <= N_REFS
    is_seen = turn.detections is not None
    if is_bare and (is_seen or _is_learnt(question, names, tokenizer)):
        return None
    entries = merge(None, turn.graph, turn.lens)
    called = tuple(entry.graph.label if entry.graph else "" for entry in entries)
    pointed = None if turn.ray is None else first_met(turn.ray, entries)
    at = () if pointed is None else (pointed,)
    scene = Scene(entries, called, pointed=at, before=_before(memory, entries, called))
    reading = read(question, scene, own)
    if reading is None or reading.confidence < SURE:
        if is_bare or is_seen or _is_learnt(question, names, tokenizer):
            return None
        told = fall_back(question, scene, own)
        nothing = r.Reply((r.NotUnderstood("no phrase fits"),), scene.before or r.Turn(q.Beyond(), ()))
        text, reply = told or ("beyond", nothing)
        return Understood(question, _answers_in(turn, own), Reading(text, SURE if told else 1.0), scene, (reply,))
    plan = parse(reading.plan)
    replies = execute(plan, scene)
    if any(isinstance(result, r.OutOfScene | r.NotUnderstood) for reply in replies for result in reply.results):
        return None
    if is_seen and not _asks_for_facts(plan, turn.graph):  # what is seen and not told may be meant
        return None
    return Understood(question, _answers_in(turn, own), reading, scene, replies)


def _answers_in(turn: Turn, own: str) -> str:
    """The language of the answer: the one that is wished for, else the question's."""
    language = turn.language.split("-")[0] or own
    return language if language in LANGUAGES else "en"


def _asks_for_facts(plan: q.Plan, graph: Sequence[GraphObject]) -> bool:
    """Whether a plan is about a fact that the app tells of something, under any word for its key."""
    keys = {part.name for question in plan for part in q.all_within(question) if isinstance(part, x.Key)}
    return any(tell(item, key) is not None for key in keys - {*SHAPES, *PLACES} for item in graph)


def _is_learnt(question: str, names: Sequence[str], tokenizer: Tokenizer) -> bool:
    """Whether each word that is no name's is a token of its own: the decoder's questions are made of such."""
    named = {single(word) for name in names for word in (*normalise(name).split(), *split_name(name))}
    rest = normalise(question)
    for name in sorted((normalise(name) for name in names if not name.isascii()), key=len, reverse=True):
        rest = rest.replace(name, " ")
    words = [word for part in rest.split() for word in (part if is_chinese(part) else [part])]
    return all(single(word) in named or len(tokenizer.words(word)) == 1 for word in words)


def _before(memory: DioramaMemory, entries: tuple[Entry, ...], called: tuple[str, ...]) -> r.Turn | None:
    """What is known of the turn before: of one that was only told, what its words name."""
    if memory.last is None:
        return None if memory.planned is None else memory.planned.among(entries)
    question, answer = memory.last
    scene = Scene(entries, called)
    reading = read(question, scene, language_of(question, called))
    turn = r.Turn(q.Beyond(), ())
    if reading is not None and reading.confidence >= SURE:
        turn = execute(parse(reading.plan), scene)[-1].turn
    said = fold(answer)
    named = [k for k, name in enumerate(called) if fold(name) and fold(name) in said]
    named = named or [k for k, entry in enumerate(entries) if entry.graph and _is_named(entry.graph.aliases, said)]
    both = tuple(k for k in turn.things if k in named)
    return r.Turn(turn.question, both or turn.things or tuple(named), turn.asked)


def _is_named(names: Sequence[str], said: str) -> bool:
    return any(fold(name) in said for name in names if name)


class ReadScript:
    """See `families.family.Script`. No pass is needed: what is asked has been looked up."""

    def __init__(self, model: FusedModel, turn: Turn, before: DioramaMemory, understood: Understood) -> None:
        self._model, self._turn, self._before, self._understood = model, turn, before, understood
        self._text = ""

    def begin(self) -> Outcome:
        scene, sure = self._understood.scene, self._understood.reading.confidence
        events: list[Event] = []
        n_left = self._n_chars()
        for words, k in steps_of(self._understood.replies, scene, self._understood.language):
            if len(words) > n_left:
                self._text += words[:n_left]
                events += [TextDelta(words[:n_left])] if n_left else []
                return Outcome(events, over=FinishReason.TOKEN_LIMIT)
            n_left -= len(words)
            self._text += words
            events += [TextDelta(words)] if words else []
            if k is not None:
                events.append(Mention(k, scene.called[k], sure, scene.entries[k], len(words)))
        return Outcome(events, over=FinishReason.STOP)

    def _n_chars(self) -> int:
        """How much of the answer the limit of tokens lets be said."""
        understood = self._understood
        steps = steps_of(understood.replies, understood.scene, understood.language)
        text = "".join(words for words, _ in steps)
        ids = self._model.tokenizer.encode(text)
        n = self._turn.max_new_tokens
        return len(text) if len(ids) <= n else len(self._model.tokenizer.raw(ids[:n]).rstrip("\ufffd"))

    def take(self, token: int, probability: float) -> Outcome:
        raise AssertionError(f"token {token} of a response without a pass")

    def finish(self) -> Sequence[Event]:
        return []

    @property
    def plan(self) -> str:
        """The plan of this question."""
        return self._understood.reading.plan

    @property
    def confidence(self) -> float:
        return self._understood.reading.confidence

    def memory(self, n_chars: int | None = None) -> DioramaMemory:
        text = self._text if n_chars is None else self._text[:n_chars]
        if not text:
            return self._before
        model, understood = self._model, self._understood
        asked = past_turn(prompt_spans(model, understood.question), by_heart(model.tokenizer, text))
        planned = Planned.of(understood.replies[-1].turn, understood.scene.entries)
        turns = (*self._before.turns, asked)[-MAX_PAST:]
        return DioramaMemory(self._before.scene, turns, planned.things, planned=planned)
