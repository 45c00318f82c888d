from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from scenewright_server.families.diorama.config import AudioConfig, ModelConfig, VisionConfig
from scenewright_server.families.diorama.fusion import FusedModel
from scenewright_server.families.diorama.tokenizer import Tokenizer
from scenewright_server.model.config import GPTConfig

from tests.families.diorama import scenes

ATTRIBUTES = {
    "size": ("small", "large"),
    "pattern": ("plain", "striped"),
    "colour": ("red", "blue", "green"),
    "kind": ("chair", "mug", "lamp"),
}


def tiny_model() -> FusedModel:
    """Random weights of a fused model that says something: it finds objects, points at them and speaks."""
    torch.manual_seed(0)
    words = [word for values in ATTRIBUTES.values() for word in values]
    phrases = [f" {colour} {kind}" for colour in ATTRIBUTES["colour"] for kind in ATTRIBUTES["kind"]]
    tokenizer = Tokenizer.train([f" {word}" for word in words] * 9 + phrases * 9, 340)
    n_vocab = tokenizer.n_vocab
    config = ModelConfig(
        gpt=GPTConfig(
            vocab_size=n_vocab, n_ctx=768, d_model=32, n_layers=2, n_heads=4, n_kv_heads=2, d_ff=48
        ),
        vision=VisionConfig(
            attributes=ATTRIBUTES, image_size=64, layers=(1, 1, 1, 1), width=8, d_embed=16,
            vocab_size=n_vocab, n_text_ctx=12, d_text=16, n_text_heads=2, n_text_layers=1, n_features=8,
        ),
        audio=AudioConfig(vocab_size=n_vocab, n_ctx=75, d_model=16, n_heads=2, n_layers=1, n_text_ctx=8),
    )  # fmt: skip
    model = FusedModel(config, tokenizer).eval()
    with torch.no_grad():
        for parameter in model.gpt.parameters():
            if parameter.dim() == 2:
                parameter.mul_(6)
        # Whole words and references are likelier than bytes, and an answer goes on until its limit.
        first_byte = tokenizer.n_specials
        model.gpt.tokens.weight[first_byte : first_byte + 256] *= 0.1
        model.gpt.tokens.weight[list(tokenizer.refs[:3])] *= 1.5
        model.gpt.tokens.weight[tokenizer.eot] = 0
        for parameter in model.scene.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
        place = model.vision.head.place[1]
        place.weight.normal_(std=0.1)
        place.bias[0] = 0.5
        model.vision.head.known.weight.zero_()
        model.vision.head.known.bias.fill_(9.0)
        model.audio.ctc.weight.normal_(std=1.0)
        model.audio.whisper.decoder.token_embedding.weight[: tokenizer.n_specials] = 0
    return model


@pytest.fixture(scope="session")
def model_factory() -> Callable[[], FusedModel]:
    """Makes a tiny fused model of random weights."""
    return tiny_model


@pytest.fixture(scope="session")
def model() -> FusedModel:
    """Random weights, large enough that every position matters to the next token."""
    torch.manual_seed(0)
    texts = [f" {colour} {kind}" for colour in scenes.ATTRIBUTES["colour"] for kind in scenes.ATTRIBUTES["kind"]] * 9
    tokenizer = Tokenizer.train([*texts, " where is the goblin king"], 400)
    n_vocab = tokenizer.n_vocab
    config = ModelConfig(
        gpt=GPTConfig(
            vocab_size=n_vocab, n_ctx=scenes.N_CTX, d_model=32, n_layers=2, n_heads=4, n_kv_heads=2, d_ff=48
        ),
        vision=VisionConfig(
            attributes=scenes.ATTRIBUTES, image_size=64, layers=(1, 1, 1, 1), width=8, vocab_size=n_vocab,
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
