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
from scenewright_server.scene.replies import Bearing, Kindness
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
KIND: Mapping[Kindness, str] = {"thanks": "不客气。", "bye": "再见。", "hello": "你好，想了解这里的什么？"}
"""What is said to what is said for courtesy alone."""
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
REMAINING = ("left", "remaining", "剩余", "剩", "还剩", "余量", "剩余数量")
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


def is_no_noun(key: str, value: str) -> bool:
    """Whether a key with such a value is no noun, in either language."""
    return name_of(key, value) == key and not _NO_NOUN.isdisjoint((key, key.split(" ")[0], key.split(" ")[-1]))


def name_of(key: str, value: str | Amount | None = None) -> str:
    """What a key is called in Chinese, with such a value; one that is not known as it is."""
    if is_chinese(key) or (key == "from" and isinstance(value, str) and is_when(value)):
        return key
    if key == "volume" and isinstance(value, Amount) and value.dimension != "volume":
        return "音量"
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
