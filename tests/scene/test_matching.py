"""Names as people say them."""

from __future__ import annotations

import random
import time

import pytest
from scenewright_server.scene.calling import may_be_denied
from scenewright_server.scene.kinds import KINDS, wider
from scenewright_server.scene.matching import Match, Matching, fold, is_negated, looks_so, rivals, single

LABELS = (
    "SM_Chair_02", "coffee_table", "Barrel (1)", "Chair(Clone)", "waiter Bruno",
    "闹钟", "café", "red sofa", "camp sofa", "sofa", "CoffeeMachine", "table lamp", "shelf 1", "shelf 2",
    "红色椅子", "椅子", "box", "vase", "dining table", "Étagère", "salt and pepper", "knives",
)  # fmt: skip
ALIASES = {"sofa": ("couch", "settee"), "vase": ("花瓶",)}
TEXTS = {"dining table": "made of oak", "椅子": "蓝色"}
NAMES = Matching(
    LABELS, [ALIASES.get(label, ()) for label in LABELS], [(fold(its), TEXTS.get(its, "")) for its in LABELS]
)


def named(words, one=True):
    match = NAMES.find(words, one)
    return [LABELS[k] for k in match.things], match.is_near


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        *((label, [label]) for label in LABELS),
        ("chair", ["SM_Chair_02", "Chair(Clone)"]),
        ("the coffee table", ["coffee_table"]),
        ("COFFEE TABLE", ["coffee_table"]),
        ("coffee machines", ["CoffeeMachine"]),
        ("barrel", ["Barrel (1)"]),
        ("Bruno", ["waiter Bruno"]),
        ("waiter", ["waiter Bruno"]),
        ("cafe", ["café"]),
        ("etagere", ["Étagère"]),
        ("couch", ["sofa"]),
        ("sofas", ["sofa"]),
        ("shelf 2", ["shelf 2"]),
        ("shelf 7", []),
        ("shelves", ["shelf 1", "shelf 2"]),
        ("lamp", ["table lamp"]),
        ("钟", ["闹钟"]),
        ("花瓶", ["vase"]),
        ("红色的椅子", ["红色椅子"]),
        ("蓝色椅子", ["椅子"]),
        ("oak table", ["dining table"]),
        ("boxes", ["box"]),
        ("vases", ["vase"]),
        ("knife", ["knives"]),
        ("pepper", ["salt and pepper"]),
        ("unicorn", []),
        ("blue vase", []),
        ("a", []),
    ],
)
def test_names(words, expected):
    assert named(words) == (expected, False)


@pytest.mark.parametrize(("words", "expected"), [("viase", "vase"), ("brarel", "Barrel (1)"), ("wooden vase", "vase")])
def test_what_is_nearly_a_name_is_told_so(words, expected):
    assert named(words) == ([expected], True)


@pytest.mark.parametrize(
    ("words", "label", "is_same"),
    [
        ("raspberry jam", "strawberry jam", False),
        ("strawbery jam", "strawberry jam", True),
        ("ice type sword", "fire type sword", False),
        ("old ring", "gold ring", False),
        ("sport bag", "sports bag", True),
        ("cofee tabel", "coffee table", True),
        ("go board", "notice board", False),
        ("go board", "go_board", True),
        ("board", "go_board", True),
        ("手工树莓果酱", "手工草莓果酱", False),
        ("手工草霉果酱", "手工草莓果酱", True),
        ("绿色陶瓷茶杯", "红色陶瓷茶杯", False),
        ("大号进口狗粮", "大号进口猫粮", False),
    ],
)
def test_a_word_that_is_another_thing_is_no_misspelling(words, label, is_same):
    assert bool(Matching([label], [()]).find(words, False).things) == is_same


def test_one_character_that_is_told_does_not_make_another_name():
    lift = Matching(["直梯"], [("电梯",)], [("直梯", "去二楼家具厅")])
    assert lift.find("楼梯", False).things == () and lift.find("电梯", False).things == (0,)
    assert Matching(["椅子"], [()], [("椅子", "红色")]).find("红椅子", False).things == (0,)


def test_all_of_a_name_are_those_with_its_head():
    assert named("sofa", one=False)[0] == ["red sofa", "camp sofa", "sofa"]
    assert named("table", one=False)[0] == ["coffee_table", "dining table"]
    assert named("椅子", one=False)[0] == ["红色椅子", "椅子"]
    assert named("wooden vase", one=False)[0] == []


def test_every_way_to_write_a_name_finds_it():
    draw = random.Random(2)
    words = "amber birch cedar dusk ember frost grove heron island jasper knoll lagoon maple nectar".split()
    labels = list({" ".join(draw.sample(words, 2)) for _ in range(60)})
    names = Matching(labels, [()] * len(labels), [(label,) for label in labels])
    for k, label in enumerate(labels):
        first, last = label.split()
        pascal = first.title() + last.title()
        for said in (label, label.upper(), f"the {label}", f"{first}_{last}", pascal, f"{label}s"):
            assert names.find(said, True) == Match((k,)), said
        for engine in (f"SM_{pascal}_03", f"{pascal}(Clone)", f"{first}-{last} (1)", f"BP_{first}_{last}"):
            assert Matching([engine], [()]).find(label, True) == Match((0,)), engine


