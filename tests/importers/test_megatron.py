"""Checkpoints in Megatron-LM's layouts, written from known models of transformers, are read back as those models."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from scenewright_server.importers.gpt2_tokenizer import gpt2_tokenizer
from scenewright_server.importers.megatron import merge_ranks, read_megatron
from scenewright_server.importers.refusal import ImportRefused
from tokenizers import Tokenizer
from whisper.tokenizer import get_encoding

from tests.importers.known_models import N_VOCAB, SOURCES, logits, tokenizer
from tests.importers.megatron_layout import rank_file, save, save_distributed

GPT2, LLAMA = SOURCES["gpt2"][:2], SOURCES["llama"][:2]


@pytest.mark.parametrize("n_pipeline", [1, 2])
@pytest.mark.parametrize("n_tensor", [1, 2, 4])
@pytest.mark.parametrize(
    ("kind", "version", "core"),
    [
        *(("gpt2", version, False) for version in (None, 0.0, 1.0, 2.0, 3.0)),
        ("gpt2", 3.0, True),
        ("llama", 3.0, True),
    ],
)
def test_every_version_and_split_gives_the_source(
    kind: str, version: float | None, core: bool, n_tensor: int, n_pipeline: int
) -> None:
    config, state, expected = SOURCES[kind]
    sizes = (n_tensor, n_pipeline)
    files = [[Path(f"{p}/{t}") for t in range(n_tensor)] for p in range(n_pipeline)]
    saved = {
        files[p][t]: rank_file(config, state, version, sizes, (t, p), core)
        for p in range(n_pipeline)
        for t in range(n_tensor)
    }
    for file in saved.values():
        file["args"] = vars(file["args"])
    read, merged = merge_ranks(files, saved.__getitem__, N_VOCAB)
    assert read.to_dict() == {**config.to_dict(), "head_dim": config.d_head}
    got = logits(read, merged)
    assert (got - expected).abs().max() < 1e-4
    assert torch.equal(got.argmax(-1), expected.argmax(-1))


def test_a_directory_of_ranks_is_read(tmp_path: Path) -> None:
    part = read_megatron(save(tmp_path, *GPT2, 3.0, (1, 2)), tokenizer())
    assert (logits(part.config, part.state) - SOURCES["gpt2"][2]).abs().max() < 1e-4
    assert (part.bos, part.stops, part.chat_template) == (N_VOCAB - 1, (N_VOCAB - 1,), None)


@pytest.mark.filterwarnings("ignore:torch.distributed is disabled")
def test_a_torch_dist_directory_is_read_and_runs_nothing(tmp_path: Path) -> None:
    directory = save_distributed(tmp_path, *LLAMA)
    part = read_megatron(directory, tokenizer())
    assert (logits(part.config, part.state) - SOURCES["llama"][2]).abs().max() < 1e-4
    metadata = directory / "iter_0000005" / ".metadata"
    metadata.write_bytes(b"cos\nsystem\n(S'touch " + str(tmp_path / "mark").encode() + b"'\ntR.")
    with pytest.raises(ImportRefused, match=r"found Refused: (os|posix)\.system in \.metadata"):
        read_megatron(directory, tokenizer())
    assert not (tmp_path / "mark").exists()


def saved_pair(**changed: Any) -> tuple[list[list[Path]], dict[Path, dict[str, Any]]]:
    """Two tensor-parallel files of the GPT-2, arguments changed."""
    config, state, _ = SOURCES["gpt2"]
    files = [Path("0"), Path("1")]
    saved = {file: rank_file(config, state, 3.0, (2, 1), (t, 0), False) for t, file in enumerate(files)}
    for file in saved.values():
        file["args"] = {**vars(file["args"]), **changed}
    return [files], saved


def drop(*path: str) -> Callable[[dict[Path, dict[str, Any]]], None]:
    def damage(saved: dict[Path, dict[str, Any]]) -> None:
        value: Any = saved[Path("1")]
        for key in path[:-1]:
            value = value[key]
        del value[path[-1]]

    return damage


def widen(saved: dict[Path, dict[str, Any]]) -> None:
    layers = saved[Path("1")]["model"]["language_model"]["encoder"]
    name = "layers.1.attention.query_key_value.weight"
    layers[name] = layers[name][:-4]


@pytest.mark.parametrize(
    ("changed", "damage", "said"),
    [
        ({}, drop("model"), "1: model: expected its tensors, in one part, found none"),
        ({}, drop("checkpoint_version"), "1: checkpoint_version: expected 3.0, found 0.0"),
        (
            {},
            drop("model", "language_model", "encoder", "layers.2.mlp.dense_h_to_4h.bias"),
            "0: blocks.2.mlp.up.bias: expected a part in each of 2 shards, found 1 parts",
        ),
        ({}, widen, "blocks.1.attention.qkv.weight: expected 48 rows, found 44"),
        ({"tensor_model_parallel_size": 4}, None, "tensor_model_parallel_size: expected 2, found 4"),
        ({"num_layers": 6}, None, "num_layers: expected 6, found 4 layers in 1 stages"),
        ({"num_attention_heads": 7, "num_query_groups": 7}, None, "num_attention_heads: expected a multiple of 2"),
        ({"make_vocab_size_divisible_by": 128}, None, "padded_vocab_size: expected 512, 274 tokens .* found 288"),
        ({"padded_vocab_size": 256}, None, "padded_vocab_size: expected 288, 274 tokens padded to 32s, found 288"),
        ({"max_position_embeddings": 64}, None, r"places.weight: expected shape \[64, 32\], found \[32, 32\]"),
        ({"num_experts": 8}, None, "num_experts: expected 0, found 8"),
        ({"position_embedding_type": "none"}, None, "position_embedding_type: expected one of learned_absolute, rope"),
    ],
)
def test_shards_that_do_not_fit_are_refused_by_name(changed: dict[str, Any], damage: Any, said: str) -> None:
    files, saved = saved_pair(**changed)
    if damage is not None:
        damage(saved)
    with pytest.raises(ImportRefused, match=said):
        merge_ranks(files, saved.__getitem__, N_VOCAB)


def test_a_file_without_arguments_is_taken_for_nvidias_release() -> None:
    """24 layers, 1024 wide, 50257 tokens padded to 128s: what this small file is not."""
    files, saved = saved_pair()
    for file in saved.values():
        del file["args"]
    with pytest.raises(ImportRefused, match=r"attention\.qkv\.weight: expected 1536 rows, found 48"):
        merge_ranks(files, saved.__getitem__, 50257)


def test_directories_that_are_not_whole_are_refused_by_name(tmp_path: Path) -> None:
    directory = save(tmp_path / "a", *GPT2, 3.0, (2, 1))
    iteration = directory / "iter_0000005"
    (iteration / "mp_rank_00" / "model_optim_rng.pt").unlink()
    with pytest.raises(
        ImportRefused, match=r"mp_rank_00/model_optim_rng\.pt: file: expected to be there, found nothing"
    ):
        read_megatron(directory, tokenizer())
    iteration.rename(directory / "iter_0000006")
    with pytest.raises(ImportRefused, match=r"iter_0000005: directory: expected to be there, as latest_"):
        read_megatron(directory, tokenizer())
    (directory / "latest_checkpointed_iteration.txt").write_text("../../etc")
    with pytest.raises(ImportRefused, match=r"content: expected release or a number, found '\.\./\.\./etc'"):
        read_megatron(directory, tokenizer())
    with pytest.raises(ImportRefused, match=r"expected mp_rank_00 or \.metadata in it, found neither"):
        read_megatron(tmp_path, tokenizer())


def test_an_unknown_version_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImportRefused, match=r"checkpoint_version: expected one of 0\.0, .* or none, found 4\.5"):
        read_megatron(save(tmp_path, *GPT2, 4.5), tokenizer())


def test_gpt2s_tokenizer_is_gpt2s() -> None:
    ours, theirs = Tokenizer.from_buffer(gpt2_tokenizer()), get_encoding("gpt2")
    texts = ["Hello  world, it's 12345\n\n", "naïve 红色杯子 😀\t\u00a0x", "antidisestablishmentarianism", "  a   b "]
    assert [ours.encode(text).ids for text in texts] == [theirs.encode(text) for text in texts]
    assert (ours.get_vocab_size(), ours.token_to_id("<|endoftext|>")) == (50257, 50256)
