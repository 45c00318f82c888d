"""The photos split: photographs, what is in them, and questions about them, judged as the people split's are.

A folder of JPEGs holds a `questions.json`: for each file "objects" (as in a SceneGraph's JSON: id, label, aliases; all
that is in the picture, as far as the model could name it) and "questions" of the people split's form.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from scenewright_server.families.bundle import EMBEDDED, load_family
from scenewright_server.families.chat.seeing import COLOURS
from scenewright_server.families.family import Turn
from scenewright_server.importers.nanodet import COCO
from scenewright_server.training.evaluation.asking import ask_all
from scenewright_server.training.evaluation.mentions import has_word
from scenewright_server.training.evaluation.people import PeopleScene, Question, Verdict, judge
from scenewright_server.training.evaluation.scores import Reply

ANSWER_TOKENS, DESCRIPTION_TOKENS = 60, 120


@dataclass(frozen=True)
class Photo:
    """A photograph; the scene's graph holds what is in it."""

    path: Path
    scene: PeopleScene


def read_photos(folder: Path) -> list[Photo]:
    """The photographs of a folder. Raises OSError where its questions.json or a picture is missing, and ValueError,
    KeyError or TypeError where it is not of the form above."""
    data = json.loads((folder / "questions.json").read_text(encoding="utf-8"))
    photos = []
    for name, told in data.items():
        questions = tuple(_read_question(fields) for fields in told["questions"])
        objects = [{"pose": {"position": {"z": 1.0}}, **item} for item in told["objects"]]  # all are in sight
        scene = PeopleScene(name, "photo", "en", {"objects": objects}, questions)
        with Image.open(folder / name) as image:
            image.verify()
        photos.append(Photo(folder / name, scene))
    return photos


def _read_question(fields: dict[str, Any]) -> Question:
    values = {"style": "", **fields}
    for name in ("accept", "may", "reject"):
        values[name] = tuple(fields.get(name, ()))
    return Question(**values)


def evaluate_photos(
    path: Path | None, folder: Path, report: Callable[[str, int, int], None], kinds: Sequence[str] = COCO
) -> dict[str, Any]:
    """The scores of the bundle at `path` (None: the embedded one) on a folder's photographs.

    kinds: names of things by which a description is judged. Raises `read_photos`' errors and `load_family`'s.
    """
    photos, family = read_photos(folder), load_family(path or EMBEDDED)
    named: list[tuple[str, str, bool]] = []
    verdicts: list[tuple[str, Question, str, Verdict]] = []
    for n, photo in enumerate(photos):
        frame = np.asarray(Image.open(photo.path).convert("RGB"))
        (seen,) = family.see([family.fit(frame)])
        questions = photo.scene.questions
        turns = [Turn("describe", seen, max_new_tokens=DESCRIPTION_TOKENS)]
        turns += [Turn("ask", seen, question=q.ask, max_new_tokens=ANSWER_TOKENS) for q in questions]
        told, *answers = (replies[0] for replies in ask_all(family, [[turn] for turn in turns]))
        named += [(photo.path.name, kind, _is_there(photo, kind)) for kind in named_kinds(told, kinds)]
        for question, answer in zip(questions, answers, strict=True):
            verdicts.append((photo.path.name, question, answer.text, judge_reply(photo, question, answer)))
        report("photos", n + 1, len(photos))
    grades = [verdict.verdict for *_, verdict in verdicts]
    n_right = sum(is_there for *_, is_there in named)
    return {
        "photos": len(photos),
        "named right": n_right,
        "named false": len(named) - n_right,
        "questions": len(grades),
        "right": grades.count("right") / max(len(grades), 1),
        "wrong": grades.count("wrong") / max(len(grades), 1),
        "false or made up": (grades.count("false") + grades.count("made_up")) / max(len(grades), 1),
        "named": [list(one) for one in named],
        "answers": [
            {"photo": name, "ask": question.ask, "answer": text, "verdict": verdict.verdict, "why": verdict.reason}
            for name, question, text, verdict in verdicts
        ],
    }


def named_kinds(told: Reply, kinds: Sequence[str]) -> list[str]:
    """The kinds of thing that a description names or points at, each once; an orange is taken for a colour."""
    pointed = {kind for mention in told.mentions for kind in kinds if has_word(mention.label, kind)}
    return [kind for kind in kinds if kind not in COLOURS and (kind in pointed or has_word(told.text.lower(), kind))]


def _is_there(photo: Photo, kind: str) -> bool:
    return any(kind in (item["label"], *item.get("aliases", ())) for item in photo.scene.graph["objects"])


def judge_reply(photo: Photo, question: Question, reply: Reply) -> Verdict:
    """What a careful reader would say of an answer; what it points at is what a thing there is called."""
    ids = []
    for mention in reply.mentions:
        fit = [
            item["id"]
            for item in photo.scene.graph["objects"]
            if any(has_word(mention.label, name) for name in (item["label"], *item.get("aliases", ())))
        ]
        ids.append(fit[0] if fit else mention.label)
    return judge(photo.scene, question, reply.text, ids)
