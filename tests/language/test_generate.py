"""LanguageService over a real socket says what transformers' `generate` says, token for token."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
import scenewright
import torch
from scenewright import types
from scenewright_server.families.chat.tokenizer import ChatTokenizer
from scenewright_server.families.chat.writer import ChatWriter
from scenewright_server.families.family import KVShape
from scenewright_server.service.app import Server
from tokenizers import Tokenizer, processors

from tests.families.chat.tiny import tokenizer
from tests.language.models import KINDS, PROMPT, TOKENIZER, Source

LONG = {"max_new_tokens": 40}
STOPS = ("og", "zy", "k")  # what begins in the prompt counts for transformers alone: none does here
CASES: dict[str, dict[str, Any]] = {
    "greedy": LONG,
    "repetition penalty": {**LONG, "repetition_penalty": 1.4},
    "stop strings": {**LONG, "stop_strings": STOPS},
    "beams, early stopping": {**LONG, "num_beams": 4, "early_stopping": True, "num_return_sequences": 4},
    "beams": {**LONG, "num_beams": 4, "num_return_sequences": 2},
    "beams, long ones favoured": {**LONG, "num_beams": 3, "length_penalty": 2.0, "num_return_sequences": 3},
    "beams, short ones favoured": {**LONG, "num_beams": 8, "length_penalty": -1.0, "early_stopping": True},
    "beams, penalty and stop strings": {
        **LONG, "num_beams": 4, "early_stopping": True, "repetition_penalty": 1.2, "stop_strings": STOPS,
        "num_return_sequences": 2,
    },
    "one token": {"max_new_tokens": 1, "num_beams": 4, "num_return_sequences": 4},
}  # fmt: skip


def ask(client: scenewright.Client, prompt: str, model: str, **how: Any) -> types.Generation:
    """The same question in our words."""
    names = ("max_new_tokens", "temperature", "top_k", "top_p", "repetition_penalty", "seed")
    sampling = types.Sampling(stop=how.pop("stop_strings", ()), **{k: how.pop(k) for k in names if k in how})
    return client.generate(prompt, sampling=sampling, include_tokens=True, model=model, **how)


def ids_of(sequence: types.GeneratedSequence) -> list[int]:
    return [token.id for token in sequence.tokens]


@pytest.mark.parametrize("prompt", [PROMPT, "a"])
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("kind", KINDS)
def test_tokens_and_scores_are_those_of_transformers(
    client: scenewright.Client, sources: dict[str, Source], kind: str, case: str, prompt: str
) -> None:
    source, how = sources[kind], CASES[case]
    expected = source.generate(prompt, **how)
    found = ask(client, prompt, kind, **how)
    assert [ids_of(one) for one in found.sequences] == [ids for ids, _ in expected]
    for one, (ids, score) in zip(found.sequences, expected, strict=True):
        text = TOKENIZER.decode(ids)
        cuts = [text.find(stop) for stop in how.get("stop_strings", ()) if stop in text]
        assert one.text == text[: min(cuts, default=len(text))]
        is_whole = ids[-1] == source.end or bool(cuts)
        assert one.finish_reason == ("completed" if is_whole else "token_limit")
        assert one.output_tokens == len(ids) and one.log_probability == pytest.approx(
            log_probability(source, prompt, ids), abs=1e-3
        )
        assert one.score == (None if score is None else pytest.approx(score, rel=1e-5))
    assert found.usage.text_tokens == len(TOKENIZER.encode(prompt).ids)


def log_probability(source: Source, prompt: str, ids: list[int]) -> float:
    """Of all tokens, by one pass of transformers without any cache."""
    before = TOKENIZER.encode(prompt).ids
    with torch.no_grad():
        logits = source.model(torch.tensor([[*before, *ids]])).logits[0, len(before) - 1 : -1]
    return float(logits.log_softmax(-1).gather(1, torch.tensor(ids)[:, None]).sum())


def test_the_cases_are_no_empty_ones(sources: dict[str, Source]) -> None:
    """Of all that is compared some ends by its end token, some by its limit and some by a stop string."""
    ends = [ids for source in sources.values() for how in CASES.values() for ids, _ in source.generate(PROMPT, **how)]
    assert any(ids[-1] == 0 and len(ids) < 40 for ids in ends) and any(len(ids) == 40 for ids in ends)
    assert any(any(stop in TOKENIZER.decode(ids) for stop in STOPS) for ids in ends)


async def test_tokens_do_not_depend_on_who_else_is_served(server: Server) -> None:
    """Twelve requests at once, beams among them, and each alone."""
    asked: list[dict[str, Any]] = [
        {"prompt": prompt, **how}
        for prompt in (PROMPT, "lazy dogs", "n")
        for how in (
            {"sampling": types.Sampling(max_new_tokens=30)},
            {
                "sampling": types.Sampling(max_new_tokens=30, temperature=1.0, top_p=0.9, seed=5),
                "num_return_sequences": 3,
            },
            {"sampling": types.Sampling(max_new_tokens=30), "num_beams": 4, "num_return_sequences": 2},
            {"sampling": types.Sampling(max_new_tokens=20, repetition_penalty=1.5), "num_beams": 3},
        )
    ]
    async with scenewright.aio.Client(server.address, model="llama") as client:
        alone = [await client.generate(**one, include_tokens=True) for one in asked]
        together = await asyncio.gather(*(client.generate(**one, include_tokens=True) for one in asked))
    assert [list(map(ids_of, one.sequences)) for one in together] == [list(map(ids_of, one.sequences)) for one in alone]


def test_several_sequences_are_sampled_apart_and_the_same_again(client: scenewright.Client) -> None:
    sampling = types.Sampling(max_new_tokens=12, temperature=1.2, seed=7)
    several = client.generate(PROMPT, sampling=sampling, num_return_sequences=8, include_tokens=True)
    assert len({one.text for one in several.sequences}) == 8
    sums = [sum(token.log_probability for token in one.tokens) for one in several.sequences]
    assert sums == sorted(sums, reverse=True)
    assert sums == pytest.approx([one.log_probability for one in several.sequences], abs=1e-4)
    again = client.generate(PROMPT, sampling=sampling, num_return_sequences=8, include_tokens=True)
    assert list(map(ids_of, again.sequences)) == list(map(ids_of, several.sequences))
    alone = [
        client.generate(PROMPT, sampling=replace(sampling, seed=7 + k), include_tokens=True).sequences[0]
        for k in range(8)
    ]  # fmt: skip
    assert sorted(map(ids_of, alone)) == sorted(map(ids_of, several.sequences))
    assert several.usage.output_tokens == sum(one.output_tokens for one in several.sequences)


def test_a_stream_is_the_same_text_in_pieces(client: scenewright.Client) -> None:
    sampling = types.Sampling(max_new_tokens=30, stop=("og",))
    whole = client.generate(PROMPT, sampling=sampling).sequences[0]
    *words, done = client.generate_stream(PROMPT, sampling=sampling)
    assert isinstance(done, types.Done) and done.finish_reason == whole.finish_reason
    assert len(words) > 1 and "".join(word.text for word in words if isinstance(word, types.TextDelta)) == whole.text
    assert done.usage.output_tokens == whole.output_tokens


SCHEMA = {
    "type": "object",
    "properties": {"colour": {"enum": ["red", "blue"]}, "n": {"type": "integer", "minimum": 0, "maximum": 99}},
    "required": ["colour", "n"],
    "additionalProperties": False,
}


def test_json_is_what_its_schema_allows(client: scenewright.Client) -> None:
    for seed in range(6):
        sampling = types.Sampling(temperature=1.5, seed=seed)
        one = client.generate(PROMPT, sampling=sampling, json_schema=SCHEMA, model="bytes").sequences[0]
        read = json.loads(one.text)
        assert read["colour"] in ("red", "blue") and 0 <= read["n"] <= 99 and one.finish_reason == "completed"


def test_a_prompt_begins_as_the_tokenizer_says_and_holds_no_control_tokens() -> None:
    shape = KVShape(1, 1, 64, 4, torch.device("cpu"), torch.float32)
    made = Tokenizer.from_str(tokenizer().decode())
    plain = ChatWriter(ChatTokenizer(tokenizer()), frozenset({0}), 408, shape)
    assert made.encode("<|end|>").ids == [0]
    spelled = plain.read("a<|end|>")
    assert 0 not in spelled and made.decode(list(spelled)) == "a<|end|>"
    made.post_processor = processors.TemplateProcessing("<|start|> $A", special_tokens=[("<|start|>", 1)])
    assert ChatWriter(ChatTokenizer(made.to_str().encode()), frozenset({0}), 408, shape).read("a<|end|>") == (
        1,
        *spelled,
    )
