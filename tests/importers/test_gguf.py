"""GGUF files, written by the gguf package, are read as transformers reads them; lying ones are refused by name."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import gguf
import numpy as np
import pytest
import torch
import transformers
from scenewright_server.importers.gguf import read_gguf
from scenewright_server.importers.gguf_file import TYPES, GGUFFile
from scenewright_server.importers.parts import LanguagePart
from scenewright_server.importers.refusal import ImportRefused
from scenewright_server.model.gpt import GPT
from tokenizers import Tokenizer

from tests.importers.gguf_layout import BOS, HEADS, TOKENS, D, write


@torch.no_grad()
def logits(part: LanguagePart, ids: torch.Tensor) -> torch.Tensor:
    gpt = GPT(part.config).eval()
    gpt.load_state_dict(part.state)
    return gpt.logits(gpt(gpt.embed(ids)))


@pytest.mark.parametrize(("family", "pre", "tied"), [("llama", "llama-bpe", True), ("qwen2", "qwen2", False)])
def test_every_type_is_read_as_transformers_reads_it(family: str, pre: str, tied: bool, tmp_path: Path) -> None:
    path = write(tmp_path / "tiny.gguf", family, pre, tied=tied)
    assert {place.kind for place in GGUFFile(path)._places.values()} == set(TYPES.values())
    part = read_gguf(path)
    theirs = transformers.AutoModelForCausalLM.from_pretrained(tmp_path, gguf_file=path.name, dtype=torch.float32)
    ids = torch.randint(0, len(TOKENS), (1, 60), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = theirs(ids).logits
    assert expected.std() > 0.1
    assert (logits(part, ids) - expected).abs().max() < 1e-4
    assert part.config.tied_head == tied
    assert (part.bos, part.stops, part.chat_template) == (BOS, (BOS + 1,), "{{ messages }}")


@pytest.mark.parametrize(
    ("pre", "text", "expected"),
    [
        ("smollm", "the red 12 the", ["the", "Ġ", "red", "Ġ", "1", "2", "Ġthe"]),
        ("gpt-2", "the 12", ["the", "Ġ", "12"]),
        ("llama-bpe", "red12\n\nthe", ["red", "12", "Ċ", "Ċ", "the"]),
        ("qwen2", "e\u0301 12", ["Ã©", "Ġ", "1", "2"]),  # composed first
        ("gpt-2", "e\u0301", ["e", "Ì", "ģ"]),
        ("qwen2", "<s>the<tool></s>", ["<s>", "the", "<tool>", "</s>"]),
        ("qwen2", "[PAD]", ["[", "P", "A", "D", "]"]),
    ],
)
def test_text_is_split_as_the_file_says(pre: str, text: str, expected: list[str], tmp_path: Path) -> None:
    tokenizer = Tokenizer.from_buffer(read_gguf(write(tmp_path / "t.gguf", "qwen2", pre, layers=1)).tokenizer)
    assert tokenizer.encode(text).tokens == expected


def test_a_file_that_wants_its_beginning_marked_gets_it(tmp_path: Path) -> None:
    path = write(tmp_path / "t.gguf", "llama", "llama-bpe", layers=1)
    data = path.read_bytes()
    key = b"tokenizer.ggml.add_bos_token" + struct.pack("<I", 7)
    path.write_bytes(data.replace(key + b"\0", key + b"\1"))
    assert Tokenizer.from_buffer(read_gguf(path).tokenizer).encode("the").tokens == ["<s>", "the"]


def patch(after: bytes, new: bytes, skip: int = 0) -> Callable[[bytes], bytes]:
    """Overwrite the bytes that come `skip` bytes after the first `after`."""

    def change(data: bytes) -> bytes:
        start = data.index(after) + len(after) + skip
        return data[:start] + new + data[start + len(new) :]

    return change


HUGE = struct.pack("<Q", 2**60)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda data: b"", "size: expected at least 24 bytes, found 0"),
        (lambda data: b"PK\3\4" + data[4:], "magic: expected b'GGUF'"),
        (lambda data: data[:4] + struct.pack("<I", 9) + data[8:], "version: expected 2 or 3, little-endian, found 9"),
        (lambda data: data[:8] + HUGE + data[16:], f"tensor count: expected at most 65536, found {2**60}"),
        (lambda data: data[:16] + HUGE + data[24:], f"field count: expected at most 4096, found {2**60}"),
        (lambda data: data[:24] + HUGE + data[32:], f"length of a string: .* found {2**60}"),
        (patch(b"tokenizer.ggml.tokens", HUGE, 8), f"tokenizer.ggml.tokens: .* found {2**60}"),
        (patch(b"tokenizer.ggml.token_type", struct.pack("<Q", 2**22), 8), "size: expected at least .* bytes"),
        (patch(b"tokenizer.ggml.token_type", struct.pack("<I", 9), 4), "token_type: .* known type, found type 9"),
        (patch(b"blk.0.attn_q.weight", HUGE, 4), "blk.0.attn_q.weight: expected a file of .* bytes"),
        (patch(b"blk.0.attn_q.weight", struct.pack("<Q", 64), 12), r"expected shape \[256, 256\], found \[64, 256\]"),
        (patch(b"blk.0.attn_q.weight", struct.pack("<I", 9)), "attn_q.weight: expected 1 to 4 dimensions, found 9"),
        (patch(b"blk.0.attn_q.weight", struct.pack("<I", 77), 20), "attn_q.weight: expected one of F32, .* found 77"),
        (patch(b"blk.0.attn_q.weight", struct.pack("<Q", 0), 24), "expected data from byte .* on"),
        (patch(b"blk.0.attn_q.weight", HUGE, 24), "blk.0.attn_q.weight: expected a file of .* bytes"),
        (lambda data: data[: len(data) // 2], "expected a file of .* bytes, found .* bytes"),
        (lambda data: data.replace(b"blk.0.attn_v", b"blk.0.attn_w"), r"blk.0.attn_v.weight: .* found none"),
        (lambda data: data.replace(b"qwen2", b"bert2"), "general.architecture: expected one of llama, qwen2"),
        (
            patch(b"qwen2.attention.head_count", struct.pack("<I", 3), 4),
            "sizes: .* n_heads 3 is not a multiple of n_kv_heads 2",
        ),
        (
            patch(b"qwen2.block_count", struct.pack("<I", 2), 4),
            "blk.1.attn_norm.weight: expected a tensor .* found none",
        ),
        (patch(b"tokenizer.ggml.eos_token_id", struct.pack("<I", 999), 4), "eos_token_id: .* found 999"),
        (patch(b"tokenizer.ggml.pre", b"gpt-9", 12), "tokenizer.ggml.pre: expected one of gpt-2, .* found 'gpt-9'"),
        (lambda data: data.replace("Ġ the".encode(), "Ġ thu".encode()), "merges: expected two tokens .* 'Ġ thu'"),
        (lambda data: data.replace(b"\3\0\0\0\0\0\0\0red", b"\3\0\0\0\0\0\0\0the"), "tokens: expected each token once"),
    ],
)
def test_a_lying_file_is_refused_by_name(damage: Callable[[bytes], bytes], said: str, tmp_path: Path) -> None:
    path = write(tmp_path / "bad.gguf", "qwen2", "gpt-2", layers=1)
    good = path.read_bytes()
    bad = damage(good)
    assert bad != good
    path.write_bytes(bad)
    with pytest.raises(ImportRefused, match=said) as refused:
        read_gguf(path)
    assert str(refused.value).startswith(f"{path}: ")


def test_llama_3_divisors_come_from_their_tensor(tmp_path: Path) -> None:
    path = tmp_path / "t.gguf"
    write(path, "llama", "llama-bpe", layers=1)
    reader = gguf.GGUFReader(path)
    writer = gguf.GGUFWriter(tmp_path / "scaled.gguf", "llama")
    for name, field in reader.fields.items():
        if not name.startswith("GGUF.") and name != "general.architecture":
            kind = field.types[0]
            inner = field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None
            writer.add_key_value(name, field.contents(), kind, inner)
    divisors = np.linspace(1, 8, D // HEADS // 2, dtype=np.float32)
    writer.add_tensor("rope_freqs.weight", divisors)
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, np.array(tensor.data), raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    assert read_gguf(tmp_path / "scaled.gguf").config.rope_divisors == tuple(divisors.tolist())
