"""Sampled tokens come as often as transformers' own distribution says, by a chi-square test."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import torch
from scenewright_server.engine.engine import Engine
from scenewright_server.engine.request import Sampling
from scenewright_server.engine.session import Session
from scenewright_server.families.bundle import load_family
from scipy.stats import chisquare
from transformers import LogitsProcessorList, RepetitionPenaltyLogitsProcessor
from transformers.generation.logits_process import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

from tests.language.models import PROMPT, TOKENIZER, Source
from tests.oracle import finish

N_DRAWS = 1500
WAYS: dict[str, tuple[dict[str, Any], list[Any]]] = {
    "temperature 1.3": ({"temperature": 1.3}, [TemperatureLogitsWarper(1.3)]),
    "top-k 6 at 1.5": ({"temperature": 1.5, "top_k": 6}, [TemperatureLogitsWarper(1.5), TopKLogitsWarper(6)]),
    "top-p 0.7 at 2": ({"temperature": 2.0, "top_p": 0.7}, [TemperatureLogitsWarper(2.0), TopPLogitsWarper(0.7)]),
    "all, and a repetition penalty": (
        {"temperature": 1.2, "top_k": 30, "top_p": 0.95, "repetition_penalty": 1.5},
        [
            RepetitionPenaltyLogitsProcessor(1.5), TemperatureLogitsWarper(1.2), TopKLogitsWarper(30),
            TopPLogitsWarper(0.95),
        ],
    ),
}  # fmt: skip


def expect(source: Source, processors: list[Any]) -> torch.Tensor:
    """The next token's probabilities (V,) by transformers."""
    ids = torch.tensor([TOKENIZER.encode(PROMPT).ids])
    with torch.no_grad():
        logits = source.model(ids).logits[:, -1]
    return LogitsProcessorList(processors)(ids, logits).softmax(-1)[0].double()


@pytest.mark.parametrize("way", WAYS)
def test_tokens_come_as_often_as_they_should(
    sources: dict[str, Source], way: str, capsys: pytest.CaptureFixture[str]
) -> None:
    how, processors = WAYS[way]
    probabilities = expect(sources["qwen2"], processors)
    family = load_family(sources["qwen2"].bundle)
    writer, engine, session = family.writer, Engine(family.decoder), Session()
    assert writer is not None
    prompt, drawn = writer.read(PROMPT), Counter[int]()
    for seed in range(N_DRAWS):
        script = writer.open(prompt, 1)
        finish(engine, script, sampling=Sampling(max_new_tokens=1, seed=seed, **how), session=session)
        drawn[script.ids[0]] += 1
    assert not [token for token in drawn if probabilities[token] == 0], "a token that was cut off"
    often = [token for token, p in enumerate(probabilities.tolist()) if p * N_DRAWS >= 5]
    assert len(often) >= 4
    observed, expected = [drawn[t] for t in often], [float(probabilities[t]) * N_DRAWS for t in often]
    rest = N_DRAWS - sum(expected)
    if rest > 1e-6:
        observed, expected = [*observed, N_DRAWS - sum(observed)], [*expected, rest]
    p = float(chisquare(observed, expected, sum_check=False).pvalue)
    with capsys.disabled():
        print(f"\n{way}: p = {p:.3f} over {len(observed)} classes, {N_DRAWS} draws")
    assert p > 0.001
