"""Adapters become part of a bundle: checked, bounded, and nothing half-written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from scenewright_server.families.bundle import MANIFEST, BundleError, load_family, read_manifest
from scenewright_server.families.chat.chat import Chat
from scenewright_server.families.chat.storage import MAX_ADAPTERS, adapter_file
from scenewright_server.importers.adapters import add_adapter
from scenewright_server.importers.refusal import ImportRefused

from tests.families.chat import tiny


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    tiny.load(tmp_path / "tiny")
    return tmp_path / "tiny"


def write(path: Path, rank: int = 3, kind: str = "speech", **more: torch.Tensor) -> Path:
    save_file({**tiny.planner(rank).state, **more}, path, {"kind": kind, "languages": "en"})
    return path


def test_a_planner_tells_how_sure_its_plans_are(bundle: Path, tmp_path: Path) -> None:
    file, out = tmp_path / "a.safetensors", tmp_path / "out"
    for told, sure in (("-1.5,-5", [-1.5, -5.0]), ("", [-0.5, -5.0])):
        save_file(tiny.planner().state, file, {"kind": "plan", "languages": "en", "sure": told})
        family = load_family(add_adapter(bundle, file, "plan", out))
        assert isinstance(family, Chat) and list(family.sure) == sure
    for told in ("-5,-1.5", "1,-5", "-1", "-1,-2,-3", "a,b", "nan,nan", "-1,-inf"):
        save_file(tiny.planner().state, file, {"kind": "plan", "languages": "en", "sure": told})
        with pytest.raises(ImportRefused, match="sure"):
            add_adapter(bundle, file, "plan", out)


def test_a_bundle_offers_its_adapters_by_name(bundle: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "a.safetensors")
    out = add_adapter(bundle, file, "shopkeeper", tmp_path / "out")
    add_adapter(out, write(tmp_path / "b.safetensors", 2), "king", out)
    add_adapter(out, file, "king", out)  # in place of that one
    family, plain = load_family(out), load_family(bundle)
    assert isinstance(family, Chat) and isinstance(plain, Chat)
    assert [its.spec.name for its in family.variants] == ["tiny:shopkeeper", "tiny:king"]
    manifest = read_manifest(out)
    assert manifest["adapters"]["king"]["rank"] == 3 and adapter_file("king") in manifest["files"]
    assert (out / "MODEL_CARD.md").read_text().count("| adapter king |") == 1
    assert {its.decoder for its in family.variants} == {family.decoder} and not plain.variants
    assert "adapters" not in read_manifest(bundle)
    x = family.decoder.embed([3, 4, 5])[None]
    said = {name: gpt.logits(gpt(x)) for name, gpt in family.decoder._gpts.items()}
    assert torch.equal(said[""], plain.decoder._gpts[""].logits(plain.decoder._gpts[""](x)))
    assert torch.equal(said["king"], said["shopkeeper"]) and not torch.allclose(said["king"], said[""])
    tokens = {gpt.tokens.weight.data_ptr() for gpt in family.decoder._gpts.values()}
    assert len(tokens) == 1  # what is not merged is shared


def test_the_name_plan_is_the_planners(bundle: Path, tmp_path: Path) -> None:
    out = add_adapter(bundle, write(tmp_path / "p.safetensors", kind="plan"), "plan", tmp_path / "out")
    family = load_family(out)
    assert isinstance(family, Chat) and family.plans and not family.variants


def test_what_does_not_fit_is_refused_and_nothing_is_written(bundle: Path, tmp_path: Path) -> None:
    good, out = write(tmp_path / "good.safetensors"), tmp_path / "out"
    strange = write(tmp_path / "strange.safetensors", **{"blocks.9.mlp.up.A": torch.zeros(3, 32)})
    bent = write(tmp_path / "bent.safetensors", **{"blocks.0.mlp.up.B": torch.zeros(95, 3)})
    large = write(tmp_path / "large.safetensors", more=torch.zeros(3_000_001))
    noise = tmp_path / "noise.safetensors"
    noise.write_bytes(b"no adapter")
    plan = write(tmp_path / "plan.safetensors", kind="plan")
    for file, name, told in (
        (good, "Shop Keeper", r"name: expected one of .*, found Shop Keeper"),
        (good, "plan", r"kind: expected plan by the name plan, .* found speech, named plan"),
        (plan, "king", r"kind: expected .* found plan, named king"),
        (strange, "king", r"blocks.9.mlp.up.A: a pair is of a linear layer"),
        (bent, "king", r"blocks.0.mlp.up.B: shape \(95, 3\), expected \(96, 3\)"),
        (large, "king", r"size: expected at most 12000000 bytes, found 12\d+"),
        (noise, "king", r"content: expected safetensors of an adapter"),
    ):
        with pytest.raises(ImportRefused, match=told):
            add_adapter(bundle, file, name, out)
    with pytest.raises(ImportRefused, match="bundle: expected one of format 1"):
        add_adapter(tmp_path / "none", good, "king", out)
    with pytest.raises(ImportRefused, match="path: expected nothing, or a bundle to replace"):
        add_adapter(bundle, good, "king", tmp_path)
    assert not out.exists() and not list(tmp_path.glob(".out-*"))


def test_a_bundle_that_was_tampered_with_is_not_loaded(bundle: Path, tmp_path: Path) -> None:
    out = add_adapter(bundle, write(tmp_path / "a.safetensors"), "king", tmp_path / "out")
    manifest = read_manifest(out)
    for changes, told in (
        ({"files": manifest["files"] | {"adapters/../x.safetensors": "0"}}, "is no file's name"),
        ({"adapters": {"king": {"rank": 2}}}, r"king.safetensors: .*shape \(3, \d+\), expected \(2, \d+\)"),
        ({"adapters": {"queen": {"rank": 3}}}, "adapters/queen.safetensors is not among the files"),
        ({"adapters": {"plan": {"rank": 3}}}, "'plan': expected a name of"),
        ({"adapters": {f"n{k}": {} for k in range(MAX_ADAPTERS + 1)}}, "adapters: expected at most 8, found 9"),
    ):
        (out / MANIFEST).write_text(json.dumps(manifest | changes))
        with pytest.raises(BundleError, match=told):
            load_family(out)
    (out / MANIFEST).write_text(json.dumps(manifest))
    (out / adapter_file("king")).write_bytes(b"other")
    with pytest.raises(BundleError, match="is damaged: sha256"):
        load_family(out)
