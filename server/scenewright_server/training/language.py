"""Training the decoder: reading objects, binding looks to them, relating them, and speaking of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from scenewright_server.families.diorama.fusion import SceneEmbedding
from scenewright_server.families.diorama.tokenizer import N_REFS, Tokenizer
from scenewright_server.model.config import GPTConfig
from scenewright_server.model.gpt import GPT, Block, Call, attention_mask
from scenewright_server.scene.entries import Detections
from scenewright_server.simulator.kinds import ATTRIBUTES
from scenewright_server.simulator.phrases import CHINESE
from scenewright_server.simulator.scene import Box, Scene, sample
from scenewright_server.training.detected import Detected
from scenewright_server.training.episodes import Episode, EpisodeMaker
from scenewright_server.training.loop import FitConfig, fit

Batch = dict[str, Tensor]

SCENE_ARRAYS = ("ids", "previous", "owners", "geometry", "posteriors")
BATCHES_IN_POOL = 8
MEAN_LENGTH = 220  # positions of an episode, about
WORD_LAYER, REF_LAYER = 1, 3
N_WATCHED = 2  # heads: one alone is too narrow to carry an object's looks and its place
LOOK_WEIGHT = 0.3
LIKELY = 0.3
N_HELD = 40


class Language(nn.Module):
    """The decoder and its scene embedding: what the fused model has besides its towers."""

    ref_ids: Tensor
    twins: Tensor

    def __init__(self, config: GPTConfig, tokenizer: Tokenizer) -> None:
        super().__init__()
        self.gpt = GPT(config)
        values = value_ids(tokenizer)
        self.scene = SceneEmbedding(config.d_model, values)
        # The first character of a Chinese word stands for the same look as the English word.
        twins = torch.arange(tokenizer.n_vocab)
        names = [value for values in ATTRIBUTES.values() for value in values]
        for name, id in zip(names, values, strict=True):
            twins[tokenizer.words(CHINESE[name])[0]] = id
        self.register_buffer("ref_ids", torch.tensor(tokenizer.refs), persistent=False)
        self.register_buffer("twins", twins, persistent=False)


def collate(episodes: Sequence[Episode]) -> Batch:
    """Episodes as one batch: prefix rows and tokens, each padded on the right, and where each row's tokens begin."""
    prefixes = [e.prefix for e in episodes]
    rows, tokens = max(len(p) for p in prefixes), max(len(e.tokens) for e in episodes)

    def pad(arrays: list[np.ndarray], length: int) -> Tensor:
        return torch.stack([F.pad(torch.from_numpy(a), (0, 0) * (a.ndim - 1) + (0, length - len(a))) for a in arrays])

    return {
        "ids": pad([p.ids for p in prefixes], rows),
        "previous": pad([p.previous for p in prefixes], rows),
        "owners": pad([p.owners for p in prefixes], rows),
        "geometry": pad([p.geometry for p in prefixes], rows),
        "posteriors": pad([p.posteriors for p in prefixes], rows),
        "prefix_len": torch.tensor([len(p) for p in prefixes]),
        "tokens": pad([e.tokens for e in episodes], tokens),
        "values": torch.from_numpy(np.stack([e.values for e in episodes])),
        "wanted": pad([e.wanted for e in episodes], tokens),
        "looks": pad([e.looks for e in episodes], tokens),
    }


def loss_fn(model: nn.Module, batch: Batch) -> tuple[Tensor, dict[str, Any]]:
    """Cross-entropy of the wanted tokens, plus that of where two heads must look."""
    assert isinstance(model, Language)
    shares: list[Tensor] = []
    right, target, logits, _ = predict(model, batch, shares)
    loss = F.cross_entropy(logits, target)
    words, refs = (-share.clamp(min=1e-6).log().mean() for share in shares)
    metrics = {"answer_loss": loss.detach(), "word_loss": words.detach(), "ref_loss": refs.detach()}
    return loss + LOOK_WEIGHT * (words + refs), {**metrics, "right": right.float().mean()}


