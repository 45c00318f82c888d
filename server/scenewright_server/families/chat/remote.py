"""A language model that lives elsewhere behind the seam: what is here, is told to it in words."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from scenewright_server.families.bundle import MANIFEST, BundleError, read_manifest
from scenewright_server.families.chat.base import ChatBase
from scenewright_server.families.chat.endpoint import SCHEME, EndpointConfig, read_endpoint
from scenewright_server.families.chat.memory import ChatMemory
from scenewright_server.families.chat.remote_planned import RemotePlannedScript
from scenewright_server.families.chat.remote_script import RemoteScript
from scenewright_server.families.chat.remote_writer import RemoteWriter
from scenewright_server.families.chat.script import words_of
from scenewright_server.families.chat.storage import BundleInfo, Senses, load_senses, read_info
from scenewright_server.families.endpoint import Endpoint
from scenewright_server.families.family import Memory, Turn

BYTES_A_TOKEN = 3
"""At least so many bytes of UTF-8 a token: English has four, Chinese three or more. How many there are, only the
endpoint knows; so more are taken for granted than come."""


@dataclass(frozen=True)
class RemoteBundle:
    """What a bundle says of itself and of its endpoint, and what it hears and sees with."""

    info: BundleInfo
    config: EndpointConfig
    senses: Senses


class RemoteChat(ChatBase):
    """See `families.family.Family`. `endpoint` answers."""

    def __init__(self, bundle: RemoteBundle, endpoint: Endpoint) -> None:
        info = bundle.info
        words = f"{bundle.config.model} at an endpoint, context {info.limits.context_tokens}"
        super().__init__(info, bundle.senses, words)
        self.decoder = endpoint
        self.plans = bundle.config.plans
        self.writer = RemoteWriter(bundle.config, info.limits.context_tokens, self.n_tokens)
        self.spec = replace(self.spec, capabilities=self.spec.capabilities | {"generate"})

    @property
    def n_ctx(self) -> int:
        return self.decoder.n_ctx

    def n_tokens(self, text: str) -> int:
        return math.ceil(len(text.encode()) / BYTES_A_TOKEN)

    def n_bytes(self, n_tokens: int) -> int:
        """That so many tokens may be."""
        return BYTES_A_TOKEN * n_tokens

    def open(self, turn: Turn, memory: Memory | None = None) -> RemoteScript | RemotePlannedScript:
        assert memory is None or isinstance(memory, ChatMemory)
        before, question = memory or ChatMemory(), turn.question
        if self.plans and question is not None and words_of(question):
            return RemotePlannedScript(self, turn, before)
        return RemoteScript(self, turn, before)

    def warm(self, turn: Turn, memory: Memory | None = None) -> None:
        """Nothing: what an endpoint keeps of a prompt is its own affair."""


def is_remote(path: Path) -> bool:
    """Whether the decoder of the chat model's bundle at `path` is an endpoint. Raises BundleError."""
    return isinstance(read_manifest(path).get("decoder"), str)


def load_remote(path: Path, device: torch.device) -> RemoteChat:
    """The model in a bundle whose decoder is an endpoint; nobody is asked anything yet. Raises BundleError."""
    bundle = read_remote_bundle(path, device)
    try:
        from scenewright_server.families.chat.client import OpenAIClient
    except ModuleNotFoundError as error:
        raise BundleError(
            f"{path}: its decoder is an endpoint, which needs the Python package {error.name!r}: "
            "pip install 'scenewright[endpoint]'"
        ) from None
    config = bundle.config
    if os.environ.get(config.key_variable) and not config.is_private:
        raise BundleError(
            f"{path / MANIFEST}: decoder is {SCHEME}{config.url}, must be https or on this machine: "
            f"{config.key_variable} is set, and a key can be read on its way"
        )
    return RemoteChat(bundle, OpenAIClient(config, bundle.info.limits.context_tokens))


def read_remote_bundle(path: Path, device: torch.device) -> RemoteBundle:
    """What is in such a bundle, checked. Raises BundleError."""
    manifest: dict[str, Any] = read_manifest(path)
    try:
        info = read_info(path, manifest)
        config = read_endpoint(manifest)
        senses = load_senses(path, manifest, device)
    except (TypeError, KeyError, AttributeError, RuntimeError, ValueError, OSError) as error:
        if isinstance(error, BundleError):
            raise
        raise BundleError(f"{path} does not fit this version: {type(error).__name__}: {error}") from error
    return RemoteBundle(info, config, senses)
