"""The decoder. It works on embeddings, so that tokens, objects, frames and voices enter it the same way."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from scenewright_server.model.config import GPTConfig
from scenewright_server.model.quantised import Int8Table, take_packed


class Cache(Protocol):
    """Keys and values of one row's positions already run (engine/kv_cache.py has one)."""

    @property
    def length(self) -> int:
        """Positions held before this forward."""

    def write(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Store k, v (1, n_kv_heads, T, d_head) after `length`; return all length + T of them."""

    def advance(self, n: int) -> None:
        """Called once a forward, after the last layer: `length` grows by n."""


class Call(NamedTuple):
    """What all layers of one forward share."""

    rotary: tuple[Tensor, Tensor] | None
    mask: Tensor | None
    causal: bool
    caches: Sequence[Cache]


def attention_mask(start: int, n_new: int, prefix_len: int | Tensor, device: torch.device) -> Tensor:
    """Which of start + n_new positions each new one sees: those before it, and a prefix sees itself whole.

    Returns bool (1 or B, 1, n_new, start + n_new), True where attention is allowed.
    """
    keys = torch.arange(start + n_new, device=device)
    queries = keys[start:, None]
    prefix = torch.as_tensor(prefix_len, device=device).reshape(-1, 1, 1, 1)
    return (keys <= queries) | ((keys < prefix) & (queries < prefix))


def rotary_table(n_ctx: int, d_head: int, theta: float, divisors: Sequence[float] = ()) -> tuple[Tensor, Tensor]:
    """cos and signed sin, each (n_ctx, d_head), in the half-rotation order of Llama (Su et al. 2021).

    divisors: one for each of the d_head / 2 frequencies; none: as they are.
    """
    frequency = theta ** (-torch.arange(0, d_head, 2, dtype=torch.float32) / d_head)
    if divisors:
        frequency = frequency / torch.tensor(divisors)
    angle = torch.arange(n_ctx, dtype=torch.float32)[:, None] * frequency
    cos, sin = angle.cos(), angle.sin()
    return torch.cat([cos, cos], -1), torch.cat([-sin, sin], -1)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """x (B, H, T, d_head) turned by its positions' angles."""
    return x * cos + x.roll(x.shape[-1] // 2, -1) * sin


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, causal: bool) -> Tensor:
    """Scaled dot-product attention over (B, H, T, d_head), in one dtype.

    On a CPU that is float32 under autocast too: torch's bfloat16 backward takes twice as long there. A mask of numbers
    is added to the scores, in v's dtype, by plain products: with a mask their backward is twice as fast there.
    """
    if mask is not None and mask.is_floating_point() and q.is_cpu:
        return _attend_by_products(q.to(v.dtype), k.to(v.dtype), v, mask)
    dtype = torch.float32 if q.is_cpu else v.dtype  # q and k come in float32 from their norm and angles
    with torch.autocast(q.device.type, enabled=False):
        y = F.scaled_dot_product_attention(
            q.to(dtype), k.to(dtype), v.to(dtype), mask, is_causal=causal, enable_gqa=q.shape[1] != k.shape[1]
        )
    return y.to(v.dtype)


def _attend_by_products(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    b, h, t, d = q.shape
    groups = b * k.shape[1]
    q, k, v = (q * d**-0.5).reshape(groups, -1, d), k.reshape(groups, -1, d), v.reshape(groups, -1, d)
    scores = torch.bmm(q, k.transpose(1, 2)).view(b, h, t, -1) + mask
    return torch.bmm(scores.softmax(-1).to(v.dtype).view(groups, -1, scores.shape[-1]), v).view(b, h, t, d)


def make_norm(config: GPTConfig, size: int) -> nn.Module:
    return (nn.RMSNorm if config.norm == "rmsnorm" else nn.LayerNorm)(size, eps=config.norm_eps)


class Attention(nn.Module):
    def __init__(self, config: GPTConfig, layer: int) -> None:
        super().__init__()
        self.layer = layer
        self.n_heads, self.n_kv_heads, self.d_head = config.n_heads, config.n_kv_heads, config.d_head
        n_qkv = (config.n_heads + 2 * config.n_kv_heads) * config.d_head
        self.qkv = nn.Linear(config.d_model, n_qkv, bias=config.qkv_bias)
        self.out = nn.Linear(config.n_heads * config.d_head, config.d_model, bias=config.bias)
        self.q_norm = nn.RMSNorm(config.d_head, eps=config.norm_eps) if config.qk_norm else None
        self.k_norm = nn.RMSNorm(config.d_head, eps=config.norm_eps) if config.qk_norm else None

    def project(self, x: Tensor, call: Call) -> tuple[Tensor, Tensor, Tensor]:
        """x (B, T, D) to queries (B, n_heads, T, d_head), keys and values (B, n_kv_heads, T, d_head)."""
        b, t, _ = x.shape
        heads = self.qkv(x).view(b, t, -1, self.d_head).transpose(1, 2)  # (B, H + 2 KV, T, d_head)
        qk, v = heads.split([self.n_heads + self.n_kv_heads, self.n_kv_heads], 1)
        if self.q_norm is not None and self.k_norm is not None:
            weights = [
                self.q_norm.weight.expand(self.n_heads, 1, -1),
                self.k_norm.weight.expand(self.n_kv_heads, 1, -1),
            ]
            qk = F.rms_norm(qk.to(weights[0].dtype), (self.d_head,), eps=self.q_norm.eps) * torch.cat(weights)
        if call.rotary is not None:
            qk = rotate(qk, *call.rotary)
        q, k = qk.split([self.n_heads, self.n_kv_heads], 1)
        return q, k, v

    def forward(self, x: Tensor, call: Call) -> Tensor:
        b, t, _ = x.shape
        q, k, v = self.project(x, call)
        if not call.caches:
            y = attend(q, k, v, call.mask, call.causal)
        else:  # rows hold different numbers of positions: each attends to its own
            rows = zip(call.caches, q.split(1), k.split(1), v.split(1), strict=True)
            y = torch.cat(
                [attend(q, *cache.write(self.layer, k, v), call.mask, call.causal) for cache, q, k, v in rows]
            )
        return self.out(y.transpose(1, 2).reshape(b, t, -1))


class MLP(nn.Module):
    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.gated = config.mlp == "swiglu"
        self.approximate = "tanh" if config.mlp == "gelu_tanh" else "none"
        self.up = nn.Linear(config.d_model, config.d_ff * (2 if self.gated else 1), bias=config.bias)
        self.down = nn.Linear(config.d_ff, config.d_model, bias=config.bias)

    def forward(self, x: Tensor) -> Tensor:
        x = self.up(x)
        if self.gated:
            gate, x = x.chunk(2, -1)
            return self.down(F.silu(gate) * x)
        return self.down(F.gelu(x, approximate=self.approximate))


class Block(nn.Module):
    def __init__(self, config: GPTConfig, layer: int) -> None:
        super().__init__()
        self.attention_norm = make_norm(config, config.d_model)
        self.attention = Attention(config, layer)
        self.mlp_norm = make_norm(config, config.d_model)
        self.mlp = MLP(config)

    def forward(self, x: Tensor, call: Call) -> Tensor:
        x = x + self.attention(self.attention_norm(x), call)
        return x + self.mlp(self.mlp_norm(x))


class GPT(nn.Module):
    """Decoder-only transformer over embeddings (GPT-2, Llama, Qwen: see GPTConfig).

    The head's weight is the token embedding when `tied_head` is set.
    """

    cos: Tensor
    sin: Tensor

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.config = config
        self.tokens = nn.Embedding(config.vocab_size, config.d_model)
        self.places = nn.Embedding(config.n_ctx, config.d_model) if config.positions == "learned" else None
        self.blocks = nn.ModuleList(Block(config, layer) for layer in range(config.n_layers))
        self.norm = make_norm(config, config.d_model)
        self.head = None if config.tied_head else nn.Linear(config.d_model, config.vocab_size, bias=False)
        if config.positions == "rotary":
            cos, sin = rotary_table(config.n_ctx, config.d_head, config.rope_theta, config.rope_divisors)
            self.register_buffer("cos", cos, persistent=False)
            self.register_buffer("sin", sin, persistent=False)
        self.apply(self._initialise)

    def _initialise(self, module: nn.Module) -> None:
        """Normal(0, 0.02); what adds to the residual stream is divided by sqrt(2 L) (GPT-2)."""
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.normal_(module.weight, std=0.02)
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)
        if isinstance(module, Attention | MLP):
            last = module.out if isinstance(module, Attention) else module.down
            nn.init.normal_(last.weight, std=0.02 / math.sqrt(2 * self.config.n_layers))

    @classmethod
    def of(cls, config: GPTConfig, state: Mapping[str, Tensor], dtype: torch.dtype = torch.float32) -> GPT:
        """The decoder with these weights, as `dtype`, in eval mode; no random weights are made first.

        Weights that are of that type already are used as they are, and packed ones stay packed (model/quantised.py).
        Raises RuntimeError when they do not fit, ValueError for packed ones.
        """
        with torch.device("meta"):
            gpt = cls(config)
        plain = take_packed(gpt, state)
        gpt.load_state_dict({name: tensor.to(dtype) for name, tensor in plain.items()}, assign=True)
        if config.positions == "rotary":
            gpt.cos, gpt.sin = rotary_table(config.n_ctx, config.d_head, config.rope_theta, config.rope_divisors)
        return gpt.eval().requires_grad_(False)

    @property
    def dtype(self) -> torch.dtype:
        """Of hidden states, keys and values."""
        return next(self.norm.parameters()).dtype

    @property
    def device(self) -> torch.device:
        return next(self.norm.parameters()).device

    def embed(self, ids: Tensor) -> Tensor:
        """Token ids (...,) to embeddings (..., D)."""
        return self.tokens.embed(ids, self.dtype) if isinstance(self.tokens, Int8Table) else self.tokens(ids)

    def forward(
        self,
        x: Tensor,
        *,
        positions: Tensor | None = None,
        prefix_len: int | Tensor = 0,
        caches: Sequence[Cache] = (),
        mask: Tensor | None = None,
    ) -> Tensor:
        """Embeddings x (B, T, D) to hidden states (B, T, D), normalised and ready for `logits`.

        Attention is causal, and free inside the first `prefix_len` positions (an int, or (B,) ints). Rows of
        different length are padded on the right: a real position never sees padding.
        positions: (T,) or (B, T) ints, by default those that follow the cache.
        caches: one for each row, what was run before it; x is added to them. With several, T is 1.
        mask: (B, 1, T, T), what each position sees in place of all before it, as bool or added to scores; without
        caches.
        Raises ValueError when a cache and x together pass n_ctx, or when the caches do not fit x.
        """
        b, t, _ = x.shape
        starts = [cache.length for cache in caches] or [0]
        if max(starts) + t > self.config.n_ctx:
            raise ValueError(f"the context holds {self.config.n_ctx} positions, received {max(starts)} + {t}")
        if caches and (len(caches) != b or (b > 1 and t > 1)):
            raise ValueError(f"{len(caches)} caches do not fit {b} rows of {t} positions")
        if positions is None:
            positions = torch.tensor(starts, device=x.device)[:, None] + torch.arange(t, device=x.device)
        x = x * self.config.embed_scale
        if self.places is not None:
            x = x + self.places(positions)
        rotary = None
        if self.config.positions == "rotary":
            rotary = self.cos[positions].unsqueeze(-3), self.sin[positions].unsqueeze(-3)  # heads share it
        no_prefix = isinstance(prefix_len, int) and prefix_len == 0
        causal = t > 1 and starts[0] == 0 and no_prefix and mask is None
        if t > 1 and not causal and mask is None:
            mask = attention_mask(starts[0], t, prefix_len, x.device)
        call = Call(rotary, mask, causal, caches)
        for block in self.blocks:
            x = block(x, call)
        for cache in caches:
            cache.advance(t)
        return self.norm(x)

    def logits(self, hidden: Tensor) -> Tensor:
        """Hidden states (..., D) to scores over the vocabulary (..., V)."""
        if self.head is not None:
            return self.head(hidden)
        return self.tokens(hidden) if isinstance(self.tokens, Int8Table) else F.linear(hidden, self.tokens.weight)
