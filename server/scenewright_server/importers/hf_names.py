"""What transformers calls the settings and tensors of its decoders, and what we call them.

GPT-2, Llama 2 and 3, Mistral, Qwen2, Qwen2.5 and Qwen3, by their `config.json` and tensor names
(github.com/huggingface/transformers, models/*/configuration_*.py and modeling_*.py).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from scenewright_server.importers.fields import Fields
from scenewright_server.importers.refusal import ImportRefused
from scenewright_server.importers.tensors import Tensors
from scenewright_server.model.config import GPTConfig

FAMILIES = {name: name for name in ("gpt2", "llama", "mistral", "qwen2", "qwen3")}
_TANH_GELU = ("gelu_new", "gelu_fast", "gelu_pytorch_tanh")
_LARGEST_DIVISOR = 1e6


def read_config(fields: Fields) -> GPTConfig:
    """config.json as a GPTConfig. Raises ImportRefused for another family and for what our decoder does not do."""
    family = fields.choose("model_type", FAMILIES)
    try:
        return _gpt2_config(fields) if family == "gpt2" else _llama_config(fields, family)
    except ValueError as error:
        if isinstance(error, ImportRefused):
            raise
        raise ImportRefused(fields.file, "sizes", "sizes that fit each other", error) from None


def _gpt2_config(fields: Fields) -> GPTConfig:
    for key, expected in (("scale_attn_weights", True), ("scale_attn_by_inverse_layer_idx", False)):
        fields.require(key, expected, expected)
    fields.require("add_cross_attention", False, False)
    d_model = fields.count("n_embd", 768, high=2**16)
    n_heads = fields.count("n_head", 12, high=2**10)
    return GPTConfig(
        vocab_size=fields.count("vocab_size", 50257),
        n_ctx=fields.count("n_positions", 1024),
        d_model=d_model,
        n_layers=fields.count("n_layer", 12, high=2**10),
        n_heads=n_heads,
        n_kv_heads=n_heads,
        d_ff=fields.count("n_inner", 4 * d_model),
        norm="layernorm",
        norm_eps=fields.number("layer_norm_epsilon", 1e-5, high=1.0),
        positions="learned",
        mlp=fields.choose(
            "activation_function", {"gelu": "gelu", **dict.fromkeys(_TANH_GELU, "gelu_tanh")}, "gelu_new"
        ),
        bias=True,
        qkv_bias=True,
        qk_norm=False,
        tied_head=fields.flag("tie_word_embeddings", True),
        embed_scale=1.0,
    )


def _llama_config(fields: Fields, family: str) -> GPTConfig:
    fields.require("hidden_act", "silu", "silu")
    biased = family == "qwen2" or fields.flag("attention_bias", False)
    bias = fields.flag("mlp_bias", False)
    if family != "qwen2" and biased != bias:
        raise ImportRefused(fields.file, "mlp_bias", f"{biased} as attention_bias is", bias)
    n_heads = fields.count("num_attention_heads", high=2**10)
    d_model = fields.count("hidden_size", high=2**16)
    head_dim = fields.count("head_dim", 128 if family == "qwen3" else 0, low=0, high=2**12)  # 0: d_model / n_heads
    rope = fields.inside("rope_parameters" if "rope_parameters" in fields.values else "rope_scaling")
    theta = rope.number("rope_theta", fields.get("rope_theta", 10_000.0))
    return GPTConfig(
        vocab_size=fields.count("vocab_size"),
        n_ctx=_context(fields, family),
        d_model=d_model,
        n_layers=fields.count("num_hidden_layers", high=2**10),
        n_heads=n_heads,
        n_kv_heads=fields.count("num_key_value_heads", 8 if family == "mistral" else n_heads, high=2**10),
        head_dim=head_dim,
        d_ff=fields.count("intermediate_size"),
        norm="rmsnorm",
        norm_eps=fields.number("rms_norm_eps", 1e-6, high=1.0),
        positions="rotary",
        rope_theta=theta,
        rope_divisors=rope_divisors(rope, theta, head_dim or d_model // n_heads),
        mlp="swiglu",
        bias=bias,
        qkv_bias=biased,
        qk_norm=family == "qwen3",
        tied_head=fields.flag("tie_word_embeddings", False),
        embed_scale=1.0,
    )


def _context(fields: Fields, family: str) -> int:
    """Positions that may be used. Where a window slides over them, it is the window: inside it nothing slides."""
    n_ctx = fields.count("max_position_embeddings")
    slides = family == "mistral" or fields.flag("use_sliding_window", False)
    return min(n_ctx, fields.count("sliding_window", n_ctx)) if slides else n_ctx


def rope_divisors(rope: Fields, theta: float, head_dim: int) -> tuple[float, ...]:
    """What a `rope_scaling` divides each of the head_dim / 2 frequencies by; empty: nothing.

    Llama 3.1's rule: waves longer than the trained context / low_freq_factor turn `factor` times slower, those shorter
    than it / high_freq_factor as before, and in between the two are mixed.
    """
    kind = rope.choose(
        "rope_type",
        {name: name for name in ("default", "linear", "llama3")},
        rope.get("type", "default"),
    )
    if kind == "default":
        return ()
    factor = rope.number("factor", low=0.0, high=_LARGEST_DIVISOR)
    if kind == "linear":
        return (factor,) * (head_dim // 2)
    n_trained = rope.count("original_max_position_embeddings")
    low, high = rope.number("low_freq_factor"), rope.number("high_freq_factor")
    if low >= high:
        raise ImportRefused(rope.file, "low_freq_factor", f"less than high_freq_factor {high:g}", low)
    divisors = []
    for i in range(0, head_dim, 2):
        n_turns = n_trained * theta ** (-i / head_dim) / (2 * math.pi)  # of this wave in the trained context
        kept = min(max((n_turns - low) / (high - low), 0.0), 1.0)
        divisors.append(1 / (kept + (1 - kept) / factor))
    return tuple(divisors)


def read_state(config: GPTConfig, family: str, tensors: Tensors) -> dict[str, Tensor]:
    """Transformers' tensors under our names, as GPT(config) wants them; in the types that they have."""
    state = _gpt2_state(config, tensors) if family == "gpt2" else _llama_state(config, tensors)
    if "lm_head.weight" in tensors:
        head = tensors.take("lm_head.weight", config.vocab_size, config.d_model)
        if not config.tied_head:
            state["head.weight"] = head
        elif not torch.equal(head, state["tokens.weight"]):
            raise ImportRefused(tensors.file, "lm_head.weight", "the token embedding, as config.json says", "another")
    elif not config.tied_head:
        raise ImportRefused(tensors.file, "lm_head.weight", "a tensor, as config.json says", "none")
    tensors.finish()
    return state