def predict(
    model: nn.Module, batch: Batch, shares: list[Tensor] | None = None
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """For each wanted token: whether it is foretold, its id, the scores (N, V), and its row and column (2, N).

    `shares` receives what part of their attention the supervised heads give to the rows that they should see.
    """
    assert isinstance(model, Language)
    gpt = model.gpt
    prefix = model.scene(gpt.tokens, *(batch[name] for name in SCENE_ARRAYS), values=batch["values"])
    said = gpt.embed(batch["tokens"]).to(prefix.dtype)
    b, p, t = len(said), prefix.shape[1], said.shape[1]
    # Each row's tokens follow its own prefix at once, as they do when the engine runs it.
    source = torch.cat([prefix, said], 1)
    lengths = batch["prefix_len"][:, None]
    place = torch.arange(p + t, device=said.device).expand(b, -1)
    take = torch.where(place < lengths, place, place - lengths + p).clamp(max=p + t - 1)
    x = source.gather(1, take.unsqueeze(-1).expand(-1, -1, source.shape[-1]))
    hidden = _run(gpt, x, batch["prefix_len"], _looks(model, batch) if shares is not None else {}, shares)
    row, column = batch["wanted"].nonzero(as_tuple=True)
    before = column + batch["prefix_len"][row] - 1
    logits = gpt.logits(hidden[row, before]).float()
    target = batch["tokens"][row, column]
    return logits.argmax(-1) == target, target, logits, torch.stack([row, column])


def _looks(model: Language, batch: Batch) -> dict[int, Tensor]:
    """Layer -> which prefix rows (B, T, P) its first heads must look at from each token (Mao et al. 2016 and later
    grounding work supervise attention so; without it binding stays on a plateau for thousands of steps).

    WORD_LAYER: a word looks at the rows that hold it, in their label or in what was seen; a reference at its row.
    REF_LAYER: what comes before a word or a reference looks at the entries that it rests on, and there at that
    very token where it is part of a label.
    """
    tokens, ids = batch["tokens"], batch["ids"]
    holds = (tokens[:, :, None] == ids[:, None, :]) & (batch["owners"] > 0)[:, None, :]
    values = model.twins[tokens][:, :, None] == batch["values"][:, None, :]
    holds |= torch.einsum("bta,bpa->btp", values.float(), (batch["posteriors"] > LIKELY).float()) > 0
    owners = F.one_hot(batch["owners"], N_REFS + 1)[..., 1:].float()  # (B, P, N_REFS)
    rests = torch.einsum("btr,bpr->btp", batch["looks"].float(), owners) > 0
    itself = rests & (F.pad(tokens[:, 1:], (0, 1))[:, :, None] == ids[:, None, :])
    heads = rests & torch.isin(ids, model.ref_ids)[:, None, :]
    refs = torch.where(itself.any(-1, keepdim=True), itself, heads)
    # A word of looks that nothing bears looks at <bos>: there is nothing to see.
    holds[..., 0] |= values.any(-1) & ~holds.any(-1)
    return {WORD_LAYER: holds, REF_LAYER: refs}


def _run(gpt: GPT, x: Tensor, prefix_len: Tensor, looks: dict[int, Tensor], shares: list[Tensor] | None) -> Tensor:
    """`gpt(x, prefix_len=prefix_len)`, which also appends to `shares`, for each of the `looks`, what share of their
    attention the watched heads give to the rows that they must look at: a number a head and token with such rows."""
    t = x.shape[1]
    places = torch.arange(t, device=x.device)
    mask = attention_mask(0, t, prefix_len, x.device)
    call = Call((gpt.cos[places], gpt.sin[places]), mask, False, ())
    x = x * gpt.config.embed_scale
    for layer, block in enumerate(gpt.blocks):
        if layer in looks and shares is not None:
            row, token = looks[layer].any(-1).nonzero(as_tuple=True)
            query = token + prefix_len[row]
            assert isinstance(block, Block)
            q, k, _ = block.attention.project(block.attention_norm(x), call)
            q, k = q[:, :N_WATCHED], k[:, :N_WATCHED]
            scores = (q @ k.transpose(-1, -2))[row, :, query].float() / k.shape[-1] ** 0.5  # (N, N_WATCHED, T)
            attention = scores.masked_fill(~mask[row, :, query], -torch.inf).softmax(-1)
            wanted = looks[layer][row, token][:, None]
            shares.append((attention[..., : wanted.shape[-1]] * wanted).sum(-1).flatten())
        x = block(x, call)
    return gpt.norm(x)


def turns_right(model: nn.Module, episodes: Sequence[Episode], eot: int) -> dict[str, float]:
    """The share of turns whose every wanted token is foretold, by type and overall (`qa`, without descriptions)."""
    scores: dict[str, list[bool]] = {}
    for start in range(0, len(episodes), 16):
        some = episodes[start : start + 16]
        batch = collate(some)
        right, _, _, places = predict(model, batch)
        grid = torch.ones_like(batch["tokens"], dtype=torch.bool)
        grid[places[0], places[1]] = right
        for n, episode in enumerate(some):
            ends = (episode.tokens == eot).nonzero()[0] + 1
            for type, begin, end in zip(episode.types, [0, *ends[:-1]], ends, strict=True):
                scores.setdefault(type, []).append(bool(grid[n, begin:end].all()))
    asked = [ok for type, oks in scores.items() if type != "describe" for ok in oks]
    return {
        "qa": float(np.mean(asked)),
        **{type: float(np.mean(oks)) for type, oks in sorted(scores.items())},
    }


def batches(
    maker: EpisodeMaker,
    detected: Sequence[Detected],
    share_seen: float,
    batch_size: int,
    seed: int,
    skip: int,
    batch_tokens: int = 0,
) -> Iterator[Batch]:
    """Endless batches of `batch_size` episodes of like length; with `batch_tokens`, of as many as make that many
    positions, so that every step costs the same.

    A share of the episodes is about frames that the image tower has looked at, the rest about fresh scenes that
    nobody drew, with detections imitated.
    """
    if batch_tokens:
        batch_size = max(1, batch_tokens // MEAN_LENGTH)
    n_pool = BATCHES_IN_POOL * batch_size
    for pool in range(skip // BATCHES_IN_POOL, 2**31):
        rng = np.random.default_rng([seed, pool])
        episodes: list[Episode] = []
        scene: Scene | None = None
        for i in range(n_pool):
            if detected and rng.random() < share_seen:
                shelf = detected[int(rng.integers(len(detected)))]
                example = shelf.example(int(rng.integers(len(shelf))))
                episodes.append(maker.make(example.scene, example.boxes, rng, example.detections))
            else:
                if i % 2 == 0 or scene is None:  # placing objects costs as much as talking of them twice
                    scene = sample((pool * n_pool + i) % 2**31)
                    boxes = [scene.camera.box(o) for o in scene.objects]
                episodes.append(maker.make(scene, boxes, rng))
        episodes = sorted((e for e in episodes if len(e.tokens)), key=len)
        groups = [episodes[start : start + batch_size] for start in range(0, len(episodes), batch_size)]
        if batch_tokens:
            groups = by_tokens(episodes, BATCHES_IN_POOL)
        for k in rng.permutation(len(groups)):
            if batch_tokens or len(groups[k]) == batch_size:
                yield collate(groups[k])


def by_tokens(episodes: Sequence[Episode], n: int) -> list[list[Episode]]:
    """Episodes, sorted by length, as at most n groups of about as many positions each."""
    ends = np.cumsum([len(episode) for episode in episodes])
    place = np.minimum((ends - 1) * n // ends[-1], n - 1)
    groups = [[e for e, p in zip(episodes, place, strict=True) if p == k] for k in range(n)]
    return [group for group in groups if group]


def train_language(
    tokenizer: Tokenizer,
    config: FitConfig,
    out: Path,
    *,
    detected: Sequence[Detected] = (),
    held: Detected | None = None,
    start_from: Path | None = None,
    batch_size: int = 8,
    batch_tokens: int = 0,
    seed: int = 0,
) -> Language:
    """Train the decoder; each validation writes `out/language.safetensors`.

    Without `detected` frames every detection is imitated: the first stage, which needs no image tower. Validation
    is on the frames of `held`, or on scenes that nobody drew.
    """
    maker = EpisodeMaker(tokenizer)
    rng = np.random.default_rng(seed + 1)
    examples: list[tuple[Scene, Sequence[Box | None], Detections | None]]
    if held is None:
        undrawn = [sample(i, "test") for i in range(N_HELD)]
        examples = [(s, [s.camera.box(o) for o in s.objects], None) for s in undrawn]
    else:
        examples = [(e.scene, e.boxes, e.detections) for e in map(held.example, range(N_HELD))]
    episodes = {
        source: [maker.make(scene, boxes, rng, detections, source) for scene, boxes, detections in examples]
        for source in ("frame", "graph", "both")
    }

    def validate(model: nn.Module) -> dict[str, float]:
        save_file(model.state_dict(), out / "language.safetensors")
        return {
            f"{source}_{type}": score
            for source, some in episodes.items()
            for type, score in turns_right(model, some, tokenizer.eot).items()
            if source == "frame" or type in ("qa", "describe")
        }

    model = Language(GPTConfig(vocab_size=tokenizer.n_vocab), tokenizer)
    if start_from is not None:
        model.load_state_dict(load_file(start_from))
    if any(map(shutil.which, ("c++", "g++", "clang++"))):  # torch.compile needs one on a CPU; a step then takes 0.6
        for block in model.gpt.blocks:
            block.compile(dynamic=True)
    share_seen = 0.6 if detected else 0.0
    fit(
        model,
        loss_fn,
        lambda skip: batches(maker, detected, share_seen, batch_size, seed, skip, batch_tokens),
        config,
        validate,
        out,
    )
    return model


def value_ids(tokenizer: Tokenizer) -> list[int]:
    """The token of every attribute value, in the order of the posteriors."""
    return [tokenizer.words(value)[0] for values in ATTRIBUTES.values() for value in values]
