"""Questions about a scene graph that the shipped model answers without its decoder, and whose they are."""

from __future__ import annotations

import numpy as np
import pytest
from scenewright_server.engine.engine import Engine
from scenewright_server.engine.request import Sampling
from scenewright_server.families.bundle import load_family
from scenewright_server.families.diorama.reading import ReadScript
from scenewright_server.families.family import Family, FinishReason, Mention, ModelError, TextDelta, Turn
from scenewright_server.scene.entries import Fact, GraphObject

from tests.oracle import finish, text_of


@pytest.fixture(scope="module")
def family() -> Family:
    return load_family()


def shelf(n: int, told: bool = True) -> tuple[GraphObject, ...]:
    """So many jars in a row, each dearer than the one before."""
    return tuple(
        GraphObject(
            str(k),
            f"jar {k}",
            (0.3 * k - 3, 0, 4),
            (0.1, 0.2, 0.1),
            facts=(Fact("price", 2.0 + k, "EUR"),) if told else (),
        )
        for k in range(n)
    )


def ask(family: Family, question: str, graph: tuple[GraphObject, ...], memory=None):
    script = family.open(Turn("ask", None, graph, question), memory)
    [(_, events)] = finish(Engine(family.decoder), script, sampling=Sampling(100))
    return text_of(events), script.memory(), [event.ref for event in events if isinstance(event, Mention)]


def test_facts_are_told_and_the_next_turn_knows_of_what(family: Family):
    graph = shelf(4)
    said, memory, pointed = ask(family, "Which one is the cheapest?", graph)
    assert "jar 0" in said and pointed == [0]
    said, memory, _ = ask(family, "how much is it", graph, memory)
    assert "€2" in said
    said, _, pointed = ask(family, "and jar 3?", graph, memory)
    assert "€5" in said and pointed == [3]
    assert memory.n_turns == 2


def test_a_history_that_was_only_told_is_read_too(family: Family):
    memory = family.past([("Which one is the cheapest?", "The jar 0.")])
    said, _, _ = ask(family, "how much is it", shelf(4), memory)
    assert "€2" in said


def test_more_things_than_the_decoder_tells_apart_are_refused_where_the_decoder_is_wanted(family: Family):
    graph = shelf(60)
    said, _, pointed = ask(family, "what is the most expensive thing", graph)
    assert "jar 59" in said and pointed == [59]
    with pytest.raises(ModelError) as caught:
        family.open(Turn("describe", None, graph))
    assert caught.value.reason == "SCENE_TOO_LARGE"


def test_the_decoder_answers_what_it_learnt_where_labels_alone_are_told(family: Family):
    is_read = {
        (question, told): isinstance(family.open(Turn("ask", None, shelf(4, told), question)), ReadScript)
        for question in ("where is jar 2", "which jar costs the most, the dearest one")
        for told in (True, False)
    }
    assert is_read["where is jar 2", True] and not is_read["where is jar 2", False]
    assert is_read["which jar costs the most, the dearest one", True]


def test_an_answer_ends_at_its_limit_of_tokens(family: Family):
    script = family.open(Turn("ask", None, shelf(12), "list all things under 20 euros", max_new_tokens=6))
    assert isinstance(script, ReadScript)
    outcome = script.begin()
    assert outcome.over is FinishReason.TOKEN_LIMIT
    said = "".join(event.text for event in outcome.events if isinstance(event, TextDelta))
    assert 0 < len(said) < 40 and script.memory(len(said)) != script.memory(0)


def test_beside_a_frame_only_told_facts_are_read(family: Family):
    seen = family.see([family.fit(np.zeros((64, 64, 3), np.uint8))])[0]
    for question, is_read in (("How much is jar 2?", True), ("cheapest jar?", True), ("How many jars?", False)):
        script = family.open(Turn("ask", seen, shelf(4), question))
        assert isinstance(script, ReadScript) == is_read
