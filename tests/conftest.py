"""What all tests share: a small fake family, and a live server that serves it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import safetensors
import safetensors.torch
import torch
from scenewright_server.service.app import Server, background_server
from scenewright_server.service.settings import Limits, Settings, load_settings

from tests.fake import FakeFamily, write_bundle

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


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def no_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """No `.safetensors` file can be read."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError("weights are not to be read here")

    monkeypatch.setattr(safetensors, "safe_open", refuse)
    monkeypatch.setattr(safetensors.torch, "safe_open", refuse)
    monkeypatch.setattr(safetensors.torch, "load_file", refuse)


@pytest.fixture(scope="session")
def fake() -> FakeFamily:
    return FakeFamily()


@pytest.fixture(scope="session")
def tiny_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle directory of the fake family."""
    return write_bundle(tmp_path_factory.mktemp("bundles") / "tiny")


@pytest.fixture(scope="session")
def settings(tiny_bundle: Path) -> Settings:
    """Settings of a quiet server of the fake family on any free port, with narrow limits."""
    return load_settings(
        models=(str(tiny_bundle),), address="127.0.0.1:0", limits=LIMITS, log_level="error", device="cpu", grace_s=300
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
