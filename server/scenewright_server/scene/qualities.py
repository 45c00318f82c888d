"""Colours and materials that a name tells of a thing, "leather sofa", or a description that begins with them, "Red,
from the Atlas mountains": not those of its parts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from scenewright_server.scene.descriptions import clauses, sentences
from scenewright_server.scene.kinds import is_noun, wider
from scenewright_server.scene.matching import fold, head_noun, single, split_name
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
_SHADE = r"(?:(?:dark|light|pale|bright|deep|dull|matt|solid|pure|real|genuine|\w+ly|(?!red )\w+ed) )"
_HAN_SHADE = rf"[深浅淡亮暗天墨米粉]?[{HAN_COLOURS}]+"
_HAN_COLOUR = rf"{_HAN_SHADE}(?:色|(?=的?(?:$|[,，。；、!！和与及])))|[米肉]色|咖啡色|卡其色"
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
_BEGINS = re.compile(rf"(?:(?:it )?is |an? )?(?:painted |dyed )?({_ALL})(?: ?的)?(?=$|[.,;:!，。；！]| with\b)")
_DYED = re.compile(rf"(?:[\w-]+ ){{1,4}}(?:painted|dyed) ({_ALL})$")
_PAINTED = re.compile(rf"(?:.*[,，])?[刷漆涂染喷][了成着上过]*({_HAN_SHADE})(?=[色漆])")
_ENDS = re.compile(rf"(?=.*[a-z] ).*?(?<!\bof )\b({_SHADE}?(?:{'|'.join(sorted(COLOURS))}))$")
_HAN_BEGINS = re.compile(
    "([红蓝绿黄黑白棕橙粉紫])(?![茶酒木板油豆糖枣薯菜花椒米果瓜盐绿外胡砂])[\u4e00-\u9fff]*"
    "[篷杯包伞衣衫裤裙帽鞋袜靴毯椅凳桌柜箱盒袋灯门车船球瓶罐盆桶壶碗盘旗巾子]$"
)
"""A thing that has been made and is of a colour, 绿帐篷, not of what the colour makes another thing, 绿茶杯."""
_NAMED = re.compile(rf"(?:an? |the )?({_ALL})的?(?=[ \u4e00-\u9fff])")
_PHRASE = re.compile(rf"(.*(?:{_ANY}).*)")
_MAX_BEFORE = 7
_ENDS_PHRASE = frozenset(
    "with of for in on at by to from that which who and or but has is are was were lined printed painted covered full "
    "made under near behind over without like against".split()
)
"""Before one of these the noun stands that tells what a thing is."""
_STUFF = frozenset(
    {*MATERIALS, "fabric", "cloth", "enamel", "plush", "fleece", "fur", "case", "cover", "finish", "paint"}
)
"""What a thing may be made of, where a clause says no more: "grey fabric"."""
_PARTS = frozenset("hair beard eye skin face fur coat dress hat shirt door roof wall window lid sign plaque".split())
"""Parts of a thing, of which a description may tell instead: "red hair", "green door"."""
_EATEN = frozenset(("food", "drink", "beverage", "fruit", "vegetable", "foodstuff"))
_AND = re.compile(r"[ ,，/、和与及&-]+|,? (?:and|or) ")


def quality_of(name: str, names: Sequence[str], description: str) -> str | None:
    """The colour or the material, if a key is one, that a thing's names tell, or its description; several as they are
    told, "green and yellow". None where they tell none."""
    quality = _TOLD.get(topic_of(name).words[0])
    if quality is None:
        return None
    told = [pattern.match(_lowered(its)) for its in names for pattern in (_NAMED, _ENDS, _HAN_BEGINS)]
    told += [pattern.match(fold(its)) for its in sentences(description) for pattern in (_BEGINS, _PAINTED, _DYED)]
    told += [_alone(fold(its), quality) for its in sentences(description)]
    told += [_PHRASE.match(_before_noun(fold(its), names)) for its in clauses(description)[:1]]
    for found in filter(None, told):
        own = list(quality.finditer(found[1]))
        between = [found[1][a.end() : b.start()] for a, b in pairwise(own)]
        if own:
            is_one = all(map(_AND.fullmatch, between))
            text = found[1][own[0].start() : own[-1].end()] if is_one else ", ".join(its[0] for its in own)
            return re.sub(f"(?<=[{HAN_COLOURS}])$", "色", text)
    return None


def _before_noun(clause: str, names: Sequence[str]) -> str:
    """What a clause that begins with a noun for the thing of these names says of it before that noun, "black winter" of
    "black winter boot with laces"; nothing where another noun comes first: "green tea", "red cross on the door"."""
    nouns = {word for name in names for word in split_name(name)}
    heads = {head for name in names if (head := head_noun(split_name(name)))}
    is_name = not any(map(is_noun, heads))
    words = clause.split(" ")
    for n, word in enumerate(words[:_MAX_BEFORE]):
        its = single(word)
        if word in _ENDS_PHRASE or (n and is_noun(its) and _EATEN & wider(its) and its not in nouns):
            return ""
        is_own = its in nouns or bool(wider(its) & heads) or any(its in wider(head) for head in heads)
        after = words[n + 1] if n + 1 < len(words) else ""
        is_own |= is_noun(its) and its not in _PARTS and (is_name or after in ("with", "that"))
        if n and (not after or after in _ENDS_PHRASE) and (is_own or word in _STUFF):
            return " ".join(words[:n] if word not in MATERIALS else words[: n + 1])
    return ""


def _alone(sentence: str, quality: re.Pattern[str]) -> re.Match[str] | None:
    """The further clause of a sentence that is a colour, or a material, and no more, "Big enough for two, green", where
    no other clause tells one."""
    pieces = [piece.strip() for piece in re.split("[,，]", sentence)]
    telling = [piece for piece in pieces if quality.search(piece)]
    return _BEGINS.fullmatch(telling[0]) if len(telling) == 1 and len(pieces) > 1 else None


def _lowered(name: str) -> str:
    """A name folded, if no word but its first is written as a name; else nothing of it."""
    first, *rest = re.sub(r"_", " ", name).split() or [""]
    return "" if any(word[:1].isupper() for word in rest) else fold(" ".join((first, *rest)))
