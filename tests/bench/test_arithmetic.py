from __future__ import annotations

from pathlib import Path

import pytest
from scenewright_server.bench.arithmetic import (
    CARD_BYTES,
    SHAPES,
    USABLE,
    Split,
    count_parameters,
    measure,
    table_memory,
    table_speed,
)

PAGE = Path(__file__).resolve().parents[2] / "docs" / "scale.md"


@pytest.mark.parametrize(
    ("name", "published", "within"),
    [
        ("SmolLM2-135M", 134_515_008, 0),
        ("Qwen2.5-0.5B", 494_032_768, 0),
        ("Qwen2.5-7B", 7_615_616_512, 0),
        ("Llama-3.1-70B", 70_553_706_496, 0),
        ("GPT-3 175B", 175e9, 0.01),
        ("Megatron-Turing 530B", 530e9, 0.01),
    ],
)
def test_parameters_are_those_that_were_published(name: str, published: float, within: float) -> None:
    assert count_parameters(SHAPES[name]) == pytest.approx(published, rel=within)


def test_bytes_are_those_that_one_counts_by_hand() -> None:
    """Megatron-Turing: 2 x 105 layers x 20480 numbers of 2 bytes a token; 12 L d^2 weights and little more."""
    need = measure(SHAPES["Megatron-Turing 530B"], "bf16", n_context=1000, n_sequences=1)
    assert need.kv_token == 2 * 105 * 20480 * 2
    assert need.weights == pytest.approx(2 * 12 * 105 * 20480**2, rel=0.01)
    assert need.read_token - 1000 * need.kv_token == pytest.approx(need.weights, rel=0.01)


@pytest.mark.parametrize("precision", ["bf16", "int8", "int4"])
@pytest.mark.parametrize("name", SHAPES)
def test_what_is_split_fits_and_the_next_smaller_split_does_not(name: str, precision: str) -> None:
    """Against layers dealt out to cards one by one."""
    config = SHAPES[name]
    need = measure(config, precision)
    layer = (need.weights + need.kv_token * 2048 * 8) / config.n_layers

    def fullest(split: Split) -> float:
        groups = [0] * split.pipeline
        for i in range(config.n_layers):
            groups[i % split.pipeline] += 1
        return max(groups) * layer / split.tensor

    assert need.split is not None and config.n_heads % need.split.tensor == 0
    tensor, pipeline = need.split
    assert fullest(need.split) <= USABLE * CARD_BYTES
    if need.split != Split(1, 1):
        smaller = Split(tensor, pipeline - 1) if pipeline > 1 else Split(tensor // 2, 1)
        assert fullest(smaller) > USABLE * CARD_BYTES


def test_the_page_has_the_tables_as_they_are_computed() -> None:
    text = PAGE.read_text()
    assert table_memory() in text and table_speed() in text
