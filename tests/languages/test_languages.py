"""What is said of every kind of answer; the shipped decoder was trained on these very words."""

from __future__ import annotations

from typing import get_args

import pytest
from scenewright_server.languages import LANGUAGES
from scenewright_server.languages.en import article, plural
from scenewright_server.languages.language import join, say_metres
from scenewright_server.scene.findings import (
    Answer,
    Count,
    Distance,
    Kind,
    Look,
    One,
    Place,
    Placing,
    Reason,
    Refusal,
    Several,
    Survey,
    Things,
    Where,
    YesNo,
)

VALUES = {"red": "红色", "blue": "蓝色", "orange": "橙色", "chair": "椅子", "table": "桌子", "mug": "杯子"}
THINGS = (("large", "red", "chair"), ("", "orange", "table"), ("", "", "mug"), ("", "blue", "mug"))
CHINESE_COUNTS = (
    "没有 一个 两个 三个 四个 五个 六个 七个 八个 九个 十个 十一个 十二个 十三个 十四个 十五个 十六个 "
    "十七个 十八个 十九个 二十个 二十一个 二十二个 二十三个 二十四个"
).split()
ENGLISH_COUNTS = (
    "none one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen twenty twenty-one twenty-two twenty-three twenty-four"
).split()


class Named:
    """Four things, mentioned by their words."""

    def __init__(self, language: str) -> None:
        self.values = {**VALUES, "large": "大的"} if language == "zh" else {}
        self.joint = "" if language == "zh" else " "

    def name(self, *words: str) -> str:
        return self.joint.join(self.value(word) for word in words if word)

    def full(self, k: int) -> str:
        return self.name(*THINGS[k])

    def usual(self, k: int) -> str:
        return self.name(*THINGS[k][1:])

    def noun(self, k: int) -> str:
        return self.name(THINGS[k][2])

    def article(self, mention: str) -> str:
        return article(mention)

    def value(self, value: str) -> str:
        return self.values.get(value, value)


SAID: list[tuple[Answer, str, str]] = [
    (Refusal("unknown"), "i do not know", "我不知道"),
    (Refusal("unpointed"), "i see nothing where you point", "你指的地方我什么也没看到"),
    (Several((2, 3)), "i see two, the mug and the blue mug", "我看到两个，杯子和蓝色杯子"),
    (
        Several((0, 2, 3)),
        "i see three, the red chair, the mug and the blue mug",
        "我看到三个，红色椅子、杯子和蓝色杯子",
    ),
    (Several((0, 1, 2, 3)), "i see four", "我看到四个"),
    (Things(()), "nothing", "什么都没有"),
    (Things((1,)), "the orange table", "橙色桌子"),
    (One(2), "the mug", "杯子"),
    (Count(()), "none", "没有"),
    (Count((0, 1)), "two", "两个"),
    (YesNo("exist", (0,), True), "yes", "有"),
    (YesNo("exist", (), False), "no", "没有"),
    (YesNo("is", (0, 1), True), "yes", "是"),
    (YesNo("is", (0, 1), False), "no", "不是"),
    (YesNo("reach", (0,), True), "yes", "够得到"),
    (YesNo("reach", (0,), False), "no", "够不到"),
    (Distance((0,), 2.24), "about 2.2 metres", "大约2.2米"),
    (Where(0, "middle"), "in the middle", "在中间"),
    (Where(2, "on", 1), "on the orange table", "在橙色桌子上面"),
    (Look(0, "colour", "red"), "red", "红色"),
    (Look(0, "colour", "blue", "red"), "i see blue but the scene tells of red", "我看到蓝色，但场景说是红色"),
    (Kind(0), "a chair", "一个椅子"),
    (Kind(0, "table"), "i see a table but the scene tells of a chair", "我看到一个桌子，但场景说是一个椅子"),
    (
        Survey(
            (Placing(0, "left", None, ("blue", "mug")), Placing(1, "beside"), Placing(2, "on"), Placing(3, "on", 1))
        ),
        "a large red chair on the left where i see blue mug, an orange table to the right of it, a mug on it "
        "and a blue mug on the table",
        "左边有一个大的红色椅子但我看到蓝色杯子，它右边有一个橙色桌子，它上面有一个杯子，桌子上面有一个蓝色杯子",
    ),
]


@pytest.mark.parametrize(("answer", "english", "chinese"), SAID)
def test_an_answer_is_said(answer: Answer, english: str, chinese: str):
    assert join(LANGUAGES["en"].say(answer, Named("en"))) == english
    assert join(LANGUAGES["zh"].say(answer, Named("zh"))) == chinese


def test_no_kind_of_answer_is_left_out():
    assert {type(answer) for answer, _, _ in SAID} == set(get_args(Answer))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_words_for_every_reason_and_place(language: str):
    assert set(LANGUAGES[language].refusals) == set(get_args(Reason))
    assert LANGUAGES[language].unheard
    assert set(LANGUAGES[language].places) == set(get_args(Place))


def test_counts():
    assert [LANGUAGES["en"].count(n) for n in range(25)] == ENGLISH_COUNTS
    assert [LANGUAGES["zh"].count(n) for n in range(25)] == CHINESE_COUNTS
    assert [LANGUAGES["en"].count(n) for n in (30, 99, 100)] == ["thirty", "ninety-nine", "100"]
    assert [LANGUAGES["zh"].count(n) for n in (30, 99, 100)] == ["三十个", "九十九个", "100个"]


def test_metres_are_told_as_finely_as_anyone_would():
    assert [say_metres(m) for m in (0, 0.84, 9.94, 9.95, 12.5)] == ["0.0", "0.8", "9.9", "10", "12"]


def test_english_articles_and_plurals():
    assert [article(words) for words in ("orange table", "red chair")] == ["an", "a"]
    assert [plural(noun) for noun in ("shelf", "couch", "box", "mug")] == ["shelves", "couches", "boxes", "mugs"]
