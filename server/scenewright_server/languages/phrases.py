"""How people ask, read from tables: phrases with slots, and the plans that they mean.

A table's sections are headed by [name]. In [idle] stand words that may stand anywhere and tell nothing, in [spellings]
other spellings, in [degrees] adjectives and what they are most of, in [irregular] their odd forms. The other sections
are symbols of a grammar (after synchronous grammars, Aho and Ullman 1969): "= plan", under it phrases, whose capital
letters are slots that the plan repeats.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property, lru_cache
from importlib.resources import files
from itertools import product

from scenewright_server.languages.measure_words import plainly_counted
from scenewright_server.scene.matching import fold

Tokens = tuple[str, ...]
SLOT = re.compile(r"[A-Z][0-9]?")
ASKED_LAST = "K0"
"""In plans: the key of numbers that the last question asked for."""
_TOKEN = re.compile(
    r"\d+(?:[.,]\d+)*(?:(?:st|nd|rd|th)(?![^\W\d_]))?|n't\b|'[a-z]+\b|[\u4e00-\u9fff]"
    r"|[^\W\d_\u4e00-\u9fff]+?(?=n't\b)|[^\W\d_\u4e00-\u9fff]+|[€$£¥￥°%℃]|[,;:.!?、，。；：！？]"
)
_HAN = re.compile("[\u4e00-\u9fff]{2}")
FURTHER = 4000
"""The rank of the phrases of further ways: the table's own go before them."""
_THAN = ("than", "then", "as", "like")
"""What learners and hasty writers have for the first."""
_AS = (("什么", "啥"), ("哪里", "哪儿"))
"""What is said in Chinese for the first of each."""
MARKS = set(",;:.!?、，。；：！？")
_SAME = {
    "is": "be", "are": "be", "was": "be", "were": "be", "been": "be", "being": "be", "am": "be", "'re": "be",
    "'m": "be", "does": "do", "did": "do", "done": "do", "has": "have", "had": "have", "having": "have", "'ve": "have",
    "n't": "not", "'ll": "will", "'d": "would", "center": "centre",
}  # fmt: skip


@lru_cache(maxsize=1 << 14)
def tokens_of(text: str) -> Tokens:
    """A text's words, Chinese characters, numbers and marks; forms of "be", "do" and "have" are one."""
    found = _TOKEN.findall(fold(text.replace("’", "'")))
    return tuple(_SAME.get(token, token) for token in found)


@dataclass(frozen=True)
class Literal:
    """Words of a phrase: one of these."""

    ways: frozenset[Tokens]
    is_optional: bool

    @property
    def longest(self) -> int:
        return max(map(len, self.ways))


@dataclass(frozen=True)
class Slot:
    """What a phrase leaves open: a symbol's letter, and perhaps a digit."""

    name: str
    is_optional: bool

    @property
    def symbol(self) -> str:
        return self.name[0]


@dataclass(frozen=True)
class Gap:
    """Any words up to a clause's end and further: "~"."""

    is_optional: bool = False


Item = Literal | Slot | Gap


@dataclass(frozen=True)
class Phrase:
    """A way of saying a plan; `rank`: its place in the table."""

    plan: str
    items: tuple[Item, ...]
    rank: int

    @cached_property
    def words(self) -> frozenset[str]:
        """Words without which it is not said."""
        needed = [item.ways for item in self.items if isinstance(item, Literal) and not item.is_optional]
        return frozenset(word for ways in needed if len(ways) == 1 for way in ways for word in way)

    @cached_property
    def openings(self) -> frozenset[str] | None:
        """The words that it may begin with, None where they are a slot's."""
        found: set[str] = set()
        for item in self.items:
            if not isinstance(item, Literal):
                return None
            found |= {way[0] for way in item.ways}
            if not item.is_optional:
                break
        return frozenset(found)

    def starts(self, places: Mapping[str, Sequence[int]], n: int) -> Sequence[int]:
        """The tokens, of n of which these are the places, that it may begin at."""
        return range(n) if self.openings is None else [i for word in self.openings for i in places.get(word, ())]

    def may_be_in(self, said: frozenset[str]) -> bool:
        """Whether all words that it needs are among these."""
        return self.words <= said and all(
            not isinstance(item, Literal) or item.is_optional or any(said.issuperset(way) for way in item.ways)
            for item in self.items
        )


@dataclass(frozen=True)
class Degree:
    """What an adjective asks for: the keys that it may be a measure of, and whether it means more of it."""

    keys: tuple[tuple[str, bool], ...]

    @property
    def opposite(self) -> Degree:
        return Degree(tuple((key, not most) for key, most in self.keys))


@dataclass(frozen=True)
class Table:
    """A language's ways of asking."""

    phrases: Mapping[str, tuple[Phrase, ...]]
    idle: frozenset[Tokens]
    spellings: Mapping[str, Tokens]
    respellings: tuple[tuple[str, str], ...]
    """Chinese words of several characters, the longest first, and those that they stand for."""
    degrees: Mapping[Tokens, Degree]
    """Adjectives."""
    forms: Mapping[str, tuple[Degree, str]]
    """Comparatives ("er") and superlatives ("est")."""
    words: frozenset[str]
    """All words of the table, without those of its further ways."""
    known: frozenset[str]
    """All words of the table and its further ways."""
    ways: frozenset[Tokens]
    """Words of several tokens that the table's own phrases have."""


