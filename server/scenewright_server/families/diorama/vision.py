"""The image tower: an open_clip CLIP whose feature maps also feed a small one-stage detector.

Each cell of a stride-8 grid says whether it shows an object and, if so, its box, depth and attributes (Tian
et al., "FCOS", 2019, on a feature pyramid). One score ranks the cells: the overlap that the cell's box is
expected to have with the truth (Li et al., "Generalized Focal Loss", 2020), times how near the cell is to the
object's middle, so that one cell speaks for each object. One more logit says whether the frame shows anything
that the model knows at all; where it does not, nothing is detected.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import open_clip
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from scenewright_server.families.diorama.config import VisionConfig
from scenewright_server.scene.entries import Detections

STRIDE = 8
MAX_DETECTIONS = 12
MIN_SCORE = 0.27
MIN_KNOWN = 0.5
LOCAL = ("colour",)
NMS_IOU = 0.4
NMS_INSIDE, NMS_ALIKE = 0.5, 0.1
# Distances and depths are predicted about a typical value, so that the head starts near the truth.
BOX_UNIT = 4.0 * STRIDE
LOG_DEPTH_BIAS = 1.0
LOG_HEIGHT_BIAS = -0.5


@dataclass(frozen=True)
class DenseOutput:
    """What every cell of the grid says, G = (image_size / STRIDE)^2 cells in rows.

    scores (B, G) logits; known (B,) logits, that any object of a known kind is seen; boxes (B, G, 4) pixels
    x0, y0, x1, y1 of the model's frame; log_depth and log_height (B, G) of metres; raised (B, G) logits, that the
    object stands on another; attributes: name -> logits (B, G, n_values); local: the same for those of `LOCAL`,
    from the cell's early features alone; embedding (B, E), not normalised.
    """

    scores: Tensor
    known: Tensor
    boxes: Tensor
    log_depth: Tensor
    log_height: Tensor
    raised: Tensor
    attributes: dict[str, Tensor]
    local: dict[str, Tensor]
    embedding: Tensor | None


def squash(pixels: np.ndarray, image_size: int = 160) -> np.ndarray:
    """An RGB frame (H, W, 3) uint8 as the model's square (S, S, 3); such a square stays as it is."""
    size = (image_size, image_size)
    image = Image.fromarray(pixels)
    return np.asarray(image if image.size == size else image.resize(size, Image.Resampling.BILINEAR))


def preprocess(pixels: np.ndarray, image_size: int = 160) -> Tensor:
    """An RGB frame (H, W, 3) uint8 of any size, squashed to the model's square: (3, S, S) in [0, 1]."""
    return torch.from_numpy(squash(pixels, image_size).copy()).permute(2, 0, 1).float() / 255


