"""The command: what it prints, how it fails."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scenewright import types
from scenewright.cli import drawing, show
from scenewright.cli.app import main

ROOT = Path(__file__).resolve().parents[2]
ROOM, VOICE = "examples/living_room.jpg", "examples/what_colour_is_the_chair.wav"
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
        (["describe", ROOM, "--draw", "boxes"], 2, "--draw 'boxes': expected a name that ends in .png"),
        (
            ["describe", ROOM, "--draw", "/no/such/b.png"],
            2,
            "--draw '/no/such/b.png': there is no directory '/no/such'",
        ),
        (["describe", ROOM, "--draw", "."], 2, "--draw '.'"),
        (["describe", ROOM, "--scene", "g.json"], 2, "cannot read 'g.json'"),
        (["describe", ROOM, "--timeout", "nan"], 2, "--timeout"),
        (["describe", ROOM, "--timeout", "-1"], 2, "--timeout"),
        (["describe", "examples"], 2, "cannot read 'examples'"),
        (["live", ROOM, "--voice", VOICE, "--log", "/no/such/l.jsonl"], 2, "--log '/no/such/l.jsonl'"),
        (["eval", "--picture", "/no/such/b.png"], 2, "--picture"),
        (["demo", "--out", "/no/such/b.png"], 2, "--out"),
        (["train", "--config", "/nope.toml"], 2, "cannot read '/nope.toml'"),
        (["info", "--server", "127.0.0.1:1", "--tls-root", "/nope"], 2, "cannot read '/nope'"),
        (["info", "--server", "127.0.0.1:1", "--tls-root", ROOM], 2, "expected certificates in PEM"),
        (["info", "--server", "http://127.0.0.1:1"], 2, "expected HOST:PORT"),
        (["info", "--server", "127.0.0.1:99999"], 2, "1 to 65535"),
        (["info", "--server", "somewhere"], 2, "expected HOST:PORT"),
        (["info", "--model", "/no/such/bundle"], 2, "--model: no bundle at"),
        (["serve", "--config", "/nope.toml"], 2, "config: no file at /nope.toml"),
        (["serve", "--address", "127.0.0.1:99999"], 2, "port of 0 to 65535"),
        (["serve", "--tls-key", "/nope"], 2, "tls_key is given without tls_certificate"),
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
        ("live examples/living_room.jpg --mic", "sounddevice", "mic"),
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


def test_what_is_drawn_can_be_read_in_every_script(tmp_path, monkeypatch, capsys):
    """In a font that has it; where there is none, as numbers with a legend and a line that says why."""
    Image.new("RGB", (96, 96), "white").save(tmp_path / "in.png")
    box = types.Box(0.25, 0.5, 0.25, 0.25)
    drawn = {}
    for label in ("chair", "стул", "闹钟", "การ", "ﻛﺮﺳﻲ", "\U0001f600"):
        monkeypatch.undo()
        has_font = drawing.find_font(label) is not None
        assert has_font or not label.isascii()
        monkeypatch.setattr(drawing, "_font_files", lambda: iter(()))
        out = tmp_path / "out.png"
        legend = drawing.draw(tmp_path / "in.png", [types.Annotation("a", label, box)], out)
        assert legend == ([] if drawing.find_font(label) else [f"1: {label}"])
        drawn[label] = out.read_bytes() if legend else b""
        drawing.print_legend(legend)
        assert capsys.readouterr().err == (f"{LEGEND}\n1: {label}\n" if legend else "")
    assert drawn["闹钟"] and drawn["闹钟"] == drawn["การ"], "a number stands for either"
    assert drawing.find_font("ascii") is not None and drawing.find_font("a\u200b b") is not None


LEGEND = "no font here has all the labels' characters: numbers stand for them"


def test_the_drawing_is_upright(tmp_path):
    exif = Image.Exif()
    exif[0x112] = 6
    Image.new("RGB", (80, 40), "white").save(tmp_path / "in.jpg", exif=exif)
    drawing.draw(tmp_path / "in.jpg", [CHAIR], tmp_path / "out.png")
    assert Image.open(tmp_path / "out.png").size == (480, 960)


@pytest.mark.parametrize("encoding", ["ascii", "cp932", "cp1252", "utf-8"])
def test_json_is_valid_in_any_encoding(encoding, monkeypatch):
    out = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="replace")
    monkeypatch.setattr(sys, "stdout", out)
    value = {"闹钟": ["é", "\U0001f600", "?", "\udc80"], "none": [float("nan"), 1.5]}
    show.print_json(value)
    out.flush()
    assert json.loads(out.buffer.getvalue().decode(encoding)) == {**value, "none": [None, 1.5]}


@pytest.fixture
def small(tmp_path) -> str:
    """A picture within the test server's bounds."""
    Image.new("RGB", (64, 64), "red").save(tmp_path / "small.png")
    return str(tmp_path / "small.png")


COMMAND = [sys.executable, "-c", "from scenewright.cli.app import main; main()"]


@pytest.mark.parametrize("encoding", ["ascii", "cp932", "cp1252", "latin-1:strict"])
def test_words_are_printed_in_any_encoding(encoding, server_address, small):
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    given = [*COMMAND, "ask", small, "闹钟在哪里 é?", "--server", server_address]
    done = subprocess.run(given, capture_output=True, env=environment, cwd=ROOT)
    assert done.returncode == 0 and b"Traceback" not in done.stderr and done.stdout


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("as_json", [[], ["--json"]])
def test_a_full_disk_and_a_closed_pipe_are_one_line_and_no_traceback(as_json, server_address):
    given = [*COMMAND, "info", "--server", server_address, *as_json]
    with open("/dev/full", "wb") as full:
        done = subprocess.run(given, stdout=full, stderr=subprocess.PIPE, text=True)
    assert (
        done.returncode == 1
        and done.stderr.startswith("error: the output: No space left")
        and done.stderr.count("\n") == 1
    )
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(given, stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    assert done.returncode == 1 and "Traceback" not in done.stderr and done.stderr.count("\n") <= 1


@pytest.mark.parametrize(
    "mistake",
    [
        "/image /nope.jpg",
        "/image examples/living_room.jpg",
        "/image examples/demo.json",
        "/voice /nope.wav",
        "/image examples",
        "/image a\0b",
    ],
)
def test_a_chat_goes_on_after_a_mistake_with_the_picture_it_had(mistake, server_address, small, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{mistake}\nwhat is this\nwhat is this\nand this\n"))
    code, out, err = run(capsys, "chat", small, "--json", "--server", server_address)
    assert code == 0
    # A picture is refused with the question that brings it; other lines as they are typed.
    n_refused = 1 if mistake in ("/image examples/living_room.jpg", "/image examples/demo.json") else 0
    assert err.count("error:") == 1
    questions = [json.loads(line)["question"] for line in out.splitlines()]
    assert questions == ["what is this", "what is this", "and this"][n_refused:]


@pytest.mark.parametrize(
    ("variable", "value"), [("SCENEWRIGHT_SLOTS", "x"), ("SCENEWRIGHT_TLS_KEY", "/nope"), ("SCENEWRIGHT_ADDRESS", "")]
)
def test_a_servers_variables_do_not_reach_local_commands(variable, value, monkeypatch, capsys):
    monkeypatch.setenv(variable, value)
    code, out, _ = run(capsys, "info", "--json")
    assert code == 0 and json.loads(out)["name"] == "diorama"
