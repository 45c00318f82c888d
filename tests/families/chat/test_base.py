"""A base model (random GPT-2, no chat template) talks about a scene by the examples of base_prompt.jinja."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import scenewright
import torch
import transformers
from scenewright import aio, live, types
from scenewright_server.families.bundle import load_family
from scenewright_server.families.chat.chat import Chat
from scenewright_server.importers.bundles import Origin, Parts, write_bundle
from scenewright_server.importers.hf import read_hf
from scenewright_server.service.app import Server, background_server
from scenewright_server.service.settings import load_settings

from tests.families.chat import tiny
from tests.families.chat.test_served import SCENE

SHORT = types.Sampling(max_new_tokens=12, temperature=1.0, seed=1)


def gpt2(path: Path, n_positions: int) -> Path:
    """A bundle of a random GPT-2, imported from a directory that transformers wrote."""
    torch.manual_seed(0)
    config = transformers.GPT2Config(
        vocab_size=400, n_positions=n_positions, n_embd=32, n_layer=2, n_head=4, bos_token_id=0, eos_token_id=0
    )
    directory = path / "hf"
    transformers.GPT2LMHeadModel(config).save_pretrained(directory)
    (directory / "tokenizer.json").write_bytes(tiny.tokenizer())
    part = read_hf(directory)
    assert part.chat_template is None
    parts = Parts(part, None, None, {"language": Origin("gpt2", "made here", "CC0-1.0")})
    return write_bundle(path / f"gpt2-{n_positions}", parts, name=f"gpt2-{n_positions}", dtype="float32")


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    path = tmp_path_factory.mktemp("base")
    return gpt2(path / "a", 2048), gpt2(path / "b", 256)


@pytest.fixture(scope="module")
def server(bundles: tuple[Path, Path]) -> Iterator[Server]:
    settings = load_settings(models=tuple(map(str, bundles)), address="127.0.0.1:0", device="cpu", log_level="error")
    with background_server(settings) as server:
        yield server


def test_it_is_shown_a_dialogue_before_its_own(bundles: tuple[Path, Path]) -> None:
    family = load_family(bundles[0])
    assert isinstance(family, Chat)
    passing = family.open(tiny.ask("Where is the raven?")).begin().next
    assert passing is not None
    told = family.tokenizer.decode([id for span in passing.spans for id in span.rows])
    example, _, own = told.partition("Assistant: I do not know that.\n\n")
    assert "Assistant: The tin lamp [2] is behind you, 2.1 metres away.\n" in example and "goblin" not in example
    assert own.startswith("System: You are a guide") and "[1] goblin king (age)" in own
    assert own.endswith("Where is the raven?\nAssistant:")


async def test_it_describes_answers_and_converses(server: Server) -> None:
    with scenewright.Client(server.address, model="gpt2-2048") as client:
        assert {"describe", "answer", "converse", "generate"} <= set(client.model().capabilities)
        described = client.describe(scene=SCENE, sampling=SHORT)
        assert described.text and described.usage.scene_tokens
        with client.session() as session:
            first = session.ask("Where is the goblin king?", scene=SCENE, sampling=SHORT)
            second = session.ask("And the telescope?", sampling=SHORT)
        assert first.text and second.text and "\n" not in first.text + second.text
        assert second.usage.cached_tokens > first.usage.cached_tokens, "the examples are in the cache"
    async with aio.Client(server.address, model="gpt2-2048") as other:
        async with other.converse(scene=SCENE, hearing=None, sampling=SHORT) as talk:
            await talk.send_text("Where is the goblin king?")
            said = ""
            async for event in talk:
                if isinstance(event, live.TextDelta):
                    said += event.text
                elif isinstance(event, live.ResponseDone):
                    break
    assert said == first.text


def test_a_context_that_the_examples_fill_is_told(server: Server) -> None:
    with scenewright.Client(server.address, model="gpt2-256") as client:
        with pytest.raises(scenewright.errors.ScenewrightError, match="the context holds 256 positions") as refused:
            client.ask("Where is the goblin king?", scene=SCENE)
        assert refused.value.reason == "CONTEXT_FULL"
        assert client.generate("Once upon a time", sampling=SHORT).text, "it goes on from a text all the same"
