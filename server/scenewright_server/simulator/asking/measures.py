"""How people speak of what can be measured: one row a measure and language."""

from __future__ import annotations

from collections.abc import Mapping

from scenewright_server.simulator.asking.tables import CODES, Code, read_lines


def _read(code: Code) -> dict[str, dict[str, tuple[str, ...]]]:
    found = {}
    for row in read_lines(f"{code}/measures.txt"):
        name, *fields = row.split("; ")
        pairs = (field.partition("=") for field in fields)
        found[name] = {what: tuple(ways.split("|")) for what, _, ways in pairs}
    return found


MEASURES: Mapping[Code, Mapping[str, Mapping[str, tuple[str, ...]]]] = {code: _read(code) for code in CODES}
RELATIONS: Mapping[Code, Mapping[str, tuple[str, ...]]] = {
    "en": {
        "on": ("on {x}", "on {x}", "on top of {x}", "standing on {x}", "lying on {x}", "sitting on {x}"),
        "under": ("under {x}", "underneath {x}", "below {x}", "beneath {x}"),
        "in": ("in {x}", "inside {x}", "in {x}"),
        "beside": ("next to {x}", "beside {x}", "by {x}", "right next to {x}", "alongside {x}"),
        "left of": ("left of {x}", "to the left of {x}", "on the left of {x}", "on the left side of {x}"),
        "right of": ("right of {x}", "to the right of {x}", "on the right of {x}", "on the right hand side of {x}"),
        "in front of": ("in front of {x}", "before {x}"),
        "behind": ("behind {x}", "at the back of {x}", "hidden behind {x}"),
        "above": ("above {x}", "over {x}"),
        "near": ("near {x}", "close to {x}", "around {x}", "not far from {x}"),
    },
    "zh": {
        "on": ("{x}上", "{x}上面", "{x}上头"), "under": ("{x}下面", "{x}底下", "{x}下边"),
        "in": ("{x}里", "{x}里面", "{x}里头"), "beside": ("{x}旁边", "{x}边上", "紧挨着{x}"),
        "left of": ("{x}左边", "{x}的左边", "{x}左侧"), "right of": ("{x}右边", "{x}的右边", "{x}右侧"),
        "in front of": ("{x}前面", "{x}前边", "{x}的前面"), "behind": ("{x}后面", "{x}背后", "{x}后边"),
        "above": ("{x}上方", "{x}的上方"), "near": ("{x}附近", "{x}周围", "离{x}不远"),
    },
}  # fmt: skip
"""How a place against a thing is said."""
MINE: Mapping[Code, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "en": (
        ("left of me", ("to my left", "on my left", "on my left hand side", "left of me", "to the left of me")),
        ("left of me", ("to my left", "on my left", "on the left")),
        ("right of me", ("to my right", "on my right", "on my right hand side", "right of me", "to the right of me")),
        ("right of me", ("to my right", "on my right", "on the right")),
        ("behind me", ("behind me", "at my back", "in back of me", "behind my back")),
        ("in front of me", ("in front of me", "ahead of me", "straight ahead", "before me", "facing me")),
        ("near me", ("near me", "close to me", "around me", "close by", "nearby")),
        ("in reach", ("within reach", "within my reach", "in reach", "at arm's length")),
        ("in view", ("in view", "in my view", "in sight", "in the picture")),
    ),
    "zh": (
        ("left of me", ("我左边", "我的左边", "我左手边", "左边", "我左侧")),
        ("right of me", ("我右边", "我的右边", "我右手边", "右边", "我右侧")),
        ("behind me", ("我身后", "我后面", "我背后", "后面")),
        ("in front of me", ("我前面", "我面前", "正前方", "前面")),
        ("near me", ("我附近", "我旁边", "我身边", "附近")),
        ("in reach", ("我够得着的地方", "手边", "伸手够得到的地方")),
        ("in view", ("视野里", "画面里", "眼前")),
    ),
}
"""How a place against the user is said, and its plan."""
