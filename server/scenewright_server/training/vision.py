"""Training of the image tower: detection on rendered scenes, and CLIP's matching of frames with phrases."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from scenewright_server.families.diorama.config import VisionConfig
from scenewright_server.families.diorama.tokenizer import Tokenizer
from scenewright_server.families.diorama.vision import BOX_UNIT, STRIDE, Vision, pair_iou
from scenewright_server.scene.entries import Detections
from scenewright_server.simulator.distortions import blur, jpeg
from scenewright_server.simulator.kinds import ATTRIBUTES
from scenewright_server.training.detected import detect
from scenewright_server.training.frames import Frames, draw, draw_strangers
from scenewright_server.training.loop import FitConfig, fit
from scenewright_server.training.norms import hold_norms

BATCH = 16
MATCHING_BATCH = 64
MIN_PIXELS = 16  # an object of which less is seen is nobody's to find
MIN_COVER = 16  # pixels of a cell that an object must cover to own it
PHRASES_EVERY = 4  # batches
N_PHRASES = 32
RECOLOUR = 0.3
N_VALIDATION = 200
MIN_FRAMES = 2000
N_STRANGERS = 6000
STRANGERS = 1 / 16  # share of a batch
N_MATCHING = 16_000  # frames that the matching goes on with
AVERAGE = 0.999


def train_vision(
    out: Path,
    tokenizer: Tokenizer,
    minutes: float,
    n_frames: int = 40_000,
    n_drawers: int = 1,
    matching_minutes: float = 8.0,
    learning_rate: float = 1.5e-3,
    refine_minutes: float = 0.0,
    start_from: Path | None = None,
    **options: Any,
) -> Vision:
    """Train the image tower for `minutes` of wall clock, `refine_minutes` with its norms held, then CLIP's pooling
    and text tower alone for `matching_minutes`; continues what `out` holds.

    `n_drawers` processes draw `n_frames` training scenes into `out/frames_<i>` meanwhile; learning starts
    when the first few thousand are there. Every validation writes `out/vision.safetensors`, the moving average of
    the weights. `start_from` names such a file to start from; `options` are `FitConfig`'s.
    """
    spawn = multiprocessing.get_context("spawn")
    share = -(-n_frames // n_drawers)
    shards = [out / f"frames_{i}" for i in range(n_drawers)]
    drawers = [spawn.Process(target=_draw, args=(path, share, "train", i * share)) for i, path in enumerate(shards)]
    for drawer in drawers:
        drawer.start()
    held = {}
    for split in ("test", "compositional"):
        held[split] = draw(out / split, N_VALIDATION, split, smooth_every=1)
    strange = draw_strangers(out / "strangers_test", N_VALIDATION, "test")
    draw_strangers(out / "strangers", N_STRANGERS)
    for drawer in drawers:
        while drawer.is_alive() and sum(Frames.count(path) for path in shards) < min(MIN_FRAMES, n_frames):
            drawer.join(1.0)

    model = Vision(VisionConfig(attributes=ATTRIBUTES, vocab_size=tokenizer.n_vocab, eot_id=tokenizer.eot))
    if start_from is not None:
        model.load_state_dict(load_file(start_from))
    model = model.to(memory_format=torch.channels_last)

    def validate(model: nn.Module) -> dict[str, float]:
        assert isinstance(model, Vision)
        state = {name: value.contiguous() for name, value in model.state_dict().items()}
        save_file(state, out / "vision.safetensors")
        nothing = [len(found) == 0 for found in detect(model, strange.images, strange.ready())]
        scores = {"unknown": sum(nothing) / len(nothing)}
        for split, frames in held.items():
            scores.update({f"{split}_{name}": value for name, value in evaluate(model, frames, tokenizer).items()})
        return scores

    config = FitConfig(minutes=minutes, learning_rate=learning_rate, validate_every_s=420, average=AVERAGE, **options)
    fit(model, loss, lambda skip: batches(shards, out / "strangers", tokenizer, skip), config, validate, out)
    if refine_minutes:
        hold_norms(model)
        config = replace(config, minutes=refine_minutes, learning_rate=learning_rate / 2)
        fit(
            model,
            loss,
            lambda skip: batches(shards, out / "strangers", tokenizer, skip),
            config,
            validate,
            out / "refine",
        )
    for drawer in drawers:
        drawer.join()

    # Matching goes on alone, on maps computed once: a step costs a tenth, and the detector stays as it is.
    config = FitConfig(minutes=matching_minutes, learning_rate=1e-3, validate_every_s=300, **options)
    for name, parameter in model.named_parameters():
        parameter.requires_grad = name.startswith("clip.") and not name.startswith("clip.visual.")
    for parameter in model.clip.visual.attnpool.parameters():
        parameter.requires_grad = True
    maps, labels = last_maps(model, shards)

    def matching_loss(model: nn.Module, batch: dict[str, Tensor]) -> tuple[Tensor, dict[str, Any]]:
        assert isinstance(model, Vision)
        return match_loss(model, model.clip.visual.attnpool(batch["maps"].float()), batch), {}

    def matching_batches(skip: int) -> Iterator[dict[str, Tensor]]:
        step = skip
        while True:
            rng = np.random.default_rng([step, 6])
            rows = rng.choice(len(labels), MATCHING_BATCH)
            ids, truth = phrases(labels[rows], tokenizer, rng, MATCHING_BATCH)
            yield {"maps": maps[torch.from_numpy(rows)], "phrases": ids, "truth": truth}
            step += 1

    fit(model, matching_loss, matching_batches, config, validate, out / "matching")
    return model.requires_grad_(True)


@torch.no_grad()
def last_maps(model: Vision, shards: Sequence[Path]) -> tuple[Tensor, np.ndarray]:
    """The image tower's last map of every frame, (N, C, h, w) bfloat16, and the frames' labels."""
    model.eval()
    maps, labels = [], []
    for frames in map(Frames.open, shards):
        ready = frames.ready()[: N_MATCHING // len(shards)]
        for start in range(0, len(ready), 64):
            images = torch.from_numpy(frames.images[ready[start : start + 64]]).permute(0, 3, 1, 2).float() / 255
            with torch.autocast(images.device.type, torch.bfloat16):
                maps.append(model.maps(images)[-1].bfloat16().contiguous())
        labels.append(frames.labels[ready])
    return torch.cat(maps), np.concatenate(labels)


def _draw(path: Path, n: int, split: str, first_seed: int) -> None:
    torch.set_num_threads(1)
    draw(path, n, split, first_seed, varied=True)


def batches(
    shards: Sequence[Path], strangers: Path, tokenizer: Tokenizer, skip: int = 0, size: int = BATCH
) -> Iterator[dict[str, Tensor]]:
    """An endless stream of augmented batches (see `targets` and `phrases`) from the frames drawn so far.

    A share STRANGERS of every batch shows nothing that the model knows.
    """
    parts = [Frames.open(path) for path in (strangers, *shards) if Frames.count(path)]
    n_strangers = round(size * STRANGERS)
    step = skip
    while True:
        rng = np.random.default_rng([step, 5])
        if step % 200 == 0 or step == skip:
            ready = [part.ready() for part in parts]
        weights = np.array([len(rows) for rows in ready[1:]], float)
        counts = [n_strangers, *rng.multinomial(size - n_strangers, weights / weights.sum()).tolist()]
        rows = [np.sort(rng.choice(r, n)) for r, n in zip(ready, counts, strict=True)]
        picked = {
            name: np.concatenate([getattr(part, name)[r] for part, r in zip(parts, rows, strict=True)])
            for name in Frames.__dataclass_fields__
        }
        has_phrases = step % PHRASES_EVERY == 0
        batch = augment(picked, rng, recolour=0.0 if has_phrases else RECOLOUR)
        if has_phrases:
            batch["phrases"], batch["truth"] = phrases(picked["labels"], tokenizer, rng)
        yield batch
        step += 1


def augment(frames: dict[str, np.ndarray], rng: np.random.Generator, recolour: float = 0.0) -> dict[str, Tensor]:
    """Arrays of `Frames` as a batch: mirrored, blurred, compressed, brightened, tinted at random; with `targets`.

    A share `recolour` of the images has its channels swapped, some of them inverted or bent besides; their
    objects' colours are then unknown (-100).
    """
    for b in range(len(frames["images"])):
        frames["images"][b] = _degrade(frames["images"][b], rng)
    picked = {name: torch.from_numpy(array) for name, array in frames.items()}
    images, cover, boxes = picked["images"], picked["cover"], picked["boxes"].long()
    n, size = images.shape[:2]
    mirrored = torch.from_numpy(rng.random(n) < 0.5)
    images[mirrored] = images[mirrored].flip(2)
    cover[mirrored] = cover[mirrored].flip(3)
    x0, y0, x1, y1 = boxes[mirrored].unbind(-1)
    boxes[mirrored] = torch.stack([size - x1, y0, size - x0, y1], -1)

    # Most frames are lit as drawn, some far worse.
    spread = np.where(rng.random((n, 1)) < 0.35, (0.4, 0.12), (0.13, 0.03))
    gain = np.exp(rng.normal(0, 1, (n, 1)) * spread[:, :1] + rng.normal(0, 1, (n, 3)) * spread[:, 1:])
    lift = rng.normal(0, 0.03, (n, 1)).astype(np.float32)
    pixels = images.permute(0, 3, 1, 2) * torch.from_numpy(gain.astype(np.float32) / 255)[:, :, None, None]
    pixels += torch.from_numpy(lift)[:, :, None, None]
    goal = targets(cover, boxes, *(picked[name] for name in ("labels", "depth", "stature")))
    # A kind must be told in any colour, also in those that it is never seen in.
    for b in np.flatnonzero(rng.random(n) < recolour).tolist():
        pixels[b] = pixels[b].clamp(0, 1)[rng.permutation(3)]
        if rng.random() < 0.3:
            pixels[b] = 1 - pixels[b]
        if rng.random() < 0.3:
            pixels[b] = pixels[b] ** float(np.exp(rng.uniform(-0.7, 0.7)))
        goal["labels"][b, :, list(ATTRIBUTES).index("colour")] = -100
    return {"images": pixels.clamp_(0, 1), **goal}


def _degrade(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A frame (S, S, 3) uint8 as cameras and networks leave it: some blurred, noisy, compressed; most as it is."""
    if rng.random() < 0.35:
        pixels = blur(pixels, float(rng.uniform(0.2, 1.6)))
    if rng.random() < 0.15:
        noise = rng.normal(0, rng.uniform(1, 10), pixels.shape)
        pixels = (pixels + noise).clip(0, 255).astype(np.uint8)
    if rng.random() < 0.3:
        pixels = jpeg(pixels, int(rng.integers(25, 90)))
    return pixels


