from __future__ import annotations

import pytest
import torch
from scenewright_server.families.diorama.config import AudioConfig, ModelConfig, VisionConfig
from scenewright_server.families.diorama.fusion import FusedModel
from scenewright_server.families.diorama.tokenizer import Tokenizer
from scenewright_server.model.config import GPTConfig

from tests.engine.oracle import ATTRIBUTES, N_CTX


@pytest.fixture(scope="session")
def model() -> FusedModel:
    """Random weights, large enough that every position matters to the next token."""
    torch.manual_seed(0)
    texts = [f" {colour} {kind}" for colour in ATTRIBUTES["colour"] for kind in ATTRIBUTES["kind"]] * 9
    tokenizer = Tokenizer.train([*texts, " where is the goblin king"], 400)
    n_vocab = tokenizer.n_vocab
    config = ModelConfig(
        gpt=GPTConfig(
            vocab_size=n_vocab, n_ctx=N_CTX, d_model=32, n_layers=2, n_heads=4, n_kv_heads=2, d_ff=48
        ),
        vision=VisionConfig(
            attributes=ATTRIBUTES, image_size=64, layers=(1, 1, 1, 1), width=8, vocab_size=n_vocab,
            d_embed=16, n_text_ctx=12, d_text=16, n_text_heads=2, n_text_layers=1, n_features=8,
        ),
        audio=AudioConfig(vocab_size=n_vocab, n_ctx=50, d_model=16, n_heads=2, n_layers=1, n_text_ctx=8),
    )  # fmt: skip
    fused = FusedModel(config, tokenizer).eval()
    with torch.no_grad():
        for parameter in fused.gpt.parameters():
            if parameter.dim() == 2:
                parameter.mul_(6)
        fused.gpt.tokens.weight[tokenizer.call] *= 3  # most plans come to an end
        for parameter in fused.scene.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    return fused
