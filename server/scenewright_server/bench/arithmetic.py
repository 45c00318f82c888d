"""What a decoder needs on 80 GB cards, from 135M to 530B parameters: `python -m scenewright_server.bench.arithmetic`

Only computed: memory and bandwidth by the shapes of the models, no card was asked. Parameters are counted on our own
decoder, laid out without memory. Prints the tables of docs/scale.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch

from scenewright_server.model.config import GPTConfig
from scenewright_server.model.gpt import GPT

BITS = {"fp32": 32.0, "bf16": 16.0, "int8": 8.25, "int4": 4.5}
"""A weight's, with a scale of 16 bits for each 64 weights (int8) or 32 (int4)."""
KV_BYTES = 2  # of a key's or a value's number: bfloat16
CARD_BYTES = 80e9
USABLE = 0.9  # of a card's memory: the rest is for activations, buffers and the driver
CARDS_A_NODE = 8  # between which a tensor-parallel model may be split: beyond, the links are too slow
BANDWIDTHS = {"laptop": 60e9, "A100 80 GB": 2.0e12, "H100 80 GB": 3.35e12}
"""Bytes a second from memory: two channels of DDR5, taken for granted; the makers' data sheets."""
LAPTOP_BYTES = 16e9
N_SEQUENCES = 8


def _llama(
    vocab_size: int, d_model: int, n_layers: int, n_heads: int, n_kv_heads: int, d_ff: int,
    qkv_bias: bool = False, tied_head: bool = True,
) -> GPTConfig:  # fmt: skip
    return GPTConfig(
        vocab_size, 8192, d_model, n_layers, n_heads, n_kv_heads, d_ff, qkv_bias=qkv_bias, qk_norm=False,
        tied_head=tied_head, embed_scale=1.0,
    )  # fmt: skip


def _gpt3(vocab_size: int, d_model: int, n_layers: int, n_heads: int) -> GPTConfig:
    return GPTConfig(
        vocab_size, 2048, d_model, n_layers, n_heads, n_heads, 4 * d_model, norm="layernorm", positions="learned",
        mlp="gelu", bias=True, qkv_bias=True, qk_norm=False, embed_scale=1.0,
    )  # fmt: skip


SHAPES = {
    "SmolLM2-135M": _llama(49152, 576, 30, 9, 3, 1536),
    "Qwen2.5-0.5B": _llama(151936, 896, 24, 14, 2, 4864, qkv_bias=True),
    "Qwen2.5-7B": _llama(152064, 3584, 28, 28, 4, 18944, qkv_bias=True, tied_head=False),
    "Llama-3.1-70B": _llama(128256, 8192, 80, 64, 8, 28672, tied_head=False),
    "GPT-3 175B": _gpt3(50257, 12288, 96, 96),
    "Megatron-Turing 530B": _gpt3(51200, 20480, 105, 128),
}
"""Shapes as published: the models' config.json; Brown et al. 2020, table 2.1; Smith et al. 2022 (105 layers, 20480
wide, 128 heads, 2048 positions; GPT-2's vocabulary of 50257 is taken as padded to 51200)."""


class Split(NamedTuple):
    """Cards that share each layer, and groups of them that share the layers."""

    tensor: int
    pipeline: int

    @property
    def n_cards(self) -> int:
        return self.tensor * self.pipeline


@dataclass(frozen=True)
class Need:
    """Of one model with its weights in one precision. Bytes; `split` is None where a layer to each node does not do."""

    n_parameters: int
    weights: float
    kv_token: int
    read_token: float
    split: Split | None


def count_parameters(config: GPTConfig) -> int:
    """Of our decoder of this shape."""
    with torch.device("meta"):
        gpt = GPT(config)
    return sum(parameter.numel() for parameter in gpt.parameters())


