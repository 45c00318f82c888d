"""The course of an answer whose words are known beforehand: a description but for the names of things and their
articles, a number, and why there is no answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from scenewright_server.families.diorama.tokenizer import Tokenizer
from scenewright_server.scene.lookup import NUMBERS, Result

PLACES = {
    "en": {
        "left": "on the left", "middle": "in the middle", "right": "on the right", "you": "behind you",
        "behind": "behind it", "front": "in front of it", "beside": "to the right of it", "on": "on it",
    },
    "zh": {
        "left": "左边", "middle": "中间", "right": "右边", "you": "你身后",
        "behind": "它后面", "front": "它前面", "beside": "它右边", "on": "它上面",
    },
}  # fmt: skip


REFUSALS = {
    "missing": {"en": "i do not see that here", "zh": "我在这里没有看到这个"},
    "lost": {"en": "i am not sure which one you mean", "zh": "我不确定你说的是哪一个"},
    "blind": {"en": "i can not see behind you", "zh": "我看不到你的身后"},
    "unsure": {"en": "i can not make out anything that i know", "zh": "我认不出任何我知道的东西"},
    "beyond": {"en": "i can only talk about the things that are here", "zh": "我只能谈论这里的东西"},
    "unknown": {"en": "i do not know", "zh": "我不知道"},
}
DIGITS = "零一二三四五六七八九"
MAX_NAMED = 3  # of several things; more are only counted


@dataclass(frozen=True)
class Words:
    """These tokens, and no others."""

    ids: tuple[int, ...]


@dataclass(frozen=True)
class Choice:
    """One of these tokens, as the decoder likes."""

    ids: frozenset[int]


@dataclass(frozen=True)
class Name:
    """A mention of entry k, in the decoder's words."""

    k: int


Step = Words | Choice | Name


@dataclass(frozen=True)
class Fact:
    """An entry, its place (a key of PLACES, or what it stands on) and what is seen against its label."""

    k: int
    place: str
    under: int | None
    seen: tuple[str, ...]


def lay_answer(tokenizer: Tokenizer, operation: str, result: Result, language: str) -> list[Step]:
    """The steps of a refusal, a number, or of more things than are named; none where the decoder finds the words."""
    words = [part for part in result if isinstance(part, str)]
    n_things = len(result) - len(words)
    if words and words[0] in REFUSALS:
        text = REFUSALS[words[0]][language]
    elif words and words[0] == "several":
        if n_things <= MAX_NAMED:
            return []
        text = f"i see {NUMBERS[n_things]}" if language == "en" else f"我看到{count_in_chinese(n_things)}"
    elif operation == "count":
        text = words[-1] if language == "en" else count_in_chinese(n_things)
    else:
        return []
    return [Words(tuple(tokenizer.words(text))), Choice(frozenset([tokenizer.eot]))]


def count_in_chinese(n: int) -> str:
    """How many, 0 to 99: "两个", "十二个"."""
    if n in (0, 2):
        return "两个" if n else "没有"
    tens, ones = divmod(n, 10)
    before = DIGITS[tens] if tens > 1 else ""
    return before + ("十" if tens else "") + (DIGITS[ones] if ones else "") + "个"


def read_facts(survey: Result) -> list[Fact]:
    """The facts of a survey's result: an entry, its place, and behind "seen" what belies its label."""
    facts: list[Fact] = []
    parts = list(survey)
    while parts and isinstance(parts[0], int):
        k, place = parts.pop(0), str(parts.pop(0))
        # "on" is of what was named before; an entry behind it, itself followed by no place, is named anew.
        stands_on = place == "on" and parts and isinstance(parts[0], int) and not _has_place(parts)
        under = parts.pop(0) if stands_on else None
        seen: list[str] = []
        if parts and parts[0] == "seen":
            parts.pop(0)
            while parts and isinstance(parts[0], str):
                seen.append(str(parts.pop(0)))
        facts.append(Fact(int(k), place, None if under is None else int(under), tuple(seen)))
    return facts


def _has_place(parts: list[str | int]) -> bool:
    """Whether the entry at the head of these parts begins a fact of its own."""
    return len(parts) > 1 and parts[1] in PLACES["en"]


def lay_course(tokenizer: Tokenizer, survey: Result, language: str, names: Mapping[str, str]) -> list[Step]:
    """The steps of a description of these facts; none where there are no facts. `names`: the language's for values."""
    facts = read_facts(survey)
    tell = _tell_in_chinese if language == "zh" else _tell_in_english
    steps = [step for n, fact in enumerate(facts) for step in tell(tokenizer, fact, n, n == len(facts) - 1, names)]
    return [*steps, Choice(frozenset([tokenizer.eot]))] if steps else []


def _tell_in_english(t: Tokenizer, fact: Fact, n: int, is_last: bool, _: Mapping[str, str]) -> Iterator[Step]:
    if n:
        yield Words(tuple(t.words("and" if is_last else ",")))
    yield Choice(frozenset(id for word in ("a", "an") for id in t.words(word)))
    yield Name(fact.k)
    if fact.under is None:
        yield Words(tuple(t.words(PLACES["en"][fact.place])))
    else:
        yield Words(tuple(t.words("on the")))
        yield Name(fact.under)
    if fact.seen:
        yield Words(tuple(t.words("where i see " + " ".join(fact.seen))))


def _tell_in_chinese(t: Tokenizer, fact: Fact, n: int, _: bool, names: Mapping[str, str]) -> Iterator[Step]:
    if n:
        yield Words(tuple(t.words("，")))
    if fact.under is None:
        yield Words(tuple(t.words(PLACES["zh"][fact.place] + "有一个")))
    else:
        yield Name(fact.under)
        yield Words(tuple(t.words("上面有一个")))
    yield Name(fact.k)
    if fact.seen:
        yield Words(tuple(t.words("但我看到" + "".join(names.get(value, value) for value in fact.seen))))
