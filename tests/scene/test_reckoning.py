"""Times of day, rates, ranges and counts, as questions reckon with them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from scenewright_server.languages import SPEAKERS
from scenewright_server.languages.speaking import Spelt
from scenewright_server.scene.amounts import CLOCK, Amount, read_amounts, read_time, time_text
from scenewright_server.scene.entries import Fact, GraphObject
from scenewright_server.scene.executing import carry_out
from scenewright_server.scene.hours import is_at
from scenewright_server.scene.measures import MixedUnits, gap, holds, quotient, total
from scenewright_server.scene.replies import Unknown

from tests.scene.random_scenes import scene_of


def know(label, k, description="", **facts):
    its = tuple(
        Fact(key.replace("_", " "), *(value if isinstance(value, tuple) else (value,))) for key, value in facts.items()
    )
    return GraphObject(label, label, (k - 6.0, -0.5, 9), (0.5, 0.5, 0.5), None, description=description, facts=its)


THINGS = [
    know("early train", 0, departs="16:35", hours="9:00-21:00"),
    know("late train", 1, departs="16:50", hours="10:00-17:00", closes="17:00"),
    know("apples", 2, price=(12.0, "元/斤"), weight=(1.0, "kg")),
    know("Riesling", 3, price=(10.0, "EUR"), volume=(750.0, "ml"), large=(20.0, "EUR")),
    know("Barolo", 4, price=(30.0, "EUR"), weight=(2.0, "kg"), max_load=(25.0, "kg")),
    know("lift", 5, floors="1到20层", left=(3.0,)),
    know("bike", 6, "For children up to 30 kg."),
    know("violin", 7, size="4/4"),
    know("viola", 8, size="3/4"),
    know("pump", 9, tank=(500.0, "ml"), flow=(20.0, "ml/h")),
    know("rusty key", 10, opens="the cellar"),
    know("night train", 12, departs="21:50", arrives="3:35", stops_from="1:10", stops_until="1:05"),
    know("camp", 10.4, lights_out="22:30", wake_up="06:15", supper="18:30"),
    know("departure board", 11, Lisbon="delayed", free_in=(10.0, "min")),
]
SCENE = scene_of(THINGS)
EXAMS = scene_of(
    [
        know("road exam", 0, date=(19.0, "March"), starts="23:40", length=(45.0, "min"), results=(2.0, "weeks")),
        know("theory exam", 1, date=(4.0, "March"), starts="0:20", wait=(2.0, "months"), number=(12.0,)),
    ]
)
"""Whose days and times are told."""
RUNS = scene_of(
    [
        know("waltz", 0, length="5:10"),
        know("tango", 1, length="3:55"),
        know("film", 2, duration="1:45"),
        know("chest", 6, gold=(250.0, "coins"), keys=(6.0,), area=(2.0, "m²")),
        know("pirate", 7),
        know("pirate", 8),
        know("Rovers", 9, wins=(3.0,), draws=(2.0,)),
        know("vote", 10, Ana=(40.0, "%"), Lou=(50.0, "%")),
        know("choir", 11, fee=(20.0, "EUR")),
        know("band", 12, fee=(30.0, "EUR"), wins=(5.0,), founded="1998"),
        know("drum", 13, price=(90.0, "EUR")),
        know("opera", 3, duration="2:15"),
        know("Ann", 4, time="2:09:15"),
        know("Bob", 5, time="2:09:14"),
    ]
)


def said(*plans, language="en"):
    """What the last of these questions is answered, each knowing the one before."""
    scene = SCENE
    for plan in plans:
        (reply,) = carry_out(plan, scene)
        scene = replace(scene, before=reply.turn)
    return "".join(SPEAKERS[language].reply(reply, Spelt(SCENE.called)))


@pytest.mark.parametrize(
    ("text", "hours", "high"),
    [("21:35", 21 + 35 / 60, None), ("9 pm", 21, None), ("12:30 am", 0.5, None), ("营业时间：9:00至21:30", 9, 21.5),
     ("18:00-2:00", 18, 26)],
)  # fmt: skip
def test_times_of_day(text, hours, high):
    (found,) = read_amounts(text)
    assert found.amount == Amount(hours, CLOCK, high)
    assert read_time("1:100") is None and not [its for its in read_amounts("1:100") if its.amount.unit]


def test_every_minute_is_told_as_it_is_read():
    for minute in range(24 * 60):
        assert read_time(time_text(minute / 60)) == pytest.approx(minute / 60)
        assert gap(Amount(minute / 60, CLOCK), Amount(8, CLOCK)) == Amount(minute - 480, "min")


@pytest.mark.parametrize(
    ("a", "b", "each"),
    [
        (Amount(16, "EUR"), Amount(5, "kg"), Amount(3.2, "EUR/kg")),
        (Amount(16, "EUR"), Amount(500, "ml"), Amount(32, "EUR/l")),
        (Amount(500, "ml"), Amount(20, "ml/h"), Amount(25, "h")),
        (Amount(1, "l"), Amount(20, "ml/h"), Amount(50, "h")),
        (Amount(20, "EUR"), Amount(2.5, "EUR/kg"), Amount(8, "kg")),
        (Amount(90, "km"), Amount(60, "km/h"), Amount(1.5, "h")),
        (Amount(20, "EUR"), Amount(2, "USD"), None),
        (Amount(20, "EUR"), Amount(9, CLOCK), None),
        (Amount(3, "pieces"), Amount(2, "kg"), Amount(1.5, "pieces/kg")),
        (Amount(500), Amount(20, "km²"), Amount(25, "/km²")),
        (Amount(12, "EUR"), Amount(60, "washes"), Amount(0.2, "EUR/wash")),
        (Amount(3100, "EUR"), Amount(31, "g"), Amount(100, "EUR/g")),
        (Amount(12, "EUR"), Amount(500, "g"), Amount(24, "EUR/kg")),
    ],
)
def test_quotients_of_what_does_not_measure_the_same(a, b, each):
    if each is None:
        with pytest.raises(MixedUnits):
            quotient(a, b)
    else:
        assert quotient(a, b) == each


@pytest.mark.parametrize("bound", range(8))
def test_of_a_range_it_is_so_if_it_is_of_something_in_it(bound):
    its = range(2, 6)
    for sign in ("<", "<=", ">", ">=", "="):
        naive = any(holds(Amount(value), sign, Amount(bound)) for value in its)
        assert holds(Amount(2, "", 5), sign, Amount(bound)) is naive
    assert holds(Amount(2, "", 5), "!=", Amount(bound)) is (bound not in its)


def test_rates_convert_and_are_held_against_money():
    assert Amount(12, "元/斤").in_unit("元/kg") == pytest.approx(24)
    assert holds(Amount(12, "元/斤"), "<", Amount(20, "元")) and not holds(Amount(12, "元/斤"), "<", Amount(10, "¥"))
    assert Amount(1.5, "kV").in_unit("V") == 1500 and Amount(2.4, "GHz").in_unit("MHz") == pytest.approx(2400)


@pytest.mark.parametrize(
    ("plans", "english"),
    [
        (["name all & min departs"], "It is the early train (16:35)."),
        (["name all & closes > 20:00"], "It is the early train."),
        (["more closes | late train | 17:15"], "No, it is 17:00 for the late train against 17:15."),
        (["diff closes | early train | late train"], "That is 4 h later: 21:00 against 17:00."),
        (["diff departs | early train | late train"], "That is 15 min earlier: 16:35 against 16:50."),
        (["diff (fact departs | night train) | (fact arrives | night train)"],
         "That is 5 h 45 min earlier: 21:50 against 3:35."),
        (["diff (fact arrives | night train) | (fact departs | night train)"],
         "That is 5 h 45 min later: 3:35 against 21:50."),
        (["more (diff (fact arrives | night train) | (fact departs | night train)) | 5 h"],
         "Yes, it is 345 min against 5 h."),
        (["diff (fact stops until | night train) | (fact stops from | night train)"],
         "That is 5 min earlier: 1:05 against 1:10."),
        (["diff (fact arrives | night train) | (fact departs | early train)"],
         "That is 13 h earlier: 3:35 against 16:35."),
        (["diff (fact wake up | camp) | (fact lights out | camp)"], "That is 7 h 45 min later: 6:15 against 22:30."),
        (["diff (fact supper | camp) | (fact wake up | camp)"], "That is 12 h 15 min later: 18:30 against 6:15."),
        (["name all & price < 20 元"], "It is the apples."),
        (["ratio (fact price | Barolo) | (fact weight | Barolo)"], "That is €15 per kg: €30 over 2 kg."),
        (["ratio (fact tank | pump) | (fact flow | pump)"], "That is 25 h: 500 ml over 20 ml/h."),
        (["sum price | 6 of Riesling + Barolo", "sum price | those"], "Together they come to €90."),
        (["sum price | 6 of Riesling + Barolo", "sum price | those", "diff 200 EUR | (sum price | those)"],
         "That is €110 more: €200 against €90."),
        (["sum price | 6 of Riesling + Barolo", "name Riesling + Barolo", "sum price | those"],
         "Together they come to €40."),
        (["sum 6 of price | Barolo", "diff 200 EUR | (sum price | those)"], "That is €20 more: €200 against €180."),
        (["sum 6 of price | Barolo", "sum 2 of price | those"], "Together they come to €60."),
        (["sum 6 of price | Barolo + Riesling", "sum 0.5 of price | those"], "Together they come to €120."),
        (["sum (fact price | Barolo) + 2 of (fact large | Riesling)"], "Together they come to €70."),
        (["sum price | 0.25 of Barolo"], "Together they come to €7.50."),
        (["more (ratio price | Barolo | Riesling) | 2"], "Yes, it is 3 against 2."),
        (["more (diff price | Barolo | Riesling) | 25 EUR"], "No, it is €20 against €25."),
        (["name all & max weight"], "It is Barolo (2 kg)."),
        (["name max load >= 22 kg"], "It is Barolo."),
        (["name left >= 2"], "It is the lift."),
        (["check lift | floors = 18"], "Yes, the floors of the lift are 1到20层."),
        (["check lift | floors = 21"], "No, the floors of the lift are 1到20层."),
        (["name all & size = 4/4"], "It is the violin."),
        (["fact Lisbon | departure board"], "Lisbon, departure board: delayed."),
        (["fact free in | departure board"], "The departure board is free in 10 min."),
    ],
)  # fmt: skip
def test_what_is_reckoned_is_said(plans, english):
    assert said(*plans) == english


def test_what_is_reckoned_is_said_in_chinese():
    assert said("fact opens | rusty key", language="zh") == "rusty key能打开the cellar。"
    assert said("diff closes | early train | late train", language="zh") == "early train比late train晚4小时。"
    assert (
        said("ratio (fact price | Barolo) | (fact weight | Barolo)", language="zh")
        == "是15欧元/公斤：30欧元除以2公斤。"
    )


MARKET = [
    know("松茸", 0, 价格=(420.0, "元/公斤")),
    know("cheese", 1, price=(28.0, "EUR/kg")),
    know("bread", 2, price=(5.0, "EUR")),
    know("pump", 3, flow=(8.0, "l/h"), capacity=(120.0, "l")),
    know("面馆", 4, 人均=(15.0, "元")),
    know("庙", 5, 门票=(20.0, "元")),
    know("车夫", 6, "一车八十元"),
    know("horse", 7, heart_rate=(40.0, "bpm")),
    know("ham", 8, "Smoked. EUR 9."),
    know("museum", 9, hours="6:00-11:00, 14:00-18:00"),
    know("club", 10, hours="18:00—4:00"),
    know("bank", 11, hours="Mon-Fri 9 to 5"),
    know("spa", 11.5, opening_hours="9am - 5:30pm"),
    know("bar", 12, closes="01:00"),
    know("pub", 13, closes="23:00"),
    know("kiosk", 13.5, hours=(24.0, "hours")),
    know("sauna", 13.6, opens="16:00", closes="0:30"),
    know("camera", 14, in_stock=(3.0,)),
    know("film", 15, "Fast film. Two rolls left."),
    know("anchor", 16, 打捞=(1987.0, "年"), built=(1850.0,)),
    know("stele", 17, 打捞=(1966.0, "年"), built=(1900.0,)),
    know("糖葫芦", 18, "整串八十，单买一块五一枚"),
    know("柜子", 19, "大格一天8元，小格一天5元"),
    know("Ann", 20, age=(30.0, "years")),
    know("Bob", 21, age=(24.0, "years")),
    know("door", 22, "Hangs on the left of the gate."),
]
STALLS = scene_of(MARKET)


@pytest.mark.parametrize(
    ("plan", "answer"),
    [
        ("sum 2 of 价格 | 松茸", "一共是840元。"),
        ("sum 价格 | 2 of 松茸", "一共是840元。"),
        ("sum 0.5 of price | cheese", "Together they come to €14."),
        ("sum price | cheese", "Together they come to €28 per kg."),
        ("sum price | 2 of cheese + bread", "Together they come to €61."),
        ("sum 2 of (fact price | cheese) + (fact price | bread)", "Together they come to €61."),
        ("sum 10 of flow | pump", "Together they come to 80 l."),
        ("sum flow | 2 of pump", "Together they come to 16 l/h."),
        ("sum 0.8 of capacity | pump", "Together they come to 96 l."),
        ("name 人均 <= 20 元", "是面馆。"),
        ("name 价格 < 500 元", "是松茸。"),
        ("name 票价 < 100 元 & not 面馆", "是庙、车夫、糖葫芦和柜子。"),
        ("name price < 20 & min price", "It is the bread (€5)."),
        ("name price < 20", "They are the bread and the ham."),
        ("fact price | horse", "I do not know the price of the horse."),
        ("name hours = 15:00", "They are the museum, the bank, the spa and the kiosk."),
        ("check sauna | hours = 17:00", "Yes, the hours of the sauna are 16:00-0:30."),
        ("name max hours", "It is the kiosk (0:00 to 24:00)."),
        ("name club + bank & min hours", "It is the bank (9:00 to 17:00)."),
        ("diff hours | club | bank", "That is 2 h more: 10 h against 8 h."),
        ("check club | hours = 2:00", "Yes, the hours of the club are 18:00—4:00."),
        ("check museum | hours = 12:00", "No, the hours of the museum are 6:00-11:00, 14:00-18:00."),
        ("name closes > 23:00", "They are the club, the bar, the kiosk and the sauna."),
        ("name closes > 1:30", "It is the club."),
        ("more closes | bar | pub", "Yes, it is 1:00 for the bar against 23:00 for the pub."),
        ("equal closes | bar | 1:00", "Yes, it is 1:00 for the bar against 1:00."),
        ("diff closes | bar | pub", "That is 2 h later: 1:00 against 23:00."),
        ("fact opens | pub", "The pub closes at 23:00."),
        ("fact closes | club", "The club closes at 4:00."),
        ("fact opening time | spa", "The opening time of the spa is 9am."),
        ("fact closes | spa", "The spa closes at 5:30pm."),
        ("fact open | spa", "The spa is open 9am - 5:30pm."),
        ("fact closes | museum", "The hours of the museum are 6:00-11:00, 14:00-18:00."),
        ("fact closes | kiosk", "Hours, kiosk: 24 hours."),
        ("name in stock > 0", "It is the camera."),
        ("fact left | film", "It says of the film: “Two rolls left”."),
        ("sum left | film + camera", "Together they come to 5."),
        (
            "sum left | door",
            "I do not know how many are left of the door. It only says: “Hangs on the left of the gate”.",
        ),
        ("more left | film | 1", "Yes, it is 2 for the film against 1."),
        ("diff 打捞 | anchor | stele", "anchor比stele晚21年。"),
        ("diff built | anchor | 1900", "That is 50 years earlier: 1850 against 1900."),
        ("diff 年龄 | Ann | Bob", "Ann比Bob大6岁。"),
        ("sum 3 of 单买 | 糖葫芦", "一共是4.50块。"),
        ("sum 整串 | 糖葫芦", "整串一共是80。"),
        ("sum 3 of 大格 | 柜子", "一共是24元。"),
    ],
)
def test_what_is_reckoned_at_a_market_is_said(plan, answer):
    language = "zh" if any("\u4e00" <= c <= "\u9fff" for c in plan) else "en"
    (reply,) = carry_out(plan, STALLS)
    assert "".join(SPEAKERS[language].reply(reply, Spelt(STALLS.called))) == answer


@pytest.mark.parametrize(
    ("plan", "answer"),
    [
        ("diff time | Ann | Bob", "That is 1 s later: 2:09:15 against 2:09:14."),
        ("name min time", "It is Bob (2:09:14)."),
        ("diff length | waltz | tango", "The waltz is 1:15 longer than the tango."),
        ("diff 长度 | waltz | tango", "waltz比tango长1:15。"),
        ("diff length | waltz | 4:00", "That is 1:10 more: 5:10 against 4:00."),
        ("sum length | waltz + tango", "Together they come to 9:05."),
        ("name length < 4:00", "It is the tango."),
        ("more length | waltz | 5 min", "I can not reckon with the length: the units differ."),
        ("diff duration | film | opera", "That is 0:30 less: 1:45 against 2:15."),
        ("ratio (fact gold | chest) | 2", "That is 125 coins each: 250 coins for 2."),
        ("ratio (fact keys | chest) | 2", "That is 3 each: 6 for 2."),
        ("ratio (fact keys | chest) | pirate", "That is 3 each: 6 for two."),
        ("ratio (fact keys | chest) | (fact area | chest)", "That is 3 per m²: 6 over 2 m²."),
        ("ratio 12 | 4", "It is 3 times: 12 against 4."),
        ("sum wins, draws | Rovers", "Together they come to 5."),
        ("sum (fact wins | Rovers) + (fact draws | Rovers)", "Together they come to 5."),
        ("sum wins | Rovers + band", "Together they come to 8 wins."),
        ("avg Ana, Lou | vote", "On average that is 45%."),
        ("sum fee | choir + band + drum", "Together they come to €140."),
        ("sum fee, founded | band", "I can not reckon with the fee: the units differ."),
        ("sum fee | all & not (look red) & has fee", "Together they come to €50."),
        (
            "sum fee | not pirate & not (waltz + tango + film + Ann + Bob + chest + Rovers + vote + opera)",
            "Together they come to €50. I do not know the fee of the drum.",
        ),
        ("name all & max duration", "It is the opera (2:15)."),
    ],
)
def test_what_units_leave_open_is_said(plan, answer):
    language = "zh" if any("\u4e00" <= c <= "\u9fff" for c in plan) else "en"
    (reply,) = carry_out(plan, RUNS)
    assert "".join(SPEAKERS[language].reply(reply, Spelt(RUNS.called))) == answer


@pytest.mark.parametrize(
    ("plan", "english"),
    [
        ("diff date | road exam | theory exam", "That is 15 days later: 19 March against 4 March."),
        ("name all & min date", "It is the theory exam (4 March)."),
        ("sum (fact starts | road exam) + (fact length | road exam)", "That is 0:25."),
        ("sum starts, length | road exam", "That is 0:25."),
        ("diff (fact starts | theory exam) | 30 min", "That is 23:50: 0:20 less 30 min."),
        ("sum (fact date | road exam) + (fact results | road exam)", "That is 2 April."),
        ("diff (fact date | theory exam) | 3 days", "That is 1 March: 4 March less 3 days."),
        ("sum (fact date | road exam) + (fact wait | theory exam)",
         "I can not reckon with the date: the units differ."),
        ("diff (fact starts | road exam) | (fact number | theory exam)",
         "I can not reckon with the starts: the units differ."),
        ("sum starts | road exam + theory exam", "I can not reckon with the starts: the units differ."),
    ],
)  # fmt: skip
def test_a_time_and_a_duration_come_to_a_time(plan, english):
    (reply,) = carry_out(plan, EXAMS)
    assert "".join(SPEAKERS["en"].reply(reply, Spelt(EXAMS.called))) == english


def test_units_of_rates_come_to_what_is_above_the_line():
    rates = [Amount(12, "元/斤"), Amount(30, "元/kg")]
    assert total(rates, [(2, 1), (1, 3)]) == Amount(114, "元")
    assert total([Amount(8, "l/h")], [(1, 3)]) == Amount(24, "l/h")
    assert total([Amount(60, "km/h")], [(2.5, 1)]) == Amount(150, "km")


def test_hours_beyond_midnight_are_those_of_the_clock():
    for opens in range(24):
        for lasts in range(1, 24):
            text = f"{opens}:00-{(opens + lasts) % 24}:00"
            naive = {(opens + n) % 24 for n in range(lasts + 1)}
            assert {hour for hour in range(24) if is_at(hour, text)} == naive


def test_numbers_in_words_where_a_fact_is_asked_by_what_they_count():
    fridge = know("fridge", 0, "Milk and six eggs.")
    things = [fridge, know("recipe", 1, "One: 200 g flour. Two: 2 eggs."), know("bridge", 2, "Thirty-eight steps up.")]
    things += [know("sign", 3, "Adults 14, under 16 nine, harness 4 euros to hire."), know("stool", 4, legs="three")]
    scene = scene_of([*things, know("lead", 5, "Two kilos each piece."), know("bench", 6, "For two or three people.")])
    results = {
        "diff (fact eggs | fridge) | (fact eggs | recipe)": Amount(4),
        "sum 2 of steps | bridge": Amount(76),
        "sum adults, 2 of under 16 | sign": Amount(32),
        "sum adults, 2 of under 16, 3 of harness | sign": Amount(44, "euros"),
        "sum 4 of weight | lead": Amount(8, "kilos"),
        "sum 2 of legs | stool": Amount(6),
    }
    for plan, amount in results.items():
        (result,) = carry_out(plan, scene)[0].results
        assert (result.amount.value, result.amount.unit in (amount.unit, "steps")) == (amount.value, True), plan
    assert isinstance(carry_out("sum 2 of people | bench", scene)[0].results[0], Unknown)


def test_units_in_any_number_and_keys_that_are_units():
    boxes = [know("A", 0, night=(1.0, "tablet"), noon=(2.0, "tablets")), know("B", 1, night=(3.0, "tablets"))]
    scene = scene_of([*boxes, know("film", 2, starts="14:00", minutes=(118.0,), seats=(4.0,))])
    assert carry_out("sum night | A + B", scene)[0].results[0].amount == Amount(4, "tablets")
    assert carry_out("name max night", scene)[0].results[0].things == (1,)
    ends = carry_out("sum (fact starts | film) + (fact minutes | film)", scene)[0].results[0].amount
    assert ends.unit == CLOCK and time_text(ends.value) == "15:58"
    assert carry_out("fact minutes | film", scene)[0].results[0].value == Amount(118)
    assert carry_out("sum 2 of seats | film", scene)[0].results[0].amount == Amount(8)


def test_cents_are_of_the_currency_of_the_scene():
    fee = know("notice", 0, "Late: 20 cents a day each.")
    euros, both = know("card", 1, price=(12.0, "EUR")), know("cap", 2, price=(12.0, "USD"))
    for others, amount in (
        ([], Amount(100, "cents")),
        ([euros], Amount(1, "EUR")),
        ([euros, both], Amount(100, "cents")),
    ):
        assert carry_out("sum 5 of late | notice", scene_of([fee, *others]))[0].results[0].amount == amount
    shower = scene_of([know("shower", 0, price=(0.2, "EUR"))])
    assert carry_out("ratio 40 cents | (fact price | shower)", shower)[0].results[0].times == 2


def test_a_sum_of_names_is_of_what_each_names_best():
    oat = replace(know("oat drink", 2, price=(2.0, "EUR")), aliases=("oat milk",))
    shop = scene_of([know("butter", 0, price=(3.0, "EUR")), know("milk", 1, price=(1.5, "EUR")), oat])
    assert carry_out("sum price | butter + milk", shop)[0].results[0].amount == Amount(4.5, "EUR")
    assert carry_out("sum price | butter + 2 of milk", shop)[0].results[0].amount == Amount(6.0, "EUR")
