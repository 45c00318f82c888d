"""Records as the ids that a chat bundle's model reads, and which of them it learns to say."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from scenewright_server.families.bundle import MANIFEST, BundleError, check_file, load_family, read_manifest
from scenewright_server.families.chat.chat import Chat
from scenewright_server.families.chat.storage import FAMILY, TOKENIZER
from scenewright_server.families.chat.tokenizer import ChatTokenizer
from scenewright_server.training.corpus.records import PrepareError, Record, Text
from scenewright_server.training.examples import examples_of


@dataclass(frozen=True)
class Encoded:
    """ids, and for each whether it is learnt."""

    ids: tuple[int, ...]
    learnt: tuple[bool, ...]


class Encoder:
    """Of the chat bundle at `path`; `sha256`: of its tokenizer.json. The weights are loaded for the first dialogue or
    plan, whose prompts the family itself writes; a text needs the tokenizer alone.

    Raises BundleError for a directory that is no bundle, PrepareError for one without a decoder of its own to train.
    """

    def __init__(self, path: Path) -> None:
        manifest = read_manifest(path)
        if manifest["family"] != FAMILY or "decoder" not in manifest:
            found = manifest["family"] if manifest["family"] != FAMILY else "one whose decoder is elsewhere"
            raise PrepareError(f"{path / MANIFEST}: family: expected a {FAMILY} bundle with a decoder, found {found}")
        try:
            self.sha256, stops = str(manifest["files"][TOKENIZER]), list(manifest["decoder"]["stops"])
        except (KeyError, TypeError) as error:
            raise BundleError(f"{path / MANIFEST} does not fit this version: {error}") from error
        check_file(path / TOKENIZER, self.sha256)
        self.tokenizer = ChatTokenizer((path / TOKENIZER).read_bytes())
        self._path, self._stops = path, stops

    @cached_property
    def family(self) -> Chat:
        """The whole model."""
        family = load_family(self._path)
        assert isinstance(family, Chat)
        return family

    def encode(self, record: Record) -> list[Encoded]:
        """A text as `generate` reads one, and what ends it; a dialogue as an example for each answer, a plan as one.
        Raises LineError for one that takes more than the model's context."""
        if isinstance(record, Text):
            opening = self.tokenizer.opening
            ids = (*opening, *self.tokenizer.encode(record.text), *sorted(self._stops)[:1])
            n_given = max(len(opening), 1)  # nothing foretells the first
            return [Encoded(ids, (*[False] * n_given, *[True] * (len(ids) - n_given)))]
        return [
            Encoded(
                (*example.prompt, *example.answer),
                (*[False] * len(example.prompt), *[True] * len(example.answer)),
            )
            for example in examples_of(self.family, record, self.family.n_ctx)
        ]
