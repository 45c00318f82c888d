"""The tasks: their prompts hold what they are given and end where the model is to go on; what it says is read."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import scenewright
from scenewright import tasks
from scenewright.errors import InvalidInputError
from scenewright_server.service.app import Server

TASKS: dict[str, tuple[Callable[[scenewright.Client], str], tasks.Task, str]] = {
    "translate": (
        lambda client: client.translate("the king\nlends a lamp", to="French"),
        tasks.translate("the king lends a lamp", "French", "English"),
        "English: the king lends a lamp\nFrench:",
    ),
    "summarize": (
        lambda client: client.summarize("the {fox} jumps"),
        tasks.summarize("the {fox} jumps"),
        "Text: the {fox} jumps\nSummary:",
    ),
    "answer": (
        lambda client: client.answer("who jumps?", context="the fox jumps"),
        tasks.answer("who jumps?", "the fox jumps"),
        "Text: the fox jumps\nQuestion: who jumps?\nAnswer:",
    ),
    "complete_code": (
        lambda client: client.complete_code("def add(a, b):\n"),
        tasks.complete_code("def add(a, b):\n"),
        "def add(a, b):\n",
    ),
}


@pytest.mark.parametrize("name", TASKS)
def test_a_task_sends_its_prompt_and_gives_what_comes(server: Server, name: str) -> None:
    call, task, end = TASKS[name]
    assert task.prompt.endswith(end)
    with scenewright.Client(server.address, model="bytes") as client:
        given = scenewright.Sampling(max_new_tokens=task.sampling.max_new_tokens, stop=task.sampling.stop)
        expected = client.generate(task.prompt, sampling=given).text
        assert call(client) == (expected if name == "complete_code" else expected.strip())


async def test_the_same_for_asyncio(server: Server) -> None:
    async with scenewright.aio.Client(server.address, model="bytes") as client:
        said = await client.answer("who jumps?", context="the fox jumps")
        assert await client.sentiment("good") in ("positive", "negative", "")
    with scenewright.Client(server.address, model="bytes") as client:
        assert client.answer("who jumps?", context="the fox jumps") == said


@pytest.mark.parametrize(
    ("text", "read"),
    [(" positive", "positive"), ("Negative.\nText", "negative"), (" not positive", ""), ("", ""), (" neutral", "")],
)
def test_a_sentiment_is_read_from_the_first_word(text: str, read: str) -> None:
    assert tasks.read_sentiment(text) == read


def test_blank_texts_are_refused_by_name() -> None:
    for make, said in (
        (lambda: tasks.translate(" \n", "German", "English"), "text: expected words"),
        (lambda: tasks.translate("a", "", "English"), "to: expected words"),
        (lambda: tasks.answer("?", "  "), "context: expected words"),
        (lambda: tasks.complete_code("\n"), "code: expected some"),
    ):
        with pytest.raises(InvalidInputError, match=said):
            make()
