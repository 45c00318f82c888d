"""Words that count things and are no units, 盒 and 包 go together, and keys that are units."""

from __future__ import annotations

from scenewright_server.scene.amounts import Amount
from scenewright_server.scene.matching import fold, single

_WORDS = set(
    "piece pc pack packet box bottle can bag set pair roll sheet bar tin jar unit item copy tube stick".split()
)
_HAN = set("只张把台本件条辆杯瓶位间家棵座幅支盏头匹名份盒袋款朵碗盘双副根扇株艘枚串包桶罐壶顶扎卷箱块片粒个管捆套篮")


def is_counting(unit: str) -> bool:
    """Whether a unit only counts things."""
    return not unit or unit in _HAN or single(unit.casefold()) in _WORDS


_MEASURED = ("time", "length", "mass", "volume", "area", "energy")


def counts_units(key: str) -> bool:
    """Whether a key is the unit of its number: "minutes", 公里."""
    its = fold(key)
    is_word = (
        its.endswith("s")
        if its.isascii() and len(its) > 2
        else its in ("km", "kg", "ml", "cm", "公里", "公斤", "分钟", "小时")
    )
    return is_word and Amount(0.0, its).dimension in _MEASURED
