"""The people split put to a model: graphs are read as the server reads them, answers judged, counted and saved."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from google.protobuf.json_format import ParseDict
from scenewright.cli.app import main
from scenewright.v1 import graph_pb2
from scenewright_server.families.family import Family
from scenewright_server.scene.world import view
from scenewright_server.service.reading.graphs import read_graph as read_message
from scenewright_server.service.settings import Limits
from scenewright_server.training.evaluation import people
from scenewright_server.training.evaluation.graph_json import read_graph
from scenewright_server.training.evaluation.people_answers import answer_scene, is_refusal, score_people

from tests import fake
from tests.families.chat import tiny

SHOP = {
    "revision": "3",
    "handedness": "HANDEDNESS_RIGHT_HANDED",
    "viewpoint": {
        "pose": {"position": {"x": 1.0, "y": 1.5}, "rotation": {"y": 0.6, "w": 0.8}},
        "intrinsics": {"fx": 500, "fy": 510, "cx": 300, "cy": 250, "width": 640, "height": 480},
    },
    "objects": [
        {"id": "a", "label": "red chair", "pose": {"position": {"x": -1.0, "z": -2.0}},
         "facts": [{"key": "price", "number": 40, "unit": "EUR"}]},
        {"id": "b", "label": "lamp", "aliases": ["light"], "anchorId": "x", "description": "Bright.",
         "pose": {"position": {"x": 1.0, "z": -2.0}, "rotation": {"x": 2.0}}, "extents": {"x": 1.0, "y": 2.0, "z": 0.5},
         "facts": [{"key": "maker", "text": "Artek"}]},
    ],
}  # fmt: skip
ASKED = [
    {"id": "s-1", "kind": "fact", "ask": "how much is the chair", "accept": [{"number": {"value": 40, "unit": "EUR"}}]},
    {"id": "s-2", "kind": "followup", "ask": "and who made the lamp", "accept": [{"words": [["Artek"]]}],
     "before": [{"ask": "how much is the chair", "answer": "The red chair costs 40 euros."}]},
    {"id": "s-3", "kind": "fact", "ask": "who made the chair", "accept": [{"refusal": "unknown"}]},
    {"id": "s-4", "kind": "place", "ask": "椅子在哪", "language": "zh", "accept": [{"objects": ["a"]}]},
    {"id": "s-5", "kind": "fact", "ask": "?!", "accept": [{"words": [["nothing"]]}]},
]  # fmt: skip


def write(folder: Path) -> people.PeopleScene:
    questions = [{"language": "en", "style": "plain", **asked} for asked in ASKED]
    (folder / "held").mkdir(parents=True)
    data = {"name": "shop", "domain": "retail", "language_of_labels": "en", "scene": SHOP, "questions": questions}
    (folder / "held" / "shop.json").write_text(json.dumps(data))
    return people.read_scene(folder / "held" / "shop.json")


@pytest.mark.parametrize("half", ["held", "dev"])
def test_graphs_are_read_as_the_server_reads_them(half: str) -> None:
    graphs = [SHOP, *(scene.graph for scene in people.read_scenes(half))]
    for graph in graphs:
        message = read_message(ParseDict(graph, graph_pb2.SceneGraph()), Limits())
        expected = view(message)
        found = read_graph(graph)
        assert len(expected) == len(found) > 0
        for a, b in zip(found, expected, strict=True):
            assert (a.id, a.label, a.anchor_id, a.aliases, a.description) == (
                b.id, b.label, b.anchor_id, b.aliases, b.description,
            )  # fmt: skip
            for name in ("position", "size", "rotation"):
                assert getattr(a, name) == pytest.approx(getattr(b, name), abs=1e-3)  # messages have float32
            assert (a.box is None) == (b.box is None) and (a.box is None or a.box == pytest.approx(b.box, abs=1e-4))
            assert [(f.key, f.unit) for f in a.facts] == [(f.key, f.unit) for f in b.facts]
            assert [f.value for f in a.facts] == [pytest.approx(f.value) for f in b.facts]


def test_a_model_that_plans_is_asked_each_question_after_the_turns_before_it(tmp_path: Path) -> None:
    family = tiny.load(tmp_path / "tiny", plans=True)
    family.reads_words = False
    plans = ["fact price | chair", "again lamp", "fact price | chair", "fact maker | chair", "dance"]
    family.decoder = tiny.Dictated(family, *plans)  # type: ignore[assignment]
    answers = answer_scene(family, write(tmp_path / "people"))
    assert family.decoder.plans == []  # type: ignore[attr-defined]
    assert [one.plan for one in answers] == ["fact price | chair", "again lamp", "fact maker | chair", "dance", ""]
    assert [one.grade for one in answers] == ["right", "wrong", "right", "wrong", "wrong"]
    assert answers[0].pointed == ("a",) and "40" in answers[0].answer and answers[0].ms > 0
    assert "the question holds no word" in answers[4].error
    scores = score_people(answers)
    assert scores["all"] == {"n": 5, "right": 0.4, "wrong": 0.6, "false": 0, "made_up": 0, "refused": 0.6}
    assert scores["kinds"]["fact"]["n"] == 3 and scores["kinds"]["fact"]["en"]["right"] == pytest.approx(2 / 3)
    assert scores["languages"]["zh"]["n"] == 1 and "en" not in scores["kinds"]["place"]


def test_any_model_can_be_asked(tmp_path: Path) -> None:
    family: Family = fake.FakeFamily()  # type: ignore[assignment]
    answers = answer_scene(family, write(tmp_path / "people"))
    assert len(answers) == 5 and answers[0].answer.startswith("the red chair") and not answers[0].plan


def test_refusals_are_told_from_answers() -> None:
    for words in ("I don't know.", "I did not understand that.", "我只能谈论这里的东西。", "There is no piano.", ""):
        assert is_refusal(words), words
    assert not is_refusal("The red chair costs €40.") and not is_refusal("它在你左边。")


def test_the_command_prints_a_table_and_saves_every_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "people")
    monkeypatch.setattr(people, "FOLDER", tmp_path / "people")
    model = fake.write_bundle(tmp_path / "model")
    out = tmp_path / "answers.jsonl"

    def run(*options: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["eval", "--model", str(model), "--split", "people", "--jobs", "1", *options])
        return int(ended.value.code or 0), *capsys.readouterr()

    status, printed, _ = run("--out", str(out))
    assert status == 0 and "people, held" in printed and "followup" in printed and "made up" in printed
    saved = [json.loads(line) for line in out.read_text().splitlines()]
    assert [line["id"] for line in saved] == ["s-1", "s-2", "s-3", "s-4", "s-5"] and saved[3]["ask"] == "椅子在哪"
    status, printed, _ = run("--json")
    assert status == 0 and json.loads(printed)["all"]["n"] == 5
    assert "expected one of held, dev" in run("--half", "both")[2] and "asked alone" in run("--split", "test")[2]
