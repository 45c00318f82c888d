"""What all tests share: a tiny random-weight bundle, and a live server that serves it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from scenewright_server.families.diorama.config import AudioConfig, ModelConfig, VisionConfig
from scenewright_server.families.diorama.fusion import FusedModel
from scenewright_server.families.diorama.storage import BundleInfo, save_bundle
from scenewright_server.families.diorama.tokenizer import Tokenizer
from scenewright_server.model.config import GPTConfig
from scenewright_server.service.app import Server, background_server
from scenewright_server.service.settings import Limits, Settings, load_settings

ATTRIBUTES = {
    "size": ("small", "large"),
    "pattern": ("plain", "striped"),
    "colour": ("red", "blue", "green"),
    "kind": ("chair", "mug", "lamp"),
}
LIMITS = Limits(
    max_image_bytes=200_000,
    max_image_pixels=60_000,
    max_image_side=600,
    max_audio_bytes=400_000,
    max_audio_s=2.0,
    max_text_chars=100,
    max_scene_objects=4,
    max_label_chars=30,
    max_texts=3,
    max_new_tokens=600,
    max_sessions=8,
    max_session_ttl_s=60,
    max_requests=16,
)


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


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tiny_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle directory of a tiny model with random weights."""
    path = tmp_path_factory.mktemp("bundles") / "tiny"
    info = BundleInfo("tiny", "0", knows="nothing", knows_not="everything", provenance={"license": "CC0-1.0"})
    save_bundle(tiny_model(), info, path)
    return path


@pytest.fixture(scope="session")
def settings(tiny_bundle: Path) -> Settings:
    """Settings of a quiet server of the tiny bundle on any free port, with narrow limits."""
    return load_settings(
        bundle=tiny_bundle, address="127.0.0.1:0", limits=LIMITS, log_level="error", device="cpu", grace_s=300
    )


@pytest.fixture(scope="session")
def live_server(settings: Settings) -> Iterator[Server]:
    """One server for all tests that leave it as it was."""
    with background_server(settings) as server:
        yield server


@pytest.fixture(scope="session")
def server_address(live_server: Server) -> str:
    """Where the live server listens."""
    return live_server.address
