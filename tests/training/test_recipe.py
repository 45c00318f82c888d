"""The recipe's file, its stages' order, and the evaluation's scores."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from scenewright_server.diorama.text import Mention, Thing, Turn
from scenewright_server.engine.request import Mentioned
from scenewright_server.model.scene import Entry
from scenewright_server.training.evaluate import Reply, described_counts, grounded_counts, is_right
from scenewright_server.training.recipe import DEFAULT_RECIPE, Recipe, RecipeError, run


def test_the_embedded_bundles_recipe_is_read():
    assert Recipe.load(DEFAULT_RECIPE).bundle.name == "diorama"


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("[vision]\nminuets = 3", r"\[vision\] has no 'minuets'; it has minutes"),
        ("sead = 1", "has no 'sead'"),
        ("seed = ", "cannot read the recipe"),
    ],
)
def test_a_wrong_recipe_is_refused_by_name(tmp_path: Path, toml: str, message: str):
    (tmp_path / "recipe.toml").write_text(toml)
    with pytest.raises(RecipeError, match=message):
        run(tmp_path / "recipe.toml", tmp_path)


def test_a_stage_says_what_it_needs(tmp_path: Path):
    with pytest.raises(RecipeError, match=r"tokenizer\.json is missing: run the stage tokenizer first"):
        run(None, tmp_path, ("language",))
    with pytest.raises(RecipeError, match="no stage 'dream'; the stages are tokenizer, speech"):
        run(None, tmp_path, ("dream",))


def test_a_stage_that_has_ended_is_not_run_again(tmp_path: Path):
    (tmp_path / "recipe.toml").write_text("[tokenizer]\nn_scenes = 20")
    run(tmp_path / "recipe.toml", tmp_path, ("tokenizer",))
    made = tmp_path / "tokenizer" / "tokenizer.json"
    made.write_text("kept")
    run(tmp_path / "recipe.toml", tmp_path, ("tokenizer",))
    assert made.read_text() == "kept"


def mentioned(words: str, box: tuple[float, float, float, float]) -> Mentioned:
    return Mentioned(0, words, 1.0, Entry(0, None, (0, 0, 2), (1, 1, 1), box, 1.0))


def test_scores_of_a_description():
    left, right = (0.1, 0.1, 0.3, 0.3), (0.6, 0.1, 0.8, 0.3)
    things = [
        Thing("chair", (0, 0, 2), (1, 1, 1), left, colour="red"),
        Thing("lamp", (0, 0, 2), (1, 1, 1), right, colour="blue"),
    ]
    reply = Reply(
        mentions=[mentioned("large red chair", left), mentioned("blue lamp", left), mentioned("red lamp", left)]
    )
    assert described_counts(reply, things) == Counter(said=3, true=2, both=2)
    assert grounded_counts(reply, things) == Counter(true=2, grounded=1)


def test_answers_are_right_word_for_word_and_lists_in_any_order():
    turn = Turn("relation_query", "", (), ("the", Mention(0, "red chair"), "and the", Mention(1, "blue lamp")))
    assert is_right(Reply("the red chair and the blue lamp"), turn)
    assert is_right(Reply("the blue lamp and the red chair"), turn)
    assert not is_right(Reply("the red chair"), turn)
