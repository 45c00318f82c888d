"""Days and months that are told as text."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from scenewright_server.scene.amounts import DATE, DAY, Amount
from scenewright_server.scene.dates import MONTHS, as_date, date_text, read_date, year_of


def test_every_day_of_two_years_is_read_in_all_ways():
    for n in range(0, 731, 3):
        day = date(2027, 1, 1) + timedelta(n)
        month, its = MONTHS[day.month - 1], Amount(float(day.toordinal()), DATE)
        for text in (
            f"{day.day} {month} {day.year}", f"{month[:3]} {day.day}, {day.year}", day.isoformat(),
            f"{day.year}年{day.month}月{day.day}日",
        ):  # fmt: skip
            assert read_date(text) == its, text
        assert year_of(its) == Amount(day.year)
        assert read_date(date_text(its)) == read_date(date_text(its, in_chinese=True)) == its


@pytest.mark.parametrize(
    "text", ["July", "7月", "1st October", "12月3日", "29 Feb", "March 2027", "3 August to 9 August"]
)
def test_days_of_no_year_and_months_are_written_as_they_are_read(text):
    its = read_date(text)
    assert its is not None and read_date(date_text(its)) == its == read_date(date_text(its, in_chinese=True))
    assert (its.unit == DATE) == ("2027" in text)


@pytest.mark.parametrize(
    "text",
    ["3 to 17 August", "3rd-17th August", "August 3 to 17", "3 August – 17 August", "8月3日到17日"],
)
def test_days_from_one_to_another_are_one_span(text):
    its = read_date(text)
    assert its is not None and (its.value, its.high) == tuple(read_date(f"{day} August").value for day in (3, 17))


@pytest.mark.parametrize(
    "text",
    [
        "31 June",
        "17 to 3 August",
        "3 to 17",
        "August to sea",
        "Maya",
        "July sale",
        "13月1日",
        "2027-02-30",
        "1 Octopus",
        "",
        "5",
    ],
)
def test_what_is_no_day_is_none(text):
    assert read_date(text) is None


def test_a_number_before_a_month_is_a_day():
    assert as_date(Amount(1, "October")) == read_date("1 October")
    assert as_date(Amount(1, "kg")) == Amount(1, "kg")
    assert as_date(Amount(1)) == Amount(1)
    assert read_date("1 October").unit == DAY
