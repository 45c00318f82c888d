"""What texts tell of states and looks, and what negates it."""

from __future__ import annotations

import pytest
from scenewright_server.scene.facts import Known, tell, told_of
from scenewright_server.scene.states import is_so

from tests.scene.test_executing import found, know, scene_of


@pytest.mark.parametrize(
    ("words", "text", "so"),
    [
        ("full", "state half full", False), ("empty", "state half full", False), ("half full", "state half full", True),
        ("full", "state full", True), ("满", "状态 半满", False), ("打开", "状态 关机", False),
        ("关机", "状态 关机", True), ("开放", "状态 大风关闭", False), ("营业", "状态 开放", True),
        ("not working", "state out of order", True),
        ("not working", "sign out of service", True), ("working", "state out of service", False),
        ("not working", "state working", False), ("not working", "do not lean, works well", False),
        ("不辣", "不含肉，也没有辣的", True), ("没有肉", "不含肉，也没有辣的", True), ("不含肉", "牛肉做的", False),
        ("无花果", "果肉多", None), ("未来", "来自杭州", None), ("free of nuts", "without nuts", True),
        ("milked", "milk not yet milked", False), ("milked", "milked not yet", False), ("milk", "with milk", True),
        ("charger", "charger not included", False), ("charger", "charger: sold separately", False),
        ("case", "case included, charger not included", True),
        ("allergens", "allergens none", False), ("热水", "热水坏了", False), ("坏了", "热水坏了", True),
        ("支架", "支架要另外买", False), ("套餐", "套餐不含饮料", True),
        ("finished", "state unfinished", False), ("unfinished", "state finished", False), ("unit", "it is new", None),
        ("wash out", "does not wash out of clothes", False), ("wash out", "washes out after a week", True),
        ("does not wash out", "washes out after a week", False), ("wheel broken", "broken wheel", True),
        ("open", "opens 9:00", None), ("closed", "closes 18:00", None), ("open", "opens the iron gate", None),
        ("open", "only the owner may open it", None), ("open", "state open until 22:00", True),
    ],
)  # fmt: skip
def test_what_a_text_decides(words, text, so):
    assert is_so(words, [text]) is so


def test_a_fact_that_is_the_state_outweighs_others():
    assert is_so("open", ["state closed", "opens 9:00", "drawer open"]) is False
    assert is_so("locked", ["state open", "drawer locked"]) is False


def test_a_fact_is_compared_with_a_state_as_a_state():
    tanks = scene_of([know("tank", -1, state="half full"), know("barrel", 1, state="full")])
    assert found("name state = full", tanks).things == (1,)
    assert found("check tank | state = full", tanks).are_so == (False,)


def test_one_chinese_character_is_found_in_a_clause():
    tea = know("茶", description="用热水冲十五分钟，怕光。下周三还")
    quotes = {"冲": "用热水冲十五分钟", "怕": "怕光", "还": "下周三还"}
    assert {key: tell(tea, key) for key in quotes} == {key: Known(text, True) for key, text in quotes.items()}
    assert tell(tea, "高") is None and tell(know("像", description="高兴的人"), "高") is None


def test_sentences_are_quoted_whole():
    vault = know("vault", description="Only Ms. Farrow may open it. Looks plain, but Dr. J. Wu has the key.")
    assert tell(vault, "open") == Known("Only Ms. Farrow may open it", True)
    assert tell(vault, "key") == Known("Looks plain, but Dr. J. Wu has the key", True)
    assert [its.value for its in told_of(vault)] == [
        "Only Ms. Farrow may open it", "Looks plain, but Dr. J. Wu has the key"
    ]  # fmt: skip
    hall = know("hall", description="Food is not allowed in here")
    assert tell(hall, "food") == Known("Food is not allowed in here", True)
