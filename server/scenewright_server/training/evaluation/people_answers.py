"""Puts the people split to a bundle, judges what it says, and counts by kind and language."""

from __future__ import annotations

import multiprocessing
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import torch

from scenewright_server.families.bundle import EMBEDDED, load_family
from scenewright_server.families.family import Family, Memory, ModelError, Turn
from scenewright_server.languages import SPEAKERS
from scenewright_server.languages.speaking import Spelt
from scenewright_server.scene import questions as q
from scenewright_server.scene import replies as r
from scenewright_server.training.evaluation.amounts import plain
from scenewright_server.training.evaluation.asking import ask_all
from scenewright_server.training.evaluation.graph_json import read_graph
from scenewright_server.training.evaluation.people import Grade, PeopleScene, Question, judge, read_scenes
from scenewright_server.training.evaluation.stances import DENIAL, HELPLESS, LOST, UNKNOWN

ANSWER_TOKENS = 160
Half = Literal["held", "dev", "free-held", "free-dev", "everyday-held", "everyday-dev"]
HALVES: tuple[Half, ...] = get_args(Half)
GRADES: tuple[Grade, ...] = ("right", "wrong", "false", "made_up")
_BEYOND = tuple(
    "".join(speaker.reply(r.Reply((r.OutOfScene(),), r.Turn(q.Beyond(), ())), Spelt(())))
    for speaker in SPEAKERS.values()
)
"""What is said of what is beyond the scene."""

Report = Callable[[int, int], None]
"""Told how many scenes are done, and of how many."""


@dataclass(frozen=True)
class Answered:
    """A question of the split, what was said to it, and what that is worth. `plan`: of a model that plans; `error`:
    why it was refused, `ms` how long it took."""

    scene: str
    id: str
    language: str
    kind: str
    style: str
    ask: str
    answer: str
    pointed: tuple[str, ...]
    grade: Grade
    reason: str
    is_refusal: bool
    plan: str = ""
    error: str = ""
    ms: float = 0.0


def evaluate_people(
    path: Path | None, half: Half, report: Report, jobs: int = 0
) -> tuple[dict[str, Any], list[Answered]]:
    """The scores of the bundle at `path` (None: the embedded one) on a half of the split, and every answer.

    `jobs` processes share the work; 0: one for each core, or one with a GPU. Raises `load_family`'s errors.
    """
    scenes = read_scenes(half)
    answers: list[Answered] = []
    for n, some in enumerate(_answer_all(path or EMBEDDED, scenes, jobs), 1):
        answers += some
        report(n, len(scenes))
    return {"half": half, **score_people(answers)}, answers


def score_people(answers: Sequence[Answered]) -> dict[str, Any]:
    """Shares of each grade, and of refusals among the wrong, of all answers, by language, and by kind and language."""
    languages = sorted({one.language for one in answers})
    kinds = sorted({one.kind for one in answers})
    return {
        "all": _count(answers),
        "languages": {tag: _count([one for one in answers if one.language == tag]) for tag in languages},
        "kinds": {
            kind: {
                **_count([one for one in answers if one.kind == kind]),
                **{
                    tag: _count(some)
                    for tag in languages
                    if (some := [one for one in answers if (one.kind, one.language) == (kind, tag)])
                },
            }
            for kind in kinds
        },
    }


def answer_scene(family: Family, scene: PeopleScene) -> list[Answered]:
    """What a model says to each question of a scene, by itself and after the turns before it."""
    graph = read_graph(scene.graph)
    turns = [Turn("ask", graph=graph, question=one.ask, max_new_tokens=ANSWER_TOKENS) for one in scene.questions]
    memories = [_remember(family, question) for question in scene.questions]
    errors = [_why_refused(family, turn, memory) for turn, memory in zip(turns, memories, strict=True)]
    asked = [(turn, m) for turn, m, error in zip(turns, memories, errors, strict=True) if not error]
    replies = iter(ask_all(family, [[t for t, _ in asked]], [[m for _, m in asked]])[0])
    answers = []
    for question, error in zip(scene.questions, errors, strict=True):
        text, pointed, plan, ms = "", tuple[str, ...](), "", 0.0
        if not error:
            reply = next(replies)
            text, plan, ms = reply.text, reply.plan, reply.ms
            pointed = tuple(dict.fromkeys(m.entry.graph.id for m in reply.mentions if m.entry.graph))
        verdict = judge(scene, question, text, pointed)
        answers.append(
            Answered(
                scene.name,
                question.id,
                question.language,
                question.kind,
                question.style,
                question.ask,
                text,
                pointed,
                verdict.verdict,
                verdict.reason,
                is_refusal(text),
                plan,
                error,
                round(ms, 1),
            )
        )
    return answers


def is_refusal(text: str) -> bool:
    """Whether an answer says that it does not know, that there is none, or that it did not understand."""
    said = plain(text)
    return (
        not said.strip()
        or any(plain(words) in said for words in _BEYOND)
        or any(pattern.search(said) for pattern in (UNKNOWN, DENIAL, HELPLESS, LOST))
    )


def as_json(answer: Answered) -> dict[str, Any]:
    """An answer as a line of JSON has it."""
    return asdict(answer)


def _count(answers: Sequence[Answered]) -> dict[str, float]:
    n, grades = len(answers), Counter(one.grade for one in answers)
    refused = sum(one.is_refusal and one.grade == "wrong" for one in answers)
    return {"n": n, **{grade: grades[grade] / max(n, 1) for grade in GRADES}, "refused": refused / max(n, 1)}


def _remember(family: Family, question: Question) -> Memory | None:
    before = [(turn["ask"], turn["answer"]) for turn in question.before]
    return family.past(before) if before else None


def _why_refused(family: Family, turn: Turn, memory: Memory | None) -> str:
    """Why the server would not put a turn to the model, "" where it would."""
    if not isinstance(turn.question, str) or not family.read(turn.question):
        return "FIELD_INVALID: the question holds no word"
    for item in turn.graph:
        if (fault := family.fault(item.label)) is not None:
            return f"FIELD_INVALID: {item.label!r} has {fault[0]}, {fault[1]}"
    try:
        family.open(turn, memory)
    except ModelError as error:
        return f"{error.reason}: {error}"
    return ""


def _answer_all(path: Path, scenes: Sequence[PeopleScene], jobs: int) -> Iterator[list[Answered]]:
    has_gpu = torch.cuda.is_available()
    jobs = min(jobs or (1 if has_gpu else len(os.sched_getaffinity(0))), len(scenes))
    if jobs == 1:
        family = load_family(path, "cuda" if has_gpu else "cpu")
        yield from (answer_scene(family, scene) for scene in scenes)
        return
    with multiprocessing.get_context("spawn").Pool(jobs, _start, (path,)) as pool:
        yield from pool.imap(_work, scenes)


def _start(path: Path) -> None:
    """In a worker: one thread, one model."""
    global _family
    torch.set_num_threads(1)
    _family = load_family(path)


def _work(scene: PeopleScene) -> list[Answered]:
    return answer_scene(_family, scene)


_family: Family
