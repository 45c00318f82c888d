"""Plans by an endpoint: out of a prompt, checked, carried out here, and what happens to those that are none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import pytest
from scenewright_server.engine.remote import RemoteEngine
from scenewright_server.engine.request import Done, Event, Sampling
from scenewright_server.families.bundle import load_family
from scenewright_server.families.chat.memory import ChatMemory
from scenewright_server.families.chat.remote import RemoteChat
from scenewright_server.families.chat.remote_planned import examples, read_plan
from scenewright_server.families.family import FinishReason, Mention, Turn
from scenewright_server.scene.parsing import parse

from tests.families.chat.openai_server import Scripted, scripted, speaking
from tests.families.chat.test_endpoint import write
from tests.families.chat.tiny import ask
from tests.oracle import text_of


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Scripted]:
    with scripted() as server:
        yield server


@pytest.fixture
def family(endpoint: Scripted, tmp_path: Path) -> RemoteChat:
    family = load_family(write(tmp_path / "planning", endpoint.url, plans=True))
    assert isinstance(family, RemoteChat)
    family.reads_words = False
    return family


async def answer(
    family: RemoteChat, endpoint: Scripted, turn: Turn, *replies: str, memory: ChatMemory | None = None
) -> tuple[list[Event], ChatMemory]:
    """The events of a turn where the endpoint writes these texts, all of them."""
    endpoint.requests.clear()
    endpoint.replies.extend(map(speaking, replies))
    script = family.open(turn, memory)
    events = []
    async with aclosing(RemoteEngine(family.decoder).run(script, Sampling(turn.max_new_tokens)).events()) as told:
        async for event in told:
            events.append(event)
    assert len(endpoint.requests) == len(replies)
    return events, script.memory()


def mentioned(events: list[Event]) -> list[str]:
    return [event.entry.graph.id for event in events if isinstance(event, Mention) and event.entry.graph]


async def test_a_plan_is_carried_out_here_and_nothing_more_is_asked(family: RemoteChat, endpoint: Scripted) -> None:
    turn = ask("How old is he there?", n=60)
    events, memory = await answer(family, endpoint, turn, "Plan: `fact age | goblin king`\nThat is it.")
    assert "340" in text_of(events) and mentioned(events) == ["k"]
    assert isinstance(events[-1], Done) and events[-1].reason is FinishReason.STOP
    system, user = endpoint.requests[0].body["messages"]
    assert "one line in the language below" in system["content"]
    assert "- goblin king: age" in user["content"] and user["content"].endswith("User: How old is he there?\nPlan:")
    assert "340" not in user["content"]  # what a fact says is looked up
    events, _ = await answer(family, endpoint, ask("Where is he?", n=60), "where those", memory=memory)
    assert mentioned(events) == ["k"]


async def test_a_plan_that_is_none_is_asked_for_again(family: RemoteChat, endpoint: Scripted) -> None:
    events, _ = await answer(family, endpoint, ask("Where?", n=60), "I would say", "where raven")
    assert mentioned(events) == ["r"]
    assert "it is no plan" in endpoint.requests[1].body["messages"][-1]["content"]


async def test_where_there_is_never_a_plan_the_model_answers_in_one_pass(
    family: RemoteChat, endpoint: Scripted
) -> None:
    events, memory = await answer(
        family, endpoint, ask("Where?"), "no", "no (", "never", "The raven [3] is behind you."
    )
    assert text_of(events) == "The raven is behind you." and mentioned(events) == ["r"]
    assert "The things here:" in endpoint.requests[3].body["messages"][0]["content"]
    assert memory.n_turns == 1


async def test_what_is_beyond_the_scene_is_spoken_in_a_second_pass(family: RemoteChat, endpoint: Scripted) -> None:
    events, _ = await answer(family, endpoint, ask("Tell me a joke."), "beyond", "A raven [3] walks into a bar.")
    assert text_of(events) == "A raven walks into a bar." and mentioned(events) == ["r"]


def test_every_example_of_the_prompt_is_a_plan() -> None:
    found = examples()
    assert len(found) >= 12
    for question, plan in found:
        assert question and parse(plan) and read_plan(f"Plan: {plan}\n") == plan