def measure(config: GPTConfig, precision: str, n_context: int = 2048, n_sequences: int = N_SEQUENCES) -> Need:
    """What a model needs for so many sequences of `n_context` positions at once.

    read_token: what one token of one sequence takes out of memory: all weights but the rows of the input embeddings
    that are not its own, and the keys and values of `n_context` positions.
    """
    n = count_parameters(config)
    n_bytes = BITS[precision] / 8
    kv_token = 2 * config.n_layers * config.n_kv_heads * config.d_head * KV_BYTES
    unread = 0 if config.tied_head else config.vocab_size * config.d_model
    unread += config.n_ctx * config.d_model if config.positions == "learned" else 0
    read = (n - unread) * n_bytes + kv_token * n_context
    return Need(n, n * n_bytes, kv_token, read, _split(config, n * n_bytes, kv_token * n_context * n_sequences))


def _split(config: GPTConfig, weights: float, kv: float) -> Split | None:
    """The fewest cards of one node, between which each layer is split, that hold weights, keys and values; where a node
    does not do, the fewest nodes that share the layers."""
    tensors = [n for n in (1, 2, 4, CARDS_A_NODE) if config.n_heads % n == 0]
    splits = [Split(n, 1) for n in tensors] + [Split(tensors[-1], n) for n in range(2, config.n_layers + 1)]
    for split in splits:
        share = -(-config.n_layers // split.pipeline) / config.n_layers  # of the layers, of the largest group
        # Keys and values of fewer heads than there are cards are held more than once.
        card = share * (weights / split.tensor + kv / min(split.tensor, config.n_kv_heads))
        if card <= USABLE * CARD_BYTES:
            return split
    return None


def table_memory() -> str:
    """Weights by precision, keys and values, and cards."""
    lines = [
        "| model | parameters | " + " | ".join(f"{name} GB" for name in BITS) + " | KV a token, kB "
        "| cards bf16 | cards int8 | cards int4 |",
        "| --- |" + " ---: |" * (len(BITS) + 5),
    ]
    for name, config in SHAPES.items():
        needs = {precision: measure(config, precision) for precision in BITS}
        bf16 = needs["bf16"]
        weights = " | ".join(_figure(need.weights / 1e9) for need in needs.values())
        cards = " | ".join(_cards(needs[precision].split) for precision in ("bf16", "int8", "int4"))
        lines.append(f"| {name} | {_count(bf16.n_parameters)} | {weights} | {_figure(bf16.kv_token / 1e3)} | {cards} |")
    return "\n".join(lines)


def table_speed() -> str:
    """The most tokens a second that one sequence can have: memory's bandwidth over what a token reads."""
    lines = [
        "| model, bf16 | read a token, GB | " + " | ".join(BANDWIDTHS) + " | H100, split as above |",
        "| --- |" + " ---: |" * (len(BANDWIDTHS) + 2),
    ]
    for name, config in SHAPES.items():
        need = measure(config, "bf16")
        rates = []
        for machine, bandwidth in BANDWIDTHS.items():
            fits = need.weights < LAPTOP_BYTES if machine == "laptop" else need.split == Split(1, 1)
            rates.append(_figure(bandwidth / need.read_token) if fits else "-")
        tensor = need.split.tensor if need.split is not None else 1
        rates.append(_figure(tensor * BANDWIDTHS["H100 80 GB"] / need.read_token))
        lines.append(f"| {name} | {_figure(need.read_token / 1e9)} | {' | '.join(rates)} |")
    return "\n".join(lines)


def _cards(split: Split | None) -> str:
    if split is None:
        return "-"
    return "1" if split.n_cards == 1 else f"{split.n_cards} ({split.tensor} x {split.pipeline})"


def _count(n: int) -> str:
    return f"{n / 1e9:.1f} B" if n >= 1e9 else f"{n / 1e6:.0f} M"


def _figure(x: float) -> str:
    return f"{x:,.0f}" if x >= 100 else f"{x:.2g}" if x < 10 else f"{x:.0f}"


if __name__ == "__main__":
    print(f"{table_memory()}\n\n{table_speed()}")
