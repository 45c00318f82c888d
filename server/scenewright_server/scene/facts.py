"""What is told of things: facts by their keys, and what descriptions say, found by a key's words or its unit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from scenewright_server.scene.amounts import DAY, Amount, Found, is_year, rate_of, read_amounts, read_hours
from scenewright_server.scene.counting import counts_units
from scenewright_server.scene.dates import read_date
from scenewright_server.scene.descriptions import amount_in, clauses, sentences, value_in_full
from scenewright_server.scene.entries import Fact, GraphObject
from scenewright_server.scene.hours import both_ends, end_of, is_both_ends, is_other_end, told_end
from scenewright_server.scene.matching import fold
from scenewright_server.scene.numerals import counted
from scenewright_server.scene.texts import ANSWERS
from scenewright_server.scene.topics import TOPICS, Topic, is_meant, is_topic, topic_of
from scenewright_server.scene.words import is_chinese

_GENERAL = re.compile("(?<=.) ?(?:time|level|number|name|value|amount|status|date|时间|号码|编号|名字|情况|多少)$")
"""What may end the name of a key and tells no more: "alarm time" for "alarm"."""
_IDLE = set("a an the of by for to in on at is was be it its when what who how".split())
_PREDICATE = re.compile(r"(?i)(?:is|are|was|were|ha[sd]|have|can|may|must|should|will|do|does|not|and|or)\b|[和与或]")
_KNOWN_WORDS = {word for key in TOPICS for word in key.words}
_NUMBER_ALONE = re.compile(r"[a-z-]+(?: [a-z]+)?", re.IGNORECASE)
"""A value that may be a number in words, "two", "three pieces"."""
_LIMIT = re.compile(r"(?:up to|at most|(?:more|less) than|最多|至多|不超过|承重|载重)\W*$", re.IGNORECASE)
_NUMBERS = "no one two three four five six seven eight nine ten eleven twelve".split()
_LEFT = re.compile(
    rf"\b(\d+|{'|'.join(_NUMBERS)})(?: [\w'-]+){{0,3}}? left"
    r"(?=$|[.,;!)]| (?:in stock|on the shelf|today|tonight|now|over|for|at)\b)",
    re.IGNORECASE,
)
"""How many of something are left."""
_VERB = re.compile(r"ed$|\bbuilt$|^[建始]")
"""A key of years that is an event of its own."""
_BORN = ("born", "birth year", "year of birth", "出生", "出生年份", "出生年")
_DATES = ("date", "day", "日期")
"""Keys of a day, where it is told: of other years that are told with a day the year is meant."""
_EXTENTS = ("height", "width", "depth")
_BOUND = re.compile(r"\b(?:limit|restriction|min|minimum|required)\b|限|要求")
"""In the key of what something else is held against."""
_TOP = re.compile(r"(?:to|-|–|~|至|到) ?(\d+(?:\.\d+)?) ?(.*)")
_SHARED = ("length", "time")
"""Dimensions of more than one key: such an amount is a key's only where the key is named beside it."""


@dataclass(frozen=True)
class Known:
    """What is told under a key: a value, or a piece of the description that tells it (`is_quoted`)."""

    value: str | Amount
    is_quoted: bool = False
    key: str = ""
    """The fact's own, where another was asked for that is part of it."""


def told_of(graph: GraphObject) -> Iterator[Known]:
    """All that is told of an object: its facts by their keys, and the sentences of its description."""
    for fact in graph.facts:
        value = _value(fact)
        if fold(str(value)) not in ANSWERS:
            yield Known(value, key=fact.key)
    yield from (Known(text, is_quoted=True) for text in sentences(graph.description))


