"""Puts cases to a bundle, in one process or several, and scores what it says."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from scenewright_server.engine.engine import Engine
from scenewright_server.engine.request import Done, Failed, FinishReason, Mentioned, Request, Sampling, Transcript
from scenewright_server.engine.session import Session
from scenewright_server.families.diorama.audio import SAMPLE_RATE_HZ
from scenewright_server.families.diorama.fusion import FusedModel
from scenewright_server.families.diorama.markup import TextDelta
from scenewright_server.families.diorama.storage import load_bundle
from scenewright_server.training.evaluation.cases import SPLITS, draw_cases
from scenewright_server.training.evaluation.scores import Outcome, Reply, score
from scenewright_server.training.frames import IMAGE_SIZE

EMBEDDED = Path(__file__).resolve().parents[2] / "bundles" / "diorama"
CASES_AT_ONCE = 16
N_SLOTS = 32
ANSWER, DESCRIPTION = Sampling(max_new_tokens=160), Sampling(max_new_tokens=512)

Report = Callable[[str, int, int], None]
"""Told of the progress: the split, how many cases of it are done, and of how many."""
Chunk = tuple[tuple[str, ...], int, int]
"""Splits, and the numbers of their cases, from the first to before the last. Together, because most splits show
the same frames, which are then drawn once."""


class EvaluationError(ValueError):
    """What was asked to be evaluated does not exist; the message says why."""


class Examiner:
    """One model and its engine."""

    def __init__(self, model: FusedModel, seed: int) -> None:
        self.engine = Engine(model, n_slots=N_SLOTS)
        self.seed = seed
        self.frame_size = max(IMAGE_SIZE, model.config.vision.image_size)
        self.n_samples = int(model.config.audio.max_seconds * SAMPLE_RATE_HZ)  # of a question, no more are heard

    def examine(self, split: str, first: int, end: int) -> list[Outcome]:
        """The outcomes of a split's cases of these numbers, `end` not among them."""
        cases = draw_cases(split, self.seed, range(first, end), self.frame_size)
        engine = self.engine
        frames = [None if case.frame is None else engine.see(case.frame) for case in cases]
        described = [
            Request("describe", frame=frame, graph=case.graph, language=case.language, sampling=DESCRIPTION)
            for case, frame in zip(cases, frames, strict=True)
            if case.is_described
        ]
        asked, spoken = [], []
        for case, frame in zip(cases, frames, strict=True):
            ask = partial(Request, "ask", frame=frame, graph=case.graph, sampling=ANSWER)
            for turns in case.dialogues:
                session = Session()
                asked += [ask(question=turn.question, session=session) for turn in turns]
            spoken += [ask(audio=sound[: self.n_samples]) for sound in case.sounds.values()]
        replies = iter(ask_all(engine, [*described, *asked, *spoken]))
        descriptions = [next(replies) if case.is_described else Reply() for case in cases]
        answers = [[(turn, next(replies)) for turns in case.dialogues for turn in turns] for case in cases]
        outcomes = []
        for case, description, some in zip(cases, descriptions, answers, strict=True):
            sounds = {}
            for condition, sound in case.sounds.items():
                sounds[condition] = next(replies)
                sounds[condition].heard = engine.transcribe(sound[: self.n_samples]).text
            outcomes.append(Outcome(replace(case, frame=None, sounds={}), description, some, sounds))
        return outcomes


def ask_all(engine: Engine, requests: Sequence[Request]) -> list[Reply]:
    """Requests through the engine, greedy, to their ends; a session's keep their order."""
    replies = {engine.add(request): Reply() for request in requests}
    while engine.has_work:
        for sequence, event in engine.step():
            reply = replies[sequence]
            if isinstance(event, TextDelta):
                reply.text += event.text
            elif isinstance(event, Mentioned):
                reply.mentions.append(event)
            elif isinstance(event, Transcript):
                reply.heard = event.text
            elif isinstance(event, Done):
                reply.is_silent, reply.confidence = event.reason is FinishReason.NO_SPEECH, event.confidence
            elif isinstance(event, Failed):
                raise event.error
    return list(replies.values())


def evaluate(
    path: Path | None,
    n: int,
    seed: int,
    report: Report,
    splits: Sequence[str] = (),
    jobs: int = 0,
) -> tuple[dict[str, Any], list[Outcome]]:
    """The scores of the bundle at `path` (None: the embedded one) on `n` cases of each of `splits` (none: all),
    and every outcome. `other` is left out of all where its renderer is not installed.

    `jobs` processes share the work; 0: one for each core, or one with a GPU. Raises EvaluationError for a split
    that there is not, and `load_bundle`'s errors.
    """
    unknown = [split for split in splits if split not in SPLITS]
    if unknown:
        raise EvaluationError(f"no split {unknown[0]!r}; the splits are {', '.join(SPLITS)}")
    has_other = find_spec("mitsuba") is not None
    if "other" in splits and not has_other:
        raise EvaluationError("the split other needs its renderer: pip install mitsuba")
    splits = tuple(dict.fromkeys(splits)) or tuple(split for split in SPLITS if split != "other" or has_other)
    chunks: list[Chunk] = [(splits, first, min(first + CASES_AT_ONCE, n)) for first in range(0, n, CASES_AT_ONCE)]
    found: dict[str, list[Outcome]] = {split: [] for split in splits}
    done = dict.fromkeys(splits, 0)
    for split, n_cases, outcomes in _examine_all(path or EMBEDDED, seed, chunks, jobs):
        found[split] += outcomes
        done[split] += n_cases
        report(split, done[split], n)
    for some in found.values():
        some.sort(key=lambda outcome: outcome.case.number)
    scores = {"n": n, "seed": seed, "splits": {split: score(split, some) for split, some in found.items()}}
    return scores, [outcome for some in found.values() for outcome in some]


Part = tuple[str, int, list[Outcome]]
"""A split, how many of its cases are done, and their outcomes."""


def _examine_all(path: Path, seed: int, chunks: Sequence[Chunk], jobs: int) -> Iterator[Part]:
    has_gpu = torch.cuda.is_available()
    model = load_bundle(path, "cuda" if has_gpu else "cpu").model
    jobs = min(jobs or (1 if has_gpu else len(os.sched_getaffinity(0))), len(chunks))
    if jobs == 1:
        examiner = Examiner(model, seed)
        for chunk in chunks:
            yield from _parts(examiner, chunk)
        return
    # A forked child of a process that has run torch may hang: each worker starts afresh.
    with multiprocessing.get_context("spawn").Pool(jobs, _start, (path, seed)) as pool:
        for parts in pool.imap_unordered(_work, chunks):
            yield from parts


def _parts(examiner: Examiner, chunk: Chunk) -> Iterator[Part]:
    splits, first, end = chunk
    return ((split, end - first, examiner.examine(split, first, end)) for split in splits)


def _start(path: Path, seed: int) -> None:
    """In a worker: one thread, one engine."""
    global _examiner
    torch.set_num_threads(1)
    _examiner = Examiner(load_bundle(path).model, seed)


def _work(chunk: Chunk) -> list[Part]:
    return list(_parts(_examiner, chunk))


_examiner: Examiner
