"""Writes decoders as Megatron-LM does: its names, its order of q, k and v, its shards."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed.checkpoint
from scenewright_server.model.config import GPTConfig
from torch import Tensor

LEGACY = {
    "attention_norm": "input_layernorm", "attention.qkv": "attention.query_key_value",
    "attention.out": "attention.dense", "mlp_norm": "post_attention_layernorm", "mlp.up": "mlp.dense_h_to_4h",
    "mlp.down": "mlp.dense_4h_to_h",
}  # fmt: skip
CORE = {
    "attention_norm": "self_attention.linear_qkv.layer_norm", "attention.qkv": "self_attention.linear_qkv",
    "attention.out": "self_attention.linear_proj", "mlp_norm": "mlp.linear_fc1.layer_norm",
    "mlp.up": "mlp.linear_fc1", "mlp.down": "mlp.linear_fc2",
}  # fmt: skip


def arguments(config: GPTConfig, n_tensor: int, n_pipeline: int, **others: Any) -> argparse.Namespace:
    """The arguments that say what a checkpoint is, and a few that do not."""
    return argparse.Namespace(
        num_layers=config.n_layers, hidden_size=config.d_model, num_attention_heads=config.n_heads,
        ffn_hidden_size=config.d_ff, max_position_embeddings=config.n_ctx, seq_length=config.n_ctx,
        kv_channels=config.d_head, group_query_attention=config.n_kv_heads != config.n_heads,
        num_query_groups=config.n_kv_heads, normalization={"layernorm": "LayerNorm", "rmsnorm": "RMSNorm"}[config.norm],
        layernorm_epsilon=config.norm_eps, swiglu=config.mlp == "swiglu", add_bias_linear=config.bias,
        position_embedding_type={"learned": "learned_absolute", "rotary": "rope"}[config.positions],
        rotary_base=int(config.rope_theta), untie_embeddings_and_output_weights=not config.tied_head,
        tensor_model_parallel_size=n_tensor, pipeline_model_parallel_size=n_pipeline, num_experts=None,
        make_vocab_size_divisible_by=16, params_dtype=torch.float32, **others,
    )  # fmt: skip


def padded(tokens: Tensor, n_tensor: int) -> Tensor:
    """The embedding with rows of noise up to a multiple of 16 x n_tensor."""
    n = -len(tokens) % (16 * n_tensor)
    return torch.cat([tokens, torch.full((n, tokens.shape[1]), 7.0)])


def fuse(rows: Tensor, config: GPTConfig, version: float, rank: int, n_tensor: int) -> Tensor:
    """One rank's q, k and v out of [all q, all k, all v], in a version's order, row by row."""
    d, heads, groups = config.d_head, config.n_heads // n_tensor, config.n_kv_heads // n_tensor
    q, k, v = rows.split([config.n_heads * d, config.n_kv_heads * d, config.n_kv_heads * d])
    q = q[rank * heads * d : (rank + 1) * heads * d]
    k, v = (part[rank * groups * d : (rank + 1) * groups * d] for part in (k, v))
    if version == 0:
        return torch.cat([q, k, v])
    out = []
    if version == 1:
        for i in range(heads * d):
            out += [q[i], k[i], v[i]]
        return torch.stack(out)
    each = heads // groups
    for group in range(groups):
        out += list(q[group * each * d : (group + 1) * each * d])
        out += list(k[group * d : (group + 1) * d]) + list(v[group * d : (group + 1) * d])
    return torch.stack(out)


def shard(name: str, tensor: Tensor, config: GPTConfig, version: float, rank: int, n_tensor: int) -> Tensor:
    """One rank's part of a tensor of ours."""
    if ".qkv." in name:
        return fuse(tensor, config, version, rank, n_tensor)
    if ".up." in name and config.mlp == "swiglu":
        gates, values = tensor.chunk(2)
        return torch.cat([gates.chunk(n_tensor)[rank], values.chunk(n_tensor)[rank]])
    if ".up." in name:
        return tensor.chunk(n_tensor)[rank]
    if name.endswith(("out.weight", "down.weight")):
        return tensor.chunk(n_tensor, 1)[rank]
    return tensor


