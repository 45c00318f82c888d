"""Questions of a list that are read by their words."""

from __future__ import annotations

from dataclasses import replace

import pytest
from scenewright_server.languages.rows import read_rows
from scenewright_server.scene import questions as q
from scenewright_server.scene.replies import Turn

from tests.scene.test_lists import RACE, TOWN


@pytest.mark.parametrize(
    ("question", "plan"),
    [
        ("How many countries are on this list?", "values country | all"),
        ("how many different teams took part", "values team | all"),
        ("so which teams are there", "values team | all"),
        ("which team has the most points", "values max team, points | all"),
        ("Which country comes up most?", "values max country | all"),
        ("what team won the fewest points", "values min team, points | all"),
        ("who came in right behind Pip Thorn", "name after Pip Thorn & 1st"),
        ("who is listed next after Bo Lind?", "name after Bo Lind & 1st"),
        ("who was directly before Luc Marchet", "name before Luc Marchet & last"),
        ("Pip Thorn后面是谁", "name after Pip Thorn & 1st"),
        ("how many countries have more than two drivers", None),
        ("which team is Bo Lind in", None),
        ("who came after Pip Thorn or Bo Lind", None),
        ("what country is he from", None),
        ("who drove the most laps", None),
    ],
)
def test_rows_are_read(question, plan):
    assert read_rows(question, RACE) == plan


def test_what_is_no_list_has_no_rows():
    assert not TOWN.is_list and read_rows("how many kinds are there", TOWN) is None


@pytest.mark.parametrize(
    ("question", "plan"),
    [
        ("who came in after her", "name after those & 1st"), ("and the next one", "name after those & 1st"),
        ("who was before that?", "name before those & last"), ("下一个是谁", "name after those & 1st"),
        ("who won after all", None),
    ],
)  # fmt: skip
def test_rows_follow_the_one_that_was_told(question, plan):
    told = Turn(q.Beyond(), (2,))
    assert read_rows(question, replace(RACE, before=told)) == plan
    assert read_rows(question, RACE) is None
