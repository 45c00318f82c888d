"""What people bring to the shipped model: names, mixed languages, far things, and a talk before the question."""

from __future__ import annotations

from dataclasses import replace

import pytest
from scenewright_server.engine.engine import Engine
from scenewright_server.engine.request import Sampling
from scenewright_server.families.bundle import load_family
from scenewright_server.families.diorama.script import language_of, refers
from scenewright_server.families.family import Family, Turn
from scenewright_server.scene.entries import GraphObject

from tests.oracle import finish, text_of


@pytest.fixture(scope="module")
def family() -> Family:
    return load_family()


def row(*labels: str, **aliases: tuple[str, ...]) -> tuple[GraphObject, ...]:
    """Things in a row, 1.2 m apart."""
    return tuple(
        GraphObject(str(k), label, (1.2 * k - 0.8, 0, 2.5), (0.4, 0.4, 0.4), aliases=aliases.get(label, ()))
        for k, label in enumerate(labels)
    )


def ask(family: Family, question: str, graph: tuple[GraphObject, ...], memory=None):
    script = family.open(Turn("ask", None, graph, question), memory)
    [(_, events)] = finish(Engine(family.decoder), script, sampling=Sampling(100))
    return text_of(events), script.memory()


@pytest.mark.parametrize(
    ("metres", "said"),
    [
        (0.4, "40 cm"),
        (9.6, "9.6 metres"),
        (11.3, "11 metres"),
        (23.7, "24 metres"),
        (52, "52 metres"),
        (1400, "1.4 km"),
    ],
)
def test_a_distance_is_said_as_it_was_computed(family, metres: float, said: str):
    lamp = (GraphObject("l", "red lamp", (0, 0, metres), (0.3, 0.5, 0.3)),)
    assert ask(family, "how far is the red lamp", lamp)[0] == f"About {said}."


@pytest.mark.parametrize(
    ("labels", "question", "answer"),
    [
        (("Chair(Clone)", "lamp"), "where is the chair?", "On the left."),
        (("Barrel (1)", "Barrel (2)"), "how many barrels are there?", "Two."),
        (("CoffeeTable", "lamp"), "where is the coffee table?", "On the left."),
        (("SM_Chair_02", "mug"), "where is the chair?", "On the left."),
        (("waiter Bruno", "lamp"), "where is the waiter?", "On the left."),
        (("big old BOOKSHELF_v2", "lamp"), "where is the bookshelf", "On the left."),
        (("Стол", "lamp"), "where is the Стол?", "On the left."),
        (("テーブル", "lamp"), "where is the テーブル", "On the left."),
        (("玻璃杯", "书架"), "书架在哪里", "在右边。"),
        (("ladder", "bucket"), "is there a ladder in this shed?", "Yes, there is one: the ladder."),
        (("tent A", "tent B"), "how many tents do you see?", "Two."),
        (("tent", "bucket"), "is there a ladder in this shed?", "No, I know of none here."),
        (("闹钟", "scissors"), "what is closest to me", "The scissors."),
        (("闹钟", "Oak_Desk (2)"), "what do you see", "The 闹钟 and the Oak_Desk (2)."),
        (("闹钟", "scissors"), "where is the 闹钟", "On the left."),
        (("闹钟", "scissors"), "where is the vase", "I do not see any vase here."),
        (("龙纹玉佩", "scissors"), "where is the vase", "I did not understand that."),
    ],
)
def test_what_is_there_is_not_denied(family, labels: tuple[str, ...], question: str, answer: str):
    assert ask(family, question, row(*labels))[0] == answer


def test_a_plain_question_has_the_same_answer_after_a_talk(family):
    graph = row("goblin king", "health potion", "lamp")
    graph = (*graph[:2], replace(graph[2], aliases=("torch",)))
    memory = None
    for question in ("what do you see", "how far is the lamp", "where is it", "tell me a joke"):
        memory = ask(family, question, graph, memory)[1]
    for question in (
        "where is the goblin king",
        "how many things are there",
        "is there a torch",
        "what is right of the lamp",
    ):
        assert ask(family, question, graph, memory)[0] == ask(family, question, graph)[0]


@pytest.mark.parametrize(
    ("question", "is_so"),
    [
        ("where is it", True), ("and the lamp", True), ("what about the lamp on the left", True), ("why", True),
        ("它在哪里", True), ("那把椅子呢", True), ("台灯呢", True), ("which other one is red", True),
        ("where is the lamp", False), ("which one is closest to me", False), ("is there a lamp here", False),
        ("这里有几个椅子", False), ("椅子在哪里", False), (None, False),
    ],
)  # fmt: skip
def test_what_refers_to_the_turns_before(question: str | None, is_so: bool):
    assert refers(question) == is_so


@pytest.mark.parametrize(
    ("question", "language"),
    [("where is the 花盆", "en"), ("花盆在哪里", "zh"), ("花盆", "zh"), ("scissors在哪里", "zh"),
     ("Where is the 剪刀?", "en"), ("how far is the 花盆 from the scissors", "en"), ("where", "en")],
)  # fmt: skip
def test_a_label_does_not_make_a_questions_language(question: str, language: str):
    assert language_of(question, ("花盆",)) == language
