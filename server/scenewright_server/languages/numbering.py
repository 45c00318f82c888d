"""What the numbers, units and times of a question may be of: the parts of a plan that they give."""

from __future__ import annotations

from collections.abc import Iterator

from scenewright_server.languages.clocks import clock_at
from scenewright_server.languages.filling import Part
from scenewright_server.languages.measuring import dimension_of, key_of_costs, key_of_those
from scenewright_server.languages.mentions import Mentions, cut
from scenewright_server.languages.numerals import MAX_UNIT, amount_at, ordinal_at, share_at, whole_at
from scenewright_server.languages.phrases import Tokens
from scenewright_server.scene.expressions import Key
from scenewright_server.scene.scene import Scene
from scenewright_server.scene.words import is_chinese
from scenewright_server.scene.writing import write_key

_KEPT = 6
"""Keys that one number may be of."""
_FAR = 0.05
"""What a key may cost that is told here."""
_PRICE, _PRICED = "价格", frozenset("贵价钱")
_YEARS = (1000, 2100)
_NEXT = 0.01
"""What each key more costs of those that may be meant alike."""

Found = Iterator[tuple[int, float, Part]]
"""Where each ends, what it costs, and what it is."""


def numbers_at(tokens: Tokens, mentions: Mentions, scene: Scene, i: int) -> Found:
    """Amounts that begin at token i; "key": what they may be of, "unit": the same where a unit tells
    it, "own": what those that were just spoken of are told in their unit."""
    found = amount_at(tokens, i) or (share_at(tokens, i) if mentions.keys_in("%")[1] else None)
    if not found:
        return
    value, unit, end = found
    if not unit and tokens[end : end + 1] == ("个",):
        return  # so many things
    keys, _ = mentions.keys_in(unit)
    is_price = not _PRICED.isdisjoint(tokens)
    keys = [*mentions.keys_before, *keys] if not unit and is_chinese(tokens[i]) and not is_price else keys
    for n in range(min(3, len(tokens) - end), 0, -1) if not unit else ():
        named = "".join(tokens[end : end + n])
        of_unit, is_unit = mentions.keys_in(named)
        if is_unit:
            is_warmth = named == "度" and of_unit == mentions.keys_in("℃")[0]
            keys, unit, end = of_unit, "℃" if is_warmth else named, end + n
            break
        if n > 1 and mentions.keys.get(tuple(named), ("", 1.0)) == (named, 0.0):
            keys, end = [named], end + n  # "一千灵石"
            break
    unit = "元" if unit == "块" else unit
    dimension = dimension_of(unit) if unit else ""
    if dimension == "length" and len(told := mentions.keys_of_units.get("length", [])) == 1:
        keys = told
    elif keys == [_PRICE] and dimension in ("", "money"):
        if not unit and (following := _key_at(tokens, mentions, end)):
            keys = [following]
        elif not unit and (year := _year_of(mentions, value)):
            keys = [year]
        elif costs := key_of_costs([entry.graph for entry in scene.entries]):
            keys = [costs]
    is_known = dimension != "length" or keys != [_PRICE]
    own = key_of_those(scene, unit)
    of_those = (("own", _text(own)),) if own else ()
    for n, key in enumerate(keys[:_KEPT]):
        by_unit = (("unit", _text(key)),) if unit and is_known else ()
        yield end, _NEXT * n, Part(f"{value:g} {unit}".strip(), (("key", _text(key)), *by_unit, *of_those))


def _key_at(tokens: Tokens, mentions: Mentions, i: int) -> str:
    """The key that stands right after a number, which is of that: "two seats"."""
    near = [(end, key) for end, key, cost in mentions.keys_at(tokens, i) if cost <= _FAR] if i < len(tokens) else []
    return max(near, default=(0, ""))[1]


def _year_of(mentions: Mentions, value: float) -> str:
    """The key of years that a number may be of, where nothing has a price."""
    key, cost = mentions.keys.get(("year",), ("", 1.0))
    has_price = mentions.keys.get(("price",), ("", 1.0))[1] <= _FAR
    return key if cost <= _FAR and _YEARS[0] <= value <= _YEARS[1] and not has_price else ""


def units_at(tokens: Tokens, mentions: Mentions, scene: Scene, i: int) -> Found:
    """Units that begin at token i, as `numbers_at` has them."""
    found = dict(mentions.units_at(tokens, i))
    for end in range(min(len(tokens), i + MAX_UNIT), i, -1):
        unit = "".join(tokens[i:end])
        own = (
            key_of_those(scene, unit) if end in found or dimension_of(unit) != unit or mentions.keys_in(unit)[1] else ""
        )
        of_those = (("own", _text(own)),) if own else ()
        for n, key in enumerate(found.get(end, ())):
            yield end, _NEXT * n, Part("", (("key", _text(key)), *of_those))
        if own and end not in found:
            yield end, 0.0, Part("", of_those)


def times_at(tokens: Tokens, i: int) -> Found:
    """Times of day that begin at token i; "early": in the morning, "day": in the daytime, where it is not told."""
    if found := clock_at(tokens, i):
        late, early, end = found
        yield end, 0.0, Part(late, (("early", early), ("day", early if 7 <= int(early.split(":")[0]) < 12 else late)))


def wholes_at(tokens: Tokens, i: int) -> Found:
    """Whole numbers that begin at token i."""
    found = whole_at(tokens, i)
    if found and 1 <= found[0] <= 1000 and found[0] == int(found[0]):
        yield found[1], 0.0, Part(f"{found[0]:g}")


def ordinals_at(tokens: Tokens, i: int) -> Found:
    """Places in an order that begin at token i."""
    found = ordinal_at(tokens, i)
    if found and 1 <= found[0] <= 1000:
        n = found[0]
        ending = "th" if n % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
        yield found[1], 0.0, Part(f"{n}{ending}")


def _text(key: str) -> str:
    return write_key(Key(cut(key)))