def targets(cover: Tensor, boxes: Tensor, labels: Tensor, depth: Tensor, stature: Tensor) -> dict[str, Tensor]:
    """What the cells should say, from arrays of `Frames`.

    owner (B, G) int64: the object that a cell shows, or -1; centre (B, G) in 0..1: 1 at the middle of an
    object, falling towards its rim; boxes (B, K, 4) pixels; seen (B, K) bool; labels (B, K, A) int64;
    log_depth, log_height and raised (B, K).
    """
    pixels = cover.flatten(2).long()  # (B, K, G)
    seen = (pixels.sum(2) >= MIN_PIXELS) & (labels[:, :, 0] > 0)
    pixels = pixels * seen[..., None]
    # An object too thin to fill a cell anywhere owns the cell where it is seen best.
    best = F.one_hot(pixels.argmax(2), pixels.shape[2]) * seen[..., None]
    share, owner = torch.maximum(pixels, best * 2 * MIN_COVER).max(1)
    owner = torch.where(share >= MIN_COVER, owner, -1)

    # Of an object's cells one is its centre: the one nearest to the middle of the pixels seen.
    side = cover.shape[-1]
    rows, columns = torch.meshgrid(*[(torch.arange(side) + 0.5) * STRIDE] * 2, indexing="ij")
    grid = torch.stack([columns, rows], -1).view(-1, 2)
    middle = pixels.float() @ grid / pixels.sum(2, keepdim=True).clamp(min=1)
    away = (grid - middle[:, :, None]).square().sum(-1)  # (B, K, G)
    away = torch.where(owner[:, None] == torch.arange(len(cover[0]))[:, None], away, torch.inf)
    half = ((boxes[..., 2:] - boxes[..., :2]) / 2).clamp(min=STRIDE)
    offset = (grid - grid[away.argmin(2)][:, :, None]) / half[:, :, None]
    centre = torch.exp(-2 * offset.square().sum(-1)).gather(1, owner.clamp(min=0)[:, None])[:, 0]
    return {
        "owner": owner,
        "centre": centre * (owner >= 0),
        "boxes": boxes.float(),
        "seen": seen,
        "labels": labels[:, :, 1:].long(),
        "log_depth": depth.clamp(min=0.05).log(),
        "log_height": stature[..., 0].clamp(min=0.05).log(),
        "raised": stature[..., 1],
    }


