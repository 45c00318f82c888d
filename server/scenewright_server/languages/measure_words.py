"""Chinese words that count things (张 of 三张桌子), and what they stand after."""

from __future__ import annotations

import re

COUNTERS = set(
    "只张把台本件条辆杯瓶位间家棵座幅支盏头匹名份盒袋种款样架朵碗盘双副部根首扇株艘枚串包桶罐壶顶则扎碟屉笼听坛趟颗粒团盆"
)
COUNTED = set("哪这那几两一二三四五六七八九十每多少0123456789")
_COUNTED_SO = re.compile(f"(?<=[{''.join(sorted(COUNTED))}])(?<!一(?=样))[{''.join(sorted(COUNTERS))}]")


def plainly_counted(words: str) -> str:
    """Words with 个 for each word that only counts: 最后一个 for 最后一趟."""
    return _COUNTED_SO.sub("个", words)
