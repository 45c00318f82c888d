"""Writes tiny decoders as GGUF files, with the gguf package."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gguf
import numpy as np
from scenewright_server.importers.gguf_file import TYPES
from tokenizers import pre_tokenizers

D, D_FF, HEADS, KV_HEADS = 256, 512, 4, 2
ALPHABET = sorted(pre_tokenizers.ByteLevel.alphabet())
MERGES = ["t h", "th e", "Ġ the", "r e", "re d", "1 2", "Ġ 1", "Ã ©"]
TOKENS = [*ALPHABET, *(merge.replace(" ", "") for merge in MERGES), "<s>", "</s>", "<tool>", "[PAD]"]
BOS = TOKENS.index("<s>")
SHAPES = {
    "attn_norm.weight": (D,), "attn_q.weight": (D, D), "attn_k.weight": (D // 2, D), "attn_v.weight": (D // 2, D),
    "attn_output.weight": (D, D), "ffn_norm.weight": (D,), "ffn_gate.weight": (D_FF, D), "ffn_up.weight": (D_FF, D),
    "ffn_down.weight": (D, D_FF),
}  # fmt: skip
BIASES = {"attn_q.bias": (D,), "attn_k.bias": (D // 2,), "attn_v.bias": (D // 2,)}


def blocks(kind: gguf.GGMLQuantizationType, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Random weights as a file has them: encoded where the package can, else random blocks with small scales."""
    values = (rng.standard_normal(shape) * 0.05).astype(np.float32)
    if kind.name == "F32":
        return values
    try:
        return gguf.quantize(values, kind)
    except NotImplementedError:
        per_block, n_bytes = gguf.GGML_QUANT_SIZES[kind]
        data = rng.integers(0, 256, (shape[0], shape[1] // per_block, n_bytes), np.uint8)
        scales = slice(-2, None) if kind.name == "Q6_K" else slice(0, 4)
        small = np.full((*data.shape[:2], len(data[0, 0, scales]) // 2), 2e-4, np.float16)
        data[..., scales] = small.view(np.uint8)
        return data.reshape(shape[0], -1)


def write(
    path: Path,
    family: str,
    pre: str,
    *,
    layers: int = 2,
    tied: bool = True,
    template: str = "{{ messages }}",
    **fields: Any,
) -> Path:
    """A tiny decoder, its weights in all the types that are read, one after another."""
    rng, kinds = np.random.default_rng(0), list(TYPES.values())
    writer = gguf.GGUFWriter(path, family)
    writer.add_block_count(layers)
    writer.add_context_length(64)
    writer.add_embedding_length(D)
    writer.add_feed_forward_length(D_FF)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_rope_freq_base(10_000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(TOKENS)
    writer.add_token_types([1] * (len(TOKENS) - 4) + [3, 3, 4, 5])
    writer.add_token_merges(MERGES)
    writer.add_bos_token_id(BOS)
    writer.add_eos_token_id(BOS + 1)
    writer.add_add_bos_token(False)
    writer.add_chat_template(template)
    for key, value in fields.items():
        writer.add_key_value(f"{family}.{key}", value, gguf.GGUFValueType.UINT32)
    tensors: dict[str, tuple[int, ...]] = {"token_embd.weight": (len(TOKENS), D), "output_norm.weight": (D,)}
    if not tied:
        tensors["output.weight"] = (len(TOKENS), D)
    for layer in range(layers):
        for name, shape in (SHAPES | (BIASES if family == "qwen2" else {})).items():
            tensors[f"blk.{layer}.{name}"] = shape
    n_matrices = 0
    for name, shape in tensors.items():
        kind = gguf.GGMLQuantizationType.F32
        if len(shape) == 2:
            kind = kinds[n_matrices % len(kinds)]
            n_matrices += 1
        data = blocks(kind, shape, rng)
        if len(shape) == 1:
            data = data * 4 + ("norm" in name)
        writer.add_tensor(name, data, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