def phrases(
    labels: np.ndarray, tokenizer: Tokenizer, rng: np.random.Generator, n: int = N_PHRASES
) -> tuple[Tensor, Tensor]:
    """Phrases about objects, half of them true of some frame of the batch, half with one word changed.

    From labels (B, K, 1 + A): token ids (n, 32), and in which frames each phrase holds, (B, n) float 0/1, or 0.5
    where it depends on a colour that has no name.
    """
    names = list(ATTRIBUTES)
    present = np.argwhere(labels[:, :, 0] > 0)
    ids, truth = [], []
    for i in range(n):
        b, k = present[rng.integers(len(present))]
        wanted = {"kind": int(labels[b, k, 1 + names.index("kind")])}
        for name, chance in (("colour", 0.6), ("pattern", 0.3), ("size", 0.25)):
            if rng.random() < chance and labels[b, k, 1 + names.index(name)] >= 0:
                wanted[name] = int(labels[b, k, 1 + names.index(name)])
        if i % 2:
            name = list(wanted)[rng.integers(len(wanted))]
            wanted[name] = int(rng.integers(len(ATTRIBUTES[name])))
        may_fit = labels[:, :, 0] > 0
        for name, value in wanted.items():
            column = labels[:, :, 1 + names.index(name)]
            may_fit = may_fit & ((column == value) | (column < 0))
        fits = may_fit & (labels[:, :, 1 + names.index("colour")] >= 0) if "colour" in wanted else may_fit
        truth.append((fits.any(1) * 1.0 + may_fit.any(1)) / 2)
        words = " ".join(ATTRIBUTES[name][wanted[name]] for name in names if name in wanted)
        ids.append(phrase_ids(("", "a ", "the ", "a photo of a ")[rng.integers(4)] + words, tokenizer))
    return torch.stack(ids), torch.from_numpy(np.stack(truth, 1).astype(np.float32))


