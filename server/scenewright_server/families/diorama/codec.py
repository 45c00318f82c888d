"""What the image tower made of a frame, and the audio tower of a recording, as rows of numbers and back.

A frame's layout: a row-major float32 matrix (1 + N, C). Row 0 holds the upright frame's aspect (width over height) and
its unit embedding, each further row one detection: box x0, y0, x1, y1 in [0, 1], score, depth and height in metres, the
probability that it stands on another, and the posteriors of all attributes side by side in the model's order. Shorter
rows end in zeros.

A recording's layout: a row-major float32 matrix (1 + T, V) for T spoken tokens of a vocabulary of V, T = 0 where
nothing was said. Row 0 begins with the confidence and ends in zeros, each further row is one token's posterior.
"""

from __future__ import annotations

import numpy as np

from scenewright_server.families.diorama.audio import HeardTokens
from scenewright_server.families.diorama.config import AudioConfig, VisionConfig
from scenewright_server.families.diorama.tokenizer import Tokenizer
from scenewright_server.families.diorama.vision import MAX_DETECTIONS
from scenewright_server.families.family import SAMPLE_RATE_HZ, Encoder, FeatureError, Heard
from scenewright_server.scene.entries import Detections

_N_PLACE = 8  # box, score, depth, height, raised
_LAYOUT, _AUDIO_LAYOUT = "detections-2", "tokens-1"
_SUM_SLACK = 1e-3


class DioramaCodec:
    """See `families.family.Codec`."""

    def __init__(self, name: str, config: VisionConfig) -> None:
        self._sizes = {attribute: len(values) for attribute, values in config.attributes.items()}
        self._d_embed = config.d_embed
        size = config.image_size
        self.encoder = Encoder(
            id=f"{name}/{_LAYOUT}",
            preprocessing_id=f"rgb-squash-bilinear-{size}",
            preprocessing=(
                f"Upright sRGB, resized to {size} x {size} whatever its aspect with Pillow's antialiased "
                "bilinear filter, divided by 255."
            ),
            n_columns=max(_N_PLACE + sum(self._sizes.values()), 1 + self._d_embed),
            max_rows=1 + MAX_DETECTIONS,
        )

    def pack(self, detections: Detections, embedding: np.ndarray, aspect: float) -> np.ndarray:
        rows = np.zeros((1 + len(detections), self.encoder.n_columns), np.float32)
        rows[0, 0] = aspect
        rows[0, 1 : 1 + self._d_embed] = embedding
        assert detections.height is not None and detections.raised is not None  # the image tower tells them
        columns = (detections.scores, detections.depth, detections.height, detections.raised)
        looks = [detections.attributes[name] for name in self._sizes]
        found = np.concatenate([detections.boxes, np.stack(columns, axis=1), *looks], axis=1)
        rows[1:, : found.shape[1]] = found
        return rows

    def aspect(self, rows: np.ndarray) -> float:
        return float(rows[0, 0])

    def unpack(self, rows: np.ndarray) -> tuple[Detections, np.ndarray]:
        embedding, found = rows[0, 1 : 1 + self._d_embed], rows[1:]
        shares, metres = found[:, [0, 1, 2, 3, 4, 7]], found[:, 5:7]
        if len(found) and not (shares.min() >= 0 and shares.max() <= 1 and metres.min() > 0):
            raise FeatureError("a detection out of range", "boxes, scores, raised in 0 to 1, metres above 0")
        boxes, *looks = np.split(found, np.cumsum([4, 4, *self._sizes.values()]), axis=1)[:-1]
        scores, depth, height, raised = looks.pop(0).T
        attributes = dict(zip(self._sizes, looks, strict=True))
        return Detections(boxes, scores, depth, attributes, height, raised), embedding


class DioramaAudioCodec:
    """See `families.family.AudioCodec`."""

    def __init__(self, name: str, config: AudioConfig, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self.encoder = Encoder(
            id=f"{name}/{_AUDIO_LAYOUT}",
            preprocessing_id=f"mono-{SAMPLE_RATE_HZ}-hz",
            preprocessing=(
                f"Mono float32 at {SAMPLE_RATE_HZ} Hz, its silent ends cut; Whisper's log-mel spectrogram of "
                f"{config.n_mels} bands at one peak level."
            ),
            n_columns=config.vocab_size,
            max_rows=config.n_text_ctx,
        )

    def pack(self, heard: Heard) -> np.ndarray:
        tokens: HeardTokens = heard.opaque
        rows = np.zeros((1 + len(tokens.ids), self.encoder.n_columns), np.float32)
        rows[0, 0] = heard.confidence
        rows[1:] = tokens.posteriors
        return rows

    def unpack(self, rows: np.ndarray) -> Heard:
        confidence, posteriors = float(rows[0, 0]), rows[1:]
        if not 0 <= confidence <= 1:
            raise FeatureError(f"a confidence of {confidence:g}", "0 to 1")
        ids: list[int] = []
        if len(posteriors):
            low, high = posteriors.min(), posteriors.max()
            if not 0 <= low <= high <= 1:
                raise FeatureError(f"a probability of {high if low >= 0 else low:g}", "0 to 1")
            sums = posteriors.sum(1, dtype=np.float64)
            worst = float(sums[np.abs(sums - 1).argmax()])
            if not abs(worst - 1) <= _SUM_SLACK:
                raise FeatureError(f"a row of posteriors that sums to {worst:g}", f"1, within {_SUM_SLACK:g}")
            ids = posteriors.argmax(1).tolist()
            if min(ids) < self._tokenizer.n_specials:
                raise FeatureError(
                    f"most likely token {min(ids)}", f"a token of text, {self._tokenizer.n_specials} or more"
                )
        return Heard(self._tokenizer.decode(ids), confidence, HeardTokens(posteriors, ids, confidence))
