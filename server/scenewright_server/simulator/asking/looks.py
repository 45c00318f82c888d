"""Looks and told qualities that things of a world have, in both languages."""

from __future__ import annotations

from collections.abc import Mapping

from scenewright_server.simulator.asking.tables import Code

COLOURS: tuple[Mapping[Code, str], ...] = tuple(
    {"en": en, "zh": zh}
    for en, zh in (pair.split("/") for pair in (
        "red/红色 blue/蓝色 green/绿色 yellow/黄色 black/黑色 white/白色 brown/棕色 orange/橙色 pink/粉色 purple/紫色 "
        "grey/灰色 golden/金色 silver/银色 beige/米色"
    ).split())
)  # fmt: skip
QUALITIES: tuple[Mapping[Code, str], ...] = tuple(
    {"en": en, "zh": zh}
    for en, zh in (pair.split("/") for pair in (
        "wooden/木制 plastic/塑料 metal/金属 leather/皮质 glass/玻璃 striped/条纹 broken/坏的 new/全新 old/旧的 dirty/脏的 "
        "round/圆形 folding/折叠 vintage/复古 antique/古董 handmade/手工 rusty/生锈 heavy/沉重 foldable/可折叠 soft/柔软 "
        "electric/电动 magic/魔法 enchanted/附魔 cursed/被诅咒 stone/石制 iron/铁制 ceramic/陶瓷 cotton/棉质 open/开着 closed/关着 "
        "empty/空的 full/满的 locked/上锁 dusty/积灰 shiny/闪亮 transparent/透明 portable/便携 waterproof/防水 "
        "recyclable/可回收 organic/有机 gluten-free/无麸质 vegan/纯素 fragile/易碎"
    ).split())
)  # fmt: skip
