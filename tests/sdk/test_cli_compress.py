"""`scenewright compress`: bundles that are smaller on the disk and in memory, say nearly the same and are served."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import scenewright
import torch
from safetensors.torch import load_file
from scenewright import types
from scenewright_server.families.bundle import EMBEDDED, MANIFEST, BundleError, load_family
from scenewright_server.families.chat.chat import Chat
from scenewright_server.families.chat.storage import load_bundle
from scenewright_server.families.decoder import GPTDecoder
from scenewright_server.importers.bundles import Origin, Parts, write_bundle
from scenewright_server.importers.endpoint import read_endpoint
from scenewright_server.model.gpt import GPT
from scenewright_server.model.quantised import count_bytes, unpack_int4, unpack_int8
from scenewright_server.service.app import background_server
from scenewright_server.service.settings import load_settings
from scenewright_server.training.evaluation import compression
from scenewright_server.training.planner import train_planner
from scenewright_server.training.recipe import RecipeError
from torch import Tensor

from tests.families.chat import tiny
from tests.families.chat.test_served import SCENE, SHORT
from tests.sdk.test_cli_models import run

CPU = torch.device("cpu")


def wide() -> Parts:
    """A tiny chat model with a planner, whose columns int4's groups divide."""
    parts = tiny.parts()
    config = replace(parts.language.config, d_ff=64)
    torch.manual_seed(0)
    gpt = GPT(config)
    for parameter in gpt.parameters():
        if parameter.dim() == 2:
            parameter.data.mul_(6)
    pairs = tiny.planner()
    state = {name: t for name, t in pairs.state.items() if ".mlp." not in name}
    return replace(
        parts,
        language=replace(parts.language, config=config, state=gpt.state_dict()),
        planner=replace(pairs, state=state),
    )


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("source") / "wide"
    return write_bundle(path, wide(), name="wide", languages=("en", "zh"), dtype="float32")


def unpacked(path: Path) -> dict[str, Tensor]:
    """A compressed bundle's decoder as plain weights."""
    state = load_file(path / "decoder.safetensors")
    for packed in [name for name in state if name.endswith(".packed")]:
        layer = packed.removesuffix(".packed")
        two = state.pop(packed), state.pop(f"{layer}.scales")
        state[f"{layer}.weight"] = (unpack_int8 if two[0].dtype == torch.int8 else unpack_int4)(*two)
    return state


