"""Pickles are read elsewhere, and hostile ones run no code."""

from __future__ import annotations

import argparse
import io
import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scenewright_server.importers import pickles
from scenewright_server.importers.pickles import read_pickle
from scenewright_server.importers.refusal import ImportRefused


def test_tensors_and_plain_values_come_back(tmp_path: Path) -> None:
    shared = torch.arange(6.0).reshape(2, 3)
    saved = {
        "model": {"a": shared, "b": shared.T, "deep": [{"c": shared.bfloat16()}, (1, 2.5, "x", None, True)]},
        "args": argparse.Namespace(n_layers=3, dtype=torch.float16),
        "optimizer": {"state": torch.zeros(9)},
    }
    torch.save(saved, tmp_path / "a.pt")
    back = read_pickle(tmp_path / "a.pt", keep=("model", "args"))
    assert back.keys() == {"model", "args"}
    assert torch.equal(back["model"]["a"], shared) and torch.equal(back["model"]["b"], shared.T)
    assert torch.equal(back["model"]["deep"][0]["c"], shared.bfloat16())
    assert back["model"]["deep"][1] == [1, 2.5, "x", None, True]
    assert back["args"] == {"n_layers": 3, "dtype": "torch.float16"}


def test_a_file_of_before_torch_1_6_is_read(tmp_path: Path) -> None:
    torch.save({"a": torch.arange(3.0)}, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    assert torch.equal(read_pickle(tmp_path / "old.pt")["a"], torch.arange(3.0))


def test_named_packages_come_as_nothing(tmp_path: Path) -> None:
    state = {"rng": np.random.default_rng(0).integers(0, 9, 4), "a": torch.ones(2)}
    torch.save(state, tmp_path / "a.pt")
    with pytest.raises(ImportRefused, match="numpy"):
        read_pickle(tmp_path / "a.pt")
    back = read_pickle(tmp_path / "a.pt", stand_ins=("numpy",))
    assert back["rng"] is None and torch.equal(back["a"], torch.ones(2))


class Calls:
    """Unpickled, it calls a function."""

    def __init__(self, function: Any, *args: Any) -> None:
        self.call = function, args

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return self.call


def doubling() -> Any:
    """2**60 values in sixty lists."""
    value: Any = [0]
    for _ in range(30):
        value = [value, value]
    return value


def endless() -> Any:
    value: list[Any] = []
    value.append(value)
    return value


HOSTILE = {
    "a shell": lambda mark: Calls(os.system, f"touch {mark}"),
    "evaluated text": lambda mark: Calls(eval, f"open({str(mark)!r}, 'w')"),
    "a made directory, deep inside": lambda mark: {"layers": [{"weight": Calls(os.mkdir, str(mark))}]},
    "values without number": lambda mark: doubling(),
    "values without end": lambda mark: endless(),
    "a tensor larger than memory": lambda mark: torch.zeros(1).as_strided((2**40,), (0,)),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_runs_nothing_and_is_refused_by_name(name: str, tmp_path: Path) -> None:
    mark, file = tmp_path / "mark", tmp_path / "hostile.pt"
    torch.save({"model": HOSTILE[name](mark)}, file)
    with pytest.raises(ImportRefused, match=r"hostile\.pt: content: expected tensors and plain values only, found "):
        read_pickle(file, stand_ins=("numpy", "megatron"))
    assert not mark.exists()


def test_the_mark_would_have_been_left(tmp_path: Path) -> None:
    """The same bytes, unpickled plainly, do what they say: the files above are truly hostile."""
    mark = tmp_path / "mark"
    pickle.loads(pickle.dumps(HOSTILE["a shell"](mark)))
    assert mark.exists()


@pytest.mark.parametrize(
    "data",
    [b"", pickle.dumps(Calls(os.system, "true")), b"PK\3\4" + b"\0" * 100],
    ids=["empty", "bare", "zip"],
)
def test_what_is_no_checkpoint_is_refused(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "bad.pt").write_bytes(data)
    with pytest.raises(ImportRefused, match=r"bad\.pt: content"):
        read_pickle(tmp_path / "bad.pt")


def test_a_file_that_unpacks_to_more_than_the_limit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A compressed archive of zeros: 256 MB in a few hundred kB, where 64 MB are allowed."""
    whole = io.BytesIO()
    torch.save({"a": torch.zeros(2**26)}, whole)
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(tmp_path / "bomb.pt", "w", zipfile.ZIP_DEFLATED) as bomb:
        for name in source.namelist():
            bomb.writestr(name, source.read(name))
    assert (tmp_path / "bomb.pt").stat().st_size < 2**20
    monkeypatch.setattr(pickles, "SPARE_BYTES", 2**26)
    with pytest.raises(ImportRefused, match=r"bomb\.pt"):
        read_pickle(tmp_path / "bomb.pt")


def test_a_reader_that_does_not_end_is_stopped(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(2)}, tmp_path / "a.pt")
    with pytest.raises(ImportRefused, match=r"a\.pt: reading: expected at most 0.01 s, found no end"):
        read_pickle(tmp_path / "a.pt", timeout_s=0.01)
