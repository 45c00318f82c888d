"""Replies as whole sentences: what was computed, as people say it, and nothing else."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from scenewright_server.languages import SPEAKERS
from scenewright_server.languages.en_speaking import EnglishSpeaker
from scenewright_server.languages.speaking import Spelt, digits, length_in
from scenewright_server.languages.zh_speaking import ChineseSpeaker
from scenewright_server.scene import replies as r
from scenewright_server.scene.amounts import Amount
from scenewright_server.scene.entries import Fact, GraphObject
from scenewright_server.scene.executing import execute
from scenewright_server.scene.parsing import parse

from tests.scene.random_plans import KEYS, RandomPlans
from tests.scene.random_scenes import NOUNS, random_objects, scene_of


@pytest.mark.parametrize(
    ("metres", "said"),
    [
        (0.004, "4 mm"), (0.013, "1 cm"), (0.4, "40 cm"), (0.994, "99 cm"), (0.996, "1 m"), (3.46, "3.5 m"),
        (9.96, "10 m"), (11.3, "11 m"), (23.7, "24 m"), (52.0, "52 m"), (72.4, "72 m"), (994.0, "994 m"),
        (1180.0, "1.2 km"), (25400.0, "25 km"), (0.0, "0 mm"),
    ],
)  # fmt: skip
def test_lengths(metres, said):
    assert " ".join(length_in(metres)) == said


@pytest.mark.parametrize(
    ("amount", "english", "chinese"),
    [
        (Amount(54, "EUR"), "€54", "54欧元"),
        (Amount(24.5, "EUR"), "€24.50", "24.50欧元"),
        (Amount(1299, "$"), "$1,299", "1299美元"),
        (Amount(1299.5, "USD"), "$1,299.50", "1299.50美元"),
        (Amount(-3, "GBP"), "-£3", "-3英镑"),
        (Amount(85, "元"), "¥85", "85元"),
        (Amount(12, "CHF"), "12 CHF", "12瑞士法郎"),
        (Amount(30, "gold"), "30 gold", "30金币"),
        (Amount(2.5, "kilograms"), "2.5 kg", "2.5公斤"),
        (Amount(2.2, "kw"), "2.2 kW", "2.2千瓦"),
        (Amount(80, "%"), "80%", "80%"),
        (Amount(20, "min", 30), "20 to 30 min", "20到30分钟"),
        (Amount(1503, "", 1519), "1503 to 1519", "1503到1519"),
        (Amount(1889), "1889", "1889"),
        (Amount(0.1 + 0.2, "kg"), "0.3 kg", "0.3公斤"),
        (Amount(5.17, "m"), "5.17 m", "5.17米"),
        (Amount(3, "pieces"), "3 pieces", "3pieces"),
    ],
)
def test_amounts(amount, english, chinese):
    assert EnglishSpeaker().amount(amount) == english
    assert ChineseSpeaker().amount(amount) == chinese


def know(label, x=0.0, y=-0.5, z=3.0, size=(0.5, 0.5, 0.5), description="", **facts):
    its = tuple(Fact(key, *value) if isinstance(value, tuple) else Fact(key, value) for key, value in facts.items())
    return GraphObject(label + str((x, y, z)), label, (x, y, z), size, None, "", (0, 0.01, 0, 1), (), description, its)


def said(plan, item):
    scene = scene_of([item])
    (reply,) = execute(parse(plan), scene)
    return tuple("".join(SPEAKERS[code].reply(reply, Spelt(scene.called))) for code in ("en", "zh"))


def test_a_verdict_tells_what_decides_it_in_its_own_words():
    leo = know("Leo", state="asleep")
    assert said("check Leo | look asleep", leo) == ("Yes, Leo is asleep.", "是的，Leo的状态是asleep。")
    spray = know("spray", description="Not for glass doors")
    assert said("check spray | not look glass doors", spray)[0] == "It says of the spray: “Not for glass doors”."
    assert said("check spray | look glass doors", spray)[0] == "No, it says of the spray: “Not for glass doors”."
    desk = know("desk", drawer="locked")
    assert said("check desk | look locked", desk)[0] == "Yes, the drawer of the desk is locked."


COACH = know(
    "Coach 140", to="Valencia", died="of fever", pregnant="yes", left=(6.0, "tablets"), remaining=(2.0, ""),
    打开="用铜钥匙打开", opens="the gate", 开往="瓦伦西亚", speed=(80.0, "km/h"), founded="1886", parking="free",
)  # fmt: skip


@pytest.mark.parametrize(
    ("key", "english", "chinese"),
    [
        ("to", "To, Coach 140: Valencia.", "Coach 140，to：Valencia。"),
        ("died", "Died, Coach 140: of fever.", "Coach 140，died：of fever。"),
        ("pregnant", "The Coach 140 is pregnant.", "Coach 140，pregnant：yes。"),
        ("left", "The Coach 140 has 6 tablets left.", "Coach 140还剩6tablets。"),
        ("remaining", "The Coach 140 has 2 left.", "Coach 140还剩2。"),
        ("打开", "The 打开 of the Coach 140 is 用铜钥匙打开.", "Coach 140，打开：用铜钥匙打开。"),
        ("opens", "The Coach 140 opens the gate.", "Coach 140能打开the gate。"),
        ("开往", "The 开往 of the Coach 140 is 瓦伦西亚.", "Coach 140开往瓦伦西亚。"),
        ("speed", "The speed of the Coach 140 is 80 km/h.", "Coach 140的速度是80km/h。"),
        ("founded", "The Coach 140 was founded in 1886.", "Coach 140的年份是1886。"),
        ("parking", "The parking of the Coach 140 is free.", "Coach 140的parking是free。"),
        ("leads to", "I do not know where the Coach 140 leads to.", "我不知道Coach 140的leads to。"),
    ],
)
def test_keys_that_are_no_nouns_are_said_plainly(key, english, chinese):
    assert said(f'fact "{key}" | Coach 140', COACH) == (english, chinese)


@pytest.mark.parametrize(
    ("key", "value", "english", "chinese"),
    [
        ("rate", (80.0, "ml/h"), "The rate of the box is 80 ml/h.", "box的rate是80毫升/小时。"),
        ("rate", "80 beats/min", "The rate of the box is 80 beats/min.", "box的rate是80 beats/min。"),
        ("rate", (80.0, "EUR/h"), "The box costs €80 per h.", "box的价格是80欧元/小时。"),
        ("cost", (5.0, "gems"), "The box costs 5 gems.", "box的价格是5gems。"),
        ("date", "14 June", "The date of the box is 14 June.", "box的日期是14 June。"),
        ("date", "1886", "The date of the box is 1886.", "box的年份是1886。"),
        ("brand", "Nordo", "The brand of the box is Nordo.", "box的品牌是Nordo。"),
        ("作者", "鲁迅", "The author of the box is 鲁迅.", "box的作者是鲁迅。"),
        ("opens", "July", "The box opens in July.", "box的开放时间是July。"),
        ("from", "Easter", "The box is from Easter.", "box，from：Easter。"),
        ("from", (6.0, "years"), "The box is from 6 years.", "box，6岁起。"),
        ("from", (20.0, "EUR"), "The box is from €20.", "box，20欧元起。"),
        ("every", (20.0, "min"), "The box: every 20 min.", "box的every是20分钟。"),
        ("finishes", "11:15", "The box finishes at 11:15.", "box的finishes是11:15。"),
        ("lives", (14.0,), "The lives of the box are 14.", "box的lives是14。"),
        ("lives", "in a barn", "The box lives in a barn.", "box的lives是in a barn。"),
        ("ticket", (29.0,), "The ticket of the box is 29.", "box的门票是29。"),
        ("ticket", (29.0, "EUR"), "The box costs €29.", "box的价格是29欧元。"),
        ("from", "Norway", "The box is from Norway.", "box的产地是Norway。"),
    ],
)
def test_keys_are_called_by_what_they_tell(key, value, english, chinese):
    assert said(f"fact {key} | box", know("box", **{key: value})) == (english, chinese)


def test_a_name_after_a_noun_is_no_plural():
    for label, verb in (("geologist Ines", "is"), ("red boots", "are")):
        assert said("where all", know(label))[0].startswith(f"The {label} {verb} ")


SCENE = scene_of(
    [
        know("Mona Lisa", -3, 0, 6, (0.6, 0.8, 0.05), "painted by Leonardo, 1503-1519"),
        know("chair", -1.5, -0.5, 3, (0.5, 1.0, 0.5), price=(54.0, "EUR"), colour="red", maker="Thonet"),
        know("table", 0, -0.6, 3.1, (1.6, 0.8, 0.8), "EUR 120, was 150"),
        know("mug", 0.3, -0.15, 3, (0.1, 0.1, 0.1), "white. EUR 12"),
        know("chair", 1.5, -0.45, 3.2, (0.5, 1.1, 0.5), price=(70.0, "EUR"), colour="blue"),
        know("闹钟", 0.1, -0.3, -2, (0.1, 0.1, 0.1)),
        know("SM_Lamp_02", 52, 0, 3),
    ]
)


@pytest.mark.parametrize(
    ("plan", "english", "chinese"),
    [
        ("name on table", "It is the mug.", "是mug。"),
        ("name chair", "They are the chair and another chair.", "是chair和另一个chair。"),
        ("count chair", "There are two: the chair and another chair.", "有两个：chair和另一个chair。"),
        ("count unicorn", "There are none.", "一个都没有。"),
        ("exist unicorn", "No, I know of none here.", "没有，我在这里没看到。"),
        ("exist mug", "Yes, there is one: the mug.", "有，有一个：mug。"),
        ("exist all & look vegan", "Not as far as I know.", "据我所知没有。"),
        ("name unicorn", "I do not see any unicorn here.", "我在这里没有看到unicorn。"),
        ("name at 4", "There is nothing like that here.", "这里没有这样的东西。"),
        ("name on me", "I did not understand that.", "我没有听懂。"),
        ("name those", "I am not sure which one you mean.", "我不确定你说的是哪一个。"),
        ("fact price | table", "The table costs €120.", "table的价格是120欧元。"),
        (
            "fact maker | Mona Lisa",
            "It says of Mona Lisa: “painted by Leonardo”.",
            "Mona Lisa的介绍说：“painted by Leonardo”。",
        ),
        (
            "fact weight | mug",
            "I do not know the weight of the mug. It only says: “white. EUR 12”.",
            "我不知道mug的重量。只写着：“white. EUR 12”。",
        ),
        ("where unicorn", "I do not see any unicorn here.", "我在这里没有看到unicorn。"),
        ("where flurbs", "I am not sure what you mean by “flurbs”.", "我不确定“flurbs”指的是什么。"),
        ("fact height | mug", "The mug is 10 cm tall.", "mug的高是10厘米。"),
        ("fact distance | SM_Lamp_02", "SM_Lamp_02 is 52 m away.", "SM_Lamp_02离你52米。"),
        ("fact distance to table | mug", "The mug is 55 cm from the table.", "mug离table有55厘米。"),
        ("where 闹钟", "The 闹钟 is behind you, 2 m away.", "闹钟在你身后，2米远。"),
        (
            "where mug",
            "The mug is on the table, straight ahead of you, 3 m away.",
            "mug在table上面，在你正前方，3米远。",
        ),
        ("where mug | table", "The mug is on the table.", "mug在table上面。"),
        ("way 闹钟", "The 闹钟 is behind you, at six o'clock, 2 m away.", "闹钟在你身后，六点钟方向，2米远。"),
        ("sum price | chair + table", "Together they come to €244.", "一共是244欧元。"),
        ("avg price | chair", "The price is on average €62.", "平均价格是62欧元。"),
        ("diff height | table | mug", "The table is 70 cm taller than the mug.", "table比mug高70厘米。"),
        ("diff price | mug | table", "The mug is €108 cheaper than the table.", "mug比table便宜108欧元。"),
        (
            "diff 200 EUR | (sum price | chair + table)",
            "That is €44 less: €200 against €244.",
            "200欧元比244欧元少44欧元。",
        ),
        ("more chair | table", "Yes, it is two against one.", "是的，两个多于一个。"),
        ("name chair & max price", "It is the chair (€70).", "是chair（70欧元）。"),
        ("check mug | on table", "Yes, the mug is on the table.", "是的，mug在table上面。"),
        ("check mug | left of me", "No, the mug is not on your left.", "不，mug不在你左边。"),
        (
            "check table | look red",
            "I do not know whether the table is red. It only says: “EUR 120, was 150”.",
            "我不知道table是不是red。只写着：“EUR 120, was 150”。",
        ),
        (
            "where chair",
            "Do you mean the red chair or the blue chair?",
            "你说的是颜色是red的chair还是颜色是blue的chair？",
        ),
        (
            "fact price | tabel",
            "I take “tabel” to mean the table. The table costs €120.",
            "我把“tabel”当作table。table的价格是120欧元。",
        ),
        ("beyond", "I can only talk about the things that are here.", "我只能谈论这里的东西。"),
    ],
)  # fmt: skip
def test_sentences(plan, english, chinese):
    (reply,) = execute(parse(plan), SCENE)
    labels = Spelt(SCENE.called)
    assert "".join(SPEAKERS["en"].reply(reply, labels)) == english
    assert "".join(SPEAKERS["zh"].reply(reply, labels)) == chinese


class Marked(Spelt):
    """Labels that are mentioned by a mark."""

    def mention(self, k):
        return f"<{k}>"


@pytest.mark.parametrize("language", SPEAKERS)
def test_nothing_is_said_that_was_not_found(language):
    plans = RandomPlans(8, [*NOUNS, "red chair", "unicorn", "chiar"], KEYS)
    speaker, n_said = SPEAKERS[language], 0
    for seed in range(12):
        scene = scene_of(random_objects(seed, (1, 4, 15, 40)[seed % 4]), pointed=(0,))
        before = None
        for _ in range(60):
            for reply in execute(plans.plan(), replace(scene, before=before)):
                before = reply.turn
                text = "".join(speaker.reply(reply, Marked(scene.called)))
                mentioned = {int(k) for k in re.findall(r"<(\d+)>", text)}
                known = {*reply.things, *(k for _, k in reply.took)}
                known |= {f.to for f in reply.results if isinstance(f, r.Told) and f.to is not None}
                known |= {k for f in reply.results if isinstance(f, r.Ask) and f.by == "under" for k in f.marks}
                known |= {k for f in reply.results if isinstance(f, r.Totalled) for k in f.lacking}
                assert mentioned <= known, text
                assert re.search(r"[.?。？]$", text) and "  " not in text and "None" not in text, text
                assert not (language == "en" and text[0].islower()), text
                n_said += len(mentioned)
    assert n_said > 100


@pytest.mark.parametrize("language", SPEAKERS)
def test_a_number_is_said_as_it_was_computed(language):
    speaker = SPEAKERS[language]
    for cents in range(1, 400_000, 377):
        told = r.Told((0,), "price", Amount(cents / 100, "EUR"))
        text = "".join(speaker.reply(r.Reply((told,), r.Turn(parse("beyond")[0], ())), Spelt(("mug",))))
        (said,) = re.findall(r"[\d.,]*\d", text)
        assert float(said.replace(",", "")) == pytest.approx(cents / 100)
    for n in range(1, 20_000):
        metres = n / 100
        value, unit = length_in(metres)
        assert float(value) * {"mm": 0.001, "cm": 0.01, "m": 1, "km": 1000}[unit] == pytest.approx(
            metres, rel=0.06, abs=0.006
        )


def test_many_are_counted_and_few_are_named():
    scene = scene_of([know("chair", 0.01 * k) for k in range(64)])
    labels = Spelt(scene.called)
    (reply,) = execute(parse("name chair"), scene)
    assert "".join(EnglishSpeaker().reply(reply, labels)).endswith("another chair and 54 more.")
    assert "".join(ChineseSpeaker().reply(reply, labels)).endswith("另一个chair等六十四个。")
    (reply,) = execute(parse("where chair"), scene)
    assert "".join(EnglishSpeaker().reply(reply, labels)) == "There are sixty-four of them. Which one do you mean?"


def test_digits():
    assert [digits(value) for value in (3.0, 2.50, 0.034, 1e-9, 12.345, -0.5)] == [
        "3",
        "2.5",
        "0.034",
        "0",
        "12.35",
        "-0.5",
    ]
