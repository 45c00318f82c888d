"""Architecture settings. They are saved with the weights; deployment settings live elsewhere."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class GPTConfig:
    """One decoder, from GPT-2 and Megatron-LM (layernorm, learned, gelu, bias) to Llama, Qwen2 and Mistral.

    The defaults are the embedded model's decoder. Raises ValueError when sizes do not fit each other.
    """

    vocab_size: int = 2048
    n_ctx: int = 768  # prefix + prompt + generated tokens
    d_model: int = 256
    n_layers: int = 6
    n_heads: int = 8
    n_kv_heads: int = 8  # fewer than n_heads: grouped-query attention
    d_ff: int = 512
    norm: Literal["layernorm", "rmsnorm"] = "rmsnorm"
    norm_eps: float = 1e-5
    positions: Literal["learned", "rotary"] = "rotary"
    rope_theta: float = 10_000.0
    mlp: Literal["gelu", "swiglu"] = "swiglu"
    bias: bool = False  # on the attention output and the MLP (GPT-2: True)
    qkv_bias: bool = False  # on q, k and v (GPT-2, Qwen2: True)
    qk_norm: bool = True
    tied_head: bool = True
    head_dim: int = 0  # 0: d_model / n_heads

    def __post_init__(self) -> None:
        if self.n_heads % self.n_kv_heads:
            raise ValueError(f"n_heads {self.n_heads} is not a multiple of n_kv_heads {self.n_kv_heads}")
        if not self.head_dim and self.d_model % self.n_heads:
            raise ValueError(f"d_model {self.d_model} is not a multiple of n_heads {self.n_heads}")
        if self.positions == "rotary" and self.d_head % 2:
            raise ValueError(f"rotary positions need an even head size, received {self.d_head}")

    @property
    def d_head(self) -> int:
        return self.head_dim or self.d_model // self.n_heads

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> GPTConfig:
        """Raises TypeError for a name this architecture does not have."""
        return cls(**values)


@dataclass(frozen=True)
class AudioConfig:
    """A Whisper (openai-whisper's ModelDimensions) with a CTC head over the language model's tokens.

    The defaults are the embedded model's. One encoder position is 20 ms. Raises ValueError when sizes do not fit.
    """

    vocab_size: int = 2048
    n_mels: int = 80
    n_ctx: int = 400  # 8 s
    d_model: int = 192
    n_heads: int = 6
    n_layers: int = 4
    n_text_ctx: int = 48
    n_text_layers: int = 1
    blank_id: int = 0
    bos_id: int = 1
    eot_id: int = 2

    def __post_init__(self) -> None:
        if self.d_model % self.n_heads:
            raise ValueError(f"d_model {self.d_model} is not a multiple of n_heads {self.n_heads}")
        if not max(self.blank_id, self.bos_id, self.eot_id) < self.vocab_size:
            raise ValueError(f"vocab_size {self.vocab_size} leaves out one of blank, bos and eot")

    @property
    def max_seconds(self) -> float:
        """The longest clip that fits."""
        return self.n_ctx * 0.02

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> AudioConfig:
        """Raises TypeError for a name this architecture does not have."""
        return cls(**values)
