"""Directories that transformers wrote are read back, and damaged ones are refused by name."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from scenewright_server.importers.hf import read_hf
from scenewright_server.importers.parts import LanguagePart
from scenewright_server.importers.refusal import ImportRefused
from scenewright_server.model.gpt import GPT
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

TEMPLATE = "{% for message in messages %}<s>{{ message.content }}</s>{% endfor %}"
SIZES = {
    "vocab_size": 300, "max_position_embeddings": 64, "hidden_size": 32, "intermediate_size": 48,
    "num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2,
}  # fmt: skip


def tokenizer() -> transformers.PreTrainedTokenizerFast:
    """A byte-level BPE of 274 tokens with a template, the last two of them special."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    made.train_from_iterator(
        ["the red mug on the table"] * 9, trainers.BpeTrainer(vocab_size=272, initial_alphabet=alphabet)
    )
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=made, bos_token="<s>", eos_token="</s>")
    fast.chat_template = TEMPLATE
    return fast


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A tiny Qwen2 as transformers saves it, in several shards, and the model."""
    directory = tmp_path_factory.mktemp("hf") / "qwen2"
    torch.manual_seed(0)
    model = transformers.Qwen2ForCausalLM(transformers.Qwen2Config(**SIZES)).eval()
    names = tokenizer()
    model.generation_config.eos_token_id = [names.eos_token_id, 7]
    model.config.bos_token_id, model.config.eos_token_id = names.bos_token_id, names.eos_token_id
    model.save_pretrained(directory, max_shard_size="40KB")
    names.save_pretrained(directory)
    return directory, model


@pytest.fixture
def copy(source: tuple[Path, Any], tmp_path: Path) -> Path:
    """A copy to damage."""
    return Path(shutil.copytree(source[0], tmp_path / "copy"))


@torch.no_grad()
def logits(part: LanguagePart, ids: torch.Tensor) -> torch.Tensor:
    gpt = GPT(part.config).eval()
    gpt.load_state_dict(part.state)
    return gpt.logits(gpt(gpt.embed(ids)))


def test_a_sharded_directory_is_read_whole(source: tuple[Path, Any]) -> None:
    directory, model = source
    assert len(list(directory.glob("*.safetensors"))) > 1
    part = read_hf(directory)
    ids = torch.arange(40)[None]
    with torch.no_grad():
        assert (logits(part, ids) - model(ids).logits).abs().max() < 1e-4
    assert Tokenizer.from_buffer(part.tokenizer).encode("the red mug").ids == tokenizer()("the red mug")["input_ids"]
    assert part.chat_template == TEMPLATE
    assert (part.bos, part.stops) == (272, (7, 273))


@pytest.mark.parametrize("kind", ["GPT2LMHeadModel", "MistralForCausalLM", "Qwen3ForCausalLM"])
def test_one_file_in_bfloat16_is_read(kind: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    sizes = {"vocab_size": 300, "bos_token_id": 272, "eos_token_id": 273, "tie_word_embeddings": True}
    sizes |= {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64} if kind.startswith("GPT2") else SIZES
    getattr(transformers, kind)(getattr(transformers, kind).config_class(**sizes)).bfloat16().save_pretrained(tmp_path)
    tokenizer().save_pretrained(tmp_path)
    part = read_hf(tmp_path)
    assert {tensor.dtype for tensor in part.state.values()} == {torch.bfloat16}
    ids = torch.arange(40)[None]
    with torch.no_grad():
        expected = getattr(transformers, kind).from_pretrained(tmp_path, dtype=torch.float32)(ids).logits
    assert (logits(part, ids) - expected).abs().max() < 1e-4


def test_weights_in_a_pickle_are_read_elsewhere(source: tuple[Path, Any], copy: Path) -> None:
    tensors = {name: tensor for shard in copy.glob("*.safetensors") for name, tensor in load_file(shard).items()}
    for file in (*copy.glob("*.safetensors"), copy / "model.safetensors.index.json"):
        file.unlink()
    torch.save(tensors, copy / "pytorch_model.bin")
    expected = read_hf(source[0]).state
    got = read_hf(copy).state
    assert got.keys() == expected.keys() and all(torch.equal(got[name], expected[name]) for name in expected)


def change(file: str, **values: Any) -> Callable[[Path], None]:
    """Write other values into a JSON file."""

    def damage(directory: Path) -> None:
        path = directory / file
        path.write_text(json.dumps({**json.loads(path.read_text()), **values}))

    return damage


def shard(directory: Path) -> Path:
    return sorted(directory.glob("*.safetensors"))[0]


def reshape(directory: Path) -> None:
    tensors = load_file(shard(directory))
    name = next(name for name in tensors if tensors[name].dim() == 2)
    save_file({**tensors, name: tensors[name][:-1].clone()}, shard(directory))


def lie(directory: Path) -> None:
    """A tensor that claims another's bytes."""
    file = max(directory.glob("*.safetensors"), key=lambda path: path.stat().st_size)
    data = file.read_bytes()
    n = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + n])
    names = [name for name in header if name != "__metadata__"]
    header["again"] = header[names[0]]
    packed = json.dumps(header).encode().ljust(n)
    file.write_bytes(len(packed).to_bytes(8, "little") + packed + data[8 + n :])


