"""Chinese replies to composed plans."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar

from scenewright_server.languages.apart import Apart, asks_of, called
from scenewright_server.languages.speaking import (
    MAX_ASKED,
    MAX_LISTED,
    Labels,
    M,
    asks_of_a_name,
    digits,
    durations_in,
    is_bare_number,
    is_year,
    speaks_for_itself,
)
from scenewright_server.languages.zh import Chinese
from scenewright_server.languages.zh_telling import grouped, told_of, unknown
from scenewright_server.languages.zh_wording import (
    COMPARATIVES,
    KIND,
    PLACES,
    REMAINING,
    SIDES,
    amount_text,
    name_of,
    phrase_of,
    the,
)
from scenewright_server.scene import expressions as x
from scenewright_server.scene import replies as r
from scenewright_server.scene.amounts import CLOCK, Amount
from scenewright_server.scene.measures import SPAN_OF, is_moment
from scenewright_server.scene.topics import is_meant, topic_of
from scenewright_server.scene.words import is_chinese

_AGE, _OLDEST = re.compile(r"\bage\b|年[龄纪]|岁数"), 150
"""Keys of ages, and from how many years on an age is no person's."""


class ChineseSpeaker:
    """How Chinese says replies."""

    beyond: ClassVar[str] = "我只能谈论这里的东西。"

    def reply(self, reply: r.Reply, labels: Labels[M]) -> tuple[str | M, ...]:
        """A reply in whole sentences."""
        said: list[list[str | M]] = []
        for words, k in reply.took:
            said.append([f"我把“{words}”当作", labels.mention(k), "。"])
        is_bare = asks_of_a_name(reply.turn.question if reply.turn else None)
        for result in reply.results[:MAX_LISTED]:
            said.append(self._finding(result, self._apart(result, reply.things, labels), is_bare))
        if len(reply.results) > MAX_LISTED:
            said.append([f"另外还有{self._count(len(reply.results) - MAX_LISTED)}。"])
        said += [[f"我在这里没有看到{words}。"] for words in reply.missing]
        for k, text in reply.quotes:
            is_found = isinstance(reply.results[-1], r.Listed | r.Exists)
            alone = "上面写着：" if is_found else "只写着："
            of = [alone] if len(reply.quotes) == 1 else [*the(k, self._apart(None, reply.things, labels)), "的介绍说："]
            said.append([*of, f"“{text.rstrip(' .。')}”。"])
        said += [self._told(told, self._apart(told, reply.things, labels)) for told in reply.hindrances]
        return tuple(part for sentence in said for part in sentence)

    def amount(self, amount: Amount, is_measured: bool = False) -> str:
        """An amount as people write it: "24.50欧元", "2.5公斤", "40厘米"."""
        return amount_text(amount, is_measured)

    def _count(self, n: int) -> str:
        return Chinese().count(n)

    def _finding(self, result: r.Result, labels: Labels[M], is_bare: bool = False) -> list[str | M]:
        match result:
            case r.NotUnderstood():
                return ["我没有听懂。"]
            case r.Unsure():
                return ["我不确定听懂了没有。"]
            case r.NotHere(words):
                return [f"我在这里没有看到{words}。"]
            case r.Unclear(words):
                return [f"我不确定“{words}”指的是什么。"]
            case r.Nothing():
                return ["这里没有这样的东西。"]
            case r.Unknown("front", things):
                return ["我不知道", *self._all(things, labels), "的正面朝哪边。"]
            case r.Unknown(key, ()):
                return [f"我不知道{name_of(key)}。"]
            case r.Unknown(key, things) if len(things) > 3:
                return [f"我不知道它们的{name_of(key)}。"]
            case r.Unknown(key, things):
                return unknown(key, self._all(things, labels))
            case r.Mixed(key):
                return [f"{name_of(key)}的单位不同，我没法计算。"]
            case r.Lost("this"):
                return ["我不确定你指的是什么。"]
            case r.Lost():
                return ["我不确定你说的是哪一个。"]
            case r.Ask():
                return self._ask(result, labels)
            case r.Listed():
                return self._listed(result, labels)
            case r.Counted(things):
                return self._counted(things, labels)
            case r.Exists(things, is_certain):
                if not things and is_certain:
                    return ["没有，我在这里没看到。" if is_bare else "没有。"]
                if not things:
                    return ["据我所知没有。"]
                return ["有，", *self._counted(things, labels)]
            case r.OutOfScene():
                return [self.beyond]
            case r.Courtesy(kind):
                return [KIND[kind]]
            case r.Verdict():
                return self._verdict(result, labels)
            case r.Described(place, description, facts):
                parts = self._placed(place, labels)
                parts += [f"介绍说：“{description.strip(' .。')}”。"] if description.strip() else []
                for fact in facts:
                    value = fact.value if isinstance(fact.value, str) else self.amount(Amount(fact.value, fact.unit))
                    parts.append(f"{name_of(fact.key, value)}是{value}。")
                return parts
            case r.Placed():
                return self._placed(result, labels)
            case r.Against(thing, other, relations, metres):
                if not relations and metres is None:
                    return self._finding(r.Unknown("distance", (thing, other)), labels)
                if not relations:
                    return [*the(thing, labels), "离", *the(other, labels), self._away(metres, "有{}。")]
                where = "、".join(PLACES[relation] for relation in relations)
                end = "。" if relations[0] in ("on", "in", "under", "above") else f"{self._away(metres, '，相距{}')}。"
                return [*the(thing, labels), "在", *the(other, labels), where + end]
            case r.Directed(thing, hour, metres, side):
                where = SIDES["middle" if hour == 12 else side]
                where = f"{where}，{self._count(hour).rstrip('个')}点钟方向"
                return [*the(thing, labels), f"{where}{self._away(metres, '，{}远')}。"]
            case r.Told():
                return self._told(result, labels)
            case r.Grouped():
                return [grouped(result)]
            case r.Totalled(how, key, _, amount, lacking, is_measured):
                name = "" if how == "sum" and amount.unit else name_of(key)
                what = f"平均{name}" if how == "avg" else "" if is_moment(amount) else f"{name}一共"
                parts = [f"{what}是{self.amount(amount, is_measured)}。"]
                if lacking:
                    of = self._all(lacking, labels) if len(lacking) <= 3 else [f"另外{self._count(len(lacking))}"]
                    parts = [*parts, *unknown(key, of)]
                return parts
            case r.Weighed(_, a, b, is_so):
                yes = "是的" if is_so else "不是"
                said = [self._operand(its, labels, a.things == b.things and a.key != b.key) for its in (a, b)]
                return [f"{yes}，", *said[0], self._sign(result), *said[1], "。"]
            case r.Differs():
                return self._differs(result, labels)
            case r.Times(a, b, _, each) if each is not None and b.amount.unit:
                return [f"是{self.amount(each)}：{self._of(a)}除以{self._of(b)}。"]
            case r.Times(a, b, _, each) if each is not None:
                return [f"每份是{self.amount(each)}：{self._of(a)}除以{self._of(b)}。"]
            case r.Times(a, b, times):
                return [f"是{digits(times)}倍：{self._of(a)}比{self._of(b)}。"]

    def _all(self, things: Sequence[int], labels: Labels[M]) -> list[str | M]:
        """ "椅子、另一个椅子和桌子"; of many, the first."""
        shown = things if len(things) <= MAX_LISTED else things[: MAX_LISTED - 2]
        parts: list[str | M] = []
        met: set[str] = set()
        for n, k in enumerate(shown):
            is_last = n == len(shown) - 1 and len(shown) == len(things)
            parts += [("和" if is_last else "、")] if n else []
            parts += ["另一个"] if labels.text(k) in met and called(k, labels) is None else []
            parts += the(k, labels)
            met.add(labels.text(k))
        return parts + ([f"等{self._count(len(things))}"] if len(shown) < len(things) else [])

    def _counted(self, things: Sequence[int], labels: Labels[M]) -> list[str | M]:
        if not things:
            return ["一个都没有。"]
        return [f"有{self._count(len(things))}：", *self._all(things, labels), "。"]

    def _listed(self, result: r.Listed, labels: Labels[M]) -> list[str | M]:
        if not result.values:
            return ["是", *self._all(result.things, labels), "。"]
        parts: list[str | M] = ["是"]
        shown = result.things[:MAX_LISTED]
        for n, k in enumerate(shown):
            parts += ["和" if n == len(result.things) - 1 else "、"] if n else []
            name = (
                name_of(result.key) if not result.is_measured and is_bare_number(result.key, result.values[n]) else ""
            )
            parts += [*the(k, labels), f"（{name}{self.amount(result.values[n], result.is_measured)}）"]
        is_cut = len(shown) < len(result.things)
        return [*parts, f"等{self._count(len(result.things))}。" if is_cut else "。"]

    def _away(self, metres: float | None, form: str) -> str:
        """How far away something is, in a form of words; nothing where nobody knows."""
        return "" if metres is None else form.format(self.amount(Amount(metres, "m"), True))

    def _placed(self, place: r.Placed, labels: Labels[M]) -> list[str | M]:
        parts: list[str | M] = the(place.thing, labels)
        if place.under is not None:
            parts += ["在", *self._other(place.under, place.thing, labels), "上面，"]
        parts += [SIDES[place.side] + self._away(place.metres, "，{}远")]
        if place.near is not None:
            parts += ["，靠近", *self._other(place.near, place.thing, labels)]
        return [*parts, "。"]

    def _other(self, k: int, thing: int, labels: Labels[M]) -> list[str | M]:
        """A thing beside one that may be called alike."""
        is_alike = labels.text(k) == labels.text(thing) and called(k, labels) is None
        return ["另一个", labels.mention(k)] if is_alike else the(k, labels)

    def _told(self, told: r.Told, labels: Labels[M]) -> list[str | M]:
        if told.value is None:
            return self._finding(r.Unknown(told.key, told.things), labels)
        things = self._all(told.things, labels)
        if isinstance(told.value, str):
            value = told.value.strip(" .。")
            if not told.is_quoted and (said := told_of(told.key, value)) is not None:
                return [*things, f"{said}。"]
            return [*things, f"的介绍说：“{value}”。" if told.is_quoted else f"的{name_of(told.key, value)}是{value}。"]
        value = self.amount(told.value, told.is_measured)
        if told.key.startswith(SPAN_OF):
            return [*things, f"有{value}。"]
        if told.key == "distance" and told.is_measured:
            if told.to is None:
                return [*things, f"离你{value}。"]
            return [*things, "离", *self._other(told.to, told.things[0], labels), f"有{value}。"]
        if told.key == "load" and told.is_measured:
            n = self._count(int(told.value.value))
            return [*things, f"上面有{n}东西。" if told.value.value else "上面什么都没有。"]
        if told.key in REMAINING:
            return [*things, f"还剩{value}。"]
        if told.key == "from":
            is_age = told.value.dimension == "time" and told.value.value < _OLDEST
            return [*things, f"，{re.sub('年$', '岁', value) if is_age else value}起。"]
        if is_chinese(told.key) and (said := told_of(told.key, value)) is not None:
            return [*things, f"{said}。"]
        if _AGE.search(told.key) and told.value.value < _OLDEST:
            value = re.sub("年$", "岁", value)
        is_bare = told.key == "ticket" and not told.value.unit
        return [*things, f"的{name_of(told.key, None if is_bare else told.value)}是{value}。"]

    def _of(self, operand: r.Operand) -> str:
        if operand.how == "count":
            return self._count(len(operand.things)) if operand.things else "零个"
        return self.amount(operand.amount, operand.is_measured)

    def _operand(self, operand: r.Operand, labels: Labels[M], is_of_one: bool) -> list[str | M]:
        """A quantity, and of what it is; of one thing that it is held against itself by its key."""
        if operand.how != "fact":
            return [self._of(operand)]
        if is_of_one:
            return [f"{name_of(operand.key)}{self._of(operand)}"]
        return [*the(operand.things[0], labels), "的", self._of(operand)]

    def _sign(self, weighed: r.Weighed) -> str:
        """How the first quantity is to the second, or is not: "大于"."""
        a, b = weighed.a, weighed.b
        if weighed.sign == "=":
            return "等于" if weighed.is_so else "不等于"
        more, less = "大于", "小于"
        if "clock" in (a.amount.dimension, b.amount.dimension) or (a.key and is_year(a) and is_year(b)):
            more, less = "晚于", "早于"
        elif a.how == b.how == "count" or a.amount.dimension in ("money", "time"):
            more, less = "多于", "少于"
        return ("" if weighed.is_so else "不") + (more if weighed.sign == ">" else less)

    def _differs(self, result: r.Differs, labels: Labels[M]) -> list[str | M]:
        a, b, gap = result.a, result.b, result.amount
        if is_moment(gap):
            return [f"是{self.amount(gap)}：{self._of(a)}减去{self._of(b)}。"]
        said = self.amount(Amount(abs(gap.value), gap.unit), a.is_measured or b.is_measured)
        are_years = bool(a.key or b.key) and is_year(a) and is_year(b)
        is_time = are_years or a.amount.dimension in ("clock", "date")
        if a.amount.unit == b.amount.unit == CLOCK:
            said = "".join(map(self.amount, durations_in(gap)))
        said = f"{abs(gap.value):g}年" if are_years else said
        said = said.removesuffix("%") + "个百分点" * said.endswith("%")
        if a.how == b.how == "fact" and a.key == b.key:
            if not gap.value:
                return [*self._all(result.things, labels), f"的{name_of(a.key)}一样。"]
            key = topic_of(a.key).words[0] if is_meant(a.key, a.amount) else ""
            more, less = ("晚", "早") if is_time else COMPARATIVES.get(key, ("多", "少"))
            is_age = key == "age" and max(a.amount.value, b.amount.value) < _OLDEST
            said = re.sub("年$", "岁", said) if is_age else said
            which = more if gap.value > 0 else less
            return [*the(a.things[0], labels), "比", *the(b.things[0], labels), f"{which}{said}。"]
        if not gap.value:
            return [f"没有差别：{self._of(a)}和{self._of(b)}。"]
        if any(its.how == "number" and not its.amount.unit for its in (a, b)):
            return [f"相差{said}：{self._of(a)}和{self._of(b)}。"]
        which = ("晚" if is_time else "多") if gap.value > 0 else ("早" if is_time else "少")
        return [f"{self._of(a)}比{self._of(b)}{which}{said}。"]

    def _verdict(self, verdict: r.Verdict, labels: Labels[M]) -> list[str | M]:
        phrase = phrase_of(verdict.among)
        if all(its is None for its in verdict.are_so):
            things = self._all(verdict.things, labels)
            return ["我不知道", *things, f"是不{phrase}。"] if phrase else ["我不知道", *things, "是不是这样。"]
        if len({*verdict.are_so}) == 1:
            is_so = bool(verdict.are_so[0])
            because = verdict.because
            if because is not None and is_so and speaks_for_itself(because, verdict.among):
                return self._told(because, labels)
            is_foreign = isinstance(verdict.among, x.Look) and not is_chinese(verdict.among.words)
            if because is not None and (phrase is None or not is_so or is_foreign):
                return ["是的，" if is_so else "不，", *self._told(because, labels)]
            if phrase is None or len(verdict.things) > 3:
                return ["是的。" if is_so else "不是。"]
            return [
                "是的，" if is_so else "不，",
                *self._all(verdict.things, labels),
                f"{'' if is_so else '不'}{phrase}。",
            ]
        so, not_so, not_known = (
            [k for k, its in zip(verdict.things, verdict.are_so, strict=True) if its is value]
            for value in (True, False, None)
        )
        parts: list[str | M] = ["不全是"]
        parts += ["：", *self._all(so, labels), "是"] if so else []
        parts += ["，", *self._all(not_so, labels), "不是"] if not_so else []
        return [*parts, *(["，我不知道", *self._all(not_known, labels), "是不是"] if not_known else []), "。"]

    def _ask(self, ask: r.Ask, labels: Labels[M]) -> list[str | M]:
        if len(ask.things) > MAX_ASKED or ask.by == "nothing":
            return [f"有{self._count(len(ask.things))}，你说的是哪一个？"]
        parts: list[str | M] = ["你说的是"]
        for n, k in enumerate(ask.things):
            parts += ["还是" if n == len(ask.things) - 1 else "、"] if n else []
            parts += [*self._mark(ask, n, labels), labels.mention(k)]
        return [*parts, "？"]

    def _mark(self, ask: r.Ask, n: int, labels: Labels[M]) -> list[str | M]:
        """The words before the label of the n-th of things that are told apart."""
        mark = ask.marks[n]
        said = self.amount(mark) if isinstance(mark, Amount) else str(mark)
        match ask.by:
            case "fact" if name_of(ask.key, said) == "颜色" and is_chinese(said):
                return [f"{said.removesuffix('的')}的"]
            case "fact":
                return [f"{name_of(ask.key, said)}是{said}的"]
            case "side":
                side: r.Bearing = mark  # type: ignore[assignment]
                return [f"{SIDES[side].removeprefix('在')}的"]
            case "under":
                return [labels.mention(int(said)), "上面的"]
            case "row":
                nth = int(mark)  # type: ignore[arg-type]
                end = "左" if nth > 0 else "右"
                return [f"最{end}边的" if abs(nth) == 1 else f"从{end}边数第{abs(nth)}个"]
            case "metres":
                return [f"{self.amount(Amount(float(said), 'm'), True)}远的"]
        return []

    def _apart(self, result: r.Result | None, things: Sequence[int], labels: Labels[M]) -> Labels[M]:
        """Labels that tell apart which of the things that a reply is about are called alike."""
        asked = asks_of(result, things, labels)
        words = {k: (self._mark(ask, n, labels), ()) for ask in asked for n, k in enumerate(ask.things)}
        return Apart(labels, words) if words else labels
