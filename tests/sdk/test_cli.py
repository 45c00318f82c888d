"""The command: what it prints, how it fails."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from PIL import Image
from scenewright import types
from scenewright.cli import drawing, show
from scenewright.cli.app import main

USAGE = types.Usage(output_tokens=10)
TIMINGS = types.Timings(first_token_ms=12.3456, generate_ms=100.0, total_ms=120.0)
CHAIR = types.Annotation("a1", "red chair", types.Box(0.25, 0.5, 0.25, 0.125), confidence=0.98765)
LAMP = types.Annotation("a2", "lamp", None, "lamp-1", "anchor-1")
DONE = types.FinishReason.COMPLETED


def run(capsys, *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    printed = capsys.readouterr()
    return ended.value.code or 0, printed.out, printed.err


def test_description_json_has_the_promised_shape():
    description = types.Description("a red chair", (CHAIR, LAMP), DONE, USAGE, TIMINGS)
    shape = show.description_json(description)
    assert shape["objects"] == [
        {
            "id": "a1",
            "label": "red chair",
            "box": [0.25, 0.5, 0.25, 0.125],
            "anchor_id": "",
            "confidence": 0.9877,
        },
        {"id": "lamp-1", "label": "lamp", "box": None, "anchor_id": "anchor-1", "confidence": None},
    ]
    assert shape["text"] == "a red chair"
    assert shape["timings"]["first_token_ms"] == 12.35
    assert set(shape["timings"]) == set(types.Timings.__annotations__)


def test_answer_json_has_the_promised_shape():
    answer = types.Answer(types.Question("where"), "here", (), DONE, USAGE, TIMINGS)
    assert list(show.answer_json(answer)) == ["question", "answer", "objects", "timings"]


def test_boxes_are_drawn_where_they_are(tmp_path):
    Image.new("RGB", (96, 96), "white").save(tmp_path / "in.png")
    drawing.draw(tmp_path / "in.png", [CHAIR, LAMP], tmp_path / "out.png")
    drawn = np.asarray(Image.open(tmp_path / "out.png")).astype(int)
    assert drawn.shape == (960, 960, 3)
    ys, xs = np.nonzero((drawn != 255).any(axis=2))
    assert (xs.min(), ys.max()) == (240, 600)
    assert xs.max() == 480


@pytest.mark.parametrize(
    "command", ["demo", "describe", "ask", "chat", "transcribe", "live", "info", "serve", "train", "eval", "bench live"]
)
def test_every_command_explains_itself_with_an_example(command, capsys):
    status, out, _ = run(capsys, *command.split(), "--help")
    assert status == 0
    assert f"Example: scenewright {command}" in out


def test_without_arguments_comes_help(capsys):
    assert "describe" in run(capsys)[1]


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["describe"], 2, "--scene"),
        (["describe", "--scene", "g.json", "--draw", "x.png"], 2, "IMAGE"),
        (["ask", "room.png"], 2, "--voice"),
        (["describe", "missing.png", "--server", "127.0.0.1:1"], 2, "cannot read 'missing.png'"),
        (["transcribe", "missing.wav", "--server", "127.0.0.1:1"], 2, "cannot read 'missing.wav'"),
        (["demo", "--examples", "nowhere"], 2, "--examples"),
        (["live", "room.png"], 2, "--mic"),
        (["live", "room.png", "hall.png", "--voice", "a.wav"], 2, "not 2"),
        (["live", "--scene", "g.json", "--voice", "missing.wav", "other.wav"], 2, "cannot read 'g.json'"),
        (["live", "--check", "missing.jsonl"], 2, "missing.jsonl"),
        (["info", "--server", "127.0.0.1:1"], 3, "scenewright serve"),
        (["info", "--server", "127.0.0.1:1", "--token", "two words"], 2, "token"),
    ],
)
def test_errors_say_what_to_do(arguments, status, words, capsys):
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (status, "")
    assert words in " ".join(err.split())
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("command", "package", "extra"),
    [
        ("live room.png --mic", "sounddevice", "mic"),
        ("serve", "scenewright_server.service.app", "server"),
        ("info", "scenewright_server.service.app", "server"),
        ("train", "scenewright_server.training.recipe", "train"),
        ("eval", "scenewright_server.training.evaluation.run", "train"),
        ("bench live", "espeakng_loader", "bench"),
    ],
)
def test_a_missing_package_is_named_with_its_extra(command, package, extra, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, package, None)
    code, out, err = run(capsys, *command.split())
    assert (code, out) == (1, "")
    assert err.startswith(f"error: this needs the Python package {package!r}")
    assert err.endswith(f": pip install 'scenewright[{extra}]'\n") and err.count("\n") == 1


def test_the_server_may_stand_in_the_environment(monkeypatch, capsys):
    monkeypatch.setenv("SCENEWRIGHT_SERVER", "127.0.0.1:1")
    assert run(capsys, "info")[0] == 3
