"""What a request says beside seven others and alone: the same tokens, and log probabilities that differ by rounding."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from scenewright_server.engine.engine import Engine
from scenewright_server.engine.request import Sampling
from scenewright_server.families.chat.chat import Chat
from scenewright_server.families.chat.storage import load_bundle
from scenewright_server.families.writing import Writing

from tests.language.models import KINDS, PROMPT, Source

WAYS: tuple[dict[str, Any], ...] = (
    {},
    {"repetition_penalty": 1.3},
    {"temperature": 1.0, "seed": 1},
    {"temperature": 0.7, "top_k": 12, "seed": 2},
    {"temperature": 1.3, "top_p": 0.8, "seed": 3},
    {"temperature": 0.9, "repetition_penalty": 1.2, "seed": 4},
    {"n_beams": 3},
    {"temperature": 1.1, "seed": 2**63},
)
PROMPTS = (PROMPT, "a", "lazy dogs", "the old castle lends a lamp", "fox", "by night by night", "n", "the quick")
TOLERANCE = {torch.float32: 1e-4, torch.bfloat16: 0.2}
"""Of a token's log probability, as docs/models.md states it."""


def decode(engine: Engine, family: Chat, which: list[int]) -> list[Writing]:
    """The scripts of these requests, made together."""
    runs = []
    for n in which:
        script = family.writer.open(family.writer.read(PROMPTS[n]), 24)
        runs.append((n, script, engine.add(script, Sampling(max_new_tokens=24, **WAYS[n]))))
    while engine.has_work:
        engine.step()
    return [script if run.search is None else run.search.found[0] for _, script, run in runs]


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_tokens_are_those_of_a_request_alone(sources: dict[str, Source], kind: str, dtype: torch.dtype) -> None:
    family = Chat(load_bundle(sources[kind].bundle, torch.device("cpu"), dtype))
    assert family.decoder.shape.dtype is dtype
    engine = Engine(family.decoder, n_slots=8)
    together = decode(engine, family, list(range(8)))
    worst = 0.0
    for n, beside in enumerate(together):
        [alone] = decode(engine, family, [n])
        assert list(beside.ids) == list(alone.ids), WAYS[n]
        pairs = zip(beside.log_probabilities, alone.log_probabilities, strict=True)
        worst = max(worst, *(abs(a - b) for a, b in pairs))
    assert math.isfinite(worst) and worst <= TOLERANCE[dtype]
    print(f"{kind} {dtype}: at most {worst:.2g} apart")
