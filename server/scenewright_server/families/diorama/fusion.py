"""The fused model: a decoder that is given frames, scene graphs and voices as soft tokens beside its words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn

from scenewright_server.families.diorama.audio import Audio, HeardTokens
from scenewright_server.families.diorama.config import ModelConfig
from scenewright_server.families.diorama.prefix import N_GEOMETRY, Prefix, lay_out
from scenewright_server.families.diorama.tokenizer import N_REFS, Tokenizer
from scenewright_server.families.diorama.vision import Vision, preprocess
from scenewright_server.families.family import ModelError
from scenewright_server.model.gpt import GPT
from scenewright_server.scene.entries import Detections, GraphObject, merge
from scenewright_server.scene.geometry import Intrinsics
from scenewright_server.scene.plans import PLAN_WORDS
from scenewright_server.scene.words import normalise

N_MEASURES = 12  # the leading numbers of a geometry row that are measures rather than flags
N_WAVES = 5


class SceneEmbedding(nn.Module):
    """Prefix rows to soft tokens: the row's word, what was seen mixed from word embeddings, and where it is.

    An object's looks enter as posteriors times the embeddings of their words, so that a seen "red" and a
    spoken "red" are the same direction for the decoder.
    """

    frequencies: Tensor
    value_ids: Tensor

    def __init__(self, d_model: int, value_ids: Sequence[int]) -> None:
        super().__init__()
        self.owners = nn.Embedding(N_REFS + 1, d_model, padding_idx=0)
        n_inputs = N_GEOMETRY + 2 * N_WAVES * N_MEASURES
        to_model = nn.Linear(d_model, d_model)
        self.place = nn.Sequential(nn.Linear(n_inputs, d_model), nn.GELU(), to_model)
        # A label's token knows its forerunner, so that spelling a label out is a look-up and no search.
        self.previous = nn.Linear(d_model, d_model, bias=False)
        nn.init.normal_(self.owners.weight, std=0.02)
        # Projections start at the scale of the word embeddings: larger ones would drown words and positions.
        nn.init.normal_(to_model.weight, std=0.004)
        nn.init.normal_(self.previous.weight, std=d_model**-0.5)
        self.register_buffer("frequencies", math.pi * 2.0 ** torch.arange(N_WAVES), persistent=False)
        self.register_buffer("value_ids", torch.tensor(value_ids), persistent=False)

    def forward(
        self,
        words: nn.Embedding,
        ids: Tensor,
        previous: Tensor,
        owners: Tensor,
        geometry: Tensor,
        posteriors: Tensor,
        values: Tensor | None = None,
    ) -> Tensor:
        """The arrays of a batch of `Prefix`es, (B, P) and (B, P, ...), to soft tokens (B, P, D).

        `values` (B, A): the tokens that the posteriors are about, if not the attributes' own.
        """
        waves = (geometry[..., :N_MEASURES, None] * self.frequencies).flatten(-2)
        place = self.place(torch.cat([geometry, waves.sin(), waves.cos()], -1))
        x = words(ids) + self.owners(owners) + posteriors @ words.weight[self.value_ids if values is None else values]
        x = x + self.previous(words(previous)) * (previous > 0).unsqueeze(-1)
        return x + place * (owners > 0).unsqueeze(-1)


class FusedModel(nn.Module):
    """Decoder, image tower, audio tower and what joins them (DESIGN: soft fusion for each modality)."""

    def __init__(self, config: ModelConfig, tokenizer: Tokenizer) -> None:
        super().__init__()
        self.config = config
        self.tokenizer = tokenizer
        self.gpt = GPT(config.gpt)
        self.vision = Vision(config.vision)
        self.audio = Audio(config.audio)
        values = [value for values in config.vision.attributes.values() for value in values]
        value_ids = [tokenizer.words(value) for value in values]
        split = [value for value, ids in zip(values, value_ids, strict=True) if len(ids) != 1]
        if split:
            raise ValueError(f"attribute values must be single tokens, found {split}")
        self.scene = SceneEmbedding(config.gpt.d_model, [ids[0] for ids in value_ids])

    @cached_property
    def value_ids(self) -> frozenset[int]:
        """The tokens of all attributes' values."""
        return frozenset(self.scene.value_ids.tolist())

    @cached_property
    def plan_ids(self) -> frozenset[int]:
        """The tokens of the plan's own words."""
        return frozenset(id for word in PLAN_WORDS for id in self.tokenizer.words(word))

    @cached_property
    def ref_ids(self) -> frozenset[int]:
        """The tokens that point at entries."""
        return frozenset(self.tokenizer.refs)

    @property
    def device(self) -> torch.device:
        return self.gpt.tokens.weight.device

    @property
    def dtype(self) -> torch.dtype:
        return self.gpt.tokens.weight.dtype

    @torch.inference_mode()
    def see(self, pixels: np.ndarray) -> Detections:
        """Objects found in an RGB frame (H, W, 3) uint8."""
        return self.see_all([pixels])[0]

    @torch.inference_mode()
    def see_all(self, frames: Sequence[np.ndarray]) -> list[Detections]:
        """The same for several frames at once."""
        images = torch.stack([preprocess(pixels, self.config.vision.image_size) for pixels in frames])
        return self.vision.detect(images.to(self.device, self.dtype))

    @torch.inference_mode()
    def hear(self, waveform: np.ndarray) -> HeardTokens:
        """What was said in (n,) float32 at 16 kHz."""
        return self.audio.hear(waveform)

    def read(
        self, detections: Detections | None, graph: Sequence[GraphObject], lens: Intrinsics | None = None
    ) -> Prefix:
        """Frame and scene graph, either or both, as the decoder's prefix; `lens`: the frame's, if it is known.

        Raises ModelError SCENE_TOO_LARGE.
        """
        n_posteriors = len(self.scene.value_ids)
        entries = merge(detections, graph, lens)
        if len(entries) > N_REFS:
            raise ModelError(
                "SCENE_TOO_LARGE",
                f"the scene has {len(entries)} things, {len(graph)} told and {len(entries) - len(graph)} only seen, "
                f"the model tells {N_REFS} apart",
                field="scene",
                value=len(entries),
                bound=N_REFS,
            )
        return lay_out(entries, detections, self.tokenizer, n_posteriors)

    def prefix(self, prefix: Prefix) -> Tensor:
        """Soft tokens (P, D) of a prefix."""
        # Copies are aligned; sums over numpy's own memory differ in the last bit from one address to another.
        tensors = (torch.tensor(array, device=self.device)[None] for array in prefix.arrays)
        return self.scene(self.gpt.tokens, *(x.to(self.dtype) if x.is_floating_point() else x for x in tensors))[0]

    def embed(self, ids: Sequence[int]) -> Tensor:
        """Embeddings (T, D) of token ids."""
        return self.gpt.embed(torch.tensor(ids, dtype=torch.long, device=self.device))

    def describe_ids(self, language: str) -> list[int]:
        """Asks for a description."""
        return [self.tokenizer.describe, *self.tokenizer.words(language), self.tokenizer.call]

    def question_ids(self, text: str) -> list[int]:
        """A typed question."""
        return [self.tokenizer.user, *self.tokenizer.words(normalise(text)), self.tokenizer.assistant]

    def voice(self, heard: HeardTokens) -> Tensor:
        """(T, D): spoken words, as posteriors over the vocabulary times its embeddings (LegoSLM)."""
        posteriors = torch.tensor(heard.posteriors, device=self.device, dtype=self.dtype)
        return posteriors @ self.gpt.tokens.weight
