"""A public language model behind the seam."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from scenewright_server.families.chat.hearing import MAX_AUDIO_S, Hearing
from scenewright_server.families.chat.memory import ChatMemory, Exchange
from scenewright_server.families.chat.prompt import Prompter
from scenewright_server.families.chat.script import ChatScript, never_said
from scenewright_server.families.chat.seeing import COLOURS, Seeing
from scenewright_server.families.chat.storage import Bundle
from scenewright_server.families.chat.writer import ChatWriter
from scenewright_server.families.decoder import GPTDecoder
from scenewright_server.families.family import Heard, Memory, Spec, Turn
from scenewright_server.scene.entries import Detections

MAX_LABEL_TOKENS = 64


class Chat:
    """See `families.family.Family`."""

    embedder = codec = audio_codec = None

    def __init__(self, bundle: Bundle) -> None:
        info, gpt = bundle.info, bundle.gpt
        parts = [part for part in (gpt, bundle.whisper, bundle.detector) if part is not None]
        self.spec = Spec(
            name=info.name,
            version=info.version,
            sha256=info.sha256,
            architecture=_describe(bundle),
            n_parameters=sum(parameter.numel() for part in parts for parameter in part.parameters()),
            capabilities=frozenset(info.capabilities),
            languages=info.languages,
            speech_languages=info.speech_languages,
            fusion=info.fusion,
            knows=info.knows,
            knows_not=info.knows_not,
            license=str(info.provenance.get("license", "")),
            max_audio_s=MAX_AUDIO_S if bundle.whisper is not None else 0.0,
            max_objects=info.limits.objects,
        )
        self.decoder = GPTDecoder(gpt)
        self.tokenizer, self.stops, self.line_end = bundle.tokenizer, bundle.stops, bundle.line_end
        self.prompter = Prompter(bundle.tokenizer, bundle.template)
        self.never = never_said(gpt.config.vocab_size, bundle.tokenizer, bundle.stops, self.decoder.shape.device)
        self._hearing = None if bundle.whisper is None else Hearing(bundle.whisper, info.speech_languages)
        self._seeing = None if bundle.detector is None else Seeing(bundle.detector)
        self.looks = {"colour": COLOURS, "kind": () if bundle.detector is None else bundle.detector.config.labels}
        self.writer = ChatWriter(bundle.tokenizer, bundle.stops, gpt.config.vocab_size, self.decoder.shape)
        self.spec = replace(self.spec, capabilities=self.spec.capabilities | {"generate"})

    def fit(self, frame: np.ndarray) -> np.ndarray:
        return frame if self._seeing is None else self._seeing.fit(frame)

    def see(self, frames: Sequence[np.ndarray]) -> list[Detections]:
        assert self._seeing is not None  # or its spec would not name an image's fusion
        return [self._seeing.see(frame) for frame in frames]

    def hear(self, clip: np.ndarray) -> Heard:
        assert self._hearing is not None  # or its spec would not name "voice"
        return self._hearing.hear(clip)

    def read(self, text: str) -> str:
        words = " ".join(text.split())
        return words if any(map(str.isalnum, words)) else ""

    def fault(self, label: str) -> tuple[str, str] | None:
        n = self.n_tokens(label)
        return (f"{n} tokens", f"at most {MAX_LABEL_TOKENS}") if n > MAX_LABEL_TOKENS else None

    def past(self, history: Sequence[tuple[str, str]]) -> ChatMemory:
        turns = tuple(Exchange(question, (answer,)) for question, answer in history)
        return ChatMemory(turns, sum(self.n_tokens(text) for exchange in history for text in exchange))

    def open(self, turn: Turn, memory: Memory | None = None) -> ChatScript:
        assert memory is None or isinstance(memory, ChatMemory)
        return ChatScript(self, turn, memory or ChatMemory())

    def n_tokens(self, text: str) -> int:
        return len(self.tokenizer.encode(text))


def _describe(bundle: Bundle) -> str:
    config = bundle.gpt.config
    parts = [
        f"decoder of {config.n_layers} layers, {config.d_model} wide, vocabulary {config.vocab_size}, "
        f"context {config.n_ctx}, {str(bundle.gpt.tokens.weight.dtype).removeprefix('torch.')}"
    ]
    if bundle.whisper is not None:
        parts.append(f"Whisper of {bundle.whisper.dims.n_audio_layer} layers, {bundle.whisper.dims.n_audio_state} wide")
    if bundle.detector is not None:
        found = bundle.detector.config
        parts.append(f"NanoDet at {found.size} px with {len(found.labels)} labels")
    return "; ".join(parts)
