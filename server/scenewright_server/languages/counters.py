"""Where Chinese words that count things begin a name instead."""

from __future__ import annotations

from scenewright_server.languages.measure_words import COUNTED
from scenewright_server.languages.phrases import Tokens
from scenewright_server.languages.thesaurus import synonyms

ALSO_NAMES = set("架地杯瓶盘碗头盒袋串包桶罐壶笼")
"""Of these, and 地, what names begin with, too."""
_TAKING = set("有要来买拿给卖个")
_NO_NAMES = frozenset("几多不没懂有能会要把给让被比吃零一二两三四五六七八九十百千")
"""What no Chinese word begins with for what is not here, but for those that everybody knows."""

_NO_PART = frozenset("太很最想睡忘怎么什哪谁几")
"""What no such word holds."""
_TOO_WIDE = frozenset("机器 地方 位置 设备 房间 窗口 地址 具体地址 时间 价格 名字 门口 方向".split())
"""Words that name no one thing."""
_NO_ENDS = frozenset("坐放去来朝住走在着了过到上里下")
"""What no such word ends with."""


def begins_name(tokens: Tokens, i: int) -> bool:
    """Whether a Chinese token that counts things elsewhere begins a name here: 架子鼓, but not 有架钢琴."""
    before = tokens[i - 1] if i else ""
    return tokens[i] in ALSO_NAMES and before not in COUNTED and before not in _TAKING


def may_name(span: Tokens) -> bool:
    """Whether Chinese characters may be a word for what is not here."""
    is_strange = (
        len(span) == 1
        or span[0] in _NO_NAMES
        or span[-1] in _NO_ENDS
        or span[:2] == ("点", "半")
        or not {"不", "没"}.isdisjoint(span)
        or not _NO_PART.isdisjoint(span)
    )
    if "".join(span) in _TOO_WIDE:
        return False
    return not is_strange or span in synonyms()