@pytest.mark.parametrize("bits", ["int8", "int4"])
def test_a_packed_bundle_is_smaller_and_says_nearly_the_same(
    bits: str, source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "small"
    status, printed, failed = run(capsys, "compress", source, "--out", out, "--weights", bits, "--rounds", 1, "--json")
    assert status == 0, failed
    told = json.loads(printed)
    before, after = told["before"], told["after"]
    assert told["compression"] == {"weights": bits, **({"group": 32} if bits == "int4" else {})}
    rotary = 2 * 2048 * 8 * 4  # bytes of angles, which nothing makes smaller
    assert after["memory_bytes"] - rotary < 0.35 * (before["memory_bytes"] - rotary)
    assert after["disk_bytes"] < before["disk_bytes"]
    assert before["tokens_per_s"] > 0 and after["plan_s"] > 0
    assert after["perplexity"]["en"] == pytest.approx(before["perplexity"]["en"], rel=0.3)

    small, plain = load_bundle(out, CPU, None), load_bundle(source, CPU, None)
    assert small.planner is not None and plain.planner is not None
    assert after["memory_bytes"] == count_bytes(small.gpt, small.planner)
    exact = GPT.of(small.gpt.config, unpacked(out))
    ids = torch.tensor([small.tokenizer.encode("the goblin king stands on the altar")])
    with torch.inference_mode():
        found, expected = (gpt.logits(gpt(gpt.embed(ids))) for gpt in (small.gpt, exact))
        assert (found - expected).abs().max() < 0.1 * expected.std()
        naive = small.tokenizer.encode((compression.TEXTS["en"]).read_text())[:600]
        losses = [loss for part in (naive[:512], naive[512:]) for loss in token_losses(exact, part)]
    assert compression.perplexity_of(GPTDecoder(exact), naive) == pytest.approx(mean_exp(losses), rel=1e-4)


def token_losses(gpt: GPT, ids: list[int]) -> list[float]:
    scores = gpt.logits(gpt(gpt.embed(torch.tensor([ids]))))[0].log_softmax(-1)
    return [-float(scores[n, token]) for n, token in enumerate(ids[1:])]


def mean_exp(losses: list[float]) -> float:
    return float(torch.tensor(losses).double().mean().exp())


def test_a_packed_bundle_with_a_planner_is_served(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "small"
    assert run(capsys, "compress", source, "--out", out, "--weights", "int8", "--rounds", 0)[0] == 0
    settings = load_settings(models=(str(out),), address="127.0.0.1:0", log_level="error", device="cpu")
    with background_server(settings) as server, scenewright.Client(server.address) as client:
        model = client.model()
        assert model.name == "small" and "int8" in model.architecture
        assert client.describe(scene=SCENE, sampling=SHORT).usage.output_tokens > 0
        assert client.ask("Where is the goblin king?", scene=SCENE, sampling=SHORT).text
        greedy = scenewright.Sampling(max_new_tokens=8)
        whole = client.generate("the goblin king", sampling=greedy).sequences[0].text
        events = list(client.generate_stream("the goblin king", sampling=greedy))
        assert "".join(event.text for event in events if isinstance(event, types.TextDelta)) == whole
    family = load_family(out)
    assert isinstance(family, Chat) and family.plans
    assert family.spec.n_parameters == load_family(source).spec.n_parameters


@pytest.mark.parametrize(("prune", "share"), [("2:4", 0.5), ("magnitude:0.3", 0.3)])
@pytest.mark.parametrize("which", ["chat", "diorama"])
def test_pruned_bundles_stay_dense_and_load(
    which: str, prune: str, share: float, source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle, out = (source if which == "chat" else EMBEDDED), tmp_path / "pruned"
    status, _, failed = run(capsys, "compress", bundle, "--out", out, "--prune", prune, "--rounds", 0)
    assert status == 0, failed
    file = "decoder.safetensors" if which == "chat" else "weights.safetensors"
    old, new = load_file(bundle / file), load_file(out / file)
    assert old.keys() == new.keys()
    n_pruned = 0
    for name, weight in new.items():
        if ".attention." in name and name.endswith(("qkv.weight", "out.weight")) and "blocks" in name:
            n_pruned += 1
            assert float((weight == 0).float().mean()) == pytest.approx(share, abs=0.01)
            if prune == "2:4":
                assert ((weight.unflatten(1, (-1, 4)) == 0).sum(-1) >= 2).all()
        elif name.endswith(("tokens.weight", "norm.weight")):
            assert torch.equal(weight, old[name])
    assert n_pruned >= 4
    load_family(out)
    assert "pruned" in (out / "MODEL_CARD.md").read_text()
    assert json.loads((out / MANIFEST).read_text())["provenance"]["compressed"]["prune"] == prune


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "nothing to do: expected --weights, --prune or both"),
        (("--weights", "int3"), "--weights int3: expected one of int8, int4"),
        (("--weights", "int4", "--group", "48"), "--group 48: expected one of 32, 64, 128, 256"),
        (("--weights", "int4", "--group", "64"), "it does not divide the 32 columns of"),
        (("--weights", "int4", "--prune", "2:4"), "--prune with --weights int4"),
        (("--prune", "magnitude:1.0"), "--prune magnitude:1.0: expected 2:4, or magnitude:SHARE"),
        (("--prune", "3:4"), "--prune 3:4: expected 2:4, or magnitude:SHARE"),
        (("--weights", "int8", "--eval", "photos"), "--eval photos: expected people"),
    ],
)
def test_what_cannot_be_done_is_refused_and_leaves_nothing(
    options: tuple[str, ...], said: str, source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, _, failed = run(capsys, "compress", source, "--out", tmp_path / "out", *options)
    assert status == 2 and said in failed and failed.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_bundles_that_cannot_be_compressed_are_refused_by_name(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def refusal(bundle: Path, out: Path, *options: str) -> str:
        status, _, failed = run(capsys, "compress", bundle, "--out", out, *options, "--rounds", 0)
        assert status == 2 and failed.count("\n") == 1
        return failed

    out = tmp_path / "small"
    assert run(capsys, "compress", source, "--out", out, "--weights", "int8", "--rounds", 0)[0] == 0
    assert "its weights are int8 already" in refusal(out, tmp_path / "again", "--weights", "int4")
    assert "it is the bundle that is read" in refusal(source, source, "--weights", "int8")
    (tmp_path / "notes").mkdir()
    assert "expected nothing there, or a bundle" in refusal(source, tmp_path / "notes", "--weights", "int8")
    assert "this one is a diorama" in refusal(EMBEDDED, tmp_path / "new", "--weights", "int8")
    assert "no bundle at" in refusal(tmp_path / "nowhere", tmp_path / "new", "--weights", "int8")
    manifest = json.loads((out / MANIFEST).read_text())
    manifest["decoder"]["packed"]["format"] = 2
    (out / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match="packed: format 2, this version has 1"):
        load_family(out)
    assert not (tmp_path / "again").exists() and not (tmp_path / "new").exists()


def test_an_endpoint_has_no_weights_to_compress(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    origins = {"language": Origin("big", "http://127.0.0.1:9/v1", "unknown")}
    parts = Parts(read_endpoint("http://127.0.0.1:9/v1", "big"), None, None, origins)
    bundle = write_bundle(tmp_path / "far", parts, name="far")
    status, _, failed = run(capsys, "compress", bundle, "--out", tmp_path / "new", "--weights", "int8")
    assert status == 2 and "its decoder is an endpoint" in failed and not (tmp_path / "new").exists()


def test_a_planner_is_not_trained_on_packed_weights(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "small"
    assert run(capsys, "compress", source, "--out", out, "--weights", "int8", "--rounds", 0)[0] == 0
    (tmp_path / "planner.toml").write_text(f'[planner]\nmodel = "{out}"\n')
    with pytest.raises(RecipeError, match="with int8 weights"):
        train_planner(tmp_path / "planner.toml", tmp_path / "run")
