"""What was computed is said as computed: thousands of random plans, their texts read again and held to the findings."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from dataclasses import is_dataclass

import pytest
from scenewright_server.languages import SPEAKERS
from scenewright_server.languages.speaking import MAX_LISTED, Spelt
from scenewright_server.scene import replies as r
from scenewright_server.scene.amounts import Amount
from scenewright_server.scene.entries import Fact
from scenewright_server.scene.executing import execute

from tests.scene.random_plans import KEYS, RandomPlans
from tests.scene.random_scenes import NOUNS, random_objects, scene_of

N_PLANS, PLANS_A_SCENE = 10_000, 25
NAMES = [*NOUNS, "red chair", "blue mug", "gadget", "waterproof"]
UNITS = {
    "mm": ("m", 1e-3), "cm": ("m", 1e-2), "m": ("m", 1), "km": ("m", 1e3), "毫米": ("m", 1e-3), "厘米": ("m", 1e-2),
    "米": ("m", 1), "公里": ("m", 1e3), "kg": ("kg", 1), "公斤": ("kg", 1), "EUR": ("EUR", 1), "€": ("EUR", 1),
    "欧元": ("EUR", 1), "元": ("CNY", 1), "¥": ("CNY", 1), "CNY": ("CNY", 1), "m³": ("m³", 1), "立方米": ("m³", 1),
    "pieces": ("pieces", 1), "km/h": ("km/h", 1), "h": ("h", 1), "小时": ("h", 1), "": ("", 1),
}  # fmt: skip
"""What a unit measures, and how much of that it is: our own table, to read the speakers by."""
_UNIT = "|".join(sorted(map(re.escape, filter(None, UNITS)), key=len, reverse=True))
NUMBER = re.compile(rf"(-?)([€¥]?)(\d(?:[\d,]*\d)?(?:\.\d+)?(?:e-\d+)?)(?: ?({_UNIT})(?![A-Za-z]))?")
WORDS = "none one two three four five six seven eight nine ten eleven twelve".split()
HAN = "零 一 两 三 四 五 六 七 八 九 十 十一 十二".split()
COUNTED = {
    "en": (re.compile(rf"\b({'|'.join(WORDS)})\b"), WORDS.index),
    "zh": (
        re.compile("(十[一二]?|[零一二两三四五六七八九])(?=个(?!都)|件|点钟|样|种)"),
        lambda it: HAN.index("两" if it == "二" else it),
    ),
}
NO_COUNTS = ("Which one", "which one", "哪一个", "另一个")


class Pointing:
    """Labels that are mentioned by their numbers."""

    scene = None

    def __init__(self, called):
        self._called = called

    def text(self, k: int) -> str:
        return self._called[k]

    def mention(self, k: int) -> str:
        return f"⟦{k}⟧"


def numbers_of(value: object) -> Iterator[tuple[float, str]]:
    """Every number in a finding, with what it is of: amounts, measured metres, hours, and how many things there are."""
    if isinstance(value, Amount):
        unit = value.unit.replace(" / ", "/")
        unit = unit if unit in UNITS else unit.partition("/")[0]  # "€3.20 per kg"
        kind, scale = UNITS.get(unit, (unit, 1))
        yield from ((its * scale, kind) for its in (value.value, value.high) if its is not None)
    elif isinstance(value, Fact):
        yield from () if isinstance(value.value, str) else numbers_of(Amount(value.value, value.unit))
    elif is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from numbers_of(getattr(value, field.name))
            if field.name == "metres":
                yield getattr(value, field.name), "m"
    elif isinstance(value, tuple):
        yield len(value), ""
        yield len(value) - MAX_LISTED, ""
        for item in value:
            yield from numbers_of(item)
    elif isinstance(value, float | int) and not isinstance(value, bool):
        yield from ((value, ""), (value, "m"))


def numbers_in(text: str, language: str) -> list[tuple[float, str, float]]:
    """Every number that a text says: its value, what it is of, and how far off the rounding may be."""
    said = []
    for sign, money, number, unit in NUMBER.findall(text):
        kind, scale = UNITS[money or unit]
        decimals = len(number.partition("e")[0].partition(".")[2])
        value = float(number.replace(",", ""))
        last = 10.0**-decimals * (10.0 ** -int(number.partition("e-")[2]) if "e-" in number else 1)
        said.append((value * scale * (-1 if sign else 1), kind, last * scale * 0.51))
    pattern, value_of = COUNTED[language]
    return said + [(value_of(word), "", 0.0) for word in pattern.findall(NUMBER.sub(" ", text))]


def is_among(said: tuple[float, str, float], found: set[tuple[float, str]]) -> bool:
    value, kind, slack = said
    return any(
        kind == its_kind and abs(abs(value) - abs(its)) <= min(slack, max(0.12 * abs(its), 0.006)) + 1e-9
        for its, its_kind in found
    )


def must_say(result: r.Result) -> list[tuple[float, str]]:
    """The numbers without which the result would not be told."""
    match result:
        case r.Placed(metres=metres) | r.Directed(metres=metres) | r.Described(place=r.Placed(metres=metres)):
            return [(metres, "m")]
        case r.Told(key="load", value=Amount(value=0)):
            return []  # "nothing"
        case r.Told(value=Amount() as amount) | r.Totalled(amount=amount) | r.Weighed(a=r.Operand(amount=amount)):
            return list(numbers_of(amount))[:1]
        case r.Counted(things) if things:
            return [(len(things), "")]
    return []


def settled(result: r.Result) -> bool | None:
    """The yes or no of a result, None where it is neither."""
    match result:
        case r.Exists(things, True):
            return bool(things)
        case r.Weighed(is_so=is_so):
            return is_so
        case r.Verdict(are_so=are_so) if len({*are_so}) == 1:
            return are_so[0]
    return None


YES, NO = re.compile("^(Yes|是的|有，|是，|是。)"), re.compile("^(No[,.]|不[，是]|没有[。，])")


def check(reply: r.Reply, called, language: str) -> None:
    text = "".join(SPEAKERS[language].reply(reply, Pointing(called)))
    spelt = "".join(SPEAKERS[language].reply(reply, Spelt(called)))
    named = [int(k) for k in re.findall(r"⟦(\d+)⟧", text)]
    as_spelt = re.sub(r"⟦(\d+)⟧", lambda its: called[int(its[1])], text)
    assert spelt.casefold() == as_spelt.casefold(), "every name is the thing's own"
    plain = re.sub("“[^”]*”|⟦\\d+⟧", " ", text)
    groups = (its for result in reply.results if isinstance(result, r.Grouped) for its in result.groups)
    told = {its.value for its in groups if isinstance(its.value, str)}
    for name in (*NO_COUNTS, *sorted({*NAMES, *called, *told}, key=len, reverse=True)):
        plain = plain.replace(name, " ")
    found = {pair for result in reply.results for pair in numbers_of(result)}
    found.add((len(reply.results) - MAX_LISTED, ""))  # "there are 4 more"
    said = numbers_in(plain, language)
    for number in said:
        assert is_among(number, found), (number, text, reply.results)
    may_name = {k for result in reply.results for k in (*result.things, *_all_things(result))}
    assert set(named) <= may_name | {k for _, k in reply.took}, (text, reply.results)
    if len(reply.results) == 1 and not reply.took:
        (result,) = reply.results
        for value, kind in must_say(result):
            assert any(is_among(number, {(value, kind)}) for number in said), (value, kind, text, result)
        is_so = settled(result)
        assert (bool(YES.match(text)), bool(NO.match(text))) == (is_so is True, is_so is False), (text, result)


def _all_things(value: object) -> Iterator[int]:
    """Things anywhere in a result."""
    if is_dataclass(value):
        for field in dataclasses.fields(value):
            its = getattr(value, field.name)
            if field.name in ("thing", "other", "under", "near", "to") and isinstance(its, int):
                yield its
            elif field.name in ("things", "lacking", "marks") and isinstance(its, tuple):
                yield from (int(k) for k in its if str(k).isdigit())
            yield from _all_things(its)


@pytest.mark.parametrize("part", range(4))
def test_every_number_name_and_yes_of_a_text_is_the_findings(part: int):
    plans, met = RandomPlans(15 + part, NAMES, KEYS), set()
    for seed in range(part, N_PLANS // PLANS_A_SCENE, 4):
        scene = scene_of(random_objects(seed, 2 + seed % 4), pointed=(0,))
        for _ in range(PLANS_A_SCENE):
            for reply in execute(plans.plan(), scene):
                met.update(type(result) for result in reply.results)
                for language in SPEAKERS:
                    check(reply, scene.called, language)
    assert len(met) >= 18, met


@pytest.mark.parametrize(
    ("reply", "wrong"),
    [
        (r.Directed(0, 3, 11.3), r.Directed(0, 3, 1.13)),
        (r.Directed(0, 3, 11.3), r.Directed(0, 4, 11.3)),
        (r.Told((0,), "weight", Amount(9.0, "kg")), r.Told((0,), "weight", Amount(9.0, "EUR"))),
        (r.Exists((0,)), r.Exists(())),
        (r.Exists((0,)), r.Exists((1,))),
        (r.Counted((0, 1)), r.Counted((0, 1, 0))),
    ],
)
def test_the_reader_sees_what_was_said_otherwise(reply, wrong, monkeypatch):
    called = ("chair", "闹钟")
    for language, speaker in SPEAKERS.items():
        check(r.Reply((reply,), None), called, language)
        told = type(speaker).reply

        def lie(self, _, labels, told=told):
            return told(self, r.Reply((wrong,), None), labels)

        with monkeypatch.context() as patch, pytest.raises(AssertionError):
            patch.setattr(type(speaker), "reply", lie)
            check(r.Reply((reply,), None), called, language)
