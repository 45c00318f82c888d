"""A small chat model of random weights with a real byte-level tokenizer and a real template: nothing to download."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from scenewright_server.families.bundle import load_family
from scenewright_server.families.chat.chat import Chat
from scenewright_server.families.family import Decoder, KVShape, Turn
from scenewright_server.importers.bundles import Origin, Parts, write_bundle
from scenewright_server.importers.parts import ClipPart, DetectorPart, LanguagePart, PlannerPart, WhisperPart
from scenewright_server.model.clip import Clip, ClipConfig
from scenewright_server.model.config import GPTConfig
from scenewright_server.model.detector import Detector, DetectorConfig
from scenewright_server.model.gpt import GPT, Cache
from scenewright_server.model.whisper import WhisperConfig, build_whisper
from scenewright_server.scene.entries import Fact, GraphObject
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

CONTROLS = ("<|end|>", "<|start|>")
CHATML = (
    "{% for m in messages %}<|start|>{{ m.role }}\n{{ m.content }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|start|>assistant\n{% endif %}"
)
CORPUS = ["the goblin king stands on the stone altar, two metres away [1]. 在左边，距离三米。"] * 4


def tokenizer() -> bytes:
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=list(CONTROLS), initial_alphabet=alphabet)
    made.train_from_iterator(CORPUS, trainer)
    return made.to_str().encode()


def language(template: str | None = CHATML, n_ctx: int = 2048) -> LanguagePart:
    torch.manual_seed(0)
    config = GPTConfig(
        vocab_size=408, n_ctx=n_ctx, d_model=32, n_layers=2, n_heads=4, n_kv_heads=2, d_ff=48, qk_norm=False
    )
    gpt = GPT(config)
    for parameter in gpt.parameters():
        if parameter.dim() == 2:
            parameter.data.mul_(6)  # so that every position matters to the next token
    return LanguagePart(config, gpt.state_dict(), tokenizer(), template, bos=None, stops=(0,))


def hearing() -> WhisperPart:
    torch.manual_seed(1)
    config = WhisperConfig(80, 1500, 16, 2, 1, 51865, 32, 16, 2, 1)
    state = build_whisper(config).state_dict()
    state["decoder.positional_embedding"].normal_(std=0.01)  # the library leaves it as the memory was
    return WhisperPart(config, state)


def seeing() -> DetectorPart:
    torch.manual_seed(2)
    config = DetectorConfig(("cup", "chair", "cat"), size=64, width=4, n_neck=8)
    return DetectorPart(config, Detector(config).state_dict())


def clip() -> ClipPart:
    torch.manual_seed(3)
    config = ClipConfig(
        {
            "embed_dim": 12,
            "vision_cfg": {"image_size": 32, "layers": 2, "width": 16, "patch_size": 16, "head_width": 8},
            "text_cfg": {"context_length": 20, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 2},
        }
    )
    state = Clip(config).state_dict()
    state["network.logit_scale"].fill_(6.0)  # so that random weights have favourites
    return ClipPart(config, state)


def planner(rank: int = 3) -> PlannerPart:
    """An adapter of random pairs that changes what the decoder says."""
    generator = torch.Generator().manual_seed(3)
    shapes = {"attention.qkv": (64, 32), "attention.out": (32, 32), "mlp.up": (96, 32), "mlp.down": (32, 48)}
    state = {}
    for layer in range(2):
        for name, (n_out, n_in) in shapes.items():
            state[f"blocks.{layer}.{name}.A"] = torch.randn(rank, n_in, generator=generator) / 4
            state[f"blocks.{layer}.{name}.B"] = torch.randn(n_out, rank, generator=generator) / 4
    return PlannerPart(state, rank, ("en",))


def parts(
    with_senses: bool = False,
    template: str | None = CHATML,
    n_ctx: int = 2048,
    plans: bool = False,
    with_clip: bool = False,
) -> Parts:
    origins = {"language": Origin("tiny", "made here", "CC0-1.0")}
    senses = (hearing(), seeing()) if with_senses else (None, None)
    return Parts(
        language(template, n_ctx), *senses, origins, clip() if with_clip else None, planner() if plans else None
    )


def load(path: Path, languages: tuple[str, ...] = ("en", "zh"), **settings: bool | str | int | None) -> Chat:
    """A bundle written to `path` and loaded, in float32."""
    made = parts(**settings)  # type: ignore[arg-type]
    write_bundle(path, made, name="tiny", languages=languages, dtype="float32", n_context=32_768)
    family = load_family(path)
    assert isinstance(family, Chat)
    return family


class Dictated:
    """A chat model's decoder that writes these texts, one in each pass of the planner, and is itself otherwise. For one
    dialogue at a time."""

    def __init__(self, family: Chat, *plans: str) -> None:
        self._decoder: Decoder = family.decoder
        self._encode = family.tokenizer.encode
        self.plans = list(plans)
        self._now, self._left = "", list[int]()

    @property
    def shape(self) -> KVShape:
        return self._decoder.shape

    def embed(self, ids: Sequence[int]) -> torch.Tensor:
        return self._decoder.embed(ids)

    def forward(
        self, x: torch.Tensor, caches: Sequence[Cache], *, prefix_len: int = 0, adapter: str = ""
    ) -> torch.Tensor:
        logits = self._decoder.forward(x, caches, prefix_len=prefix_len, adapter=adapter)
        if adapter == "plan":
            if x.shape[1] > 1:  # a part of the prompt
                self._now = self._now if self._left else self.plans.pop(0)
                self._left = list(self._encode(f" {self._now}\n"))
            logits[:, self._left.pop(0)] += 1e4
        return logits


def thing(id: str, label: str, x: float = 0.0, z: float = 2.0, **known: object) -> GraphObject:
    return GraphObject(id, label, (x, 0.0, z), (0.4, 0.4, 0.4), **known)  # type: ignore[arg-type]


GRAPH = (
    thing("k", "goblin king", -1.0, facts=(Fact("age", 340.0, "years"),)),
    thing("t", "brass telescope", 1.0, aliases=("spyglass",), facts=(Fact("maker", "Dollond"),)),
    thing("r", "raven", 0.2, -2.0, description="It speaks."),
)


def ask(question: str | None, graph: tuple[GraphObject, ...] = GRAPH, n: int = 12, **more: object) -> Turn:
    task = "describe" if question is None else "ask"
    return Turn(task, graph=graph, question=question, max_new_tokens=n, **more)  # type: ignore[arg-type]
