"""The questions that were written one by one: their plans are plans, and training reads them as they are."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from pathlib import Path

import torch
from scenewright_server.families.chat.storage import load_bundle
from scenewright_server.importers.bundles import write_bundle
from scenewright_server.scene.parsing import parse
from scenewright_server.scene.writing import write
from scenewright_server.training.listed import read_listed
from scenewright_server.training.packing import IGNORED, Rows
from scenewright_server.training.written import read_written, words_of

from tests.families.chat import tiny


def test_each_is_there_once_and_its_plan_is_as_it_is_written() -> None:
    asked = [(its.name, one.before, one.question) for its in read_written() for one in its.questions]
    twice = [key for key, n in Counter(asked).items() if n > 1]
    assert len(asked) > 2800 and not twice
    for its in read_written():
        for one in its.questions:
            assert write(parse(one.plan)) == one.plan
            assert all(answer for _, answer in one.before), (its.name, one.question)
    assert {(its.asked, its.labelled) for its in read_written()} == {("en", "en"), ("zh", "zh"), ("zh", "en")}


def test_rows_hold_written_questions_and_teach_their_plans(tmp_path: Path) -> None:
    write_bundle(tmp_path / "tiny", tiny.parts(), name="tiny", languages=("en",), dtype="float32", n_context=4096)
    tokenizer = load_bundle(tmp_path / "tiny", torch.device("cpu"), torch.float32).tokenizer
    everything = (*read_written(), *read_listed())
    plans = {one.plan for its in everything if its.asked == "en" for one in its.questions}
    labels = {thing.label for its in read_written() if its.asked == "en" for thing in its.things}
    for row in islice(Rows(tokenizer, (("en", "en", 1.0),), 4000, 2500, seed=5, written=1.0), 4):
        taught = tokenizer.decode([label for label in row.labels if label != IGNORED])
        lines = [line.strip() for line in taught.splitlines()]
        assert len(lines) == max(row.segments) and plans.issuperset(lines)
        scene = tokenizer.decode([id for id, segment in zip(row.ids, row.segments, strict=True) if segment == 0])
        assert all(line[2:].startswith(tuple(labels)) for line in scene.splitlines()[1:] if line.startswith("- "))


def test_strangers_among_the_things_share_no_word_with_the_scene(tmp_path: Path) -> None:
    write_bundle(tmp_path / "tiny", tiny.parts(), name="tiny", languages=("en",), dtype="float32", n_context=4096)
    tokenizer = load_bundle(tmp_path / "tiny", torch.device("cpu"), torch.float32).tokenizer
    n_met = 0
    for row in islice(Rows(tokenizer, (("en", "en", 1.0),), 6000, 3500, 5, written=1.0, strangers=1.0), 6):
        text = tokenizer.decode(row.ids[: row.segments.index(1)])
        lines = [line[2:] for line in text.splitlines() if line.startswith("- ")]
        drawn = [
            its
            for its in (*read_written(), *read_listed())
            if its.asked == "en" and all(any(line.startswith(thing.label) for line in lines) for thing in its.things)
        ]
        met = [line for line in lines if not any(line.startswith(thing.label) for thing in drawn[0].things)]
        words = [words_of(line.partition(":")[0].partition(".")[0]) for line in met]
        assert any(not any(its & one.words for its in words) for one in drawn)
        n_met += len(met)
    assert n_met > 6


def test_lists_are_asked_of_their_rows_and_values() -> None:
    listed = read_listed()
    asked = [one for its in listed for one in its.questions]
    kinds = Counter(one.plan.split()[0] for one in asked)
    assert len(asked) > 1500 and {(its.asked, its.labelled) for its in listed} == {
        ("en", "en"),
        ("zh", "zh"),
        ("zh", "en"),
    }
    assert kinds["values"] > 100 and sum("after" in one.plan for one in asked) > 50
    assert all(write(parse(one.plan)) == one.plan and "{" not in one.question for one in asked)
