"""Facts as sentences that suit their keys, and things of one label told apart."""

from __future__ import annotations

import pytest
from scenewright_server.languages import SPEAKERS
from scenewright_server.languages.speaking import Spelt
from scenewright_server.scene import replies as r
from scenewright_server.scene.amounts import Amount
from scenewright_server.scene.executing import execute
from scenewright_server.scene.parsing import parse

from tests.languages.test_speaking import know
from tests.scene.random_scenes import scene_of


def told(language, label, key, value):
    reply = r.Reply((r.Told((0,), key, value),), r.Turn(parse("beyond")[0], ()))
    return "".join(SPEAKERS[language].reply(reply, Spelt((label,))))


@pytest.mark.parametrize(
    ("label", "key", "value", "said"),
    [
        ("coach", "departs", "06:10", "The coach departs at 06:10."),
        ("shorts", "dries in", "6 h", "The shorts dry in 6 h."),
        ("kit", "expires", "2027", "The kit expires in 2027."),
        ("lockers", "free", Amount(5), "Of the lockers, 5 are free."),
        ("strip", "free", Amount(2), "The strip has 2 free."),
        ("garage", "free spaces", Amount(1), "The garage has 1 free space."),
        ("stand", "seats free", Amount(31), "The stand has 31 seats free."),
        ("Grandmother Wolf", "seats left", Amount(0), "Grandmother Wolf has no seats left."),
        ("washer", "minutes left", Amount(38, "min"), "The washer has 38 min left."),
        ("flask", "uses left", Amount(1), "The flask has 1 use left."),
        ("lamp", "oil left", "a little", "Oil left, lamp: a little."),
        ("bag rocker", "full at", Amount(470, "ml"), "The bag rocker is full at 470 ml."),
        ("bus 40", "next", "08:25", "Next, bus 40: 08:25."),
        ("crown", "found", "1834", "The crown was found in 1834."),
        ("crown", "found", "in a bog", "The crown was found in a bog."),
        ("thyme", "watered", "every three weeks", "The thyme is watered every three weeks."),
        ("hall", "built by", "monks", "The hall was built by monks."),
        ("book", "first published", "1999", "The book was first published in 1999."),
        ("cello", "ready", "Thursday", "The cello is ready on Thursday."),
        ("cheese", "vegan", "no", "The cheese is not vegan."),
        ("dog", "bites", "yes", "The dog bites."),
        ("snack", "contains nuts", "no", "The snack does not contain nuts."),
        ("pitch", "power", "yes", "Power, pitch: yes."),
        ("recipe", "one", "200 g flour", "One, recipe: 200 g flour."),
        ("key box", "code", "comes by text message", "Code, key box: comes by text message."),
        ("window", "state", "does not open", "The window does not open."),
        ("gate", "status", "delayed by 50 minutes", "The gate is delayed by 50 minutes."),
        ("rack", "state", "towels still damp", "The state of the rack is towels still damp."),
        ("Mirela", "shift ends", "15:00", "The shift of Mirela ends at 15:00."),
        ("desk", "last entry", "18:00", "The last entry of the desk is at 18:00."),
        ("Owls", "won", Amount(6), "Won, Owls: 6."),
        ("call button", "height", Amount(1.1, "m"), "The height of the call button is 1.1 m."),
        ("cable car", "altitude", Amount(1960, "m"), "The altitude of the cable car is 1960 m."),
        ("chair", "taken", None, "I do not know whether the chair is taken."),
        ("dog", "bites", None, "I do not know whether the dog bites."),
        ("tram", "goes to", None, "I do not know where the tram goes to."),
        ("hall", "built", None, "I do not know when the hall was built."),
        ("mug", "made of", None, "I do not know what the mug is made of."),
        ("film", "seats left", None, "I do not know how many seats the film has left."),
        ("desk", "free from", None, "I do not know from when the desk is free."),
        ("note", "tomorrow", None, "I do not know “tomorrow” of the note."),
        ("door", "saturday closes", "12:30", "On Saturday the door closes at 12:30."),
        ("toilets", "price", "free", "The toilets are free of charge."),
        ("bananas", "price", Amount(1.79, "EUR"), "The bananas cost €1.79."),
        ("yoghurt", "was", Amount(1.59, "EUR"), "The old price of the yoghurt is €1.59."),
        ("red boots", "departs", None, "I do not know when the red boots depart."),
    ],
)
def test_english_sentences_suit_the_key(label, key, value, said):
    assert told("en", label, key, value) == said


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("下班", "17:30", "老李17:30下班。"),
        ("闭馆", "周一", "老李周一闭馆。"),
        ("浇水", "每周一次", "老李，浇水：每周一次。"),
        ("建成", "1564年", "老李建成于1564年。"),
        ("营业到", "21:00", "老李营业到21:00。"),
        ("停车", "无", "老李，停车：无。"),
        ("免费", "是", "老李，免费：是。"),
        ("今天", "鱼", "老李，今天：鱼。"),
        ("含", "坚果", "老李含坚果。"),
        ("下班", None, "我不知道老李什么时候下班。"),
        ("会咬人", None, "我不知道老李会不会咬人。"),
        ("剩余", None, "我不知道老李还剩多少。"),
        ("属于", None, "我不知道老李属于谁。"),
        ("今天", None, "我不知道老李今天的情况。"),
    ],
)
def test_chinese_sentences_suit_the_key(key, value, said):
    assert told("zh", "老李", key, value) == said