def cut(directory: Path) -> None:
    shard(directory).write_bytes(shard(directory).read_bytes()[:-10])


def huge_header(directory: Path) -> None:
    shard(directory).write_bytes(b"\xff" * 7 + b"\x7f" + shard(directory).read_bytes()[8:])


def rename(directory: Path) -> None:
    index = directory / "model.safetensors.index.json"
    index.write_text(index.read_text().replace("model.norm.weight", "model.other.weight"))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda d: (d / "config.json").unlink(), "config.json: file: expected to be there, found nothing"),
        (lambda d: (d / "config.json").write_text("[1]"), "config.json: content: expected a JSON object, found list"),
        (change("config.json", model_type="t5"), "model_type: expected one of gpt2, llama, .*, found 't5'"),
        (change("config.json", hidden_size=33), "config.json: sizes: .*d_model 33 is not a multiple"),
        (change("config.json", hidden_size=10**9), "hidden_size: expected a whole number from 1 to 65536, found 10000"),
        (change("config.json", num_hidden_layers=-1), "num_hidden_layers: .* found -1"),
        (change("config.json", num_key_value_heads=3), "n_heads 4 is not a multiple of n_kv_heads 3"),
        (change("config.json", intermediate_size=64), r"gate_proj.weight: expected shape \[64, 32\], found \[48, 32\]"),
        (change("config.json", num_hidden_layers=2), "expected no such tensor, found 12 that have no place"),
        (change("config.json", num_hidden_layers=4), r"model.layers.3.input_layernorm.weight: .* found none"),
        (change("config.json", vocab_size=200), "tokenizer.json: largest token id: expected 0 to 199, .* found 273"),
        (change("config.json", hidden_act="gelu"), "hidden_act: expected 'silu', found 'gelu'"),
        (
            change("config.json", rope_parameters={"rope_type": "yarn", "factor": 4.0}),
            "rope_type: expected one of default, linear, llama3, found 'yarn'",
        ),
        (change("config.json", eos_token_id=300), "eos_token_id: expected token ids from 0 to 299, found 300"),
        (lambda d: (d / "tokenizer.json").write_text("{}"), "tokenizer.json: content: expected a tokenizer.json"),
        (change("tokenizer_config.json", eos_token="</nothing>"), "eos_token: expected a token of tokenizer.json"),
        (lambda d: shard(d).unlink(), "model-00001-of-.*safetensors: file: expected to be there, found nothing"),
        (cut, "model-00001-of-.*: header: expected a whole safetensors file"),
        (huge_header, "model-00001-of-.*: header: expected a whole safetensors file"),
        (lie, "model-.*-of-.*: header: expected a whole safetensors file"),
        (reshape, r"expected shape \[\d+, 32\], found \[\d+, 32\]"),
        (rename, "model.other.weight: expected a tensor, as the index says, found none"),
        (change("model.safetensors.index.json", weight_map={"a": "../../etc/x.safetensors"}), "files beside it, found"),
    ],
)
def test_a_damaged_directory_is_refused_by_name(copy: Path, damage: Callable[[Path], Any], said: str) -> None:
    damage(copy)
    with pytest.raises(ImportRefused, match=said):
        read_hf(copy)
