"""GPT against transformers, on tiny random weights in transformers' own layout."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import transformers
from scenewright_server.importers.fields import Fields
from scenewright_server.importers.hf_names import read_config, read_state
from scenewright_server.importers.tensors import Tensors
from scenewright_server.model.gpt import GPT
from torch import Tensor

GPT2 = {"vocab_size": 97, "n_positions": 64, "n_embd": 32, "n_layer": 2, "n_head": 4, "bos_token_id": 1}
LLAMA = {
    "vocab_size": 97, "max_position_embeddings": 64, "hidden_size": 32, "intermediate_size": 48,
    "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "bos_token_id": 1, "pad_token_id": 0,
}  # fmt: skip
LLAMA3_ROPE = {
    "rope_type": "llama3", "rope_theta": 10_000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 16,
}  # fmt: skip
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "gpt2": ("GPT2", GPT2),
    "gpt2_erf_untied": ("GPT2", {**GPT2, "activation_function": "gelu", "tie_word_embeddings": False}),
    "llama2": ("Llama", {**LLAMA, "num_key_value_heads": 4}),
    "llama3": ("Llama", {**LLAMA, "rope_parameters": LLAMA3_ROPE, "tie_word_embeddings": True}),
    "llama_linear_biased": (
        "Llama",
        {
            **LLAMA, "rope_parameters": {"rope_type": "linear", "rope_theta": 1e4, "factor": 4.0},
            "attention_bias": True, "mlp_bias": True,
        },
    ),
    "mistral": ("Mistral", {**LLAMA, "head_dim": 12, "sliding_window": 48}),
    "qwen2": ("Qwen2", {**LLAMA, "tie_word_embeddings": True}),
    "qwen2_untied": ("Qwen2", LLAMA),
    "qwen3": ("Qwen3", {**LLAMA, "head_dim": 16}),
}  # fmt: skip


def reference(name: str) -> Any:
    """Transformers' model with random weights, none of them left at one or zero."""
    kind, sizes = CASES[name]
    torch.manual_seed(0)
    model = getattr(transformers, f"{kind}LMHeadModel" if kind == "GPT2" else f"{kind}ForCausalLM")(
        getattr(transformers, f"{kind}Config")(**sizes)
    )
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
    return model.eval()


def imported(model: Any) -> GPT:
    """The same weights in our decoder."""
    config = read_config(Fields("config.json", model.config.to_dict()))
    tensors = Tensors("model.safetensors", model.state_dict())
    gpt = GPT(config)
    gpt.load_state_dict(read_state(config, model.config.model_type, tensors))
    return gpt.eval()


def greedy(gpt: GPT, prompt: Tensor, n_new: int) -> list[int]:
    """The likeliest tokens after a prompt (T,), everything run again for each."""
    ids = prompt
    for _ in range(n_new):
        ids = torch.cat([ids, gpt.logits(gpt(gpt.embed(ids)[None])[0, -1:]).argmax(-1)])
    return [int(token) for token in ids[len(prompt) :]]


@torch.no_grad()
@pytest.mark.parametrize("name", CASES)
def test_logits_and_greedy_tokens_are_those_of_transformers(name: str) -> None:
    theirs = reference(name)
    ours = imported(theirs)
    ids = torch.randint(0, 97, (2, ours.config.n_ctx), generator=torch.Generator().manual_seed(1))
    expected = theirs(ids).logits
    got = ours.logits(ours(ours.embed(ids)))
    assert expected.std() > 0.1  # weights that say something
    assert (got - expected).abs().max() < 1e-4
    prompt = ids[0, :8]
    tokens = theirs.generate(prompt[None], max_new_tokens=24, do_sample=False, eos_token_id=None)[0, 8:]
    assert greedy(ours, prompt, 24) == tokens.tolist()
    assert len(set(tokens.tolist())) > 3  # not one token said again and again


@torch.no_grad()
def test_far_positions_turn_as_in_transformers() -> None:
    torch.manual_seed(0)
    rope = {**LLAMA3_ROPE, "rope_theta": 500_000.0, "original_max_position_embeddings": 8192, "factor": 32.0}
    config = transformers.LlamaConfig(**{**LLAMA, "max_position_embeddings": 131072}, rope_parameters=rope)
    theirs = transformers.LlamaForCausalLM(config).eval()
    ours = imported(theirs)
    places = torch.arange(40) * 250 + 8
    ids = torch.randint(0, 97, (1, 40))
    expected = theirs(ids, position_ids=places[None]).logits
    assert (ours.logits(ours(ours.embed(ids), positions=places)) - expected).abs().max() < 1e-4
