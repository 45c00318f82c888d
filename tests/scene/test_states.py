"""What texts tell of states and looks, and what negates it."""

from __future__ import annotations

import pytest
from scenewright_server.scene.amounts import Amount
from scenewright_server.scene.facts import Known, amount, tell, told_of
from scenewright_server.scene.states import is_so

from tests.scene.test_executing import found, know, scene_of


@pytest.mark.parametrize(
    ("words", "text", "so"),
    [
        ("full", "state half full", False), ("empty", "state half full", False),
        ("half full", "state half full", True),
        ("ripe", "a little green, ripe in two days", False), ("ready", "ready in an hour", None),
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
        ("open", "opened 2004", None), ("开放", "2004年开放", None), ("open", "open since 2004", True),
        ("burning", "state on", None), ("burning", "state off", False), ("on", "state burning", True),
        ("running", "state stopped", False), ("running", "state on", True), ("stopped", "state running", False),
        ("在运行", "状态 停机", False), ("停了", "状态 运行中", False), ("运行", "状态 运行中", True),
        ("open", "only the owner may open it", None), ("open", "state open until 22:00", True),
    ],
)  # fmt: skip
def test_what_a_text_decides(words, text, so):
    assert is_so(words, [text]) is so


def test_a_fact_that_is_the_state_outweighs_others():
    assert is_so("open", ["state closed", "opens 9:00", "drawer open"]) is False
    assert is_so("locked", ["state open", "drawer locked"]) is False


def test_a_state_excludes_only_its_opposites():
    scene = scene_of([know("oven", -1, state="on"), know("candle", 0, state="burning")])
    assert found("check oven | look burning", scene).are_so == (None,)
    assert found("name state = burning", scene).things == (1,)


def test_a_fact_is_compared_with_a_state_as_a_state():
    tanks = scene_of([know("tank", -1, state="half full"), know("barrel", 1, state="full")])
    assert found("name state = full", tanks).things == (1,)
    assert found("check tank | state = full", tanks).are_so == (False,)


def test_states_of_one_chinese_character():
    lamps = (("吊灯", "开"), ("电视", "关"), ("空调", "开，27度"), ("窗", "半开"))
    scene = scene_of([know(name, n, 状态=state) for n, (name, state) in enumerate(lamps)])
    names = {
        plan: {scene.called[k] for k in found(plan, scene).things}
        for plan in ("name 状态 = 开", "name 状态 = 关", "name look 关着")
    }
    assert names == {
        "name 状态 = 开": {"吊灯", "空调"}, "name 状态 = 关": {"电视"}, "name look 关着": {"电视"}
    }  # fmt: skip
    verdicts = {"吊灯 | look 开": True, "吊灯 | look 关": False, "电视 | look 开": False, "电视 | look 关": True}
    assert {its: found(f"check {its}", scene).are_so[0] for its in verdicts} == verdicts


def test_what_is_told_to_be_none_is_not_had():
    told = {"A": "无", "B": "有，20元", "C": "没有", "D": 0.0, "E": 20.0}
    inns = scene_of([know(name, n, 停车=its) for n, (name, its) in enumerate(told.items())] + [know("F", 9)])
    assert {inns.called[k] for k in found("name has 停车", inns).things} == {"B", "E"}
    assert found("check A | has 停车", inns).because.value == "无"
    rooms = [know("A", -1, wifi="none"), know("B", 1, wifi="yes"), know("C", wifi="no"), know("D", wifi="fast")]
    rooms += [know("E", 2, description="No wifi"), know("F", 3, description="wifi in the hall")]
    scene = scene_of(rooms)
    assert {scene.called[k] for k in found("name has wifi", scene).things} == {"B", "D", "F"}
    assert len(found("name has price", scene_of([know("E", price=(0.0, "EUR"))])).things) == 1


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