def rank_file(
    config: GPTConfig, state: dict[str, Tensor], version: float | None, sizes: tuple[int, int], rank: tuple[int, int],
    core: bool,
) -> dict[str, Any]:  # fmt: skip
    """What one rank saves. sizes, rank: (tensor, pipeline)."""
    (n_tensor, n_pipeline), (t, p) = sizes, rank
    n_layers = config.n_layers // n_pipeline
    names = CORE if core else LEGACY
    layers: dict[str, Tensor] = {}
    for name, tensor in state.items():
        if not name.startswith("blocks."):
            continue
        layer, what = int(name.split(".")[1]), name.split(".", 2)[2]
        place, kind = what.rsplit(".", 1)
        if layer // n_layers == p:
            joint = "_" if core and place.endswith("norm") else "."
            theirs = f"layers.{layer % n_layers}.{names[place]}{joint}{kind}"
            layers[theirs] = shard(what, tensor, config, version or 0, t, n_tensor).clone()
    if p == n_pipeline - 1:
        for kind in ("weight", "bias"):
            if f"norm.{kind}" in state:
                layers[f"final_layernorm.{kind}"] = state[f"norm.{kind}"]
    embedding: dict[str, Any] = {}
    if p == 0:
        embedding["word_embeddings"] = {"weight": padded(state["tokens.weight"], n_tensor).chunk(n_tensor)[t].clone()}
        if "places.weight" in state:
            embedding["position_embeddings"] = {"weight": state["places.weight"]}
    head = state.get("head.weight", state["tokens.weight"])
    model: dict[str, Any]
    if core:
        model = {f"decoder.{name}": tensor for name, tensor in layers.items()}
        model |= {f"embedding.{name}.weight": value["weight"] for name, value in embedding.items()}
        model["decoder.layers.0.mlp.linear_fc1._extra_state"] = None
        if p == n_pipeline - 1 and (not config.tied_head or n_pipeline > 1):
            model["output_layer.weight"] = padded(head, n_tensor).chunk(n_tensor)[t].clone()
    else:
        model = {"language_model": {"transformer" if (version or 0) < 3 else "encoder": layers}}
        if embedding:
            model["language_model"]["embedding"] = embedding
        if p == n_pipeline - 1 > 0:
            model["word_embeddings_for_head"] = {"weight": padded(head, n_tensor).chunk(n_tensor)[t].clone()}
    saved = {"model": model, "args": arguments(config, n_tensor, n_pipeline), "iteration": 5}
    return saved if version is None else {**saved, "checkpoint_version": version}


def distributed(config: GPTConfig, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """What torch_dist holds: whole tensors, those of all layers one after another under one name."""
    whole: dict[str, Tensor] = {}
    saved = rank_file(config, state, 3.0, (1, 1), (0, 0), core=True)["model"]
    for name, tensor in saved.items():
        parts = name.split(".")
        if tensor is None or parts[1] != "layers":
            whole |= {} if tensor is None else {name: tensor}
        elif parts[2] == "0":
            stacked = [saved[".".join(["decoder", "layers", str(i), *parts[3:]])] for i in range(config.n_layers)]
            whole[".".join(["decoder", "layers", *parts[3:]])] = torch.stack(stacked)
    return whole


def save(
    directory: Path, config: GPTConfig, state: dict[str, Tensor], version: float | None = 3.0,
    sizes: tuple[int, int] = (1, 1), core: bool = False,
) -> Path:  # fmt: skip
    """A checkpoint of one file a rank, random states and an optimizer included. sizes: (tensor, pipeline)."""
    for t in range(sizes[0]):
        for p in range(sizes[1]):
            folder = directory / "iter_0000005" / (f"mp_rank_{t:02d}" + (f"_{p:03d}" if sizes[1] > 1 else ""))
            folder.mkdir(parents=True)
            saved = rank_file(config, state, version, sizes, (t, p), core)
            rng = {"np_rng_state": np.random.RandomState(0).get_state(), "torch_rng_state": torch.get_rng_state()}
            torch.save({**saved, "rng_state": [rng], "optimizer": {"x": torch.ones(2)}}, folder / "model_optim_rng.pt")
    (directory / "latest_checkpointed_iteration.txt").write_text("5")
    return directory


def save_distributed(directory: Path, config: GPTConfig, state: dict[str, Tensor]) -> Path:
    """A checkpoint of torch_dist, part of an optimizer included."""
    folder = directory / "iter_0000005"
    extra = {"optimizer.state.exp_avg.embedding.word_embeddings.weight": torch.ones(4)}
    torch.distributed.checkpoint.save({**distributed(config, state), **extra}, checkpoint_id=folder, no_dist=True)
    (folder / "metadata.json").write_text(json.dumps({"sharded_backend": "torch_dist", "sharded_backend_version": 1}))
    common = rank_file(config, state, 3.0, (1, 1), (0, 0), core=True)
    torch.save({key: common[key] for key in ("args", "checkpoint_version")}, folder / "common.pt")
    (directory / "latest_checkpointed_iteration.txt").write_text("5")
    return directory
