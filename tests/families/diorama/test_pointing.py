"""Questions about what is pointed at: their words, and what the shipped model answers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scenewright_server.engine.engine import Engine
from scenewright_server.engine.request import Sampling
from scenewright_server.families.bundle import load_family
from scenewright_server.families.diorama.audio import HeardTokens
from scenewright_server.families.diorama.pointing import replace_demonstratives, replace_heard
from scenewright_server.families.family import Family, Heard, Memory, Turn
from scenewright_server.scene.entries import GraphObject, merge
from scenewright_server.scene.looks import Looks
from scenewright_server.scene.pointing import Ray

from tests.oracle import finish, text_of

CHAIR = GraphObject("chair", "red chair", (-1.0, 0.0, 2.0), (0.5, 0.5, 0.5))
MUG = GraphObject("mug", "blue mug", (1.0, 0.0, 2.0), (0.2, 0.2, 0.2))
KING = GraphObject("king", "goblin king", (0.0, 0.0, 3.0), (0.5, 1.0, 0.5))
GRAPH = (CHAIR, MUG, KING)
VALUES = {"size": ("small",), "colour": ("red", "blue"), "kind": ("chair", "mug", "table")}
NAMES = {"zh": {"red": "红色", "small": "小的", "chair": "椅子", "mug": "杯子", "table": "桌子"}}


@pytest.fixture(scope="module")
def looks() -> Looks:
    return Looks(merge(None, GRAPH), None, VALUES, NAMES)


@pytest.fixture(scope="module")
def family() -> Family:
    return load_family()


@pytest.mark.parametrize(
    ("question", "about_it"),
    [
        ("What colour is this?", "what colour is it"),
        ("what colour is this small red chair", "what colour is it"),
        ("is this one red?", "is it red"),
        ("is this red", "is it red"),
        ("where is that goblin king", "where is it"),
        ("is that left of the mug that is blue", "is it left of the mug that is blue"),
        ("What's that?", "what kind of thing is it"),
        ("do you know what this is", "what kind of thing is it"),
        ("这是什么？", "它是什么东西"),
        ("这个杯子是什么颜色", "它是什么颜色"),
        ("那把小的红色椅子有多远", "它有多远"),
        ("那里有什么", None),
        ("the chair that is red", None),
        ("how far is it", None),
        ("are these chairs red", None),
    ],
)
def test_demonstratives_become_it(looks: Looks, question: str, about_it: str | None) -> None:
    assert replace_demonstratives(question, looks) == (question if about_it is None else about_it)


def test_of_what_was_heard_all_but_the_demonstratives_stays_as_it_was(family: Family, looks: Looks) -> None:
    tokenizer = family.model.tokenizer
    ids = tokenizer.words("how far is that chair")
    posteriors = np.random.default_rng(0).dirichlet(np.ones(tokenizer.n_vocab), len(ids)).astype(np.float32)
    heard = HeardTokens(posteriors, ids, 0.5)
    said = replace_heard(heard, looks, tokenizer)
    n_kept = len(tokenizer.words("how far is"))
    assert tokenizer.decode(said.ids) == "how far is it" and said.confidence == 0.5
    assert np.array_equal(said.posteriors[:n_kept], posteriors[:n_kept])
    assert said.posteriors[n_kept:].argmax(1).tolist() == said.ids[n_kept:] and np.allclose(said.posteriors.sum(1), 1)
    unsaid = HeardTokens(posteriors[:3], ids[:3], 0.5)
    assert replace_heard(unsaid, looks, tokenizer) is unsaid


def ask(family: Family, question: str | Heard, towards: tuple | None, memory: Memory | None = None, language: str = ""):
    ray = None
    if towards is not None:
        x, y, z = (part / math.hypot(*towards) for part in towards)
        ray = Ray((0.0, 0.0, 0.0), (x, y, z))
    script = family.open(Turn("ask", None, GRAPH, question, language, ray=ray), memory)
    [(_, events)] = finish(Engine(family.decoder), script, sampling=Sampling(60))
    return text_of(events), script


@pytest.mark.parametrize(
    ("question", "towards", "answer"),
    [
        ("what is this?", MUG.position, "A blue mug."),
        ("what is that", KING.position, "A goblin king."),
        ("how far is this chair", MUG.position, "About 2.2 metres."),
        ("what colour is this", CHAIR.position, "Red."),
        ("这是什么", CHAIR.position, "一个红色椅子。"),
        ("那个有多远", KING.position, "大约3米。"),
        ("what is this", (0, 5, 1), "I see nothing where you point."),
        ("这是什么", (0, 5, 1), "你指的地方我什么也没看到。"),
        ("how far is it", MUG.position, "I am not sure which one you mean."),
    ],
)
def test_this_is_what_the_ray_meets(family: Family, question: str, towards: tuple, answer: str) -> None:
    assert ask(family, question, towards)[0] == answer


def test_what_was_pointed_at_is_it_in_the_next_turn_and_a_ray_changes_no_other_question(family: Family) -> None:
    _, script = ask(family, "what is this", MUG.position)
    text, script = ask(family, "what colour is it", CHAIR.position, script.memory())
    assert text == "Blue." and script.memory().focus[0].graph == MUG
    tokenizer = family.model.tokenizer
    ids = tokenizer.words("how far is this")
    rows = np.zeros((len(ids), tokenizer.n_vocab), np.float32)
    rows[range(len(ids)), ids] = 1
    spoken = Heard("how far is this", 1.0, HeardTokens(rows, ids, 1.0))
    assert ask(family, spoken, KING.position)[0] == "About 3 metres."
