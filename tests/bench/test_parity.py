from __future__ import annotations

from pathlib import Path

import pytest
from scenewright_server.bench.parity import Row, compare_language, report

from tests.importers.gguf_layout import write


def test_a_file_is_compared_with_what_transformers_makes_of_it(tmp_path: Path) -> None:
    rows = compare_language(write(tmp_path / "tiny.gguf", "qwen2", "qwen2"))
    assert len(rows) == 2 and all(row.holds for row in rows)
    assert rows[0].found > 0  # two implementations


def test_one_row_that_fails_fails_all(capsys: pytest.CaptureFixture[str]) -> None:
    good = Row("a", "error", 1e-6, 1e-4)
    assert report([good]) == 0
    for bad in (2e-4, float("nan")):
        assert report([good, Row("b", "error", bad, 1e-4)]) == 1
        assert capsys.readouterr().out.endswith("parity: 2 rows, 1 failed\n")
    assert report([]) == 1
