"""A small family for the tests of what stands above families: random weights, whole words, nothing to download.

It names what it should (every entry in a description, in an answer those whose label shares a word with the question)
and then goes on with random words until its limit. With a question that begins with "plan" it takes two passes.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from scenewright_server.families.ahead import Ahead
from scenewright_server.families.bundle import FAMILIES, MANIFEST
from scenewright_server.families.decoder import GPTDecoder
from scenewright_server.families.family import (
    SAMPLE_RATE_HZ,
    Encoder,
    FeatureError,
    FinishReason,
    Heard,
    Mention,
    ModelError,
    Outcome,
    Pass,
    Span,
    Spec,
    TextDelta,
    Turn,
)
from scenewright_server.model.config import GPTConfig
from scenewright_server.model.gpt import GPT
from scenewright_server.scene.content import digest
from scenewright_server.scene.entries import Detections, merge
from scenewright_server.scene.pointing import first_met

WORDS = "red blue green chair mug lamp big small old new soft round left right near far on by with and".split()
N_REFS, N_WORDS, SIDE, N_SEEN, D = 600, len(WORDS), 16, 2, 32
VALUES = {"colour": ("red", "blue", "green"), "kind": ("chair", "mug", "lamp", "book", "ball", "bed", "cone")}
NO_SPEECH_TEXT = "I did not hear a question."


def ids_of(text: str) -> tuple[int, ...]:
    """A token a word, known or not."""
    return tuple(zlib.crc32(word.encode()) % N_WORDS for word in text.lower().split())


@dataclass(frozen=True)
class FakeMemory:
    turns: tuple[tuple[Span, ...], ...] = ()

    @property
    def n_turns(self) -> int:
        return len(self.turns)

    @property
    def n_positions(self) -> int:
        return sum(len(span) for turn in self.turns for span in turn)


class FakeScript:
    """`forced`, `said` and `mask` make it its own constraint."""

    def __init__(self, family: FakeFamily, turn: Turn, memory: FakeMemory) -> None:
        question = turn.question
        text = question.text if isinstance(question, Heard) else question
        self.entries = merge(turn.detections, turn.graph)
        self.said: list[int] = []
        self.confidence = 0.5
        self._before, self._text, self._complete = memory, text, False
        self._silent = text == ""
        words = None if text is None else set(text.split())
        named = [k for k in range(len(self.entries)) if words is None or words & set(self._name(k).split())]
        if words and "this" in words and turn.ray is not None:
            met = first_met(turn.ray, self.entries)
            named = [] if met is None else [met]
        self._forced = [N_WORDS + k for k in named]
        key = digest((turn.detections, turn.graph))
        n, generator = 1 + len(self.entries), torch.Generator().manual_seed(zlib.crc32(key))
        kind = "audio" if isinstance(question, Heard) else "text"
        asked = ids_of(f"{turn.instructions} {turn.language} {text or 'describe'}")
        n_seen = sum(entry.graph is None for entry in self.entries)
        counts = (("image", n_seen), ("scene", n - n_seen))
        scene = Span(torch.randn(n, D, generator=generator), counts, key, is_whole=True)
        self._prompt = Span(asked, ((kind, len(asked)),))
        past, room = list(memory.turns), family.decoder.shape.n_ctx - n - len(asked)
        if room <= 0:
            raise ModelError(
                "CONTEXT_FULL", f"the context holds {room + n + len(asked)} positions, received {n}", bound=n
            )
        while past and sum(len(span) for turn in past for span in turn) + turn.max_new_tokens > room:
            past.pop(0)
        self._past = tuple(past)
        spans = (scene, *(span for turn in past for span in turn), self._prompt)
        self._pass = Pass(spans, min(turn.max_new_tokens, room), self)
        self._planning = bool(text) and text.startswith("plan")

    def _name(self, k: int) -> str:
        graph = self.entries[k].graph
        return graph.label if graph else "something"

    @property
    def forced(self) -> list[int]:
        return [] if self._planning else self._forced

    def mask(self, logits: torch.Tensor) -> torch.Tensor:
        return logits.index_fill(0, torch.arange(N_WORDS, len(logits)), float("-inf"))

    def ahead(self) -> Ahead:
        return Ahead(self._pass.spans[:-1], self._before)

    def begin(self) -> Outcome:
        if self._silent:
            return Outcome((TextDelta(NO_SPEECH_TEXT),), over=FinishReason.NO_SPEECH)
        return Outcome(next=replace(self._pass, adapter="plan") if self._planning else self._pass)

    def take(self, token: int, probability: float) -> Outcome:
        if self._planning:  # three words of a plan, which are not for the user
            self.said.append(token)
            if len(self.said) < 3:
                return Outcome()
            self._planning, plan, self.said = False, tuple(self.said), []
            return Outcome(next=replace(self._pass, spans=(*self._pass.spans, Span(plan, (("text", len(plan)),)))))
        self.said.append(token)
        if token < N_WORDS:
            return Outcome((TextDelta(("" if len(self.said) == 1 else " ") + WORDS[token]),))
        k = self._forced.pop(0) - N_WORDS
        name = self._name(k)
        return Outcome((TextDelta(f"the {name}"), Mention(k, name, 0.8, self.entries[k], len(name)), TextDelta(" ")))

    def finish(self) -> list[TextDelta]:
        self._complete = True
        return []

    def memory(self, n_chars: int | None = None) -> FakeMemory:
        kept = self.said if self._complete and n_chars is None else self.said[: (n_chars or 0) // 5]
        if self._silent or not kept:
            return self._before
        answer = tuple(kept)
        return FakeMemory((*self._past, (self._prompt, Span(answer, (("past", len(answer)),)))))


class FakeCodec:
    encoder = Encoder("tiny/fake", "mean", "The mean colour.", 8 + sum(map(len, VALUES.values())), 13)

    def pack(self, detections: Detections, embedding: np.ndarray, aspect: float) -> np.ndarray:
        rows = np.zeros((1 + len(detections), self.encoder.n_columns), np.float32)
        rows[0, : 1 + len(embedding)] = [aspect, *embedding]
        columns = [detections.scores, detections.depth, detections.height, detections.raised]
        rows[1:] = np.hstack([detections.boxes, np.stack(columns, 1), *detections.attributes.values()])
        return rows

    def aspect(self, rows: np.ndarray) -> float:
        return float(rows[0, 0])

    def unpack(self, rows: np.ndarray) -> tuple[Detections, np.ndarray]:
        boxes, scores, depth, height, raised, *looks = np.split(rows[1:], [4, 5, 6, 7, 8, 11], axis=1)
        if boxes.size and not 0 <= boxes.min() <= boxes.max() <= 1:
            raise FeatureError("a box out of range", "0 to 1")
        columns = (x[:, 0] for x in (scores, depth))
        looks = dict(zip(VALUES, looks, strict=True))
        return Detections(boxes, *columns, looks, height[:, 0], raised[:, 0]), rows[0, 1:9]


class FakeAudioCodec:
    encoder = Encoder("tiny/words", "none", "The number of words, and how sure they are.", 2, 1)

    def pack(self, heard: Heard) -> np.ndarray:
        return np.array([[len(heard.text.split()), heard.confidence]], np.float32)

    def unpack(self, rows: np.ndarray) -> Heard:
        n, confidence = rows[0]
        if not (0 <= n <= 20 and 0 <= confidence <= 1):
            raise FeatureError("out of range", "0 to 20 words, confidence in 0 to 1")
        return heard_words(int(n), float(confidence))


def heard_words(n: int, confidence: float) -> Heard:
    return Heard(" ".join((["red", "chair"] * n)[:n]), confidence if n else 0.0)


class FakeEmbedder:
    dimension, scale, max_tokens = 8, 2.0, 11

    def n_tokens(self, text: str) -> int:
        return len(text) + 1

    def embed_image(self, frame: np.ndarray) -> np.ndarray:
        return self._unit(digest(frame))

    def embed_text(self, texts: list[str]) -> np.ndarray:
        return np.stack([self._unit(text.encode()) for text in texts])

    def _unit(self, key: bytes) -> np.ndarray:
        x = np.random.default_rng(list(key)).normal(size=self.dimension).astype(np.float32)
        return x / np.linalg.norm(x)


class FakeFamily:
    """See `families.family.Family`."""

    writer = None
    variants = ()

    def __init__(self, name: str = "tiny", capabilities: tuple[str, ...] | None = None, n_ctx: int = 768) -> None:
        able = "describe ask voice scene_graph transcribe embed_image embed_text instructions".split()
        fusion = {"scene_graph": "soft"} if capabilities else {"image": "soft", "audio": "soft", "scene_graph": "soft"}
        self.spec = Spec(
            name, "0", "ab" * 32, "random", 0, frozenset(capabilities or able), ("en",), ("en",), fusion,
            "nothing", "everything", "CC0-1.0", max_audio_s=3.0, max_objects=512, n_frames_at_once=4,
        )  # fmt: skip
        torch.manual_seed(0)
        config = GPTConfig(
            vocab_size=N_WORDS + N_REFS,
            n_ctx=n_ctx,
            d_model=D,
            n_layers=2,
            n_heads=4,
            n_kv_heads=2,
            d_ff=48,
            embed_scale=1.0,
        )
        self.gpt = GPT(config).eval().requires_grad_(False)
        for parameter in self.gpt.parameters():
            if parameter.dim() == 2:
                parameter.mul_(15)
        for block in self.gpt.blocks:
            block.attention.out.weight.mul_(5)  # so that every position matters to the next token
        self.decoder = GPTDecoder(self.gpt, {"plan": self.gpt})
        self.embedder, self.codec, self.audio_codec = FakeEmbedder(), FakeCodec(), FakeAudioCodec()
        self.n_seen: list[int] = []  # frames, in each call of `see`
        self.n_heard = 0

    def fit(self, frame: np.ndarray) -> np.ndarray:
        rows, columns = (np.linspace(0, size - 1, SIDE).astype(int) for size in frame.shape[:2])
        return frame[rows][:, columns]

    def see(self, frames: list[np.ndarray]) -> list[Detections]:
        self.n_seen.append(len(frames))
        return [self._see(frame) for frame in frames]

    def _see(self, frame: np.ndarray) -> Detections:
        rng = np.random.default_rng(list(digest(frame)))
        corner = rng.uniform(0.1, 0.5, (N_SEEN, 2))
        columns = (rng.uniform(0.4, 1, N_SEEN) for _ in range(4))
        scores, depth, height, raised = (column.astype(np.float32) for column in columns)
        looks = {name: rng.dirichlet(np.ones(len(v)), N_SEEN).astype(np.float32) for name, v in VALUES.items()}
        boxes = np.hstack([corner, corner + 0.3]).astype(np.float32)
        return Detections(boxes, scores, depth + 1, looks, height, raised)

    def hear(self, clip: np.ndarray) -> Heard:
        """ "red chair", said over and over, two words a second."""
        self.n_heard += 1
        n = 0 if np.abs(clip).max(initial=0) < 1e-3 else 1 + int(2 * len(clip) / SAMPLE_RATE_HZ)
        return heard_words(n, 0.75)

    def read(self, text: str) -> str:
        return "".join(c for c in text if c.isalnum())

    def fault(self, label: str) -> tuple[str, str] | None:
        return ("a dragon", "a thing that there is") if label == "dragon" else None

    def past(self, history: list[tuple[str, str]]) -> FakeMemory:
        spans = [[Span(ids_of(text), (("past", len(ids_of(text))),)) for text in turn if text] for turn in history]
        return FakeMemory(tuple(map(tuple, spans)))

    def open(self, turn: Turn, memory: FakeMemory | None = None) -> FakeScript:
        return FakeScript(self, turn, memory or FakeMemory())

    def warm(self, turn: Turn, memory: FakeMemory | None = None) -> Ahead:
        return FakeScript(self, turn, memory or FakeMemory()).ahead()


def write_bundle(path: Path, **fields: object) -> Path:
    """A bundle of this family: `fields` are FakeFamily's arguments."""
    path.mkdir(parents=True, exist_ok=True)
    (path / MANIFEST).write_text(json.dumps({"format": 1, "family": "fake", "fields": fields}))
    return path


def _load(path: Path, device: torch.device, dtype: torch.dtype) -> FakeFamily:
    return FakeFamily(**json.loads((path / MANIFEST).read_text())["fields"])


FAMILIES["fake"] = _load
