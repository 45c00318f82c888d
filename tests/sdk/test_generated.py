"""The committed Python is what the contract generates."""

from __future__ import annotations

import importlib.util
from pathlib import Path

GENERATE = Path(__file__).parents[2] / "proto" / "generate.py"


def test_generated_code_is_current():
    spec = importlib.util.spec_from_file_location("generate", GENERATE)
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    assert generate.differences() == []
