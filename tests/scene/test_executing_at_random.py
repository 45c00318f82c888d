"""Plans carried out over random scenes: against the slow way, and whatever they ask."""

from __future__ import annotations

import random
import time
from dataclasses import replace

import pytest
from scenewright_server.scene import expressions as x
from scenewright_server.scene import questions as q
from scenewright_server.scene import replies as r
from scenewright_server.scene.entries import Fact
from scenewright_server.scene.executing import execute
from scenewright_server.scene.writing import write

from tests.scene.naive_sets import NaiveSets, Undecided
from tests.scene.random_plans import KEYS, RandomPlans
from tests.scene.random_scenes import NOUNS, random_objects, scene_of

NAMES = [*NOUNS, "red chair", "blue mug", "gadget", "chiar", "unicorn", "waterproof", "furniture"]
FAILURES = (r.NotHere, r.Nothing, r.Unknown, r.Ask, r.Lost, r.NotUnderstood, r.Mixed)


def plain_scene(seed, n):
    """A scene of English labels and facts that are told as facts alone."""
    draw = random.Random(seed)
    nouns = "chair table mug lamp sofa shelf box vase".split()
    objects = []
    for item in random_objects(seed, n):
        colour = draw.choice(("red", "blue", "green"))
        facts = [Fact("colour", colour), Fact("price", float(draw.randint(1, 9)))] * (draw.random() < 0.8)
        facts += [Fact("maker", draw.choice(("Thonet", "Otto")))] * (draw.random() < 0.5)
        label = draw.choice(nouns)
        label = f"{colour} {label}" if draw.random() < 0.3 else label
        objects.append(replace(item, label=label, aliases=(), description="", facts=tuple(facts)))
    return scene_of(objects)


class PlainPlans(RandomPlans):
    """Sets that the slow way knows."""

    def __init__(self, seed):
        names = [*"chair table mug lamp sofa shelf box vase".split(), "red chair", "blue mug"]
        super().__init__(seed, names, "price price height width depth size distance left right up load".split())

    def _simple(self, depth):
        return self.draw.choice((x.All(), x.All(), x.Reachable(), x.Middle()))

    def _compared(self, depth):
        if self.draw.random() < 0.2:
            return x.Compared(x.Key("maker"), self.draw.choice(("=", "!=")), "Thonet")
        other = self.set(depth + 1) if self.draw.random() < 0.3 else x.Number(self.draw.choice((0.5, 1.0, 3.0, 5.0)))
        return x.Compared(self.key(depth), self.draw.choice(x.SIGNS), other)

    atoms = (
        lambda self, depth: x.Named(self.word()),
        lambda self, depth: x.Named(self.word()),
        _simple,
        lambda self, depth: x.Look(self.draw.choice(("red", "blue"))),
        lambda self, depth: x.Not(self.set(depth + 1)),
        lambda self, depth: x.Nth(self.draw.choice((1, 2, 3, x.LAST))),
        lambda self, depth: self.draw.choice((x.After, x.Before))(self.set(depth + 1)),
        lambda self, depth: x.Has(x.Key(self.draw.choice(("maker", "price")))),
        RandomPlans._related,
        RandomPlans._related,
        _compared,
        RandomPlans._extreme,
        lambda self, depth: x.Ordered(self.key(depth), self.each()),
    )  # fmt: skip


@pytest.mark.parametrize("n", [3, 12, 60, 120])
def test_sets_and_totals_are_those_of_the_slow_way(n):
    plans, n_told = PlainPlans(n), 0
    for seed in range({120: 1, 60: 2}.get(n, 6)):
        scene = plain_scene(10 * n + seed, n)
        naive = NaiveSets(scene.entries)
        for _ in range(40):
            of = plans.set()
            (reply,) = execute((q.Name(of),), scene)
            (found,) = reply.results
            try:
                expected = naive.choose(of)
            except Undecided:
                continue
            if isinstance(found, r.Ask):
                continue
            text = write((q.Name(of),))
            if not expected:
                assert isinstance(found, FAILURES), text
                continue
            assert isinstance(found, r.Listed) and list(found.things) == expected, text
            n_told += 1
            (count,) = execute((q.Count(of),), scene)
            assert count.results == (r.Counted(found.things),)
            (there,) = execute((q.Exist(of),), scene)
            assert there.results == (r.Exists(found.things),)
            prices = {k: naive.fact("price", k) for k in expected if naive.fact("price", k) is not None}
            (total,) = execute((q.Total("sum", x.Key("price"), of),), scene)
            (mean,) = execute((q.Total("avg", x.Key("price"), of),), scene)
            if not prices:
                assert total.results == (r.Unknown("price", found.things),)
                continue
            assert total.results[0].amount.value == pytest.approx(sum(prices.values()))
            assert mean.results[0].amount.value == pytest.approx(sum(prices.values()) / len(prices))
            assert set(total.results[0].things) == set(prices)
            assert set(total.results[0].lacking) == set(expected) - set(prices)
    assert n_told > 15


def test_no_plan_raises_or_takes_long():
    plans, slowest = RandomPlans(5, NAMES, KEYS), 0.0
    met = set()
    for seed in range(20):
        scene = scene_of(
            random_objects(seed, (0, 1, 6, 25, 60)[seed % 5], seed % 3 > 0),
            pointed=(0,) if seed % 5 > 1 else (), kinds={"furniture": ("chair", "table")},
        )  # fmt: skip
        before = None
        for _ in range(40):
            plan = plans.plan()
            start = time.perf_counter()
            replies = execute(plan, replace(scene, before=before))
            slowest = max(slowest, time.perf_counter() - start)
            assert len(replies) == len(plan)
            for reply in replies:
                assert reply.results
                assert all(0 <= k < len(scene.entries) for k in (*reply.things, *reply.turn.things))
                met.update(type(result) for result in reply.results)
            before = replies[-1].turn
    assert slowest < 1
    assert len(met) >= 18


def test_hundreds_of_things():
    plans, scene = RandomPlans(6, NAMES, KEYS), scene_of(random_objects(9, 512))
    for _ in range(12):
        start = time.perf_counter()
        execute(plans.plan(), scene)
        assert time.perf_counter() - start < 5
