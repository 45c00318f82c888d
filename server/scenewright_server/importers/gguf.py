"""A GGUF file becomes a language model's part of a bundle: architectures llama (Mistral too) and qwen2."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from torch import Tensor

from scenewright_server.importers.fields import Fields
from scenewright_server.importers.gguf_file import GGUFFile
from scenewright_server.importers.gguf_tokenizer import build_tokenizer
from scenewright_server.importers.hf import check_template
from scenewright_server.importers.hf_names import read_state
from scenewright_server.importers.parts import LanguagePart, check_ids, check_tokenizer
from scenewright_server.importers.refusal import ImportRefused
from scenewright_server.importers.tensors import Tensors
from scenewright_server.model.config import GPTConfig

_ROPE = "rope_freqs.weight"
_NAMES = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "lm_head": "output",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


def read_gguf(path: Path) -> LanguagePart:
    """A Llama, Mistral, Qwen2 or Qwen2.5 out of one GGUF file: weights, tokenizer and chat template.

    Raises ImportRefused, which names the key, what was expected and what was found.
    """
    file = GGUFFile(path)
    fields = Fields(path, file.fields)
    family = fields.choose("general.architecture", {"llama": "llama", "qwen2": "qwen2"})
    tokenizer = build_tokenizer(fields).to_str().encode()
    config = _read_config(fields, family, file)
    check_tokenizer(path, tokenizer, config.vocab_size)
    tensors: Mapping[str, Tensor] = _Unturned(file, config) if family == "llama" else file
    state = read_state(config, family, Tensors(path, tensors, name_in_gguf, skipped=(_ROPE,)))
    ids = {
        key: (fields.get(f"tokenizer.ggml.{key}_token_id"),)
        for key in ("bos", "eos", "eot")
        if f"tokenizer.ggml.{key}_token_id" in file.fields
    }
    return LanguagePart(
        config,
        state,
        tokenizer,
        check_template(path, "tokenizer.chat_template", fields.get("tokenizer.chat_template", None)),
        bos=next(iter(check_ids(path, "tokenizer.ggml.bos_token_id", ids.get("bos", ()), config.vocab_size)), None),
        stops=check_ids(
            path, "tokenizer.ggml.eos_token_id", ids.get("eos", ()) + ids.get("eot", ()), config.vocab_size
        ),
    )


def name_in_gguf(name: str) -> str:
    """What GGUF calls a tensor of transformers' Llama or Qwen2."""
    match = re.fullmatch(r"(?:model\.layers\.(\d+)\.)?(.+)\.(weight|bias)", name)
    assert match is not None
    layer, what, kind = match.groups()
    return ("" if layer is None else f"blk.{layer}.") + f"{_NAMES[what]}.{kind}"


def _read_config(fields: Fields, family: str, file: GGUFFile) -> GPTConfig:
    fields.require(f"{family}.expert_count", 0, 0)
    n_heads = fields.count(f"{family}.attention.head_count", high=2**10)
    d_model = fields.count(f"{family}.embedding_length", high=2**16)
    n_ctx = fields.count(f"{family}.context_length")
    n_vocab = len(fields.get("tokenizer.ggml.tokens"))
    try:
        config = GPTConfig(
            vocab_size=n_vocab,
            n_ctx=min(n_ctx, fields.count(f"{family}.attention.sliding_window", n_ctx)),
            d_model=d_model,
            n_layers=fields.count(f"{family}.block_count", high=2**10),
            n_heads=n_heads,
            n_kv_heads=fields.count(f"{family}.attention.head_count_kv", n_heads, high=2**10),
            head_dim=fields.count(f"{family}.attention.key_length", 0, low=0, high=2**12),
            d_ff=fields.count(f"{family}.feed_forward_length"),
            norm="rmsnorm",
            norm_eps=fields.number(f"{family}.attention.layer_norm_rms_epsilon", high=1.0),
            positions="rotary",
            rope_theta=fields.number(f"{family}.rope.freq_base", 10_000.0),
            mlp="swiglu",
            bias=False,
            qkv_bias=family == "qwen2",
            qk_norm=False,
            tied_head="output.weight" not in file,
            embed_scale=1.0,
        )
        fields.require(f"{family}.rope.dimension_count", config.d_head, config.d_head)
        divisors = _read_divisors(fields, family, config, file)
        return GPTConfig(**{**config.to_dict(), "rope_divisors": divisors})
    except ValueError as error:
        if isinstance(error, ImportRefused):
            raise
        raise ImportRefused(fields.file, "sizes", "sizes that fit each other", error) from None


def _read_divisors(fields: Fields, family: str, config: GPTConfig, file: GGUFFile) -> tuple[float, ...]:
    """Llama 3's come as a tensor, linear ones as a factor."""
    kind = fields.choose(f"{family}.rope.scaling.type", {"none": "none", "linear": "linear"}, "none")
    n = config.d_head // 2
    if _ROPE in file:
        divisors = Tensors(fields.file, file).take(_ROPE, n)
        if not ((divisors > 0) & divisors.isfinite()).all():
            raise ImportRefused(fields.file, _ROPE, "numbers above 0", "others")
        return tuple(divisors.tolist())
    return (fields.number(f"{family}.rope.scaling.factor"),) * n if kind == "linear" else ()


class _Unturned(Mapping[str, Tensor]):
    """A llama file's tensors, with the rows of q and k as transformers has them: GGUF pairs neighbours, not halves."""

    def __init__(self, file: GGUFFile, config: GPTConfig) -> None:
        self._file, self._d_head = file, config.d_head

    def __getitem__(self, name: str) -> Tensor:
        tensor = self._file[name]
        if not re.fullmatch(r"blk\.\d+\.attn_[qk]\.weight", name) or tensor.dim() != 2 or len(tensor) % self._d_head:
            return tensor  # of a wrong shape: refused when it is taken
        pairs = tensor.view(-1, self._d_head // 2, 2, tensor.shape[1])
        return pairs.transpose(1, 2).reshape(tensor.shape)

    def __iter__(self) -> Iterator[str]:
        return iter(self._file)

    def __len__(self) -> int:
        return len(self._file)