def test_looks():
    assert looks_so("waterproof", ["a bag", "waterproof"])
    assert not looks_so("waterproof", ["not waterproof"]) and is_negated("waterproof", ["not waterproof"])
    assert not looks_so("nuts", ["contains no nuts", "without any nuts", "nut-free"])
    assert not looks_so("sugar", ["sugar-free"]) and is_negated("sugar", ["sugar-free"])
    assert not looks_so("red", ["a bored cat"])
    assert looks_so("红色", ["红色椅子"]) and looks_so("红色的", ["红椅子"])
    assert not looks_so("坚果", ["不含坚果"])
    assert rivals("red", ["blue chair"]) and not rivals("red", ["chair"]) and rivals("红色", ["蓝色椅子"])


def test_hundreds_of_names_are_matched_at_once():
    labels = [f"thing number {k} of the {'very ' * (k % 5)}long list" for k in range(512)]
    names = Matching(labels, [("alias",) * 8] * 512, [(label,) for label in labels])
    start = time.perf_counter()
    assert names.find("quite another thingg that is not there", True).things == ()
    assert time.perf_counter() - start < 1


def test_kinds_and_other_words_are_those_of_wordnet():
    assert {"tool", "hand tool"} <= wider("hammer") and {"couch", "seat", "furniture"} <= wider("sofa")
    assert "planet" in wider("mars") and "vehicle" in wider("bicycle") and "animal" not in wider("table")
    names = Matching(("claw hammer", "teddy bear", "brown bear", "Mars"), [()] * 4)
    kinds = {kind: names.of_wider(kind) for kind in ("tool", "toy", "animal", "planet")}
    assert names.headed(["bear"]) == (2,)
    assert kinds == {"tool": (0,), "toy": (1,), "animal": (2,), "planet": (3,)}


def test_what_a_name_says_of_its_kind():
    labels = (
        "Mr Osei", "Sergeant Okoye", "Private Lund", "saleswoman", "leather armchair", "ticket machine", "King Bed",
        "train to Lund", "train to Arva", "banana plant", "MS Marlene", "defibrillator", "tomb of a bishop", "crypt",
        "《红楼梦》上册", "连环画《鸡毛信》", "书柜", "书包",
    )  # fmt: skip
    names = Matching(labels, [("chair",) if "armchair" in label else () for label in labels])

    def called(found):
        return [labels[k] for k in found]

    people = ["Mr Osei", "Sergeant Okoye", "Private Lund", "saleswoman"]
    assert called(names.headed(KINDS["person"])) == people
    assert set(called(names.of_wider("person"))) <= set(people)
    assert called(names.of_wider("plant")) == ["banana plant"]
    assert called(names.of_wider("device")) == ["defibrillator"]
    assert called(names.headed(KINDS["书"])) == ["《红楼梦》上册", "连环画《鸡毛信》"]
    assert called(names.headed(KINDS["家具"])) == ["leather armchair", "King Bed", "书柜"]
    assert called(names.find("tomb", one=False).things) == ["tomb of a bishop"]
    assert called(names.alike(7)) == ["train to Lund", "train to Arva"]


def test_a_kind_does_not_go_by_a_rare_sense():
    labels = ("scoreboard", "Team Fjord", "Team Lion", "power of attorney", "poster", "shower head", "Team Captain")
    names = Matching(labels, [("board",) if label == "scoreboard" else () for label in labels])
    kinds = ("food", "water", "animal", "person")
    assert [names.of_wider(kind) for kind in kinds] == [(), (), (), (labels.index("Team Captain"),)]


@pytest.mark.parametrize("word", ["cookie", "horse", "snowshoe", "cave", "valve", "movie", "taxi", "box", "shelf"])
def test_one_of_a_plural(word):
    plural = {"box": "boxes", "shelf": "shelves"}.get(word, word + "s")
    assert single(plural) == single(word) == word


@pytest.mark.parametrize(
    "words",
    "piano, grand pianos, Dr. Ahn, 钢琴, teleporter, nail varnish remover, taxi rank, swimming, jarl, skis, snowshoes, "
    "triceratops, seismograph, helipad, knitting group, contact lens solution, lego, ballet, doghouse".split(", "),
)
def test_a_noun_or_a_name_may_be_denied(words):
    assert may_be_denied(words)


@pytest.mark.parametrize("words", ["flurb", "drum kitish", "", "*"])
def test_words_of_no_known_noun_may_not(words):
    assert not may_be_denied(words)
