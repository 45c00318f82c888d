"""One response of a diorama: a single pass, in which the decoder plans, is told what the plan gives, and speaks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from scenewright_server.families.ahead import Ahead
from scenewright_server.families.diorama.audio import HeardTokens
from scenewright_server.families.diorama.fusion import FusedModel
from scenewright_server.families.diorama.markup import MarkupReader, Pointed
from scenewright_server.families.diorama.memory import DioramaMemory
from scenewright_server.families.diorama.pointing import replace_demonstratives, replace_heard
from scenewright_server.families.diorama.prefix import Prefix
from scenewright_server.families.diorama.results import write
from scenewright_server.families.diorama.rules import Rules
from scenewright_server.families.diorama.tokenizer import Tokenizer
from scenewright_server.families.family import (
    Event,
    FinishReason,
    Heard,
    Mention,
    ModelError,
    Outcome,
    Pass,
    Span,
    TextDelta,
    Turn,
)
from scenewright_server.families.planned import Planned
from scenewright_server.languages import LANGUAGES
from scenewright_server.languages.dressing import Dressing
from scenewright_server.scene.content import digest
from scenewright_server.scene.entries import Detections, Entry
from scenewright_server.scene.findings import Refusal
from scenewright_server.scene.looks import Looks
from scenewright_server.scene.plans import BY_HEART
from scenewright_server.scene.pointing import PointedAt, first_met
from scenewright_server.scene.questions import Beyond
from scenewright_server.scene.words import is_chinese, normalise

MIN_ALONE = (3, 4)
"""Words of English, characters of Chinese: what is shorter leans on the turn before it."""
REFERRING = (
    r"\b(?:it|its|they|them|their|this|that|these|those|he|she|him|her|other|others|again|more|else|instead|too"
    r"|(?<!which )ones?)\b|^(?:and|or|but|so|then|what about|how about|why)\b"
    "|[它他她这那](?!里)|呢$|^[那还]|其他|另外|刚才|再|也"
)

_NAMING = ("colour", "kind")
"""The attributes that make a short name, in the order in which they are said."""


def scene_span(model: FusedModel, prefix: Prefix, key: bytes) -> Span:
    """A prefix as the decoder's input; what is only seen counts as image."""
    n_seen = min(sum(entry.graph is None for entry in prefix.entries), len(prefix))
    return Span(model.prefix(prefix), (("image", n_seen), ("scene", len(prefix) - n_seen)), key, is_whole=True)


def prompt_spans(model: FusedModel, question: str | HeardTokens | None, language: str = "en") -> tuple[Span, ...]:
    """What is asked, typed or spoken, or the wish for a description in a language."""
    if isinstance(question, HeardTokens):
        tokenizer, words = model.tokenizer, model.voice(question)
        key = digest(question)
        return (
            Span((tokenizer.user,), (("audio", 1),)),
            Span(words, (("audio", len(words)),), key),
            Span((tokenizer.assistant,), (("audio", 1),)),
        )
    ids = model.describe_ids(language) if question is None else model.question_ids(question)
    return (Span(tuple(ids), (("text", len(ids)),)),)


def refers(question: str | Heard | None) -> bool:
    """Whether a question may be about the turns before it: any other is answered as if it were the first."""
    if question is None:
        return False
    text = normalise(question if isinstance(question, str) else question.text)
    is_short = len(text) < MIN_ALONE[1] if is_chinese(text) else text.count(" ") + 1 < MIN_ALONE[0]
    return is_short or re.search(REFERRING, text) is not None