def _gpt2_state(config: GPTConfig, tensors: Tensors) -> dict[str, Tensor]:
    root = "transformer." if "transformer.wte.weight" in tensors else ""
    tensors.skip(r".*\.attn\.(masked_)?bias")  # the causal mask, which old files store
    d, n_qkv = config.d_model, 3 * config.d_model
    state = {
        "tokens.weight": tensors.take(f"{root}wte.weight", config.vocab_size, d),
        "places.weight": tensors.take(f"{root}wpe.weight", config.n_ctx, d),
    }
    for kind in ("weight", "bias"):
        state[f"norm.{kind}"] = tensors.take(f"{root}ln_f.{kind}", d)
        for layer in range(config.n_layers):
            theirs, ours = f"{root}h.{layer}.", f"blocks.{layer}."
            state[f"{ours}attention_norm.{kind}"] = tensors.take(f"{theirs}ln_1.{kind}", d)
            state[f"{ours}mlp_norm.{kind}"] = tensors.take(f"{theirs}ln_2.{kind}", d)
            for name, called, n_in, n_out in (
                ("attn.c_attn", "attention.qkv", d, n_qkv),
                ("attn.c_proj", "attention.out", d, d),
                ("mlp.c_fc", "mlp.up", d, config.d_ff),
                ("mlp.c_proj", "mlp.down", config.d_ff, d),
            ):
                shape = (n_in, n_out) if kind == "weight" else (n_out,)  # theirs are transposed
                taken = tensors.take(f"{theirs}{name}.{kind}", *shape)
                state[f"{ours}{called}.{kind}"] = taken.mT.contiguous() if kind == "weight" else taken
    return state


def _llama_state(config: GPTConfig, tensors: Tensors) -> dict[str, Tensor]:
    tensors.skip(r".*rotary_emb\.inv_freq")
    d, d_q, d_kv = config.d_model, config.n_heads * config.d_head, config.n_kv_heads * config.d_head
    state = {
        "tokens.weight": tensors.take("model.embed_tokens.weight", config.vocab_size, d),
        "norm.weight": tensors.take("model.norm.weight", d),
    }
    for layer in range(config.n_layers):
        theirs, ours = f"model.layers.{layer}.", f"blocks.{layer}."
        state[f"{ours}attention_norm.weight"] = tensors.take(f"{theirs}input_layernorm.weight", d)
        state[f"{ours}mlp_norm.weight"] = tensors.take(f"{theirs}post_attention_layernorm.weight", d)
        if config.qk_norm:
            for which in "qk":
                norm = tensors.take(f"{theirs}self_attn.{which}_norm.weight", config.d_head)
                state[f"{ours}attention.{which}_norm.weight"] = norm
        for ours_name, biased, n_in, parts in (
            ("attention.qkv", config.qkv_bias, d, (("q_proj", d_q), ("k_proj", d_kv), ("v_proj", d_kv))),
            ("attention.out", config.bias, d_q, (("o_proj", d),)),
            ("mlp.up", config.bias, d, (("gate_proj", config.d_ff), ("up_proj", config.d_ff))),
            ("mlp.down", config.bias, config.d_ff, (("down_proj", d),)),
        ):
            room = "self_attn" if ours_name.startswith("attention") else "mlp"
            taken = [tensors.take(f"{theirs}{room}.{name}.weight", n, n_in) for name, n in parts]
            state[f"{ours}{ours_name}.weight"] = torch.cat(taken)
            if biased:
                taken = [tensors.take(f"{theirs}{room}.{name}.bias", n) for name, n in parts]
                state[f"{ours}{ours_name}.bias"] = torch.cat(taken)
    return state
