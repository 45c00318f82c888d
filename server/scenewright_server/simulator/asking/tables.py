"""The tables that questions are made from: text files beside this module, whose formats are told in docs/planner.md.

Lines that begin with "#" are comments; " | " separates alternatives, " / " fields.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Literal

Code = Literal["en", "zh"]
CODES: tuple[Code, ...] = ("en", "zh")
AFTER = ("first", "one", "some", "back", "fact", "any")
"""What the turn before was, in the order of the headings: none, one thing, several, a question back, a fact, any."""


class TableError(ValueError):
    """A line that is not of its table's format."""


@dataclass(frozen=True)
class Kind:
    """What things are: its name in the singular and plural."""

    name: Mapping[Code, str]
    plural: str


@dataclass(frozen=True)
class Noun:
    """A thing of the world. size: height, width and depth in metres; price: its range in euros, None where it has
    none; tags: of "floor", "top", "small", "box", "wall", "front", "person", "animal", "outdoor", "mass", "name"
    (what it is called is a name of its own: "Old Tom"), "plural" (a word of plural form alone: "scissors")."""

    name: Mapping[Code, str]
    plural: str
    aliases: Mapping[Code, tuple[str, ...]]
    size: tuple[float, float, float]
    price: tuple[float, float] | None
    tags: frozenset[str]
    kind: Kind

    @property
    def is_proper(self) -> bool:
        """Whether it takes no article and has no plural."""
        return "name" in self.tags


@dataclass(frozen=True)
class Numbers:
    """A range of numbers and their unit in both languages."""

    low: float
    high: float
    unit: Mapping[Code, str]


@dataclass(frozen=True)
class Topic:
    """A key under which things have facts, and how people speak of it: `said[language][what]` are the ways. like:
    topics that answer much the same questions."""

    name: Mapping[Code, str]
    of: frozenset[str]
    values: tuple[Mapping[Code, str], ...]
    numbers: tuple[Numbers, ...]
    said: Mapping[Code, Mapping[str, tuple[str, ...]]]
    like: frozenset[str] = frozenset()

    def suits(self, noun: Noun) -> bool:
        return bool(self.of & {"*", noun.name["en"], noun.kind.name["en"]})


@dataclass(frozen=True)
class Clause:
    """What a description tells and no key: its text with choices in braces, the words by which it is found, questions
    that it answers, words and questions that look for the thing by it."""

    text: str
    key: str
    asks: tuple[str, ...]
    look: str = ""
    which: tuple[str, ...] = ()
    of: frozenset[str] = frozenset()

    def suits(self, noun: Noun) -> bool:
        return not self.of or bool(
            self.of & {noun.name["en"], noun.name["zh"], noun.kind.name["en"], noun.kind.name["zh"]}
        )


@dataclass(frozen=True)
class Wish:
    """What people say when they want what one of these nouns is for."""

    ways: tuple[str, ...]
    nouns: tuple[str, ...]


@dataclass(frozen=True)
class Form:
    """A plan with holes, ways of asking it, and after what."""

    plan: str
    ways: tuple[str, ...]
    after: str


@dataclass(frozen=True)
class Tables:
    """Everything that questions of one language are made from."""

    code: Code
    nouns: tuple[Noun, ...]
    topics: tuple[Topic, ...]
    clauses: tuple[Clause, ...]
    wishes: tuple[Wish, ...]
    forms: tuple[Form, ...]
    leads: tuple[str, ...]
    tails: tuple[str, ...]
    beyond: tuple[str, ...]
    settles: tuple[str, ...]
    by_name: Mapping[str, Noun] = field(repr=False)
    keyed: Mapping[str, Topic] = field(repr=False)


@cache
def load_tables(code: Code) -> Tables:
    """The tables of a language. Raises TableError."""
    nouns = _nouns()
    topics, chat = _topics(), read_sections(f"{code}/chat.txt")
    return Tables(
        code, nouns, topics, _clauses(code), _wishes(code), _forms(code),
        tuple(chat.get("lead", ())), tuple(chat.get("tail", ())), tuple(chat.get("beyond", ())),
        tuple(chat.get("settle", ())),
        {noun.name[code].casefold(): noun for noun in nouns},
        {name: topic for topic in topics for name in (*topic.said[code].get("noun", ()), topic.name[code])}
        | {topic.name[code]: topic for topic in topics},
    )  # fmt: skip


def read_lines(name: str) -> Iterator[str]:
    """The lines of a table that are neither empty nor comments."""
    for line in (files(__package__) / name).read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            yield line.rstrip("\n")


def read_sections(name: str) -> dict[str, list[str]]:
    """Lines under headings in brackets, as they are: spaces at their ends count."""
    found: dict[str, list[str]] = {}
    heading = ""
    for line in read_lines(name):
        if line.startswith("[") and line.rstrip().endswith("]") and line.count("[") == 1:
            heading = line.strip()[1:-1]
        else:
            found.setdefault(heading, []).append(line.strip("\t"))
    return found


