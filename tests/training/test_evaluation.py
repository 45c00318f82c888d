"""What the evaluation asks, and how it scores what is said."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from scenewright_server.families.family import Mention
from scenewright_server.scene.entries import Entry, GraphObject
from scenewright_server.scene.findings import Things
from scenewright_server.simulator.questions import Asked
from scenewright_server.simulator.scene import sample
from scenewright_server.simulator.text import Thing
from scenewright_server.training.evaluation import run
from scenewright_server.training.evaluation.cases import SPLITS, Case, draw_cases
from scenewright_server.training.evaluation.graphs import draw_graph, tell
from scenewright_server.training.evaluation.picture import draw_worst
from scenewright_server.training.evaluation.scores import (
    Outcome,
    Reply,
    calibration,
    described_counts,
    grounded_counts,
    is_right,
    score,
    split_name,
)

LEFT, RIGHT = (0.1, 0.1, 0.3, 0.3), (0.6, 0.1, 0.8, 0.3)
CHAIR = Thing("chair", (-1, 0, 2), (1, 1, 1), LEFT, colour="red")
LAMP = Thing("lamp", (1, 0, 2), (1, 1, 1), RIGHT, colour="blue")


def mentioned(ref: int, words: str, box: tuple[float, float, float, float], id: str = "") -> Mention:
    item = GraphObject(id, words, (0, 0, 2), (1, 1, 1)) if id else None
    return Mention(ref, words, 1.0, Entry(0, item, (0, 0, 2), (1, 1, 1), box, 1.0))


def asked(answer: str, type: str = "colour") -> Asked:
    return Asked(type, "", (), Things(()), (answer,))


def test_a_description_counts_each_thing_once_by_its_fullest_name():
    said = [
        mentioned(0, "chair", LEFT),
        mentioned(0, "large red chair", LEFT),
        mentioned(1, "blue lamp", LEFT),
        mentioned(2, "red lamp", LEFT),
    ]
    assert described_counts(Reply(mentions=said), [CHAIR, LAMP]) == Counter(said=3, true=2, both=2)
    assert grounded_counts(Reply(mentions=said), [CHAIR, LAMP], [None, None]) == Counter(true=2, grounded=1)


def test_a_thing_of_the_graph_is_pointed_at_by_its_id():
    said = Reply(mentions=[mentioned(0, "red chair", LEFT, id="7")])
    assert grounded_counts(said, [CHAIR], ["7"])["grounded"] == 1
    assert grounded_counts(said, [CHAIR], ["8"])["grounded"] == 0


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("large striped red chair", ("red", "chair")),
        ("大的条纹红色椅子", ("red", "chair")),
        ("small brass telescope", ("", "brass telescope")),
        ("blackboard", ("", "blackboard")),
        ("大的 brass telescope", ("", "brass telescope")),
    ],
)
def test_names_are_taken_apart_in_both_languages(words: str, name: tuple[str, str]):
    assert split_name(words) == name


@pytest.mark.parametrize(
    ("said", "true", "ok"),
    [
        ("the red chair and the blue lamp", "the blue lamp and the red chair", True),
        ("the a, the c and the b", "the a, the b and the c", True),
        ("红色椅子、球和桌子", "球、桌子和红色椅子", True),
        ("the red chair", "the red chair and the blue lamp", False),
        ("red", "red", True),
    ],
)
def test_answers_are_right_word_for_word_and_lists_in_any_order(said: str, true: str, ok: bool):
    assert is_right(Reply(said), asked(true)) == ok


def test_a_distance_may_be_off_where_no_pose_is_given():
    true = asked("about 2.0 metres", "distance")
    assert is_right(Reply("about 2.4 metres"), true, is_measured=False)
    assert not is_right(Reply("about 2.5 metres"), true, is_measured=False)
    assert not is_right(Reply("about 2.1 metres"), true)
    assert not is_right(Reply("around 2.0 metres"), true, is_measured=False)
    assert not is_right(Reply("about two metres"), true, is_measured=False)


def test_calibration_is_the_mean_gap_between_sure_and_right():
    judged = [(0.95, True)] * 8 + [(0.95, False)] * 2 + [(0.35, True)] * 10
    scores = calibration(judged)
    assert scores["ece"] == pytest.approx(0.5 * 0.15 + 0.5 * 0.65)
    assert [row["n"] for row in scores["reliability"]] == [10, 10]
    assert calibration([]) == {}


def test_honesty_is_of_strangers_and_refusals_of_known_frames():
    honest = Reply("i can not make out anything that i know")
    turn = asked(honest.text, "unknown")
    strange = Case("unknown", 0, [], [], [[turn]], sort="noise")
    known = Case("unknown", 1, [CHAIR], [None], [], sort="known")
    outcomes = [Outcome(strange, honest, [(turn, Reply("red"))]), Outcome(known, Reply("a red chair"), [])]
    scores = score("unknown", outcomes)
    assert (scores["honest"], scores["honest descriptions"], scores["refused"]) == (0.5, 1.0, 0.0)
    assert scores["of"] == {"noise": {"honest": 0.5}}


def test_a_case_is_the_same_alone_and_among_others():
    for split in ("fused", "robust", "unknown"):
        alone, among = draw_cases(split, 5, [4])[0], draw_cases(split, 5, range(3, 6))
        other = next(case for case in among if case.number == 4)
        assert (alone.things, alone.dialogues, alone.graph) == (other.things, other.dialogues, other.graph)
        np.testing.assert_array_equal(alone.frame, other.frame)


def test_graphs_stand_on_their_own():
    rng = np.random.default_rng(0)
    told = [draw_graph(rng) for _ in range(40)]
    sizes = [len(t.graph) for t in told]
    assert min(sizes) >= 2 and max(sizes) <= 24 and max(sizes) > 15
    for t in told:
        positions = {item.id: item.position for item in t.graph}
        assert [positions[id] for id in t.ids if id] == [thing.position for thing in t.things]
    assert any(thing.is_behind_you for t in told for thing in t.things)
    assert any(thing.support is not None for t in told for thing in t.things)


def test_a_label_that_the_frame_belies_is_known_to_be_false():
    scene = sample(3, "test")
    told = tell(scene, [scene.camera.box(o) for o in scene.objects], "disagree", np.random.default_rng(1))
    (belied,) = (thing for thing in told.things if thing.seen_as)
    item = scene.objects[int(told.ids[told.things.index(belied)] or 0)]
    look, seen = belied.seen_as[0]
    assert seen == getattr(item, look)
    assert seen != (belied.name if look == "kind" else belied.colour)


def test_all_splits_of_a_tiny_bundle(tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for bound in ("DESCRIPTION_TOKENS", "ANSWER_TOKENS"):  # a tiny model never ends
        monkeypatch.setattr(run, bound, 8)
    done: list[tuple[str, int, int]] = []
    splits = [split for split in SPLITS if split != "other"]
    scores, outcomes = run.evaluate(tiny_bundle, 2, 1, lambda *now: done.append(now), splits, jobs=1)
    assert list(scores["splits"]) == splits
    assert done == [(split, 2, 2) for split in splits]
    assert scores["splits"]["voice"]["clean"]["wer"] > 0
    assert 0 < draw_worst(outcomes, 1, tmp_path / "worst.png") <= 12
    with pytest.raises(run.EvaluationError, match="no split 'tests'; the splits are test, compositional"):
        run.evaluate(tiny_bundle, 2, 1, lambda *now: None, ["tests"])
