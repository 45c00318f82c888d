from __future__ import annotations

import re

import numpy as np
import pytest
from scenewright_server.families.diorama.course import lay_course
from scenewright_server.families.diorama.fusion import FusedModel
from scenewright_server.families.diorama.markup import MarkupReader, Pointed
from scenewright_server.families.family import TextDelta
from scenewright_server.languages import LANGUAGES
from scenewright_server.scene.entries import Detections, Entry, GraphObject, merge
from scenewright_server.scene.findings import (
    Answer,
    Count,
    Distance,
    Kind,
    Look,
    Placing,
    Refusal,
    Survey,
    Things,
    Where,
    YesNo,
)
from scenewright_server.scene.looks import Looks
from scenewright_server.simulator.kinds import ATTRIBUTES
from scenewright_server.simulator.phrases import CHINESE
from scenewright_server.simulator.scene import sample
from scenewright_server.simulator.text import Mention, Thing, describe, in_view, plain, survey


def read(model: FusedModel, answer: Answer, language: str, told: Looks, values: dict[str, str]):
    """The text of a course, and the things that it names with their words."""
    tokenizer = model.tokenizer
    reader = MarkupReader(tokenizer, 24, points=True)
    ids = [id for words in lay_course(tokenizer, answer, language, told, values) for id in words.ids]
    events = [event for id in (tokenizer.say, *ids) for event in reader.feed(id)] + reader.finish()
    named = [(event.ref, event.words) for event in events if isinstance(event, Pointed)]
    return "".join(event.text for event in events if isinstance(event, TextDelta)), named


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_course_is_the_true_description(model: FusedModel, language: str) -> None:
    """As the simulator tells it, of things that are seen as they are."""
    for seed in range(100):
        things = in_view(sample(seed))
        entries = [Entry(k, None, t.position, t.extents, t.box, 1.0) for k, t in enumerate(things)]
        looks = {
            name: np.array(
                [[float(value == at[name]) for value in values] for at in map(_looks_of, things)], np.float32
            )
            for name, values in ATTRIBUTES.items()
        }
        boxes = np.array([t.box for t in things], np.float32)
        seen = Detections(boxes, np.ones(len(things), np.float32), np.ones(len(things), np.float32), looks)
        names = CHINESE if language == "zh" else {}
        told = Looks(entries, seen, ATTRIBUTES, {"zh": CHINESE})
        true = describe(things, language)
        text, named = read(model, survey(things), language, told, names)
        assert text == plain(true)
        assert named == [(part.thing, part.words) for part in true if isinstance(part, Mention)]


def _looks_of(thing: Thing) -> dict[str, str | None]:
    return {"size": thing.size, "pattern": thing.pattern, "colour": thing.colour, "kind": thing.name}


VALUES = {
    "size": ("small", "large"),
    "pattern": ("plain", "striped"),
    "colour": ("red", "blue"),
    "kind": ("chair", "mug"),
}
MENTION = r"\[(\d):(.*?)\]"
ZH = {"small": "小的", "red": "红色", "blue": "蓝色", "striped": "条纹", "chair": "椅子", "mug": "杯子"}


@pytest.mark.parametrize(
    ("answer", "english", "chinese"),
    [
        (Look(0, "colour", "red"), "red", "红色"),
        (Kind(0), "a[0: mug]", "一个[0:杯子]"),
        (Kind(4), "a[4: Oak_Desk (2)]", "一个[4:Oak_Desk (2)]"),
        (Things((1, 5)), "the[1: red chair] and the[5: 闹钟]", "[1:红色椅子]和[5:闹钟]"),
        (Where(4, "on", 5), "on the[5: 闹钟]", "在[5:闹钟]上面"),
        (Distance((1,), 52.3), "about 52 metres", "大约52米"),
        (Distance((1,), 1.02), "about 1 metre", "大约1米"),
        (Distance((1, 2), 0.4), "about 40 cm", "大约40厘米"),
        (Distance((1, 2), 1234.0), "about 1.2 km", "大约1.2公里"),
        (YesNo("is", (1, 2), False), "no", "不是"),
        (Count((1, 2)), "two", "两个"),
        (
            Things((1, 2, 3)),
            "the[1: red chair], the[2: goblin king] and the[3: !!!]",
            "[1:红色椅子]、[2:goblin king]和[3:!!!]",
        ),
        (Refusal("lost"), "i am not sure which one you mean", "我不确定你说的是哪一个"),
        (
            Survey((Placing(0, "left"), Placing(1, "beside"))),
            "a[0: small striped blue mug] on the left and a[1: red chair] to the right of it",
            "左边有一个[0:小的条纹蓝色杯子]，它右边有一个[1:红色椅子]",
        ),
    ],
)
def test_every_word_of_a_course_is_known(model: FusedModel, answer: Answer, english: str, chinese: str) -> None:
    rows = {"size": [0.9, 0.1], "pattern": [0.1, 0.9], "colour": [0.1, 0.9], "kind": [0.2, 0.8]}
    looks = {name: np.array([row], np.float32) for name, row in rows.items()}
    seen = Detections(np.array([[0, 0.4, 0.1, 0.6]], np.float32), np.ones(1), np.full(1, 2.0), looks)
    labels = ("红色椅子", "goblin king", "!!!", "Oak_Desk (2)", "闹钟")
    known = [GraphObject(label, label, (float(k), 0, 2), (1, 1, 1)) for k, label in enumerate(labels)]
    told = Looks(merge(seen, known), seen, VALUES, {"zh": ZH})
    for language, values, expected in (("en", {}, english), ("zh", ZH, chinese)):
        text, named = read(model, answer, language, told, values)
        assert text == re.sub(MENTION, r"\2", expected)
        assert named == [(int(k), name.strip()) for k, name in re.findall(MENTION, expected)]