class DioramaScript:
    """See `families.family.Script`. `language` is the model's first."""

    def __init__(self, model: FusedModel, turn: Turn, memory: DioramaMemory, language: str = "en") -> None:
        self._model = model
        self._turn = turn
        self._asked, own = _read_question(turn, language)
        self._refers = refers(turn.question)
        self._language, self._is_foreign = turn.language or own, turn.language not in ("", own)
        if turn.question is None:
            self._is_foreign = False  # a description needs no words of the user's
        self._before = memory
        self._ids: list[int] = []  # the plan, what it gave, and the answer so far
        self._plan_confidence = 1.0  # the least probability of a token that the decoder planned with
        self._word_probabilities: list[float] = []  # of the words since the last reference
        self._dressing = Dressing(self._language)
        self._complete = False
        self._deaf = isinstance(turn.question, Heard) and not turn.question.text
        if not self._deaf:
            self._open()

    def _open(self) -> None:
        model, turn, before = self._model, self._turn, self._before
        prefix = model.read(turn.detections, turn.graph, turn.lens)
        key = digest((turn.detections, turn.graph, turn.lens))
        known = before.scene is not None and before.scene.key == key
        self._entries = prefix.entries
        self._scene = before.scene if known and before.scene else scene_span(model, prefix, key)
        looks = Looks(prefix.entries, turn.detections, model.config.vision.attributes, model.config.names)
        pointed = self._point(looks)
        self._prompt = prompt_spans(model, self._asked, self._language)
        n_ctx, n_prompt = model.config.gpt.n_ctx, sum(map(len, self._prompt))
        room = n_ctx - len(self._scene) - n_prompt
        if room <= 0:
            raise ModelError(
                "CONTEXT_FULL",
                f"the context holds {n_ctx} positions, received {len(self._scene)} (scene) + {n_prompt} (question)",
                bound=n_ctx,
                scene=len(self._scene),
                question=n_prompt,
            )
        self._n_new = min(turn.max_new_tokens, room)
        self._past = before.turns
        while self._past and sum(len(s) for past in self._past for s in past) + self._n_new > room:
            self._past = self._past[1:]
        self._rules = Rules(
            model, prefix.entries, turn.detections, asked=_tokens(model, self._asked), language=self._language,
            focus=before.focus_among(looks), pointed=pointed, is_foreign=self._is_foreign,
        )  # fmt: skip
        self._reader = MarkupReader(model.tokenizer, len(prefix.entries), points=turn.task == "ask")

    def _point(self, looks: Looks) -> PointedAt | None:
        """What "it" is, in a question that says "this" or "that" and is then asked about "it"; None for any other."""
        ray, asked = self._turn.ray, self._asked
        if ray is None or asked is None:
            return None
        if isinstance(asked, HeardTokens):
            said: str | HeardTokens = replace_heard(asked, looks, self._model.tokenizer)
        else:
            said = replace_demonstratives(asked, looks)
        if said is asked:
            return None
        self._asked = said
        met = first_met(ray, looks.entries)
        return "nothing" if met is None else met

    def ahead(self) -> Ahead:
        """What runs the scene."""
        return Ahead((self._scene,), self._before)

    def begin(self) -> Outcome:
        if self._deaf:
            return Outcome((TextDelta(LANGUAGES[self._language].unheard),), over=FinishReason.NO_SPEECH)
        past = tuple(span for turn in self._past if self._refers for span in turn)
        return Outcome(next=Pass((self._scene, *past, *self._prompt), self._n_new, self._rules))

    def take(self, token: int, probability: float) -> Outcome:
        rules, tokenizer = self._rules, self._model.tokenizer
        if rules.forced:
            probability = rules.sure
        elif rules.finding is None:
            self._plan_confidence = min(self._plan_confidence, probability)
        rules.feed(token)
        self._ids.append(token)
        events = self._ground(self._reader.feed(token), probability)
        if token in self._model.ref_ids:
            self._word_probabilities = []
        elif token >= tokenizer.n_specials:
            self._word_probabilities.append(probability)
        if token != tokenizer.eot:
            return Outcome(events)
        events += self._ground(self._reader.finish(), probability)
        return Outcome([*events, *_told(self._dressing.end())], over=FinishReason.STOP)

    def finish(self) -> Sequence[Event]:
        self._complete = True
        return [] if self._deaf else self._ground(self._reader.finish(), 0.0)

    @property
    def confidence(self) -> float:
        finding = None if self._deaf else self._rules.finding
        return 1.0 if finding is None else finding.confidence * self._plan_confidence

    def memory(self, n_chars: int | None = None) -> DioramaMemory:
        if self._deaf:
            return self._before
        eot = self._model.tokenizer.eot
        if self._complete and n_chars is None:
            ids = [id for id in self._ids if id != eot]
        else:
            ids = self._taken_in(n_chars or 0)
        if not ids:
            return self._before
        answer = (*ids, eot)
        turn = past_turn(self._prompt, answer)
        finding = self._rules.finding
        things = () if finding is None or self._turn.task != "ask" else finding.answer.things
        settled = tuple(self._entries[k] for k in things)
        turns = (*self._past, turn)
        if settled:
            return DioramaMemory(self._scene, turns, settled, planned=Planned(Beyond(), settled))
        return DioramaMemory(self._scene, turns, self._before.focus, self._before.last, self._before.planned)

    def _taken_in(self, n_chars: int) -> list[int]:
        """The answer's tokens up to the last one whose text lies within the first `n_chars`; none without text."""
        tokenizer = self._model.tokenizer
        reader, dressing = MarkupReader(tokenizer, len(self._entries), points=False), Dressing(self._language)
        n_read = n_kept = 0
        for i, token in enumerate(self._ids):
            read = reader.feed(token)
            n_text = sum(len(dressing.feed(event.text)) for event in read if isinstance(event, TextDelta))
            n_read += n_text
            if n_read > n_chars:
                break
            # A mention's end says nothing but belongs to the words before it.
            if n_text or (token == tokenizer.end and n_kept == i):
                n_kept = i + 1
        return self._ids[:n_kept]

    def _ground(self, read: Sequence[TextDelta | Pointed], probability: float) -> list[Event]:
        """What was read, with what it points at; a mention without words is as sure as its reference token."""
        probabilities = self._word_probabilities or [probability]
        sure = sum(probabilities) / len(probabilities)
        events: list[Event] = []
        for part in read:
            if isinstance(part, TextDelta):
                events += _told(self._dressing.feed(part.text))
                continue
            entry = self._entries[part.ref]
            label = part.words or self._name(entry, self._turn.detections)
            events.append(Mention(part.ref, label, sure if part.words else probability, entry, len(part.words)))
        return events

    def _name(self, entry: Entry, detections: Detections | None) -> str:
        """A name for what the answer looked at without naming it."""
        if entry.graph is not None:
            return entry.graph.label
        if detections is None or entry.detection is None:
            return ""
        values, posteriors = self._model.config.vision.attributes, detections.attributes
        return " ".join(
            values[name][int(posteriors[name][entry.detection].argmax())] for name in _NAMING if name in posteriors
        )


