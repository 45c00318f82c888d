"""Scores of what a model said, every rate in 0..1."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import jiwer
import numpy as np
import sacrebleu

from scenewright_server.families.family import Mention
from scenewright_server.languages import LANGUAGES
from scenewright_server.languages.dressing import undress
from scenewright_server.scene.entries import iou
from scenewright_server.scene.plans import LOOKS
from scenewright_server.scene.words import normalise
from scenewright_server.simulator.kinds import ATTRIBUTES
from scenewright_server.simulator.phrases import CHINESE
from scenewright_server.simulator.questions import Asked
from scenewright_server.simulator.text import Thing, describe, plain
from scenewright_server.training.evaluation.cases import Case

MIN_IOU = 0.5
LENGTH = re.compile(r"(\d+(?:\.\d+)?) ?(mm|cm|km|metres?|毫米|厘米|公里|米)")
IN_METRES = {"mm": 0.001, "cm": 0.01, "km": 1000.0, "毫米": 0.001, "厘米": 0.01, "公里": 1000.0}
TOLERANCE, TOLERANCE_M = 0.15, 0.1
N_BINS = 10

LOOK_OF = {
    form: (look, value) for look in LOOKS for value in ATTRIBUTES[look] for form in (f"{value} ", CHINESE[value])
}
KIND_OF = {CHINESE[kind]: kind for kind in ATTRIBUTES["kind"]}


@dataclass
class Reply:
    """All that one request gave. `is_silent`: no question was heard. `plan`: of a model that plans."""

    text: str = ""
    mentions: list[Mention] = field(default_factory=list)
    heard: str = ""
    is_silent: bool = False
    confidence: float | None = None
    plan: str = ""
    ms: float = 0.0  # that the engine took


@dataclass(frozen=True)
class Outcome:
    """A case, without its pixels and sounds, and what the model said to it. `spoken`: replies by condition."""

    case: Case
    described: Reply
    answers: list[tuple[Asked, Reply]]
    spoken: dict[str, Reply] = field(default_factory=dict)


def score(split: str, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The scores of one split."""
    if split == "voice":
        return _score_voice(outcomes)
    if split == "unknown":
        return _score_unknown(outcomes)
    described = [o for o in outcomes if o.case.is_described]
    scores = {**score_descriptions(described), "qa": rates(outcomes), "pointing": pointing(outcomes)}
    if split in ("test", "zh"):
        scores["chrf"] = chrf(described)
    if split == "test":
        scores |= calibration([(r.confidence, ok) for _, r, ok in _judged(outcomes) if r.confidence is not None])
    by_sort = _by(lambda o: o.case.sort, outcomes)
    if len(by_sort) > 1:
        scores["of"] = {
            sort: {
                "qa": rates(some)["overall"],
                "description_f1": score_descriptions([o for o in some if o.case.is_described])["description_f1"],
            }
            for sort, some in by_sort.items()
        }
    return scores


def is_right(reply: Reply, turn: Asked, is_measured: bool = True) -> bool:
    """Whether the answer is the true one word for word; a list may come in any order.

    Where the poses are not given (not `is_measured`) a distance may be off by 15 % and 0.1 m.
    """
    said, true = undress(reply.text), plain(turn.answer).lower()
    if turn.type in ("distance", "follow_up") and not is_measured:
        metres, truth = _lengths(said), _lengths(true)
        if len(metres) == len(truth) == 1:
            if abs(metres[0] - truth[0]) > TOLERANCE * truth[0] + TOLERANCE_M:
                return False
            said, true = LENGTH.sub("", said), LENGTH.sub("", true)

    def items(text: str) -> list[str]:
        return sorted(part.strip() for part in re.split(r",| and |，|、|和", text))

    return items(said) == items(true)


def _lengths(text: str) -> list[float]:
    """The lengths in a text, in metres."""
    return [float(number) * IN_METRES.get(unit, 1.0) for number, unit in LENGTH.findall(text)]


