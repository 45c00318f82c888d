"""Words that count things and are no units: 盒 and 包 go together."""

from __future__ import annotations

from scenewright_server.scene.matching import single

_WORDS = set(
    "piece pc pack packet box bottle can bag set pair roll sheet bar tin jar unit item copy tube stick".split()
)
_HAN = set("只张把台本件条辆杯瓶位间家棵座幅支盏头匹名份盒袋款朵碗盘双副根扇株艘枚串包桶罐壶顶扎卷箱块片粒个管捆套篮")


def is_counting(unit: str) -> bool:
    """Whether a unit only counts things."""
    return not unit or unit in _HAN or single(unit.casefold()) in _WORDS
