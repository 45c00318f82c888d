"""Plans for what people ask in everyday words, on scenes that are told as app developers tell them."""

from __future__ import annotations

import pytest
from scenewright_server.languages import SPEAKERS
from scenewright_server.languages.speaking import Spelt
from scenewright_server.scene.dates import read_date
from scenewright_server.scene.executing import execute
from scenewright_server.scene.expressions import PlanError
from scenewright_server.scene.kinds import is_noun
from scenewright_server.scene.parsing import parse
from scenewright_server.scene.people import calls_person
from scenewright_server.scene.qualities import quality_of
from scenewright_server.scene.writing import write

from tests.scene.random_scenes import scene_of
from tests.scene.test_comparing import told

HOUSE = scene_of(
    [
        told("stranger", 1, z=3, hostile="no"),
        told("chest", 3, z=3, trapped="yes", contents="two healing potions and a map"),
        told("potion", 1, z=2, heals=(25.0, "HP")),
        told("sofa", -2, "Grey fabric, pulls out into a bed."),
        told("carrot cake", -1, z=2, allergens="wheat, egg, walnut"),
        told("toolbox", 4.0, "Spanners and a socket set.", box=(0.2, 0.2, 0.2)),
        told("drill", 5, "With two batteries and a case.", z=5),
        told("paint tin", 6.0, z=1, colour="white", amount=(4.0, "l")),
        told("paint tin", 6.2, z=1, colour="green", amount=(1.0, "l")),
        told("car", 9, z=2, MOT_due="2027-03-14", length=(4.2, "m")),
        told("film", 0, z=5, length=(12.0, "min")),
        told("rope", 0, z=6, length=(10.0, "m")),
        told("Lena", -4, z=6, role="designer"),
        told("Marek", -5, z=6, role="IT support"),
        told("bed", -9, patient="Margaret Oyelaran"),
        told("sign", 0, z=7, password="bluefin22"),
        told("dog bowl", -6, z=4),
        told("hen house", -7, z=4),
        told("bowl", -3, "Blue glass bowl with three apples and a lemon.", z=2),
        told("television", -8, z=6, state="off", subtitles="on"),
        told("washer", 5, z=6, duration=(50.0, "min"), taken="no", state="being cleaned"),
    ]
)
YARD = scene_of(
    [
        told("cargo bike", 0, price_per_hour=(2.0, "EUR"), rated=(4.0,)),
        told("scooter", 1, price_per_hour=(3.0, "EUR"), rated=(5.0,)),
        told("charger", 2, price=(0.4, "EUR")),
        told("cabin", 3, rated_from="18:00"),
        told("drill", 4, state="broken", repaired_by="Friday"),
        told("bench", 5, "Mends broken tools.", state="idle"),
        told("stop 1: Old Gate", 6, photos="yes"),
        told("stop 2: Well", 7, photos="no", price=(0.0, "EUR")),
        told("will", 8, dated="1851-10-31", painter="J. Corr"),
        told("portrait", 9, painter="J. Corr", died=(1852.0,)),
    ]
)
RACES = scene_of(
    [told(f"Race {year}", 0, z=3 + n, year=(year,), winner=winner, crews=(crews,), kind="regatta")
     for n, (year, winner, crews) in enumerate([(2000, "Otters", 12), (2002, "Scouts", 15), (2003, "Otters", 9),
                                                (2004, "Scouts", 22), (2005, "Otters", 30)])]
)  # fmt: skip
CITY = scene_of(
    [
        told("山水图", 0, 可拍照="否"),
        told("青铜鼎", 1, 可拍照="是"),
        told("研讨间一", 2, 可坐=(4.0, "人")),
        told("研讨间二", 3, 可坐=(6.0, "人")),
        told("内科", 4, 医生="王秀兰"),
        told("望江塔", 5, 周边餐馆="湖畔小厨"),
        told("湖畔小厨", 6, 类型="餐馆"),
        told("柳浪宾馆", 7, 周边景点="望江塔"),
        told("书", 8, 应还="5月12日"),
        told("砂糖橘", 9),
        told("收音机", 10, volume=(12.0,)),
        told("博物馆", 11, 开放时间="9:00-17:00"),
        told("三号窗口", 12, 状态="暂停"),
    ]
)


