"""Images and words in one space: CLIP's embeddings, and what is seen named with words that no detector learnt."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image

from scenewright_server.model.clip import Clip

PROMPT = "a photo of a {}."
"""What CLIP is asked of a word (Radford et al. 2021, 3.1.4)."""
MAX_SIDE = 1536
"""Pixels of a frame's longer side that CLIP is given to prepare."""


class Matching:
    """See `families.family.Embedder`; beside it, `labels` (words) with their embeddings (n_labels, E)."""

    def __init__(self, clip: Clip, labels: Sequence[str], embeddings: torch.Tensor) -> None:
        self._clip, self._labels = clip, embeddings.numpy()
        self.labels = tuple(labels)
        self.dimension, self.scale, self.max_tokens = clip.dimension, clip.scale, clip.max_tokens

    def n_tokens(self, text: str) -> int:
        return self._clip.n_tokens(text)

    @torch.inference_mode()
    def embed_image(self, frame: np.ndarray) -> np.ndarray:
        return self._clip.embed_images([Image.fromarray(frame)])[0].float().cpu().numpy()

    @torch.inference_mode()
    def embed_text(self, texts: Sequence[str]) -> np.ndarray:
        return self._clip.embed_texts(texts).float().cpu().numpy()

    @torch.inference_mode()
    def name(self, pictures: Sequence[np.ndarray], n_labels: int | None = None) -> np.ndarray:
        """Probabilities (N, n_labels) float32 of the first labels, or of all, for pictures (H, W, 3) uint8."""
        if not pictures:
            return np.zeros((0, len(self._labels[:n_labels])), np.float32)
        images = self._clip.embed_images([Image.fromarray(picture) for picture in pictures]).float().cpu().numpy()
        scores = self.scale * images @ self._labels[:n_labels].T
        shares = np.exp(scores - scores.max(1, keepdims=True))
        return (shares / shares.sum(1, keepdims=True)).astype(np.float32)


def embed_labels(clip: Clip, labels: Sequence[str]) -> torch.Tensor:
    """Unit embeddings (n_labels, E) float32 of words, each in a sentence."""
    with torch.inference_mode():
        return torch.cat([clip.embed_texts([PROMPT.format(label)]) for label in labels]).float().cpu()
