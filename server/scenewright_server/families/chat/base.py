"""What every chat model is and does, wherever its decoder is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import nn

from scenewright_server.families.chat.hearing import MAX_AUDIO_S, Hearing
from scenewright_server.families.chat.matching import Matching
from scenewright_server.families.chat.memory import ChatMemory, Exchange
from scenewright_server.families.chat.seeing import COLOURS, Seeing
from scenewright_server.families.chat.storage import LEAST, SURE, BundleInfo, Senses
from scenewright_server.families.family import Family, Heard, Spec
from scenewright_server.families.writing import Writer
from scenewright_server.model.quantised import count_parameters
from scenewright_server.scene.entries import Detections

MAX_LABEL_TOKENS = 64


class ChatBase(ABC):
    """All of `families.family.Family` but the decoder and `open`. `decoder`: what it is, in words; `gpt`: its weights,
    where they are here."""

    codec = audio_codec = None
    sure = SURE, LEAST
    """From which scores on a plan is sure, and is believed at all."""
    reads_words = True
    """Whether a question is read by its words before the decoder plans it."""
    writer: Writer[Any] | None = None
    variants: Sequence[Family] = ()

    def __init__(self, info: BundleInfo, senses: Senses, decoder: str, gpt: nn.Module | None = None) -> None:
        parts, whisper, clip = [*([] if gpt is None else [gpt]), *senses.networks], senses.whisper, senses.clip
        self.spec = Spec(
            name=info.name,
            version=info.version,
            sha256=info.sha256,
            architecture="; ".join([decoder, *_describe(senses)]),
            n_parameters=sum(map(count_parameters, parts)),
            capabilities=frozenset(info.capabilities),
            languages=info.languages,
            speech_languages=info.speech_languages,
            fusion=info.fusion,
            knows=info.knows,
            knows_not=info.knows_not,
            license=str(info.provenance.get("license", "")),
            max_audio_s=MAX_AUDIO_S if whisper is not None else 0.0,
            max_objects=info.limits.objects,
        )
        self._hearing = None if whisper is None else Hearing(whisper, info.speech_languages)
        self.embedder = None if clip is None else Matching(clip, senses.labels, senses.label_embeddings)
        self._seeing = Seeing(senses.detector, self.embedder)
        self.looks = {"colour": COLOURS, "kind": self._seeing.kinds}

    @property
    @abstractmethod
    def n_ctx(self) -> int:
        """Positions of the decoder's context."""

    @abstractmethod
    def n_tokens(self, text: str) -> int:
        """Of a text, or as many as there may be at most where only the endpoint can tell."""

    def fit(self, frame: np.ndarray) -> np.ndarray:
        return self._seeing.fit(frame)

    def see(self, frames: Sequence[np.ndarray]) -> list[Detections]:
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


def _describe(senses: Senses) -> list[str]:
    parts, whisper, detector = list[str](), senses.whisper, senses.detector
    if whisper is not None:
        parts.append(f"Whisper of {whisper.dims.n_audio_layer} layers, {whisper.dims.n_audio_state} wide")
    if detector is not None:
        parts.append(f"NanoDet at {detector.config.size} px with {len(detector.config.labels)} labels")
    if senses.clip is not None:
        parts.append(f"CLIP with embeddings of {senses.clip.dimension} numbers and {len(senses.labels)} labels")
    return parts
