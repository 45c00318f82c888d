import dataclasses

import numpy as np
import pytest
import torch
from scenewright_server.families.diorama.audio import Audio
from scenewright_server.families.diorama.config import AudioConfig
from scenewright_server.families.diorama.tokenizer import Tokenizer
from scenewright_server.training import speech
from scenewright_server.training.speech import (
    IGNORE,
    Clip,
    Speech,
    draw_quiet,
    frame_labels,
    sentences,
    speech_loss,
    spoken_ids,
    spoken_words,
)


@pytest.fixture(autouse=True)
def few_clips(monkeypatch):
    monkeypatch.setattr(speech, "BATCH_SIZE", 6)
    monkeypatch.setattr(speech, "BATCHES_IN_POOL", 3)


@pytest.fixture(scope="module")
def tokenizer_path(tmp_path_factory):
    path = tmp_path_factory.mktemp("speech") / "tokenizer.json"
    texts = [f" {text}" for seed in range(30) for text in sentences(seed)]
    Tokenizer.train(texts, 512).save(path)
    return path


@pytest.fixture(scope="module")
def ctc_ids(tokenizer_path):
    tokenizer = Tokenizer.load(tokenizer_path)
    ids = spoken_ids(tokenizer)
    assert ids[0] == tokenizer.pad and len(set(ids)) == len(ids)
    return ids


def test_every_word_that_is_asked_is_taught():
    asked = {
        word
        for seed in range(40)
        for split in ("train", "test")
        for text in sentences(seed, split)
        for word in text.split()
    }
    assert len(asked) > 100 and asked <= set(spoken_words())
    assert {"reach", "checkered", "shelves", "metres", "ticket", "hello"} <= set(spoken_words())


def test_quiet_clips_are_audible_and_differ():
    rng = np.random.default_rng(0)
    clips = [draw_quiet(rng) for _ in range(30)]
    assert all(clip.text == "" and 5e-4 < np.abs(clip.waveform).max() <= 1 for clip in clips)
    assert len({len(clip.waveform) for clip in clips}) > 20


def test_labels_follow_the_words_and_part_equal_neighbours():
    clip = Clip(np.zeros(16_000, np.float32), "a b b", np.array([0.2, 0.4, 0.6, 0.8]))
    labels = frame_labels(clip, [[5], [6, 7], [7]], 25)
    assert labels.tolist() == [0] * 5 + [5] * 5 + [6] * 2 + [7] * 2 + [0] + [7] * 5 + [0] * 5


def test_the_stream_is_seeded_and_can_start_anywhere(tokenizer_path, ctc_ids):
    whole = iter(Speech(tokenizer_path, ctc_ids, seed=1))
    first, second, third = (next(whole) for _ in range(3))
    again = next(iter(Speech(tokenizer_path, ctc_ids, seed=1, start=2)))
    for name, value in third._asdict().items():
        assert torch.equal(value, getattr(again, name)), name
    assert not torch.equal(first.n_frames, second.n_frames)
    for batch in (first, second, third):
        assert batch.mels.shape[1] == 80 and (batch.labels[0, batch.n_frames[0] :] == IGNORE).all()
        for row, n, labels in zip(batch.ctc_targets, batch.n_targets, batch.labels, strict=True):
            runs = [int(k) for k in torch.unique_consecutive(labels) if k > 0]
            assert runs == row[:n].tolist()  # the labels are a CTC path of the sentence


def test_learns_a_batch_by_heart(tokenizer_path, ctc_ids):
    torch.manual_seed(0)
    config = AudioConfig(vocab_size=512, d_model=64, n_heads=2, n_layers=1, ctc_ids=ctc_ids)
    model = Audio(AudioConfig.from_dict(dataclasses.asdict(config)))
    batch = next(iter(Speech(tokenizer_path, ctc_ids, seed=2)))
    optimizer = torch.optim.AdamW(model.parameters(), 3e-3)
    losses = []
    for _ in range(12):
        loss, metrics = speech_loss(model, batch)
        assert set(metrics) == {"ctc_loss", "attention_loss", "frame_loss"}
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.5 * losses[0]
