"""Compares imported weights with the library that they come from: `python -m scenewright_server.bench.parity [PATH...]`

PATH is a GGUF file or a directory of transformers with a language model (reference: transformers), a directory of
CTranslate2 with Whisper (ctranslate2), a directory of open_clip (open_clip), or a nanodet.json (TensorFlow.js in node,
which npm fetches into the user's cache). Without a path: all that was pulled. Prints a table, what was left out, and
one line at the end; exits 1 if a row fails or there is none.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image
from tokenizers import Tokenizer
from torch import Tensor
from whisper.audio import log_mel_spectrogram, pad_or_trim
from whisper.tokenizer import Tokenizer as Tokens
from whisper.tokenizer import get_tokenizer

from scenewright_server.families.bundle import user_cache
from scenewright_server.importers.catalogue import read_catalogue
from scenewright_server.importers.clip import CONFIG, read_clip
from scenewright_server.importers.gguf import read_gguf
from scenewright_server.importers.hf import read_hf
from scenewright_server.importers.nanodet import read_nanodet
from scenewright_server.importers.pull import has_part, part_of
from scenewright_server.importers.whisper import read_whisper
from scenewright_server.model.clip import Clip
from scenewright_server.model.detector import Boxes, Detector, choose, prepare
from scenewright_server.model.gpt import GPT
from scenewright_server.model.whisper import build_whisper
from scenewright_server.scene.entries import iou
from scenewright_server.simulator.speech import speak

TEXT = "The guide points at the blue vase on the table: 它是明朝的, about 600 years old, and it costs $1,250.50. " * 4
CLIPS = (
    "The red mug is on the left of the table.",
    "Where is the nearest chair?",
    "How many plates can you see in this room?",
    "The lamp costs forty two dollars.",
    "Please describe the painting on the wall.",
)
PHOTOS = tuple(Path("examples/photos") / f"{name}.jpg" for name in ("cat", "coffee", "sheep"))
TFJS = tuple(f"@tensorflow/tfjs-{part}@4.22.0" for part in ("core", "converter", "backend-wasm"))
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
    tokens = get_tokenizer(part.config.n_vocab >= 51865, language="en", task="transcribe")
    with tempfile.TemporaryDirectory() as scratch:
        (Path(scratch) / "model.bin").symlink_to((directory / "model.bin").resolve())
        (Path(scratch) / "vocabulary.json").write_text(json.dumps(_vocabulary(tokens, part.config.n_vocab)))
        theirs: Any = ctranslate2.models.Whisper(scratch, device="cpu", compute_type="float32", intra_threads=1)
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


def _vocabulary(tokens: Tokens, n_vocab: int) -> list[str]:
    """Names of the ids, as ctranslate2 wants them beside a model; it looks up those of the control tokens."""
    names = [f"<{i}>" for i in range(n_vocab)]
    for name, i in tokens.special_tokens.items():
        names[i] = name
    return names


@torch.inference_mode()
def compare_clip(directory: Path) -> list[Row]:
    """Embeddings of photographs and of texts, against open_clip."""
    import open_clip

    part = read_clip(directory)
    ours = Clip(part.config)
    ours.load_state_dict(part.state)
    ours.float().eval()
    theirs, _, prepare_theirs = open_clip.create_model_and_transforms(f"local-dir:{directory}")
    images = [Image.open(path) for path in PHOTOS]
    pixels = torch.stack([prepare_theirs(image) for image in images])
    error = ours.embed_images(images) - theirs.eval().encode_image(pixels, normalize=True)
    words = ours.embed_texts(CLIPS) - theirs.encode_text(ours.tokenizer(list(CLIPS)), normalize=True)
    return [
        Row(directory.name, f"embeddings of {len(images)} pictures, largest error", float(error.abs().max()), 1e-5),
        Row(directory.name, f"embeddings of {len(CLIPS)} texts, largest error", float(words.abs().max()), 1e-5),
    ]


@torch.inference_mode()
def compare_detector(path: Path) -> list[Row]:
    """Boxes in photographs, against the graph that the file holds, run by TensorFlow.js. Raises Missing."""
    part = read_nanodet(path)
    detector = Detector(part.config)
    detector.load_state_dict(part.state)
    detector.float().eval()
    images = [Image.open(photo) for photo in PHOTOS]
    prepared = torch.stack([prepare(image, part.config) for image in images])
    probabilities, distances = detector(prepared)
    error, unlike, least = 0.0, 0, 1.0
    for i, (theirs_p, theirs_d) in enumerate(_run_tfjs(path, prepared)):
        error = max(error, float((probabilities[i] - theirs_p).abs().max()))
        ours = choose(probabilities[i], distances[i], images[i].size, part.config)
        theirs = choose(theirs_p, theirs_d.view_as(distances[i]), images[i].size, part.config)
        unlike += _unlike(ours.classes.tolist(), theirs.classes.tolist())
        least = min([least, *_overlaps(ours, theirs)])
    return [
        Row(path.parent.name, "probabilities, largest error", error, 1e-4),
        Row(path.parent.name, f"boxes in {len(images)} photographs, of another kind", unlike, 0),
        Row(path.parent.name, "1 - IoU of two boxes, largest", 1 - least, 0.05),
    ]


class Missing(Exception):
    """A reference cannot be had; the message says why."""


def _run_tfjs(path: Path, inputs: Tensor) -> list[tuple[Tensor, Tensor]]:
    """For each input (3, size, size) NanoDet's probabilities (N, n_labels) and distances (N, 4 n_bins)."""
    modules = user_cache() / "tfjs"
    if not (modules / "node_modules").is_dir():
        _call("npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(modules), *TFJS)
    with tempfile.TemporaryDirectory() as scratch:
        sent, got = Path(scratch, "in"), Path(scratch, "out")
        sent.write_bytes(inputs.numpy().tobytes())
        _call("node", str(Path(__file__).with_name("run_tfjs.cjs")), str(modules), str(path), str(sent), str(got))
        shapes = [shape[1:] for shape in json.loads(Path(f"{got}.json").read_text())]
        numbers = torch.from_numpy(np.fromfile(got, np.float32)).reshape(len(inputs), -1)
    sizes = [int(np.prod(shape)) for shape in shapes]
    outputs = [
        [part.reshape(shape) for part, shape in zip(row.split(sizes), shapes, strict=True)] for row in numbers
    ]  # per input: probabilities at three strides, then distances
    return [(torch.cat(parts[:3]), torch.cat(parts[3:])) for parts in outputs]


def _call(program: str, *arguments: str) -> None:
    """Runs a program. Raises Missing where it is not there or fails."""
    if shutil.which(program) is None:
        raise Missing(f"{program} is not installed")
    ended = subprocess.run([program, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if ended.returncode:
        raise Missing(f"{program} {arguments[0]}: {(ended.stderr.strip().splitlines() or ['no word'])[-1][:200]}")


def _overlaps(ours: Boxes, theirs: Boxes) -> list[float]:
    return [iou(a, b) for a, b in zip(ours.corners.tolist(), theirs.corners.tolist(), strict=False)]


COMPARISONS = {
    "gguf": compare_language, "hf": compare_language, "whisper": compare_whisper, "clip": compare_clip,
    "nanodet": compare_detector,
}  # fmt: skip


def _format(path: Path) -> str:
    if path.is_file():
        return "nanodet" if path.suffix == ".json" else "gguf"
    return "whisper" if (path / "model.bin").is_file() else "clip" if (path / CONFIG).is_file() else "hf"


def report(rows: list[Row], left_out: Sequence[str] = ()) -> int:
    """Prints the table, what was left out and the summary; the exit status."""
    for row in rows:
        print(
            f"{row.name:32} {row.what:48} {row.found:10.2g} (at most {row.bound:g}) {'ok' if row.holds else 'FAILED'}"
        )
    for line in left_out:
        print(f"not compared: {line}")
    failed = sum(not row.holds for row in rows)
    print(f"parity: {len(rows)} rows, {failed} failed, {len(left_out)} not compared")
    return int(failed > 0 or not rows)


def main() -> int:
    torch.set_num_threads(1)
    rows, left_out = list[Row](), list[str]()
    wanted = [(path.name, _format(path), path) for path in map(Path, sys.argv[1:])]
    if not wanted:
        for part in read_catalogue().parts.values():
            if has_part(part, user_cache()):
                wanted.append((part.name, part.format, part_of(part, user_cache())))
            else:
                left_out.append(f"{part.name} is not here: scenewright pull {part.name}")
    for name, format, path in wanted:
        print(f"comparing {name} ...", file=sys.stderr)
        try:
            rows += COMPARISONS[format](path)
        except Missing as error:
            left_out.append(f"{name}: {error}")
    return report(rows, left_out)


if __name__ == "__main__":
    sys.exit(main())
