"""Shards: what is written is read, and what is damaged is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scenewright_server.training.shards import FOLDER, INDEX, KINDS, SPLITS, ShardError, Shards, ShardWriter

TOKENIZER = "ab" * 32
N_IDS = 1000
ROWS = st.lists(
    st.tuples(
        st.lists(st.tuples(st.integers(0, N_IDS - 1), st.booleans()), min_size=1, max_size=40),
        st.sampled_from(SPLITS),
        st.sampled_from(("en", "zh")),
        st.sampled_from(KINDS),
        st.sampled_from(("", "shop")),
    ),
    max_size=20,
)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    with ShardWriter(tmp_path, TOKENIZER, N_IDS, shard_ids=5) as writer:
        writer.add([1, 2, 3], [False, True, True], "train", "en", "text")
        writer.add([4, 5, 6], [False, False, True], "held", "zh", "dialogue", "shop")
        writer.add([7] * 9, [True] * 9, "train", "en", "plan", "shop")
    return tmp_path


@settings(max_examples=40, deadline=None)
@given(ROWS, st.integers(1, 60))
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, rows: list[Any], shard_ids: int) -> None:
    directory = tmp_path_factory.mktemp("shards")
    with ShardWriter(directory, TOKENIZER, N_IDS, shard_ids) as writer:
        for tokens, *what in rows:
            writer.add([id for id, _ in tokens], [learnt for _, learnt in tokens], *what)
    shards = Shards(directory, TOKENIZER)
    assert len(shards) == len(rows)
    for k, (tokens, *what) in enumerate(rows):
        ids, mask = shards.read(k)
        assert list(zip(ids.tolist(), mask.tolist(), strict=True)) == tokens
        its = shards.documents[k]
        assert [its.split, its.language, its.kind, its.scene] == what
    assert sorted(k for split in SPLITS for k in shards.of(split)) == list(range(len(rows)))


def test_a_document_spans_no_two_files_and_is_read_where_it_lies(directory: Path) -> None:
    shards = Shards(directory)
    assert [its.shard for its in shards.documents] == [0, 1, 2]
    ids, mask = shards.read(1)
    assert ids.dtype == np.uint32 and mask.dtype == bool and isinstance(ids.base, np.memmap)
    assert (directory / FOLDER / "00001.bin").read_bytes() == bytes([4, 0, 0, 0, 5, 0, 0, 0, 6, 0, 0, 0])
    with pytest.raises(IndexError, match=r"document is 3, must be in 0\.\.2"):
        shards.read(3)


def test_an_index_is_written_only_when_all_went_well(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="ids"):
        with ShardWriter(tmp_path, TOKENIZER, N_IDS) as writer:
            writer.add([1], [True], "train", "en", "text")
            writer.add([N_IDS], [True], "train", "en", "text")
    assert not (tmp_path / FOLDER / INDEX).exists()


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (([], [], "train", "en", "text"), r"ids: \(0,\), must be one or more"),
        (([-1, 2], [True, True], "train", "en", "text"), r"ids: \(-1, 2\), must be in 0\.\.999"),
        (([1, 2], [True], "train", "en", "text"), r"learnt: \(1,\), must be as many as ids, 2"),
        (([1], [True], "test", "en", "text"), "split: 'test', must be one of train, held"),
        (([1], [True], "train", "en", "song"), "kind: 'song', must be one of text, dialogue, plan"),
    ],
)
def test_a_bad_document_is_refused(tmp_path: Path, row: Any, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        with ShardWriter(tmp_path, TOKENIZER, N_IDS) as writer:
            writer.add(*row)


def _edit(directory: Path, *path: Any, value: Any) -> None:
    index = json.loads((directory / FOLDER / INDEX).read_text())
    *names, last = path
    place = index
    for name in names:
        place = place[name]
    place[last] = value
    (directory / FOLDER / INDEX).write_text(json.dumps(index))


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (("format",), 2, "format is 2, this version has 1"),
        (("tokenizer",), "x", "tokenizer is 'x', must be a sha256"),
        (("n_ids",), 0, "n_ids is 0, must be a number > 0"),
        (("shards",), [3, 3], r"documents\.shard\[2\] is 2, must be in 0\.\.1"),
        (("shards",), [3, -3, 9], "shards must be a list of at most"),
        (("shards",), [3, 4, 9], r"00001\.bin: 12 bytes, must be 16"),
        (("documents",), [], "documents must hold shard, offset"),
        (("documents", "length"), [3, 3], "lists of one length"),
        (("documents", "length", 0), True, r"documents\.length\[0\] is True, must be int"),
        (("documents", "length", 0), 0, r"documents\.length\[0\] is 0, must be > 0"),
        (("documents", "offset", 1), 1, r"documents\[1\] is 1\.\.4 of shard 1, must be in 0\.\.3"),
        (("documents", "offset", 0), -1, r"documents\[0\] is -1\.\.2"),
        (("documents", "split", 0), "test", r"documents\.split\[0\] is 'test'"),
        (("documents", "scene", 0), None, r"documents\.scene\[0\] is None, must be str"),
    ],
)
def test_a_bad_index_is_refused(directory: Path, path: tuple[Any, ...], value: Any, told: str) -> None:
    _edit(directory, *path, value=value)
    with pytest.raises(ShardError, match=told):
        Shards(directory)


def test_files_that_are_missing_or_damaged_are_told(directory: Path) -> None:
    with pytest.raises(ShardError, match=r"tokenizer is abababababab\.\.\., must be the model's, cdcdcdcdcdcd"):
        Shards(directory, "cd" * 32)
    (directory / FOLDER / "00002.bin").write_bytes(b"\xff" * 36)
    with pytest.raises(ShardError, match=r"00002\.bin: document 2 has the id 4294967295"):
        Shards(directory).read(2)
    (directory / FOLDER / "00001.mask").write_bytes(b"\1")
    with pytest.raises(ShardError, match=r"00001\.mask: 1 bytes, must be 3"):
        Shards(directory)
    (directory / FOLDER / "00000.bin").unlink()
    with pytest.raises(ShardError, match=r"00000\.bin is missing"):
        Shards(directory)
    for text, told in (("{", "is no JSON"), ("[" * 100_000, "is no JSON"), ("[]", "format is 'list'")):
        (directory / FOLDER / INDEX).write_text(text)
        with pytest.raises(ShardError, match=told):
            Shards(directory)
    (directory / FOLDER / INDEX).unlink()
    with pytest.raises(ShardError, match=r"index\.json is missing"):
        Shards(directory)
