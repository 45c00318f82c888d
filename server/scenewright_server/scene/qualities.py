"""Colours and materials that a name tells of a thing, "leather sofa", or a description that begins with them, "Red,
from the Atlas mountains": not those of its parts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

from scenewright_server.scene.descriptions import sentences
from scenewright_server.scene.matching import fold
from scenewright_server.scene.topics import topic_of
from scenewright_server.scene.words import COLOURS, HAN_COLOURS, MATERIALS

_HAN_MATERIAL_WORDS = "木|不?锈?钢|铁|铜|铝|石|玻璃|塑料|皮|棉|羊毛|丝|麻|陶|瓷|竹|纸|橡胶|亚克力|布|金属?|银"
QUALITIES = {
    "material": re.compile(
        rf"\b(?:{'|'.join(sorted(MATERIALS))})\b|(?:大理|真)?(?:{_HAN_MATERIAL_WORDS})[制质做头]?的?"
    ),
    "colour": re.compile(rf"\b(?:{'|'.join(sorted(COLOURS))})\b|[{HAN_COLOURS}]色?的?"),
}
"""Words that are a value under a key: what is told to have another there is not so."""
_SHADE = r"(?:(?:dark|light|pale|bright|deep|dull|matt|solid|pure|real|genuine|\w+ly|\w+ed) )"
_HAN_COLOUR = rf"[深浅淡亮暗天墨米粉]?[{HAN_COLOURS}]+色|[米肉]色|咖啡色|卡其色"
_HAN_MATERIAL = (
    "(?:实|橡|松|柚|樟|红|原|胡桃)木|[牛羊猪真麂]皮(?!纸)|大理石|花岗岩|不锈钢|玻璃|塑料|陶瓷|橡胶|亚克力|金属|羊[毛绒]|亚麻|真丝|"
    "纯棉|[黄青紫]铜|铸铁|[木铁钢铜石皮棉陶瓷竹布纸银金][制质]"
)
_TOLD = {
    "colour": re.compile(rf"{_SHADE}?(?:{'|'.join(sorted(COLOURS))})(?:ish)?\b|{_HAN_COLOUR}"),
    "material": re.compile(rf"{_SHADE}?(?:{'|'.join(sorted(MATERIALS))})\b|{_HAN_MATERIAL}"),
}
_ANY = "|".join(its.pattern for its in _TOLD.values())
_ALL = rf"(?:{_ANY})(?:的?(?:[ ,，/、和与及-]|, | and | or | & )?(?:{_ANY}))*"
_BEGINS = re.compile(rf"(?:(?:it )?is |an? )?({_ALL})(?: ?的)?(?=$|[.,;:!，。；！])")
_NAMED = re.compile(rf"(?:an? |the )?({_ALL})的?(?=[ \u4e00-\u9fff])")
_AND = re.compile(r"[ ,，/、和与及&-]+|,? (?:and|or) ")


def quality_of(name: str, names: Iterable[str], description: str) -> str | None:
    """The colour or the material, if a key is one, that a thing's names tell, or its description; several as they are
    told, "green and yellow". None where they tell none."""
    quality = _TOLD.get(topic_of(name).words[0])
    if quality is None:
        return None
    told = [_NAMED.match(_lowered(its)) for its in names]
    told += [_BEGINS.match(fold(its)) for its in sentences(description)]
    for found in filter(None, told):
        own = list(quality.finditer(found[1]))
        between = [found[1][a.end() : b.start()] for a, b in pairwise(own)]
        if own:
            is_one = all(map(_AND.fullmatch, between))
            return found[1][own[0].start() : own[-1].end()] if is_one else ", ".join(its[0] for its in own)
    return None


def _lowered(name: str) -> str:
    """A name folded, if no word but its first is written as a name; else nothing of it."""
    first, *rest = re.sub(r"_", " ", name).split() or [""]
    return "" if any(word[:1].isupper() for word in rest) else fold(" ".join((first, *rest)))
