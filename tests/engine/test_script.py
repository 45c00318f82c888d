from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from scenewright_server.diorama import text
from scenewright_server.diorama.scene import sample
from scenewright_server.engine.spelling import Speller
from scenewright_server.model.fusion import FusedModel
from scenewright_server.model.scene import GraphObject, merge, placement
from torch import Tensor

from tests.engine.oracle import detections, graph

LABEL = "Goblin King!"
SPOKEN = "goblin king"


def speller(model: FusedModel, label: str = LABEL, *, speaking: bool = True) -> tuple[Speller, int, int]:
    """An answer's speller, and the references of the graph's one object and of something that is only seen."""
    entries = model.read(detections(0, 2), graph(label)).entries
    known = next(k for k, entry in enumerate(entries) if entry.graph)
    seen = next(k for k, entry in enumerate(entries) if not entry.graph)
    refs = model.tokenizer.refs
    spelled = Speller(model, entries, is_description=False)
    if speaking:
        spelled.feed(model.tokenizer.say)
    return spelled, refs[known], refs[seen]


def written(model: FusedModel, speller: Speller, choose: Callable[[Tensor], Tensor]) -> list[int]:
    """The likeliest tokens until the mention ends; `choose` makes the logits (V,) from blank ones."""
    ids: list[int] = []
    while not ids or ids[-1] != model.tokenizer.end:
        ids.append(int(speller.mask(choose(torch.zeros(model.tokenizer.n_vocab))).argmax()))
        speller.feed(ids[-1])
        assert len(ids) < 50
    return ids


def is_free(speller: Speller, model: FusedModel) -> bool:
    logits = torch.randn(model.tokenizer.n_vocab)
    return torch.equal(speller.mask(logits), logits)


@pytest.mark.parametrize("label", [LABEL, "red chair", "Zürich"])
@pytest.mark.parametrize("seed", range(20))
def test_whatever_the_logits_a_label_is_spelled_as_the_graph_has_it(model: FusedModel, seed: int, label: str) -> None:
    torch.manual_seed(seed)
    spelled, ref, _ = speller(model, label)
    spelled.feed(ref)
    ids = written(model, spelled, torch.randn_like)
    expected = [*model.tokenizer.words(label.lower().strip("!")), model.tokenizer.end]
    n = len(ids) - len(expected)
    assert ids[n:] == expected
    assert set(ids[:n]) <= model.adjective_ids and len(set(ids[:n])) == n
    assert is_free(spelled, model)


def test_each_adjective_comes_at_most_once(model: FusedModel) -> None:
    """All of them come where nothing is likelier, and then the label must."""
    adjectives = sorted(model.adjective_ids)
    spelled, ref, _ = speller(model)
    spelled.feed(ref)
    ids = written(model, spelled, lambda blank: blank.index_fill(0, torch.tensor(adjectives), 9.0))
    assert sorted(ids[: len(adjectives)]) == adjectives
    assert model.tokenizer.decode(ids[len(adjectives) :]) == SPOKEN


def test_no_adjective_comes_inside_the_label(model: FusedModel) -> None:
    spelled, ref, _ = speller(model)
    first, second, *_ = model.tokenizer.words(SPOKEN)
    for token in (ref, first):
        spelled.feed(token)
    masked = spelled.mask(torch.randn(model.tokenizer.n_vocab))
    assert (masked > -math.inf).nonzero().flatten().tolist() == [second]


def test_allowed_logits_are_left_as_they_are(model: FusedModel) -> None:
    spelled, ref, _ = speller(model)
    spelled.feed(ref)
    logits = torch.randn(model.tokenizer.n_vocab)
    before, masked = logits.clone(), spelled.mask(logits)
    allowed = [model.tokenizer.words(SPOKEN)[0], *model.adjective_ids]
    assert sorted((masked > -math.inf).nonzero().flatten().tolist()) == sorted(allowed)
    assert torch.equal(masked[allowed], before[allowed]) and torch.equal(logits, before)


def test_what_is_only_seen_may_be_called_anything(model: FusedModel) -> None:
    spelled, _, seen = speller(model)
    assert is_free(spelled, model)
    spelled.feed(seen)
    assert is_free(spelled, model)


def test_an_answer_only_points_before_it_speaks(model: FusedModel) -> None:
    spelled, ref, _ = speller(model, speaking=False)
    spelled.feed(ref)
    assert is_free(spelled, model)
    spelled.feed(model.tokenizer.say)
    assert is_free(spelled, model)
    spelled.feed(ref)
    assert not is_free(spelled, model)


def place_of(x: float, y: float, z: float) -> GraphObject:
    return GraphObject(f"{x} {y} {z}", "goblin king", (x, y, z), (0.5, 0.5, 0.5))


def test_a_description_places_what_the_graph_knows(model: FusedModel) -> None:
    entries = model.read(
        None, [place_of(-1, 0, 2), place_of(-0.9, 0, 3.5), place_of(1, 0, 3), place_of(0, 0, -2)]
    ).entries
    spelled = Speller(model, entries, is_description=True)
    told = []
    for k in range(len(entries)):
        spelled.feed(model.tokenizer.refs[k])
        written(model, spelled, torch.zeros_like)
        ids = []
        while not is_free(spelled, model):
            ids.append(int(spelled.mask(torch.randn(model.tokenizer.n_vocab)).argmax()))
            spelled.feed(ids[-1])
        told.append(model.tokenizer.decode(ids))
    assert told == ["on the left", "behind it", "to the right of it", "behind you"]


def test_places_are_those_of_the_trainings_descriptions() -> None:
    """The rule of the served descriptions against that of the simulator's, on its scenes."""
    n = 0
    for seed in range(60):
        scene = sample(seed, "test")
        seen = text.in_view(scene)
        known = [GraphObject(str(i), t.name, t.position, t.extents, t.box) for i, t in enumerate(seen)]
        entries = merge(None, known)
        for k, thing in enumerate(seen):
            assert entries[k].graph == known[k]
            told = placement(entries, k, k - 1 if k else None)
            said = text.placement(seen, k, seen[k - 1] if k else None)
            n += told == said
            assert told == said or thing.support is not None or "on" in told.split()[:1], (told, said)
    assert n > 200
