"""Listening with Whisper: words, or nothing where nobody speaks.

Decoding is openai-whisper's, greedy and without time stamps, with its vocabulary. Whisper writes fluent sentences about
silence and noise too; the rules that tell these apart are those of Radford et al. 2022, 4.5, a little stricter.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from whisper.audio import N_SAMPLES, log_mel_spectrogram, pad_or_trim
from whisper.decoding import DecodingOptions, decode, detect_language
from whisper.model import Whisper
from whisper.tokenizer import get_tokenizer

from scenewright_server.families.family import SAMPLE_RATE_HZ, Heard, ModelError

MAX_AUDIO_S = N_SAMPLES / SAMPLE_RATE_HZ
MIN_AUDIO_S = 0.1  # Whisper's window is 25 ms, and no word is shorter than this
SILENT = 1e-3  # amplitude
NO_SPEECH = 0.6  # probability above which only sure words count
SURE, DOUBTFUL = -0.4, -1.5  # mean log probability of a token: above, words are sure; below, they are nobody's
LOOPS = 2.4  # characters for a byte of zlib: above, the same is said over and over
N_TOKENS_S, N_TOKENS_MORE = 12, 8  # that one may say in so many seconds; a loop ends there


def is_said(text: str, no_speech: float, log_probability: float, compression: float) -> bool:
    """Whether somebody said these words, by the probability of no speech, the mean log probability of a token, and
    the text's characters for a byte of zlib."""
    is_nobody = no_speech > NO_SPEECH and log_probability < SURE
    is_loop = compression > LOOPS
    return any(map(str.isalnum, text)) and not is_nobody and not is_loop and log_probability >= DOUBTFUL


class Hearing:
    """Hears `languages` (BCP 47) alone, the first where it cannot tell."""

    def __init__(self, whisper: Whisper, languages: Sequence[str]) -> None:
        self._whisper = whisper
        self._languages = [language.split("-")[0] for language in languages] or ["en"]

    @torch.inference_mode()
    def hear(self, clip: np.ndarray) -> Heard:
        """The words of (n,) float32 mono at SAMPLE_RATE_HZ. Raises ModelError AUDIO_TOO_LONG."""
        n_s = len(clip) / SAMPLE_RATE_HZ
        if n_s > MAX_AUDIO_S:
            raise ModelError(
                "AUDIO_TOO_LONG", f"audio lasts {n_s:.2f} s, the model hears {MAX_AUDIO_S:.2f} s",
                field="audio", value=n_s, bound=MAX_AUDIO_S,
            )  # fmt: skip
        if n_s < MIN_AUDIO_S or np.abs(clip).max(initial=0.0) < SILENT:
            return Heard("", 0.0)
        whisper = self._whisper
        device = whisper.device
        samples = pad_or_trim(torch.from_numpy(np.ascontiguousarray(clip, np.float32)))
        mel = log_mel_spectrogram(samples, whisper.dims.n_mels).to(device)
        features = whisper.encoder(mel[None])
        result = decode(
            whisper,
            features[0],
            DecodingOptions(
                language=self._detect(features), without_timestamps=True, fp16=False,
                sample_len=min(int(n_s * N_TOKENS_S) + N_TOKENS_MORE, whisper.dims.n_text_ctx // 2),
            ),
        )  # fmt: skip
        text = " ".join(result.text.split())
        if not is_said(text, result.no_speech_prob, result.avg_logprob, result.compression_ratio):
            return Heard("", 0.0)
        return Heard(text, math.exp(result.avg_logprob))

    def _detect(self, features: torch.Tensor) -> str:
        if not self._whisper.is_multilingual:
            return "en"
        if len(self._languages) == 1:
            return self._languages[0]
        tokenizer = get_tokenizer(True, num_languages=self._whisper.num_languages)
        _, probabilities = detect_language(self._whisper, features, tokenizer)
        return max(self._languages, key=lambda language: probabilities[0].get(language, 0.0))
