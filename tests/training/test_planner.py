"""Training a planner's adapter, on a tiny decoder."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from scenewright_server.families.chat.storage import Bundle, load_bundle
from scenewright_server.importers.bundles import write_bundle
from scenewright_server.importers.planner import read_planner
from scenewright_server.importers.refusal import ImportRefused
from scenewright_server.model.adapters import merge_adapter, pack_pairs
from scenewright_server.training.lora import Adapted, answer_loss, read_pairs, save_pairs, shrink
from scenewright_server.training.packing import IGNORED, Rows, collate, pack
from scenewright_server.training.planner import PlannerRecipe, fit_planner
from scenewright_server.training.recipe import RecipeError

from tests.families.chat import tiny

LANGUAGES = (("en", "en", 1.0),)


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    write_bundle(tmp_path / "tiny", tiny.parts(), name="tiny", languages=("en",), dtype="float32", n_context=2048)
    return load_bundle(tmp_path / "tiny", torch.device("cpu"), torch.float32)


def adapted(bundle: Bundle) -> Adapted:
    model = Adapted(bundle.gpt, rank=4, scale=2, is_compiled=False)
    torch.manual_seed(5)
    for parameter in model.parameters():
        parameter.data.normal_(std=0.2)
    return model


def test_packed_questions_cost_what_they_cost_alone(bundle: Bundle) -> None:
    rows = Rows(bundle.tokenizer, LANGUAGES, 1200, 700, seed=4)
    row = next(iter(rows))
    model, n = adapted(bundle), row.segments.index(1)
    packed, _ = answer_loss(model, collate([row], 1200))
    total = count = 0.0
    for k in range(1, max(row.segments) + 1):
        ids = [id for id, segment in zip(row.ids, row.segments, strict=True) if segment in (0, k)]
        labels = [label for label, segment in zip(row.labels, row.segments, strict=True) if segment == k]
        logits = model.gpt.logits(model.gpt(model.gpt.embed(torch.tensor([ids]))))[0, n:]
        told = [i for i, label in enumerate(labels) if label != IGNORED]
        wanted = torch.tensor([labels[i] for i in told])
        total += float(torch.nn.functional.cross_entropy(logits[told], wanted, reduction="sum").detach())
        count += len(told)
    assert max(row.segments) > 2
    assert float(packed.detach()) == pytest.approx(total / count, rel=1e-3)


def test_a_label_is_the_next_token_of_a_plan(bundle: Bundle) -> None:
    row = pack([1, 2, 3], iter([((4, 5), (6, 7)), ((8,), (9,))] + [((1,) * 50, (1,))] * 3), 10)
    assert row.ids == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert row.positions == [0, 1, 2, 3, 4, 5, 6, 3, 4]
    assert row.labels == [IGNORED] * 4 + [6, 7, IGNORED, 9, IGNORED]
    assert [
        label for label, next_id in zip(row.labels, row.ids[1:], strict=False) if label not in (IGNORED, next_id)
    ] == []


def test_the_adapter_that_is_saved_is_the_one_that_was_trained(bundle: Bundle) -> None:
    model = adapted(bundle)
    x = bundle.gpt.embed(torch.arange(20)[None])
    trained = model.gpt(x)
    pairs = {name: its.float() for name, its in model.adapter().items()}
    plain = load_bundle_again(bundle)
    assert not torch.allclose(plain(x), trained, atol=0.1)
    assert torch.allclose(merge_adapter(plain, pairs, 4)(x), trained, atol=0.1)


def test_dropout_is_for_training_alone(bundle: Bundle) -> None:
    model = Adapted(bundle.gpt, rank=4, scale=2, is_compiled=False, dropout=0.5)
    for parameter in model.parameters():
        parameter.data.normal_(std=0.2)
    x = bundle.gpt.embed(torch.arange(20)[None])
    model.eval()
    assert torch.equal(model.gpt(x), model.gpt(x))
    model.train()
    assert not torch.equal(model.gpt(x), model.gpt(x))


def test_training_begins_with_an_adapter_that_is_given(bundle: Bundle) -> None:
    model = adapted(bundle)
    saved = {name: its.float() for name, its in model.adapter().items()}
    for parameter in model.parameters():
        parameter.data.zero_()
    model.begin_with(saved)
    assert all(torch.allclose(its.float(), saved[name], atol=1e-2) for name, its in model.adapter().items())
    with pytest.raises(RecipeError, match=r"start: .* is \(3, 32\), must be \(4, 32\)"):
        model.begin_with(tiny.planner(3).state)


def load_bundle_again(bundle: Bundle) -> torch.nn.Module:
    part = tiny.language()
    return type(bundle.gpt).of(bundle.gpt.config, part.state)


def test_a_smaller_rank_is_the_nearest() -> None:
    torch.manual_seed(1)
    a, b = torch.randn(6, 30), torch.randn(20, 6)
    small = shrink({"layer.A": a, "layer.B": b}, 3)
    assert small["layer.A"].shape == (3, 30) and small["layer.B"].shape == (20, 3)
    u, s, v = torch.linalg.svd(b @ a)
    assert torch.allclose(small["layer.B"] @ small["layer.A"], (u[:, :3] * s[:3]) @ v[:3], atol=1e-3)
    whole = shrink({"layer.A": a, "layer.B": b}, 6)
    assert torch.allclose(whole["layer.B"] @ whole["layer.A"], b @ a, atol=1e-3)


def test_int8_pairs_are_the_pairs_within_half_a_step(tmp_path: Path) -> None:
    torch.manual_seed(3)
    pairs = {"blocks.0.mlp.up.A": torch.randn(4, 32), "blocks.0.mlp.up.B": torch.randn(50, 4) * 0.01}
    packed = pack_pairs(pairs)
    assert packed["blocks.0.mlp.up.A"].dtype == torch.int8
    save_pairs(packed, tmp_path / "a.safetensors", {"languages": "en,zh"})
    part = read_planner(tmp_path / "a.safetensors")
    assert (part.rank, part.languages) == (4, ("en", "zh"))
    wanted = pairs["blocks.0.mlp.up.B"] @ pairs["blocks.0.mlp.up.A"]
    found = part.state["blocks.0.mlp.up.B"].float() @ part.state["blocks.0.mlp.up.A"].float()
    assert (found - wanted).norm() < 0.02 * wanted.norm()
    assert read_pairs(tmp_path / "a.safetensors").keys() == pairs.keys()
    save_pairs({**packed, "blocks.0.mlp.up.scale": torch.ones(3)}, tmp_path / "a.safetensors", {})
    with pytest.raises(ImportRefused, match=r"blocks.0.mlp.up.scale: no int8 blocks.0.mlp.up.[AB] of rank 3"):
        read_planner(tmp_path / "a.safetensors")


def test_training_learns_and_goes_on_where_it_stopped(bundle: Bundle, tmp_path: Path) -> None:
    recipe = PlannerRecipe(minutes=0.05, rank=4, keep_rank=3, length=900, max_scene=600, written=0.0, is_compiled=False)
    path = fit_planner(bundle, recipe, tmp_path / "out")
    part = read_planner(path)
    assert part.rank == 3 and part.languages == ("en",)
    assert {name.rpartition(".")[2] for name in part.state} == {"A", "B"}
    assert sum(its.abs().sum() for name, its in part.state.items() if name.endswith("B")) > 0
    merge_adapter(type(bundle.gpt).of(bundle.gpt.config, tiny.language().state), part.state, 3)
    before = load_file(path)
    again = load_bundle(tmp_path / "tiny", torch.device("cpu"), torch.float32)
    fit_planner(again, recipe, tmp_path / "out")  # the time is spent: nothing more is learnt
    after = load_file(path)
    assert all(torch.allclose(before[name], after[name]) for name in before)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"languages": [["fr", "en", 1.0]]}, "languages"),
        ({"minutes": 0}, "minutes is 0, must be > 0"),
        ({"rank": 4, "keep_rank": 5}, r"keep_rank is 5, must be in 0..4"),
        ({"length": 64}, "length is 64"),
        ({"max_scene": 640}, "max_scene is 640"),
        ({"strangers": 1.5}, r"strangers is 1.5, must be in 0..1"),
        ({"dropout": 1}, r"dropout is 1, must be in \[0, 1\)"),
        ({"accelerator": "tpu"}, "accelerator is 'tpu', must be auto, cpu or cuda"),
    ],
)
def test_a_recipe_names_what_is_wrong(values: dict[str, object], told: str) -> None:
    with pytest.raises(RecipeError, match=told):
        PlannerRecipe(**values)  # type: ignore[arg-type]


def test_rows_are_of_their_seed_and_fit(bundle: Bundle) -> None:
    def make(seed: int) -> list[object]:
        return list(islice(Rows(bundle.tokenizer, LANGUAGES, 900, 600, seed), 3))

    assert make(1) == make(1) != make(2)
    assert all(len(row.ids) <= 900 for row in make(3))  # type: ignore[attr-defined]
