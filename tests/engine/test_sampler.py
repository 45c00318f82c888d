from __future__ import annotations

import math

import pytest
import torch
from scenewright_server.engine.request import Sampling
from scenewright_server.engine.sampler import keep_top_k, keep_top_p, penalise, sample
from scenewright_server.families.family import ModelError


def kept(logits: torch.Tensor) -> set[int]:
    return {i for i, value in enumerate(logits.tolist()) if value > -math.inf}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("p", [0.01, 0.3, 0.9, 0.999])
def test_top_p_keeps_the_fewest_tokens_that_hold_the_mass(seed: int, p: float) -> None:
    logits = torch.randn(50, generator=torch.Generator().manual_seed(seed)) * 3
    probabilities = logits.double().softmax(0).tolist()
    nucleus: set[int] = set()
    mass = 0.0
    for token in sorted(range(50), key=lambda i: -probabilities[i]):
        nucleus.add(token)
        mass += probabilities[token]
        if mass >= p:
            break
    assert kept(keep_top_p(logits, p)) == nucleus


@pytest.mark.parametrize("k", [1, 7, 50, 1000])
def test_top_k_keeps_the_k_highest(k: int) -> None:
    logits = torch.randn(50, generator=torch.Generator().manual_seed(k))
    assert kept(keep_top_k(logits, k)) == set(sorted(range(50), key=lambda i: -logits[i])[:k])


def test_sampled_frequencies_follow_the_softmax() -> None:
    logits = torch.tensor([2.0, 1.0, 0.0, -1.0])
    generator = torch.Generator().manual_seed(0)
    sampling = Sampling(temperature=0.7, top_k=3)
    counts = torch.zeros(4)
    for _ in range(3000):
        counts[sample(logits, sampling, [], generator)[0]] += 1
    expected = (logits[:3] / 0.7).softmax(0)
    assert torch.allclose(counts[:3] / 3000, expected, atol=0.03)
    assert counts[3] == 0


def test_greedy_takes_the_likeliest_and_tells_the_models_own_probability() -> None:
    logits = torch.tensor([0.5, 2.0, 1.0])
    token, probability = sample(logits, Sampling(), [], torch.Generator())
    assert token == 1
    assert probability == pytest.approx(float(logits.softmax(0)[1]))


def test_the_coldest_temperature_is_greedy() -> None:
    logits = torch.tensor([0.5, 2.0, 1.9999])
    assert {sample(logits, Sampling(temperature=1e-300), [], torch.Generator())[0] for _ in range(20)} == {1}


def test_the_penalty_makes_seen_tokens_less_likely_whatever_their_sign() -> None:
    logits = torch.tensor([2.0, -2.0, 1.0])
    assert penalise(logits, torch.tensor([0, 1]), 2.0).tolist() == [1.0, -4.0, 1.0]
    assert sample(torch.tensor([2.0, 1.5]), Sampling(repetition_penalty=2.0), [0, 0], torch.Generator())[0] == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_new_tokens", 0),
        ("temperature", -0.1),
        ("temperature", math.nan),
        ("top_k", -1),
        ("top_p", 0.0),
        ("top_p", 1.1),
        ("repetition_penalty", 0.0),
        ("stop", ("",)),
    ],
)
def test_a_setting_out_of_range_is_named_with_its_value(field: str, value: object) -> None:
    with pytest.raises(ModelError) as caught:
        Sampling(**{field: value})  # type: ignore[arg-type]
    assert caught.value.reason == "FIELD_OUT_OF_RANGE"
    assert field in caught.value.message and repr(value) in caught.value.message
