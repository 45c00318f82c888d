"""Chinese replies to composed plans."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from scenewright_server.languages.speaking import (
    MAX_ASKED,
    MAX_LISTED,
    Labels,
    M,
    currency,
    digits,
    durations_in,
    is_year,
    length_in,
    money_digits,
    speaks_for_itself,
)
from scenewright_server.languages.zh import Chinese
from scenewright_server.scene import expressions as x
from scenewright_server.scene import replies as r
from scenewright_server.scene.amounts import CLOCK, SPAN, Amount, rate_of, span_text, symbol, time_text
from scenewright_server.scene.dates import date_text, read_date
from scenewright_server.scene.measures import is_moment
from scenewright_server.scene.topics import is_meant, nearest, topic_of
from scenewright_server.scene.words import is_chinese

UNITS = {
    "mm": "毫米", "cm": "厘米", "m": "米", "km": "公里", "m³": "立方米", "g": "克", "kg": "公斤", "t": "吨",
    "ml": "毫升", "l": "升", "kcal": "千卡", "W": "瓦", "kW": "千瓦", "V": "伏", "h": "小时", "hour": "小时",
    "hours": "小时", "min": "分钟", "s": "秒", "minutes": "分钟", "day": "天", "days": "天", "weeks": "周",
    "months": "个月", "year": "年", "years": "年", "EUR": "欧元", "USD": "美元", "GBP": "英镑", "CNY": "元",
    "JPY": "日元", "HKD": "港元", "CHF": "瑞士法郎", "KRW": "韩元", "INR": "卢比", "gold": "金币", "coins": "金币",
}  # fmt: skip
SIDES: Mapping[r.Bearing, str] = {
    "left": "在你左边", "right": "在你右边", "middle": "在你正前方", "you": "在你身后",
    "back left": "在你左边偏后", "back right": "在你右边偏后", "you left": "在你身后偏左", "you right": "在你身后偏右",
}  # fmt: skip
PLACES: Mapping[x.Relation, str] = {
    "on": "上面", "under": "下面", "in": "里面", "beside": "旁边", "left of": "左边", "right of": "右边",
    "in front of": "前面", "behind": "后面", "above": "上方", "near": "附近",
}  # fmt: skip
BY_USER: Mapping[x.Relation, str] = {
    "left of": "左边", "right of": "右边", "in front of": "前面", "behind": "身后", "near": "附近",
    "beside": "旁边",     "above": "上方", "under": "脚下",
}  # fmt: skip
COMPARATIVES = {
    "height": ("高", "矮"), "width": ("宽", "窄"), "depth": ("深", "浅"), "length": ("长", "短"),
    "distance": ("远", "近"), "price": ("贵", "便宜"), "weight": ("重", "轻"), "age": ("大", "小"),
    "year": ("晚", "早"),
}  # fmt: skip
OPENING = ("opens", "unlocks", "打开")
DOING = set(
    "喜欢 讨厌 害怕 怕 想要 需要 擅长 会 爱 爱吃 卖 住在 来自 认识 开往 前往 驶向 通往 通向 位于 属于 死于 卒于 "
    "生于 出生于 建于 毕业于 源自 产自 适合 连接 教".split()
)
"""Keys that are no nouns: what stands between a thing and a value."""
REMAINING = ("left", "remaining", "剩余", "剩", "还剩", "余量", "剩余数量")
_HOW_OPENED = re.compile(r"[用需要靠拿按推拉转输刷]|.*开$")
_NO_NOUN = set(
    "去 到 往 从 由 给 用 在 打开 怀孕 结婚 去往 来 送 找 要 死了 受伤 "
    "to from for with by leads opens unlocks died pregnant".split()
)
"""Keys of which no other sentence is made."""
KEYS = {
    "width": "宽", "depth": "深", "height": "高", "size": "大小", "distance": "距离", "load": "上面的东西",
}  # fmt: skip
_WHEN = re.compile(
    r"\d|(?:(?:mid-?|early |late )?(?:spring|summer|autumn|winter)|easter|christmas|new year|\w+day|daily|noon|midnight"
    r"|dawn|dusk|sun(?:rise|set)|[春夏秋冬][天季])\b", re.IGNORECASE,
)  # fmt: skip
"""What is told of when something is so."""


class ChineseSpeaker:
    """How Chinese says replies."""

    beyond: ClassVar[str] = "我只能谈论这里的东西。"

    def reply(self, reply: r.Reply, labels: Labels[M]) -> tuple[str | M, ...]:
        """A reply in whole sentences."""
        said: list[list[str | M]] = []
        for words, k in reply.took:
            said.append([f"我把“{words}”当作", labels.mention(k), "。"])
        said += [self._finding(result, labels) for result in reply.results[:MAX_LISTED]]
        if len(reply.results) > MAX_LISTED:
            said.append([f"另外还有{self._count(len(reply.results) - MAX_LISTED)}。"])
        said += [[f"我在这里没有看到{words}。"] for words in reply.missing]
        for k, text in reply.quotes:
            is_found = isinstance(reply.results[-1], r.Listed | r.Exists)
            alone = "上面写着：" if is_found else "只写着："
            of = [alone] if len(reply.quotes) == 1 else [labels.mention(k), "的介绍说："]
            said.append([*of, f"“{text.rstrip(' .。')}”。"])
        return tuple(part for sentence in said for part in sentence)

    def amount(self, amount: Amount, is_measured: bool = False) -> str:
        """An amount as people write it: "24.50欧元", "2.5公斤", "40厘米"."""
        if is_measured and amount.unit == "m":
            value, unit = length_in(amount.value)
            return f"{value}{UNITS[unit]}"
        if amount.unit == CLOCK:
            return "到".join(time_text(its) for its in (amount.value, amount.high) if its is not None)
        if amount.unit == SPAN:
            return span_text(amount.value)
        if amount.dimension == "date":
            return date_text(amount, in_chinese=True)
        if (rate := rate_of(amount.unit)) and not amount.dimension:
            under = symbol(rate[1])
            return f"{self.amount(replace(amount, unit=rate[0]))}/{UNITS.get(under, under)}"
        code = currency(amount)
        values = [amount.value] if amount.high is None else [amount.value, amount.high]
        value = "到".join(money_digits(its) if code else digits(its) for its in values)
        unit = amount.unit if amount.unit == "块" else code or symbol(amount.unit)  # of money, or of what else is paid
        return f"{value}{UNITS.get(unit, unit)}"

    def _count(self, n: int) -> str:
        return Chinese().count(n)

    def _finding(self, result: r.Result, labels: Labels[M]) -> list[str | M]:
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
            case r.Unknown(key, things) if len(things) > 3 or not things:
                return [f"我不知道它们的{name_of(key)}。"]
            case r.Unknown(key, things):
                return ["我不知道", *self._all(things, labels), f"的{name_of(key)}。"]
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
                if not things:
                    return ["没有。" if is_certain else "据我所知没有。"]
                return ["有，", *self._counted(things, labels)]
            case r.OutOfScene():
                return [self.beyond]
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
                    return [labels.mention(thing), "离", labels.mention(other), self._away(metres, "有{}。")]
                where = "、".join(PLACES[relation] for relation in relations)
                end = "。" if relations[0] in ("on", "in", "under", "above") else f"{self._away(metres, '，相距{}')}。"
                return [labels.mention(thing), "在", labels.mention(other), where + end]
            case r.Directed(thing, hour, metres, side):
                where = SIDES["middle" if hour == 12 else side]
                where = f"{where}，{self._count(hour).rstrip('个')}点钟方向"
                return [labels.mention(thing), f"{where}{self._away(metres, '，{}远')}。"]
            case r.Told():
                return self._told(result, labels)
            case r.Totalled(how, key, _, amount, lacking, is_measured):
                name = "" if how == "sum" and amount.unit else name_of(key)
                what = f"平均{name}" if how == "avg" else "" if is_moment(amount) else f"{name}一共"
                parts = [f"{what}是{self.amount(amount, is_measured)}。"]
                if lacking:
                    of = self._all(lacking, labels) if len(lacking) <= 3 else [f"另外{self._count(len(lacking))}"]
                    parts = [*parts, "我不知道", *of, f"的{name_of(key)}。"]
                return parts
            case r.Weighed(_, a, b, is_so):
                yes = "是的" if is_so else "不是"
                return [f"{yes}，", *self._operand(a, labels), "，", *self._operand(b, labels), "。"]
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
            parts += ["另一个"] if labels.text(k) in met else []
            parts.append(labels.mention(k))
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
            parts += [labels.mention(k), f"（{self.amount(result.values[n], result.is_measured)}）"]
        is_cut = len(shown) < len(result.things)
        return [*parts, f"等{self._count(len(result.things))}。" if is_cut else "。"]

    def _away(self, metres: float | None, form: str) -> str:
        """How far away something is, in a form of words; nothing where nobody knows."""
        return "" if metres is None else form.format(self.amount(Amount(metres, "m"), True))

    def _placed(self, place: r.Placed, labels: Labels[M]) -> list[str | M]:
        parts: list[str | M] = [labels.mention(place.thing)]
        if place.under is not None:
            parts += ["在", labels.mention(place.under), "上面，"]
        parts += [SIDES[place.side] + self._away(place.metres, "，{}远")]
        if place.near is not None:
            parts += ["，靠近", labels.mention(place.near)]
        return [*parts, "。"]

    def _told(self, told: r.Told, labels: Labels[M]) -> list[str | M]:
        things = self._all(told.things, labels)
        if told.value is None:
            return ["我不知道", *things, f"的{name_of(told.key)}。"]
        if isinstance(told.value, str):
            value = told.value.strip(" .。")
            if told.key in OPENING and not _is_when(value) and not _HOW_OPENED.match(value):
                return [*things, f"能打开{value}。"]
            if told.key in DOING and not told.is_quoted:
                return [*things, f"{told.key}{value}。"]
            if _is_no_noun(told.key, value) and not told.is_quoted:
                return [*things, f"，{told.key}：{value}。"]
            return [*things, f"的介绍说：“{value}”。" if told.is_quoted else f"的{name_of(told.key, value)}是{value}。"]
        value = self.amount(told.value, told.is_measured)
        if told.key == "distance" and told.is_measured:
            return (
                [*things, f"离你{value}。"]
                if told.to is None
                else [
                    *things,
                    "离",
                    labels.mention(told.to),
                    f"有{value}。",
                ]
            )
        if told.key == "load" and told.is_measured:
            n = self._count(int(told.value.value))
            return [*things, f"上面有{n}东西。" if told.value.value else "上面什么都没有。"]
        if told.key in REMAINING:
            return [*things, f"还剩{value}。"]
        if told.key == "from":
            is_age = told.value.dimension == "time" and told.value.value < 150
            return [*things, f"，{re.sub('年$', '岁', value) if is_age else value}起。"]
        if topic_of(told.key).words[0] == "age":
            value = re.sub("年$", "岁", value)
        is_bare = told.key == "ticket" and not told.value.unit
        return [*things, f"的{name_of(told.key, None if is_bare else told.value)}是{value}。"]

    def _of(self, operand: r.Operand) -> str:
        if operand.how == "count":
            return self._count(len(operand.things)) if operand.things else "零个"
        return self.amount(operand.amount, operand.is_measured)

    def _operand(self, operand: r.Operand, labels: Labels[M]) -> list[str | M]:
        of = labels.mention(operand.things[0]) if operand.how == "fact" else None
        return [self._of(operand)] if of is None else [of, "是", self._of(operand)]

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
            said = re.sub("年$", "岁", said) if key == "age" else said
            which = more if gap.value > 0 else less
            return [labels.mention(a.things[0]), "比", labels.mention(b.things[0]), f"{which}{said}。"]
        if not gap.value:
            return [f"没有差别：{self._of(a)}，{self._of(b)}。"]
        which = ("晚" if is_time else "多") if gap.value > 0 else ("早" if is_time else "少")
        return [f"{which}{said}：{self._of(a)}，{self._of(b)}。"]

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
        so, not_so, unknown = (
            [k for k, its in zip(verdict.things, verdict.are_so, strict=True) if its is value]
            for value in (True, False, None)
        )
        parts: list[str | M] = ["不全是"]
        parts += ["：", *self._all(so, labels), "是"] if so else []
        parts += ["，", *self._all(not_so, labels), "不是"] if not_so else []
        return [*parts, *(["，我不知道", *self._all(unknown, labels), "是不是"] if unknown else []), "。"]

    def _ask(self, ask: r.Ask, labels: Labels[M]) -> list[str | M]:
        if len(ask.things) > MAX_ASKED or ask.by == "nothing":
            return [f"有{self._count(len(ask.things))}，你说的是哪一个？"]
        parts: list[str | M] = ["你说的是"]
        for n, (k, mark) in enumerate(zip(ask.things, ask.marks, strict=True)):
            parts += ["还是" if n == len(ask.things) - 1 else "、"] if n else []
            said = self.amount(mark) if isinstance(mark, Amount) else str(mark)
            match ask.by:
                case "fact":
                    parts += [f"{name_of(ask.key, said)}是{said}的", labels.mention(k)]
                case "side":
                    side: r.Bearing = mark  # type: ignore[assignment]
                    parts += [f"{SIDES[side].removeprefix('在')}的", labels.mention(k)]
                case "under":
                    parts += [labels.mention(int(said)), "上面的", labels.mention(k)]
                case "metres":
                    parts += [f"{self.amount(Amount(float(said), 'm'), True)}远的", labels.mention(k)]
                case _:
                    parts.append(labels.mention(k))
        return [*parts, "？"]


def _is_when(value: str) -> bool:
    return _WHEN.match(value) is not None or read_date(value) is not None


def _is_no_noun(key: str, value: str) -> bool:
    """Whether a key with such a value is no noun, in either language."""
    return name_of(key, value) == key and not _NO_NOUN.isdisjoint((key, key.split(" ")[0], key.split(" ")[-1]))


def name_of(key: str, value: str | Amount | None = None) -> str:
    """What a key is called in Chinese, with such a value; one that is not known as it is."""
    if is_chinese(key) or (key == "from" and isinstance(value, str) and _is_when(value)):
        return key
    return KEYS.get(key) or nearest(key, value, in_chinese=True)


def phrase_of(among: x.Set) -> str | None:
    """What is so of a thing that is in a set: "在桌子上面"; None where there are no few words for it."""
    match among:
        case x.Look(words):
            is_plain = words.endswith(("色", "制", "质")) or not is_chinese(words)
            return (f"是{words}的" if is_chinese(words) else f"是{words}") if is_plain else None
        case x.Named(words) | x.Kind(words):
            return f"是{words}"
        case x.Related(relation, x.Me()) if relation in BY_USER:
            return f"在你{BY_USER[relation]}"
        case x.Related(relation, x.Named(words), False, False):
            return f"在{words}{PLACES[relation]}"
        case x.Visible():
            return "在你的视野里"
        case x.Clock(hour):
            return f"在{Chinese().count(hour).rstrip('个')}点钟方向"
    return None
