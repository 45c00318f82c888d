"""Compares imported weights with the library that they come from: `python -m scenewright_server.bench.parity PATH...`

PATH is a GGUF file or a directory of transformers with a language model (reference: transformers), or a directory of
CTranslate2 with Whisper (reference: ctranslate2). Prints a table and one line at the end; exits 1 if a row fails.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor
from whisper.audio import log_mel_spectrogram, pad_or_trim
from whisper.tokenizer import get_tokenizer

from scenewright_server.importers.gguf import read_gguf
from scenewright_server.importers.hf import read_hf
from scenewright_server.importers.whisper import read_whisper
from scenewright_server.model.gpt import GPT
from scenewright_server.model.whisper import build_whisper
from scenewright_server.simulator.speech import speak

TEXT = "The guide points at the blue vase on the table: 它是明朝的, about 600 years old, and it costs $1,250.50. " * 4
CLIPS = (
    "The red mug is on the left of the table.",
    "Where is the nearest chair?",
    "How many plates can you see in this room?",
    "The lamp costs forty two dollars.",
    "Please describe the painting on the wall.",
)
N_TOKENS = 128
N_GREEDY = 24


class Row(NamedTuple):
    """One comparison: it holds when `found` is at most `bound`."""

    name: str
    what: str
    found: float
    bound: float

    @property
    def holds(self) -> bool:
        return self.found <= self.bound  # not for nan


@torch.inference_mode()
def compare_language(path: Path) -> list[Row]:
    """Logits over a text, and greedy tokens after it, in float32, against transformers."""
    import transformers  # here, since it belongs to the dev extra

    whole = path.is_file()
    part = read_gguf(path) if whole else read_hf(path)
    ours = GPT.of(part.config, part.state)
    place = {"gguf_file": path.name} if whole else {}
    directory = path.parent if whole else path
    theirs = transformers.AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32, **place).eval()
    n = min(N_TOKENS, part.config.n_ctx - N_GREEDY)
    ids = torch.tensor([Tokenizer.from_buffer(part.tokenizer).encode(TEXT).ids[:n]])
    error = (ours.logits(ours(ours.embed(ids))) - theirs(ids).logits).abs().max()
    said = theirs.generate(
        ids, attention_mask=torch.ones_like(ids), max_new_tokens=N_GREEDY, do_sample=False, eos_token_id=None,
        repetition_penalty=1.0,
    )[0, ids.shape[1] :]  # fmt: skip
    unlike = _unlike(_continue(ours, ids).tolist(), said.tolist())
    return [
        Row(path.name, f"logits of {ids.shape[1]} tokens, largest error", float(error), 1e-4),
        Row(path.name, f"of {N_GREEDY} greedy tokens, unlike", unlike, 0),
    ]


def _continue(gpt: GPT, ids: Tensor) -> Tensor:
    for _ in range(N_GREEDY):
        ids = torch.cat([ids, gpt.logits(gpt(gpt.embed(ids))[:, -1:]).argmax(-1)], 1)
    return ids[0, -N_GREEDY:]


def _unlike(ours: list[int], theirs: list[int]) -> int:
    """How many places differ, the length's included."""
    return sum(a != b for a, b in zip(ours, theirs, strict=False)) + abs(len(ours) - len(theirs))


@torch.inference_mode()
def compare_whisper(directory: Path) -> list[Row]:
    """The encoder's features, and the greedy words of synthetic clips, against ctranslate2."""
    import ctranslate2  # here, since it belongs to the dev extra

    part = read_whisper(directory)
    ours = build_whisper(part.config).eval()
    ours.load_state_dict(part.state)
    theirs: Any = ctranslate2.models.Whisper(str(directory), device="cpu", compute_type="float32", intra_threads=1)
    tokens = get_tokenizer(part.config.n_vocab >= 51865, language="en", task="transcribe")
    prompt, error, unlike = list(tokens.sot_sequence_including_notimestamps), 0.0, 0
    for text in CLIPS:
        mel = log_mel_spectrogram(pad_or_trim(torch.from_numpy(speak(text))), part.config.n_mels)[None]
        heard = ctranslate2.StorageView.from_array(mel.numpy())
        features = ours.encoder(mel)
        expected = np.array(theirs.encode(heard, to_cpu=True))
        error = max(error, float(np.abs(features.numpy() - expected).max() / expected.std()))
        words = theirs.generate(
            heard, [prompt], beam_size=1, max_length=80, suppress_blank=False, suppress_tokens=[]
        )[0].sequences_ids[0]  # fmt: skip
        ids = list(prompt)
        while len(ids) < 80 and ids[-1] != tokens.eot:
            ids.append(int(ours.decoder(torch.tensor([ids]), features)[0, -1].argmax()))
        unlike += _unlike([token for token in ids[len(prompt) :] if token != tokens.eot], words) > 0
    return [
        Row(directory.name, "features, largest error in standard deviations", error, 5e-3),
        Row(directory.name, f"of {len(CLIPS)} clips, with other words", unlike, 0),
    ]


def report(rows: list[Row]) -> int:
    """Prints the table and the summary; the exit status."""
    for row in rows:
        print(
            f"{row.name:32} {row.what:48} {row.found:10.2g} (at most {row.bound:g}) {'ok' if row.holds else 'FAILED'}"
        )
    failed = sum(not row.holds for row in rows)
    print(f"parity: {len(rows)} rows, {failed} failed")
    return int(failed > 0 or not rows)


def main() -> int:
    torch.set_num_threads(1)
    rows: list[Row] = []
    for path in map(Path, sys.argv[1:]):
        rows += compare_whisper(path) if (path / "model.bin").is_file() else compare_language(path)
    return report(rows)


if __name__ == "__main__":
    sys.exit(main())