def tell(graph: GraphObject, name: str) -> Known | None:
    """What is told of an object under a key: the fact's value, or the piece of a text that tells it."""
    key = topic_of(name)
    fact = _fact(graph, name, key)
    if fact is not None:
        return _known_as(fact, name)
    if name == "left":
        return told_left(graph)
    pieces = clauses(graph.description)
    for piece in pieces:
        named = re.match(r"\s*([^:：]{1,40})[:：]\s*(.+)", piece)
        if named and fold(named[1]) in {fold(word) for word in (name, *key.words)}:
            return Known(value_in_full(named[2].strip(), key.dimension, graph.description))
    part = _fact_in_part(graph, name)
    if part is not None:
        return Known(_value(part), key=part.key)
    if (its := amount_in(graph.description, key)) is not None:
        return Known(its)
    for piece in pieces:
        is_event = key.dimension == "year" and not any(map(is_year, read_amounts(piece)))  # "Built the wall"
        for word in (name, *key.words):
            if _mentions(word, piece) and (word == name or not is_event):
                rest = _after(word, piece) if word in _KNOWN_WORDS and not is_event else ""
                if fold(piece).endswith(fold(word)):  # what it is comes after
                    piece = next((its for its in sentences(graph.description) if piece in its), piece)
                return Known(rest or piece, is_quoted=not rest)
    if key.dimension and key.dimension not in _SHARED:
        now = [
            piece for piece in pieces if any(_is_of(found, key) and not found.is_past for found in _unnamed(piece, key))
        ]
        return Known(now[0], True) if now else _tell_loosely(graph, name)
    hinted = [piece for piece in pieces if key.hint and re.search(key.hint, piece, re.IGNORECASE)]
    return Known(hinted[0], True) if hinted else _tell_loosely(graph, name)


def told_left(graph: GraphObject) -> Known | None:
    """What is told of how many are left: "rolls left", a stock, or a piece of the description."""
    facts = [its for its in graph.facts if fold(its.key) == "left"] or _facts_in_part(graph, "left")
    fact = facts[0] if len(facts) == 1 else _fact(graph, "stock", topic_of("stock"))
    if fact is not None:
        return Known(_value(fact), key=fact.key)
    piece = next((its for its in clauses(graph.description) if _LEFT.search(its)), None)
    return None if piece is None else Known(piece, is_quoted=True)


def _amount_left(told: Known | None) -> Amount | None:
    if told is None:
        return None
    if isinstance(told.value, Amount):
        return told.value
    said = _LEFT.search(told.value)
    if said is None:
        return next((its.amount for its in read_amounts(told.value)), None)
    return Amount(float(said[1]) if said[1].isdigit() else float(_NUMBERS.index(said[1].casefold())))


def _known_as(fact: Fact, name: str) -> Known:
    """A fact that another key asks for, of hours their one end; by its own key where it tells something else."""
    value = _value(fact)
    end = told_end(fact.key, value if isinstance(value, str) else "", name)
    if end is None or is_other_end(fact.key, name):
        return Known(value, key=fact.key)
    return Known(end or value)


def _value(fact: Fact) -> str | Amount:
    """What a fact tells; of a number whose unit goes on, 2 "to 4", a range."""
    if isinstance(fact.value, str):
        return fact.value
    top = _TOP.fullmatch(fact.unit)
    return Amount(float(fact.value), top[2] if top else fact.unit, float(top[1]) if top else None)


def _fact_in_part(graph: GraphObject, name: str) -> Fact | None:
    """The only fact whose key is this one with words before it, "desk hours" for "hours", or
    is this one with less, "alarm" for "alarm time", or the only one whose unit
    is that of the key, "scoop 1.80 EUR" for "price"."""
    key = topic_of(name)
    keys = [(fact, fold(fact.key.replace("_", " "))) for fact in graph.facts]
    found = _facts_in_part(graph, name)
    if not found and key.dimension == "year" and not _VERB.search(name):  # "opened 1886"
        found = [fact for fact, own in keys if own.endswith("ed") and own != "died" and _is_year_alone(fact)]
    if not found and key.dimension and key.dimension not in (*_SHARED, "year"):
        numbers = [fact for fact in graph.facts if not isinstance(fact.value, str)]
        found = [fact for fact in numbers if Amount(0.0, fact.unit).dimension == key.dimension]
    return found[0] if len(found) == 1 else None


