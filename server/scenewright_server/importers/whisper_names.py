"""What openai-whisper, transformers and CTranslate2 call Whisper's tensors."""

from __future__ import annotations

import re
from collections.abc import Iterator

import torch
from torch import Tensor

from scenewright_server.importers.tensors import Tensors
from scenewright_server.model.whisper import WhisperConfig

_ATTENTION = {"query": "q_proj", "key": "k_proj", "value": "v_proj", "out": "out_proj"}
_IN_TRANSFORMERS = {
    "positional_embedding": "embed_positions.weight",
    "token_embedding.weight": "embed_tokens.weight",
    "attn_ln": "self_attn_layer_norm",
    "cross_attn_ln": "encoder_attn_layer_norm",
    "mlp_ln": "final_layer_norm",
    "mlp.0": "fc1",
    "mlp.2": "fc2",
    "ln_post": "layer_norm",
    "ln": "layer_norm",
}
_IN_CTRANSLATE2 = {
    "positional_embedding": "position_encodings/encodings",
    "token_embedding.weight": "embeddings/weight",
    "attn_ln": "self_attention/layer_norm",
    "cross_attn_ln": "attention/layer_norm",
    "mlp_ln": "ffn/layer_norm",
    "mlp.0": "ffn/linear_0",
    "mlp.2": "ffn/linear_1",
    "ln_post": "layer_norm",
    "ln": "layer_norm",
}


def shapes(config: WhisperConfig) -> Iterator[tuple[str, tuple[int, ...]]]:
    """openai-whisper's names and shapes, but for the attentions' q, k and v."""
    d = config.n_audio_state
    yield "encoder.positional_embedding", (config.n_audio_ctx, d)
    yield "encoder.conv1.weight", (d, config.n_mels, 3)
    yield "encoder.conv2.weight", (d, d, 3)
    yield "decoder.token_embedding.weight", (config.n_vocab, d)
    yield "decoder.positional_embedding", (config.n_text_ctx, d)
    vectors = ["encoder.conv1.bias", "encoder.conv2.bias"]
    norms = ["encoder.ln_post", "decoder.ln"]
    for side, attention, layer in attentions(config):
        block = f"{side}.blocks.{layer}"
        yield f"{block}.{attention}.out.weight", (d, d)
        vectors.append(f"{block}.{attention}.out.bias")
        norms.append(f"{block}.{attention}_ln")
        if attention == "attn":
            yield f"{block}.mlp.0.weight", (4 * d, d)
            yield f"{block}.mlp.0.bias", (4 * d,)
            yield f"{block}.mlp.2.weight", (d, 4 * d)
            vectors.append(f"{block}.mlp.2.bias")
            norms.append(f"{block}.mlp_ln")
    for name in vectors + [f"{norm}.{kind}" for norm in norms for kind in ("weight", "bias")]:
        yield name, (d,)


def attentions(config: WhisperConfig) -> Iterator[tuple[str, str, int]]:
    """Side, kind and layer of every attention."""
    for layer in range(config.n_audio_layer):
        yield "encoder", "attn", layer
    for layer in range(config.n_text_layer):
        yield "decoder", "attn", layer
        yield "decoder", "cross_attn", layer


def read_state(config: WhisperConfig, tensors: Tensors) -> dict[str, Tensor]:
    """The state of openai-whisper's network, from tensors that are renamed one by one. Keys have no bias."""
    d = config.n_audio_state
    state = {name: tensors.take(name, *shape) for name, shape in shapes(config)}
    for side, attention, layer in attentions(config):
        for name in ("query", "key", "value"):
            place = f"{side}.blocks.{layer}.{attention}.{name}"
            state[f"{place}.weight"] = tensors.take(f"{place}.weight", d, d)
            if name != "key":
                state[f"{place}.bias"] = tensors.take(f"{place}.bias", d)
    tensors.finish()
    return state


def read_fused_state(config: WhisperConfig, tensors: Tensors) -> dict[str, Tensor]:
    """The same from CTranslate2's, where q, k and v (in cross-attention k and v) are one, and keys have a bias of 0."""
    d = config.n_audio_state
    state = {name: tensors.take(name, *shape) for name, shape in shapes(config)}
    for side, attention, layer in attentions(config):
        place = f"{side}.blocks.{layer}.{attention}"
        groups = [["query", "key", "value"]] if attention == "attn" else [["query"], ["key", "value"]]
        for group in groups:
            fused = f"{place}.{'_'.join(group)}"
            weights = tensors.take(f"{fused}.weight", len(group) * d, d).split(d)
            biases = tensors.take(f"{fused}.bias", len(group) * d).split(d)
            for name, weight, bias in zip(group, weights, biases, strict=True):
                state[f"{place}.{name}.weight"] = weight.clone()
                if name != "key":
                    state[f"{place}.{name}.bias"] = bias.clone()
                elif torch.count_nonzero(bias):
                    tensors.refuse(f"{fused}.bias", "zeros for the keys", "others")
    tensors.finish()
    return state


def name_in_transformers(name: str) -> str:
    """What transformers calls a tensor of openai-whisper."""
    side, _, rest = name.partition(".")
    if match := re.fullmatch(r"blocks\.(\d+)\.(cross_)?attn\.(\w+)\.(\w+)", rest):
        layer, cross, what, kind = match.groups()
        return f"model.{side}.layers.{layer}.{'encoder' if cross else 'self'}_attn.{_ATTENTION[what]}.{kind}"
    if match := re.fullmatch(r"blocks\.(\d+)\.(.+)\.(\w+)", rest):
        layer, what, kind = match.groups()
        return f"model.{side}.layers.{layer}.{_IN_TRANSFORMERS[what]}.{kind}"
    return f"model.{side}.{_renamed(rest, _IN_TRANSFORMERS)}"


def name_in_ctranslate2(name: str) -> str:
    """What CTranslate2 calls a tensor of openai-whisper, or a fused one (query_key_value)."""
    side, _, rest = name.partition(".")
    if match := re.fullmatch(r"blocks\.(\d+)\.(cross_)?attn\.(\w+)\.(\w+)", rest):
        layer, cross, what, kind = match.groups()
        number = {"query_key_value": 0, "query": 0, "key_value": 1, "out": 2 if cross else 1}[what]
        return f"{side}/layer_{layer}/{'attention' if cross else 'self_attention'}/linear_{number}/{kind}"
    layer = ""
    if match := re.fullmatch(r"blocks\.(\d+)\.(.+)", rest):
        layer, rest = f"layer_{match.group(1)}/", match.group(2)
    renamed = _renamed(rest, _IN_CTRANSLATE2).replace(".", "/")
    if "layer_norm" in renamed:
        renamed = renamed.replace("/weight", "/gamma").replace("/bias", "/beta")
    return f"{side}/{layer}{renamed}"


def _renamed(name: str, table: dict[str, str]) -> str:
    """The whole name, or all but its last part, out of the table; else as it is."""
    if name in table:
        return table[name]
    stem, _, kind = name.rpartition(".")
    return f"{table.get(stem, stem)}.{kind}"