@pytest.mark.parametrize(
    ("words", "text", "so"),
    [
        ("游泳", "禁止下海游泳", False), ("骑", "只拍照、不给骑", False), ("能骑", "只拍照、不给骑", False),
        ("拍照", "只拍照、不给骑", True), ("无花果干", "无花果干卖光了", False), ("无花果干", "无花果干", True),
        ("有电", "没电了", False), ("没电", "木楼梯陡，没电梯", None), ("上锁", "上了童锁", True),
        ("锁着", "有童锁", None), ("开着", "灯灭了", False), ("关着", "灭了", True), ("开着", "灭火器", None),
        ("开着", "门没关严", True),
        ("关着", "门没关严", False), ("能用", "状态 停用", False), ("空闲", "维修中", False), ("满", "满座", True),
        ("有空位", "没有空位", False), ("满座", "还有空位", False), ("亮着", "黑屏", False),
        ("开放", "施工封闭", False),        ("开放", "下雨天封闭", None), ("糖", "不加糖", False),
        ("wifi", "有wifi", True), ("203", "住203", True),
        ("ready", "state in repair", False), ("clean", "needs cleaning", None), ("locked", "has a lock", None),
        ("broken", "damage 4", None), ("folded", "folds flat", None), ("working", "works well", True),
        ("radio", "never without her radio", True), ("hurts", "lifts without hurting", False),
        ("dogs", "not for small dogs", False), ("children", "not just for children", True),
        ("empty", "nearly empty", False), ("full", "nearly empty", False), ("full", "two thirds full", False),
        ("open", "blocked", False), ("working", "out of order, the bulb has gone", False),
        ("not working", "out of order, the bulb has gone", True), ("open", "sterile until it is opened", None),
        ("closed", "sterile until it is opened", None), ("whole", "cracked on one side", False),
        ("shut", "bolted", True), ("open", "bolted", False), ("open", "bolted to the floor", None),
        ("dishwasher", "must not go in the dishwasher", False), ("tired", "does not make you tired", False),
        ("children", "does not bark and is good with children", True), ("noise", "never forgets a noise", True),
        ("dishwasher", "non-stick, dishwasher safe", True), ("dishwasher", "non-stick dishwasher pan", True),
        ("slip", "non-slip", False), ("red", "do not touch the red button", True), ("side", "north side", True),
        ("leather", "is not made of real leather", False), ("open", "now open", True),
        ("sauna", "children must not use the sauna alone", True),
        ("dogs", "no pets or dogs of any size allowed", False),
        ("oven", "can't go in a hot oven", False), ("left-handers", "does not smudge for left-handers", True),
        ("pacemaker", "not for people with a pacemaker", True),
        ("planes", "not allowed on planes", False), ("trains", "allowed on trains", True),
        ("tandems", "too small for tandems", False), ("carry", "too heavy to carry", False),
        ("bedroom", "not too loud for a bedroom", True), ("open", "open 24 hours", True),
        ("little hands", "hung high so that little hands do not get there", False),
        ("children", "keep away from children", False), ("battery", "the battery does not last", True),
        ("货车", "太小，停不下货车", False), ("货车", "货车停得下", True), ("儿童", "请远离儿童", False),
        ("大声", "了不起的大声", True),
        ("洗碗机", "不能放进洗碗机", False), ("咖啡", "不能喝酒，有咖啡", True), ("辣", "不能喝酒的人也能吃辣", True),
        ("闪光灯", "拍照别开闪光灯", False), ("拍照", "拍照别开闪光灯", True), ("雨伞", "别忘了带雨伞", True),
        ("大", "特别大", True), ("孕妇", "孕妇和儿童不能用", False), ("儿童", "孕妇和儿童不能用", False),
        ("周一", "每天开放，周一除外", False), ("狗", "狗不让进店", False), ("车", "车进不来", False),
        ("水", "水不能喝", True), ("水", "水管不能用火烤", True),
        ("导盲犬", "宠物禁止入内，导盲犬除外", True), ("绿灯", "状态 红灯", False), ("绿灯", "状态 绿灯", True),
        ("绿灯", "红灯时停", None), ("白酒", "饮料 红茶", None),
        ("早餐", "无线网、早餐、泳池", True), ("早餐", "没有无线网、早餐", False), ("电梯", "无障碍通道、电梯", True),
        ("拍照", "无人机、拍照", True), ("无线网", "无线网、早餐", True),
        ("free", "state engaged", False), ("free", "out of order since monday", False),
        ("engaged", "state free", False),
        ("free", "occupied by mr osei until five", False), ("free", "state on loan", False),
        ("available", "state rented out", False), ("occupied", "state engaged", True), ("free", "free of charge", True),
        ("free", "broken window", None), ("train", "goes on the train free when folded", True),
        ("children", "adults 12, children free", True), ("sugar", "sugar free", False), ("nuts", "nut-free", False),
        ("wriggling", "for people who cannot bear wriggling things", True), ("frost", "cannot bear frost", False),
        ("animal fibre", "no animal fibre", False), ("dishwasher safe", "not dishwasher safe", False),
        ("nuts", "free of gluten, nuts and milk", False), ("milk", "free of gluten, nuts and milk", False),
        ("milk", "free from nuts or milk", False), ("tasty", "free of sugar and very tasty", True),
        ("vegan", "free of gluten, vegan", True), ("fresh", "without sugar, fresh every day", True),
        ("no nuts", "free of gluten, nuts and milk", True), ("no nuts", "nut-free", True),
        ("no nuts", "nuts and raisins", False), ("nut free", "no nuts", True), ("gluten-free", "gluten free", True),
        ("gluten free", "contains gluten", False), ("lactose free", "goat milk", None),
        ("hands-free", "for hands", None),
        ("free", "reserved for mr osei from seven", False), ("off", "hands off", None), ("free", "sugar-free", None),
    ],
)  # fmt: skip
def test_what_negates_and_what_only_nearly_is_so(words, text, so):
    assert is_so(words, [text]) is so


def test_prose_is_told_under_the_words_of_sides():
    scene = scene_of([know("lift", -1, description="Goes up to the roof"), know("shoe", description="The right shoe")])
    assert found("fact up | lift", scene).value == "Goes up to the roof"
    assert found("fact right | shoe", scene).value == "The right shoe"


def test_a_state_may_stand_as_a_name_or_a_key():
    desks = scene_of([know("desk A", -1, state="free"), know("desk B", 1, state="taken")])
    assert found("check desk A | free", desks).are_so == (True,)
    assert found("check desk B | free", desks).are_so == (False,)
    assert found("name free = now", desks).things == found("name free", desks).things == (0,)


def test_ages_and_temperatures_that_descriptions_tell():
    told = {
        "学徒，19岁": Amount(19, "岁"), "今年二十一岁": Amount(21, "岁"), "Ana is 34 years old": Amount(34, "years"),
        "Porter, aged 47. Tired": Amount(47, "years"), "适合3岁以上": None, "For children aged 3": None,
    }  # fmt: skip
    assert {text: amount(know("it", description=text), "age") for text in told} == told
    assert amount(know("壶", description="保温60度"), "温度") == Amount(60, "度")
    assert tell(know("酒", description="52度的白酒"), "温度") is None
    crew = scene_of([know("a", -1, description="19岁"), know("b", 1, description="aged 47")])
    assert found("name age > 20 years", crew).things == (1,)
    assert found("fact 年龄 | a", crew).value == Amount(19, "岁")
