from __future__ import annotations

import pytest
from scenewright_server.families.diorama.course import (
    PLACES,
    REFUSALS,
    Choice,
    Words,
    count_in_chinese,
    lay_answer,
    lay_course,
)
from scenewright_server.families.diorama.fusion import FusedModel
from scenewright_server.families.diorama.tokenizer import Tokenizer
from scenewright_server.simulator import phrases
from scenewright_server.simulator.scene import sample
from scenewright_server.simulator.text import Mention, Thing, describe, in_view, survey


def told(tokenizer: Tokenizer, things: list[Thing], language: str) -> list[str | Mention]:
    """A course's steps as an answer's parts, names left blank, "?" for a choice."""
    parts: list[str | Mention] = []
    for step in lay_course(tokenizer, survey(things), language, phrases.CHINESE):
        if isinstance(step, Words):
            parts.append(tokenizer.decode(step.ids))
        else:
            parts.append("?" if isinstance(step, Choice) else Mention(step.k, ""))
    return parts


def test_places_are_called_as_in_training() -> None:
    called = {lang: {place: words[lang] for place, words in phrases.PLACES.items()} for lang in phrases.LANGUAGES}
    assert called == PLACES


@pytest.mark.parametrize("language", phrases.LANGUAGES)
def test_a_course_is_the_true_description_but_for_its_names(model: FusedModel, language: str) -> None:
    for seed in range(300):
        things = in_view(sample(seed))
        if seed % 3 == 0:
            things[0] = Thing(**{**things[0].__dict__, "seen_as": (("colour", "red"), ("kind", "sofa"))})
        true = [
            Mention(p.thing, "") if isinstance(p, Mention) else "?" if p in ("a", "an") else p
            for p in describe(things, language)
        ]
        said = told(model.tokenizer, things, language)
        # What is seen against a label is one step of the course and several parts of the description.
        assert said[-1] == "?"
        assert plain_parts(said[:-1]) == plain_parts(true)


def plain_parts(parts: list[str | Mention]) -> str:
    words = (f"<{p.thing}>" if isinstance(p, Mention) else p for p in parts)
    return "".join(words).replace(" ", "")


def test_nothing_known_has_no_course(model: FusedModel) -> None:
    assert lay_course(model.tokenizer, ("unsure",), "en", {}) == []


def test_refusals_and_numbers_are_said_as_in_training(model: FusedModel) -> None:
    assert REFUSALS == phrases.REFUSALS
    assert [count_in_chinese(n) for n in range(25)] == phrases.CHINESE_NUMBERS
    refusal, end = lay_answer(model.tokenizer, "colour", ("missing",), "en")
    assert isinstance(refusal, Words) and model.tokenizer.decode(refusal.ids) == REFUSALS["missing"]["en"]
    assert end == Choice(frozenset([model.tokenizer.eot]))
    assert lay_answer(model.tokenizer, "colour", (0, "red"), "en") == []
