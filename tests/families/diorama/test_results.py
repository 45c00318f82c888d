"""A finding in the words and indices that the shipped decoder was trained to be told."""

from __future__ import annotations

from typing import get_args

import pytest
from scenewright_server.families.diorama.fusion import FusedModel
from scenewright_server.families.diorama.results import parts, words, write
from scenewright_server.scene.findings import (
    Answer,
    Count,
    Distance,
    Kind,
    Look,
    One,
    Placing,
    Refusal,
    Several,
    Survey,
    Things,
    Where,
    YesNo,
)

TOLD: list[tuple[Answer, tuple[str | int, ...]]] = [
    (Refusal("missing"), ("missing",)),
    (Refusal("unsure"), ("unsure",)),
    (Refusal("unpointed"), ("missing",)),
    (Refusal("unclear"), ("beyond",)),
    (Several((0, 2)), ("several", 0, 2)),
    (Things((2, 0)), (2, 0)),
    (Things(()), ("nothing",)),
    (One(3), (3,)),
    (Count((0, 1)), (0, 1, "two")),
    (Count(()), ("none",)),
    (Count(tuple(range(24))), (*range(24), "twenty-four")),
    (YesNo("exist", (0, 1), True), (0, 1, "yes")),
    (YesNo("exist", (), False), ("no",)),
    (YesNo("is", (2, 1), False), (2, 1, "no")),
    (YesNo("reach", (1,), True), (1, "yes")),
    (Distance((1,), 2.236), (1, "2.2")),
    (Distance((0, 1), 9.96), (0, 1, "10")),
    (Where(1, "left"), (1, "left")),
    (Where(1, "you"), (1, "you")),
    (Where(1, "on", 0), (1, "on", 0)),
    (Look(0, "colour", "red"), (0, "red")),
    (Look(0, "colour", "blue", told="red"), (0, "blue", "but", "red")),
    (Kind(1), (1,)),
    (Kind(1, seen="table"), (1, "table", "but")),
    (
        Survey(
            (
                Placing(0, "left"),
                Placing(1, "on"),
                Placing(2, "on", 0, ("blue", "mug")),
                Placing(3, "beside", seen=("red",)),
            )
        ),
        (0, "left", 1, "on", 2, "on", 0, "seen", "blue", "mug", 3, "beside", "seen", "red"),
    ),
]


@pytest.mark.parametrize(("answer", "told"), TOLD)
def test_parts_are_as_in_training_and_point_at_what_an_answer_rests_on(answer: Answer, told: tuple[str | int, ...]):
    assert parts(answer) == told
    assert answer.things == tuple(part for part in told if isinstance(part, int))
    assert words(answer) == [part for part in told if isinstance(part, str)]


def test_every_kind_of_answer_is_told():
    assert {type(answer) for answer, _ in TOLD} == set(get_args(Answer))


def test_an_index_is_written_as_its_reference(model: FusedModel):
    tokenizer = model.tokenizer
    assert write(tokenizer, Look(2, "colour", "red")) == [tokenizer.refs[2], *tokenizer.words("red")]
