"""Puts cases to a bundle, in one process or several, and scores what it says."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch

from scenewright_server.families.bundle import EMBEDDED, load_family
from scenewright_server.families.family import SAMPLE_RATE_HZ, Family, Turn
from scenewright_server.training.evaluation.asking import ask_all
from scenewright_server.training.evaluation.cases import SPLITS, draw_cases
from scenewright_server.training.evaluation.scores import Outcome, Reply, score
from scenewright_server.training.frames import IMAGE_SIZE

CASES_AT_ONCE = 16
ANSWER_TOKENS, DESCRIPTION_TOKENS = 160, 512

Report = Callable[[str, int, int], None]
"""Told of the progress: the split, how many cases of it are done, and of how many."""
Chunk = tuple[tuple[str, ...], int, int]
"""Splits, and the numbers of their cases, from the first to before the last. Together, because most splits show
the same frames, which are then drawn once."""


class EvaluationError(ValueError):
    """What was asked to be evaluated does not exist; the message says why."""


class Examiner:
    """Puts the cases of a seed to one model."""

    def __init__(self, family: Family, seed: int) -> None:
        self.family = family
        self.seed = seed
        own_size = len(family.fit(np.zeros((IMAGE_SIZE, IMAGE_SIZE, 3), np.uint8)))
        self.frame_size = max(IMAGE_SIZE, own_size)
        self.n_samples = int(family.spec.max_audio_s * SAMPLE_RATE_HZ)  # of a question, no more are heard

    def examine(self, split: str, first: int, end: int) -> list[Outcome]:
        """The outcomes of a split's cases of these numbers, `end` not among them."""
        family = self.family
        cases = draw_cases(split, self.seed, range(first, end), self.frame_size)
        dialogues: list[list[Turn]] = []
        for case in cases:
            seen = None if case.frame is None else family.see([family.fit(case.frame)])[0]
            scene = Turn("ask", seen, case.graph or (), language=case.language, max_new_tokens=ANSWER_TOKENS)
            heard = {name: family.hear(sound[: self.n_samples]) for name, sound in case.sounds.items()}
            if case.is_described:
                dialogues.append([replace(scene, task="describe", max_new_tokens=DESCRIPTION_TOKENS)])
            dialogues += [[replace(scene, question=turn.question) for turn in turns] for turns in case.dialogues]
            dialogues += [[replace(scene, question=words)] for words in heard.values()]
        replies = iter(ask_all(family, dialogues))
        outcomes = []
        for case in cases:
            description = next(replies)[0] if case.is_described else Reply()
            answers = [pair for turns in case.dialogues for pair in zip(turns, next(replies), strict=True)]
            sounds = {condition: next(replies)[0] for condition in case.sounds}
            outcomes.append(Outcome(replace(case, frame=None, sounds={}), description, answers, sounds))
        return outcomes


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
    that there is not, and `load_family`'s errors.
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
    family = load_family(path, "cuda" if has_gpu else "cpu")
    jobs = min(jobs or (1 if has_gpu else len(os.sched_getaffinity(0))), len(chunks))
    if jobs == 1:
        examiner = Examiner(family, seed)
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
    _examiner = Examiner(load_family(path), seed)


def _work(chunk: Chunk) -> list[Part]:
    return list(_parts(_examiner, chunk))


_examiner: Examiner
