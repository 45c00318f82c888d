"""CLIP as open_clip has it: images and texts in one space (Radford et al. 2021; github.com/mlfoundations/open_clip)."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from open_clip.model import CLIP, CustomTextCLIP
from open_clip.tokenizer import SimpleTokenizer
from open_clip.transform import image_transform
from PIL import Image
from torch import Tensor, nn

MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


@dataclass(frozen=True)
class ClipConfig:
    """The network as open_clip's model configurations have it (embed_dim, vision_cfg, text_cfg ...), and how a picture
    is prepared for it. Raises ValueError for one that takes weights or a tokenizer from elsewhere."""

    network: dict[str, Any]
    mean: tuple[float, float, float] = MEAN  # of channels 0 to 1, red first
    std: tuple[float, float, float] = STD
    interpolation: str = "bicubic"
    resize_mode: str = "shortest"  # the side that is brought to the network's size; the other is cut, or padded
    fill_color: int = 0

    def __post_init__(self) -> None:
        for name in ("mean", "std"):
            object.__setattr__(self, name, tuple(getattr(self, name)))  # a list, when it comes from JSON
        vision, text = (self.network.get(f"{tower}_cfg") for tower in ("vision", "text"))
        if not isinstance(vision, dict) or not isinstance(text, dict):
            raise ValueError("a CLIP has a vision_cfg and a text_cfg, one is missing")
        foreign = [name for name in (*vision, *text, *self.network) if name.startswith(("hf_", "multimodal"))]
        if foreign:
            raise ValueError(f"{foreign[0]}: needs CLIP's own towers of images and texts, and its own tokenizer")
        if vision.get("timm_model_pretrained") or ":" in str(vision.get("timm_model_name", "")):
            raise ValueError(f"timm_model_name {vision['timm_model_name']!r} takes weights from elsewhere")
        if self.interpolation not in ("bicubic", "bilinear"):
            raise ValueError(f"interpolation is bicubic or bilinear, received {self.interpolation!r}")
        if self.resize_mode not in ("shortest", "longest", "squash"):
            raise ValueError(f"resize_mode is shortest, longest or squash, received {self.resize_mode!r}")

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> ClipConfig:
        """Raises TypeError for a name this architecture does not have."""
        return cls(**values)


class Clip(nn.Module):
    """Images and texts to unit embeddings. `network` has the state that open_clip's checkpoints have."""

    def __init__(self, config: ClipConfig) -> None:
        super().__init__()
        self.config = config
        settings = copy.deepcopy(config.network)
        kind = CustomTextCLIP if settings.pop("custom_text", False) else CLIP
        self.network = kind(**settings)
        text = config.network["text_cfg"]
        self.tokenizer = SimpleTokenizer(
            context_length=text.get("context_length", 77), **text.get("tokenizer_kwargs", {})
        )
        self.dimension: int = config.network["embed_dim"]
        self.max_tokens = self.tokenizer.context_length - 2  # a start and an end are put around them
        self._prepare = image_transform(
            self.network.visual.image_size, is_train=False, mean=config.mean, std=config.std,
            interpolation=config.interpolation, resize_mode=config.resize_mode, fill_color=config.fill_color,
        )  # fmt: skip

    @property
    def scale(self) -> float:
        """What cosines are multiplied with before a softmax over texts."""
        return float(self.network.logit_scale.detach().exp())

    def prepare(self, image: Image.Image) -> Tensor:
        """A picture of any size and mode as the network takes it: (3, size, size) float32."""
        return self._prepare(image)

    def n_tokens(self, text: str) -> int:
        return len(self.tokenizer.encode(text))

    def embed_images(self, images: Sequence[Image.Image]) -> Tensor:
        """Unit embeddings (N, dimension) of pictures, one at least."""
        batch = torch.stack([self.prepare(image) for image in images])
        return self.network.encode_image(batch.to(self._device), normalize=True)

    def embed_texts(self, texts: Sequence[str]) -> Tensor:
        """Unit embeddings (N, dimension) of texts, one at least; tokens beyond max_tokens are left out."""
        return self.network.encode_text(self.tokenizer(list(texts)).to(self._device), normalize=True)

    @property
    def _device(self) -> torch.device:
        return self.network.logit_scale.device
