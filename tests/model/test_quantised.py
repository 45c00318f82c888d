"""Packed weights against slow ones: every number, every product, and adapters merged into them."""

from __future__ import annotations

import pytest
import torch
from scenewright_server.model import quantised
from scenewright_server.model.adapters import merge_adapter
from scenewright_server.model.config import GPTConfig
from scenewright_server.model.gpt import GPT
from scenewright_server.model.pruning import prune_2_4, prune_magnitude
from scenewright_server.model.quantised import (
    FEW_ROWS,
    FEW_ROWS_WITHOUT_BFLOAT16,
    Int4Linear,
    Int8Linear,
    count_bytes,
    count_parameters,
    pack_int4,
    pack_int8,
    take_packed,
    unpack_int4,
    unpack_int8,
)
from torch import Tensor, nn


def weight(n_out: int, n_in: int, seed: int = 0) -> Tensor:
    """Rows of very different size, one of zeros."""
    made = torch.randn(n_out, n_in, generator=torch.Generator().manual_seed(seed))
    made *= 10.0 ** torch.linspace(-3, 1, n_out)[:, None]
    made[1] = 0
    return made


def test_int8_is_the_nearest_of_a_rows_255_steps() -> None:
    w = weight(7, 12)
    packed, scales = pack_int8(w)
    assert packed.dtype == torch.int8 and packed.abs().max() == 127
    for n in range(7):
        step = float(scales[n])
        assert step >= float(w[n].abs().max()) / 127  # nothing is cut off
        for k in range(12):
            assert float(packed[n, k]) == round(float(w[n, k]) / step)
            assert float(unpack_int8(packed, scales)[n, k]) == pytest.approx(int(packed[n, k]) * step, rel=1e-6)
    assert not unpack_int8(packed, scales)[1].any()


