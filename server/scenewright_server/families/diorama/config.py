"""The architecture of a diorama. It is saved with the weights; deployment settings live elsewhere."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from scenewright_server.model.config import GPTConfig


@dataclass(frozen=True)
class AudioConfig:
    """A Whisper (openai-whisper's ModelDimensions) with a CTC head over tokens of the language model.

    The defaults are the embedded model's. An encoder position is 20 ms times `n_stacked`, the mel frames that enter
    side by side. `ctc_ids` are the tokens that the head was taught, the blank first: a softmax over a few hundred
    costs a third of a training step less than over them all. Empty: the whole vocabulary, in its order. ValueError
    when sizes do not fit.
    """

    vocab_size: int = 2304
    n_mels: int = 80
    n_stacked: int = 2
    n_ctx: int = 200  # 8 s
    d_model: int = 192
    n_heads: int = 6
    n_layers: int = 4
    n_text_ctx: int = 48
    n_text_layers: int = 1
    blank_id: int = 0
    bos_id: int = 1
    eot_id: int = 2
    ctc_ids: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.d_model % self.n_heads:
            raise ValueError(f"d_model {self.d_model} is not a multiple of n_heads {self.n_heads}")
        if not max(self.blank_id, self.bos_id, self.eot_id, *self.ctc_ids) < self.vocab_size:
            raise ValueError(f"vocab_size {self.vocab_size} leaves out blank, bos, eot or one of ctc_ids")
        if self.ctc_ids and self.ctc_ids[0] != self.blank_id:
            raise ValueError(f"ctc_ids begin with {self.ctc_ids[0]}, not with the blank {self.blank_id}")

    @property
    def max_seconds(self) -> float:
        """The longest clip that fits."""
        return self.n_ctx * self.position_s

    @property
    def position_s(self) -> float:
        """Seconds in one encoder position."""
        return 0.02 * self.n_stacked

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> AudioConfig:
        """Raises TypeError for a name this architecture does not have."""
        return cls(**{**values, "ctc_ids": tuple(values.get("ctc_ids", ()))})


@dataclass(frozen=True)
class VisionConfig:
    """An open_clip CLIP (ModifiedResNet and a text tower) with a dense detection head on its feature maps.

    `attributes` names what the head tells of each object, and the values it chooses from. The defaults are the
    embedded model's. Raises ValueError when sizes do not fit.
    """

    attributes: dict[str, tuple[str, ...]]
    image_size: int = 160
    layers: tuple[int, int, int, int] = (1, 1, 2, 1)
    width: int = 24
    d_embed: int = 128
    vocab_size: int = 2304
    eot_id: int = 2
    n_text_ctx: int = 32
    d_text: int = 128
    n_text_heads: int = 4
    n_text_layers: int = 2
    n_features: int = 96  # channels of the detection head

    def __post_init__(self) -> None:
        if self.image_size % 32:
            raise ValueError(f"image_size {self.image_size} is not a multiple of 32")
        if self.eot_id >= self.vocab_size:
            raise ValueError(f"eot_id {self.eot_id} is outside the vocabulary of {self.vocab_size}")

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> VisionConfig:
        """Raises TypeError for a name this architecture does not have."""
        attributes = {name: tuple(choices) for name, choices in values["attributes"].items()}
        layers = values.get("layers")
        return cls(**{**values, "attributes": attributes, **({"layers": tuple(layers)} if layers else {})})


@dataclass(frozen=True)
class ModelConfig:
    """The whole fused model. Raises ValueError when the parts do not share one vocabulary.

    `names`: language -> what it calls the values of the attributes, where that is not English.
    """

    gpt: GPTConfig
    vision: VisionConfig
    audio: AudioConfig
    names: dict[str, dict[str, str]] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        sizes = {self.gpt.vocab_size, self.vision.vocab_size, self.audio.vocab_size}
        if len(sizes) > 1:
            raise ValueError(f"decoder, image and audio towers must share one vocabulary, received sizes {sizes}")

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> ModelConfig:
        """Raises TypeError for a name this architecture does not have, KeyError for a part that is missing."""
        return cls(
            GPTConfig.from_dict(values["gpt"]),
            VisionConfig.from_dict(values["vision"]),
            AudioConfig.from_dict(values["audio"]),
            values.get("names", {}),
        )
