"""Plans that are put right by values and keys that the question says."""

from __future__ import annotations

from dataclasses import replace

import pytest
from scenewright_server.families.chat.doubts import UNUSED, Doubts
from scenewright_server.families.chat.mending import Mending
from scenewright_server.languages.cues import CUES
from scenewright_server.scene.choosing import Choosing
from scenewright_server.scene.entries import Fact
from scenewright_server.scene.executing import execute
from scenewright_server.scene.parsing import parse
from scenewright_server.scene.scene import Scene
from scenewright_server.scene.words import is_chinese
from scenewright_server.scene.writing import write

from tests.scene.random_scenes import scene_of
from tests.scene.test_executing import know

SQUAD = scene_of([
    know("Noel Amrein", -1, country="Switzerland", position="forward", club="Reds", phone="12", address="Elm Street",
         term="1998-2004"),
    know("Jonas Bircher", 0, country="Switzerland", position="defender", club="Blues", phone="34", address="Oak Road"),
    know("Ilmari Sorsa", 1, country="Finland", position="forward", club="Blues", captain="yes", kit="reds"),
    know("Pat Usher", 2, country="USA", position="keeper", club="Greens", term="2004-2005"),
])  # fmt: skip


@pytest.mark.parametrize(
    ("question", "plan", "mended"),
    [
        ("Swiss forwards, please", "name country = Switzerland", ["name country = Switzerland & position = forward"]),
        ("which forward is on the left", "name max left", ["name position = forward & max left"]),
        ("how many Finns play for the Blues", "count country = Brazil",
         ["count club = Blues & country = Finland"]),
        ("芬兰球员有几个", "count country = Brazil", ["count country = Finland"]),
        ("who plays for the reds", "count all", ["count look Reds"]),
        ("tell us who is a keeper", "name position = keeper", []),
        ("which keepers are there", "name look keeper", []),
        ("Amrein's phone and address", "fact phone | Amrein", ["fact phone, address | Amrein"]),
        ("Amrein的电话给我，顺便说下地址", "fact phone | Amrein", ["fact phone, address | Amrein"]),
        ("what is the address of Amrein", "fact phone | Amrein", []),
        ("who is not a forward and is Swiss", "name country = Switzerland",
         ["name country = Switzerland & not position = forward"]),
        ("does the Swiss defender come first", "name Bircher", []),
        ("what clubs are they in", "fact club | position = forward", ["fact club | each position = forward"]),
        ("do we have a forward who is captain", "check position = forward | captain = yes",
         ["exist position = forward & captain = yes"]),
        ("is the forward captain", "check position = forward | captain = yes", []),
        ("who was captain for longest", "name max term", ["name max span term"]),
        ("is Amrein a forward", "check Amrein | position = forward", []),
    ],
)  # fmt: skip
def test_a_plan_names_what_the_question_says(question, plan, mended):
    cues = CUES["zh" if is_chinese(question) else "en"]
    assert [write(its) for its in Mending(question, Choosing(SQUAD), cues).mended(parse(plan))] == mended


def test_what_is_left_out_speaks_against_a_plan():
    doubts = Doubts("Swiss forwards, please", "", SQUAD)
    weighed = [doubts.of(parse(text), execute(parse(text), SQUAD)) for text in (
        "name country = Switzerland", "name country = Switzerland & position = forward")]  # fmt: skip
    assert weighed == [UNUSED, 0]


def test_odd_keys_and_values_are_no_plan_of_their_own():
    odd = scene_of([know("a", 0), know("b", 1)])
    facts = tuple(
        Fact(key, value)
        for key, value in [("", "red"), ("two  words", "red"), ("k" * 400, "red"), ("team", "Red   Stars")]
    )
    entries = tuple(replace(its, graph=replace(its.graph, facts=facts)) for its in odd.entries)
    mending = Mending("who is red and a red stars one", Choosing(Scene(entries, odd.called)), CUES["en"])
    assert [write(plan) for plan in mending.mended(parse("count all"))] == ["count team = Red Stars"]


def test_values_answer_how_many():
    plan = parse("values country | all")
    assert Doubts("how many countries are there", "", SQUAD).of(plan, execute(plan, SQUAD)) == 0