def phrase_ids(text: str, tokenizer: Tokenizer, n_ctx: int = 32) -> Tensor:
    """A phrase as the text tower takes it: ids, eot, padding, (n_ctx,) int64."""
    ids = [*tokenizer.words(text)[: n_ctx - 1], tokenizer.eot]
    return torch.tensor(ids + [0] * (n_ctx - len(ids)))


def loss(model: nn.Module, batch: dict[str, Tensor]) -> tuple[Tensor, dict[str, Any]]:
    """Detection loss, and with phrases the sigmoid matching loss (Zhai et al., "SigLIP", 2023)."""
    assert isinstance(model, Vision)
    dense = model(batch["images"], embed="phrases" in batch)
    owner = batch["owner"]
    b, cell = (owner >= 0).nonzero(as_tuple=True)
    k = owner[b, cell]
    # A large object has more cells; the square root lets it count for more, but not for all. The cells in the
    # middle count most: decoding asks them first.
    n_cells = F.one_hot((owner + 1), batch["seen"].shape[1] + 1).sum(1)[:, 1:].clamp(min=1)
    weight = n_cells[b, k].float().rsqrt() * (0.25 + batch["centre"][b, cell])
    weight = weight / weight.sum().clamp(min=1e-6)

    truth, guess = batch["boxes"][b, k], dense.boxes[b, cell]
    overlap, giou = _giou(guess, truth)
    sides = (guess - truth).abs() / BOX_UNIT
    box_loss = (weight * ((1 - giou) + 0.25 * sides.mean(1))).sum()
    depth_loss, height_loss = (
        (weight * F.smooth_l1_loss(said[b, cell], batch[name][b, k], beta=0.1, reduction="none")).sum()
        for said, name in ((dense.log_depth, "log_depth"), (dense.log_height, "log_height"))
    )
    raised_loss = F.binary_cross_entropy_with_logits(
        dense.raised[b, cell], batch["raised"][b, k], weight, reduction="sum"
    )

    def attribute_loss(logits: Tensor, name: str) -> Tensor:
        truth = batch["labels"][b, k, list(ATTRIBUTES).index(name)]
        return (weight * F.cross_entropy(logits[b, cell], truth, reduction="none")).sum()

    attribute_losses = {name: attribute_loss(logits, name) for name, logits in dense.attributes.items()}
    attribute_losses |= {f"local_{name}": attribute_loss(logits, name) for name, logits in dense.local.items()}
    quality = torch.zeros_like(dense.scores)
    quality[b, cell] = overlap.detach().clamp(0, 1) * batch["centre"][b, cell]
    distance = (dense.scores.sigmoid() - quality).abs().detach()
    score_loss = F.binary_cross_entropy_with_logits(dense.scores, quality, reduction="none")
    score_loss = (distance.square() * score_loss).sum() / max(len(b), 1)

    known_loss = F.binary_cross_entropy_with_logits(dense.known, batch["seen"].any(1).float())

    total = 2 * score_loss + 2 * box_loss + 3 * depth_loss + height_loss + 0.5 * (known_loss + raised_loss)
    total = total + sum(attribute_losses.values())
    metrics = {"score_loss": score_loss, "box_loss": box_loss, "depth_loss": depth_loss, "known_loss": known_loss}
    metrics |= {"height_loss": height_loss, "raised_loss": raised_loss}
    metrics |= {f"{name}_loss": value for name, value in attribute_losses.items()}
    if dense.embedding is not None:
        matching = match_loss(model, dense.embedding, batch)
        total = total + matching
        metrics["match_loss"] = PHRASES_EVERY * matching
    return total, metrics


