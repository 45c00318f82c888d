"""What may come next, whatever the decoder would rather say."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest
import torch
from scenewright_server.families.diorama.course import lay_course
from scenewright_server.families.diorama.fusion import FusedModel
from scenewright_server.families.diorama.results import write as write_result
from scenewright_server.families.diorama.rules import MAX_PLAN, Rules
from scenewright_server.scene.entries import Detections, GraphObject
from scenewright_server.scene.findings import Answer
from scenewright_server.scene.looks import Looks
from scenewright_server.scene.lookup import Lookup
from scenewright_server.scene.plans import PLAN_WORDS
from torch import Tensor

from tests.families.diorama.scenes import ATTRIBUTES, detections, graph

Choose = Callable[[Tensor], Tensor]
QUESTION = "where is the goblin king"
SCENES = {
    "frame": (detections(0, 3), ()),
    "graph": (None, graph("Goblin King!", "red chair", "Zürich")),
    "both": (detections(0, 2), graph("Goblin King!", "red chair")),
}


def write(model: FusedModel, rules: Rules, choose: Choose, plan: list[int] | None = None) -> list[int]:
    """A response of the likeliest tokens; `choose` makes the logits (V,) from blank ones, after this plan if any."""
    ids: list[int] = []
    planned = list(plan or ())
    while not ids or ids[-1] != model.tokenizer.eot:
        logits = choose(torch.zeros(model.tokenizer.n_vocab))
        if planned and not rules.forced:
            logits[planned.pop(0)] = 99.0
        masked = rules.mask(logits)
        ids.append(rules.forced[0] if rules.forced else int(masked.argmax()))
        assert masked[ids[-1]] > -math.inf
        rules.feed(ids[-1])
        assert len(ids) < 1000
    return ids


def noise(model: FusedModel) -> Choose:
    """Random logits, references and ends likelier, so that there are some."""
    likely = torch.tensor([*model.tokenizer.refs, model.tokenizer.eot, model.tokenizer.end])
    return lambda blank: torch.randn_like(blank).index_add(0, likely, torch.full((len(likely),), 2.5))


def parts(model: FusedModel, ids: list[int], has_plan: bool) -> tuple[list[int], list[int], list[int]]:
    """Plan, result and answer."""
    call, say = (ids.index(model.tokenizer.call) if has_plan else -1), ids.index(model.tokenizer.say)
    return ids[: max(call, 0)], ids[call + 1 : say], ids[say + 1 : -1]


def mentions(model: FusedModel, answer: list[int]) -> Iterator[tuple[int, list[int]]]:
    """Each reference of an answer, and the tokens up to its end."""
    for at, token in enumerate(answer):
        if token in model.tokenizer.refs:
            rest = answer[at + 1 :]
            until = next(n for n, id in enumerate([*rest, model.tokenizer.end]) if id == model.tokenizer.end)
            yield model.tokenizer.refs.index(token), rest[:until]


def check_answer(
    model: FusedModel, seen: Detections | None, known: tuple[GraphObject, ...], ids, answer: Answer
) -> None:
    """It mentions only what the answer rests on and no more often, with the labels that the graph has, and says of it
    what the language says."""
    entries, refs = model.read(seen, known).entries, model.tokenizer.refs
    said = list(mentions(model, ids))
    assert Counter(k for k, _ in said) <= Counter(answer.things)
    assert set(ids) & set(refs) == {refs[k] for k, _ in said}
    for k, words in said:
        if (label := entries[k].graph) is not None:
            front = model.tokenizer.decode(words).removesuffix(label.label).split()
            assert model.tokenizer.decode(words).endswith(label.label) and len(set(front)) == len(front)
            assert {*front} <= {"red", "blue"}
            assert not front or entries[k].detection is not None, "looks of what nobody saw"
    looks = Looks(entries, seen, ATTRIBUTES)
    laid = [id for step in lay_course(model.tokenizer, answer, "en", looks, {}) for id in step.ids]
    assert ids == laid


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("seed", range(8))
def test_whatever_the_logits_a_plan_is_looked_up_and_spoken_of(model: FusedModel, seed: int, scene: str) -> None:
    torch.manual_seed(seed)
    seen, known = SCENES[scene]
    entries, asked = model.read(seen, known).entries, model.tokenizer.words(QUESTION)
    rules = Rules(model, entries, seen, asked=asked)
    plan, result, answer = parts(model, write(model, rules, noise(model)), True)
    own = {id for word in PLAN_WORDS for id in model.tokenizer.words(word)} | model.value_ids | {model.tokenizer.end}
    assert len(plan) <= MAX_PLAN and set(plan) <= own | set(asked)
    copied = {(before, after) for before, after in pairwise(plan) if before not in own}
    assert copied <= {*pairwise(asked), *((id, model.tokenizer.end) for id in asked)}
    assert rules.finding is not None and result == write_result(model.tokenizer, rules.finding.answer)
    check_answer(model, seen, known, answer, rules.finding.answer)


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize(
    "plan", ["list", "exist|thing", "what|left|me", "nearest|thing", "is|red chair|left|goblin king"]
)
def test_a_plan_gives_what_the_lookup_finds(model: FusedModel, plan: str, scene: str) -> None:
    torch.manual_seed(0)
    seen, known = SCENES[scene]
    tokenizer, entries = model.tokenizer, model.read(seen, known).entries
    slots = [tokenizer.words(slot) for slot in plan.split("|")]
    ids = [id for slot in slots for id in [tokenizer.end, *slot]][1:]
    rules = Rules(model, entries, seen, asked=tokenizer.words(QUESTION))
    written, result, answer = parts(model, write(model, rules, noise(model), [*ids, tokenizer.call]), True)
    found = Lookup(entries, seen, ATTRIBUTES).find(plan.split("|"), QUESTION)
    assert (written, result, rules.finding) == (ids, write_result(tokenizer, found.answer), found)
    check_answer(model, seen, known, answer, found.answer)
    if plan.startswith(("list", "what")):
        named = [k for k, _ in mentions(model, answer)]
        assert sorted(named) == sorted(found.answer.things), "it names them all"


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_description_needs_no_plan_and_names_everything(model: FusedModel, scene: str, language: str) -> None:
    torch.manual_seed(1)
    seen, known = SCENES[scene]
    entries = model.read(seen, known).entries
    rules = Rules(model, entries, seen, asked=None, language=language)
    _, result, answer = parts(model, write(model, rules, noise(model)), False)
    found = Lookup(entries, seen, ATTRIBUTES).survey()
    assert result == write_result(model.tokenizer, found.answer) and rules.finding == found
    assert {k for k, _ in mentions(model, answer)} == set(range(len(entries)))
    if language == "en":
        check_answer(model, seen, known, answer, found.answer)


def test_the_mask_leaves_what_is_allowed_as_it_was(model: FusedModel) -> None:
    rules = Rules(model, (), None, asked=model.tokenizer.words(QUESTION))
    logits = torch.randn(model.tokenizer.n_vocab)
    before, masked = logits.clone(), rules.mask(logits)
    kept = masked > -math.inf
    assert torch.equal(logits, before) and torch.equal(masked[kept], before[kept])
    assert 0 < kept.sum() < len(kept)
