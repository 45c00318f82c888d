"""The tokenizer's training text: scene talk, so that its words are single tokens, and words for open labels."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from scenewright_server.diorama.kinds import ATTRIBUTES
from scenewright_server.diorama.scene import sample
from scenewright_server.diorama.text import NUMBERS, describe, dialogue, in_view, plain
from scenewright_server.model.tokenizer import Tokenizer
from scenewright_server.training.words import dictionary, label

N_VOCAB = 2048


def texts(n_scenes: int, seed: int) -> Iterator[str]:
    """Descriptions, questions and answers of `n_scenes` scenes, every word of scene talk, and open labels."""
    rng = np.random.default_rng(seed)
    for i in range(n_scenes):
        seen = in_view(sample(i))
        yield " " + plain(describe(seen))
        for turn in dialogue(seen, rng, 8, ATTRIBUTES["kind"]):
            yield " " + turn.question
            yield " " + plain(turn.answer)
    for values in (*ATTRIBUTES.values(), NUMBERS, ("behind you",)):
        for word in values:
            for _ in range(n_scenes // 10):
                yield " " + word
                yield f" {word}s"
    for word in dictionary():
        yield " " + word
    for _ in range(n_scenes):
        yield " " + label(rng)


def train_tokenizer(n_scenes: int = 2000, seed: int = 0) -> Tokenizer:
    """The diorama's own BPE."""
    return Tokenizer.train(texts(n_scenes, seed), N_VOCAB)
