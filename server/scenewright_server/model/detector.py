"""A detector for real frames: NanoDet with a CSP backbone (NanoDet-g).

One network over a square picture; at three strides every cell says what it holds and how far its box's sides are,
each as a distribution over whole strides (Li et al. 2020, generalised focal loss). Sizes and preparation follow
github.com/RangiLyu/nanodet, config/legacy_v0.x_configs/nanodet-g.yml.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

STRIDES = (8, 16, 32)
_SLOPE = 0.1  # of the leaky ReLU
_N_LARGEST = 1000  # boxes that enter the suppression


@dataclass(frozen=True)
class DetectorConfig:
    """Sizes, labels, and what the pixels are shifted and scaled by. Raises ValueError when they do not fit."""

    labels: tuple[str, ...]
    size: int = 416  # of the square picture, a multiple of 32
    n_bins: int = 11  # a side lies up to n_bins - 1 strides away
    width: int = 32  # of the first layer; the stages have 2, 4, 8 and 16 times as many channels
    n_neck: int = 128  # channels of the neck and the heads
    bgr: bool = True  # the order of the picture's channels
    mean: tuple[float, float, float] = (103.53, 116.28, 123.675)  # of pixels 0 to 255, in that order
    std: tuple[float, float, float] = (57.375, 57.12, 58.395)

    def __post_init__(self) -> None:
        for name in ("labels", "mean", "std"):
            object.__setattr__(self, name, tuple(getattr(self, name)))  # a list, when it comes from JSON
        if not self.labels:
            raise ValueError("a detector has at least one label, received none")
        if self.size < 32 or self.size % 32:
            raise ValueError(f"size is a multiple of 32, received {self.size}")
        if min(self.std) <= 0:
            raise ValueError(f"std is above 0, received {min(self.std)}")

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> DetectorConfig:
        """Raises TypeError for a name this architecture does not have."""
        return cls(**values)


class Boxes(NamedTuple):
    """What was found in one picture, the surest first."""

    corners: np.ndarray  # (n, 4) float32: left, top, right, bottom, in [0, 1] of the picture's width and height
    classes: np.ndarray  # (n,) int64
    posteriors: np.ndarray  # (n, n_labels) float32: each label's own probability; they need not sum to 1


class Conv(nn.Sequential):
    """A convolution that keeps the size at stride 1, and a leaky ReLU."""

    def __init__(self, n_in: int, n_out: int, stride: int = 1) -> None:
        super().__init__(nn.Conv2d(n_in, n_out, 3, stride, 1), nn.LeakyReLU(_SLOPE))


class Pair(nn.Module):
    """Two convolutions in a row, half the channels each, side by side."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.first, self.second = Conv(n, n // 2), Conv(n // 2, n // 2)

    def forward(self, x: Tensor) -> Tensor:
        first = self.first(x)
        return torch.cat([self.second(first), first], 1)


class Stage(nn.Module):
    """(B, n_in, H, W) to (B, 2 n, H / stride, W / stride): what went through the pairs, beside what did not."""

    def __init__(self, n_in: int, n: int, n_pairs: int, stride: int) -> None:
        super().__init__()
        self.enter = Conv(n_in, n, stride)
        self.pairs = nn.Sequential(*(Pair(n) for _ in range(n_pairs)))
        self.leave = Conv(n, n)

    def forward(self, x: Tensor) -> Tensor:
        x = self.enter(x)
        return torch.cat([self.leave(self.pairs(x)), x], 1)


class Detector(nn.Module):
    """Pictures (B, 3, size, size), prepared, to probabilities and distances of every cell."""

    def __init__(self, config: DetectorConfig) -> None:
        super().__init__()
        self.config = config
        n, neck = config.width, config.n_neck
        self.stem = Conv(3, n, 2)
        self.stages = nn.ModuleList(
            [Stage(n, n, 1, 1), Stage(2 * n, 2 * n, 2, 2), Stage(4 * n, 4 * n, 2, 2), Stage(8 * n, 8 * n, 3, 2)]
        )
        self.laterals = nn.ModuleList(nn.Conv2d(n * 2**i, neck, 1) for i in (2, 3, 4))
        n_out = len(config.labels) + 4 * config.n_bins
        self.heads = nn.ModuleList(nn.Sequential(Conv(neck, neck), nn.Conv2d(neck, n_out, 1)) for _ in STRIDES)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Probabilities (B, N, n_labels) and logits of distances (B, N, 4, n_bins): left, top, right, bottom.

        Cells come row by row, those of the finest stride first.
        """
        x = F.max_pool2d(self.stem(x), 3, 2, 1)
        levels = []
        for stage in self.stages:
            x = stage(x)
            levels.append(x)
        fine, middle, coarse = (lateral(level) for lateral, level in zip(self.laterals, levels[1:], strict=True))
        middle = middle + _resize(coarse, middle)
        fine = fine + _resize(middle, fine)
        middle = middle + _resize(fine, middle)
        coarse = coarse + _resize(middle, coarse)
        n_labels = len(self.config.labels)
        out = torch.cat(
            [head(level).flatten(2) for head, level in zip(self.heads, (fine, middle, coarse), strict=True)], 2
        ).mT  # (B, N, n_labels + 4 n_bins)
        return out[..., :n_labels].sigmoid(), out[..., n_labels:].unflatten(-1, (4, self.config.n_bins))


def _resize(x: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(x, like.shape[-2:], mode="bilinear", align_corners=False)


def fit(width: int, height: int, size: int) -> tuple[int, int, int, int]:
    """Where a picture lies in the network's square, as large as fits and in the middle: left, top, width, height."""
    scale = size / max(width, height)
    w, h = max(1, round(width * scale)), max(1, round(height * scale))
    return (size - w) // 2, (size - h) // 2, w, h


