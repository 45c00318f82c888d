"""Models of transformers whose weights are known, and a small tokenizer for them."""

from __future__ import annotations

from typing import Any

import torch
import transformers
from scenewright_server.importers.fields import Fields
from scenewright_server.importers.hf_names import read_config, read_state
from scenewright_server.importers.tensors import Tensors
from scenewright_server.model.config import GPTConfig
from scenewright_server.model.gpt import GPT
from tokenizers import Tokenizer, models, pre_tokenizers
from torch import Tensor

N_VOCAB = 274
IDS = torch.randint(0, N_VOCAB, (2, 30), generator=torch.Generator().manual_seed(0))


def source(kind: str) -> tuple[GPTConfig, dict[str, Tensor], Tensor]:
    """A model of transformers: our config, our state, and transformers' logits for IDS."""
    torch.manual_seed(0)
    if kind == "gpt2":
        sizes = {"vocab_size": N_VOCAB, "n_positions": 32, "n_embd": 32, "n_layer": 4, "n_head": 8}
        model: Any = transformers.GPT2LMHeadModel(transformers.GPT2Config(**sizes))
    else:
        model = transformers.LlamaForCausalLM(
            transformers.LlamaConfig(
                vocab_size=N_VOCAB, max_position_embeddings=32, hidden_size=32, intermediate_size=48,
                num_hidden_layers=4, num_attention_heads=8, num_key_value_heads=4,
            )
        )  # fmt: skip
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
        expected = model.eval()(IDS).logits
    config = read_config(Fields("config.json", model.config.to_dict()))
    return config, read_state(config, kind, Tensors("weights", model.state_dict())), expected


SOURCES = {kind: source(kind) for kind in ("gpt2", "llama")}


@torch.no_grad()
def logits(config: GPTConfig, state: dict[str, Tensor]) -> Tensor:
    gpt = GPT(config).eval()
    gpt.load_state_dict(state)
    return gpt.logits(gpt(gpt.embed(IDS)))


def tokenizer() -> bytes:
    """N_VOCAB tokens, the last of them the end."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    names = [*alphabet, *(f"<{i}>" for i in range(N_VOCAB - len(alphabet) - 1)), "<|endoftext|>"]
    return str(Tokenizer(models.BPE({name: i for i, name in enumerate(names)}, [])).to_str()).encode()
