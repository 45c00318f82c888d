"""The byte-level BPE that a GGUF file carries becomes a tokenizer.json."""

from __future__ import annotations

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from scenewright_server.importers.fields import Fields
from scenewright_server.importers.refusal import ImportRefused

_CONTROL, _USER_DEFINED, _UNUSED = 3, 4, 5  # token types


def _words(digits: str) -> pre_tokenizers.PreTokenizer:
    """The splitting of GPT-4's tokenizer, which Llama 3 (digits in threes) and Qwen2 (digits alone) took over."""
    pattern = (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"
        + digits
        + r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    )
    split = pre_tokenizers.Split(Regex(pattern), "isolated")
    return pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def _pre_tokenizer(kind: str) -> pre_tokenizers.PreTokenizer:
    if kind == "llama-bpe":
        return _words(r"\p{N}{1,3}")
    if kind == "qwen2":
        return _words(r"\p{N}")
    by_gpt2 = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    if kind == "smollm":
        return pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), by_gpt2])
    return by_gpt2


PRE_TOKENIZERS = {name: name for name in ("gpt-2", "smollm", "llama-bpe", "qwen2")}
"""The values of `tokenizer.ggml.pre` that are known."""


def build_tokenizer(fields: Fields) -> Tokenizer:
    """A tokenizer with the file's tokens, merges and special tokens. Raises ImportRefused for another kind of one."""
    fields.choose("tokenizer.ggml.model", {"gpt2": "gpt2"})
    kind = fields.choose("tokenizer.ggml.pre", PRE_TOKENIZERS)
    tokens = _strings(fields, "tokenizer.ggml.tokens")
    types = fields.get("tokenizer.ggml.token_type", [1] * len(tokens))
    if not isinstance(types, list) or len(types) != len(tokens):
        found = len(types) if isinstance(types, list) else repr(types)
        raise ImportRefused(fields.file, "tokenizer.ggml.token_type", f"{len(tokens)} types", found)
    vocab = {token: i for i, token in enumerate(tokens) if types[i] != _UNUSED}
    if len(vocab) < len(tokens) - types.count(_UNUSED):
        raise ImportRefused(fields.file, "tokenizer.ggml.tokens", "each token once", "one twice")
    merges: list[tuple[str, str]] = []
    for merge in _strings(fields, "tokenizer.ggml.merges"):
        first, _, second = merge.partition(" ")
        if not {first, second, first + second} <= vocab.keys():
            raise ImportRefused(fields.file, "tokenizer.ggml.merges", "two tokens that make a third", repr(merge))
        merges.append((first, second))
    tokenizer = Tokenizer(models.BPE(vocab, merges, fuse_unk=False, ignore_merges=kind == "llama-bpe"))
    if kind == "qwen2":
        tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = _pre_tokenizer(kind)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_tokens(
        [
            AddedToken(token, special=kind == _CONTROL, normalized=False)
            for token, kind in zip(tokens, types, strict=True)
            if kind in (_CONTROL, _USER_DEFINED)
        ]
    )
    if fields.flag("tokenizer.ggml.add_bos_token", kind == "llama-bpe"):
        bos = tokens[fields.count("tokenizer.ggml.bos_token_id", low=0, high=len(tokens) - 1)]
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{bos} $A", pair=f"{bos} $A $B", special_tokens=[(bos, vocab[bos])]
        )
    return tokenizer


def _strings(fields: Fields, key: str) -> list[str]:
    values = fields.get(key)
    if not isinstance(values, list) or not values or not all(isinstance(value, str) for value in values):
        raise ImportRefused(fields.file, key, "strings", type(values).__name__)
    return values