@cache
def read_table(language: str) -> Table:
    """The table of a language, "en" or "zh"."""
    sections = _read_sections(f"{language}_phrases.txt")
    degrees, forms = _read_degrees(sections.pop("degrees"), sections.pop("irregular"))
    spellings = {
        wrong.strip(): tokens_of(right)
        for line in sections.pop("spellings")
        for pair in line.split("|")
        for wrong, right in [pair.split(":")]
    }
    respellings = tuple(
        (wrong, "".join(spellings.pop(wrong)))
        for wrong in sorted(spellings, key=len, reverse=True)
        if _HAN.match(wrong)
    )
    phrases = {name: tuple(_read_phrases(lines)) for name, lines in sections.items()}
    further = _read_sections(f"{language}_ways.txt") if language == "en" else {}
    plain = _read_idle(sections.pop("idle"))
    idle = plain | _read_idle(further.pop("idle", []))
    ways = {
        name: tuple(replace(phrase, rank=FURTHER) for phrase in _read_phrases(lines)) for name, lines in further.items()
    }
    words = {word for words in plain for word in words} | {word for words in degrees for word in words} | {*forms}
    words |= _words_of(phrases)
    both = {name: (*phrases.get(name, ()), *ways.get(name, ())) for name in (*phrases, *ways)}
    of_several = idle | {way for its in phrases.values() for phrase in its for way in _ways_of(phrase)}
    return Table(
        both,
        idle,
        spellings,
        respellings,
        degrees,
        forms,
        frozenset(words),
        frozenset(words | _words_of(ways)),
        of_several,
    )


def _read_idle(lines: Sequence[str]) -> frozenset[Tokens]:
    return frozenset(tokens_of(words) for line in lines for words in line.split("|"))


def _ways_of(phrase: Phrase) -> Iterator[Tokens]:
    return (way for item in phrase.items if isinstance(item, Literal) for way in item.ways)


def _words_of(phrases: Mapping[str, Sequence[Phrase]]) -> set[str]:
    return {word for its in phrases.values() for phrase in its for way in _ways_of(phrase) for word in way}


def _read_sections(name: str) -> dict[str, list[str]]:
    """The lines of a table by the headings of their sections."""
    sections: dict[str, list[str]] = {}
    section: list[str] = []
    for line in files(__package__).joinpath(name).read_text(encoding="utf-8").splitlines():
        if re.fullmatch(r"\[[a-z]+\]", line.strip()):
            section = sections.setdefault(line.strip()[1:-1], [])
        elif line and not line.startswith("#"):
            section.append(line)
    return sections


def _read_phrases(lines: list[str]) -> Iterator[Phrase]:
    plan, needed = "", set[str]()
    for rank, line in enumerate(lines):
        if line.startswith("= "):
            plan = line[2:]
            needed = {found[0] for found in re.finditer(rf"(?<![A-Za-z]){SLOT.pattern}(?![A-Za-z0-9])", plan)}
            needed.discard(ASKED_LAST)
            continue
        for text in _alternatives(line):
            groups = re.findall(r"\([^()]*\)|\[[^\[\]]*\]|[^\s()\[\]]+", text)
            for items in product(*map(_items, groups)):
                phrase = Phrase(plan, tuple(_keep(item, needed) for item in items), rank)
                if needed <= {item.name for item in items if isinstance(item, Slot)}:
                    yield phrase


def _keep(item: Item, needed: set[str]) -> Item:
    """An item, which must be there if the plan needs it."""
    return replace(item, is_optional=False) if isinstance(item, Slot) and item.name in needed else item


def _alternatives(line: str) -> list[str]:
    """The phrases of a line: what stands between the "|" that no bracket encloses."""
    parts, depth = [""], 0
    for char in line:
        depth += (char in "([") - (char in ")]")
        if char == "|" and depth == 0:
            parts.append("")
        else:
            parts[-1] += char
    return [part.strip() for part in parts if part.strip()]


def _items(group: str) -> list[Item]:
    """What a group of a phrase may be: words as one item, each slot as another."""
    if group == "~":
        return [Gap()]
    is_optional = group.startswith("[")
    ways = [way.strip() for way in group.strip("()[]").split("|")]
    slots: list[Item] = [Slot(way, is_optional) for way in ways if SLOT.fullmatch(way)]
    spelt = [re.sub(r"\bthan\b", than, way) for way in ways if not SLOT.fullmatch(way) for than in _THAN]
    spelt += [way.replace(plain, as_) for way in spelt for plain, as_ in _AS if plain in way]
    spelt += [plain for way in spelt if len(way) > 2 and (plain := plainly_counted(way)) != way]
    words = frozenset(tokens_of(way) for way in spelt if tokens_of(way))
    return [*slots, *([Literal(words, is_optional)] if words else [])]


def _read_degrees(lines: list[str], odd: list[str]) -> tuple[dict[Tokens, Degree], dict[str, tuple[Degree, str]]]:
    degrees: dict[Tokens, Degree] = {}
    forms: dict[str, tuple[Degree, str]] = {}
    for line in lines:
        words, picks = line.split(": ")
        degree = Degree(
            tuple((key, most == "max") for most, key in (pick.split(" ", 1) for pick in picks.split(" / ")))
        )
        for word in words.split():
            degrees[tokens_of(word)] = degree
            if word.isascii():
                stem = re.sub("(?<=[^aeiou])y$", "i", word.removesuffix("e"))
                doubled = stem + stem[-1] if re.search("[^aeiou][aeiou][bdgmnpt]$", word) else stem
                for ending in ("er", "est"):
                    forms[stem + ending] = forms[doubled + ending] = (degree, ending)
    for form, base, ending in re.findall(r"([\w']+): (\w+) (er|est)", "|".join(odd)):
        forms[form] = (degrees[(base,)], ending)
    return degrees, forms
