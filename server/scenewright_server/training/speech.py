"""Teaching the model to hear: questions about dioramas, spoken by many synthetic voices, made as training
goes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import jiwer
import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset
from whisper.model import disable_sdpa

from scenewright_server.families.diorama.audio import SAMPLE_RATE_HZ, Audio, log_mel, pad_mels, settle
from scenewright_server.families.diorama.config import AudioConfig
from scenewright_server.families.diorama.tokenizer import Tokenizer
from scenewright_server.languages.en import plural
from scenewright_server.scene.words import normalise
from scenewright_server.simulator import noises, speech
from scenewright_server.simulator.kinds import ATTRIBUTES
from scenewright_server.simulator.phrases import QUESTIONS, RELATIONS, SHORT_FOLLOW_UPS
from scenewright_server.simulator.questions import dialogue
from scenewright_server.simulator.scene import sample
from scenewright_server.simulator.text import things
from scenewright_server.training.loop import FitConfig, fit

#: What people also say around such questions: heard, so that the model does not turn it into words that it
#: knows.
MORE_WORDS = """
a about above all and another any are at behind between big bigger both can could describe different do does
find for from give have here hello how i in is it its left less look me more my name near next no nothing
number object objects of okay on one or other please right room same say scene see show smaller some
something stop table tell thanks that the them there these they thing this those to two three four five six
under up us want we what when which who why with yes you your
"""
BATCH_SIZE = 32
BATCHES_IN_POOL = 12
CLEAN_BATCHES = 600  # noise and rooms come after the words are known
NOT_SPEECH = 0.06
LATE = 0.15  # clips in which the words come late, or at once
SETTLED = 0.5  # clips that are trimmed as `Audio.hear` trims them
IGNORE = -100
N_STACKED, POSITION_S = AudioConfig.n_stacked, 0.02 * AudioConfig.n_stacked
MAX_S = AudioConfig.n_ctx * POSITION_S
MAX_SAMPLES = int(MAX_S * SAMPLE_RATE_HZ)


class Batch(NamedTuple):
    """Clips of similar length."""

    mels: Tensor  # (B, 80, frames of 10 ms)
    n_frames: Tensor  # (B,) of T
    targets: Tensor  # (B, L) token ids, padded with the blank
    n_targets: Tensor  # (B,) of L
    ctc_targets: Tensor  # (B, L) the same as places in ctc_ids
    labels: Tensor  # (B, T) which place in ctc_ids each encoder position belongs to, IGNORE in the padding


class Clip(NamedTuple):
    waveform: np.ndarray
    text: str
    starts_s: np.ndarray  # of the words of `text`, and the end of the last


@cache
def spoken_words() -> tuple[str, ...]:
    """Every word of the English questions about dioramas, and MORE_WORDS."""
    forms = [*(by["en"] for by in QUESTIONS.values()), *(by["en"] for by in RELATIONS.values())]
    nouns = (*ATTRIBUTES["kind"], "thing")
    names = [*chain(*ATTRIBUTES.values()), *nouns, *map(plural, nouns), "an", "left one", "right one"]
    texts = [*chain(*forms), *(by["en"] for by in SHORT_FOLLOW_UPS.values()), *names, MORE_WORDS]
    return tuple(sorted({word for text in texts for word in normalise(text.format("", "", rel="")).split()}))


def spoken_ids(tokenizer: Tokenizer) -> tuple[int, ...]:
    """The blank, then every token of the spoken words, for the CTC head."""
    return (tokenizer.pad, *sorted({id for word in spoken_words() for id in tokenizer.words(word)}))


def sentences(seed: int, split: str = "train") -> list[str]:
    """Questions about one scene, as they are asked, with a scene graph in every other scene; and, in training, rare
    forms of them, and their words in any order, so that what is heard is believed over what is usually asked."""
    rng = np.random.default_rng((seed, 11))
    scene = things(sample(seed, split))
    turns = dialogue(scene, rng, 8, ATTRIBUTES["kind"], is_measured=seed % 2 == 0)
    asked = [normalise(turn.question) for turn in turns]
    if split == "train" and asked:
        asked += [_form(rng), _form(rng)]
        for _ in range(2):
            words = " ".join(asked).split() + list(rng.choice(spoken_words(), 24))
            asked.append(" ".join(rng.choice(words, int(rng.integers(2, 9)))))
    return asked


def _form(rng: np.random.Generator) -> str:
    """One of all forms of questions, each as likely, so that none is rare."""
    forms = [form for by in QUESTIONS.values() for form in by["en"]]
    things = ["the " + " ".join(rng.choice(ATTRIBUTES[key]) for key in ("colour", "kind")) for _ in range(2)]
    relation = rng.choice(RELATIONS[rng.choice(list(RELATIONS))]["en"])
    return normalise(str(rng.choice(forms)).format(*things, rel=relation))


def draw_clip(text: str, rng: np.random.Generator, voices: tuple[str, ...], noisy: float) -> Clip:
    """Say `text` in one of `voices`; a share `noisy` of clips gets noise at 3-30 dB, half as many a room."""
    spoken, starts_s = speech.speak_words(text, speech.draw_delivery(rng, voices))
    snr_db = rng.uniform(3, 30) if rng.random() < noisy else None
    noise = _noises()[int(rng.integers(len(_noises())))]
    late_s = rng.uniform(0, 1.5) if rng.random() < LATE else None
    wave, lead_s = speech.record(spoken, rng, snr_db=snr_db, noise=noise, room=rng.random() < noisy / 2, lead_s=late_s)
    if rng.random() < SETTLED:
        wave, later = settle(wave, MAX_SAMPLES)
        lead_s += later / SAMPLE_RATE_HZ
    if len(wave) > MAX_SAMPLES:
        raise ValueError(f"{text!r} takes {len(wave) / SAMPLE_RATE_HZ:.1f} s, at most {MAX_S:.1f} s fit")
    ends_s = np.append(starts_s, len(spoken) / SAMPLE_RATE_HZ)
    return Clip(wave, text, ends_s + lead_s)


def draw_quiet(rng: np.random.Generator) -> Clip:
    """A clip without speech, which must be heard as no words."""
    wave = noises.draw_unspoken(rng)
    if rng.random() < SETTLED:
        wave, _ = settle(wave, MAX_SAMPLES)
    return Clip(wave, "", np.zeros(1))


@cache
def _noises() -> list[np.ndarray]:
    return [noises.coloured_noise(12 * SAMPLE_RATE_HZ, np.random.default_rng(k)) for k in range(24)]


def frame_labels(clip: Clip, tokens: list[list[int]], n_frames: int) -> np.ndarray:
    """(n_frames,) token of each frame, 0 for none. espeak-ng tells when each word begins, so the CTC head
    need not find the alignment by itself, which takes a cold start thousands of steps. A word's tokens share
    its span."""
    labels = np.zeros(n_frames, np.int64)
    edges = np.clip(np.round(clip.starts_s / POSITION_S).astype(int), 0, n_frames - 1)
    for i, ids in enumerate(tokens):
        cuts = np.linspace(edges[i], edges[i + 1], len(ids) + 1).round().astype(int)
        for k, token in enumerate(ids):
            if labels[cuts[k] - 1] == token:
                labels[cuts[k] - 1] = 0  # CTC merges equal neighbours
            labels[cuts[k] : cuts[k + 1]] = token
    return labels


def collate(
    clips: list[Clip], tokenizer: Tokenizer, ctc_ids: tuple[int, ...], mask: np.random.Generator | None = None
) -> Batch:
    """Clips to tensors. With `mask`, SpecAugment (Park et al. 2019): one band and one moment are silenced."""
    mels = [log_mel(clip.waveform) for clip in clips]
    if mask is not None:
        for mel in mels:
            band, moment = int(mask.integers(0, 14)), int(mask.integers(0, 12))
            at, when = int(mask.integers(80 - band)), int(mask.integers(max(1, mel.shape[1] - moment)))
            mel[at : at + band] = mel.min()
            mel[:, when : when + moment] = mel.min()
    n_frames = [(mel.shape[1] // N_STACKED + 1) // 2 for mel in mels]
    tokens = [[tokenizer.words(word) for word in clip.text.split()] for clip in clips]
    targets = [[id for ids in words for id in ids] for words in tokens]
    place = {id: k for k, id in enumerate(ctc_ids)}
    placed = [[[place[id] for id in ids] for ids in words] for words in tokens]
    labels = [frame_labels(clip, ids, n) for clip, ids, n in zip(clips, placed, n_frames, strict=True)]
    return Batch(
        pad_mels(mels),
        torch.tensor(n_frames),
        _rows(targets, tokenizer.pad),
        torch.tensor([len(ids) for ids in targets]),
        _rows([[k for ids in words for k in ids] for words in placed], 0),
        _rows(labels, IGNORE),
    )


def _rows(rows: list, fill: int) -> Tensor:
    out = torch.full((len(rows), max(1, *(len(row) for row in rows))), fill)
    for i, row in enumerate(rows):
        out[i, : len(row)] = torch.as_tensor(row)
    return out


class Speech(IterableDataset):
    """An endless, seeded stream of batches, from batch `start` on. Pools are sorted by length, then cut."""

    def __init__(self, tokenizer: Path, ctc_ids: tuple[int, ...], seed: int, start: int = 0) -> None:
        self.tokenizer, self.ctc_ids, self.seed, self.start = tokenizer, ctc_ids, seed, start

    def __iter__(self) -> Iterator[Batch]:
        tokenizer = Tokenizer.load(self.tokenizer)
        pool, skip = divmod(self.start, BATCHES_IN_POOL)
        while True:
            rng = np.random.default_rng((self.seed, pool))
            done = pool * BATCHES_IN_POOL
            noisy = 0.0 if done < CLEAN_BATCHES else min(0.6, (done - CLEAN_BATCHES) / CLEAN_BATCHES)
            texts: list[str] = []
            while len(texts) < BATCH_SIZE * BATCHES_IN_POOL:
                texts += sentences(int(rng.integers(1 << 30)))
            clips = [
                draw_quiet(rng) if rng.random() < NOT_SPEECH else draw_clip(text, rng, speech.TRAIN_VOICES, noisy)
                for text in texts[: BATCH_SIZE * BATCHES_IN_POOL]
            ]
            clips.sort(key=lambda clip: len(clip.waveform))
            for k in rng.permutation(BATCHES_IN_POOL)[skip:]:
                batch = clips[k * BATCH_SIZE : (k + 1) * BATCH_SIZE]
                yield collate(batch, tokenizer, self.ctc_ids, rng if noisy else None)
            pool, skip = pool + 1, 0


def speech_loss(model: nn.Module, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
    """Joint CTC and attention loss, and cross-entropy on the frames' labels, which finds the alignment."""
    assert isinstance(model, Audio)
    config = model.config
    starts = torch.full_like(batch.targets[:, :1], config.bos_id)
    # On a CPU the backward of fused attention takes half of the step; the plain one a tenth.
    with disable_sdpa():
        states = model.encode(batch.mels)
        logits = model.decode(torch.cat([starts, batch.targets], 1), states)
    log_probs = model.ctc(states).float().log_softmax(-1)
    ctc = F.ctc_loss(log_probs.transpose(0, 1), batch.ctc_targets, batch.n_frames, batch.n_targets, zero_infinity=True)
    frame = F.nll_loss(log_probs.flatten(0, 1), batch.labels.flatten(), ignore_index=IGNORE)
    places = torch.arange(logits.shape[1], device=logits.device)
    ends = F.pad(batch.targets, (0, 1)).masked_fill(places >= batch.n_targets[:, None], IGNORE)
    ends[torch.arange(len(ends)), batch.n_targets] = config.eot_id
    attention = F.cross_entropy(logits.flatten(0, 1), ends.flatten(), ignore_index=IGNORE)
    loss = 0.5 * ctc + 0.5 * attention + 0.5 * frame
    return loss, {"ctc_loss": ctc, "attention_loss": attention, "frame_loss": frame}


