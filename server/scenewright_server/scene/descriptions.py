"""What a description says: its sentences, its clauses, and amounts that it names by their units alone."""

from __future__ import annotations

import re

from scenewright_server.scene.amounts import Amount, in_digits, read_amounts
from scenewright_server.scene.topics import Topic
from scenewright_server.scene.words import is_chinese

QUOTE_CHARS = 200
"""Of a description, that are quoted at once."""
_WHOLE = "".join(rf"(?<!\b{word})" for word in ("Mr", "Mrs", "Ms", "Dr", "Prof", "St", "vs", "e.g", "i.e", "[A-Z]"))
"""Not after what a full stop only shortens: "Ms. Farrow"."""
_SENTENCE = re.compile(rf"{_WHOLE}[.;!](?=\s|$)|[。；！\n]+")
_FULL_STOP = re.compile(rf"{_WHOLE}[.!](?=\s|$)|[。！\n]+")
_CONDITION = re.compile(r"(?:when|if|unless|until|once)\b", re.IGNORECASE)
MAX_IN_FULL = 60
"""Characters of a sentence that is told in full."""
_ITEM = re.compile(r"[^\W\d]\S*(?: \S+){0,2}")
"""A further item of a list, of three words at most."""
_BUT = re.compile(r",? \bbut\b |，?但")
_MARKS = rf"{_WHOLE}(?!, but )[.;,，。；！!\n]+"
_CLAUSE = re.compile(rf"(?<!\d){_MARKS}(?!\d)|{_MARKS}(?=\s|$)|[。；\n]+|，(?=\D)")
_AGE = re.compile(
    r"(?<![\d~至到满过于-])(?P<zh>\d+)(?P<zh_unit>周?岁|个月大)(?![以之起及~至到-]|的?(?:[小女男]?孩|儿|女|娃|宝))|"
    r"(?:^\W*|\b(?:is|now|just|about|almost|turned) (?:an? )?)(?P<en>\d+)[- ](?P<en_unit>year|month|week)s?[- ]old\b|"
    r"(?<!children )(?<!kids )(?<!those )(?<!people )\baged (?P<aged>\d+)\b(?! ?(?:and|or|to|up|\+|-|–))",
    re.IGNORECASE,
)
_DEGREES = re.compile(r"(?<![\d.])(?P<zh>[-−]?\d+(?:\.\d+)?) ?(?P<zh_unit>度)(?![数电角]|[~至到-])")
_NO_WARMTH = re.compile("酒|镜|近视|转|角|斜|坡")
"""Degrees of something else."""


def sentences(description: str) -> list[str]:
    """What a description says, a whole sentence at a time."""
    return [piece for piece in (part.strip() for part in _SENTENCE.split(description)) if piece]


def contrasts(description: str) -> list[str]:
    """What a description says, up to each "but": what a list negates begins with its "no" and ends there."""
    return [piece for its in sentences(description) for piece in map(str.strip, _BUT.split(its)) if piece]


def clauses(description: str) -> list[str]:
    """What a description says, piece by piece."""
    return [piece for piece in (part.strip(" \t:：") for part in _CLAUSE.split(description)) if piece]


def in_full(piece: str, description: str) -> str:
    """The short English sentence of a description that a piece of it begins and one clause goes on, or a list, or to
    which a condition leads: "Pull the handle hard, it sticks"; of any length where a colon leads to it, "Three quests:
    wolves, a cat"; else, or where it has amounts, the piece."""
    if re.search(r"[:：](?!\d)", piece):
        return _to_next_key(piece, description)
    whole = next((text.strip() for text in _FULL_STOP.split(description) if piece in text), piece)
    parts = clauses(whole)
    is_list = parts[0] == piece and all(map(_ITEM.fullmatch, parts[1:]))
    goes_on = is_list or (len(parts) == 2 and (parts[0] == piece or _CONDITION.match(whole) is not None))
    goes_on &= all(re.match(r"[^\W\d]", part) for part in parts[1:])
    told = [its for its in read_amounts(whole) if re.search(r"\d", whole[its.start : its.end])]
    are_codes = not any(its.amount.unit for its in told)
    is_plain = len(whole) <= MAX_IN_FULL and not is_chinese(whole) and are_codes
    return whole if goes_on and is_plain else piece


def value_in_full(value: str, dimension: str, description: str) -> str:
    """What a description tells under a key, "Dessert: cake, sauce", which is no amount, to the end of its sentence or
    to what is told under the next key."""
    return value if dimension else _to_next_key(value, description)


def _to_next_key(piece: str, description: str) -> str:
    """What a piece of a description begins, to the end of its sentence or to what is told under the next key."""
    sentence = next((text for text in sentences(description) if piece in text), piece)
    rest = sentence[sentence.index(piece) :]
    found = re.search(r"[,，] ?[^,，:：]{1,40}[:：](?!\d)", rest)
    return (rest[: found.start()] if found else rest).strip(" .。")


def quote(description: str) -> str:
    """The first sentences of a description, of QUOTE_CHARS characters at most; "" where not even one is so short."""
    text, end = description.strip(), 0
    for found in (*_SENTENCE.finditer(text), None):
        at = len(text) if found is None else found.end()
        if at > QUOTE_CHARS:
            break
        end = at
    return text[:end].strip()


def amount_in(description: str, key: Topic) -> Amount | None:
    """An age or a temperature that a description tells as a number of its unit: 今年19岁, "aged 47", 60度."""
    pattern = _AGE if "age" in key.words else _DEGREES if key.dimension == "temperature" else None
    if pattern is None:
        return None
    for piece in clauses(description):
        found = pattern.search(in_digits(piece))
        if found is None or (key.dimension == "temperature" and _NO_WARMTH.search(piece)):
            continue
        its = found.groupdict()
        number = its["zh"] or its.get("en") or its["aged"]
        unit = its["zh_unit"] or (f"{its['en_unit']}s" if its.get("en") else "years")
        return Amount(float(number.replace("−", "-")), unit.removesuffix("大"))
    return None
