"""Plans as text, both ways."""

from __future__ import annotations

import random
from contextlib import suppress

import pytest
from scenewright_server.scene import expressions as x
from scenewright_server.scene import questions as q
from scenewright_server.scene.amounts import CLOCK
from scenewright_server.scene.expressions import PlanError
from scenewright_server.scene.parsing import MAX_CHARS, parse
from scenewright_server.scene.writing import write

from tests.scene.random_plans import RandomPlans


def test_every_plan_reads_back_as_itself():
    plans = RandomPlans(seed=1)
    seen = set()
    for _ in range(4000):
        plan = plans.plan()
        text = write(plan)
        if len(text) > MAX_CHARS:
            continue
        assert parse(text) == plan, text
        seen.update(type(question) for question in plan)
    assert len(seen) == 16


CHAIR, TABLE, ME = x.Named("chair"), x.Named("table"), x.Me()
PRICE, HEIGHT = x.Key("price"), x.Key("height")
NEAREST = x.Extreme(x.Key("distance"), False)
ON_TABLE, BOTH = x.Related("on", TABLE), x.Joined((CHAIR, TABLE))


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("name all", q.Name(x.All())),
        ("count chair & look red", q.Count(x.Narrowed((CHAIR, x.Look("red"))))),
        ("name chair + table & min distance", q.Name(x.Narrowed((BOTH, NEAREST)))),
        ("exist all & not (chair & on table)", q.Exist(x.Narrowed((x.All(), x.Not(x.Narrowed((CHAIR, ON_TABLE))))))),
        ("name those & price < 50 EUR", q.Name(x.Narrowed((x.Those(), x.Compared(PRICE, "<", x.Number(50, "EUR")))))),
        ("name all & price > (chair)", q.Name(x.Narrowed((x.All(), x.Compared(PRICE, ">", CHAIR))))),
        ("name all & maker = Thonet", q.Name(x.Narrowed((x.All(), x.Compared(x.Key("maker"), "=", "Thonet"))))),
        ("name between me and table", q.Name(x.Between(ME, TABLE))),
        ("name own left of each chair", q.Name(x.Related("left of", CHAIR, own=True, each=True))),
        ("name chair & max 2nd height", q.Name(x.Narrowed((CHAIR, x.Extreme(x.Key("height"), True, 2, True))))),
        ("fact price, maker | each chair", q.Fact((PRICE, x.Key("maker")), CHAIR, each=True)),
        ("fact distance to table | chair", q.Fact((x.Key("distance", TABLE),), CHAIR)),
        ("more chair | table", q.Compare(">", q.Count(CHAIR), q.Count(TABLE))),
        ("fewer chair | 3", q.Compare("<", q.Count(CHAIR), x.Number(3))),
        ("more height | chair | table", q.Compare(">", q.Value(HEIGHT, CHAIR), q.Value(HEIGHT, TABLE))),
        ("diff 20 EUR | (sum price | chair + table)", q.Difference(x.Number(20, "EUR"), q.Total("sum", PRICE, BOTH))),
        ("sum price | 2 of chair + table", q.Total("sum", PRICE, x.Joined((x.Multiple(2, CHAIR), TABLE)))),
        ("sum 2 of adults, child | chair",
         q.Total("sum", x.Key("adults"), CHAIR, 2, (q.Share(x.Key("child")),))),
        ("name those & 2nd", q.Name(x.Narrowed((x.Those(), x.Nth(2))))),
        ("where chair | table", q.Where(CHAIR, TABLE)),
        ("check chair | left of me", q.Check(CHAIR, x.Related("left of", ME))),
        ('name "Barrel (1)"', q.Name(x.Named("Barrel (1)"))),
        ("count in view", q.Count(x.Visible())),
        ('count "in stock" > 0', q.Count(x.Compared(x.Key("in stock"), ">", x.Number(0)))),
        ("count in (stock > 0)", q.Count(x.Related("in", x.Compared(x.Key("stock"), ">", x.Number(0))))),
        ("name max 3rd left", q.Name(x.Extreme(x.Key("left"), True, 3, True))),
        ("name all & at 2", q.Name(x.Narrowed((x.All(), x.Clock(2))))),
        ("name after chair & 1st", q.Name(x.Narrowed((x.After(CHAIR), x.Nth(1))))),
        ("name before those & last", q.Name(x.Narrowed((x.Before(x.Those()), x.Nth(x.LAST))))),
        ("values maker | chair", q.Values(x.Key("maker"), CHAIR)),
        ("values max maker, price | all", q.Values(x.Key("maker"), x.All(), "max", PRICE)),
        ("again the blue one", q.Again(x.Named("the blue one"))),
    ],
)  # fmt: skip
def test_plans_are_short(text, question):
    assert parse(text) == (question,)
    assert write((question,)) == text