ALIKE = scene_of(
    [
        know("chair", -1.5, colour="red", price=(54.0, "EUR"), state="broken"),
        know("chair", 1.5, colour="blue", price=(70.0, "EUR")),
        know("mug", -1.0, 0, 2, (0.1, 0.1, 0.1)),
        know("mug", 1.0, 0, 2, (0.1, 0.1, 0.1)),
        know("bin", -0.4, 0, 6, state="full"),
        know("bin", 0.0, 0, 6),
        know("bin", 0.4, 0, 6, state="broken"),
        know("lamp", 0, 0, 9),
        know("lamp", 0, 0, 12, state="lit"),
        know("Prize", level=(3.0, ""), games=(12.0, "")),
        know("hat", 1.5, -0.2, 3, (0.1, 0.1, 0.1)),
    ]
)


@pytest.mark.parametrize(
    ("plan", "english", "chinese"),
    [
        ("name chair", "They are the red chair and the blue chair. The red chair is broken.", None),
        ("count mug", "There are two: the mug on your left and the mug on your right.",
         "有两个：你左边的mug和你右边的mug。"),
        ("name mug & max left", "It is the mug on your left.", "是你左边的mug。"),
        ("name bin & look full", "It is the bin furthest to the left.", "是最左边的bin。"),
        ("check lamp & max distance | lit", "Yes, the lamp is lit.", None),
        ("name bin & max right", "It is the bin furthest to the right. It is broken.", None),
        ("name bin & not look full & not look broken", "It is the bin second from the left.", "是从左边数第2个bin。"),
        ("name lamp & look lit", "It is the lamp 12 m away.", "是12米远的lamp。"),
        ("fact price | each chair", "The red chair costs €54. The blue chair costs €70.", None),
        ("where each mug", "The mug is on your left, 2.2 m away. The mug is on your right, 2.2 m away.", None),
        ("where hat", "The hat is on the blue chair, on your right, 3.4 m away.",
         "hat在颜色是blue的chair上面，在你右边，3.4米远。"),
        ("name Prize & max level", "It is Prize (level 3).", "是Prize（等级3）。"),
        ("name Prize & max games", "It is Prize (12 games).", None),
        ("diff chair | 1", "The difference is 1: two against 1.", "相差1：两个和1。"),
        ("exist chair & price > 100 EUR", "No, there is none.", "没有。"),
        ("exist unicorn", "No, I know of none here.", "没有，我在这里没看到。"),
    ],
)  # fmt: skip
def test_things_of_one_label_are_told_apart(plan, english, chinese):
    (reply,) = execute(parse(plan), ALIKE)
    for language, wanted in (("en", english), ("zh", chinese)):
        said = "".join(SPEAKERS[language].reply(reply, Spelt(ALIKE.called, ALIKE)))
        assert wanted is None or said == wanted
