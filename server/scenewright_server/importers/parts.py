"""What an import hands on: parts of a bundle, each checked in itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from torch import Tensor

from scenewright_server.families.chat.endpoint import EndpointConfig
from scenewright_server.families.chat.storage import PLANNER_FORMAT
from scenewright_server.importers.refusal import ImportRefused
from scenewright_server.model.clip import ClipConfig
from scenewright_server.model.config import GPTConfig
from scenewright_server.model.detector import DetectorConfig
from scenewright_server.model.whisper import WhisperConfig


@dataclass(frozen=True)
class LanguagePart:
    """A language model: GPT(config) takes `state`, and `tokenizer` has the ids that it was trained on."""

    config: GPTConfig
    state: dict[str, Tensor]  # in the types that the checkpoint has
    tokenizer: bytes  # a tokenizer.json of the `tokenizers` library
    chat_template: str | None  # Jinja, as transformers reads it; None: a base model
    bos: int | None  # the id that begins a text, where there is one
    stops: tuple[int, ...]  # the ids that end an answer


@dataclass(frozen=True)
class EndpointPart:
    """A language model that lives elsewhere, with so many positions of context."""

    config: EndpointConfig
    n_context: int


@dataclass(frozen=True)
class PlannerPart:
    """A planner's adapter for a language model: pairs "N.A" (rank, in), "N.B" (out, rank) of its linear layers N."""

    state: dict[str, Tensor]
    rank: int
    languages: tuple[str, ...]  # that it was trained on
    sure: tuple[float, ...] = ()  # the two scores of `families.chat.storage.SURE`, where it has its own

    @property
    def told(self) -> dict[str, Any]:
        """What a bundle's `model.json` tells of it."""
        told: dict[str, Any] = {"format": PLANNER_FORMAT, "rank": self.rank, "languages": self.languages}
        return told | ({"sure": self.sure} if self.sure else {})


@dataclass(frozen=True)
class WhisperPart:
    """An ear: build_whisper(config) takes `state`. Its tokenizer comes with openai-whisper, by `config.n_vocab`."""

    config: WhisperConfig
    state: dict[str, Tensor]  # in the types that the checkpoint has


@dataclass(frozen=True)
class DetectorPart:
    """An eye: Detector(config) takes `state`."""

    config: DetectorConfig
    state: dict[str, Tensor]  # in the types that the checkpoint has


@dataclass(frozen=True)
class ClipPart:
    """Images and texts in one space: Clip(config) takes `state`."""

    config: ClipConfig
    state: dict[str, Tensor]  # in the types that the checkpoint has


def check_tokenizer(file: Path | str, data: bytes, n_vocab: int) -> Tokenizer:
    """The tokenizer in a tokenizer.json. Raises ImportRefused unless it loads and its ids are below `n_vocab`."""
    try:
        tokenizer = Tokenizer.from_buffer(data)
    except Exception as error:  # the library raises plain Exception for whatever it cannot read
        raise ImportRefused(file, "content", "a tokenizer.json", error) from None
    largest = max(tokenizer.get_vocab(with_added_tokens=True).values(), default=-1)
    if not 0 <= largest < n_vocab:
        raise ImportRefused(file, "largest token id", f"0 to {n_vocab - 1}, the model's vocabulary", largest)
    return tokenizer


def check_ids(file: Path | str, key: str, ids: tuple[int, ...], n_vocab: int) -> tuple[int, ...]:
    """Token ids, each once and in order. Raises ImportRefused for one that is not in the vocabulary."""
    for token in ids:
        if isinstance(token, bool) or not isinstance(token, int) or not 0 <= token < n_vocab:
            raise ImportRefused(file, key, f"token ids from 0 to {n_vocab - 1}", repr(token))
    return tuple(sorted(set(ids)))
