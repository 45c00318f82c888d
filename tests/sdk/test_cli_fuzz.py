"""The command on any arguments, environment and standard input: an exit status and a line, never a traceback."""

from __future__ import annotations

import io
import json
import os
from contextlib import ExitStack
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from scenewright.cli.app import main

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
N_RUNS = 2_000
NOWHERE = "127.0.0.1:1"

words = st.sampled_from(
    [
        "", " ", "-", "--", "-1", "0", "nan", "inf", "1e999", "zh-CN", "EN", "x" * 300, "闹钟", "\u202e", "\udc80",
        "{file}", "{text}", "{image}", "{scene}", "{voice}", "{cut}", "{dir}", "{dir}/none/b.png", "{dir}/b",
        "{dir}/b.png", "*", "\n", "/dev/null", "/nope.jpg", "what is this", "--help", "--nope", "a\0b",
    ]
)  # fmt: skip
options = st.sampled_from(
    ["--scene", "--draw", "--language", "--voice", "--json", "--tls-root", "--token", "--model", "--timeout", "--tls",
     "--log", "--check", "--mic", "--server"]
)  # fmt: skip
talking = st.tuples(
    st.sampled_from(["describe", "ask", "chat", "transcribe", "info", "live", "demo"]),
    st.lists(st.one_of(words, options), max_size=6),
).map(lambda pair: [pair[0], *pair[1]])
# What would begin to work for hours, were it right, is given one thing that is wrong.
hosting = st.tuples(
    st.sampled_from(
        ["serve --config {dir}/none", "serve --address 1", "serve --slots x", "train --config {dir}/none",
         "eval --model {dir}", "eval --n 0", "eval --picture {dir}/b", "pull no-such-model",
         "import gguf {dir}/none --out", "import hf {dir} --out", "bench live --seconds x", "bench", "import"]
    ),
    st.lists(words, max_size=3),
).map(lambda pair: [*pair[0].split(), *pair[1]])  # fmt: skip
arguments = st.one_of(talking, talking, hosting, st.lists(words, max_size=3))
lines = st.lists(
    st.one_of(st.text(max_size=20), words, words.map("/image {}".format), words.map("/voice {}".format)), max_size=3
)
environment = st.dictionaries(
    st.sampled_from(
        ["SCENEWRIGHT_SERVER", "SCENEWRIGHT_TOKEN", "SCENEWRIGHT_SLOTS", "SCENEWRIGHT_TLS_KEY", "SCENEWRIGHT_NOPE",
         "SCENEWRIGHT_MODELS", "COLUMNS", "NO_COLOR"]
    ),
    st.sampled_from(["", "x", "0", "-1", "[", "two words", NOWHERE, "闹钟", "127.0.0.1:99999", "/nope"]),
    max_size=2,
)  # fmt: skip


@pytest.fixture(scope="module")
def places(tmp_path_factory) -> dict[str, str]:
    """Files that arguments may name."""
    directory = tmp_path_factory.mktemp("fuzz")
    (directory / "text.txt").write_text("no picture")
    scene = {"handedness": "HANDEDNESS_LEFT_HANDED", "objects": []}
    (directory / "scene.json").write_text("\ufeff" + json.dumps(scene), encoding="utf-8")
    (directory / "cut.wav").write_bytes((EXAMPLES / "what_colour_is_the_chair.wav").read_bytes()[:-1])
    return {
        "dir": str(directory),
        "file": str(directory / "file"),
        "text": str(directory / "text.txt"),
        "scene": str(directory / "scene.json"),
        "cut": str(directory / "cut.wav"),
        "image": str(EXAMPLES / "living_room.jpg"),
        "voice": str(EXAMPLES / "what_colour_is_the_chair.wav"),
    }


def run(given: list[str], typed: bytes, around: dict[str, str], encoding: str) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of a run in this process."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="\n") for _ in range(2))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SCENEWRIGHT_")}
    with ExitStack() as stack:
        stack.enter_context(patch.dict(os.environ, {**kept, **around}, clear=True))
        for name, stream in (
            ("stdin", io.TextIOWrapper(io.BytesIO(typed), encoding=encoding)),
            ("stdout", out),
            ("stderr", err),
        ):
            stack.enter_context(patch(f"sys.{name}", stream))
        with pytest.raises(SystemExit) as ended:
            main(given)
        for stream in (out, err):
            stream.flush()
    said = [stream.buffer.getvalue().decode(encoding, "replace") for stream in (out, err)]
    return ended.value.code or 0, said[0], said[1]


def test_no_input_gives_a_traceback(places: dict[str, str], server_address: str, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    n_runs = 0
    statuses = set()

    @settings(
        max_examples=N_RUNS,
        derandomize=True,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(arguments, lines, environment, st.sampled_from(["utf-8", "ascii", "cp932", "cp1252"]), st.integers(1, 40))
    def one(given: list[str], typed: list[str], around: dict[str, str], encoding: str, n: int) -> None:
        nonlocal n_runs
        n_runs += 1
        around = {"SCENEWRIGHT_SERVER": server_address if n > 1 else NOWHERE, **around}
        if not around["SCENEWRIGHT_SERVER"]:
            del around["SCENEWRIGHT_SERVER"]
            given = [*given, "--server", NOWHERE] if given[:1] not in (["serve"], ["train"], ["eval"]) else given
        given = [argument.format(**places) if "{" in argument else argument for argument in given]
        if given[:1] == ["live"]:
            given = [argument for argument in given if argument not in ("--mic", places["voice"], places["cut"])]
        typed_bytes = "\n".join(line.replace("{image}", places["image"]) for line in typed).encode(
            "utf-8", "surrogatepass"
        )
        status, out, err = run(given, typed_bytes, around, encoding)
        statuses.add(status)
        assert status in (0, 1, 2, 3), (status, err)
        assert "Traceback" not in out + err, err
        is_told = err.strip() or "Usage" in out or "COLUMNS" in around  # none of which may be left for words
        assert status == 0 or is_told or given[:1] == ["live"], "what went wrong is said"
        if "--json" in given and status == 0 and "--help" not in given and out.strip():
            for document in [out] if given[0] not in ("chat", "live") else out.splitlines():
                json.loads(document)

    one()
    assert n_runs >= N_RUNS and statuses == {0, 1, 2, 3}