A, B = x.Named("A"), x.Named("B")
TIMES = q.Ratio(q.Value(PRICE, A), q.Value(PRICE, B))


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("name closes > 21:05", q.Name(x.Compared(x.Key("closes"), ">", x.Number(21 + 5 / 60, CLOCK)))),
        ("more (ratio price | A | B) | 2", q.Compare(">", TIMES, x.Number(2))),
        ("more ratio | 2", q.Compare(">", q.Count(x.Named("ratio")), x.Number(2))),
        ("sum (fact price | A) + 2 of (fact large | B)",
         q.Sum((q.Addend(q.Value(PRICE, A)), q.Addend(q.Value(x.Key("large"), B), 2)))),
        ("sum price | 0.25 of A", q.Total("sum", PRICE, x.Multiple(0.25, A))),
    ],
)  # fmt: skip
def test_quantities_lie_within_each_other(text, question):
    assert parse(text) == (question,)
    assert write((question,)) == text


def test_a_time_that_is_a_name_or_a_text_stays_one():
    (question,) = parse("more closes | A | 9:30")
    assert question == q.Compare(">", q.Value(x.Key("closes"), A), x.Number(9.5, CLOCK))
    assert parse(write((question,))) == (question,)
    assert parse("name 21:05") == (q.Name(x.Named("21:05")),)
    assert parse("name closes = 21:05") == (q.Name(x.Compared(x.Key("closes"), "=", "21:05")),)


def test_last_begins_a_name_or_a_key_where_more_follows():
    (question,) = parse("check last train | last >= 23:30")
    assert question == q.Check(x.Named("last train"), x.Compared(x.Key("last"), ">=", x.Number(23.5, CLOCK)))
    assert parse(write((question,))) == (question,)


def test_a_key_may_begin_as_a_pick_does():
    (question,) = parse("name max load >= 22 kg")
    assert question == q.Name(x.Compared(x.Key("max load"), ">=", x.Number(22, "kg")))
    assert parse(write((question,))) == (question,)
    assert parse("name max load") == (q.Name(x.Extreme(x.Key("load"), True)),)


def test_a_number_may_stand_for_a_thing():
    (question,) = parse("more price | chair | 50 EUR")
    assert question == q.Compare(">", q.Value(PRICE, CHAIR), x.Number(50, "EUR"))
    assert parse(write((question,))) == (question,)
    assert parse('name "2 of hearts"') == (q.Name(x.Named("2 of hearts")),)


@pytest.mark.parametrize(
    ("text", "position", "found", "expected"),
    [
        ("", 0, "the end", "one of name, count"),
        ("naem chair", 0, "'naem'", "one of name, count"),
        ("name", 4, "the end", "a name or a key"),
        ("name chair &", 12, "the end", "a name"),
        ("name chair | table", 11, "'|'", "the end"),
        ("count (chair", 12, "the end", "')'"),
        ('name "chair', 5, "'\"chair'", "a closing quote"),
        ("fact price chair", 16, "the end", "'|'"),
        ("name between chair", 18, "the end", "'and'"),
        ("name at 13", 8, "a wrong value", "hour: 13, from 1 to 12"),
        ("name price < ", 12, "the end", "a value"),
        ("name chair & price < cheap", 21, "a wrong value", "= or !="),
        ("name own on chair", 12, "a wrong value", "of its own"),
        ("name distance to chair", 22, "the end", "one of <"),
        ("more chair", 10, "the end", "'|'"),
    ],
)
def test_errors_tell_where_and_what(text, position, found, expected):
    with pytest.raises(PlanError) as error:
        parse(text)
    assert (error.value.position, error.value.found) == (position, found)
    assert expected in str(error.value)


def test_no_text_raises_anything_but_a_plan_error():
    draw = random.Random(3)
    pieces = 'name count fact where chair price & + | ; ( ) < = != , " not on near me each own max'.split()
    pieces += "min 2 2nd sort between and at".split()
    pieces += ["闹钟", "\u3000", "\x1f", "<|im_end|>", "", "²", "1e999", "0" * 30, "("]
    n_plans = 0
    for _ in range(6000):
        text = " ".join(draw.choice(pieces) for _ in range(draw.randint(0, 14)))
        with suppress(PlanError):
            n_plans += parse(text) is not None
    assert n_plans > 30
    for text in ("name " + "(" * 500, "name " + "not " * 240 + "chair", "name " + "near " * 190 + "chair", "x" * 2000):
        with pytest.raises(PlanError):
            parse(text)


def test_in_begins_a_key_where_a_comparison_follows():
    assert parse("name pen & in stock > 0") == parse('name pen & "in stock" > 0')
    assert parse("name pen & in stock") == parse("name pen & in (stock)")
