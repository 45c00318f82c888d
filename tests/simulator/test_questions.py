"""Questions against the lookup that answers them when the model is served: two readings of one scene."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from scenewright_server.families.diorama.results import parts
from scenewright_server.languages.en import plural
from scenewright_server.scene.entries import Detections, Entry, GraphObject, merge
from scenewright_server.scene.lookup import Lookup
from scenewright_server.scene.words import is_chinese, normalise
from scenewright_server.simulator import text
from scenewright_server.simulator.kinds import ATTRIBUTES, SPLITS
from scenewright_server.simulator.phrases import CHINESE, QUESTIONS, RELATIONS
from scenewright_server.simulator.questions import QUESTION_TYPES, Asked, dialogue
from scenewright_server.simulator.scene import sample
from scenewright_server.simulator.text import Thing, plain
from scenewright_server.training.episodes import align, spread
from scenewright_server.training.words import label

N_SCENES = 60
KINDS = ATTRIBUTES["kind"]
UNSEEN = {"distance", "apart", "nearest", "closer", "farther", "taller", "closest", "farthest", "reach", "on", "under",
          "behind", "front"}  # fmt: skip
"""Operations and relations on what a frame shows but roughly."""


def known(seed: int, language: str) -> tuple[list[Thing], tuple[Entry, ...]]:
    """A scene as a scene graph tells of it: in view or all around, by nouns, by colours and nouns, by open labels."""
    rng = np.random.default_rng(seed)
    scene = sample(seed, SPLITS[seed % 3])
    items = text.things(scene)
    if seed % 2:
        items = spread(items, np.array(scene.camera.rotation), rng)
    style = rng.integers(3)
    graph = []
    for i in rng.permutation(len(items)):
        item = items[i]
        name = label(rng, language) if style == 2 or item.name not in KINDS else (item.name, item.short)[style]
        graph.append(GraphObject(str(i), name, item.position, item.extents, item.box))
    entries = merge(None, graph)
    things, refs = align(items, entries)
    assert refs == list(range(len(entries)))
    return things, entries


def seen(seed: int) -> tuple[list[Thing], tuple[Entry, ...], Detections]:
    """A scene as a perfect eye sees it."""
    items = text.in_view(sample(seed, SPLITS[seed % 3]))
    looks = [{"size": t.size, "pattern": t.pattern, "colour": t.colour, "kind": t.name} for t in items]
    attributes = {
        name: np.array([[value == look[name] for value in values] for look in looks], np.float32)
        for name, values in ATTRIBUTES.items()
    }
    detections = Detections(
        np.array([t.box for t in items], np.float32),
        np.ones(len(items), np.float32),
        np.array([t.position[2] for t in items], np.float32),
        attributes,
    )
    entries = merge(detections, ())
    things, refs = align(items, entries)
    assert refs == list(range(len(entries)))
    return things, entries, detections


def turns(language: str, n_scenes: int = N_SCENES) -> Iterator[tuple[Sequence[Thing], Lookup, Asked]]:
    """Turns about scenes both known and seen, each with what its plan is looked up in."""
    for seed in range(n_scenes):
        rng = np.random.default_rng([1, seed])
        things, entries = known(seed, language)
        nouns = (*KINDS, *(label(rng, language) for _ in range(16)))
        focus: tuple[int, ...] = ()
        for turn in dialogue(things, rng, 12, nouns, language=language, is_measured=True):
            yield things, Lookup(entries, None, ATTRIBUTES, focus), turn
            focus = turn.refs or focus
        things, entries, detections = seen(seed)
        focus = ()
        for turn in dialogue(things, rng, 12, nouns, language=language):
            if not UNSEEN & {*turn.plan, *map(str, parts(turn.result))}:
                yield things, Lookup(entries, detections, ATTRIBUTES, focus), turn
            focus = turn.refs or focus


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_lookup_of_a_plan_gives_what_settles_its_question(language: str):
    types = set()
    for things, lookup, turn in turns(language):
        found = lookup.find([normalise(slot) for slot in turn.plan])
        assert type(found.answer) is type(turn.result)
        assert parts(found.answer) == parts(turn.result), (turn, [t.phrase for t in things])
        assert 0 <= found.confidence <= 1
        types.add(turn.type)
    assert types == set(QUESTION_TYPES)


def test_the_survey_tells_what_a_description_tells():
    for seed in range(2 * N_SCENES):
        things, entries = known(seed, "en")
        assert Lookup(entries, None, ATTRIBUTES).survey().answer == text.survey(things), [t.phrase for t in things]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_question_says_what_its_plan_asks(language: str):
    """Its language, and every name of its slots."""
    for _, _, turn in turns(language, 20):
        assert turn.language == language and is_chinese(turn.question) == (language == "zh")
        for slot in turn.plan[1:]:
            names = [CHINESE.get(word, word) for word in slot.split()] if language == "zh" else [slot.split()[-1]]
            said = all(name in turn.question or plural(name) in turn.question for name in names)
            is_name = slot not in ("me", "reach", *RELATIONS) and turn.type != "follow_up" and "thing" not in slot
            assert said or slot in turn.question or not is_name, turn


@pytest.mark.parametrize("language", ["en", "zh"])
def test_answers_are_well_written(language: str):
    for things, _, turn in turns(language, 20):
        for said in (plain(turn.answer), turn.question, plain(text.describe(things, language))):
            assert not re.search(r"\ba [aeiou]|\ban [^aeiou]| [,，、\u4e00-\u9fff]|  |^ | $", said), said
        assert is_chinese(plain(turn.answer)) == (language == "zh") or turn.language == "zh"
        mentioned = [part.thing for part in turn.answer if isinstance(part, text.Mention)]
        assert set(mentioned) <= set(turn.refs)


def test_a_form_has_room_for_what_it_asks_about():
    for operation, forms in QUESTIONS.items():
        n_slots = {"en": set(), "zh": set()}
        for language, said in forms.items():
            assert len(set(said)) == len(said)
            n_slots[language] = {len(set(re.findall(r"\{[^}]*\}", form))) for form in said}
        assert n_slots["en"] == n_slots["zh"] and len(n_slots["en"]) == 1, operation


def test_the_king_is_the_goblin_king():
    position, extents = (0.5, 0.0, 3.0), (0.6, 1.8, 0.4)
    things = [Thing("goblin king", position, extents), Thing("oak table", (-0.5, 0.0, 3.0), extents)]
    asked = {
        turn.plan
        for seed in range(200)
        for turn in dialogue(things, np.random.default_rng(seed), 4, ("king", "queen"), is_measured=True)
    }
    assert ("distance", "king") in asked and ("distance", "goblin king") in asked
