"""What Megatron-LM calls its arguments and tensors, how it splits them, and what we call them.

The layouts follow NVIDIA's published code (github.com/NVIDIA/Megatron-LM): megatron/training/checkpointing.py,
megatron/core/transformer/mlp.py and transformer_block.py, and, until they were removed in 2026,
megatron/legacy/model/language_model.py and transformer.py, tools/checkpoint/loader_legacy.py and schema_core.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from scenewright_server.importers.fields import Fields
from scenewright_server.importers.hf_names import rope_divisors
from scenewright_server.importers.refusal import ImportRefused
from scenewright_server.importers.tensors import Tensors
from scenewright_server.model.config import GPTConfig

_LAYER = re.compile(r"(?:language_model\.(?:transformer|encoder)|decoder)\.layers\.(?:(\d+)\.)?(.+)")
_IN_LAYER = {
    r"(?:input_layernorm|input_norm)\.(weight|bias)": "attention_norm",
    r"self_attention\.linear_qkv\.layer_norm_(weight|bias)": "attention_norm",
    r"(?:attention|self_attention)\.(?:query_key_value|linear_qkv)\.(weight|bias)": "attention.qkv",
    r"(?:attention|self_attention)\.(?:dense|linear_proj)\.(weight|bias)": "attention.out",
    r"self_attention\.q_layernorm\.(weight)": "attention.q_norm",
    r"self_attention\.k_layernorm\.(weight)": "attention.k_norm",
    r"(?:post_attention_layernorm|post_attention_norm|pre_mlp_layernorm)\.(weight|bias)": "mlp_norm",
    r"mlp\.linear_fc1\.layer_norm_(weight|bias)": "mlp_norm",
    r"mlp\.(?:dense_h_to_4h|linear_fc1)\.(weight|bias)": "mlp.up",
    r"mlp\.(?:dense_4h_to_h|linear_fc2)\.(weight|bias)": "mlp.down",
}
_OUTSIDE = {
    r"(?:language_model\.)?embedding\.word_embeddings\.weight": "tokens.weight",
    r"(?:language_model\.)?embedding\.position_embeddings\.weight": "places.weight",
    r"(?:language_model\.(?:transformer|encoder)|decoder)\.(?:final_layernorm|final_norm)\.(weight|bias)": "norm",
    r"(?:language_model\.)?output_layer\.weight": "head.weight",
}
_SKIPPED = re.compile(r".*_extra_state.*|.*rotary_pos_emb\..*|.*inv_freq|word_embeddings_for_head\..*")
_BY_COLUMNS = ("attention.qkv.weight", "attention.qkv.bias", "mlp.up.weight", "mlp.up.bias")  # their rows are split
_BY_ROWS = ("attention.out.weight", "mlp.down.weight")  # their columns are split


def read_config(args: Fields, n_vocab: int) -> GPTConfig:
    """A checkpoint's arguments as a GPTConfig of `n_vocab` tokens. Raises ImportRefused for what we do not do."""
    for key, expected in (
        ("num_experts", 0), ("multi_latent_attention", False), ("squared_relu", False), ("quick_geglu", False),
        ("rotary_interleaved", False), ("rotary_percent", 1.0), ("apply_residual_connection_post_layernorm", False),
        ("virtual_pipeline_model_parallel_size", 1), ("mtp_num_layers", 0), ("parallel_attn", False),
    ):  # fmt: skip
        args.require(key, expected, expected)
    d_model, n_heads = args.count("hidden_size", high=2**16), args.count("num_attention_heads", high=2**10)
    grouped = args.flag("group_query_attention", False)
    head_dim = args.count("kv_channels", 0, low=0, high=2**12)
    norm = args.choose("normalization", {"LayerNorm": "layernorm", "RMSNorm": "rmsnorm"}, "LayerNorm")
    qk_norm = args.flag("qk_layernorm", False)
    if qk_norm and norm == "layernorm":
        raise ImportRefused(args.file, "qk_layernorm", "RMSNorm, where it is on", "LayerNorm")
    swiglu, bias = args.flag("swiglu", False), args.flag("add_bias_linear", True)
    tanh = args.flag("openai_gelu", False) or (bias and args.flag("bias_gelu_fusion", True))
    old = "rope" if args.flag("use_rotary_position_embeddings", False) else "learned_absolute"
    positions = args.choose("position_embedding_type", {"learned_absolute": "learned", "rope": "rotary"}, old)
    theta = args.number("rotary_base", 10_000.0)
    divisors: tuple[float, ...] = ()
    if args.flag("use_rope_scaling", False):  # Llama 3.1's rule, whose other numbers are fixed there
        rule = {"rope_type": "llama3", "factor": args.number("rope_scaling_factor", 8.0)}
        rule |= {"low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}
        divisors = rope_divisors(Fields(args.file, rule), theta, head_dim or d_model // n_heads)
    try:
        return GPTConfig(
            vocab_size=n_vocab,
            n_ctx=args.count("max_position_embeddings"),
            d_model=d_model,
            n_layers=args.count("num_layers", high=2**10),
            n_heads=n_heads,
            n_kv_heads=args.count("num_query_groups", high=2**10) if grouped else n_heads,
            head_dim=head_dim,
            d_ff=args.count("ffn_hidden_size", 4 * d_model),
            norm=norm,
            norm_eps=args.number("norm_epsilon", args.get("layernorm_epsilon", 1e-5), high=1.0),
            positions=positions,
            rope_theta=theta,
            rope_divisors=divisors,
            mlp="swiglu" if swiglu else "gelu_tanh" if tanh else "gelu",
            bias=bias,
            qkv_bias=bias or args.flag("add_qkv_bias", False),
            qk_norm=qk_norm,
            tied_head=not args.flag("untie_embeddings_and_output_weights", False),
            embed_scale=1.0,
        )
    except ValueError as error:
        if isinstance(error, ImportRefused):
            raise
        raise ImportRefused(args.file, "sizes", "sizes that fit each other", error) from None


def rename(file: str, tensors: Mapping[str, Tensor], first_layer: int) -> tuple[dict[str, Tensor], int]:
    """One shard's tensors under our names, and how many layers it has. `first_layer` is the number of its layer 0.

    A name without a layer's number holds all layers, one after another (torch_dist).
    """
    named: dict[str, Tensor] = {}
    layers: set[int] = set()
    for theirs, tensor in tensors.items():
        if _SKIPPED.fullmatch(theirs):
            continue
        match = _LAYER.fullmatch(theirs)
        ours = _look_up(match.group(2), _IN_LAYER) if match else _look_up(theirs, _OUTSIDE)
        if ours is None:
            raise ImportRefused(file, theirs, "no such tensor", "one that has no place")
        if match is None:
            entries = [(ours, tensor)]
        elif match.group(1) is None:
            entries = [(f"blocks.{layer}.{ours}", one) for layer, one in enumerate(tensor)]
            layers.update(range(len(tensor)))
        else:
            entries = [(f"blocks.{first_layer + int(match.group(1))}.{ours}", tensor)]
            layers.add(int(match.group(1)))
        for name, one in entries:
            if name in named:
                raise ImportRefused(file, theirs, "once", "again, under another name")
            named[name] = one
    return named, len(layers)


def _look_up(name: str, table: dict[str, str]) -> str | None:
    for pattern, ours in table.items():
        if match := re.fullmatch(pattern, name):
            return f"{ours}.{match.group(1)}" if match.groups() else ours
    return None


def join(
    file: str, config: GPTConfig, version: float, shards: Sequence[Mapping[str, Tensor]], halved: bool
) -> dict[str, Tensor]:
    """Tensor-parallel shards under our names into whole tensors, q, k and v in our order.

    halved: each shard of a SwiGLU's first layer has its part of the gates, then its part of the values.
    """
    n = len(shards)
    for key, count in (
        ("num_attention_heads", config.n_heads),
        ("num_query_groups", config.n_kv_heads),
        ("ffn_hidden_size", config.d_ff),
    ):
        if count % n:
            raise ImportRefused(file, key, f"a multiple of {n} tensor-parallel shards", count)
    joined: dict[str, Tensor] = {}
    for name in shards[0]:
        parts = [shard[name] for shard in shards if name in shard]
        if len(parts) != n:
            raise ImportRefused(file, name, f"a part in each of {n} shards", f"{len(parts)} parts")
        what = name.split(".", 2)[2] if name.startswith("blocks.") else name
        if what in _BY_COLUMNS[:2]:
            turned = [_split_qkv(file, name, config, version, part, n) for part in parts]
            joined[name] = torch.cat([torch.cat(rows) for rows in zip(*turned, strict=True)])
        elif what in _BY_COLUMNS and config.mlp == "swiglu" and halved:
            joined[name] = torch.cat([torch.cat(half) for half in zip(*(part.chunk(2) for part in parts), strict=True)])
        elif what in (*_BY_COLUMNS, "tokens.weight", "head.weight"):
            joined[name] = torch.cat(parts)
        elif what in _BY_ROWS:
            joined[name] = torch.cat(parts, 1)
        else:  # the same in every shard
            joined[name] = parts[0]
    return joined


def _split_qkv(file: str, name: str, config: GPTConfig, version: float, part: Tensor, n: int) -> tuple[Tensor, ...]:
    """One shard's q, k and v, each (heads x d_head, ...)."""
    heads, groups, d = config.n_heads // n, config.n_kv_heads // n, config.d_head
    if len(part) != (heads + 2 * groups) * d:
        raise ImportRefused(file, name, f"{(heads + 2 * groups) * d} rows", len(part))
    rest = part.shape[1:]
    if version < 2:
        if heads != groups:
            raise ImportRefused(file, "checkpoint_version", "2 or 3 for grouped queries", version)
        rows = part.view(3, heads * d, *rest) if version == 0 else part.view(heads * d, 3, *rest).transpose(0, 1)
        return tuple(rows.contiguous())
    grouped = part.view(groups, heads // groups + 2, d, *rest)
    split = grouped.split([heads // groups, 1, 1], 1)
    return tuple(rows.reshape(-1, *rest) for rows in split)


def check_state(
    file: str, config: GPTConfig, n_padded: int, joined: Mapping[str, Tensor], plus_one: bool
) -> dict[str, Tensor]:
    """The whole tensors, each of the shape that GPT(config) wants; the padding of the vocabulary is cut off.

    plus_one: norms' weights are stored as what they differ from 1 by (apply_layernorm_1p).
    """
    d, d_q, d_kv = config.d_model, config.n_heads * config.d_head, config.n_kv_heads * config.d_head
    tensors = Tensors(file, joined)
    state = {"tokens.weight": tensors.take("tokens.weight", n_padded, d)[: config.vocab_size].clone()}
    if config.positions == "learned":
        state["places.weight"] = tensors.take("places.weight", config.n_ctx, d)
    if not config.tied_head:
        state["head.weight"] = tensors.take("head.weight", n_padded, d)[: config.vocab_size].clone()
    norms = ["norm"]
    for layer in range(config.n_layers):
        block = f"blocks.{layer}."
        norms += [f"{block}attention_norm", f"{block}mlp_norm"]
        for name, biased, n_out, n_in in (
            ("attention.qkv", config.qkv_bias, d_q + 2 * d_kv, d),
            ("attention.out", config.bias, d, d_q),
            ("mlp.up", config.bias, config.d_ff * (2 if config.mlp == "swiglu" else 1), d),
            ("mlp.down", config.bias, d, config.d_ff),
        ):
            state[f"{block}{name}.weight"] = tensors.take(f"{block}{name}.weight", n_out, n_in)
            if biased:
                state[f"{block}{name}.bias"] = tensors.take(f"{block}{name}.bias", n_out)
        if config.qk_norm:
            for which in "qk":
                name = f"{block}attention.{which}_norm.weight"
                state[name] = tensors.take(name, config.d_head) + plus_one
    for norm in norms:
        state[f"{norm}.weight"] = tensors.take(f"{norm}.weight", d) + plus_one
        if config.norm == "layernorm":
            state[f"{norm}.bias"] = tensors.take(f"{norm}.bias", d)
    tensors.finish()
    return state
