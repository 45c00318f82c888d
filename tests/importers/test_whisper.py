"""Whisper in the layouts of three libraries, written by them, hears what it heard there."""

from __future__ import annotations

import shutil
import struct
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from ctranslate2.converters.transformers import WhisperLoader
from scenewright_server.importers.refusal import ImportRefused
from scenewright_server.importers.whisper import read_whisper
from scenewright_server.model.whisper import WhisperConfig, build_whisper
from whisper.model import ModelDimensions, Whisper

SIZES = ModelDimensions(
    n_mels=80, n_audio_ctx=50, n_audio_state=32, n_audio_head=2, n_audio_layer=2, n_vocab=97, n_text_ctx=40,
    n_text_state=32, n_text_head=4, n_text_layer=3,
)  # fmt: skip


def disturb(model: torch.nn.Module) -> Any:
    """Random weights, none of them left at one or zero."""
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return model.eval()


def by_openai(directory: Path) -> tuple[Path, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]]:
    model = Whisper(SIZES)
    torch.nn.init.zeros_(model.decoder.positional_embedding)  # left as it was in memory otherwise
    disturb(model)
    torch.save({"dims": asdict(SIZES), "model_state_dict": model.state_dict()}, directory / "tiny.pt")
    return directory / "tiny.pt", lambda mel, ids: model(mel, ids)


def transformers_model() -> Any:
    config = transformers.WhisperConfig(
        vocab_size=97, num_mel_bins=80, encoder_layers=2, decoder_layers=3, encoder_attention_heads=2,
        decoder_attention_heads=4, d_model=32, encoder_ffn_dim=128, decoder_ffn_dim=128, max_source_positions=50,
        max_target_positions=40, pad_token_id=0, bos_token_id=1, eos_token_id=2, decoder_start_token_id=1,
    )  # fmt: skip
    return disturb(transformers.WhisperForConditionalGeneration(config))


def by_transformers(directory: Path) -> tuple[Path, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]]:
    model = transformers_model()
    model.save_pretrained(directory)
    return directory, lambda mel, ids: model(input_features=mel, decoder_input_ids=ids).logits


def by_ctranslate2(directory: Path) -> tuple[Path, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]]:
    model = transformers_model()
    spec = WhisperLoader().get_model_spec(model)
    spec.register_vocabulary([str(i) for i in range(97)])
    spec.validate()
    spec.optimize(quantization="float32")
    spec._serialize(str(directory / "model.bin"))
    return directory, lambda mel, ids: model(input_features=mel, decoder_input_ids=ids).logits


@torch.no_grad()
@pytest.mark.parametrize("write", [by_openai, by_transformers, by_ctranslate2])
def test_it_hears_what_it_heard_there(write: Callable[[Path], Any], tmp_path: Path) -> None:
    path, theirs = write(tmp_path)
    part = read_whisper(path)
    assert part.config.to_dict() == asdict(SIZES)
    ours = build_whisper(part.config).eval()
    ours.load_state_dict(part.state)
    mel = torch.randn(2, 80, 100, generator=torch.Generator().manual_seed(1))
    ids = torch.randint(0, 97, (2, 40), generator=torch.Generator().manual_seed(2))
    expected = theirs(mel, ids)
    assert expected.std() > 0.1
    assert (ours(mel, ids) - expected).abs().max() < 1e-4


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return by_ctranslate2(tmp_path_factory.mktemp("ctranslate2"))[0]


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda data: b"", "size: expected at least 4 bytes, found 0"),
        (lambda data: struct.pack("<I", 3) + data[4:], "version: expected 6, found 3"),
        (lambda data: data.replace(b"WhisperSpec", b"Transformer"), "model: expected WhisperSpec, found 'Transformer'"),
        (lambda data: data[:-100], "size: expected at least"),
        (
            lambda data: data.replace(b"encoder/conv1/weight\0\3\x20", b"encoder/conv1/weight\0\3\x21"),
            r"encoder/conv1/weight: expected 31680 bytes for shape \[33, 80, 3\], found 30720",
        ),
        (
            lambda data: data.replace(b"encoder/layer_1/ffn/linear_0/weight", b"encoder/layer_1/ffn/linear_9/weight"),
            r"encoder/layer_1/ffn/linear_0/weight: expected a tensor \[128, 32\], found none",
        ),
        (
            lambda data: data.replace(b"encoder/num_heads\0\0\2", b"encoder/num_heads\0\0\1"),
            "encoder/num_heads: expected",
        ),
    ],
)
def test_a_lying_model_bin_is_refused_by_name(
    converted: Path, damage: Callable[[bytes], bytes], said: str, tmp_path: Path
) -> None:
    good = (converted / "model.bin").read_bytes()
    bad = damage(good)
    assert bad != good
    (tmp_path / "model.bin").write_bytes(bad)
    with pytest.raises(ImportRefused, match=said):
        read_whisper(tmp_path)


def test_another_family_and_other_sizes_are_refused(tmp_path: Path) -> None:
    by_transformers(tmp_path)
    config = tmp_path / "config.json"
    text = config.read_text()
    for changed, said in (
        (text.replace('"whisper"', '"wav2vec2"'), "config.json: model_type: expected one of whisper, found 'wav2vec2'"),
        (text.replace('"d_model": 32', '"d_model": 48'), "encoder_ffn_dim: expected 192, found 128"),
        (text.replace('"encoder_layers": 2', '"encoder_layers": 1'), "expected no such tensor, found 15 that"),
        (text.replace('"vocab_size": 97', '"vocab_size": 98'), r"embed_tokens.weight: expected shape \[98, 32\]"),
    ):
        assert changed != text
        config.write_text(changed)
        with pytest.raises(ImportRefused, match=said):
            read_whisper(tmp_path)
    with pytest.raises(ImportRefused, match="path: expected a file or a directory, found nothing"):
        read_whisper(tmp_path / "nothing")
    shutil.rmtree(tmp_path)


def test_sizes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="state's size 32 is not a multiple of 3 heads"):
        WhisperConfig(**{**asdict(SIZES), "n_text_head": 3})
    with pytest.raises(ValueError, match="n_text_state 16 is not n_audio_state 32"):
        WhisperConfig(**{**asdict(SIZES), "n_text_state": 16})
