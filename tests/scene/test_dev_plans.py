"""The plans that a perfect planner writes for the dev half of the people split, judged as answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from scenewright_server.languages import SPEAKERS
from scenewright_server.languages.speaking import Spelt
from scenewright_server.scene.entries import Entry, merge
from scenewright_server.scene.executing import Scene, carry_out
from scenewright_server.scene.parsing import parse
from scenewright_server.scene.replies import Reply
from scenewright_server.scene.writing import write
from scenewright_server.training.evaluation.graph_json import read_graph
from scenewright_server.training.evaluation.people import judge, read_scenes


@dataclass(frozen=True)
class Answer:
    """What is said to a question, the ids that it rests on, and the replies that it says."""

    text: str
    pointed: tuple[str, ...]
    replies: tuple[Reply, ...]


def read_plans(path: Path) -> dict[str, tuple[str, ...]]:
    """The plans of questions by their ids: those of the turns before, then its own. A line is `id: plan -> plan`."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]
    pairs = [line.split(": ", 1) for line in lines]
    return {id_: tuple(plan.strip() for plan in plans.split("->")) for id_, plans in pairs}


def answer(entries: tuple[Entry, ...], plans: Sequence[str], language: str) -> Answer:
    """What the last of these turns' plans gives, said in a language ("en", "zh")."""
    called = tuple(entry.graph.label if entry.graph else "" for entry in entries)
    scene = Scene(entries, called, year=date.today().year)
    replies: tuple[Reply, ...] = ()
    for plan in plans:
        replies = carry_out(plan, scene)
        scene = replace(scene, before=replies[-1].turn)
    said = ["".join(SPEAKERS[language].reply(reply, Spelt(called))) for reply in replies]
    things = dict.fromkeys(k for reply in replies for k in reply.things)
    graphs = [entries[k].graph for k in things]
    return Answer(" ".join(said), tuple(graph.id for graph in graphs if graph), replies)


PLANS = read_plans(Path(__file__).with_name("dev_plans.txt"))
SCENES = read_scenes("dev")


def test_every_question_has_a_plan_and_what_is_beyond_is_so_called():
    questions = [question for scene in SCENES for question in scene.questions]
    assert {question.id for question in questions} == {*PLANS}
    for question in questions:
        plans = PLANS[question.id]
        assert len(plans) == len(question.before) + 1, question.id
        assert (plans[-1] == "beyond") == (question.kind == "beyond"), question.id
        for plan in plans:
            assert parse(write(parse(plan))) == parse(plan)


def test_plans_answer_what_people_ask():
    verdicts: Counter[tuple[str, str]] = Counter()
    failed = []
    for scene in SCENES:
        entries = merge(None, read_graph(scene.graph))
        for question in scene.questions:
            if question.kind == "beyond":
                continue
            said = answer(entries, PLANS[question.id], question.language)
            verdict = judge(scene, question, said.text, said.pointed)
            verdicts[question.kind, verdict.verdict] += 1
            if verdict.verdict != "right":
                failed.append(f"{question.id}: {question.ask!r} {PLANS[question.id]} {said.text!r}: {verdict}")
    n, n_right = sum(verdicts.values()), sum(m for (_, grade), m in verdicts.items() if grade == "right")
    for kind in sorted({kind for kind, _ in verdicts}):
        of_kind = sum(m for (its, _), m in verdicts.items() if its == kind)
        print(f"{kind:14} {verdicts[kind, 'right']:3} of {of_kind:3}")
    print(f"{'all':14} {n_right:3} of {n:3} = {n_right / n:.3f}", *failed, sep="\n")
    assert n_right / n >= 0.98, failed
    assert not [grade for _, grade in verdicts if grade in ("false", "made_up")], failed