def match_loss(model: Vision, embedding: Tensor, batch: dict[str, Tensor]) -> Tensor:
    """How badly image embeddings (B, E) tell which of the batch's phrases hold of them."""
    text = model.embed_text(batch["phrases"]).float()
    bias = model.clip.logit_bias
    assert bias is not None
    logits = F.normalize(embedding.float(), dim=-1) @ text.T * model.clip.logit_scale.exp() + bias
    # Few phrases hold of a given frame: those that do weigh as much as those that do not.
    errors = F.binary_cross_entropy_with_logits(logits, batch["truth"], reduction="none")
    holds, fails = batch["truth"] > 0.75, batch["truth"] < 0.25
    return (errors[holds].mean() + errors[fails].mean()) / 2


def _giou(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """IoU and generalised IoU (Rezatofighi et al., 2019) of boxes (N, 4), pair by pair."""
    overlap = (torch.minimum(a[:, 2:], b[:, 2:]) - torch.maximum(a[:, :2], b[:, :2])).clamp(min=0).prod(1)
    union = (a[:, 2:] - a[:, :2]).clamp(min=0).prod(1) + (b[:, 2:] - b[:, :2]).prod(1) - overlap
    iou = overlap / union.clamp(min=1e-6)
    hull = (torch.maximum(a[:, 2:], b[:, 2:]) - torch.minimum(a[:, :2], b[:, :2])).clamp(min=0).prod(1)
    return iou, iou - (hull - union) / hull.clamp(min=1e-6)


def evaluate(model: Vision, frames: Frames, tokenizer: Tokenizer) -> dict[str, float]:
    """Rates in 0..1: recall and precision at IoU 0.5, accuracy of each attribute of the objects found,
    relative depth error, and the area under the ROC curve of CLIP's ranking of phrases."""
    n_found = n_truth = n_said = 0
    right = dict.fromkeys((*ATTRIBUTES, "raised"), 0)
    depth_errors, height_errors, embeddings = [], [], []
    for start in range(0, len(frames.images), BATCH):
        rows = slice(start, start + BATCH)
        images = torch.from_numpy(frames.images[rows].copy()).permute(0, 3, 1, 2).float() / 255
        with torch.autocast(images.device.type, torch.bfloat16):
            dense = model(images, embed=True)
        assert dense.embedding is not None
        embeddings.append(dense.embedding)
        arrays = (frames.cover, frames.boxes, frames.labels, frames.depth, frames.stature)
        truth = targets(*(torch.from_numpy(np.array(x[rows])) for x in arrays))
        for b, found in enumerate(model.decode(dense)):
            seen = truth["seen"][b]
            n_truth += int(seen.sum())
            n_said += len(found)
            for i, k in match(found, (truth["boxes"][b] / images.shape[-1]).numpy(), seen.numpy()):
                n_found += 1
                for j, name in enumerate(ATTRIBUTES):
                    right[name] += int(found.attributes[name][i].argmax() == truth["labels"][b, k, j])
                assert found.height is not None and found.raised is not None
                right["raised"] += int((found.raised[i] > 0.5) == (truth["raised"][b, k] > 0.5))
                depth_errors.append(abs(np.log(found.depth[i]) - float(truth["log_depth"][b, k])))
                height_errors.append(abs(np.log(found.height[i]) - float(truth["log_height"][b, k])))
    return {
        "recall": n_found / max(n_truth, 1),
        "precision": n_found / max(n_said, 1),
        **{name: value / max(n_found, 1) for name, value in right.items()},
        "depth_error": float(np.mean(depth_errors)) if depth_errors else 1.0,
        "height_error": float(np.mean(height_errors)) if height_errors else 1.0,
        "phrase_auc": _phrase_auc(model, torch.cat(embeddings), frames.labels.copy(), tokenizer),
    }


def match(found: Detections, boxes: np.ndarray, seen: np.ndarray, min_iou: float = 0.5) -> list[tuple[int, int]]:
    """Pairs (detection, true object) at IoU >= min_iou, best detections first, each used once."""
    overlap = pair_iou(torch.from_numpy(found.boxes), torch.from_numpy(boxes)).numpy() * seen
    pairs = []
    for i in range(len(found)):
        k = int(overlap[i].argmax())
        if overlap[i, k] >= min_iou:
            pairs.append((i, k))
            overlap[:, k] = 0
    return pairs


def _phrase_auc(model: Vision, images: Tensor, labels: np.ndarray, tokenizer: Tokenizer) -> float:
    ids, truth = phrases(labels, tokenizer, np.random.default_rng(0), 4 * N_PHRASES)
    scores = F.normalize(images, dim=-1) @ model.embed_text(ids).float().T
    areas = []
    for column, holds in zip(scores.T, truth.T > 0.5, strict=True):
        if holds.any() and not holds.all():
            yes, no = column[holds], column[~holds]
            areas.append(float((yes[:, None] > no[None]).float().mean()))
    return float(np.mean(areas)) if areas else 0.5
