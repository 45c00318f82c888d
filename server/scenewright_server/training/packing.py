"""Rows of training text for a planner: a scene, and as many questions about it as fit; made up, or written one by one.

Each question sees the scene and itself alone, and its positions begin where the scene ends: as if it were the only one.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from scenewright_server.families.chat.planning import Thing, question_text, scene_text
from scenewright_server.families.chat.tokenizer import ChatTokenizer
from scenewright_server.simulator.asking.questions import Asked, Asker
from scenewright_server.simulator.asking.tables import Code, load_tables
from scenewright_server.simulator.asking.worlds import World, make_world
from scenewright_server.simulator.asking.writing_styles import restyle
from scenewright_server.training.listed import read_listed
from scenewright_server.training.written import Written, read_written, tell_things, words_of

IGNORED = -100
UNSEEN = -1e4  # added to a score of attention, it leaves nothing after the softmax
MISSES = 3  # questions that do not fit end a row
MAX_STRANGERS = 12
Batch = tuple[Tensor, Tensor, Tensor, Tensor]


@dataclass(frozen=True)
class Row:
    """ids; positions; segments: 0 the scene, n the n-th question; labels: the next token where it is an answer's, else
    IGNORED."""

    ids: list[int]
    positions: list[int]
    segments: list[int]
    labels: list[int]

    @classmethod
    def of(cls, scene: Sequence[int]) -> Row:
        """A row of a scene, or of any other text that what follows shares."""
        n = len(scene)
        return cls(list(scene), list(range(n)), [0] * n, [IGNORED] * n)

    def add(self, asked: Sequence[int], answer: Sequence[int]) -> None:
        """Put a question behind the scene, of one token at least, and the answer that is learnt."""
        n, m, k = self.segments.count(0), len(asked) + len(answer), self.segments[-1] + 1
        self.ids.extend((*asked, *answer))
        self.positions.extend(range(n, n + m))
        self.segments.extend([k] * m)
        self.labels.extend((*[IGNORED] * (len(asked) - 1), *answer, IGNORED))


class Rows:
    """An endless stream of rows of one seed. languages: of questions and of the labels they are about, and how often
    each pair is drawn; length: positions of a row, of which a scene takes `max_scene` at most; written: how often a
    scene is one of those that were written one by one, where there are such of the pair; strangers: how often things of
    other such scenes stand among its own."""

    def __init__(
        self,
        tokenizer: ChatTokenizer,
        languages: Sequence[tuple[Code, Code, float]],
        length: int,
        max_scene: int,
        seed: int,
        written: float = 0.0,
        strangers: float = 0.0,
    ) -> None:
        self._tokenizer, self._languages, self._rng = tokenizer, languages, random.Random(seed)
        self._length, self._max_scene, self._share, self._strangers = length, max_scene, written, strangers

    def __iter__(self) -> Iterator[Row]:
        while True:
            row = self._row()
            if row is not None:
                yield row

    def _row(self) -> Row | None:
        rng = self._rng
        asked, labelled, _ = rng.choices(self._languages, [weight for *_, weight in self._languages])[0]
        all_written = (*read_written(), *read_listed()) if self._share else ()
        written = [its for its in all_written if (its.asked, its.labelled) == (asked, labelled)]
        if written and rng.random() < self._share:
            its = rng.choice(written)
            met = self._meet(its) if rng.random() < self._strangers else []
            things, examples = rng.sample([*its.things, *met], len(its.things) + len(met)), self._styled(its)
        else:
            world = make_world(load_tables(labelled), labelled, rng)
            things, examples = tell_things(world.entries), self._examples(world, asked)
        scene = self._tokenizer.encode(scene_text(things))
        if len(scene) > self._max_scene:
            return None
        row = pack(scene, (self.encode(one) for one in examples), self._length)
        return row if len(row.ids) > len(scene) else None

    def _meet(self, its: Written) -> list[Thing]:
        """Things of other scenes that change no plan of this one: no word of their names is in it."""
        others = [one for one in read_written() if one.labelled == its.labelled and one.name != its.name]
        drawn = [self._rng.choice(self._rng.choice(others).things) for _ in range(MAX_STRANGERS if others else 0)]
        apart = {thing.label: thing for thing in drawn if not words_of(thing.label, *thing.aliases) & its.words}
        return list(apart.values())[: self._rng.randint(1, MAX_STRANGERS)]

    def _examples(self, world: World, asked: Code) -> Iterator[Asked]:
        asker = Asker(load_tables(asked), world, self._rng)
        while True:
            yield from asker.dialogue(self._rng.choice([1, 1, 1, 2, 3]))

    def _styled(self, written: Written) -> Iterator[Asked]:
        """Its questions in any order, half of them as somebody else would write them."""
        for one in self._rng.sample(written.questions, len(written.questions)):
            is_other = self._rng.random() < 0.5
            question = restyle(one.question, load_tables(written.asked), self._rng) if is_other else one.question
            yield replace(one, question=question)

    def encode(self, one: Asked) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The tokens of a question and of its plan."""
        asked = self._tokenizer.encode(question_text(one.question, one.before, one.points))
        return asked, self._tokenizer.encode(f" {one.plan}\n")


def pack(scene: Sequence[int], examples: Iterator[tuple[Sequence[int], Sequence[int]]], length: int) -> Row:
    """A row of a scene and the questions and plans that fit, up to the one after which too few did."""
    row, misses = Row.of(scene), 0
    for asked, plan in examples:
        if len(row.ids) + len(asked) + len(plan) > length:
            misses += 1
            if misses == MISSES:
                break
            continue
        row.add(asked, plan)
    return row


def collate(rows: Sequence[Row], length: int) -> Batch:
    """ids, positions, labels (B, length) and what to add to scores of attention (B, 1, length, length)."""

    def pad(values: list[int], with_: int) -> list[int]:
        return values + [with_] * (length - len(values))

    ids = torch.tensor([pad(row.ids, 0) for row in rows])
    positions = torch.tensor([pad(row.positions, 0) for row in rows])
    segments = torch.tensor([pad(row.segments, -1) for row in rows])
    labels = torch.tensor([pad(row.labels, IGNORED) for row in rows])
    before = torch.ones(length, length, dtype=torch.bool).tril()
    same = (segments[:, None, :] == segments[:, :, None]) | (segments[:, None, :] == 0)
    unseen = ~(before & same)[:, None]
    return ids, positions, labels, torch.zeros(unseen.shape, dtype=torch.bfloat16).masked_fill_(unseen, UNSEEN)
