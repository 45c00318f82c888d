from __future__ import annotations

import pytest
from scenewright_server.families.diorama.course import Choice, Name, Words, lay_course
from scenewright_server.families.diorama.fusion import FusedModel
from scenewright_server.languages import LANGUAGES
from scenewright_server.scene.findings import Answer, Count, Look, Refusal, Several, Things, YesNo
from scenewright_server.simulator.phrases import CHINESE
from scenewright_server.simulator.scene import sample
from scenewright_server.simulator.text import Mention, Thing, describe, in_view, survey


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_course_is_the_true_description_but_for_its_names(model: FusedModel, language: str) -> None:
    names = CHINESE if language == "zh" else {}
    tokenizer = model.tokenizer
    article = Choice(frozenset(id for word in ("a", "an") for id in tokenizer.words(word)))
    for seed in range(300):
        things = in_view(sample(seed))
        if seed % 3 == 0:
            things[0] = Thing(**{**things[0].__dict__, "seen_as": (("colour", "red"), ("kind", "sofa"))})
        true = [
            Name(part.thing) if isinstance(part, Mention)
            else article if part in ("a", "an")
            else Words(tuple(tokenizer.words(part)))
            for part in describe(things, language)
        ]  # fmt: skip
        assert lay_course(tokenizer, survey(things), language, names) == [*true, Choice(frozenset([tokenizer.eot]))]


@pytest.mark.parametrize(
    ("answer", "english", "chinese"),
    [
        (Refusal("missing"), "i do not see that here", "我在这里没有看到这个"),
        (Count((0, 1)), "two", "两个"),
        (Several((0, 1, 2, 3)), "i see four", "我看到四个"),
    ],
)
def test_a_refusal_and_a_number_are_known_beforehand(
    model: FusedModel, answer: Answer, english: str, chinese: str
) -> None:
    for language, words in (("en", english), ("zh", chinese)):
        said, end = lay_course(model.tokenizer, answer, language, {})
        assert isinstance(said, Words) and model.tokenizer.decode(said.ids) == words
        assert end == Choice(frozenset([model.tokenizer.eot]))


@pytest.mark.parametrize(
    "answer", [Look(0, "colour", "red"), Things((0, 1)), Several((0, 1, 2)), YesNo("is", (0,), True)]
)
def test_other_words_are_the_decoders(model: FusedModel, answer: Answer) -> None:
    assert lay_course(model.tokenizer, answer, "en", {}) == []