def word_error_rates(model: Audio, tokenizer: Tokenizer, n: int, seed: int = 7) -> dict[str, float]:
    """WER on `n` questions about test scenes by voices never trained on, clean and with noise at 10 dB; and the share
    of clips without speech in which words were heard."""
    rng = np.random.default_rng(seed)
    texts: list[str] = []
    while len(texts) < n:
        texts += sentences(int(rng.integers(1 << 30)), "test")
    texts = texts[:n]
    spoken = [speech.speak(text, speech.draw_delivery(rng, speech.TEST_VOICES)) for text in texts]
    scores: dict[str, float] = {}
    for name, snr_db in (("clean", None), ("10db", 10.0)):
        waves = [speech.record(clip, rng, snr_db=snr_db)[0] for clip in spoken]
        scores[f"wer_{name}"] = jiwer.wer(texts, [tokenizer.decode(model.hear(wave).ids) for wave in waves])
    quiet = [draw_quiet(rng).waveform for _ in range(n // 4)]
    scores["false_alarms"] = float(np.mean([bool(model.hear(wave).ids) for wave in quiet]))
    return scores


def train_speech(tokenizer_path: Path, out: Path, config: FitConfig, n_validate: int = 120, seed: int = 0) -> Audio:
    """Train the audio model into `out`: from the first validation on, audio.safetensors holds its weights and
    audio.json its AudioConfig."""
    tokenizer = Tokenizer.load(tokenizer_path)
    torch.manual_seed(seed)
    audio_config = AudioConfig(
        vocab_size=tokenizer.n_vocab,
        blank_id=tokenizer.pad,
        bos_id=tokenizer.bos,
        eot_id=tokenizer.eot,
        ctc_ids=spoken_ids(tokenizer),
    )
    model = Audio(audio_config)
    out.mkdir(parents=True, exist_ok=True)

    def batches(start: int) -> DataLoader:
        # One process beside the trainer speaks and computes features.
        stream = Speech(tokenizer_path, audio_config.ctc_ids, seed, start)
        return DataLoader(stream, None, num_workers=1, prefetch_factor=BATCHES_IN_POOL)

    def validate(model: nn.Module) -> dict[str, float]:
        assert isinstance(model, Audio)
        (out / "audio.json").write_text(json.dumps(audio_config.to_dict()))
        save_file(model.state_dict(), out / "audio.tmp")
        (out / "audio.tmp").replace(out / "audio.safetensors")
        return word_error_rates(model, tokenizer, n_validate)

    fit(model, speech_loss, batches, config, validate, out)
    return model
