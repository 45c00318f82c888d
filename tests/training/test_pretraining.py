"""Training a decoder on prepared documents."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch
from scenewright.cli.app import main
from scenewright_server.families.chat.storage import load_bundle
from scenewright_server.importers.bundles import write_bundle
from scenewright_server.training.corpus.prepare import Options, prepare
from scenewright_server.training.packing import IGNORED
from scenewright_server.training.pretraining import PretrainingRecipe, Windows, pretrain, text_loss
from scenewright_server.training.recipe import RecipeError
from scenewright_server.training.shards import TRAIN, ShardError, Shards, ShardWriter

from tests.families.chat import tiny


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    write_bundle(tmp_path / "tiny", tiny.parts(plans=True), name="tiny", languages=("en",), dtype="float32")
    return tmp_path / "tiny"


@pytest.fixture
def data(tmp_path: Path, bundle: Path) -> Path:
    texts = [f"the goblin king number {n} stands on the stone altar, two metres away" for n in range(40)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    options = Options(held=0.2, drop=1, together=1)
    prepare([tmp_path / "a.jsonl"], bundle, tmp_path / "data", options, lambda what, done, total: None)
    return tmp_path / "data"


def write_recipe(folder: Path, **values: object) -> Path:
    lines = [f"{name} = {json.dumps(value)}" for name, value in values.items()]
    (folder / "recipe.toml").write_text("\n".join(["[pretraining]", *lines]))
    return folder / "recipe.toml"


def test_windows_hold_every_token_once(tmp_path: Path) -> None:
    documents = [list(range(10 * k, 10 * k + k)) for k in range(1, 10)]
    with ShardWriter(tmp_path, "ab" * 32, 100, shard_ids=12) as writer:
        for ids in documents:
            writer.add(ids, [id % 3 > 0 for id in ids], TRAIN, "en", "text")
    windows, stream = Windows(Shards(tmp_path), TRAIN, 8), [id for ids in documents for id in ids]
    assert len(windows) == 5
    ids, labels = windows.batch(range(5))
    assert ids.flatten().tolist() == stream[:40]
    assert labels.flatten().tolist() == [id if id % 3 else IGNORED for id in stream[1:41]]
    first = windows.batches(2, seed=3, skip=0)
    told = [next(first) for _ in range(5)]  # two passes
    assert sorted(torch.cat([batch[0] for batch in told])[:, 0].tolist()) == sorted(ids[:, 0].tolist() * 2)
    assert torch.equal(next(windows.batches(2, seed=3, skip=3))[0], told[3][0])


def test_training_learns_the_documents_and_makes_a_bundle(tmp_path: Path, bundle: Path, data: Path) -> None:
    recipe = write_recipe(
        tmp_path, data="data", model=str(bundle), start="random", name="mine", steps=60, learning_rate=1e-2, length=32,
        rows=4, precision="32-true",
    )  # fmt: skip
    made = pretrain(recipe, tmp_path / "out")
    assert made.path == tmp_path / "out" / "bundle" / "mine"
    assert made.before > 100 and made.after < made.before / 4
    manifest = json.loads((made.path / "model.json").read_text())
    assert manifest["name"] == "mine" and "planner" not in manifest and "planner.safetensors" not in manifest["files"]
    windows = Windows(Shards(data), "held", 32)
    gpt = load_bundle(made.path, torch.device("cpu"), torch.float32).gpt
    loss, _ = text_loss(gpt, windows.batch(range(len(windows))))
    assert math.exp(float(loss)) == pytest.approx(made.after, rel=1e-3)
    again = pretrain(recipe, tmp_path / "out")
    assert again.after == pytest.approx(made.after, rel=1e-5)


def test_the_command_tells_what_was_trained(
    tmp_path: Path, bundle: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values = {"model": str(bundle), "name": "mine", "steps": 1, "length": 32, "precision": "32-true"}
    for folder, code, told in (("data", 0, "perplexity of what was held out:"), ("none", 1, "index.json is missing")):
        recipe = write_recipe(tmp_path, data=folder, **values)
        with pytest.raises(SystemExit) as ended:
            main(["train", "--config", str(recipe), "--out", str(tmp_path / "out")])
        assert (ended.value.code or 0) == code
        assert told in "".join(capsys.readouterr())


def test_what_cannot_be_trained_is_told(tmp_path: Path, bundle: Path, data: Path) -> None:
    for values, error, told in (
        ({"model": str(bundle)}, RecipeError, r"data is '', must be a directory"),
        ({"data": "data", "model": str(bundle), "length": 8000}, RecipeError, "fewer tokens"),
        ({"data": "data", "model": "diorama"}, RecipeError, "no chat bundle with a decoder of its own"),
        ({"data": "none", "model": str(bundle)}, ShardError, r"index\.json is missing"),
    ):
        with pytest.raises(error, match=told):
            pretrain(write_recipe(tmp_path, **values), tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with pytest.raises(RecipeError, match=r"\[pretraining\] start is 'x', must be one of weights, random"):
        PretrainingRecipe(data="data", start="x")
