"""Lists: rows in the app's order, values of a key, what facts name, and words for a value that is told otherwise."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest
from scenewright_server.languages import SPEAKERS
from scenewright_server.languages.speaking import Spelt
from scenewright_server.scene.entries import Fact, GraphObject
from scenewright_server.scene.executing import carry_out

from tests.scene.random_scenes import scene_of


def row(place, label, description="", **facts):
    its = tuple(Fact(key.replace("_", " "), *(value if isinstance(value, tuple) else (value,)))
                for key, value in facts.items())  # fmt: skip
    x = (-1) ** place * place / 10  # their places are not in the order of the list
    return GraphObject(label, label, (x, 0, 3), (0.2, 0.2, 0.1), description=description, facts=its)


RACE = scene_of([
    row(1, "Otto Venn", team="Halden", country="Sweden", laps=60, points=9, licence="1998-2004"),
    row(2, "Luc Marchet", team="Brackwell", country="France", laps=60, points=6, licence="2001-2002"),
    row(3, "Pip Thorn", team="Brackwell", country="Britain", laps=60, points=4, licence="1995-2009"),
    row(4, "Renzo Calva", team="Corsa", country="Italy", laps=58, points=3, licence="2000-2010"),
    row(5, "Dag Oster", team="Halden", country="Norway", laps=57, points=2, licence="since 2003"),
    row(6, "Bo Lind", team="Grey", country="Sweden", laps=21, points=0, licence="2002-2003"),
])  # fmt: skip
TOWN = scene_of([
    row(1, "Old Mill", "Boat trips.", kind="sight", ticket=(8.0, "EUR"), nearby_hotels="Otter Inn, Swan"),
    row(2, "Clock Museum", kind="sight", ticket=(5.0, "EUR"), nearby_hotels="Swan"),
    row(3, "Otter Inn", kind="hotel", price=(70.0, "EUR"), phone="550 121", breakfast="yes"),
    row(4, "Swan", kind="hotel", price=(95.0, "EUR"), phone="550 127", breakfast="no"),
    row(5, "Station Hotel", kind="hotel", price=(50.0, "EUR"), phone="550 133", breakfast="yes",
        nearby_sights="Old Mill"),
])  # fmt: skip


def say(text, scene, language="en"):
    """The answers to plans that follow each other."""
    said = []
    for part in text.split(" / "):
        replies = carry_out(part, scene)
        parts = [SPEAKERS[language].reply(reply, Spelt(scene.called, scene)) for reply in replies]
        said.append(" ".join("".join(its) for its in parts))
        scene = replace(scene, before=replies[-1].turn)
    return said[-1]


@pytest.mark.parametrize(
    ("plan", "answer"),
    [
        ("name after Thorn & 1st", "It is Renzo Calva."),
        ("name before Thorn & last", "It is Luc Marchet."),
        ("name Thorn / name after those & 1st", "It is Renzo Calva."),
        ("count after (Marchet + Calva)", "There are two: Dag Oster and Bo Lind."),
        ("name laps = 60 & last", "It is Pip Thorn."),
        ("name team = Halden & 2nd", "It is Dag Oster."),
        ("name 1st", "It is Otto Venn."),
        ("values country | all", "There are five: Sweden, France, Britain, Italy and Norway."),
        ("values team | country = Italy", "There is one: Corsa."),
        ("values max team, points | all", "It is Halden, with 11 points."),
        ("values min team, points | points > 0", "It is Corsa, with 3 points."),
        ("values max team | all", "They are Halden and Brackwell, with two each."),
        ("values max country | all", "It is Sweden, with two of them."),
        ("values captain | all", "I do not know the captain of any of them."),
        ("name min span licence", "They are Luc Marchet (1 year) and Bo Lind (1 year)."),
        ("fact span licence | Thorn", "It is 14 years for Pip Thorn."),
        ("name span licence >= 10 years", "They are Pip Thorn and Renzo Calva."),
        ("fact span licence | Oster", "I do not know the span licence of Dag Oster."),
        ("count country = Swedish", "There are two: Otto Venn and Bo Lind."),
        ("name look Swedes & max laps", "It is Otto Venn (60 laps)."),
        ("name country = 挪威", "It is Dag Oster."),
        ("name country = Brackwell & min laps", "They are Luc Marchet (60 laps) and Pip Thorn (60 laps)."),
        ("count Grey", "There is one: Bo Lind."),
        ("diff (fact laps | max laps) | (fact laps | min laps)", "That is 39 more: 60 against 21."),
        ("name country = Portugal", "There is nothing like that here."),
    ],
)
def test_rows_and_values(plan, answer):
    assert say(plan, RACE) == answer


@pytest.mark.parametrize(
    ("plan", "answer"),
    [
        ("name hotel & near Old Mill", "They are Otter Inn and Swan."),
        ("name sight & near Station Hotel", "It is Old Mill."),
        ("name hotel & near Clock Museum", "It is Swan."),
        ("name hotel & nearby sights = Old Mill", "They are Otter Inn and Swan."),
        ("fact nearby hotels | Clock Museum / fact phone | those", "The phone of Swan is 550 127."),
        ("fact nearby hotels | Clock Museum / fact ticket | those", "Clock Museum costs €5."),
        ("fact nearby hotels | Old Mill / name those & min price", "It is Otter Inn (€70)."),
        ("fact nearby hotels | Old Mill / fact phone | those", "Do you mean Otter Inn or Swan?"),
        (
            "fact nearby hotels | Old Mill / name those & min price / fact phone | those / fact phone | other",
            "The phone of Swan is 550 127.",
        ),
        ("fact nearby hotels | Old Mill / fact boat | those", "It says of Old Mill: “Boat trips”."),
        ("name breakfast = included", "They are Station Hotel and Otter Inn."),
    ],
)
def test_facts_that_name_what_is_near(plan, answer):
    assert say(plan, TOWN) == answer


def test_of_one_name_that_is_meant_which_was_spoken_of_last():
    mill, museum = (TOWN.called.index(name) for name in ("Old Mill", "Clock Museum"))
    asked = "fact ticket | sight"
    assert say(asked, TOWN).startswith("Do you mean ")
    assert say(asked, replace(TOWN, recent=((), (museum,), (mill, museum)))) == "Clock Museum costs €5."
    assert say(asked, replace(TOWN, recent=((mill, museum), (museum,)))).startswith("Do you mean ")


def test_values_are_those_of_plain_counting():
    draw = random.Random(4)
    for _ in range(60):
        rows = [(draw.choice("red green blue".split()), draw.randint(0, 4)) for _ in range(draw.randint(5, 12))]
        scene = scene_of([row(n, f"Thing {n}", hue=hue, n=float(x), m=1.0) for n, (hue, x) in enumerate(rows, 1)])
        counts, sums = Counter(hue for hue, _ in rows), Counter()
        for hue, x in rows:
            sums[hue] += x
        for plan, found in (("values max hue | all", counts), ("values min hue, n | all", sums)):
            best = (max if " max " in plan else min)(found.values())
            (result,) = carry_out(plan, scene)[0].results
            assert {group.value for group in result.groups} == {hue for hue in counts if found[hue] == best}
        (result,) = carry_out("values hue | all", scene)[0].results
        assert [group.value for group in result.groups] == list(dict.fromkeys(hue for hue, _ in rows))


def test_what_a_list_says_in_chinese():
    assert say("values country | laps = 60", RACE, "zh") == "有三个：Sweden、France和Britain。"
    assert say("values max team, points | all", RACE, "zh") == "是Halden，points一共11。"


def test_a_price_that_was_higher():
    shop = scene_of([
        row(1, "tent", price="EUR 240, was 299"), row(2, "rope", price="EUR 30"),
        row(3, "stove", "EUR 38, was EUR 45."),
    ])  # fmt: skip
    assert say("name look reduced", shop) == say("name look 打折", shop) == "They are the stove and the tent."
    assert say("fact old price | tent", shop) == "The old price of the tent is €299."
    assert say("name max old price", shop) == "It is the tent (€299)."
    assert say("diff (fact old price | stove) | (fact price | stove)", shop) == "That is €7 more: €45 against €38."
    assert say("fact original price | rope", shop) == "I do not know the original price of the rope."
    assert say("check tent | look on sale", shop) == "Yes."
    boots = scene_of([row(1, "boots", price=(64.0, "EUR"), was=(129.0, "EUR")), row(2, "belt", price=(20.0, "EUR"))])
    assert say("name look reduced", boots) == "It is the boots."
    assert say("fact old price | boots", boots) == "The old price of the boots is €129."


def test_a_month_holds_its_days_of_any_year():
    games = scene_of([
        row(1, "cup", date="16 October"), row(2, "final", date="3 November"), row(3, "derby", date="31 October"),
    ])  # fmt: skip
    assert say("count date = October", games) == "There are two: the derby and the cup."
    told = scene_of([row(1, "cup", date="16 October 2023"), row(2, "final", date="3 February 2022")])
    assert say("name date = October", told) == "It is the cup."
    assert say("name max date", told) == "It is the cup (16 October 2023)."