def _facts_in_part(graph: GraphObject, name: str) -> list[Fact]:
    """The facts whose key is this one with words before it, or with less."""
    key = topic_of(name)
    said = {fold(word) for word in (name, *(key.words if "name" not in key.words else ()))}
    keys = [(fact, fold(fact.key.replace("_", " "))) for fact in graph.facts]
    if name in _EXTENTS:  # how tall riders must be
        keys = [(fact, own) for fact, own in keys if not _BOUND.search(own)]
    found = [fact for fact, own in keys if own == _GENERAL.sub("", fold(name))]
    return found or [
        fact
        for fact, own in keys
        if _is_end(fold(name), own) or (any(_is_end(word, own) for word in said) and _may_measure(fact, key))
    ]


def _may_measure(fact: Fact, key: Topic) -> bool:
    """Whether a fact's number may be of a key's dimension, as a rate per something, too: no heart rate is a price, and
    hours are no duration."""
    if key.words[0] == "duration" and is_both_ends(fact.key):
        return False
    if isinstance(fact.value, str) or not key.dimension or not fact.unit:
        return True
    return Amount(0.0, (rate_of(fact.unit) or (fact.unit,))[0]).dimension == key.dimension


def has_fact(graph: GraphObject, name: str) -> bool:
    """Whether a fact of an object has this very key, or one that means the same."""
    return _fact(graph, name, topic_of(name)) is not None


def has_key(graph: GraphObject, name: str) -> bool:
    """Whether a fact of an object has this very key."""
    if name == "left":
        return told_left(graph) is not None
    return any(_plain_key(fact.key) == _plain_key(name) for fact in graph.facts)


def is_owned(graph: GraphObject, name: str) -> bool:
    """Whether what is told under a key is that key's own: a fact of it, or where none is of another key that means the
    same or has its unit, a piece of the description that tells that amount alone, "EUR 12"."""
    if has_key(graph, name):
        return True
    is_other = has_fact(graph, name) or _fact_in_part(graph, name) is not None
    return not is_other and any(is_plain(name, its) for its in clauses(graph.description))


def is_told_apart(graph: GraphObject, name: str) -> bool:
    """Whether a fact of an object has this very key; where none is of another key that may stand for it, a description
    will do that names the key or tells such an amount alone."""
    if name == "left" or is_owned(graph, name):
        return has_key(graph, name) or name != "left"
    if has_fact(graph, name) or _fact_in_part(graph, name) is not None:
        return False
    key, is_named = topic_of(name), any(_mentions(name, piece) for piece in clauses(graph.description))
    return is_named or bool(key.hint and key.words[0] != "use" and tell(graph, name))  # "by Thonet", of what is made


def is_by_unit(graph: GraphObject, name: str) -> bool:
    """Whether what is told under a key is a fact of another key in its unit: "deposit 5 EUR" for "price"."""
    is_part = _fact_in_part(graph, name) is not None and not _facts_in_part(graph, name)
    return is_part and not has_fact(graph, name)


def _is_year_alone(fact: Fact) -> bool:
    """Whether a fact tells a year and nothing else."""
    found = read_amounts(fact.value if isinstance(fact.value, str) else f"{fact.value:g} {fact.unit}")
    return len(found) == 1 and is_year(found[0])


def _is_end(word: str, key: str) -> bool:
    return (len(word) > 1 and word in key) if is_chinese(word) else key.endswith(" " + word)


