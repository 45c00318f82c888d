"""Chinese words for what a scene tells: amounts, keys and places."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from scenewright_server.languages.apart import called
from scenewright_server.languages.speaking import Labels, M, currency, digits, length_in, money_digits
from scenewright_server.languages.zh import Chinese
from scenewright_server.scene import expressions as x
from scenewright_server.scene.amounts import CLOCK, SPAN, Amount, rate_of, span_text, symbol, time_text
from scenewright_server.scene.dates import date_text, read_date
from scenewright_server.scene.replies import Bearing
from scenewright_server.scene.topics import nearest
from scenewright_server.scene.words import is_chinese

UNITS = {
    "mm": "毫米", "cm": "厘米", "m": "米", "km": "公里", "m³": "立方米", "g": "克", "kg": "公斤", "t": "吨",
    "ml": "毫升", "l": "升", "kcal": "千卡", "W": "瓦", "kW": "千瓦", "V": "伏", "h": "小时", "hour": "小时",
    "hours": "小时", "min": "分钟", "s": "秒", "minutes": "分钟", "day": "天", "days": "天", "weeks": "周",
    "months": "个月", "year": "年", "years": "年", "EUR": "欧元", "USD": "美元", "GBP": "英镑", "CNY": "元",
    "JPY": "日元", "HKD": "港元", "CHF": "瑞士法郎", "KRW": "韩元", "INR": "卢比", "gold": "金币", "coins": "金币",
}  # fmt: skip
SIDES: Mapping[Bearing, str] = {
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
_AT_HOURS = frozenset(
    "上班 下班 开饭 打烊 发车 开车 出发 到达 到站 开场 开演 散场 关门 开门 熄灯 起飞 降落 开始 结束 截止 交班 换班 "
    "起床 睡觉 停售 闭馆 开馆 闭园 开园 收摊 出摊 退房 入住 登机".split()
)
"""Verbs of what happens at an hour of the day."""
_SINCE = frozenset("建成 建造 始建 成立 创立 创办 修建 落成 出土 出版 出生 发现 去世 发掘".split())
"""Verbs that stand before a year or a place."""
_ACTS = frozenset(
    "吃 喝 吹 坐 摸 咬 骑 开 关 拿 碰 洗 睡 站 用 听 看 买 卖 借 修 退 拍 打 养 动 飞 跑 叫 加热 拍照 试穿 试用".split()
)
"""Verbs that ask whether one may."""
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


def amount_text(amount: Amount, is_measured: bool = False) -> str:
    """An amount as people write it: "24.50欧元", "2.5公斤", "40厘米"; a measured length is rounded."""
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
        return f"{amount_text(replace(amount, unit=rate[0]))}/{UNITS.get(under, under)}"
    code = currency(amount)
    values = [amount.value] if amount.high is None else [amount.value, amount.high]
    value = "到".join(money_digits(its) if code else digits(its) for its in values)
    unit = amount.unit if amount.unit == "块" else code or symbol(amount.unit)  # of money, or of what else is paid
    return f"{value}{UNITS.get(unit, unit)}"


def the(k: int, labels: Labels[M]) -> list[str | M]:
    """A thing and what tells it apart."""
    return called(k, labels) or [labels.mention(k)]


def is_when(value: str) -> bool:
    """Whether a value tells when something is so."""
    return _WHEN.match(value) is not None or read_date(value) is not None


def how_opened(value: str) -> bool:
    """Whether a value tells how something is opened, not what it opens."""
    return _HOW_OPENED.match(value) is not None


def happens(key: str, value: str) -> str | None:
    """A key that is a verb with its time or place, "17:30下班", "建成于1564年"; None where it is no such."""
    if key in _AT_HOURS and re.fullmatch(r"\d{1,2}:\d\d(?:[前后])?", value):
        return f"{value}{key}"
    is_fit = re.match(r"(?:公元前?)?\d{1,4}(?:年|世纪|$)", value) is not None or is_chinese(value)
    return f"{key}于{value}" if key in _SINCE and is_fit and not value.startswith(("在", "于", "由")) else None


def unknown(key: str, things: list[str | M]) -> list[str | M]:
    """That what a key tells of things is not known; of a verb, how it is with that."""
    if key == "distance":
        return ["我不知道", *things, "有多远。"]
    if key in _ACTS:
        return ["我不知道", *things, f"在“{key}”这方面的情况。"]
    return ["我不知道", *things, f"的{name_of(key)}。"]


def is_no_noun(key: str, value: str) -> bool:
    """Whether a key with such a value is no noun, in either language."""
    return name_of(key, value) == key and not _NO_NOUN.isdisjoint((key, key.split(" ")[0], key.split(" ")[-1]))


def name_of(key: str, value: str | Amount | None = None) -> str:
    """What a key is called in Chinese, with such a value; one that is not known as it is."""
    if is_chinese(key) or (key == "from" and isinstance(value, str) and is_when(value)):
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