def pair_iou(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union of boxes (..., N, 4) with boxes (..., M, 4): (..., N, M)."""
    a, b = a[..., :, None, :], b[..., None, :, :]
    overlap = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp(min=0).prod(-1)
    areas = [(x[..., 2:] - x[..., :2]).clamp(min=0).prod(-1) for x in (a, b)]
    return overlap / (areas[0] + areas[1] - overlap).clamp(min=1e-6)


def _conv(n_in: int, n_out: int, size: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(n_in, n_out, size, padding=size // 2, bias=False),
        nn.BatchNorm2d(n_out),
        nn.ReLU(inplace=True),
    )


class Head(nn.Module):
    """A feature pyramid over strides 4 to 32, merged at stride 8, and one branch for each thing told."""

    def __init__(self, config: VisionConfig):
        super().__init__()
        width, n = config.width, config.n_features
        self.lateral = nn.ModuleList(nn.Conv2d(width * scale, n, 1) for scale in (8, 16, 32))
        # Small things differ in details that stride 8 has lost. It joins late, from nothing.
        self.detail = nn.Conv2d(width * 4, n, 2, stride=2, bias=False)
        self.known = nn.Linear(2 * width * 32, 1)
        nn.init.zeros_(self.detail.weight)
        self.merge = _conv(n, n, 3)
        self.trunk = _conv(n, n, 3)
        self.place = nn.Sequential(_conv(n, n, 3), nn.Conv2d(n, 6, 1))
        self.stature = nn.Sequential(_conv(n, n // 2, 1), nn.Conv2d(n // 2, 2, 1))
        # Each attribute has a branch of its own, so that a colour does not lean on the kind it was seen with.
        self.attributes = nn.ModuleDict(
            {
                name: nn.Sequential(_conv(n, n // 2, 1), nn.Conv2d(n // 2, len(values), 1))
                for name, values in config.attributes.items()
            }
        )
        # A colour that this kind was never seen in is told from the cell's own early features, which hold no kind.
        self.local = nn.ModuleDict(
            {
                name: nn.Sequential(
                    nn.Conv2d(width * 4, 64, 1),
                    nn.ReLU(),
                    nn.Conv2d(64, 64, 1),
                    nn.ReLU(),
                    nn.Conv2d(64, len(values), 1),
                )
                for name, values in config.attributes.items()
                if name in LOCAL
            }
        )
        final = self.place[1]
        assert isinstance(final, nn.Conv2d) and final.bias is not None
        nn.init.normal_(final.weight, std=0.01)
        with torch.no_grad():
            # One cell in ten shows an object; boxes start a unit wide.
            final.bias.copy_(torch.tensor([-2.2, 0.5, 0.5, 0.5, 0.5, 0.0]))

    def forward(self, maps: list[Tensor]) -> tuple[Tensor, Tensor, dict[str, Tensor], dict[str, Tensor]]:
        """Maps at strides 4, 8, 16, 32 -> place and stature (B, 8, h, w), known (B,), logits of attributes and of
        those told locally (B, n_values, h, w)."""
        fine, middle, coarse = (layer(x) for layer, x in zip(self.lateral, maps[1:], strict=True))
        middle = middle + F.interpolate(coarse, scale_factor=2.0, mode="nearest")
        fine = self.merge(fine + self.detail(maps[0]) + F.interpolate(middle, scale_factor=2.0, mode="nearest"))
        features = fine + self.trunk(fine)
        known = self.known(torch.cat([maps[-1].mean((2, 3)), maps[-1].amax((2, 3))], 1))[:, 0]
        place = torch.cat([self.place(features), self.stature(features)], 1)
        early = F.avg_pool2d(maps[0].detach(), 2)
        attributes = {name: branch(features) for name, branch in self.attributes.items()}
        return place, known, attributes, {name: branch(early) for name, branch in self.local.items()}


class Vision(nn.Module):
    """CLIP and the detector that shares its image tower."""

    def __init__(self, config: VisionConfig):
        super().__init__()
        self.config = config
        self.clip = open_clip.model.CLIP(
            embed_dim=config.d_embed,
            vision_cfg=open_clip.model.CLIPVisionCfg(
                layers=config.layers, width=config.width, head_width=64, image_size=config.image_size
            ),
            text_cfg=open_clip.model.CLIPTextCfg(
                context_length=config.n_text_ctx,
                vocab_size=config.vocab_size,
                width=config.d_text,
                heads=config.n_text_heads,
                layers=config.n_text_layers,
                pool_type="eos",
                eos_id=config.eot_id,
            ),
            init_logit_scale=float(np.log(10)),
            init_logit_bias=0.0,
        )
        self.head = Head(config)
        side = config.image_size // STRIDE
        centres = (torch.arange(side) + 0.5) * STRIDE
        rows, columns = torch.meshgrid(centres, centres, indexing="ij")
        self.register_buffer("cells", torch.stack([columns, rows], -1).view(-1, 2), persistent=False)

    def maps(self, images: Tensor) -> list[Tensor]:
        """Images (B, 3, S, S) in [0, 1] -> the image tower's feature maps at strides 4, 8, 16 and 32."""
        tower = self.clip.visual
        x = tower.layer1(tower.stem(images * 4 - 2))
        maps = [x]
        for layer in (tower.layer2, tower.layer3, tower.layer4):
            x = layer(x)
            maps.append(x)
        return maps

    def forward(self, images: Tensor, embed: bool = False) -> DenseOutput:
        """Images (B, 3, S, S) in [0, 1] -> what each cell says; the CLIP embedding too when asked for."""
        maps = self.maps(images)
        place, known, attributes, local = self.head(maps)

        def rows(x: Tensor) -> Tensor:
            return x.flatten(2).transpose(1, 2)

        place = rows(place).float()
        cells: Tensor = self.cells  # type: ignore[assignment]
        reach = place[..., 1:5] * BOX_UNIT
        return DenseOutput(
            scores=place[..., 0],
            known=known.float(),
            boxes=torch.cat([cells - reach[..., :2], cells + reach[..., 2:]], -1),
            log_depth=place[..., 5] + LOG_DEPTH_BIAS,
            log_height=place[..., 6] + LOG_HEIGHT_BIAS,
            raised=place[..., 7],
            attributes={name: rows(x).float() for name, x in attributes.items()},
            local={name: rows(x).float() for name, x in local.items()},
            embedding=self.clip.visual.attnpool(maps[-1]).float() if embed else None,
        )

    def embed_image(self, images: Tensor) -> Tensor:
        """Images (B, 3, S, S) in [0, 1] -> unit embeddings (B, E)."""
        return self.clip.encode_image(images * 4 - 2, normalize=True)

    def embed_text(self, ids: Tensor) -> Tensor:
        """Token ids (B, n_text_ctx), each row ended by eot and padded with 0 -> unit embeddings (B, E)."""
        return self.clip.encode_text(ids, normalize=True)

    @torch.inference_mode()
    def detect(self, images: Tensor) -> list[Detections]:
        """The objects in each image (B, 3, S, S), best first, at most MAX_DETECTIONS an image.

        The tower looks twice, the second time at the mirrored image; what it says is averaged.
        """
        plain, mirrored = self(images), self._unmirror(self(images.flip(3)))
        return self.decode(_mean(plain, mirrored))

    def _unmirror(self, dense: DenseOutput) -> DenseOutput:
        """What is said of mirrored images, as it would be said of the images."""
        side = self.config.image_size // STRIDE

        def turn(x: Tensor) -> Tensor:
            return x.unflatten(1, (side, side)).flip(2).flatten(1, 2)

        x0, y0, x1, y1 = turn(dense.boxes).unbind(-1)
        size = self.config.image_size
        return replace(
            dense,
            scores=turn(dense.scores),
            boxes=torch.stack([size - x1, y0, size - x0, y1], -1),
            log_depth=turn(dense.log_depth),
            log_height=turn(dense.log_height),
            raised=turn(dense.raised),
            attributes={name: turn(x) for name, x in dense.attributes.items()},
            local={name: turn(x) for name, x in dense.local.items()},
        )

    def decode(self, dense: DenseOutput) -> list[Detections]:
        """What the cells agree on: one detection for each group of cells whose boxes overlap by NMS_IOU.

        A box mostly inside another that looks alike is the same object. An object's attributes, depth and stature
        are the score-weighted mean over its group.
        """
        scores = dense.scores.sigmoid()
        boxes = dense.boxes.clamp(0, self.config.image_size)
        known = dense.known.sigmoid() > MIN_KNOWN
        found = []
        for b in range(len(scores)):
            likely = (scores[b] > MIN_SCORE / 2) & known[b]
            logs = {name: x[b, likely].log_softmax(-1) for name, x in dense.attributes.items()}
            for name, x in dense.local.items():
                logs[name] = (logs[name] + x[b, likely].log_softmax(-1)) / 2
            looks = {name: x.softmax(-1) for name, x in logs.items()}
            found.append(self._gather(dense, b, boxes[b, likely], scores[b, likely], likely, looks))
        return found

    def _gather(
        self, dense: DenseOutput, b: int, box: Tensor, score: Tensor, likely: Tensor, looks: dict[str, Tensor]
    ) -> Detections:
        overlap = pair_iou(box, box)
        alike = torch.ones_like(overlap)
        for x in looks.values():
            alike = alike * (x @ x.T)
        same = (overlap > NMS_IOU) | ((_pair_inside(box) > NMS_INSIDE) & (alike > NMS_ALIKE))
        alive = score > MIN_SCORE
        kept: list[int] = []
        for i in score.argsort(descending=True).tolist():
            if alive[i] and len(kept) < MAX_DETECTIONS:
                kept.append(i)
                alive = alive & ~same[i]
        votes = (overlap[kept] > NMS_IOU) * score
        votes = votes / votes.sum(1, keepdim=True).clamp(min=1e-6)

        def array(x: Tensor) -> np.ndarray:
            return x.float().cpu().numpy()

        return Detections(
            boxes=array(box[kept] / self.config.image_size),
            scores=array(score[kept]),
            depth=array((votes @ dense.log_depth[b, likely]).exp()),
            attributes={name: array(votes @ x) for name, x in looks.items()},
            height=array((votes @ dense.log_height[b, likely]).exp()),
            raised=array(votes @ dense.raised[b, likely].sigmoid()),
        )


def _mean(a: DenseOutput, b: DenseOutput) -> DenseOutput:
    return DenseOutput(
        scores=(a.scores + b.scores) / 2,
        known=(a.known + b.known) / 2,
        boxes=(a.boxes + b.boxes) / 2,
        log_depth=(a.log_depth + b.log_depth) / 2,
        log_height=(a.log_height + b.log_height) / 2,
        raised=(a.raised + b.raised) / 2,
        attributes={name: (x + b.attributes[name]) / 2 for name, x in a.attributes.items()},
        local={name: (x + b.local[name]) / 2 for name, x in a.local.items()},
        embedding=None,
    )


def _pair_inside(boxes: Tensor) -> Tensor:
    """The share of the smaller box of each pair of boxes (N, 4) that lies inside the other: (N, N)."""
    a, b = boxes[:, None], boxes[None]
    overlap = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp(min=0).prod(-1)
    area = (boxes[:, 2:] - boxes[:, :2]).clamp(min=0).prod(-1)
    return overlap / torch.minimum(area[:, None], area).clamp(min=1e-6)
