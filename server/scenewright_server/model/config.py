"""Architecture settings. They are saved with the weights; deployment settings live elsewhere."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class GPTConfig:
    """One decoder, from GPT-2 and Megatron-LM (layernorm, learned, gelu, bias) to Llama, Mistral, Qwen2 and Qwen3.

    The defaults are the embedded model's decoder. Raises ValueError when sizes do not fit each other.
    """

    vocab_size: int = 2304
    n_ctx: int = 768  # prefix + prompt + generated tokens
    d_model: int = 256
    n_layers: int = 6
    n_heads: int = 4
    n_kv_heads: int = 4  # fewer than n_heads: grouped-query attention
    d_ff: int = 512
    norm: Literal["layernorm", "rmsnorm"] = "rmsnorm"
    norm_eps: float = 1e-5
    positions: Literal["learned", "rotary"] = "rotary"
    rope_theta: float = 100_000.0
    rope_divisors: tuple[float, ...] = ()  # of the head_dim / 2 rotary frequencies (Llama 3 turns the slow ones slower)
    mlp: Literal["gelu", "gelu_tanh", "swiglu"] = "swiglu"  # gelu by erf (Megatron-LM) or by tanh (GPT-2)
    bias: bool = False  # on the attention output and the MLP (GPT-2: True)
    qkv_bias: bool = False  # on q, k and v (GPT-2, Qwen2: True)
    qk_norm: bool = True  # an RMSNorm of each head of q and k, before it is turned (Qwen3)
    tied_head: bool = True
    embed_scale: float = 16.0  # of all input embeddings (Gemma: sqrt(d_model)); GPT-2 and Llama: 1
    head_dim: int = 0  # 0: d_model / n_heads

    def __post_init__(self) -> None:
        if self.n_heads % self.n_kv_heads:
            raise ValueError(f"n_heads {self.n_heads} is not a multiple of n_kv_heads {self.n_kv_heads}")
        if not self.head_dim and self.d_model % self.n_heads:
            raise ValueError(f"d_model {self.d_model} is not a multiple of n_heads {self.n_heads}")
        if self.positions == "rotary" and self.d_head % 2:
            raise ValueError(f"rotary positions need an even head size, received {self.d_head}")
        object.__setattr__(self, "rope_divisors", tuple(self.rope_divisors))  # a list, when it comes from JSON
        if self.rope_divisors and len(self.rope_divisors) != self.d_head // 2:
            raise ValueError(f"{self.d_head // 2} rotary frequencies do not fit {len(self.rope_divisors)} divisors")

    @property
    def d_head(self) -> int:
        return self.head_dim or self.d_model // self.n_heads

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> GPTConfig:
        """Raises TypeError for a name this architecture does not have."""
        return cls(**values)
