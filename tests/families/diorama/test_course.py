from __future__ import annotations

import re

import numpy as np
import pytest
from scenewright_server.families.diorama.course import Choice, Name, Words, lay_course, lay_whole_course
from scenewright_server.families.diorama.fusion import FusedModel
from scenewright_server.families.diorama.markup import MarkupReader, Pointed
from scenewright_server.families.family import TextDelta
from scenewright_server.languages import LANGUAGES
from scenewright_server.scene.entries import Detections, GraphObject, merge
from scenewright_server.scene.findings import (
    Answer,
    Count,
    Kind,
    Look,
    Placing,
    Refusal,
    Several,
    Survey,
    Things,
    YesNo,
)
from scenewright_server.scene.looks import Looks
from scenewright_server.simulator.phrases import CHINESE
from scenewright_server.simulator.scene import sample
from scenewright_server.simulator.text import Mention, Thing, describe, in_view, survey


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_course_is_the_true_description_but_for_its_names(model: FusedModel, language: str) -> None:
    names = CHINESE if language == "zh" else {}
    tokenizer = model.tokenizer
    article = Choice(frozenset(id for word in ("a", "an") for id in tokenizer.words(word)))
    for seed in range(300):
        things = in_view(sample(seed))
        if seed % 3 == 0:
            things[0] = Thing(**{**things[0].__dict__, "seen_as": (("colour", "red"), ("kind", "sofa"))})
        true = [
            Name(part.thing) if isinstance(part, Mention)
            else article if part in ("a", "an")
            else Words(tuple(tokenizer.words(part)))
            for part in describe(things, language)
        ]  # fmt: skip
        assert lay_course(tokenizer, survey(things), language, names) == [*true, Choice(frozenset([tokenizer.eot]))]


@pytest.mark.parametrize(
    ("answer", "english", "chinese"),
    [
        (Refusal("missing"), "i do not see that here", "我在这里没有看到这个"),
        (Count((0, 1)), "two", "两个"),
        (Several((0, 1, 2, 3)), "i see four", "我看到四个"),
    ],
)
def test_a_refusal_and_a_number_are_known_beforehand(
    model: FusedModel, answer: Answer, english: str, chinese: str
) -> None:
    for language, words in (("en", english), ("zh", chinese)):
        said, end = lay_course(model.tokenizer, answer, language, {})
        assert isinstance(said, Words) and model.tokenizer.decode(said.ids) == words
        assert end == Choice(frozenset([model.tokenizer.eot]))


@pytest.mark.parametrize(
    "answer", [Look(0, "colour", "red"), Things((0, 1)), Several((0, 1, 2)), YesNo("is", (0,), True)]
)
def test_other_words_are_the_decoders(model: FusedModel, answer: Answer) -> None:
    assert lay_course(model.tokenizer, answer, "en", {}) == []


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
        (
            Things((1, 2, 3)),
            "the[1: red chair], the[2: goblin king] and the[3: !!!]",
            "[1:红色椅子]、[2: goblin king]和[3: !!!]",
        ),
        (Refusal("lost"), "i am not sure which one you mean", "我不确定你说的是哪一个"),
        (
            Survey((Placing(0, "left"), Placing(1, "beside"))),
            "a[0: small striped blue mug] on the left and a[1: red chair] to the right of it",
            "左边有一个[0:小的条纹蓝色杯子]，它右边有一个[1:红色椅子]",
        ),
    ],
)
def test_of_a_whole_course_every_word_is_known(model: FusedModel, answer: Answer, english: str, chinese: str) -> None:
    rows = {"size": [0.9, 0.1], "pattern": [0.1, 0.9], "colour": [0.1, 0.9], "kind": [0.2, 0.8]}
    looks = {name: np.array([row], np.float32) for name, row in rows.items()}
    seen = Detections(np.array([[0, 0.4, 0.1, 0.6]], np.float32), np.ones(1), np.full(1, 2.0), looks)
    labels = ("红色椅子", "goblin king", "!!!")
    known = [GraphObject(label, label, (float(k), 0, 2), (1, 1, 1)) for k, label in enumerate(labels)]
    told = Looks(merge(seen, known), seen, VALUES, {"zh": ZH})
    tokenizer = model.tokenizer
    for language, values, expected in (("en", {}, english), ("zh", ZH, chinese)):
        words, end = lay_whole_course(tokenizer, answer, language, told, values)
        assert isinstance(words, Words) and end == Choice(frozenset([tokenizer.eot]))
        reader = MarkupReader(tokenizer, 4, points=True)
        read = [event for id in (tokenizer.say, *words.ids) for event in reader.feed(id)] + reader.finish()
        mentions = [(event.ref, event.words) for event in read if isinstance(event, Pointed)]
        assert "".join(event.text for event in read if isinstance(event, TextDelta)) == re.sub(MENTION, r"\2", expected)
        assert mentions == [(int(k), name.strip()) for k, name in re.findall(MENTION, expected)]