def _tell_loosely(graph: GraphObject, name: str) -> Known | None:
    """The piece of a fact's text that has these words ("return 80, single 50"), or a sentence with their stems."""
    told = [piece for fact in graph.facts if isinstance(fact.value, str) for piece in clauses(fact.value)]
    found = next((piece for piece in told if _mentions(name, piece)), None)
    if found is None and not is_chinese(name):
        stems = [_stem(word) for word in fold(name).split() if word not in _IDLE]
        pattern = [rf"(?<![^\W_]){re.escape(stem)}(?:e|s|es|ed|d|ing|er|ers|ies)?(?![^\W_])" for stem in stems]
        for sentence in (*sentences(graph.description), *told):
            if pattern and all(re.search(its, fold(sentence)) for its in pattern):
                found = sentence
                break
    if found is None and len(name) == 1 and is_chinese(name) and name not in _KNOWN_WORDS:
        found = next((piece for piece in (*clauses(graph.description), *told) if name in piece), None)
    return None if found is None else Known(found, is_quoted=True)


def _stem(word: str) -> str:
    """A word without the ending of a verb or a plural, where four letters are left."""
    return re.sub(r"(?<=\w{4})(?:ing|ers?|ed|es|e|s|y)$|(?<=\w{3})(?:ing|ed|s)$", "", word)


def year_of(graph: GraphObject) -> float | None:
    """The year that a fact tells of an object itself, None where none does."""
    year = topic_of("year")
    born = next((fact for fact in graph.facts if fold(fact.key) in _BORN), None)
    fact = born or _fact(graph, "year", year) or _fact_in_part(graph, "year")
    found = [] if fact is None else read_amounts(fact.value if isinstance(fact.value, str) else f"{fact.value:g}")
    return next((its.amount.value for its in found if is_year(its)), None)


def is_plain(name: str, text: str) -> bool:
    """Whether a text tells one amount under a key and no more: its words apart, and amounts that are past."""
    key = topic_of(name)
    found = read_amounts(text)
    if not key.dimension or "万" in text or sum(not its.is_past for its in found) != 1:
        return False
    rest = text
    for its in reversed(found):
        rest = rest[: its.start] + " " + rest[its.end :]
    rest = fold(rest)
    for word in sorted((*key.words, "now", "only", "just", "was", "现价", "原价", "仅"), key=len, reverse=True):
        rest = re.sub(rf"\b{re.escape(fold(word))}\b" if word.isascii() else re.escape(word), " ", rest)
    return re.search(r"[^\W\d_]", rest) is None


def _after(word: str, piece: str) -> str:
    """What follows a key's word that a piece begins with, "电话010-65112418"; nothing where that is no value."""
    begins = piece.casefold().startswith(word.casefold()) and not re.match(r"[A-Za-z]", piece[len(word) :])
    rest = piece[len(word) :].strip(" \t:：是为") if begins else ""
    return "" if _PREDICATE.match(rest) else rest


def amount(graph: GraphObject, name: str) -> Amount | None:
    """The number that is told of an object under a key, None where none is."""
    if name == "left":
        return _amount_left(told_left(graph))
    key = topic_of(name)
    fact = _fact(graph, name, key) or _fact_in_part(graph, name)
    if fact is not None and is_other_end(fact.key, name):
        return None
    if fact is not None:
        text = fact.value if isinstance(fact.value, str) else f"{fact.value:g} {fact.unit}"
        if topic_of("hours") is key and (hours := read_hours(text)):
            return end_of(hours[0], name)
        if isinstance(value := _value(fact), Amount):
            return value if value.unit or not counts_units(fact.key) else replace(value, unit=fact.key)
        text = counted(text) if _NUMBER_ALONE.fullmatch(text) else text
        if (day := read_date(text)) is not None and (
            not key.dimension or (key.dimension == "year" and (day.unit == DAY or fold(fact.key) in _DATES))
        ):
            return day
        return end_of(_pick(read_amounts(text), key, named=True), name)
    if (its := amount_in(graph.description, key)) is not None:
        return its
    pieces = clauses(graph.description)
    told = [its for fact in graph.facts if isinstance(fact.value, str) for its in clauses(fact.value)]
    for piece in (*pieces, *told):
        for word in (name, *key.words):
            if _mentions(word, piece):
                found = _pick(_beside(word, piece), key, named=True)
                if found is not None:
                    return end_of(found, name)
    if key.dimension and key.dimension not in _SHARED:
        return _pick(_unnamed(graph.description, key), key, named=False)
    return None


