"""Numbers and units as people write them."""

from __future__ import annotations

import random

import pytest
from scenewright_server.scene.amounts import Amount, read_amounts, symbol
from scenewright_server.scene.entries import Fact, GraphObject
from scenewright_server.scene.facts import amount, tell, year_of


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("EUR 54, was 72", [(54, "EUR", None, False), (72, "", None, True)]),
        ("was £72, now £54", [(72, "£", None, True), (54, "£", None, False)]),
        ("1511-1563", [(1511, "", 1563, False)]),
        ("每位85元", [(85, "元", None, False)]),
        ("三百五十元", [(350, "元", None, False)]),
        ("120万元", [(1200000, "元", None, False)]),
        ("人均85元，原价100元", [(85, "元", None, False), (100, "元", None, True)]),
        ("1,299.00 USD", [(1299, "USD", None, False)]),
        ("1.299,00 €", [(1299, "€", None, False)]),
        ("1 299 €", [(1299, "€", None, False)]),
        ("12'500 CHF", [(12500, "CHF", None, False)]),
        ("€5.50", [(5.5, "€", None, False)]),
        ("5,50 €", [(5.5, "€", None, False)]),
        ("HK$50", [(50, "HK$", None, False)]),
        ("weighs 2.5kg", [(2.5, "kg", None, False)]),
        ("20-30 min", [(20, "min", 30, False)]),
        ("-3 °C", [(-3, "°C", None, False)]),
        ("size 42, 3 in stock", [(42, "", None, False), (3, "", None, False)]),
        ("model A4 X200", []),
        ("no number", []),
        ("十八块五，贵", [(18.5, "块", None, False)]),
        ("一块五一枚", [(1.5, "块", None, False)]),
        ("二十块一斤", [(20, "块", None, False), (1, "斤", None, False)]),
        ("三块一起拿", [(3, "块", None, False)]),
        ("整串八十，第十，几百", [(80, "", None, False)]),
        ("一天8元", [(8, "元", None, False)]),
        ("Twenty cents for three minutes", [(20, "cents", None, False), (3, "minutes", None, False)]),
        ("two hundred metres, thirty-eight steps", [(200, "metres", None, False)]),
        ("two or three days, one to two weeks, one day, a two-day ticket, two seconds", [(2, "seconds", None, False)]),
        ("能烧四十小时", [(40, "小时", None, False)]),
    ],
)
def test_amounts_of_texts(text, found):
    its = [(f.amount.value, f.amount.unit, f.amount.high, f.is_past) for f in read_amounts(text)]
    assert its == found


def test_prices_written_in_any_way_are_the_same():
    draw = random.Random(0)
    for _ in range(60):
        cents = draw.randint(1, 9_999_999)
        whole, rest = divmod(cents, 100)
        forms = {
            "en": f"{whole:,}.{rest:02d}", "de": f"{whole:,}".replace(",", ".") + f",{rest:02d}",
            "plain": f"{whole}.{rest:02d}", "ch": f"{whole:,}".replace(",", "'") + f".{rest:02d}",
        }  # fmt: skip
        for form in forms.values():
            for text in (f"€{form}", f"{form} €", f"EUR {form}", f"costs {form} euros", f"售价{form}欧元"):
                (found,) = read_amounts(text)
                assert found.amount.in_base() == (pytest.approx(cents / 100), "EUR"), text


@pytest.mark.parametrize(
    ("one", "unit", "value"),
    [
        (Amount(500, "g"), "kg", 0.5), (Amount(1.5, "公里"), "m", 1500), (Amount(3, "斤"), "kg", 1.5),
        (Amount(54, "EUR"), "€", 54), (Amount(54, "EUR"), "USD", None), (Amount(54, "EUR"), "kg", None),
        (Amount(54), "EUR", 54), (Amount(3, "pieces"), "pieces", 3), (Amount(3, "pieces"), "kg", None),
    ],
)  # fmt: skip
def test_units_convert_where_they_measure_the_same(one, unit, value):
    assert one.in_unit(unit) == (None if value is None else pytest.approx(value))


def test_symbols():
    assert [symbol(unit) for unit in ("kilograms", "€", "grams", "days", "pieces")] == [
        "kg",
        "EUR",
        "g",
        "days",
        "pieces",
    ]


CHAIR = "Made in Sweden by Thonet, 1889. Solid oak; 2.5kg. EUR 120, was 150. Contains no nuts."


@pytest.mark.parametrize(
    ("description", "key", "told", "number"),
    [
        (CHAIR, "price", "EUR 120", Amount(120, "EUR")),
        (CHAIR, "maker", "Made in Sweden by Thonet", None),
        (CHAIR, "year", "1889", Amount(1889)),
        (CHAIR, "weight", "2.5kg", Amount(2.5, "kg")),
        (CHAIR, "material", "Solid oak", None),
        (CHAIR, "origin", "Made in Sweden by Thonet", None),
        (CHAIR, "owner", None, None),
        (CHAIR, "warranty", None, None),
        ("was £72, now £54", "cost", "now £54", Amount(54, "£")),
        ("每位85元。营业时间：9:00-21:00", "价格", "每位85元", Amount(85, "元")),
        ("每位85元。营业时间：9:00-21:00", "hours", "9:00-21:00", Amount(9)),
        ("高级酒店", "height", None, None),
        ("高12米", "height", "12米", Amount(12, "米")),
        ("stands by the window", "maker", None, None),
        ("price on request", "price", "on request", None),
        ("363 cm × 437 cm", "height", None, None),
        ("电话010-65112418", "电话", "010-65112418", None),
        ("lent by the Louvre until 2027", "lent", "lent by the Louvre until 2027", None),
        ("Paper and thread included", "paper", "Paper and thread included", None),
        ("Wi-Fi password: swordfish", "wi-fi password", "swordfish", None),
        ("Squawks the gang's password: kelp", "password", "Squawks the gang's password: kelp", None),
    ],
)
def test_what_descriptions_tell(description, key, told, number):
    item = GraphObject("a", "chair", (0, 0, 1), (1, 1, 1), description=description)
    known = tell(item, key)
    assert (None if known is None else known.value) == told
    if key not in ("hours", "电话", "lent"):
        assert amount(item, key) == number


def test_the_year_of_whatever_was_done_is_a_year():
    item = GraphObject("a", "bridge", (0, 0, 1), (1, 1, 1), facts=(Fact("opened", 1886.0), Fact("lanes", 4.0)))
    assert amount(item, "year") == Amount(1886) and year_of(item) == 1886


def test_facts_come_before_descriptions():
    facts = (Fact("售价", 54.0, "EUR"), Fact("Maker", "Otto"), Fact("weight", "2 kg"))
    item = GraphObject("a", "chair", (0, 0, 1), (1, 1, 1), description=CHAIR, facts=facts)
    assert tell(item, "price").value == amount(item, "price") == Amount(54, "EUR")
    assert (tell(item, "maker").value, tell(item, "designer").value) == ("Otto", "Otto")
    assert amount(item, "mass") == Amount(2, "kg")


def test_numbers_read_from_any_text_are_finite():
    draw = random.Random(1)
    pieces = "EUR € 12 1,2 .5 元 三 万 - – to 至 was kg °C % 99999 1e9 ' \u00a0 x A4 : / ¥".split(" ")
    for _ in range(2000):
        for found in read_amounts("".join(draw.choice(pieces) for _ in range(draw.randint(0, 12)))):
            assert abs(found.amount.value) < 1e300 and found.start < found.end
    read_amounts("9" * 5000)
    read_amounts("1 " * 5000)
