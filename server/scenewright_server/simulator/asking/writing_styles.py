"""The ways in which people write: chatty, careless, without capitals and stops, mistyped."""

from __future__ import annotations

import random
import re

from scenewright_server.simulator.asking.tables import Tables

_KEYS = {
    "a": "sq", "b": "vn", "c": "xv", "d": "sf", "e": "wr", "f": "dg", "g": "fh", "h": "gj", "i": "uo", "j": "hk",
    "k": "jl", "l": "k", "m": "n", "n": "bm", "o": "ip", "p": "o", "q": "w", "r": "et", "s": "ad", "t": "ry", "u": "yi",
    "v": "cb", "w": "qe", "x": "zc", "y": "tu", "z": "x",
}  # fmt: skip

_CHATTY = {"en": 0.2, "zh": 0.4}
_ALIKE = tuple(
    "在再 的得 篮蓝 做作坐座 吗嘛 像象 带戴 园圆 里理 近进 以已 "
    "话画 帐账 炉卢 杯背 柜贵 瓶平 盘盆 帽冒 桌捉 凳登 箱香 刀到 书舒 鞋协 包抱".split()
)
"""Characters that are typed for each other."""


def restyle(question: str, tables: Tables, rng: random.Random) -> str:
    """A question as one of many people writes it; its words stay."""
    question = " ".join(question.split())
    if tables.leads and rng.random() < _CHATTY[tables.code]:
        lead = rng.choice(tables.leads)
        question = lead.rstrip() + (" " if tables.code == "en" else "") + question
    if tables.tails and rng.random() < 0.1:
        question = question.rstrip("?？.。!") + rng.choice(tables.tails)
    if tables.code == "zh":
        question = question.replace("的的", "的")
        if rng.random() < 0.06:
            question = mishear(question, rng)
        roll = rng.random()
        if roll < 0.4:
            return re.sub("[，,。？?！]", "", question) if roll < 0.12 else question.rstrip("。？?")
        return question if question[-1:] in "？?。！" else question + rng.choice(["？", "？", "?", "。"])
    if rng.random() < 0.18:
        question = mistype(question, rng)
    roll = rng.random()
    if roll < 0.3:
        return question.rstrip("?.!").lower() if rng.random() < 0.7 else re.sub(r"[,?.!]", "", question).lower()
    if roll < 0.5:
        return question.rstrip("?")
    question = question[:1].upper() + question[1:]
    return question if question[-1:] in "?.!" else question + ("?" if rng.random() < 0.85 else ".")


def mistype(text: str, rng: random.Random) -> str:
    """One or two words of a text with a letter swapped, doubled, left out or mistaken for its neighbour."""
    words = text.split(" ")
    places = [n for n, word in enumerate(words) if len(word) > 3 and word.isalpha()]
    for n in rng.sample(places, min(len(places), rng.choice([1, 1, 2]))):
        word = words[n]
        i = rng.randrange(1, len(word) - 1)
        roll = rng.random()
        if roll < 0.35:
            word = word[:i] + word[i + 1] + word[i] + word[i + 2 :]
        elif roll < 0.6:
            word = word[:i] + word[i + 1 :]
        elif roll < 0.75:
            word = word[:i] + word[i] + word[i:]
        else:
            word = word[:i] + rng.choice(_KEYS.get(word[i].lower(), word[i])) + word[i + 1 :]
        words[n] = word
    return " ".join(words)


def mishear(text: str, rng: random.Random) -> str:
    """A Chinese text with one character typed as another of the same sound."""
    places = [(n, row) for n, character in enumerate(text) for row in _ALIKE if character in row]
    if not places:
        return text
    n, row = rng.choice(places)
    return text[:n] + rng.choice([other for other in row if other != text[n]]) + text[n + 1 :]