def rates(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """The share of right answers, overall and by the question's type."""
    right: dict[str, list[bool]] = {}
    for turn, _, ok in _judged(outcomes):
        right.setdefault(turn.type, []).append(ok)
    every = [ok for oks in right.values() for ok in oks]
    return {"overall": _mean(every), **{type: _mean(oks) for type, oks in sorted(right.items())}}


def score_descriptions(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """description_f1: of kind and colour (micro). grounding_iou50: share of the things that the description points
    at by their noun, with a box of IoU >= 0.5 or the graph's id. refused: share that owns to seeing nothing."""
    named, hits = Counter[str](), Counter[str]()
    for o in outcomes:
        named.update(described_counts(o.described, o.case.things))
        hits.update(grounded_counts(o.described, o.case.things, o.case.ids))
    return {
        "description_f1": 2 * named["both"] / max(named["said"] + named["true"], 1),
        "grounding_iou50": hits["grounded"] / max(hits["true"], 1),
        "refused": _mean([_is_refusal(o.described, o.case.language) for o in outcomes if o.case.things]),
    }


def described_counts(reply: Reply, things: Sequence[Thing]) -> Counter[str]:
    """How many (colour, noun) pairs were said, are true, and both."""
    said = Counter(split_name(mention.label) for mention in fullest(reply.mentions))
    true = Counter((thing.colour or "", thing.name) for thing in things)
    return Counter(said=said.total(), true=true.total(), both=(said & true).total())


def grounded_counts(reply: Reply, things: Sequence[Thing], ids: Sequence[str | None]) -> Counter[str]:
    """How many things there are, and how many were pointed at by their noun."""
    free = fullest(reply.mentions)
    grounded = 0
    for thing, id in zip(things, ids, strict=True):
        hit = next((m for m in free if split_name(m.label)[1] == thing.name and points_at(m, thing, id)), None)
        if hit is not None:
            free.remove(hit)
            grounded += 1
    return Counter(true=len(things), grounded=grounded)


def points_at(mention: Mention, thing: Thing, id: str | None) -> bool:
    """Whether a mention's object is this thing: by the scene graph's id, or else by IoU >= 0.5."""
    if id is not None:
        return mention.entry.graph is not None and mention.entry.graph.id == id
    return bool(mention.entry.box and thing.box and iou(mention.entry.box, thing.box) >= MIN_IOU)


def fullest(mentions: Iterable[Mention]) -> list[Mention]:
    """One mention for each thing pointed at: "the table" may come before "a large red table"."""
    best: dict[int, Mention] = {}
    for mention in mentions:
        if mention.label and (mention.ref not in best or len(mention.label) > len(best[mention.ref].label)):
            best[mention.ref] = mention
    return list(best.values())


def split_name(words: str) -> tuple[str, str]:
    """(colour, noun), in English, of a name in either language: "large striped red chair", "大的红色椅子"."""
    colour, rest = "", words
    while form := next((f for f in LOOK_OF if rest.startswith(f) and rest != f), None):
        look, value = LOOK_OF[form]
        colour = value if look == "colour" else colour
        rest = rest[len(form) :].lstrip()
    return colour, KIND_OF.get(rest, rest)


def pointing(outcomes: Sequence[Outcome]) -> float:
    """The share of the things that true answers name or rest on at which the model's answers point."""
    hits = []
    for o in outcomes:
        for turn, reply in o.answers:
            hits += [any(points_at(m, o.case.things[i], o.case.ids[i]) for m in reply.mentions) for i in turn.refs]
    return _mean(hits)


def chrf(outcomes: Sequence[Outcome]) -> float:
    """chrF2 (Popović 2015) of the descriptions against the true one."""
    said = [undress(o.described.text) for o in outcomes]
    true = [plain(describe(o.case.things, o.case.language)).lower() for o in outcomes]
    return float(sacrebleu.corpus_chrf(said, [true]).score / 100)


def calibration(judged: Sequence[tuple[float, bool]]) -> dict[str, Any]:
    """Expected calibration error of (confidence, right) pairs over ten even bins, and each bin's figures."""
    bins: dict[int, list[tuple[float, bool]]] = {}
    for confidence, ok in judged:
        bins.setdefault(min(int(confidence * N_BINS), N_BINS - 1), []).append((confidence, ok))
    table = [
        {
            "from": b / N_BINS,
            "n": len(some),
            "confidence": _mean(c for c, _ in some),
            "right": _mean(ok for _, ok in some),
        }
        for b, some in sorted(bins.items())
    ]
    if not table:
        return {}
    ece = sum(row["n"] * abs(row["confidence"] - row["right"]) for row in table) / len(judged)
    return {"ece": ece, "reliability": table}


def _score_voice(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """By condition, word error rate and answers; the same questions typed; and how often nothing was heard where
    nothing was asked."""
    said = [normalise(o.answers[0][0].question) for o in outcomes]
    scores: dict[str, Any] = {"typed": {"qa": rates(outcomes)["overall"]}}
    for condition in ("clean", "10 dB"):
        replies = [o.spoken[condition] for o in outcomes]
        right = [is_right(r, o.answers[0][0], False) for r, o in zip(replies, outcomes, strict=True)]
        scores[condition] = {"wer": float(jiwer.wer(said, [normalise(r.heard) for r in replies])), "qa": _mean(right)}
    scores["quiet"] = {"silent": _mean(o.spoken["quiet"].is_silent for o in outcomes)}
    return scores


def _score_unknown(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """honest: share of the replies to frames of nothing known that say so; refused: of descriptions of known ones."""
    by_sort = _by(lambda o: o.case.sort, outcomes)
    known = by_sort.pop("known", [])
    honest = {
        sort: [(_is_refusal(o.described, "en"), all(is_right(reply, turn) for turn, reply in o.answers)) for o in some]
        for sort, some in by_sort.items()
    }
    pairs = [pair for some in honest.values() for pair in some]
    return {
        "honest": _mean(ok for pair in pairs for ok in pair),
        "honest descriptions": _mean(described for described, _ in pairs),
        "honest answers": _mean(answered for _, answered in pairs),
        "refused": _mean(_is_refusal(o.described, "en") for o in known if o.case.things),
        "of": {sort: {"honest": _mean(ok for pair in some for ok in pair)} for sort, some in sorted(honest.items())},
    }


def judge(outcome: Outcome) -> list[tuple[Asked, Reply, bool]]:
    """An outcome's typed answers and whether each is right."""
    ids = outcome.case.ids
    return [
        (turn, reply, is_right(reply, turn, outcome.case.graph is not None and all(ids[i] for i in turn.refs)))
        for turn, reply in outcome.answers
    ]


def _judged(outcomes: Iterable[Outcome]) -> list[tuple[Asked, Reply, bool]]:
    return [row for outcome in outcomes for row in judge(outcome)]


def _is_refusal(reply: Reply, language: str) -> bool:
    return undress(reply.text) == LANGUAGES[language].refusals["unsure"]


def _by(key: Callable[[Outcome], str], outcomes: Iterable[Outcome]) -> dict[str, list[Outcome]]:
    groups: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault(key(outcome), []).append(outcome)
    return groups


def _mean(values: Iterable[float]) -> float:
    """0 where there are none."""
    return float(np.mean(list(values) or [0.0]))
