"""The photos split: the photographs that ship, and what is counted of a model's words about them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from PIL import Image
from scenewright_server.families.family import Mention
from scenewright_server.scene.entries import Entry
from scenewright_server.training.evaluation.photos import evaluate_photos, judge_reply, named_kinds, read_photos
from scenewright_server.training.evaluation.scores import Reply

from tests.families.chat import tiny

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "photos"
KINDS = ("cat", "dog", "cup", "dining table", "orange")
SEEN = Entry(0, None, (0.0, 0.0, 2.0), (1.0, 1.0, 0.0), (0.0, 0.0, 1.0, 1.0), 1.0)


def reply(text: str, *labels: str) -> Reply:
    return Reply(text, [Mention(k, label, 1.0, SEEN) for k, label in enumerate(labels)])


def test_every_photograph_is_small_and_its_source_and_licence_are_named() -> None:
    photos, page = read_photos(FOLDER), (FOLDER / "README.md").read_text()
    assert len(photos) >= 10 and {photo.path for photo in photos} == set(FOLDER.glob("*.jpg"))
    for photo in photos:
        (row,) = re.findall(rf"^\| `{photo.path.name}` \|.*$", page, re.MULTILINE)
        assert re.search(r"CC0|CC BY 2.0|public domain|no known copyright", row) and re.search("PyPI|npm", row)
        assert photo.path.stat().st_size <= 200_000 and max(Image.open(photo.path).size) <= 640
        assert photo.scene.questions and all(question.accept for question in photo.scene.questions)


@pytest.mark.parametrize(
    ("told", "kinds"),
    [
        (reply("A grey CAT sits on a dining table."), ["cat", "dining table"]),
        (reply("It is an animal [1].", "orange cat"), ["cat"]),
        (reply("Cats, cats and cats.", "cat"), ["cat"]),
        (reply("A category of cupboards."), []),
    ],
)
def test_a_description_names_each_kind_once(told: Reply, kinds: list[str]) -> None:
    assert named_kinds(told, KINDS) == kinds


@pytest.mark.parametrize(
    ("photo", "question", "answer", "verdict"),
    [
        ("coffee.jpg", "what", reply("A cup is on the table."), "right"),
        ("coffee.jpg", "what", reply("Something is on it.", "red cup"), "right"),
        ("coffee.jpg", "what", reply("A dog is on the table.", "dog"), "made_up"),
        ("coffee.jpg", "laptop", reply("No, there is no laptop."), "right"),
        ("coffee.jpg", "laptop", reply("Yes, there is a laptop."), "false"),
        ("cat.jpg", "animal", reply("It is a cat."), "right"),
        ("cat.jpg", "animal", reply("It is a dog."), "false"),
        ("coins.jpg", "what", reply("I do not know."), "right"),
        ("sheep.jpg", "count", reply("There are 14 sheep."), "right"),
        ("sheep.jpg", "count", reply("There are 3 sheep."), "false"),
    ],
)
def test_an_answer_is_judged_by_what_the_photograph_shows(
    photo: str, question: str, answer: Reply, verdict: str
) -> None:
    (shown,) = (one for one in read_photos(FOLDER) if one.path.name == photo)
    (asked,) = (one for one in shown.scene.questions if one.id == question)
    assert judge_reply(shown, asked, answer).verdict == verdict


def test_a_bundle_is_asked_all_and_every_answer_is_counted(tmp_path: Path) -> None:
    tiny.load(tmp_path / "tiny", with_senses=True)
    folder = tmp_path / "photos"
    folder.mkdir()
    told = json.loads((FOLDER / "questions.json").read_text())
    (folder / "questions.json").write_text(json.dumps({"cat.jpg": told["cat.jpg"]}))
    (folder / "cat.jpg").write_bytes((FOLDER / "cat.jpg").read_bytes())
    reports: list[tuple[str, int, int]] = []
    scores = evaluate_photos(tmp_path / "tiny", folder, lambda *done: reports.append(done))
    n = len(told["cat.jpg"]["questions"])
    assert (scores["photos"], scores["questions"], len(scores["answers"]), reports) == (1, n, n, [("photos", 1, 1)])
    assert scores["right"] + scores["wrong"] + scores["false or made up"] == pytest.approx(1)
    (folder / "cat.jpg").unlink()
    with pytest.raises(OSError, match=r"cat\.jpg"):
        read_photos(folder)
