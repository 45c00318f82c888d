"""Real public weights, pulled by their ordinary clients into the user's cache and served by the real server.

Run by `make test-weights`, which names them all; SCENEWRIGHT_WEIGHTS lists those that may be fetched, by their names in
the catalogue. What is not listed, or what no source gives, is skipped by name.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scenewright
import torch
from rich.console import Console
from safetensors.torch import load_file
from scenewright import types
from scenewright.cli.demo import show_photograph
from scenewright_server.families.bundle import load_family, user_cache
from scenewright_server.families.chat.hearing import Hearing
from scenewright_server.importers.catalogue import read_catalogue
from scenewright_server.importers.pull import PullFailed, pull
from scenewright_server.importers.whisper import read_whisper
from scenewright_server.model.config import GPTConfig
from scenewright_server.model.whisper import build_whisper
from scenewright_server.service.app import background_server
from scenewright_server.service.settings import load_settings
from scenewright_server.simulator.speech import speak

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
DUNGEON = EXAMPLES / "dungeon.json"
RATE_HZ = 16_000


def fetch(name: str) -> Path:
    if name not in os.environ.get("SCENEWRIGHT_WEIGHTS", "").split(","):
        pytest.skip(f"{name} is not in SCENEWRIGHT_WEIGHTS")
    try:
        return pull(name, read_catalogue(), user_cache(), lambda *_: None)
    except PullFailed as error:
        pytest.skip(f"{name}: {error}")


@contextmanager
def served(path: Path, **more: str) -> Iterator[scenewright.Client]:
    settings = load_settings(models=(str(path),), address="127.0.0.1:0", log_level="error", device="cpu", **more)
    with background_server(settings) as server, scenewright.Client(server.address, timeout_s=120) as client:
        yield client


@pytest.mark.parametrize("name", ["smollm2-135m", "guide", "qwen2.5-coder-0.5b", "guide-zh"])
def test_a_pulled_model_describes_and_answers(name: str) -> None:
    with served(fetch(name)) as client:
        assert client.model().name == name and client.model().license.startswith("Apache-2.0")
        told = client.describe(scene=DUNGEON, sampling=types.Sampling(max_new_tokens=60))
        assert {"telescope"} <= {annotation.object_id for annotation in told.annotations}
        answer = client.ask("Where is the raven?", scene=DUNGEON)
        assert "behind you" in answer.text
        assert [annotation.object_id for annotation in answer.annotations][:1] == ["raven"]


@pytest.mark.parametrize("name", ["guide", "guide-zh"])
def test_a_pulled_guide_hears_and_sees(name: str) -> None:
    path = fetch(name)
    family = load_family(path)
    from skimage import data

    (seen,) = family.see([family.fit(data.chelsea())])
    kinds = family.looks["kind"]  # type: ignore[attr-defined]
    assert kinds[int(seen.attributes["kind"][0].argmax())] == "cat"
    with served(path) as client:
        spoken = client.ask(audio=(speak("Where is the raven?"), RATE_HZ), scene=DUNGEON)
        assert spoken.question.spoken and spoken.question.text.lower() == "where is the raven?"
        assert "raven" in spoken.text


def test_the_demo_shows_a_photograph(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fetch("guide")
    public = json.loads((EXAMPLES / "demo.json").read_text())["public"]
    public["photo"] = EXAMPLES / public["photo"]
    show_photograph(public, tmp_path / "demo.png", 300, False, Console(width=200))
    printed = capsys.readouterr().out
    assert "cat" in printed[printed.index("cat.jpg") + 10 :] and (tmp_path / "demo_photo.png").is_file()


CLIPS = {
    "silence": np.zeros(3 * RATE_HZ),
    "noise": np.random.default_rng(0).normal(0, 0.05, 3 * RATE_HZ),
    "loud noise": np.random.default_rng(1).normal(0, 0.3, 5 * RATE_HZ),
    "a hum": 0.1 * np.sin(2 * np.pi * 50 * np.arange(4 * RATE_HZ) / RATE_HZ),
    "a chord": sum(0.1 * np.sin(2 * np.pi * f * np.arange(5 * RATE_HZ) / RATE_HZ) for f in (220, 277.2, 329.6)),
    "a click": np.eye(1, RATE_HZ, RATE_HZ // 2)[0],
}


@pytest.mark.parametrize("name", ["whisper-tiny.en", "whisper-base"])
def test_whisper_hears_words_and_none_that_nobody_said(name: str) -> None:
    part = read_whisper(fetch(name))
    whisper = build_whisper(part.config)
    whisper.load_state_dict(part.state)
    hearing = Hearing(whisper.float().eval(), ("en",))
    heard = {clip: hearing.hear(np.asarray(samples, np.float32)).text for clip, samples in CLIPS.items()}
    assert heard == dict.fromkeys(CLIPS, "")
    said = hearing.hear(speak("How many plates can you see in this room?")).text
    assert "can you see in this room?" in said


GENERATED = {
    "greedy": {},
    "repetition penalty": {"repetition_penalty": 1.3},
    "stop strings": {"stop_strings": [" and", "."]},
    "beams": {"num_beams": 4, "early_stopping": True, "num_return_sequences": 2},
}


@pytest.mark.parametrize("case", GENERATED)
def test_generate_says_what_transformers_says(case: str) -> None:
    """Token for token, on the bundle's own weights in float32."""
    import transformers

    bundle = fetch("smollm2-135m")
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_file=str(bundle / "tokenizer.json"))
    model = in_transformers(bundle)
    prompt, how = "The old lighthouse keeper opened the door", dict(GENERATED[case])
    ids = torch.tensor([tokenizer.encode(prompt, add_special_tokens=False)])
    stops = json.loads((bundle / "model.json").read_text())["decoder"]["stops"]
    out = model.generate(
        ids, attention_mask=torch.ones_like(ids), max_new_tokens=16, do_sample=False, eos_token_id=stops,
        pad_token_id=stops[0], tokenizer=tokenizer, **how,
    )  # fmt: skip
    sampling = types.Sampling(
        max_new_tokens=16, repetition_penalty=how.pop("repetition_penalty", None), stop=how.pop("stop_strings", ())
    )
    with served(bundle, dtype="float32") as client:
        found = client.generate(prompt, sampling=sampling, include_tokens=True, timeout_s=600, **how)
    for one, row in zip(found.sequences, out[:, ids.shape[1] :].tolist(), strict=True):
        assert [token.id for token in one.tokens] == row[: one.output_tokens]
        assert all(token == stops[0] for token in row[one.output_tokens :])


