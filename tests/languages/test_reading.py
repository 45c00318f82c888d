"""Questions read by their words, on two scenes: what their plans give is what the plans of the tables give."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scenewright_server.languages.phrases import read_table
from scenewright_server.languages.reading import SURE, fall_back, in_one, read
from scenewright_server.scene import replies
from scenewright_server.scene.entries import Entry, Fact, GraphObject, merge
from scenewright_server.scene.executing import carry_out
from scenewright_server.scene.parsing import parse
from scenewright_server.scene.scene import Scene

THINGS: dict[str, tuple[tuple[str, tuple[float, float, float], str, dict[str, str | tuple[float, str]]], ...]] = {
    "en": (
        ("counter", (0.0, 0.5, 3.0), "", {"closes": "18:30", "wifi password": "blue teapot"}),
        ("cappuccino", (-0.3, 1.05, 3.0), "", {"price": (3.2, "EUR"), "kind": "drink"}),
        ("flat white", (-0.1, 1.05, 3.0), "", {"price": (3.6, "EUR"), "kind": "drink"}),
        ("scone", (0.1, 1.05, 3.0), "Gluten-free.", {"price": (2.8, "EUR"), "calories": (310, "kcal"), "kind": "cake"}),
        ("brownie", (0.3, 1.05, 3.0), "Vegan. Contains walnuts.", {"price": (3.4, "EUR"), "kind": "cake"}),
        ("coffee beans", (0.5, 1.05, 3.0), "", {"roaster": "Kaffa"}),
        ("round table", (-2.0, 0.4, 2.0), "", {"state": "free"}),
        ("window table", (2.5, 0.4, 1.0), "", {"state": "reserved"}),
        ("vase", (-2.0, 0.95, 2.0), "", {}),
        ("chair", (-2.6, 0.45, 2.0), "", {}),
        ("chair", (0.5, 0.45, -2.0), "", {}),
        ("chair", (-0.5, 0.45, -2.2), "", {}),
        ("floor lamp", (3.4, 0.9, 2.0), "", {}),
        ("door", (3.0, 1.0, 4.0), "", {}),
        ("barista", (0.0, 0.85, 3.8), "", {"name": "Maya"}),
    ),
    "zh": (
        ("吧台", (0.0, 0.5, 3.0), "", {"关门": "18:30"}),
        ("拿铁", (-0.3, 1.05, 3.0), "", {"价格": (18, "元")}),
        ("司康", (0.1, 1.05, 3.0), "", {"价格": (9, "元"), "种类": "蛋糕"}),
        ("布朗尼", (0.3, 1.05, 3.0), "纯素。", {"价格": (12, "元"), "热量": (420, "千卡"), "种类": "蛋糕"}),
        ("圆桌", (-2.0, 0.4, 2.0), "", {"状态": "空着"}),
        ("靠窗桌", (2.5, 0.4, 1.0), "", {"状态": "有人"}),
        ("花瓶", (-2.0, 0.95, 2.0), "", {}),
        ("椅子", (-2.6, 0.45, 2.0), "", {}),
        ("椅子", (0.5, 0.45, -2.0), "", {}),
        ("椅子", (2.6, 0.45, 3.6), "", {}),
        ("落地灯", (3.4, 0.9, 2.0), "", {}),
        ("门", (3.0, 1.0, 4.0), "", {}),
        ("店员", (0.0, 0.85, 3.8), "", {"名字": "小美"}),
        ("杯垫", (4.0, 0.05, 1.0), "", {"库存": (240, "片")}),
    ),
}
HEIGHTS = {"counter": 1.0, "吧台": 1.0, "round table": 0.8, "圆桌": 0.8, "window table": 0.8, "靠窗桌": 0.8}


def scene_of(language: str) -> Scene:
    def thing(n: int, label: str, at: tuple[float, float, float], description: str, told: dict) -> GraphObject:
        facts = tuple(Fact(key, value) if isinstance(value, str) else Fact(key, *value) for key, value in told.items())
        height = HEIGHTS.get(label, 0.3 if at[1] < 1.0 else 0.1)
        wide = 1.4 if label in HEIGHTS else 0.1
        return GraphObject(str(n), label, at, (wide, height, 0.5), description=description, facts=facts)

    entries: tuple[Entry, ...] = merge(None, [thing(n, *its) for n, its in enumerate(THINGS[language])])
    return Scene(entries, tuple(entry.graph.label for entry in entries if entry.graph))


def read_cases() -> Iterator[tuple[str, str, str, str]]:
    """Language, question, the plan before it or "", its plan."""
    for language in ("en", "zh"):
        for line in Path(__file__).with_name(f"reading_{language}.txt").read_text(encoding="utf-8").splitlines():
            if line and line[0] not in "#[":
                asked, plan = line.split(" => ")
                question, _, before = asked.partition(" -> ")
                yield language, question, before, plan


CASES = [*read_cases()]


@pytest.mark.parametrize(("language", "question", "before", "plan"), CASES, ids=[case[1] for case in CASES])
def test_a_question_is_read_as_its_plan(language: str, question: str, before: str, plan: str) -> None:
    scene = scene_of(language)
    if before:
        scene = replace(scene, before=carry_out(before, scene)[-1].turn)
    found = read(question, scene, language)
    if plan == "none":
        assert found is None or found.confidence < SURE, found
        return
    assert found is not None and found.confidence >= SURE, found
    results = [reply.results for reply in carry_out(plan, scene)]
    assert found.plan == plan or [reply.results for reply in carry_out(found.plan, scene)] == results, found


ENGLISH = sorted(read_table("en").words)
CHINESE = sorted(read_table("zh").words)


@given(st.one_of(st.text(max_size=200), st.lists(st.sampled_from([*ENGLISH, *CHINESE, "chair", "椅子"])).map(" ".join)))
@settings(max_examples=60, deadline=None)
def test_any_text_is_read_as_a_plan_or_not_at_all(text: str) -> None:
    for language in ("en", "zh"):
        found = read(text, scene_of(language), language)
        assert found is None or (parse(found.plan) and 0.0 <= found.confidence <= 1.0)


@pytest.mark.parametrize(
    ("first", "second", "plan"),
    [
        ("fewer (sum 价格 | those) | 100", "fact 库存 | those", "fewer (sum 价格 | those) | 100 ; fact 库存 | those"),
        ("name 椅子 & look 红", "fact 价格 | those", "name 椅子 & look 红 ; fact 价格 | 椅子 & look 红"),
        ("check cup | on table", "name in those", "check cup | on table ; name in cup"),
        ("name a & look b", "sum price | those + c", "name a & look b ; sum price | (a & look b) + c"),
    ],
)
def test_two_questions_in_one_are_of_the_set_of_the_first(first: str, second: str, plan: str) -> None:
    assert in_one(first, second) == plan
    assert parse(plan)


@pytest.mark.parametrize("text", ["我要铺满,要一百片,有没有", "杯垫有,一百,片,"])
def test_an_amount_at_the_end_of_half_a_question_ends_there(text: str) -> None:
    found = read(text, scene_of("zh"), "zh")
    assert found is None or parse(found.plan)


@pytest.mark.parametrize("words", ["on the round table ", "chair and ", "is there a chair on my left, ", "how much "])
def test_a_question_of_two_thousand_characters_is_read_in_so_many_steps(words: str) -> None:
    found = read((words * 200)[:2000], scene_of("en"), "en")
    assert found is None or parse(found.plan)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_each_phrase_of_a_table_holds_the_slots_of_its_plan(language: str) -> None:
    table = read_table(language)
    assert min(map(len, table.phrases.values())) > 0 and len(table.idle) > 50 and len(table.degrees) > 20
    for symbol in ("set", "core", "joined", "piece", "place", "question", "alone", "short", "beyond"):
        assert all(phrase.items for phrase in table.phrases[symbol]), symbol


def test_a_car_is_no_boat_and_what_is_on_a_table_is_not_the_table():
    entries = merge(None, [GraphObject(label, label, (1, 0, 3), (1, 1, 1)) for label in ("boat", "table")])
    scene = Scene(entries, tuple(entry.graph.label for entry in entries if entry.graph))
    found = [read(question, scene, "en") for question in ("Is there a car?", "What is on the table?")]
    assert [reading.plan for reading in found if reading] == ["exist car", "name on table"]


@pytest.mark.parametrize(
    ("question", "plan"),
    [("二号柜台在哪", "where counter 2"), ("3号柜台在哪", "where counter 3"), ("瀑布多高", "fact height | waterfall")],
)
def test_chinese_words_find_english_labels(question: str, plan: str) -> None:
    labels = ("counter 2", "counter 3", "waterfall")
    scene = Scene(
        merge(None, [GraphObject(label, label, (k, 0, 3), (1, 1, 1)) for k, label in enumerate(labels)]), labels
    )
    found = read(question, scene, "zh")
    assert found is not None and found.confidence >= SURE
    assert carry_out(found.plan, scene) == carry_out(plan, scene), found


@pytest.mark.parametrize(
    ("language", "question", "plan"),
    [
        ("en", "and then my gran wondered whether brownies and her teeth, well, you know", "describe brownie"),
        ("en", "my cousin's lovely vase thing, hm?", "describe vase"),
        ("en", "barista, brownie, hm", None),  # two things
        ("en", "chairs, eh", None),  # any of three
        ("en", "nobody knows what I mean", None),
        ("zh", "话说那个布朗尼我妈吃了牙疼咋整", "describe 布朗尼"),
        ("zh", "今天天气怪怪的", None),
    ],
)
def test_what_is_not_understood_is_told_of_the_one_thing_that_is_named(language, question, plan):
    scene = scene_of(language)
    found = fall_back(question, scene, language)
    assert (found and found[0]) == plan
    if found is not None:
        unsure, told = found[1].results
        assert isinstance(unsure, replies.Unsure) and (told,) == carry_out(found[0], scene)[-1].results


def test_what_was_spoken_of_is_told_where_nothing_is_named():
    scene = replace(scene_of("en"), before=carry_out("fact price | brownie", scene_of("en"))[-1].turn)
    found = fall_back("and is that any good for him", scene, "en")
    assert found is not None and found[0] == "describe those"