def test_int4_is_the_nearest_of_a_groups_16_steps() -> None:
    w = weight(5, 128) + 0.3
    packed, scales = pack_int4(w, 32)
    found = unpack_int4(packed, scales)
    for n in range(5):
        for k in range(128):
            number = (int(packed[n, k // 2]) >> 4 * (k % 2)) & 15
            step, middle = (float(s) for s in scales[n, k // 32])
            assert float(found[n, k]) == pytest.approx((number - 8) * step + middle, abs=1e-6)
            assert abs(float(found[n, k] - w[n, k])) <= 0.56 * step + abs(middle) * 2**-8


@pytest.mark.parametrize("n_out", [64, 40, 200])
@pytest.mark.parametrize("kind", ["int8", "int4"])
@pytest.mark.parametrize("has", [True, False])
def test_a_packed_layer_multiplies_as_its_weights_unpacked_do(
    kind: str, n_out: int, has: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few rows go another way than many, and many another one where bfloat16 is slow: all within bfloat16's rounding
    of the products' sums."""
    monkeypatch.setattr(quantised, "has_bfloat16", lambda device: has)
    w, bias = torch.randn(n_out, 96), nn.Parameter(torch.randn(n_out))
    if kind == "int8":
        layer, exact = Int8Linear(*pack_int8(w), bias), unpack_int8(*pack_int8(w))
    else:
        layer, exact = Int4Linear(*pack_int4(w, 32), bias), unpack_int4(*pack_int4(w, 32))
    torch.testing.assert_close(layer.unpack(), exact)
    assert layer.shape == (n_out, 96)
    for n_rows in (1, FEW_ROWS, FEW_ROWS + 1, FEW_ROWS_WITHOUT_BFLOAT16, 70):
        x = torch.randn(n_rows, 1, 96).bfloat16()
        expected = x.float() @ exact.T + bias
        bound = 2**-7 * (x.float().abs() @ exact.abs().T + bias.abs())
        assert ((layer(x.float()) - expected).abs() <= bound).all()
        for multiply in (layer.multiply_few, layer.multiply_many):
            assert ((multiply(x[:, 0]).float() - (expected - bias)[:, 0]).abs() <= bound[:, 0]).all()


def test_pruning_takes_the_smallest() -> None:
    w = torch.randn(6, 20)
    w[2, 3] = w[2, 4]  # equal ones
    kept = prune_magnitude(w, 0.3)
    assert int((kept == 0).sum()) == 36 and torch.equal(kept[kept != 0], w[kept != 0])
    assert w[kept == 0].abs().max() <= w[kept != 0].abs().min()
    fours = prune_2_4(w).view(-1, 4)
    for found, four in zip(fours.tolist(), w.view(-1, 4).tolist(), strict=True):
        threshold = sorted(map(abs, four))[2]
        assert sum(value == 0 for value in found) == 2
        assert all(
            value == 0 or (value == old and abs(old) >= threshold) for value, old in zip(found, four, strict=True)
        )


CONFIG = GPTConfig(vocab_size=70, n_ctx=64, d_model=32, n_layers=2, n_heads=4, n_kv_heads=2, d_ff=64, tied_head=False)


def packed_state(gpt: GPT, bits: str) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Its weights packed, and the same unpacked again."""
    packed, plain = dict[str, Tensor](), dict[str, Tensor]()
    for name, tensor in gpt.state_dict().items():
        packed[name] = plain[name] = tensor
        if tensor.dim() == 2:
            layer = name.removesuffix(".weight")
            is_int8 = bits == "int8" or layer == "tokens"
            two = pack_int8(tensor) if is_int8 else pack_int4(tensor, 32)
            del packed[name]
            packed |= {f"{layer}.packed": two[0], f"{layer}.scales": two[1]}
            plain[name] = unpack_int8(*two) if is_int8 else unpack_int4(*two)
    return packed, plain


@pytest.mark.parametrize("bits", ["int8", "int4"])
@torch.inference_mode()
def test_a_packed_decoder_says_what_its_weights_unpacked_say(bits: str) -> None:
    torch.manual_seed(0)
    source = GPT(CONFIG)
    packed, plain = packed_state(source, bits)
    small, exact = GPT.of(CONFIG, packed), GPT.of(CONFIG, plain)
    ids = torch.arange(12)[None]
    torch.testing.assert_close(small.embed(ids), exact.embed(ids))
    expected = exact.logits(exact(exact.embed(ids)))
    assert (small.logits(small(small.embed(ids))) - expected).abs().max() < 0.03 * expected.std() + 0.01
    assert small.dtype == torch.float32 and count_parameters(small) == count_parameters(source)
    n_matrices = sum(tensor.numel() for tensor in plain.values() if tensor.dim() == 2)
    others = count_bytes(exact) - 4 * n_matrices
    bound = n_matrices * (1.1 if bits == "int8" else 0.9) + others  # scales and whole blocks take some
    assert count_bytes(small) <= bound


@torch.inference_mode()
def test_an_adapter_is_merged_into_packed_weights() -> None:
    torch.manual_seed(0)
    pairs = {"blocks.0.mlp.up.A": torch.randn(3, 32) / 4, "blocks.0.mlp.up.B": torch.randn(128, 3) / 4}
    for bits in ("int8", "int4"):
        packed, plain = packed_state(GPT(CONFIG), bits)
        gpt = GPT.of(CONFIG, packed)
        merged = merge_adapter(gpt, pairs, 3)
        found = merged.get_submodule("blocks.0.mlp.up")
        wanted = plain["blocks.0.mlp.up.weight"] + pairs["blocks.0.mlp.up.B"] @ pairs["blocks.0.mlp.up.A"]
        assert isinstance(found, Int8Linear)
        assert ((found.unpack() - wanted).abs() <= found.scales.float()[:, None] * 0.51).all()
        new = {t.data_ptr() for t in merged.buffers()} - {t.data_ptr() for t in gpt.buffers()}
        assert new == {found.packed.data_ptr(), found.scales.data_ptr()}  # all else is shared


@pytest.mark.parametrize(
    ("name", "tensor", "said"),
    [
        ("tokens.packed", torch.zeros(70, 16, dtype=torch.uint8), "a table of tokens is int8"),
        ("blocks.0.mlp.up.packed", torch.zeros(5, 32, dtype=torch.int8), r"shape \[5, 32\], expected \[128, 32\]"),
        ("blocks.0.mlp.up.packed", torch.zeros(128, 32), "torch.float32, expected int8"),
        ("blocks.0.mlp.up.scales", torch.zeros(128), "float32 of shape"),
        ("norm.packed", torch.zeros(32, dtype=torch.int8), "a packed weight is of a linear layer"),
    ],
)
def test_packed_weights_that_do_not_fit_are_refused_by_name(name: str, tensor: Tensor, said: str) -> None:
    state, _ = packed_state(GPT(CONFIG), "int8")
    if name == "tokens.packed":
        state["tokens.scales"] = torch.ones(70, 1, 2, dtype=torch.bfloat16)
    with pytest.raises(ValueError, match=said):
        take_packed(GPT(CONFIG), {**state, name: tensor})
