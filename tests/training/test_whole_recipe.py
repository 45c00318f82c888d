"""`scenewright train` in one piece, a few steps a stage: a bundle from nothing, and that bundle on a user's frames."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest
from PIL import Image
from scenewright.cli.app import main
from scenewright_server.families.diorama.storage import load_bundle
from scenewright_server.simulator.renderer import render
from scenewright_server.simulator.scene import sample
from scenewright_server.training import language, recipe, vision

RECIPE = """
[fit]
precision = "32-true"
accelerator = "cpu"
batch_tokens = 1024
[tokenizer]
n_scenes = 40
[speech]
minutes = 0.01
[vision]
minutes = 0.01
matching_minutes = 0.01
n_frames = 32
[language]
minutes = 0.01
[fusion]
minutes = 0.01
n_frames = 32
[bundle]
name = "small"
"""
FINETUNING = """
[fit]
precision = "32-true"
accelerator = "cpu"
[finetune]
annotations = "told.jsonl"
bundle = "run/bundle/small"
name = "mine"
vision_minutes = 0.01
minutes = 0.01
n_drawn = 32
n_check = 2
"""


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("N_STRANGERS", "N_VALIDATION", "MIN_FRAMES"):
        monkeypatch.setattr(vision, name, 16)
    monkeypatch.setattr(language, "N_HELD", 4)
    monkeypatch.setattr(language.shutil, "which", lambda name: None)  # a few steps are not worth a compilation
    monkeypatch.setattr(recipe, "train_speech", partial(recipe.train_speech, n_validate=4))


def write_folder(path: Path, n: int) -> None:
    """Frames of the diorama as if a user had taken them."""
    lines = []
    for seed in range(n):
        scene = sample(seed, "test")
        Image.fromarray(render([scene], (160, 160)).images[0].numpy()).save(path / f"{seed}.png")
        objects = []
        for item in scene.objects:
            x0, y0, x1, y1 = scene.camera.box(item)
            objects.append({"box": [x0, y0, x1 - x0, y1 - y0], "kind": item.kind, "colour": item.colour})
        told = {"image": f"{seed}.png", "objects": objects, "caption": f"I see a {scene.objects[0].kind}."}
        lines.append(json.dumps({**told, "qa": [{"question": "Who lives here?", "answer": "Ada does."}]}))
    (path / "told.jsonl").write_text("\n".join(lines))


@pytest.mark.usefixtures("small")
def test_every_stage_and_then_a_users_frames(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    def train(toml: str, out: Path) -> str:
        (tmp_path / "train.toml").write_text(toml)
        with pytest.raises(SystemExit) as ended:
            main(["train", "--config", str(tmp_path / "train.toml"), "--out", str(out)])
        printed = capsys.readouterr()
        assert not ended.value.code, printed.err
        return printed.out

    assert "bundle/small" in train(RECIPE, tmp_path / "run").replace("\n", "")
    provenance = load_bundle(tmp_path / "run" / "bundle" / "small").info.provenance
    assert all(provenance["stages"][stage]["steps"] > 0 for stage in ("speech", "vision", "language", "fusion"))

    write_folder(tmp_path, 4)
    printed = train(FINETUNING, tmp_path / "tuned")
    assert all(name in printed for name in ("objects", "captions", "answers", "usual answers", "before", "after"))
    tuned = load_bundle(tmp_path / "tuned" / "bundle" / "mine").info
    assert tuned.provenance["finetuned_from"]["name"] == "small" and tuned.provenance["frames"] == 3
