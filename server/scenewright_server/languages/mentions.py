"""What a question's words mention of a scene: names, keys and values of facts, looks, and words for none of these."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from functools import cached_property

from scenewright_server.languages.counters import ALSO_NAMES, begins_name, may_name
from scenewright_server.languages.keys import keys_by_words
from scenewright_server.languages.likeness import (
    COLOURS_ZH,
    bare_state,
    likeliest,
    parts_of,
    shared_endings,
)
from scenewright_server.languages.measure_words import COUNTED, COUNTERS
from scenewright_server.languages.measuring import SIZES, is_measured, keys_before, keys_of_units, units_at
from scenewright_server.languages.numerals import ONES
from scenewright_server.languages.phrases import MARKS, Table, Tokens, tokens_of
from scenewright_server.languages.thesaurus import common, key_of, simplify, synonyms, translations
from scenewright_server.scene.amounts import Amount
from scenewright_server.scene.calling import kinds_of, names_of
from scenewright_server.scene.choosing import Choosing
from scenewright_server.scene.expressions import MAX_WORDS_CHARS, Kind, Named
from scenewright_server.scene.kinds import KINDS
from scenewright_server.scene.matching import single
from scenewright_server.scene.states import STATE_WORDS, is_so
from scenewright_server.scene.words import COLOURS, MATERIALS, is_chinese
from scenewright_server.scene.writing import write_set

MAX_NAME, MAX_LOOK, MAX_FREE = 8, 4, 4
"""Tokens of a name, of a look, and of other words."""
_TURNED = ("on", "off")
_AFTER_TURNED = set("right now at or and again already yet still currently too please here".split()) | MARKS
_LYING = set("sit sitting stand standing lie lying go goes put leave rest resting hang hanging climb what".split())

_SPOKEN_TO = 0.1
"""What a name costs that may be said to whom one asks: 医生."""
_PLAIN = 0.06
"""What a name may cost that is not far-fetched."""
_HAN = (1, 2)
"""The tokens of a name at least, in English and in Chinese."""
_AT_BEST = re.compile(r"最好(?=[别是能不要有带在离靠便两二三四五六七八九十百千\d])")
"""A wish, no superlative."""
_DRAWN_OUT = re.compile(r"([a-z])\1{2,}")
"""A letter over and over: "soooo"."""
Found = tuple[int, str, float]
"""Where a mention ends, what the plan has for it, and how far-fetched that is."""


def cut(words: str) -> str:
    """Words as a plan may hold them: on one line, no longer than its limit."""
    return " ".join(words.split())[:MAX_WORDS_CHARS].strip() or "?"


def joined(tokens: Sequence[str]) -> str:
    """Tokens as running text."""
    return re.sub(r"(?<=[\u4e00-\u9fff]) | (?=[\u4e00-\u9fff])| (?=[.,:]|'s\b)", "", " ".join(tokens))


class Mentions:
    """Of the scene of `choosing`; `table`: the words of the language in which is asked."""

    def __init__(self, choosing: Choosing, table: Table) -> None:
        self._choosing, self._table = choosing, table
        self._things = choosing.everything
        self._graphs = [entry.graph for entry in choosing.scene.entries]
        self._looks: dict[str, str | None] = {}

    def names_at(self, tokens: Tokens, i: int) -> Iterator[Found]:
        """Names of things, as the scene has them."""
        for end in range(min(len(tokens), i + MAX_NAME), i, -1):
            span = tokens[i:end]
            found = self.names.get(key_of(span)) or self._nearly(span)
            if found:
                yield end, found[0], found[1]

    def named(self, tokens: Tokens) -> tuple[str, ...]:
        """The names that stand in a question, each once: the longest from each token on, none of them far-fetched."""
        found: dict[str, None] = {}
        i = 0
        while i < len(tokens):
            near = [(end, words) for end, words, cost in self.names_at(tokens, i) if cost <= _PLAIN]
            end, words = next(
                ((end, words) for end, words in near if end - i >= _HAN[is_chinese(tokens[i])]), (i + 1, "")
            )
            if words:
                found[words] = None
            i = end
        return tuple(found)

    def keys_at(self, tokens: Tokens, i: int) -> Iterator[Found]:
        """Keys of facts."""
        for end in range(min(len(tokens), i + MAX_LOOK), i, -1):
            found = self.keys.get(key_of(tokens[i:end]))
            if found and (found[1] == 0 or end > i + 1 or not is_chinese(tokens[i])):
                yield end, *found

    def _is_turned(self, tokens: Tokens, i: int) -> bool:
        """Whether "on" or "off" tells a state here: it ends its clause, and nothing lies on anything."""
        return _AFTER_TURNED.issuperset(tokens[i + 1 : i + 2]) and _LYING.isdisjoint(tokens[max(i - 3, 0) : i])

    def values_at(self, tokens: Tokens, i: int) -> Iterator[tuple[int, str, str, float]]:
        """Texts of facts: the end, the key, the text, the cost."""
        for end in range(min(len(tokens), i + MAX_NAME), i, -1):
            for key, value, cost in self.values.get(tokens[i:end], ()):
                yield end, key, value, cost

    def looks_at(self, tokens: Tokens, i: int) -> Iterator[Found]:
        """Looks that something has, or that are known to be looks."""
        for end in range(min(len(tokens), i + MAX_LOOK), i, -1):
            span = tokens[i:end]
            words = joined(span)
            if MARKS & set(span) or self.names.get(key_of(span), ("", 1.0))[1] < 0.04:
                continue
            if span[0] in _TURNED and (end > i + 1 or not self._is_turned(tokens, i)):
                continue
            is_known = words in STATE_WORDS or words in self._states
            is_known |= is_chinese(words) and end > i + 1 and span in synonyms()
            if not is_known and any((token,) in self._table.idle for token in (span[0], span[-1])):
                continue
            if words not in self._looks:
                self._looks[words] = self._look(span, words)
            found = self._looks[words]
            if found:
                is_key = self.keys.get(key_of(span), ("", 1.0))[1] < 0.03
                yield end, found, 0.05 + 0.2 * is_key + 0.15 * (is_chinese(words) and len(words) == 1)

    def free_at(self, tokens: Tokens, i: int) -> Iterator[Found]:
        """Words of nothing here, of which a question may be."""
        is_han = is_chinese(tokens[i])
        begins = tokens[i] in ALSO_NAMES
        if not self._are_all_known[is_han] or (begins and not begins_name(tokens, i)) or is_measured(tokens, i):
            return
        if i and begins_name(tokens, i - 1):
            return
        for n in range(1 + begins, min(MAX_FREE + is_han, len(tokens) - i) + 1):
            span = tokens[i : i + n]
            said = [word for word in span if word not in ALSO_NAMES]
            if set(span) & MARKS or any((word,) in self._table.idle or word[0].isdigit() for word in said):
                return
            if not is_han and any(self.names.get(key_of((word,)), ("", 1.0))[1] < 0.02 for word in span[:-1]):
                return
            if key_of(span) not in self.names and (may_name(span) if is_han else span[-1] not in self._table.words):
                yield i + n, joined(span), 0.3 + 0.05 * n + 0.1 * (is_han and n == 1)

    def absent_at(self, tokens: Tokens, i: int) -> Iterator[Found]:
        """Words that everybody knows for things, of which there is none here."""
        if not self._are_all_known[is_chinese(tokens[i])]:
            return
        for end in range(min(len(tokens), i + 3), i, -1):
            key = key_of(tokens[i:end])
            if key[-1] in self._table.words or key[-1] in STATE_WORDS or key[-1] in COLOURS:
                continue
            if key in synonyms() and key not in self.names and key not in self.keys and key not in self._table.idle:
                yield end, joined(tokens[i:end]), 0.1
                return

    def absent(self, tokens: Tokens) -> str:
        """The thing that is not here of which alone a question speaks, "" for none."""
        said = [i for i, token in enumerate(tokens) if token not in MARKS and (token,) not in self._table.idle]
        if not said:
            return ""
        for end, words, _ in self.absent_at(tokens, said[0]):
            if end == said[-1] + 1:
                return words
        return ""

    def is_told_of(self, word: str) -> bool:
        """Whether the scene is told in this word."""
        return word.isascii() and single(word) in self._singles

    @cached_property
    def _singles(self) -> set[str]:
        return {single(word) for word in self._vocabulary}

    @cached_property
    def _are_all_known(self) -> tuple[bool, bool]:
        """Whether all things have names in English, and in Chinese: else nobody knows that one is not what is meant."""
        known = [True, True]
        for called, graph in zip(self._choosing.scene.called, self._graphs, strict=True):
            names = (called, *(() if graph is None else names_of(graph)))
            names += tuple(same for name in names for same in translations(key_of(tokens_of(name))))
            for is_han in (False, True):
                known[is_han] &= any(name and is_chinese(name) == is_han for name in names)
        return known[0], known[1]

    def simplify(self, question: str) -> str:
        """A question in simplified characters and plain words, but for those that the scene is told in."""
        told = "\n".join(text for texts in self._choosing.texts for text in texts)
        return _AT_BEST.sub("", simplify(question, told, self._table.respellings))

    def correct(self, tokens: Tokens) -> Tokens:
        """English words that nobody here knows as the ones that they nearly are."""
        plain = tuple(word for token in tokens for word in self._correct(token))
        plain = tuple(self._numbered(plain, i) for i in range(len(plain)))
        return tuple("个" if self._is_counter(plain, i) else token for i, token in enumerate(plain))

    def _is_counter(self, tokens: Tokens, i: int) -> bool:
        """Whether a Chinese token only counts: 本 in 这两本书."""
        if not i or tokens[i] not in COUNTERS or tokens[i - 1] not in COUNTED:
            return False
        is_same = tokens[i - 1 : i + 1] == ("一", "样")
        return not is_same and not any(tokens[i : i + n] in self.names for n in range(2, 5))

    def _numbered(self, tokens: Tokens, i: int) -> str:
        """A number in words as a figure where a name ends with it: "counter two"."""
        figure = str(ONES.get(tokens[i], ""))
        return figure if figure and i and (tokens[i - 1], figure) in self.names else tokens[i]

    def _correct(self, token: str) -> Tokens:
        if not self._is_known(token):
            token = _DRAWN_OUT.sub(r"\1", token)
        if token in self._table.spellings:
            return self._table.spellings[token]
        if ONES.get(token, 0) > 9 and (str(ONES[token]),) in self.names:
            return (str(ONES[token]),)
        if (
            len(token) < 3
            or not token.isalpha()
            or is_chinese(token)
            or self._is_known(token)
            or self._is_known(single(token))
        ):
            return (token,)
        return (likeliest(token, self._own) or token,)

    @cached_property
    def _own(self) -> set[str]:
        """What words may be corrected to: the scene's and the table's."""
        told = {word for text in self._told_words for word in text}
        return {word for word in told | self._table.words if len(word) > 3 and word.isascii()}

    def _is_known(self, token: str) -> bool:
        return token in self._own or token in self._table.known or token in common()

    @cached_property
    def _told_words(self) -> list[Tokens]:
        return [tokens_of(text) for texts in self._choosing.texts for text in texts]

    @cached_property
    def names(self) -> dict[Tokens, tuple[str, float]]:
        """What things are called, by its tokens: the words of a plan, and how far-fetched they are."""
        found: dict[Tokens, tuple[str, float]] = {}

        def add(tokens: Sequence[str], words: Named | Kind, cost: float) -> None:
            cost += self._dearness(tuple(tokens))
            if tokens and tokens[0] != "的" and cost < found.get(key_of(tokens), ("", 9.0))[1]:
                found[key_of(tokens)] = (write_set(words), cost)

        for graph, called in zip(self._graphs, self._choosing.scene.called, strict=True):
            for name in (called, *(() if graph is None else names_of(graph))):
                tokens = tokens_of(name)
                add(tokens, Named(cut(name)), 0.0)
                for part, cost in parts_of(tokens):
                    add(part, Named(cut(joined(part))), cost)
            for kind in () if graph is None else kinds_of(graph):
                add(tokens_of(kind), Kind(cut(kind)), 0.02)
        for ending in shared_endings(self._choosing.scene.called):
            found.setdefault((ending,), (write_set(Named(ending)), 0.3 if (ending,) in self._table.idle else 0.05))
        by_name = [*found.items()]
        for kind, nouns in KINDS.items():  # in both languages: a kind's other words may be a thing's
            if self._choosing.matching.headed(nouns):
                add(tokens_of(kind), Named(kind), 0.03)
        for kind in dict.fromkeys(kind for kinds in self._choosing.matching.wider for kind in sorted(kinds)):
            add(tokens_of(kind), Named(kind), 0.05)
        for tokens, (text, cost) in by_name:
            for same in translations(tokens):
                key = key_of(tokens_of(same))
                dear = cost + 0.03 + self._dearness(key)
                if dear < found.get(key, ("", 9.0))[1]:
                    found[key] = (text, dear)
        return found

    def _dearness(self, tokens: Tokens) -> float:
        """What it costs that a name is of idle words."""
        if tokens not in self._table.idle:
            return 0.0
        return _SPOKEN_TO if len(tokens) > 1 and is_chinese(tokens[0]) else math.inf

    def _nearly(self, span: Tokens) -> tuple[str, float] | None:
        """A Chinese name of three characters or more, of which one, not the first, is another."""
        if len(span) < 3 or not all(map(is_chinese, span)):
            return None
        for tokens, (words, cost) in self.names.items():
            if len(tokens) == len(span) and cost < 0.05 and sum(map(str.__ne__, tokens, span)) == 1:
                odd = next(n for n, (its, own) in enumerate(zip(span, tokens, strict=True)) if its != own)
                if odd and (span[odd],) not in self._table.idle:
                    return words, cost + 0.1
        return None

    @cached_property
    def keys(self) -> dict[Tokens, tuple[str, float]]:
        """Keys by their tokens, but for idle words."""
        return {words: key for words, key in keys_by_words(self._graphs).items() if words not in self._table.idle}

    def keys_in(self, unit: str) -> tuple[list[str], bool]:
        """The keys of the facts that are told in a unit, "价格" where none is; whether it is a unit here. Of lengths
        it is not known which is meant."""
        dimension = Amount(0.0, unit).dimension
        found = self.keys_of_units.get(dimension or unit)
        return (["价格"], False) if not found or dimension in ("money", "length") else (found, True)

    @cached_property
    def keys_of_units(self) -> dict[str, list[str]]:
        return keys_of_units(self._graphs)

    def units_at(self, tokens: Tokens, i: int) -> Iterator[tuple[int, list[str]]]:
        """Units in which facts are told, and their keys."""
        return units_at(tokens, i, self.keys_of_units, self._graphs)

    @cached_property
    def keys_before(self) -> list[str]:
        """The keys of numbers that were asked for last."""
        return keys_before(self._choosing.scene.before, self._graphs)

    @cached_property
    def values(self) -> dict[Tokens, list[tuple[str, str, float]]]:
        """Short texts of facts, and the words within them, by their tokens."""
        found: dict[Tokens, list[tuple[str, str, float]]] = {}
        for graph in self._graphs:
            for fact in graph.facts if graph else ():
                if not isinstance(fact.value, str):
                    continue
                tokens = tokens_of(fact.value)
                if tokens and len(tokens) <= MAX_NAME:
                    found.setdefault(tokens, []).append((fact.key, fact.value, 0.0))
                    for n in range(1, len(tokens)):
                        if tokens[n:] not in self._table.idle and not is_chinese(tokens[n]):
                            found.setdefault(tokens[n:], []).append((fact.key, joined(tokens[n:]), 0.06))
        return found

    @cached_property
    def _states(self) -> set[str]:
        """Chinese words of states that are told shortly."""
        told = (fact.value for graph in self._graphs if graph for fact in graph.facts)
        return {bare_state(value) for value in told if isinstance(value, str)} - {""}

    def _look(self, span: Tokens, words: str) -> str | None:
        """The words of a plan for a look, None where they are none."""
        is_known = words in STATE_WORDS or words in self._states
        is_known |= is_chinese(words) and (span in self.values or span in synonyms())
        is_of_table = span in self._table.ways if is_chinese(words) and len(span) > 1 else self._table.words >= {*span}
        if is_of_table and not is_known:
            return None
        if is_chinese(words) and (size := self._table.degrees.get(span)) and size.keys[-1][0] in SIZES:
            return None  # 大 is how large, though a name holds it
        told = {*words.split(), words}
        if words in STATE_WORDS or words in COLOURS or words in MATERIALS or words in COLOURS_ZH:
            known: str | None = words
        else:
            known = None
        if self._is_told(words):
            return words
        for same in (*synonyms().get(key_of(span), ()), *self._ending(span)):
            if same not in told and self._is_told(same):
                return same
        return known

    def _ending(self, span: Tokens) -> Iterator[str]:
        """The words told here that end with this one: "walnut" for "nuts"."""
        own = single(span[0])
        if len(span) == 1 and len(own) > 2 and own.isascii():
            yield from (
                word
                for word in sorted(self._vocabulary)
                if single(word).endswith(own) and len(word) > len(own) + 2 and not word.endswith("ing")
            )

    def _is_told(self, words: str) -> bool:
        if not is_chinese(words):
            stems = {word[:4] for word in words.split()}
            if not all(any(word.startswith(stem) for word in self._vocabulary) for stem in stems):
                return False
        elif not any(
            words in text or (words[:-1] and words[:-1] in text) for texts in self._choosing.texts for text in texts
        ):
            return False
        return any(is_so(words, texts) is not None for texts in self._choosing.texts)

    @cached_property
    def _vocabulary(self) -> set[str]:
        return {word for words in self._told_words for word in words}
