"""What was heard, as rows and back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scenewright_server.families.bundle import load_family
from scenewright_server.families.diorama.audio import HeardTokens
from scenewright_server.families.diorama.codec import DioramaAudioCodec
from scenewright_server.families.diorama.config import AudioConfig
from scenewright_server.families.diorama.fusion import FusedModel
from scenewright_server.families.family import FeatureError, Heard


@pytest.fixture(scope="module")
def codec(model: FusedModel) -> DioramaAudioCodec:
    return DioramaAudioCodec("tiny", model.config.audio, model.tokenizer)


@pytest.fixture(scope="module")
def heard(model: FusedModel) -> Heard:
    tokenizer = model.tokenizer
    ids = tokenizer.words("where is the goblin king")
    posteriors = np.random.default_rng(0).dirichlet(np.full(tokenizer.n_vocab, 0.1), len(ids)).astype(np.float32)
    posteriors[range(len(ids)), ids] += 2
    posteriors /= posteriors.sum(1, keepdims=True)
    confidence = float(np.float32(0.7))
    return Heard(tokenizer.decode(ids), confidence, HeardTokens(posteriors, ids, confidence))


def same(a: Heard, b: Heard) -> bool:
    plain = [replace(one, opaque=replace(one.opaque, posteriors=None)) for one in (a, b)]
    return plain[0] == plain[1] and np.array_equal(a.opaque.posteriors, b.opaque.posteriors)


def test_what_was_heard_comes_back_as_it_was(codec: DioramaAudioCodec, heard: Heard) -> None:
    rows = codec.pack(heard)
    assert rows.shape == (1 + len(heard.opaque.ids), codec.encoder.n_columns) and rows.dtype == np.float32
    assert same(codec.unpack(rows), heard)


def test_silence_is_one_row() -> None:
    family = load_family()
    assert family.audio_codec is not None and family.spec.speech_languages == ("en",)
    silence = family.hear(np.zeros(16_000, np.float32))
    rows = family.audio_codec.pack(silence)
    assert rows.shape == (1, family.audio_codec.encoder.n_columns) and not rows.any()
    assert same(family.audio_codec.unpack(rows), silence)
    assert family.audio_codec.encoder.max_rows == AudioConfig().n_text_ctx


def spoil(at: tuple[int, int], value: float) -> Callable[[np.ndarray], None]:
    return lambda rows: rows.__setitem__(at, value)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (spoil((0, 0), 1.5), "a confidence of 1.5, needs 0 to 1"),
        (spoil((0, 0), -0.1), "a confidence of -0.1, needs 0 to 1"),
        (spoil((2, 300), -0.25), "a probability of -0.25, needs 0 to 1"),
        (spoil((2, 300), 7), "a probability of 7, needs 0 to 1"),
        (spoil((2, 300), np.nan), "a probability of nan"),
        (spoil((2, 300), 0.5), r"sums to 1\.[45]\d*, needs 1, within 0.001"),
        (lambda rows: rows[1:].__setitem__((slice(None), slice(None)), 0), "sums to 0, needs 1"),
        (lambda rows: rows[1].__setitem__(slice(None), np.eye(rows.shape[1])[3]), "most likely token 3, needs"),
    ],
)
def test_rows_that_no_encoder_gives_are_refused(codec: DioramaAudioCodec, heard: Heard, damage, message: str) -> None:
    rows = codec.pack(heard)
    damage(rows)
    with pytest.raises(FeatureError, match=message):
        codec.unpack(rows)
