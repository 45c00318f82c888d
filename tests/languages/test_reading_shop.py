"""Two hundred priced products on five shelves: what is read of a question, against brute force."""

from __future__ import annotations

import random

import pytest
from scenewright_server.languages.reading import SURE, read
from scenewright_server.scene.entries import Fact, GraphObject, merge
from scenewright_server.scene.executing import execute
from scenewright_server.scene.parsing import parse
from scenewright_server.scene.replies import Reply, Told, Totalled
from scenewright_server.scene.scene import Scene

BRANDS = "Alba Bergen Corvo Dune Elmo Faro Gala Holm Iris Juno".split()
GOODS = (
    "oat milk,rice,green tea,olive oil,honey,muesli,soap,shampoo,candle,toothpaste,orange juice,pasta,tomato sauce,"
    "coffee,dark chocolate,crackers,dish soap,sponge,batteries,light bulb"
).split(",")
NAMES = [f"{brand} {goods}" for goods in GOODS for brand in BRANDS]
PRICES = [random.Random(i).randint(80, 3000) / 100 for i in range(len(NAMES))]
SHELF_OF = [i % 5 for i in range(len(NAMES))]


def height(shelf: int) -> float:
    return 1.4 - 0.4 * shelf


def shop() -> Scene:
    nth = ["first", "second", "third", "fourth", "fifth"]
    graph = [
        GraphObject(f"s{k}", f"shelf {k + 1}", (0, height(k), 3), (8, 0.04, 0.5), aliases=(f"{nth[k]} shelf",))
        for k in range(5)
    ]
    for i, (name, price, shelf) in enumerate(zip(NAMES, PRICES, SHELF_OF, strict=True)):
        at = (-3.9 + 0.19 * (i // 5), height(shelf) + 0.11, 3)
        graph.append(GraphObject(f"p{i}", name, at, (0.1, 0.18, 0.1), facts=(Fact("price", price, "EUR"),)))
    entries = merge(None, graph)
    return Scene(entries, tuple(entry.graph.label for entry in entries if entry.graph))


@pytest.fixture(scope="module")
def scene() -> Scene:
    return shop()


def ask(scene: Scene, question: str, language: str = "en") -> Reply:
    reading = read(question, scene, language)
    assert reading is not None and reading.confidence >= SURE, f"{question}: {reading}"
    return execute(parse(reading.plan), scene)[0]


def named(scene: Scene, reply: Reply) -> set[str]:
    return {scene.called[k] for k in reply.things}


def products(is_so) -> set[str]:
    return {name for i, name in enumerate(NAMES) if is_so(i)}


def the_least(of: set[str]) -> set[str]:
    return {min(of, key=lambda name: PRICES[NAMES.index(name)])}


@pytest.mark.parametrize("question", ["What's the cheapest thing here?", "cheapest product", "最便宜的是什么"])
def test_the_cheapest(scene: Scene, question: str) -> None:
    assert named(scene, ask(scene, question, "en" if question.isascii() else "zh")) == the_least(set(NAMES))


@pytest.mark.parametrize("goods", ["rice", "shampoo", "coffee"])
def test_the_cheapest_and_the_dearest_of_a_kind(scene: Scene, goods: str) -> None:
    of = products(lambda i: NAMES[i].endswith(goods))
    assert named(scene, ask(scene, f"which {goods} is the cheapest?")) == the_least(of)
    (dearest,) = named(scene, ask(scene, f"I want the most expensive {goods}"))
    assert PRICES[NAMES.index(dearest)] == max(PRICES[NAMES.index(name)] for name in of)


@pytest.mark.parametrize("bound", [1.5, 2, 4])
def test_under_a_price(scene: Scene, bound: float) -> None:
    expected = products(lambda i: PRICES[i] < bound)
    for question in (f"what is under {bound} euros?", f"show me everything below €{bound}"):
        assert named(scene, ask(scene, question)) == expected


@pytest.mark.parametrize(("shelf", "nth"), [(0, "first"), (2, "third"), (4, "fifth")])
def test_on_a_shelf(scene: Scene, shelf: int, nth: str) -> None:
    on_it = products(lambda i: SHELF_OF[i] == shelf)
    assert named(scene, ask(scene, f"how many things are on the {nth} shelf")) == on_it
    assert named(scene, ask(scene, f"what's the cheapest thing on the {nth} shelf?")) == the_least(on_it)
    cheap = products(lambda i: SHELF_OF[i] == shelf and PRICES[i] < 3)
    assert named(scene, ask(scene, f"Anything on the {nth} shelf under 3 euros?")) == cheap


def test_sums_and_prices_of_named_ones(scene: Scene) -> None:
    rng = random.Random(5)
    for _ in range(12):
        i, j = rng.sample(range(len(NAMES)), 2)
        (told,) = ask(scene, f"how much is the {NAMES[i]}?").results
        assert isinstance(told, Told) and str(PRICES[i]) in str(told.value)
        for question, language in (
            (f"how much are the {NAMES[i]} and the {NAMES[j]} together", "en"),
            (f"{NAMES[i]}和{NAMES[j]}一共多少钱", "zh"),
        ):
            (total,) = ask(scene, question, language).results
            assert isinstance(total, Totalled) and total.amount.value == pytest.approx(PRICES[i] + PRICES[j])
