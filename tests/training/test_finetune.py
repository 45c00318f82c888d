"""A user's folder: what is refused, and what is learnt from a line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scenewright_server.scene.entries import Detections, merge
from scenewright_server.scene.lookup import Lookup
from scenewright_server.simulator.kinds import ATTRIBUTES
from scenewright_server.training.finetune.folder import FolderError, read_folder
from scenewright_server.training.finetune.plans import entry_nouns, find_plan, name_spans

GOOD = {
    "image": "a.png",
    "objects": [{"box": [0.1, 0.2, 0.3, 0.4], "kind": "chair", "colour": "red"}],
    "caption": "A red chair.",
    "qa": [{"question": "What colour is it?", "answer": "Red."}],
}


def folder(path: Path, *lines: object) -> Path:
    Image.new("RGB", (8, 8)).save(path / "a.png")
    (path / "told.jsonl").write_text("\n".join(x if isinstance(x, str) else json.dumps(x) for x in lines))
    return path / "told.jsonl"


def test_a_folder_is_read(tmp_path: Path):
    first, second = read_folder(folder(tmp_path, GOOD, "", {"image": "a.png", "objects": []}), ATTRIBUTES)
    assert first.objects is not None
    assert first.objects[0].box == pytest.approx((0.1, 0.2, 0.4, 0.6))
    assert first.objects[0].looks == {"kind": "chair", "colour": "red"}
    assert first.qa == (("What colour is it?", "Red."),)
    assert second.objects == () and second.caption is None


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "told.jsonl line 2 is no JSON"),
        ({"image": "a.png"}, "must be objects, caption or qa beside the image"),
        ({**GOOD, "captoin": "x"}, 'the line is "captoin", must be of image, objects, caption, qa'),
        ({"caption": "x"}, "the line lacks 'image'"),
        ({**GOOD, "image": "../a.png"}, r'image is "\.\./a\.png", must be a file in'),
        ({**GOOD, "caption": 7}, "caption is 7, must be a text of 1..500 characters"),
        ({**GOOD, "caption": "一把红色椅子"}, "must be in E"),
        ({**GOOD, "objects": [{"box": [0, 0, 1, 2], "kind": "chair"}]}, r"objects\[0\].box is \[0, 0, 1, 2\], must"),
        ({**GOOD, "objects": [{"box": [0, 0, 1], "kind": "chair"}]}, r"objects\[0\].box is .* must be \[x, y, width"),
        ({**GOOD, "objects": [{"box": [0, 0, 1, 1], "kind": "dog"}]}, r'objects\[0\].kind is "dog", must be one'),
        ({**GOOD, "objects": [{"box": [0, 0, 1, 1]}]}, r"objects\[0\] lacks 'kind'"),
        ({**GOOD, "qa": [{"question": "why"}]}, r"qa\[0\] lacks 'answer'"),
    ],
)  # fmt: skip
def test_a_wrong_line_is_named_with_its_field(tmp_path: Path, line: object, message: str):
    with pytest.raises(FolderError, match=message):
        read_folder(folder(tmp_path, GOOD, line), ATTRIBUTES)


def test_one_frame_is_too_few(tmp_path: Path):
    with pytest.raises(FolderError, match="has 1 frames, at least 2 are needed"):
        read_folder(folder(tmp_path, GOOD), ATTRIBUTES)


def seen() -> Detections:
    """A red chair on the left, a blue mug on the right."""
    rows = [("large", "plain", "red", "chair"), ("small", "plain", "blue", "mug")]
    attributes = {
        name: np.array([[float(v == row[i]) for v in values] for row in rows], np.float32)
        for i, (name, values) in enumerate(ATTRIBUTES.items())
    }
    boxes = np.array([(0.1, 0.3, 0.3, 0.8), (0.7, 0.5, 0.8, 0.6)], np.float32)
    return Detections(boxes, np.ones(2, np.float32), np.array([2, 3], np.float32), attributes)


@pytest.mark.parametrize(
    ("question", "answer", "plan"),
    [
        ("What's the colour of the chair?", "It is red.", ("colour", "chair")),
        ("Is there a blue mug?", "Yes, there is.", ("exist", "blue mug")),
        ("How many chairs are there?", "Just one.", ("count", "chair")),
        ("Which is closer, the chair or the mug?", "The chair.", ("closer", "chair", "mug")),
        ("Is the chair left of the mug?", "yes", ("is", "chair", "left", "mug")),
        ("What is the colour of the chair?", "It is green.", ("beyond", "it")),
        ("Who owns the chair?", "It belongs to Ada.", ("beyond", "it")),
    ],
)
def test_the_plan_is_the_one_that_gives_the_answer(question: str, answer: str, plan: tuple[str, ...]):
    found = seen()
    lookup = Lookup(merge(found, ()), found, ATTRIBUTES)
    assert find_plan(question, answer, lookup, entry_nouns(lookup.entries, found)) == plan


def test_names_are_found_in_a_text():
    text = "A large red chair and two mugs, no chairman."
    assert [(text[a:b], noun) for a, b, noun in name_spans(text)] == [("large red chair", "chair"), ("mugs", "mug")]
