"""The plans that a perfect planner writes for the dev half of the people split, judged as answers."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from scenewright_server.scene.parsing import parse
from scenewright_server.scene.writing import write
from scenewright_server.training.evaluation.people import judge, read_scenes
from scenewright_server.training.evaluation.planned import answer, read_entries, read_plans

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
        entries = read_entries(scene.graph)
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
