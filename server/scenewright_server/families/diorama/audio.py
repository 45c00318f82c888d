"""Hearing: openai-whisper's network, small, over the language model's own tokens, with a CTC head.

Speech enters the language model as soft tokens: Whisper's posterior over each next token, times the word
embeddings (after LegoSLM, 2025). The CTC head finds the alignment in training (joint CTC-attention, Watanabe et al.
2017) and tells, frame by frame, whether anybody speaks: a decoder alone makes words up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from whisper.audio import log_mel_spectrogram
from whisper.model import ModelDimensions, Whisper

from scenewright_server.families.diorama.config import AudioConfig
from scenewright_server.families.family import SAMPLE_RATE_HZ

MIN_SAMPLES = 640  # 40 ms
SILENCE_PEAK = 1e-3  # -60 dBFS: quieter clips hold no speech
WORDS_SHOW = 0.25  # the least that the CTC head gives to words, somewhere, where there are any
MEL_FLOOR = 2.0  # log_mel_spectrogram clamps at 8 decades, 2 of its units, below the clip's maximum


@dataclass(frozen=True)
class HeardTokens:
    """What was heard: `posteriors` (T, V) float32, one row a spoken token, each summing to 1 with no mass on
    markup; the likeliest `ids` (T); `confidence` in [0, 1], the geometric mean of their probabilities, 0 for no
    words.
    """

    posteriors: np.ndarray
    ids: list[int]
    confidence: float


def trim(waveform: np.ndarray) -> tuple[int, int]:
    """Where to cut: 0.4 s before the clip's first loud moment and 0.4 s after its last; the whole where nothing
    stands out. As samples, [start, end).

    The network learnt clips that begin soon. Loud is 6 dB over the clip's own noise floor and within 34 dB of its
    loudest 0.1 s: bolder cuts lose first and last words in noise.
    """
    size = SAMPLE_RATE_HZ // 50
    n = len(waveform) // size
    if not n:
        return 0, len(waveform)
    power = np.mean(np.square(waveform[: n * size].reshape(n, size)), axis=1)
    level = np.sqrt(np.convolve(np.pad(power, 2, mode="edge"), np.full(5, 0.2), "valid"))
    loud = np.flatnonzero(level > max(2 * float(np.quantile(level, 0.1)), 0.02 * float(level.max())))
    if not len(loud):
        return 0, len(waveform)
    margin = SAMPLE_RATE_HZ * 2 // 5
    return max(0, int(loud[0]) * size - margin), min(len(waveform), (int(loud[-1]) + 1) * size + margin)


def settle(waveform: np.ndarray, max_samples: int) -> tuple[np.ndarray, int]:
    """The clip as the network hears it, and by how many samples it now begins later (negative: earlier).

    Trimmed, and with 0.2 s of silence at both ends, as far as they fit `max_samples`: the network learnt clips with a
    little silence, and a word that breaks off sounds like two.
    """
    start, end = trim(waveform)
    quiet = max(0, min(SAMPLE_RATE_HZ // 5, (max_samples - (end - start)) // 2))
    return np.pad(waveform[start:end], quiet), quiet - start


def log_mel(waveform: np.ndarray | Tensor) -> Tensor:
    """Whisper's log-mel features (n_mels=80, n_samples // 160) of mono samples at 16 kHz.

    The clip is first put to one peak level, so that how loud someone speaks does not matter.
    """
    wave = torch.as_tensor(waveform, dtype=torch.float32)
    return log_mel_spectrogram(wave * (0.5 / wave.abs().max().clamp(min=1e-6)))


def pad_mels(mels: Sequence[Tensor], n_frames: int | None = None) -> Tensor:
    """Batch mels (80, T_i) of different lengths, padded with silence to the longest or to `n_frames`: (B, 80,
    T)."""
    n = n_frames or max(mel.shape[1] for mel in mels)
    return torch.stack([F.pad(mel, (0, n - mel.shape[1]), value=float(mel.max()) - MEL_FLOOR) for mel in mels])


class Audio(nn.Module):
    """Whisper and its CTC head."""

    def __init__(self, config: AudioConfig) -> None:
        super().__init__()
        self.config = config
        self.whisper = Whisper(
            ModelDimensions(
                n_mels=config.n_mels * config.n_stacked,
                n_audio_ctx=config.n_ctx,
                n_audio_state=config.d_model,
                n_audio_head=config.n_heads,
                n_audio_layer=config.n_layers,
                n_vocab=config.vocab_size,
                n_text_ctx=config.n_text_ctx,
                n_text_state=config.d_model,
                n_text_head=config.n_heads,
                n_text_layer=config.n_text_layers,
            )
        )
        # Only Whisper's word timestamps read this sparse buffer, and safetensors cannot hold it.
        del self.whisper.alignment_heads
        self.ctc = nn.Linear(config.d_model, len(config.ctc_ids) or config.vocab_size)
        # Whisper expects to be loaded: it leaves positions uninitialised and tokens at N(0, 1), too large for
        # a tied head.
        nn.init.normal_(self.whisper.decoder.positional_embedding, std=0.02)
        nn.init.normal_(self.whisper.decoder.token_embedding.weight, std=0.02)

    def encode(self, mel: Tensor) -> Tensor:
        """mel (B, n_mels, frames of 10 ms) -> states (B, T, d_model), T <= n_ctx positions of `position_s`.

        The same submodules as `Whisper.encoder`, whose forward asserts the full padded length: a short
        question would pay for 8 s. At the full length the two are equal.
        """
        encoder = self.whisper.encoder
        x = F.gelu(encoder.conv1(self.stack(mel)))
        x = F.gelu(encoder.conv2(x)).transpose(1, 2)
        if x.shape[1] > self.config.n_ctx:
            seconds = x.shape[1] * self.config.position_s
            raise ValueError(f"audio has {seconds:.2f} s, at most {self.config.max_seconds:.2f} s fit")
        x = x + encoder.positional_embedding[: x.shape[1]]
        for block in encoder.blocks:
            x = block(x)
        return encoder.ln_post(x)

    def stack(self, mel: Tensor) -> Tensor:
        """mel (B, n_mels, frames) -> (B, n_mels * n_stacked, frames // n_stacked): neighbours side by
        side."""
        n = self.config.n_stacked
        mel = mel[..., : mel.shape[-1] // n * n]
        return mel.unflatten(-1, (-1, n)).transpose(2, 3).flatten(1, 2)

    def decode(self, ids: Tensor, states: Tensor) -> Tensor:
        """Next-token logits (B, L, V) of Whisper's decoder for ids (B, L) that begin with bos."""
        return self.whisper.decoder(ids, states)

    @torch.no_grad()
    def hear(self, waveform: np.ndarray) -> HeardTokens:
        """Spoken words as soft tokens, greedy. `waveform` (n,) float32 mono at 16 kHz, at most `config.max_seconds`.

        Raises ValueError for a longer clip.
        """
        states = self._states(waveform)
        rows: list[Tensor] = []
        ids = [self.config.bos_id]
        if states is not None and self._shows_words(states):
            cache, hooks = self.whisper.install_kv_cache_hooks()
            try:
                while len(ids) < self.config.n_text_ctx and ids[-1] != self.config.eot_id:
                    last = torch.tensor([ids[-1:]], device=states.device)
                    logits = self.whisper.decoder(last, states, kv_cache=cache)
                    rows.append(logits[0, -1].float().softmax(-1))
                    ids.append(int(rows[-1].argmax()))
            finally:
                for hook in hooks:
                    hook.remove()
        ids = [id for id in ids[1:] if id != self.config.eot_id]
        if not ids:
            return HeardTokens(np.zeros((0, self.config.vocab_size), np.float32), [], 0.0)
        posteriors = torch.stack(rows[: len(ids)])
        sure = posteriors.gather(1, torch.tensor(ids, device=posteriors.device)[:, None])
        posteriors[:, [self.config.blank_id, self.config.bos_id, self.config.eot_id]] = 0
        posteriors /= posteriors.sum(1, keepdim=True)
        return HeardTokens(posteriors.cpu().numpy(), ids, float(sure.clamp(min=1e-9).log().mean().exp()))

    def _shows_words(self, states: Tensor) -> bool:
        blank = self.config.ctc_ids.index(self.config.blank_id) if self.config.ctc_ids else self.config.blank_id
        return float(1 - self.ctc(states)[0].float().softmax(-1)[:, blank].min()) > WORDS_SHOW

    def _states(self, waveform: np.ndarray) -> Tensor | None:
        """Encoder states (1, T, d_model), or None where there is nothing to hear."""
        if len(waveform) < MIN_SAMPLES or float(np.abs(waveform).max()) < SILENCE_PEAK:
            return None
        weight = self.ctc.weight
        wave, _ = settle(waveform, int(self.config.max_seconds * SAMPLE_RATE_HZ))
        return self.encode(log_mel(wave)[None].to(weight.device, weight.dtype))
