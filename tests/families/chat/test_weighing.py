"""The search for likely plans against all plans, and what speaks against one."""

from __future__ import annotations

import itertools
import math
import random
from itertools import starmap

import pytest
import torch
from scenewright_server.families.chat.doubts import NO_PLAN, UNUSED, Doubts
from scenewright_server.families.chat.searching import LEAST, NOTHING, Beginning, Planning, Search
from scenewright_server.scene.entries import Entry, Fact, GraphObject, merge
from scenewright_server.scene.executing import execute
from scenewright_server.scene.parsing import parse
from scenewright_server.scene.scene import Scene

N_TOKENS, LENGTH = 4, 4


def every_text(logits: dict[tuple[int, ...], torch.Tensor]) -> dict[tuple[int, ...], float]:
    """All texts of this many tokens and their log-probabilities."""
    found = {}
    for text in itertools.product(range(N_TOKENS), repeat=LENGTH):
        steps = (logits[text[:n]].log_softmax(-1)[text[n]].item() for n in range(LENGTH))
        found[text] = sum(steps)
    return found


@pytest.mark.parametrize("seed", range(5))
def test_texts_are_found_from_the_likeliest_beginning_on(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    contexts = [c for n in range(LENGTH) for c in itertools.product(range(N_TOKENS), repeat=n)]
    logits = {context: 3 * torch.randn(N_TOKENS, generator=generator) for context in contexts}
    search, found = Search(), dict[tuple[int, ...], float]()
    beginning: Beginning | None = NOTHING
    while beginning is not None:
        planning = Planning(torch.zeros(N_TOKENS, dtype=torch.bool), beginning)
        for _ in range(LENGTH):
            if planning.forced:
                planning.take(planning.forced[0], 1.0)
                continue
            likelihoods = planning.mask(logits[tuple(planning.tokens)]).softmax(-1)
            planning.take(int(likelihoods.argmax()), likelihoods.max().item())
        assert tuple(planning.tokens) not in found and -planning.cost <= -beginning.cost + 1e-5
        found[tuple(planning.tokens)] = -planning.cost
        search.add(planning)
        beginning = search.next(-math.inf)
    expected = {text: its for text, its in every_text(logits).items() if its > LEAST + 1e-4}
    assert expected.keys() <= found.keys()
    assert all(found[text] == pytest.approx(its, abs=1e-4) for text, its in expected.items())


def test_nothing_is_tried_that_cannot_be_better() -> None:
    planning = Planning(torch.tensor([False, False, True]))
    probabilities = planning.mask(torch.tensor([math.log(0.7), math.log(0.3), 9.0])).softmax(-1)
    assert probabilities[2] == 0
    planning.take(0, 0.7)
    search = Search()
    search.add(planning)
    assert search.next(math.log(0.31)) is None
    beginning = search.next(math.log(0.29))
    assert beginning is not None and beginning.tokens == (1,)


def thing(label: str, x: float, **facts: str) -> GraphObject:
    return GraphObject(label, label, (x, 0, 2), (1, 1, 1), facts=tuple(starmap(Fact, facts.items())))


SHOP = merge(
    None,
    [
        thing("red chair", -2, price="€40", maker="Thonet"),
        thing("blue chair", 0, price="€60"),
        thing("table", 2, price="€200", weight="20 kg"),
    ],
)


def doubt(question: str, plan: str, entries: tuple[Entry, ...] = SHOP, before: str = "") -> float:
    scene = Scene(entries, tuple(entry.graph.label for entry in entries if entry.graph))
    parsed = parse(plan)
    return Doubts(question, before, scene).of(parsed, execute(parsed, scene))


@pytest.mark.parametrize(
    ("question", "better", "worse"),
    [
        ("who makes the red chair?", "fact maker | red chair", "beyond"),
        ("is there a sofa?", "exist sofa", "exist table"),
        ("what is under 50 euros?", "name all & price < 50 EUR", "name all & price < 5 EUR"),
        (
            "is the table to be had at nine in the evening?",
            "check table | hours = 21:00",
            "check table | hours = 22:00",
        ),
        ("anything under three hundred?", "name all & price < 300", "name all & price < 30"),
        (
            "is the red chair cheaper than the table",
            "fewer price | red chair | table",
            "more price | red chair | table",
        ),
        (
            "what do the table and the red chair cost together",
            "sum price | table + red chair",
            "name table + red chair",
        ),
        ("what is left of the table?", "name left of table", "name on table"),
        ("who made it?", "fact maker | red chair", "fact maker | table"),
        ("how many chairs are there", "count chair", "name chair"),
        ("哪个更便宜", "name all & min price", "name all & max price"),
    ],
)
def test_more_speaks_against_the_worse_plan(question: str, better: str, worse: str) -> None:
    assert doubt(question, better) < doubt(question, worse)


def test_what_was_said_before_is_said() -> None:
    assert doubt("and its price?", "fact price | sofa", before="Is there a sofa?") < doubt("and?", "fact price | sofa")


def test_no_doubt_exceeds_that_of_no_plan_for_a_plain_question() -> None:
    words = random.Random(3)
    for _ in range(200):
        said = words.sample(["chair", "table", "red", "price", "how many", "40", "left of", "多少"], 3)
        assert 0 <= doubt(" ".join(said), "name all") < NO_PLAN


def test_a_text_without_an_amount_is_no_answer_to_how_much() -> None:
    lamp = GraphObject("lamp", "lamp", (0, 0, 2), (1, 1, 1), description="Only with the owner. Free on Mondays.")
    entries = merge(None, [lamp])
    assert doubt("how much do they charge for the lamp", "fact owner | lamp", entries) == pytest.approx(
        UNUSED + doubt("who may switch on the lamp", "fact owner | lamp", entries)
    )
    assert doubt("how much is the lamp on Mondays", "fact Mondays | lamp", entries) < UNUSED
