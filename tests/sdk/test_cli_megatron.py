"""`scenewright import megatron`: checkpoints become bundles that say what their source says; `models` tells of one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from scenewright_server.families.bundle import load_family
from scenewright_server.families.chat.chat import Chat
from scenewright_server.families.chat.storage import load_bundle
from scenewright_server.importers.gpt2_tokenizer import gpt2_tokenizer
from scenewright_server.model.config import GPTConfig
from scenewright_server.model.gpt import GPT
from torch import Tensor

from tests.importers.known_models import IDS, SOURCES, tokenizer
from tests.importers.megatron_layout import save, save_distributed
from tests.sdk.test_cli_models import run

GPT2, LLAMA = SOURCES["gpt2"][:2], SOURCES["llama"][:2]


@pytest.fixture
def import_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, Path, str]]:
    """Runs the command on a directory; gives its status, the bundle's place and what it says."""

    def run_it(directory: Path, *options: object) -> tuple[int, Path, str]:
        out = tmp_path / "made"
        (tmp_path / "tokenizer.json").write_bytes(tokenizer())
        given = ("--tokenizer", tmp_path / "tokenizer.json", "--dtype", "float32", *options)
        status, printed, failed = run(capsys, "import", "megatron", directory, "--out", out, *given)
        return status, out, printed + failed

    return run_it


@torch.inference_mode()
def logits(bundle: Path, ids: Tensor) -> Tensor:
    gpt = load_bundle(bundle, torch.device("cpu"), None).gpt
    return gpt.logits(gpt(gpt.embed(ids)))


LAYOUTS: dict[str, tuple[str, Callable[[Path], Path]]] = {
    "no version": ("gpt2", lambda path: save(path, *GPT2, None)),
    "0, pipeline 2": ("gpt2", lambda path: save(path, *GPT2, 0.0, (1, 2))),
    "1.0, tensor 2": ("gpt2", lambda path: save(path, *GPT2, 1.0, (2, 1))),
    "2.0": ("gpt2", lambda path: save(path, *GPT2, 2.0)),
    "3.0, tensor 4": ("gpt2", lambda path: save(path, *GPT2, 3.0, (4, 1))),
    "core, tensor 2, pipeline 2": ("llama", lambda path: save(path, *LLAMA, 3.0, (2, 2), core=True)),
    "torch_dist": ("llama", lambda path: save_distributed(path, *LLAMA)),
}


@pytest.mark.filterwarnings("ignore:torch.distributed is disabled")
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_checkpoint_becomes_a_bundle_that_says_what_its_source_says(
    layout: str, tmp_path: Path, import_it: Callable[..., tuple[int, Path, str]]
) -> None:
    """Every version and split of the readers is in tests/importers/test_megatron.py; here the way through the files."""
    kind, write = LAYOUTS[layout]
    status, out, said = import_it(write(tmp_path / "checkpoint"))
    assert status == 0, said
    expected, found = SOURCES[kind][2], logits(out, IDS)
    assert (found - expected).abs().max() < 1e-4
    assert torch.equal(found.argmax(-1), expected.argmax(-1))


def test_a_base_model_of_gpt2s_vocabulary_is_served_by_the_plain_template(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.manual_seed(0)
    config = GPTConfig(
        vocab_size=50257, n_ctx=256, d_model=8, n_layers=1, n_heads=2, n_kv_heads=2, d_ff=16, norm="layernorm",
        positions="learned", mlp="gelu_tanh", bias=True, qkv_bias=True, qk_norm=False, embed_scale=1.0,
    )  # fmt: skip
    state = GPT(config).state_dict()
    directory, out = save(tmp_path / "checkpoint", config, state, None), tmp_path / "made"
    status, printed, failed = run(capsys, "import", "megatron", directory, "--out", out, "--license", "MIT")
    assert status == 0 and str(out) in printed.replace("\n", ""), failed
    family = load_family(out)
    assert isinstance(family, Chat) and family.spec.license == "MIT"
    assert (out / "tokenizer.json").read_bytes() == gpt2_tokenizer()
    assert family.line_end == "\n" and family.stops == {50256} and family.decoder.shape.n_ctx == 256


def spoil_missing(path: Path) -> None:
    next(path.glob("iter_*/mp_rank_00/*")).unlink()


def spoil_optimizer_only(path: Path) -> None:
    file = path / "iter_0000005" / "mp_rank_01" / "model_optim_rng.pt"
    saved: dict[str, Any] = torch.load(file, weights_only=False)
    del saved["model"]
    torch.save(saved, file)


def spoil_code(path: Path) -> None:
    file = path / "iter_0000005" / "mp_rank_00" / "model_optim_rng.pt"
    file.write_bytes(b"cos\nsystem\n(S'touch " + str(path / "mark").encode() + b"'\ntR.")


@pytest.mark.parametrize(
    ("version", "spoil", "options", "said"),
    [
        (2.0, spoil_missing, (), "mp_rank_00/model_optim_rng.pt: file: expected to be there, found nothing"),
        (2.0, spoil_optimizer_only, (), "mp_rank_01/model_optim_rng.pt: model: expected its tensors, in one part"),
        (2.0, spoil_code, (), "mp_rank_00/model_optim_rng.pt: content: expected tensors and plain values only"),
        (9.0, None, (), "checkpoint_version: expected one of 0.0, 1.0, 2.0, 3.0, or none, found 9.0"),
        (2.0, None, ("--end", "</s>"), "tokenizer: end: expected a token </s>, found none"),
        (2.0, None, ("--dtype", "int3"), "dtype: expected one of bfloat16, float32, found int3"),
    ],
)
def test_what_cannot_be_imported_is_refused_and_leaves_nothing(
    version: float,
    spoil: Callable[[Path], None] | None,
    options: tuple[str, ...],
    said: str,
    tmp_path: Path,
    import_it: Callable[..., tuple[int, Path, str]],
) -> None:
    directory = save(tmp_path / "checkpoint", *GPT2, version, (2, 1))
    if spoil is not None:
        spoil(directory)
    status, out, printed = import_it(directory, *options)
    assert status == 1 and said in printed and not out.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint", "tokenizer.json"]
    assert not (directory / "mark").exists()


def test_the_tokenizer_must_be_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, _, failed = run(capsys, "import", "megatron", tmp_path, "--out", tmp_path / "a", "--tokenizer", "none.json")
    assert status == 2 and "--tokenizer none.json: expected a tokenizer.json, found no file" in failed


def test_models_say_what_is_to_be_fetched_by_hand(capsys: pytest.CaptureFixture[str]) -> None:
    (listed,) = json.loads(run(capsys, "models", "--json")[1])["by_hand"]
    assert listed["name"] == "megatron-345m" and listed["address"].startswith("https://api.ngc.nvidia.com/")
    assert "scenewright import megatron megatron_lm_345m --out bundles/megatron-345m" in run(capsys, "models")[1]
    status, _, failed = run(capsys, "pull", "megatron-345m")
    assert status == 2 and "by hand" in failed and listed["address"] in failed
