"""`scenewright generate`: what it prints, and how it fails."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from scenewright_server.importers.bundles import write_bundle

from tests.families.chat.tiny import parts
from tests.sdk.test_cli_models import run


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bundle(tmp_path_factory.mktemp("models") / "tiny", parts(), name="tiny", dtype="float32")


def test_a_text_goes_on_printed_or_as_json(bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ("generate", "the stone altar", "--model", bundle, "--max-new-tokens", 6)
    status, printed, failed = run(capsys, *given, "--json")
    assert status == 0, failed
    (one,) = json.loads(printed)["sequences"]
    assert one["output_tokens"] == len(one["tokens"]) == 6 and one["finish_reason"] == "token_limit"
    schema = tmp_path / "schema.json"
    schema.write_text('{"type": "boolean"}')
    status, printed, _ = run(capsys, *given, "--json-schema", schema)
    assert status == 0 and printed.splitlines()[0] in ("true", "false")
    status, printed, _ = run(capsys, *given, "--num-beams", 3, "--num-return-sequences", 3, "--json")
    scores = [one["score"] for one in json.loads(printed)["sequences"]]
    assert status == 0 and len(scores) == 3 and scores == sorted(scores, reverse=True)


def test_what_is_no_request_is_refused(bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, _, failed = run(capsys, "generate", "a", "--model", bundle, "--num-beams", 4, "--temperature", 1)
    assert status == 2 and "sampling.temperature is 1.0, needs 0 with num_beams above 1" in failed
    status, _, failed = run(capsys, "generate", "a", "--model", bundle, "--json-schema", tmp_path / "none.json")
    assert status == 2 and "--json-schema" in failed and "expected a file of text" in failed
