"""What a chat model's adapter learns from: prompts as the family writes them when it serves, and their answers."""

from __future__ import annotations

import random
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

from scenewright_server.families.chat.chat import Chat
from scenewright_server.families.chat.memory import ChatMemory
from scenewright_server.families.chat.planned import PlannedScript
from scenewright_server.families.family import ModelError, Outcome, Pass, Turn
from scenewright_server.training.dialogues import Dialogue, Line, LineError
from scenewright_server.training.packing import IGNORED, Batch, Row, collate
from scenewright_server.training.shards import Shards


@dataclass(frozen=True)
class Example:
    """prompt: all ids up to where the model is to speak; answer: those that it learns to say, its end included.
    `group`: equal for examples whose prompts begin alike."""

    prompt: tuple[int, ...]
    answer: tuple[int, ...]
    group: Hashable = None


def examples_of(family: Chat, line: Line, length: int) -> list[Example]:
    """An example for each answer of a dialogue, or the one of a plan. Raises LineError for one that takes more than
    `length` positions, or that the family refuses."""
    made: list[Example] = []
    try:
        if isinstance(line, Dialogue):
            for n, (question, answer) in enumerate(line.exchanges):
                turn = Turn("ask", graph=line.graph, question=question, instructions=line.instructions)
                script = family.speak(turn, family.past(line.exchanges[:n]))
                group = (line.graph, line.instructions)
                made.append(Example(_prompt(script.begin()), answer_ids(family, answer), group))
        else:
            turn = Turn("ask", graph=line.graph, question=line.question)
            before = family.past(line.before) if line.before else ChatMemory()
            ids = family.tokenizer.encode(f" {line.plan}\n")
            made.append(Example(_prompt(PlannedScript(family, turn, before).begin()), ids, line.graph))
    except ModelError as error:
        raise LineError(*line.where, "the line", "one that the model takes", error.message) from None
    for n, example in enumerate(made):
        if (found := len(example.prompt) + len(example.answer)) > length:
            raise LineError(*line.where, f"answer {n + 1}", f"at most {length} positions with its prompt", found)
    return made


def answer_ids(family: Chat, text: str) -> tuple[int, ...]:
    """What the model is to say, and what ends it: the token that ends an answer in its template; of a model without
    one, the line's end."""
    if family.line_end:
        return family.tokenizer.encode(f" {' '.join(text.split())}{family.line_end}")
    behind = family.prompter.behind_answers()
    end = next((id for id in behind if id in family.stops), min(family.stops))
    return (*family.tokenizer.encode(text), end)


def _prompt(begun: Outcome) -> tuple[int, ...]:
    passing = begun.next
    assert isinstance(passing, Pass)
    return tuple(id for span in passing.spans for id in span.rows)


def pack_all(examples: Sequence[Example], length: int) -> list[Row]:
    """Rows of at most `length` positions that hold every example once. Those of a group share what their prompts begin
    with, and do not see each other (`training.packing`)."""
    groups: dict[Hashable, list[Example]] = {}
    for example in examples:
        groups.setdefault(example.group, []).append(example)
    rows: list[Row] = []
    for group in groups.values():
        n = n_shared([example.prompt for example in group])
        open_rows: list[Row] = []
        for example in group:
            asked = example.prompt[n:]
            m = len(asked) + len(example.answer)
            row = next((row for row in open_rows if len(row.ids) + m <= length), None)
            if row is None:
                row = Row.of(example.prompt[:n])
                open_rows.append(row)
            row.add(asked, example.answer)
        rows += open_rows
    return rows


def n_shared(prompts: Sequence[tuple[int, ...]]) -> int:
    """With how many ids all of them begin, one of each left over."""
    low, high = min(prompts), max(prompts)
    most = min(map(len, prompts)) - 1
    return next((n for n in range(most) if low[n] != high[n]), most)


def document_rows(shards: Shards, split: str, length: int) -> list[Row]:
    """A row for each document of a split, cut to `length` ids; those of which nothing is learnt then are left out."""
    rows = []
    for k in shards.of(split):
        ids, learnt = shards.read(k)
        told, is_learnt = ids[:length].tolist(), [*learnt[1:length].tolist(), False]
        labels = [id if now else IGNORED for id, now in zip([*told[1:], 0], is_learnt, strict=True)]
        if any(is_learnt):
            rows.append(Row(told, list(range(len(told))), [0] * len(told), labels))
    return rows


def bucket(rows: Sequence[Row], batch_tokens: int) -> list[list[Row]]:
    """Rows of like length together: as many in a batch as, padded, take `batch_tokens` positions, one at least."""
    batches: list[list[Row]] = []
    for row in sorted(rows, key=lambda row: len(row.ids)):
        if batches and (len(batches[-1]) + 1) * len(row.ids) <= batch_tokens:
            batches[-1].append(row)
        else:
            batches.append([row])
    return batches


def collate_rows(rows: Sequence[Row]) -> Batch:
    """Rows padded to the longest."""
    return collate(rows, max(len(row.ids) for row in rows))


class Lessons:
    """All that is learnt from. `of_epoch`: batches in an order, and of dialogues in a packing, of that epoch's own."""

    def __init__(
        self, examples: Sequence[Example], rows: Sequence[Row], length: int, batch_tokens: int, seed: int
    ) -> None:
        self._examples, self._rows = examples, rows
        self._length, self._batch_tokens, self._seed = length, batch_tokens, seed

    def of_epoch(self, epoch: int) -> list[list[Row]]:
        rng = random.Random(f"{self._seed}:{epoch}")
        examples = list(self._examples)
        rng.shuffle(examples)
        batches = bucket([*pack_all(examples, self._length), *self._rows], self._batch_tokens)
        rng.shuffle(batches)
        return batches

    def batches(self, n: int) -> Iterator[Batch]:
        """Endless, after the first n."""
        epoch = 0
        while True:
            for batch in self.of_epoch(epoch):
                n -= 1
                if n < 0:
                    yield collate_rows(batch)
            epoch += 1