def _split(text: str, mark: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(mark) if part.strip())


def _words(text: str) -> tuple[str, ...]:
    """Names with commas between them; none for "-"."""
    return () if text.strip() == "-" else _split(text.replace("，", ","), ",")


def _range(text: str) -> tuple[float, float]:
    found = re.fullmatch(r"(-?[\d.]+)(?:-(-?[\d.]+))?", text.strip())
    if found is None:
        raise TableError(f"{text!r} is no range of numbers")
    return float(found[1]), float(found[2] or found[1])


def _nouns() -> tuple[Noun, ...]:
    found: list[Noun] = []
    for heading, lines in read_sections("things.txt").items():
        one, many, han = (part.strip() for part in heading.split(" / "))
        kind = Kind({"en": one, "zh": han}, many)
        for line in lines:
            parts = [part.strip() for part in line.split(" / ")]
            if len(parts) != 8:
                raise TableError(f"things.txt: {line!r} has {len(parts)} fields, 8 are needed")
            en, plural, zh, aliases, han_aliases, size, price, tags = parts
            height, width, depth = (float(side) / 100 for side in size.split("x"))
            found.append(
                Noun(
                    {"en": en, "zh": zh},
                    plural if plural != "-" else en,
                    {"en": _words(aliases), "zh": _words(han_aliases)},
                    (height, width, depth),
                    None if price == "-" else _range(price),
                    frozenset(tags.split()),
                    kind,
                )
            )
    return tuple(found)


def _topics() -> tuple[Topic, ...]:
    found: list[Topic] = []
    for heading, lines in read_sections("facts.txt").items():
        en, zh = (part.strip() for part in heading.split(" / "))
        fields: dict[str, list[str]] = {}
        for line in lines:
            name, colon, rest = line.strip().partition(":")
            if not colon:
                raise TableError(f"facts.txt: [{heading}]: {line!r} has no colon")
            fields.setdefault(name.strip(), []).extend(_split(rest, " | "))
        said: dict[Code, dict[str, tuple[str, ...]]] = {
            code: {name[3:]: tuple(ways) for name, ways in fields.items() if name.startswith(f"{code}.")}
            for code in CODES
        }
        values = [value.partition(" / ") for value in fields.get("value", ())]
        of = frozenset(name for line in fields.get("of", ["*"]) for name in _words(line))
        found.append(
            Topic(
                {"en": en, "zh": zh},
                of,
                tuple({"en": a.strip(), "zh": b.strip() or a.strip()} for a, _, b in values),
                tuple(_numbers(text) for text in fields.get("number", ())),
                said,
                frozenset(name for line in fields.get("like", ()) for name in _words(line)),
            )
        )
    return tuple(found)


def _numbers(text: str) -> Numbers:
    figures, _, unit = text.partition(" ")
    en, _, zh = unit.partition("/")
    return Numbers(*_range(figures), {"en": en.strip(), "zh": zh.strip() or en.strip()})


def _clauses(code: Code) -> tuple[Clause, ...]:
    found: list[Clause] = []
    for line in read_lines(f"{code}/open.txt"):
        parts = [part.strip() for part in line.split("||")]
        if len(parts) < 3:
            raise TableError(f"{code}/open.txt: {line!r} has {len(parts)} fields, 3 are needed")
        look, which, of = "", tuple[str, ...](), frozenset[str]()
        for part in parts[3:]:
            if part.startswith("of:"):
                of = frozenset(_words(part[3:]))
            elif "=>" in part:
                words, _, asks = part.partition("=>")
                look, which = words.strip(), _split(asks, " | ")
        found.append(Clause(parts[0], parts[1], _split(parts[2], " | "), look, which, of))
    return tuple(found)


def _wishes(code: Code) -> tuple[Wish, ...]:
    pairs = (line.partition("=>") for line in read_lines(f"{code}/purposes.txt"))
    return tuple(Wish(_split(ways, " | "), _words(nouns)) for ways, _, nouns in pairs if nouns.strip())


def _forms(code: Code) -> tuple[Form, ...]:
    found: list[tuple[str, list[str], str]] = []
    after = "first"
    for line in read_lines(f"{code}/forms.txt"):
        line = line.strip()
        if line.startswith("[") and line.endswith("]"):
            after = line[1:-1].strip()
            if after not in AFTER:
                raise TableError(f"{code}/forms.txt: [{after}] is none of {', '.join(AFTER)}")
        elif line.startswith("="):
            found.append((line[1:].strip(), [], after))
        elif not found:
            raise TableError(f"{code}/forms.txt: {line!r} stands under no plan")
        else:
            found[-1][1].append(line)
    return tuple(Form(plan, tuple(ways), its) for plan, ways, its in found if ways)
