"""Bundles are written whole and checked, or not at all."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from scenewright_server.families.bundle import MANIFEST, BundleError, file_sha256, load_family
from scenewright_server.importers import bundles
from scenewright_server.importers.bundles import Parts, write_bundle
from scenewright_server.importers.refusal import ImportRefused

from tests.families.chat import tiny


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return write_bundle(tmp_path / "made", tiny.parts(with_senses=True), name="tiny", languages=("en", "zh"))


def test_a_bundle_says_what_it_is_and_holds_the_weights_as_they_were(bundle: Path) -> None:
    manifest = json.loads((bundle / MANIFEST).read_text())
    files = {file.name: file_sha256(file) for file in bundle.iterdir() if file.name != MANIFEST}
    assert manifest["files"] == files and len(files) == 6
    assert (manifest["format"], manifest["family"], manifest["name"]) == (1, "chat", "tiny")
    assert manifest["provenance"]["license"] == "CC0-1.0"
    assert manifest["limits"] == {"context_tokens": 2048, "objects": 512}
    for file, state in (("hearing", tiny.hearing().state), ("seeing", tiny.seeing().state)):
        saved = load_file(bundle / f"{file}.safetensors")
        assert saved.keys() == state.keys() and all(torch.equal(saved[name], state[name]) for name in state)
    decoder = load_file(bundle / "decoder.safetensors")
    assert {tensor.dtype for tensor in decoder.values()} == {torch.bfloat16}
    spec = load_family(bundle).spec
    assert spec.license == "CC0-1.0" and spec.sha256 == file_sha256(bundle / MANIFEST)
    assert "CC0-1.0" in (bundle / "MODEL_CARD.md").read_text()


@pytest.mark.parametrize(("dtype", "kept"), [("bfloat16", torch.bfloat16), ("float32", torch.float32)])
def test_the_decoder_runs_in_the_type_that_is_asked_for(bundle: Path, dtype: str, kept: torch.dtype) -> None:
    assert load_family(bundle, dtype=dtype).decoder.shape.dtype is kept


def break_template(parts: Parts) -> Parts:
    return replace(parts, language=replace(parts.language, chat_template="{% for %}"))


def break_weights(parts: Parts) -> Parts:
    state = dict(parts.language.state)
    state["norm.weight"] = torch.full_like(state["norm.weight"], torch.nan)
    return replace(parts, language=replace(parts.language, state=state))


def break_sizes(parts: Parts) -> Parts:
    return replace(parts, language=replace(parts.language, config=replace(parts.language.config, d_ff=64)))


def break_tokenizer(parts: Parts) -> Parts:
    state = {name: t[:300] if name == "tokens.weight" else t for name, t in parts.language.state.items()}
    config = replace(parts.language.config, vocab_size=300)
    return replace(parts, language=replace(parts.language, state=state, config=config))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (break_template, "chat template: expected one for dialogues, found"),
        (break_weights, "expected weights that give numbers"),
        (break_sizes, "size mismatch for blocks.0.mlp.up.weight"),
        (break_tokenizer, r"tokenizer.json: 323 ids, the decoder has 300"),
    ],
)
def test_what_does_not_fit_is_refused_and_the_bundle_before_still_serves(
    bundle: Path, spoil: object, message: str
) -> None:
    before = file_sha256(bundle / MANIFEST)
    with pytest.raises(ImportRefused, match=message):
        write_bundle(bundle, spoil(tiny.parts()), name="tiny")  # type: ignore[operator]
    assert file_sha256(bundle / MANIFEST) == before and load_family(bundle).spec.name == "tiny"
    assert [path.name for path in bundle.parent.iterdir()] == ["made"]


def test_a_full_disk_leaves_nothing_half_written(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = shutil.disk_usage(bundle)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: free._replace(free=1000))
    with pytest.raises(ImportRefused, match=r"room: expected \d+ bytes free, found 1000"):
        write_bundle(bundle, tiny.parts(), name="tiny")
    monkeypatch.undo()

    def no_space(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(bundles, "save_file", no_space)
    with pytest.raises(ImportRefused, match=r"writing: expected room and leave to write, found .*No space left"):
        write_bundle(bundle, tiny.parts(), name="tiny")
    assert [path.name for path in bundle.parent.iterdir()] == ["made"] and load_family(bundle)


def test_a_bundle_takes_a_bundles_place_and_nothing_elses(bundle: Path, tmp_path: Path) -> None:
    write_bundle(bundle, tiny.parts(), name="second")
    assert load_family(bundle).spec.name == "second" and not (bundle / "hearing.safetensors").exists()
    other = tmp_path / "photos"
    other.mkdir()
    (other / "cat.jpg").touch()
    for out in (other, other / "cat.jpg", other / "cat.jpg" / "below"):
        with pytest.raises(ImportRefused, match="path: expected"):
            write_bundle(out, tiny.parts(), name="tiny")
    assert [path.name for path in other.iterdir()] == ["cat.jpg"]


@pytest.mark.parametrize("file", ["decoder.safetensors", "tokenizer.json", "hearing.safetensors", "MODEL_CARD.md"])
def test_a_damaged_bundle_is_refused_by_its_file(bundle: Path, file: str) -> None:
    data = bytearray((bundle / file).read_bytes())
    data[len(data) // 2] ^= 1
    (bundle / file).write_bytes(data)
    with pytest.raises(BundleError, match=f"{file} is damaged: sha256"):
        load_family(bundle)
    (bundle / file).unlink()
    with pytest.raises(BundleError, match=f"{file} is missing"):
        load_family(bundle)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda m: m.pop("files"), "files"),
        (lambda m: m["files"].update({"../made/model.json": "0" * 64}), "is no file's name"),
        (lambda m: m["decoder"].update(config={"d_model": 1}), "does not fit this version"),
        (lambda m: m["decoder"]["config"].update(vocab_size=10), "ids, the decoder has 10"),
        (lambda m: m["decoder"].update(dtype="float8"), "does not fit this version"),
        (lambda m: m["hearing"].update(n_mels=7), "does not fit this version"),
        (lambda m: m["limits"].pop("objects"), "does not fit this version"),
        (lambda m: m.update(limits=[]), "does not fit this version"),
        (lambda m: m.pop("languages"), "does not fit this version"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(bundle: Path, spoil: object, message: str) -> None:
    manifest = json.loads((bundle / MANIFEST).read_text())
    spoil(manifest)  # type: ignore[operator]
    (bundle / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match=message):
        load_family(bundle)
