"""Whisper's dimensions, and openai-whisper's network of that size (Radford et al. 2022)."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from whisper.model import ModelDimensions, Whisper


@dataclass(frozen=True)
class WhisperConfig:
    """openai-whisper's `ModelDimensions`, under its names. Raises ValueError when sizes do not fit each other."""

    n_mels: int  # 80; 128 for large-v3
    n_audio_ctx: int  # 1500: 30 s
    n_audio_state: int
    n_audio_head: int
    n_audio_layer: int
    n_vocab: int  # 51864 for English alone, from 51865 on for all languages
    n_text_ctx: int
    n_text_state: int
    n_text_head: int
    n_text_layer: int

    def __post_init__(self) -> None:
        for name, value in self.to_dict().items():
            if value < 1:
                raise ValueError(f"{name} is at least 1, received {value}")
        if self.n_audio_state != self.n_text_state:
            raise ValueError(f"n_text_state {self.n_text_state} is not n_audio_state {self.n_audio_state}")
        for n_heads in (self.n_audio_head, self.n_text_head):
            if self.n_audio_state % n_heads:
                raise ValueError(f"the state's size {self.n_audio_state} is not a multiple of {n_heads} heads")

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> WhisperConfig:
        """Raises TypeError for a name this architecture does not have."""
        return cls(**values)


def build_whisper(config: WhisperConfig) -> Whisper:
    """The network, with random weights."""
    return Whisper(ModelDimensions(**config.to_dict()))
