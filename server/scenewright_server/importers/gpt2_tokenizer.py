"""GPT-2's tokenizer out of openai-whisper's `gpt2.tiktoken`, as a tokenizer.json."""

from __future__ import annotations

import base64
import importlib.util
import itertools
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

END = "<|endoftext|>"


def gpt2_tokenizer() -> bytes:
    """50257 tokens, the last of them END. Raises ModuleNotFoundError where openai-whisper is not installed."""
    found = importlib.util.find_spec("whisper")
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError("openai-whisper is not installed; it belongs to scenewright[server]")
    lines = Path(found.submodule_search_locations[0], "assets", "gpt2.tiktoken").read_bytes().splitlines()
    ranks = {base64.b64decode(token): int(rank) for token, rank in (line.split() for line in lines)}
    letters = _letters()
    vocab = {"".join(letters[byte] for byte in token): rank for token, rank in ranks.items()}
    merges = []
    for token in sorted(ranks, key=ranks.__getitem__):
        if len(token) > 1:
            first, second = ("".join(letters[byte] for byte in half) for half in _halves(token, ranks))
            merges.append((first, second))
    tokenizer = Tokenizer(models.BPE(vocab, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(END, special=True, normalized=False)])
    return tokenizer.to_str().encode()


def _letters() -> dict[int, str]:
    """The letter that stands for each byte: itself where it can be seen, else the next one from U+0100 on (GPT-2)."""
    seen = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in seen]
    return {byte: chr(byte) for byte in seen} | {byte: chr(0x100 + i) for i, byte in enumerate(hidden)}


def _halves(token: bytes, ranks: dict[bytes, int]) -> list[bytes]:
    """The two tokens that were merged into this one: what is left when only earlier merges are done."""
    parts = [bytes([byte]) for byte in token]
    while len(parts) > 2:
        pairs = [ranks.get(first + second, len(ranks)) for first, second in itertools.pairwise(parts)]
        i = min(range(len(pairs)), key=pairs.__getitem__)
        parts[i : i + 2] = [parts[i] + parts[i + 1]]
    return parts
