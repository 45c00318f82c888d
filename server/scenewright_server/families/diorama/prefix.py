"""A scene as the rows of the decoder's prefix."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from scenewright_server.families.diorama.tokenizer import Tokenizer
from scenewright_server.scene.entries import Detections, Entry
from scenewright_server.scene.words import normalise

N_GEOMETRY = 15  # see _geometry
MAX_LABEL_TOKENS = 16
"""Of a label that the decoder learnt to spell; a longer one is refused."""


@dataclass(frozen=True)
class Prefix:
    """The rows of the decoder's prefix: `<bos>`, then for each entry its `<ref_k>` and its label's tokens.

    ids (P,) int64; previous (P,) int64, for a label's token the one before it, else 0; owners (P,) int64, k + 1,
    0 for none; geometry (P, N_GEOMETRY); posteriors (P, A) of all
    attributes side by side, 0 where nothing was seen. Float32.
    """

    ids: np.ndarray
    previous: np.ndarray
    owners: np.ndarray
    geometry: np.ndarray
    posteriors: np.ndarray
    entries: tuple[Entry, ...]

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def arrays(self) -> tuple[np.ndarray, ...]:
        """All rows' arrays, in the order in which SceneEmbedding takes them."""
        return self.ids, self.previous, self.owners, self.geometry, self.posteriors


def label_tokens(entry: Entry, tokenizer: Tokenizer) -> list[int]:
    """The tokens of what the scene graph calls an entry; none for one that is only seen."""
    return spell(entry.graph.label, tokenizer) if entry.graph else []


def spell(label: str, tokenizer: Tokenizer) -> list[int]:
    """A label's tokens."""
    return tokenizer.words(normalise(label))


def lay_out(
    entries: tuple[Entry, ...], detections: Detections | None, tokenizer: Tokenizer, n_posteriors: int
) -> Prefix:
    """The prefix rows of these entries."""
    ids, owners = [tokenizer.bos], [0]
    for k, entry in enumerate(entries):
        ids += [tokenizer.refs[k], *label_tokens(entry, tokenizer)]
        owners += [k + 1] * (len(ids) - len(owners))
    geometry = np.zeros((len(ids), N_GEOMETRY), np.float32)
    posteriors = np.zeros((len(ids), n_posteriors), np.float32)
    for row in range(1, len(ids)):
        entry = entries[owners[row] - 1]
        geometry[row] = _geometry(entry)
        is_head = owners[row] != owners[row - 1]
        if is_head and detections is not None and entry.detection is not None:
            posteriors[row] = np.concatenate([p[entry.detection] for p in detections.attributes.values()])
    previous = [ids[row - 1] if row and owners[row] == owners[row - 1] else 0 for row in range(len(ids))]
    return Prefix(
        np.array(ids, np.int64),
        np.array(previous, np.int64),
        np.array(owners, np.int64),
        geometry,
        posteriors,
        entries,
    )


def _geometry(entry: Entry) -> list[float]:
    """Box (4), bearing, log distance, position (3), size (3), all about in [-1, 1]; has a box, a pose; score."""
    x, y, z = entry.position
    distance = math.sqrt(x * x + y * y + z * z)
    box = entry.box or (0.0, 0.0, 0.0, 0.0)
    return [
        *box, math.atan2(x, z) / math.pi, math.log(max(distance, 0.05)) / 3, x / 4, y / 4, z / 4,
        *(s / 2 for s in entry.size), float(entry.box is not None), float(entry.graph is not None), entry.score,
    ]  # fmt: skip
