"""Everyday things that a model may invent: said of a scene that holds nothing of the sort, they are made up."""

from __future__ import annotations

import re
from collections.abc import Iterable

from scenewright_server.training.evaluation.amounts import plain

_SORTS = """
chair armchair stool 椅子 凳子 | seat bench 椅 凳 座
table desk 桌子 书桌 | counter nightstand 桌 台
sofa couch settee 沙发 |
lamp chandelier 台灯 吊灯 | light torch 灯
window 窗户 窗子 | 窗
mirror 镜子 | 镜
curtain 窗帘 |
clock 时钟 闹钟 | watch 钟
pillow cushion 枕头 抱枕 |
rug carpet 地毯 | mat
vase 花瓶 | jar amphora
candle 蜡烛 |
painting poster 油画 海报 | picture canvas chart 画
bookcase bookshelf 书架 | shelf shelves 架
wardrobe closet 衣柜 | cupboard cabinet 柜
piano 钢琴 |
guitar 吉他 |
television 电视 | tv screen
laptop computer 电脑 | pc screen
fridge refrigerator 冰箱 | freezer
oven microwave 烤箱 微波炉 | stove
dog 小狗 狗狗 | puppy 狗 犬 宠物 pet
cat 小猫 | kitten 猫
horse 马匹 | mare
bicycle bike 自行车 | 车
bus 公交车 | coach
truck lorry 卡车 | pickup car
umbrella 雨伞 | 伞
ladder 梯子 | stairs 梯
hammer 锤子 | tool
bed 床铺 | 床
plant flower flowers 盆栽 鲜花 | fern cactus tree rose 植物 花
tree 大树 | oak pine plant 树
apple apples 苹果 | fruit
banana bananas 香蕉 | fruit
mug cup 杯子 | glass 杯
bottle bottles 瓶子 | potion wine oil water 瓶
robot 机器人 | droid
sword 宝剑 | katana blade 剑 刀
key keys 钥匙 |
dragon 巨龙 | 龙
"""
"""A sort a line: the words that name it | words that show a scene to hold something of it."""
_DENIED = re.compile(
    r"(?:\bno|\bnot|n't|neither|nor|without|instead of)(?: \w+){0,4} $|(?:没|没有|无|不)[一-鿿]{0,4}$", re.IGNORECASE
)


def _read(table: str) -> list[tuple[re.Pattern[str], tuple[str, ...]]]:
    sorts = []
    for line in table.strip().splitlines():
        names, others = (half.split() for half in line.split("|"))
        parts = [rf"(?<![a-z']){n}(?:e?s)?(?![a-z])" if n.isascii() else n for n in names]
        sorts.append((re.compile("|".join(parts)), (*names, *others)))
    return sorts


_READ = _read(_SORTS)


def invented(text: str, told: Iterable[str]) -> str | None:
    """The first everyday thing that a text affirms and nothing `told` (labels, facts, the questions) speaks of."""
    text, known = plain(text), " ".join(map(plain, told))
    for pattern, words in _READ:
        for m in pattern.finditer(text):
            if not any(w in known for w in words) and not _DENIED.search(text[: m.start()]):
                return m[0]
    return None
