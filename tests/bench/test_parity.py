from __future__ import annotations

from pathlib import Path

import pytest
from scenewright_server.bench.parity import Row, compare_clip, compare_language, main, report

from tests.importers.gguf_layout import write
from tests.importers.test_clip import NETWORKS, make


def test_a_file_is_compared_with_what_transformers_makes_of_it(tmp_path: Path) -> None:
    rows = compare_language(write(tmp_path / "tiny.gguf", "qwen2", "qwen2"))
    assert len(rows) == 2 and all(row.holds for row in rows)
    assert rows[0].found > 0  # two implementations


def test_one_row_that_fails_fails_all(capsys: pytest.CaptureFixture[str]) -> None:
    good = Row("a", "error", 1e-6, 1e-4)
    assert report([good]) == 0
    for bad in (2e-4, float("nan")):
        assert report([good, Row("b", "error", bad, 1e-4)]) == 1
        assert capsys.readouterr().out.endswith("parity: 2 rows, 1 failed, 0 not compared\n")
    assert report([], ["ear is not here: scenewright pull ear"]) == 1
    printed = capsys.readouterr().out
    assert "not compared: ear is not here: scenewright pull ear\nparity: 0 rows, 0 failed, 1 not compared" in printed


def test_a_clip_is_compared_with_what_open_clip_makes_of_it(tmp_path: Path) -> None:
    make(tmp_path, NETWORKS["vision transformer"])
    rows = compare_clip(tmp_path)
    assert len(rows) == 2 and all(row.holds for row in rows)


def test_without_a_path_it_says_what_to_pull(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["parity"])
    assert main() == 1
    assert "not compared: nanodet is not here: scenewright pull nanodet" in capsys.readouterr().out
