"""Chinese."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from scenewright_server.languages.language import MAX_NAMED, M, Names
from scenewright_server.languages.speaking import length_in
from scenewright_server.scene.findings import (
    Answer,
    Count,
    Distance,
    Kind,
    Look,
    One,
    Place,
    Placing,
    Question,
    Reason,
    Refusal,
    Several,
    Survey,
    Things,
    Where,
    YesNo,
)

LENGTHS = {"mm": "毫米", "cm": "厘米", "m": "米", "km": "公里"}
DIGITS = "零一二三四五六七八九"
YES_NO: dict[Question, tuple[str, str]] = {
    "exist": ("有", "没有"),
    "is": ("是", "不是"),
    "reach": ("够得到", "够不到"),
}
"""A question is answered with its own verb."""


class Chinese:
    """How Chinese says what was found."""

    refusals: ClassVar[Mapping[Reason, str]] = {
        "missing": "我在这里没有看到这个",
        "lost": "我不确定你说的是哪一个",
        "unpointed": "你指的地方我什么也没看到",
        "blind": "我看不到你的身后",
        "unsure": "我认不出任何我知道的东西",
        "beyond": "我只能谈论这里的东西",
        "unknown": "我不知道",
        "unclear": "我没有听懂",
    }
    unheard: ClassVar[str] = "我没有听到问题。"
    places: ClassVar[Mapping[Place, str]] = {
        "left": "左边", "middle": "中间", "right": "右边", "you": "你身后",
        "behind": "它后面", "front": "它前面", "beside": "它右边", "on": "它上面",
    }  # fmt: skip

    def gap(self, words: str) -> str:
        return ""

    def count(self, n: int) -> str:
        """ "没有", "两个", "十二个"; in digits from a hundred on."""
        if n in (0, 2):
            return "两个" if n else "没有"
        if n > 99:
            return f"{n}个"
        tens, ones = divmod(n, 10)
        before = DIGITS[tens] if tens > 1 else ""
        return before + ("十" if tens else "") + (DIGITS[ones] if ones else "") + "个"

    def say(self, answer: Answer, names: Names[M]) -> tuple[str | M, ...]:
        """An answer as words and mentions."""
        match answer:
            case Refusal(reason):
                return (self.refusals[reason],)
            case Several(things):
                seen = f"我看到{self.count(len(things))}"
                return (seen, "，", *self._list(things, names)) if len(things) <= MAX_NAMED else (seen,)
            case Look(_, _, value, str(told)):
                return (f"我看到{names.value(value)}，但场景说是{names.value(told)}",)
            case Look(_, _, value):
                return (names.value(value),)
            case Kind(thing, str(seen)):
                return (f"我看到一个{names.value(seen)}，但场景说是一个", names.noun(thing))
            case Kind(thing):
                return ("一个", names.noun(thing))
            case YesNo(question, _, is_so):
                yes, no = YES_NO[question]
                return (yes if is_so else no,)
            case Count(things):
                return (self.count(len(things)),)
            case Things(things):
                return self._list(things, names) or ("什么都没有",)
            case One(thing):
                return (names.usual(thing),)
            case Distance(_, metres):
                number, unit = length_in(metres)
                return (f"大约{number}{LENGTHS[unit]}",)
            case Where(_, _, int(under)):
                return ("在", names.usual(under), "上面")
            case Where(_, place):
                return ("在" + self.places[place],)
            case Survey(facts):
                return tuple(part for n, fact in enumerate(facts) for part in self._tell(fact, n, names))

    def _list(self, things: Sequence[int], names: Names[M]) -> tuple[str | M, ...]:
        """ "红色椅子、桌子和杯子"."""
        parts: list[str | M] = []
        for n, k in enumerate(things):
            parts += ["和" if n == len(things) - 1 else "、"] if n else []
            parts.append(names.usual(k))
        return tuple(parts)

    def _tell(self, fact: Placing, n: int, names: Names[M]) -> list[str | M]:
        """The n-th fact of a description."""
        parts: list[str | M] = ["，"] if n else []
        if fact.under is None:
            parts.append(self.places[fact.place] + "有一个")
        else:
            parts += [names.noun(fact.under), "上面有一个"]
        parts.append(names.full(fact.thing))
        return parts + (["但我看到", *map(names.value, fact.seen)] if fact.seen else [])
