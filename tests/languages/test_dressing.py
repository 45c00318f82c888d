"""A small decoder's words, token by token, as they leave."""

from __future__ import annotations

import pytest
from scenewright_server.languages.dressing import Dressing, undress


@pytest.mark.parametrize(
    ("language", "tokens", "said"),
    [
        ("en", ["the", " Oak", " Barrel"], "The Oak Barrel."),
        ("en", ["a", " Oak", " Barrel", ",", " a", " red", " mug", " and", " a", " egg"],
         "An Oak Barrel, a red mug and an egg."),
        ("en", ["a", "pple", " juice"], "Apple juice."),
        ("en", ["i", " do", " not", " see", " that", " here"], "I do not see that here."),
        ("en", ["is", " it", " Mr.", " X", "?"], "Is it Mr. X?"),
        ("zh", ["棕色", "杯子"], "棕色杯子。"),
        ("en", [], ""),
    ],
)  # fmt: skip
def test_words_leave_as_a_person_writes_them(language: str, tokens: list[str], said: str) -> None:
    dressing = Dressing(language)
    text = "".join(map(dressing.feed, tokens)) + dressing.end()
    assert text == said
    if " a " not in f" {''.join(tokens)}" and not said.endswith("?"):
        assert undress(text) == "".join(tokens).lower()
