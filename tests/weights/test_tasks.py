"""How often the models that `pull` brings do the SDK's tasks right, of thirty cases each."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import scenewright

from tests.weights.task_cases import ANSWER, CODE, SENTIMENT, SUMMARIZE, TRANSLATE
from tests.weights.test_weights import fetch, served

TASKS: dict[str, tuple[Sequence[tuple[str, ...]], Callable[..., str]]] = {
    "sentiment": (SENTIMENT, lambda client, text: client.sentiment(text)),
    "answer": (ANSWER, lambda client, context, question: client.answer(question, context=context)),
    "translate": (TRANSLATE, lambda client, text: client.translate(text, to="German")),
    "summarize": (SUMMARIZE, lambda client, text: client.summarize(text)),
    "complete_code": (CODE, lambda client, code: client.complete_code(code)),
}
FLOORS = {
    "smollm2-135m": {"sentiment": 26, "answer": 19, "translate": 4, "summarize": 14, "complete_code": 20},
    "qwen2.5-coder-0.5b": {"sentiment": 26, "answer": 26, "translate": 12, "summarize": 21, "complete_code": 24},
}
"""Right answers at least, a little below what was measured."""


@pytest.mark.parametrize(("name", "task"), [(name, task) for name in FLOORS for task in FLOORS[name]])
def test_a_model_does_the_tasks_as_well_as_was_measured(
    name: str, task: str, capsys: pytest.CaptureFixture[str]
) -> None:
    cases = TASKS[task][0]
    assert len(cases) == 30
    with served(fetch(name)) as client:
        n_right = sum(_is_right(task, client, case) for case in cases)
    with capsys.disabled():
        print(f"\n{name} {task}: {n_right} of {len(cases)}")
    assert n_right >= FLOORS[name][task]


def _is_right(task: str, client: scenewright.Client, case: tuple[str, ...]) -> bool:
    *given, words = case
    said = TASKS[task][1](client, *given).lower().lstrip()
    if task == "complete_code":
        return said.startswith(tuple(words.split("|")))
    is_short = task != "summarize" or len(said) < len(given[0])
    return is_short and any(word in said for word in words.split("|"))