def prepare(image: Image.Image, config: DetectorConfig) -> Tensor:
    """A picture of any size and mode as the network takes it: (3, size, size) float32, black around it."""
    left, top, width, height = fit(*image.size, config.size)
    square = Image.new("RGB", (config.size, config.size))
    square.paste(image.convert("RGB").resize((width, height), Image.Resampling.BILINEAR), (left, top))
    pixels = torch.from_numpy(np.array(square, np.float32)).permute(2, 0, 1)
    if config.bgr:
        pixels = pixels.flip(0)
    return (pixels - torch.tensor(config.mean)[:, None, None]) / torch.tensor(config.std)[:, None, None]


def decode(distances: Tensor, config: DetectorConfig) -> Tensor:
    """Logits of distances (N, 4, n_bins) to corners (N, 4) in the square's pixels: left, top, right, bottom."""
    strides, centres = [], []
    for stride in STRIDES:
        n = config.size // stride
        y, x = torch.meshgrid(torch.arange(n), torch.arange(n), indexing="ij")
        centres.append((torch.stack([x, y], -1).reshape(-1, 2) + 0.5) * stride)
        strides.append(torch.full((n * n, 1), float(stride)))
    sides = distances.float().softmax(-1) @ torch.arange(config.n_bins, dtype=torch.float32) * torch.cat(strides)
    centre = torch.cat(centres)
    return torch.cat([centre - sides[:, :2], centre + sides[:, 2:]], 1)


def suppress(corners: np.ndarray, scores: np.ndarray, classes: np.ndarray, most_overlap: float) -> list[int]:
    """Which boxes stay, the surest first: none overlaps a surer one of its class by more (IoU)."""
    kept: list[int] = []
    areas = (corners[:, 2] - corners[:, 0]) * (corners[:, 3] - corners[:, 1])
    for i in np.argsort(-scores, kind="stable"):
        if areas[i] <= 0:
            continue
        rivals = [j for j in kept if classes[j] == classes[i]]
        low = np.maximum(corners[rivals, :2], corners[i, :2])
        high = np.minimum(corners[rivals, 2:], corners[i, 2:])
        shared = np.prod(np.maximum(high - low, 0), 1)
        if not (shared > most_overlap * (areas[rivals] + areas[i] - shared)).any():
            kept.append(int(i))
    return kept


def choose(
    probabilities: Tensor,
    distances: Tensor,
    picture: tuple[int, int],
    config: DetectorConfig,
    *,
    threshold: float = 0.35,
    most_overlap: float = 0.6,
    most: int = 100,
) -> Boxes:
    """What the network's outputs (N, n_labels) and (N, 4, n_bins) say of a picture of this width and height.

    threshold: of the surest label's probability; most: boxes.
    """
    posteriors = probabilities.float().cpu().numpy()
    left, top, width, height = fit(*picture, config.size)
    corners = decode(distances.cpu(), config).numpy() - np.array([left, top] * 2, np.float32)
    corners = (corners / np.array([width, height] * 2, np.float32)).clip(0, 1)
    scores, classes = posteriors.max(1), posteriors.argmax(1)
    sure = np.argsort(-scores, kind="stable")[:_N_LARGEST]
    sure = sure[scores[sure] >= threshold]
    kept = sure[suppress(corners[sure], scores[sure], classes[sure], most_overlap)][:most]
    return Boxes(corners[kept], classes[kept], posteriors[kept])


@torch.inference_mode()
def detect(detector: Detector, image: Image.Image, **settings: Any) -> Boxes:
    """What a picture shows; settings as `choose` has them."""
    weight = next(detector.parameters())
    probabilities, distances = detector(prepare(image, detector.config)[None].to(weight))
    return choose(probabilities[0], distances[0], image.size, detector.config, **settings)
