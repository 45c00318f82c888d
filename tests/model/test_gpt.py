from __future__ import annotations

import json

import pytest
import torch
from scenewright_server.engine.kv_cache import KVCache
from scenewright_server.families.decoder import GPTDecoder
from scenewright_server.model.config import GPTConfig
from scenewright_server.model.gpt import GPT, attention_mask

SMALL = GPTConfig(vocab_size=61, n_ctx=32, d_model=32, n_layers=2, n_heads=4, n_kv_heads=4, d_ff=48)
CONFIGS = {
    "embedded": SMALL,
    "gpt2": GPTConfig(
        **{
            **SMALL.to_dict(), "norm": "layernorm", "positions": "learned", "mlp": "gelu_tanh", "bias": True,
            "qkv_bias": True, "qk_norm": False,
        }
    ),
    "llama": GPTConfig(**{**SMALL.to_dict(), "n_kv_heads": 2, "qk_norm": False, "tied_head": False}),
    "wide_heads": GPTConfig(**{**SMALL.to_dict(), "head_dim": 12, "qkv_bias": True}),
}  # fmt: skip


@pytest.fixture(params=CONFIGS)
def gpt(request: pytest.FixtureRequest) -> GPT:
    torch.manual_seed(0)
    return GPT(CONFIGS[request.param]).eval()


@torch.no_grad()
@pytest.mark.parametrize("prefix_len", [0, 5])
def test_running_in_pieces_through_the_cache_changes_nothing(gpt: GPT, prefix_len: int) -> None:
    x = gpt.embed(torch.arange(16)[None])
    whole = gpt(x, prefix_len=prefix_len)
    cache = KVCache(GPTDecoder(gpt).shape)
    pieces = [gpt(piece, prefix_len=prefix_len, caches=[cache]) for piece in x.split([7, 1, 6, 1, 1], 1)]
    assert torch.allclose(torch.cat(pieces, 1), whole, atol=1e-5)
    cache.truncate(9)
    assert torch.allclose(gpt(x[:, 9:], prefix_len=prefix_len, caches=[cache]), whole[:, 9:], atol=1e-5)


@torch.no_grad()
def test_rows_of_a_batch_do_not_feel_each_others_length_or_prefix(gpt: GPT) -> None:
    lengths, prefixes = [10, 4, 7], [3, 0, 7]
    rows = [gpt.embed(torch.arange(n) + n) for n in lengths]
    hidden = gpt(torch.nn.utils.rnn.pad_sequence(rows, batch_first=True), prefix_len=torch.tensor(prefixes))
    for row, n, prefix, got in zip(rows, lengths, prefixes, hidden, strict=True):
        assert torch.allclose(got[:n], gpt(row[None], prefix_len=prefix)[0], atol=1e-5)


@torch.no_grad()
def test_the_future_is_unseen_but_inside_the_prefix(gpt: GPT) -> None:
    x = gpt.embed(torch.arange(12)[None])
    changed = x.clone()
    changed[0, 3] += 1.0
    before = gpt(x, prefix_len=5) - gpt(changed, prefix_len=5)
    assert (before[0].abs().amax(1) > 0).all()  # 0..2 see 3 in the prefix, 4.. come after it
    changed = x.clone()
    changed[0, 8] += 1.0
    after = gpt(x, prefix_len=5) - gpt(changed, prefix_len=5)
    assert (after[0, :8] == 0).all() and (after[0, 8:].abs().amax(1) > 0).all()


def test_the_mask_is_causal_or_both_in_the_prefix() -> None:
    mask = attention_mask(2, 3, torch.tensor([0, 4]), torch.device("cpu"))
    assert mask.shape == (2, 1, 3, 5)
    for row, prefix in enumerate([0, 4]):
        for i in range(3):
            for j in range(5):
                assert bool(mask[row, 0, i, j]) == (j <= i + 2 or (j < prefix and i + 2 < prefix))


def test_bfloat16_autocast_trains(gpt: GPT) -> None:
    ids = torch.arange(12)[None]
    with torch.autocast("cpu", torch.bfloat16):
        logits = gpt.logits(gpt(gpt.embed(ids), prefix_len=torch.tensor([4])))
    torch.nn.functional.cross_entropy(logits[0].float(), ids[0]).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in gpt.parameters())
    with torch.no_grad():
        exact = gpt.logits(gpt(gpt.embed(ids), prefix_len=4))
    assert torch.allclose(logits.float(), exact, atol=0.05)


@torch.no_grad()
def test_rows_with_caches_of_different_length_run_together_as_alone(gpt: GPT) -> None:
    rows = [gpt.embed(torch.arange(n) + n)[None] for n in (9, 3, 6)]
    caches = [KVCache(GPTDecoder(gpt).shape) for _ in rows]
    for row, cache in zip(rows, caches, strict=True):
        gpt(row, prefix_len=2, caches=[cache])
    new = gpt.embed(torch.tensor([[1], [2], [3]]))
    together = gpt(new, caches=caches)
    assert [cache.length for cache in caches] == [10, 4, 7]
    for row, x, got in zip(rows, new, together, strict=True):
        alone = gpt(torch.cat([row, x[None]], 1), prefix_len=2)
        assert torch.allclose(got, alone[0, -1:], atol=1e-5)


@torch.no_grad()
def test_a_decoder_made_of_weights_is_the_one_that_they_came_from(gpt: GPT) -> None:
    made = GPT.of(gpt.config, gpt.state_dict())
    x = torch.arange(12)[None]
    expected = gpt.logits(gpt(gpt.embed(x)))
    assert torch.equal(made.logits(made(made.embed(x))), expected) and not made.training
    half = GPT.of(gpt.config, {**gpt.state_dict(), "norm.weight": gpt.norm.weight.half()}, torch.bfloat16)
    assert {parameter.dtype for parameter in half.parameters()} == {torch.bfloat16}
    assert torch.allclose(half.logits(half(half.embed(x))).float(), expected, atol=0.05)
    with pytest.raises(RuntimeError, match=r"Missing key\(s\) .*tokens\.weight"):
        GPT.of(gpt.config, {})


def test_caches_that_do_not_fit_are_refused(gpt: GPT) -> None:
    caches = [KVCache(GPTDecoder(gpt).shape) for _ in range(2)]
    with pytest.raises(ValueError, match="2 caches do not fit 2 rows of 3 positions"):
        gpt(torch.zeros(2, 3, 32), caches=caches)
    with pytest.raises(ValueError, match="2 caches do not fit 1 rows"):
        gpt(torch.zeros(1, 1, 32), caches=caches)


def test_past_the_context_is_refused_with_numbers(gpt: GPT) -> None:
    with pytest.raises(ValueError, match=r"holds 32 positions, received 0 \+ 33"):
        gpt(torch.zeros(1, 33, 32))


def test_sizes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"n_heads 4 .* n_kv_heads 3"):
        GPTConfig(**{**SMALL.to_dict(), "n_kv_heads": 3})
    with pytest.raises(ValueError, match=r"d_model 33 .* n_heads 4"):
        GPTConfig(**{**SMALL.to_dict(), "d_model": 33})

    with pytest.raises(ValueError, match="4 rotary frequencies do not fit 3 divisors"):
        GPTConfig(**{**SMALL.to_dict(), "rope_divisors": (1.0, 2.0, 4.0)})


def test_the_config_survives_json() -> None:
    config = GPTConfig(**{**SMALL.to_dict(), "rope_divisors": (1.0, 1.0, 2.5, 8.0)})
    assert GPTConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