def said(scene, plan, language="en"):
    replies = execute(parse(plan), scene)
    return " ".join("".join(SPEAKERS[language].reply(its, Spelt(scene.called, scene))) for its in replies)


IN_THE_HOUSE = [
    ("name hostile = yes", "There is nothing like that here."),
    ("name has heals", "It is the potion."),
    ("fact colour | sofa", "The colour of the sofa is grey."),
    ("check carrot cake | allergens = nuts", "Yes, the allergens of the carrot cake are wheat, egg, walnut."),
    ("name allergens = dairy", "There is nothing like that here."),
    ("exist spanners", "It is the toolbox. It says: “Spanners and a socket set”."),
    ("where map", "It is the chest. It says: “two healing potions and a map”."),
    ("exist unicorn", "No, I know of none here."),
    ("fact battery | drill", "It says of the drill: “With two batteries and a case”."),
    ("name paint tin & max amount", "It is the white paint tin (4 l)."),
    ("count paint tin & colour = green", "There is one: the green paint tin."),
    ("exist paint tin & look blue", "No, there is none."),
    ("check car | MOT due < 1 April", "Yes, the MOT due of the car is 2027-03-14."),
    ("check car | MOT due > 2027-04-01", "No, the MOT due of the car is 2027-03-14."),
    ("name max length", "It is the rope (10 m)."),
    ("count person", "There are three: Marek, Lena and the stranger."),
    ("name Margaret", "I take “Margaret” to mean the bed. It is the bed."),
    ("fact patient | Ms Oyelaran",
     "I take “Ms Oyelaran” to mean the bed. The patient of the bed is Margaret Oyelaran."),
    ("fact password | all", "The password of the sign is bluefin22."),
    ("sum 14:50 + (fact duration | washer)", "That is 15:40."),
    ("sum 2 h + 9 pm", "That is 23:00."),
    ("check washer | look taken", "No, the washer is not taken."),
    ("check washer | look working", "No, the washer is being cleaned."),
    ("name left of potion", "They are the carrot cake and the stranger."),
    ("name paint tin & right of car", "They are the white paint tin and the green paint tin."),
    ("check television | state = on", "No, the television is off."),
    ("exist dog", "No, I know of none here."),
    ("exist hen", "I take “hen” to mean the hen house. Yes, there is one: the hen house."),
    ("more (fact apples | bowl & look blue) | (fact lemon | bowl & look blue)",
     "Yes, it is 3 (apples) against 1 (lemon)."),
    ("name next to rope", "They are the film and the sign."),
]  # fmt: skip
IN_THE_YARD = [
    ("name min price per hour", "It is the cargo bike (€2)."),
    ("fact price per hour | scooter", "The price per hour of the scooter is €3."),
    ("name max rated", "It is the scooter (rated 5)."),
    ("name look broken", "It is the drill."),
    ("fact repaired by | drill", "The drill is to be repaired by Friday."),
    ("check bench | look busy", "No, the bench is idle."),
    ("count stop & photos = yes", "There is one: the stop 1: Old Gate."),
    ("fact photos | stop 2", "Photos, stop 2: Well: no."),
    ("fact price | Well", "The stop 2: Well is free of charge."),
    ("more (fact died | portrait) | (fact dated | will)",
     "Yes, it is 1852 for the portrait against 1851 for the will."),
    ("check each portrait + will | same painter as will", "Yes."),
]  # fmt: skip
OF_THE_RACES = [
    ("exist Race 2001", "No, I know of none here."),
    ("fact winner | Race 2020", "I do not see any Race 2020 here."),
    ("name 2004 race", "It is the Race 2004."),
    ("exist winner = Scouts & crews > 30", "No, there is none."),
    ("exist winner = Vikings", "No, there is none."),
    ("name kind = regatta & max crews", "It is the Race 2005 (30 crews)."),
]  # fmt: skip
IN_THE_CITY = [
    ("check 山水图 | look 可拍照", "不是。"),
    ("name look 可拍照", "是青铜鼎。"),
    ("name 研讨间 & 可坐 > 5 人 ; name other", "是研讨间二。 是研讨间一。"),
    ("way 王大夫", "我把“王大夫”当作内科。内科在你右边，两点钟方向，5米远。"),
    ("name 宾馆 & near 望江塔", "是柳浪宾馆。"),
    ("check 柳浪宾馆 | 周边景点 = 望江塔", "是的，柳浪宾馆的周边景点是望江塔。"),
    ("name near 望江塔", "是湖畔小厨。"),
    ("name 饭店", "是湖畔小厨。"),
    ("name 水果", "是砂糖橘。"),
    ("diff (fact 应还 | 书) | 4月20日", "5月12日比4月20日晚22天。"),
    ("check 书 | 应还 > 4月20日", "是的，书的应还是5月12日。"),
    ("fact volume | 收音机", "收音机的音量是12。"),
    ("fact 游玩时长 | 博物馆", "我不知道博物馆的游玩时长。"),
    ("fact 关门 | 博物馆", "博物馆17:00关门。"),
    ("check 三号窗口 | look 开放", "不，三号窗口的状态是暂停。"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("scene", "plan", "answer"),
    [
        (scene, *its)
        for scene, cases in ((HOUSE, IN_THE_HOUSE), (YARD, IN_THE_YARD), (RACES, OF_THE_RACES), (CITY, IN_THE_CITY))
        for its in cases
    ],
)
def test_plans_are_answered_so(scene, plan, answer):
    assert said(scene, plan, "zh" if scene is CITY else "en") == answer


@pytest.mark.parametrize(
    ("label", "description", "colour", "material"),
    [
        ("Storm Boot", "Black winter boot lined with wool.", "black", None),
        ("Mama Kofi's", "Yellow stall with a hand-painted sign.", "yellow", None),
        ("fruit bowl", "Blue glass bowl with three apples and a lemon.", "blue", "glass"),
        ("chair", "Chair painted green.", "green", None),
        ("lamp", "Red metal lamp", "red", "metal"),
        ("glass", "Red wine glass.", None, None),
        ("cup", "Green tea cup, cracked.", None, None),
        ("house", "Red door, green roof.", None, None),
        ("Ann", "Red hair, green coat.", None, None),
    ],
)
def test_colours_and_materials_before_the_noun_of_a_description(label, description, colour, material):
    assert quality_of("colour", (label,), description) == colour
    assert quality_of("material", (label,), description) == material


@pytest.mark.parametrize(
    "plan", ["sum 14:50 + (fact a | b)", "name a > 4月20日", "name a < 2027年4月1日", "sum 2 h + 3 h"]
)
def test_days_and_numbers_are_written_as_they_are_read(plan):
    assert write(parse(plan)) == plan


def test_days_are_read_in_any_form():
    day = read_date("1 April 2027")
    assert day == read_date("2027-04-01") and parse("name a < 2027-04-01") == parse("name a < 2027年4月1日")
    with pytest.raises(PlanError):
        parse("sum 14:50 + chair")


@pytest.mark.parametrize(
    ("words", "key", "value", "is_called"),
    [
        ("Margaret", "patient", "Margaret Oyelaran", True),
        ("dr oyelaran", "doctor", "Dr Margaret Oyelaran", True),
        ("garden", "name", "Rose Garden", False),
        ("王医生", "医生", "王秀兰", True),
        ("王大夫", "主治医生", "王秀兰", True),
        ("王护士", "医生", "王秀兰", False),
        ("李医生", "医生", "王秀兰", False),
        ("王先生", "房主", "王秀兰", True),
    ],
)
def test_people_are_called_by_parts_of_their_names(words, key, value, is_called):
    assert calls_person(words, key, value) is is_called
    assert not is_noun("oyelaran")