def _unnamed(text: str, key: Topic) -> list[Found]:
    """The amounts of a text that does not name a key, without the weights up to which something holds."""
    return [its for its in read_amounts(text) if key.dimension != "mass" or not _LIMIT.search(text[: its.start])]


def _beside(word: str, piece: str) -> list[Found]:
    """The amounts of a piece, those that belong to a word first: "12 for adults and 6 for children" begins with an
    amount, so that it stands before its word, "adults 12 and children 6" does not; "a lemon" is one."""
    if not is_topic(word) and re.search(rf"\b(?:an?|one) {re.escape(fold(word))}\b(?! of\b)", fold(piece)):
        return [Found(Amount(1.0), 0, 0)]
    found = read_amounts(counted(piece))
    where = re.search(re.escape(fold(word)), fold(piece))
    if where is not None and len(fold(piece)) == len(piece):  # "under 16" tells no amount
        found = [its for its in found if not (where.start() <= its.start < where.end())]
    if len(found) < 2 or where is None or len(fold(piece)) != len(piece):
        return found
    begins = re.match(r"\W*(?:it costs|costs|only|just)?\W*$", piece[: found[0].start], re.IGNORECASE) is not None
    before = [its for its in found if its.end <= where.start()]
    after = [its for its in found if its.start >= where.end()]
    own = (before[-1:] or after) if begins else (after or before[-1:])
    return [*own, *(its for its in found if its not in own)]


def _fact(graph: GraphObject, name: str, key: Topic) -> Fact | None:
    """The fact of this very key, or of one that means the same."""
    said = _plain_key(name)
    for fact in graph.facts:
        if fold(fact.key) == fold(name):
            return fact
    for fact in graph.facts:
        if _plain_key(fact.key) == said:
            return fact
    if (hours := both_ends(name, ((fact.key, fact.value) for fact in graph.facts))) is not None:
        return Fact(name, hours)
    words = {_plain_key(word) for word in key.words}
    others = (fact for fact in graph.facts if _plain_key(fact.key) in words)
    return next((fact for fact in others if key.dimension != "money" or is_meant(fact.key, _value(fact))), None)


def _plain_key(name: str) -> str:
    """A key as keys are compared: one of a plural, without "per ..." after it."""
    words = fold(name.replace("_", " ")).split(" per ")[0]
    return words.removesuffix("s") if words.isascii() and not words.endswith("ss") else words


def _pick(found: list[Found], key: Topic, named: bool) -> Amount | None:
    """The amount that is a key's: of its dimension, and not a past one; where the key is `named`, else the first."""
    current = [its for its in found if not its.is_past] or found
    fitting = [its for its in current if _is_of(its, key)]
    if fitting:
        return fitting[0].amount
    plain = [its for its in current if not key.dimension or not its.amount.dimension]
    return plain[0].amount if named and plain else None


def _is_of(found: Found, key: Topic) -> bool:
    if key.dimension == "year":
        return is_year(found)
    its = found.amount.dimension
    return bool(key.dimension) and (its == key.dimension or (its == "clock" and key.dimension == "time"))


def _mentions(word: str, text: str) -> bool:
    if is_chinese(word):
        return word in text if len(word) > 1 or word in "色含" else re.search(rf"{word}\D{{0,2}}\d", text) is not None
    said, told = fold(word), fold(text)
    return said in told and re.search(rf"(?<![^\W_]){re.escape(said)}(?![^\W_])", told) is not None
