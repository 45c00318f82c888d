"""The recipe's file and its stages' order."""

from __future__ import annotations

from pathlib import Path

import pytest
from scenewright_server.training.recipe import DEFAULT_RECIPE, Recipe, RecipeError, run


def test_the_embedded_bundles_recipe_is_read():
    assert Recipe.load(DEFAULT_RECIPE).bundle.name == "diorama"


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("[vision]\nminuets = 3", r"\[vision\] has no 'minuets'; it has minutes"),
        ("sead = 1", "has no 'sead'"),
        ('[fit]\nprecision = "16-mixed"', r"\[fit\] precision is '16-mixed', must be one of bf16-mixed, 32-true"),
        ("[fit]\ndevices = 0", r"\[fit\] devices is 0, must be in 1..64"),
        ("[fit]\nbatch_tokens = 100", r"batch_tokens is 100, must be 0 or >= 1024"),
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