def in_transformers(bundle: Path) -> Any:
    """The bundle's decoder, a Llama, as transformers' own model with the same weights."""
    import transformers

    config = GPTConfig.from_dict(json.loads((bundle / "model.json").read_text())["decoder"]["config"])
    theirs = transformers.LlamaConfig(
        vocab_size=config.vocab_size, hidden_size=config.d_model, intermediate_size=config.d_ff,
        num_hidden_layers=config.n_layers, num_attention_heads=config.n_heads, num_key_value_heads=config.n_kv_heads,
        max_position_embeddings=config.n_ctx, rms_norm_eps=config.norm_eps, tie_word_embeddings=config.tied_head,
        rope_parameters={"rope_type": "default", "rope_theta": config.rope_theta},
    )  # fmt: skip
    model = transformers.LlamaForCausalLM(theirs).eval()
    state = {name: tensor.float() for name, tensor in load_file(bundle / "decoder.safetensors").items()}
    named = {"model.embed_tokens.weight": state["tokens.weight"], "model.norm.weight": state["norm.weight"]}
    for layer in range(config.n_layers):
        ours, d_kv = f"blocks.{layer}.", config.n_kv_heads * config.d_head
        parts = state[f"{ours}attention.qkv.weight"].split([config.n_heads * config.d_head, d_kv, d_kv])
        named |= {
            f"model.layers.{layer}.self_attn.{one}_proj.weight": part for one, part in zip("qkv", parts, strict=True)
        }
        gate, up = state[f"{ours}mlp.up.weight"].chunk(2)
        named |= {
            f"model.layers.{layer}.{theirs}.weight": tensor
            for theirs, tensor in (
                ("self_attn.o_proj", state[f"{ours}attention.out.weight"]),
                ("mlp.gate_proj", gate),
                ("mlp.up_proj", up),
                ("mlp.down_proj", state[f"{ours}mlp.down.weight"]),
                ("input_layernorm", state[f"{ours}attention_norm.weight"]),
                ("post_attention_layernorm", state[f"{ours}mlp_norm.weight"]),
            )
        }
    missing = model.load_state_dict(named, strict=False)
    assert set(missing.missing_keys) <= {"lm_head.weight"} and not missing.unexpected_keys
    model.tie_weights()
    return model
