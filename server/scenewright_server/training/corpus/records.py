"""What is prepared, a text, a dialogue or a planned question, and what tells one from another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from scenewright_server.training.corpus.duplicates import digest
from scenewright_server.training.dialogues import Dialogue, Exchange, PlannedLine


class PrepareError(ValueError):
    """Documents that cannot be prepared; the message names the file or option, what was expected and what was found."""


@dataclass(frozen=True)
class Text:
    """A document of words alone."""

    text: str


Record = Text | Dialogue | PlannedLine
KIND = {Text: "text", Dialogue: "dialogue", PlannedLine: "plan"}


def kind_of(record: Record) -> str:
    """As `training.shards` names it."""
    return KIND[type(record)]


def words_of(record: Record) -> str:
    """All that is said in it: its language is that of this, and what is alike in this is alike."""
    if isinstance(record, Text):
        return record.text
    if isinstance(record, PlannedLine):
        return record.question
    return "\n".join(text for exchange in record.exchanges for text in exchange)


def place_of(record: Record) -> str:
    """Only records of one place can say the same: texts; dialogues about one scene under the same instructions;
    questions about one scene that follow the same turns and have the same plan."""
    kind = kind_of(record)
    if isinstance(record, Text):
        return kind
    more = (record.instructions,) if isinstance(record, Dialogue) else (record.plan, repr(record.before))
    return digest(kind, repr(record.graph), *more)


def identity_of(record: Record) -> str:
    """The sha256 of all that a record says: of equal ones one is kept."""
    said = repr(record.exchanges) if isinstance(record, Dialogue) else words_of(record)
    return digest(place_of(record), said)


def scene_of(record: Record) -> str:
    """A key of the scene that it is about, "" for none: the same while the same things are there, wherever they stand
    and whatever is told of them."""
    if isinstance(record, Text) or not record.graph:
        return ""
    return digest("scene", *sorted(f"{item.id}\n{item.label}" for item in record.graph))[:16]


def tidied(record: Dialogue | PlannedLine, tidy: Callable[[str], str]) -> Dialogue | PlannedLine:
    """The same with all that is said in it cleaned."""

    def each(exchanges: tuple[Exchange, ...]) -> tuple[Exchange, ...]:
        return tuple((tidy(question), tidy(answer)) for question, answer in exchanges)

    if isinstance(record, Dialogue):
        return replace(record, exchanges=each(record.exchanges), instructions=tidy(record.instructions))
    return replace(record, question=tidy(record.question), before=each(record.before))