def _told(text: str) -> list[TextDelta]:
    return [TextDelta(text)] if text else []


def past_turn(prompt: Sequence[Span], answer: Sequence[int]) -> tuple[Span, ...]:
    """A turn that is over: its prompt, and its answer's tokens."""
    spans = *prompt, Span(tuple(answer), ())
    return tuple(replace(span, counts=(("past", len(span)),)) for span in spans)


def by_heart(tokenizer: Tokenizer, answer: str) -> list[int]:
    """The tokens of an answer that nothing settles, as the decoder would have written them."""
    plan = [id for slot in BY_HEART for id in [tokenizer.end, *tokenizer.words(slot)]][1:]
    result = write(tokenizer, Refusal("beyond"))
    said = tokenizer.words(normalise(answer))
    return [*plan, tokenizer.call, *result, tokenizer.say, *said, tokenizer.eot]


def _read_question(turn: Turn, first: str) -> tuple[str | HeardTokens | None, str]:
    """What was asked, as it came, and the language to answer in of its own; `first` for a description."""
    question = turn.question
    if isinstance(question, Heard):
        return question.opaque, "en"
    if question is None:
        return None, first
    names = [name for item in turn.graph for name in (item.label, *item.aliases) if is_chinese(name)]
    return question, language_of(question, names)


def language_of(question: str, names: Sequence[str]) -> str:
    """The language of a question by its words that are none of these names: a Chinese label may stand in English."""
    rest = question
    for name in sorted(names, key=len, reverse=True):
        rest = rest.replace(name, " ")
    n_chinese, n_latin = len(re.findall("[\u4e00-\u9fff]", rest)), len(re.findall("[A-Za-z]+", rest))
    return "zh" if n_chinese > n_latin or (not n_latin and is_chinese(question)) else "en"


def _tokens(model: FusedModel, asked: str | HeardTokens | None) -> Sequence[int] | None:
    if isinstance(asked, HeardTokens):
        return asked.ids
    return None if asked is None else model.tokenizer.words(normalise(asked))
