"""All that a question's words may be read as, by the phrases of a language's table.

A chart parser (Kay, 1980) over the tokens: what each symbol of the table may be from each token on is found once. Idle
words may stand between the words of a phrase and cost little, words that no phrase takes up cost much: they may change
what is asked.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, partial

from scenewright_server.languages.failing import failure
from scenewright_server.languages.filling import VAIN, Bound, Part, asks_of_named, fill, pick_by, written
from scenewright_server.languages.leaving import UNANSWERED, is_clause, leaves_open
from scenewright_server.languages.measuring import key_before, key_of_costs, pick_before
from scenewright_server.languages.mentions import Mentions, cut
from scenewright_server.languages.numbering import numbers_at, ordinals_at, times_at, units_at, wholes_at
from scenewright_server.languages.numerals import whole_at
from scenewright_server.languages.phrases import (
    ASKED_LAST,
    MARKS,
    Degree,
    Gap,
    Literal,
    Phrase,
    Table,
    Tokens,
    tokens_of,
)
from scenewright_server.languages.thesaurus import key_of
from scenewright_server.scene.choosing import Choosing
from scenewright_server.scene.expressions import Key, Named
from scenewright_server.scene.facts import has_key
from scenewright_server.scene.words import is_chinese
from scenewright_server.scene.writing import write_key, write_set

MAX_STEPS = 60_000
"""Of matching a question's words; what is not found by then is not read."""
MAX_GAP = 25  # tokens
_IDLE, _MARK, _LOST, CLAUSE, _AFTER = 0.03, 0.02, 1.0, 0.08, 0.4
"""What leaving out costs: an idle word, a mark, a word of the same clause, a clause before, one after."""
_NAMING = 0.2
"""What a clause before costs that names something here."""
_SAID = 0.31
"""What a clause costs that may be a question of its own: one that asks, one after a question mark."""
_CHATTER = 0.15
"""What a clause after costs that is about nothing here."""
_TURNING = frozenset("不别没最第另换只要")
"""What may change what is asked."""
_ASKING = frozenset("哪谁几吗怎什啥少")
_ASKS = re.compile(f"[{''.join(sorted(_ASKING))}]|多 [久长远高大重快宽深]")
_BEYOND = 0.25
_NAMED = 0.6
"""Of a word that is left out, where a fact or a place of a named thing is asked for."""
_HOPELESS = 1.3
"""What costs more is not looked at any further."""
_KEPT = _TRIED = 6
"""Readings of a symbol that are kept for each end; plans that are carried out."""
_OWN = 0.005
"""What a name costs less than that is a thing's own, the whole of it."""
_FAR = 0.1
"""What a key costs that nothing here has."""
_NEXT = 0.01
"""What each key more costs of those that may be meant alike."""
_BOUNDS = ("以", "最", "except", "apart", "besides", "excluding")
"""Of 以内, 以上, 最便宜, "apart from": a clause with one of these is no chat."""
_CHOOSING = (*_BOUNDS, "of", "among")
"""What a clause begins with that tells of which things is asked."""
_OF_THOSE = re.compile(r"(?<!\")\bthose\b")
_SYMBOLS = {
    "A": "set", "B": "set", "C": "core", "J": "joined", "M": "piece", "P": "place", "Q": "place", "R": "narrowed",
    "E": "asked", "H": "asked", "O": "closing",
}  # fmt: skip


class Chart:
    """All that the tokens of a question may be read as."""

    def __init__(self, tokens: Tokens, table: Table, mentions: Mentions, choosing: Choosing) -> None:
        self._tokens, self._table, self._mentions, self._choosing = tokens, table, mentions, choosing
        self._n_steps = 0
        said, scene = frozenset(tokens), choosing.scene
        self._places: dict[str, list[int]] = {}
        for i, token in enumerate(tokens):
            self._places.setdefault(token, []).append(i)
        self._phrases = {
            name: [phrase for phrase in its if phrase.may_be_in(said)] for name, its in table.phrases.items()
        }
        self._found: dict[tuple[str, int], dict[int, list[tuple[float, Part]]]] = {}
        self._skips = [[*self._skip(i)] for i in range(len(tokens) + 1)]
        self._n_lost = [0]  # content words before each token
        for i, token in enumerate(tokens):
            is_idle = token in MARKS or any(i < k + n for k in range(max(i - 3, 0), i + 1) for n in self._idle_at(k))
            self._n_lost.append(self._n_lost[-1] + (not is_idle))
        self._lexical: Mapping[str, Callable[[int], Iterator[tuple[int, float, Part]]]] = {
            "X": self._names, "K": self._keys, "L": self._keys, "F": self._looks, "V": self._values, "W": self._free,
            "Y": self._absent, "S": self._superlatives, "G": self._comparatives, "D": self._adjectives,
            "N": partial(numbers_at, tokens, mentions, scene), "U": partial(units_at, tokens, mentions, scene),
            "I": partial(wholes_at, tokens), "T": partial(ordinals_at, tokens), "Z": partial(times_at, tokens),
        }  # fmt: skip
        self._given = {ASKED_LAST: Part(key, (("way", pick_before(scene)),))} if (key := key_before(scene)) else {}

    def best(self) -> tuple[float, str] | None:
        """The plan that leaves out least, with what it costs; among the best, one that does not fail."""
        before = self._choosing.scene.before
        names = {
            "question": 0.0,
            "alone": 0.1 if before is None else 0.25,
            "told": 0.2,
            **({"short": 0.01} if before is not None else {}),
        }
        if before is not None and before.asked is not None:
            names["back"] = 0.0
        plans: dict[str, float] = {}
        leads, trails = self._leads(), self._trails()
        for name, dear in names.items():
            for phrase in self._phrases.get(name, ()):
                if ASKED_LAST in phrase.plan and not self._given:
                    continue
                for i in phrase.starts(self._places, len(self._tokens)):
                    if leads[i] > _HOPELESS:
                        continue
                    for end, cost, bound in self._match(phrase, 0, i, 0.0, self._given):
                        if leads[i] + trails[end] + cost > _HOPELESS:
                            continue
                        weight = _NAMED if asks_of_named(phrase.plan, bound) else 1.0
                        lost = leads[i] + trails[end]
                        total = max(weight * lost, min(lost, CLAUSE)) + cost + 1e-5 * phrase.rank + dear
                        if "W" in bound and name == "alone" and (lost > CLAUSE or before is not None):
                            continue  # a word on its own is asked for only where nothing else is said
                        is_alone = not self._n_lost[i] and self._n_lost[-1] == self._n_lost[end]
                        is_alone |= is_clause(phrase.plan, self._tokens, self._n_lost, i, end)
                        if ("W" in bound or "Y" in bound) and not is_alone:
                            total += _AFTER  # a sentence about something else
                        plan = written(phrase.plan, bound)
                        is_left = plan is not None and leaves_open(self._tokens, i, end, plan, self._n_lost)
                        total += UNANSWERED * is_left
                        if plan is None or VAIN.search(plan) or (before is None and _OF_THOSE.search(plan)):
                            continue
                        if total < plans.get(plan, math.inf):
                            plans[plan] = total
        for phrase in self._phrases.get("beyond", ()):
            for i in phrase.starts(self._places, len(self._tokens)):
                if any(cost < _FAR for _, _, cost in self._mentions.names_at(self._tokens, i)):
                    continue
                for end, cost, _ in self._match(phrase, 0, i, 0.0, {}):
                    if end == i + 1 and self._mentions.is_told_of(self._tokens[i]):
                        continue
                    plans["beyond"] = min(plans.get("beyond", math.inf), _BEYOND + cost)
        ranked = sorted((cost, plan) for plan, cost in plans.items())[:_TRIED]
        checked = [(cost + failure(plan, self._tokens, self._choosing.scene), plan) for cost, plan in ranked]
        return min(checked, default=None)

    def _skip(self, i: int) -> Iterator[tuple[int, float]]:
        """Where one may go on from token i, idle words left out."""
        yield i, 0.0
        costs = {i: 0.0}
        for at in range(i, min(i + 7, len(self._tokens))):
            if at not in costs:
                continue
            if self._tokens[at] in MARKS:
                ends = [(at + 1, _MARK)]
            else:
                ends = [(at + n, _IDLE) for n in self._idle_at(at)]
            for end, cost in ends:
                if costs[at] + cost < costs.get(end, math.inf):
                    costs[end] = costs[at] + cost
        yield from ((end, cost) for end, cost in costs.items() if end > i)

    def _idle_at(self, i: int) -> list[int]:
        """How many tokens from token i on are idle words together."""
        if self._tokens[max(i - 1, 0) : i + 1] in (("how", "much"), ("how", "many")):
            return []
        if i and self._tokens[i - 1] == "的" and [*self._mentions.names_at(self._tokens, i)]:
            return []  # 的壶, 的老师: what is meant
        longest = min(6, len(self._tokens) - i)
        idle = [n for n in range(1, longest + 1) if self._tokens[i : i + n] in self._table.idle]
        if idle and is_chinese(self._tokens[i]):  # 带鱼: one name, no idle word before another
            its = max((end - i for end, _, cost in self._mentions.names_at(self._tokens, i) if cost < _OWN), default=0)
            idle = [n for n in idle if n >= its]
        return idle

    def _leads(self) -> list[float]:
        """What it costs to begin at each token."""
        costs, clause, total, most = [0.0], 0.0, 0.0, CLAUSE
        i = 0
        while i < len(self._tokens):
            n, cost = self._left_out(i)
            if self._tokens[i] == "、":
                pass  # what goes before is of the same list
            elif self._tokens[i] in MARKS:
                total += min(clause, most)
                clause, most = 0.0, CLAUSE
            elif (
                (n == 1 and self._tokens[i] in (_BOUNDS if clause else _CHOOSING))
                or self._is_bound(i)
                or self._is_counted(i)
            ):
                most = math.inf
            elif self._tokens[i] in _ASKING:
                most = max(most, _SAID)
            elif any(cost <= _FAR / 2 for _, _, cost in self._mentions.names_at(self._tokens, i)):
                most = max(most, _NAMING)
            clause += cost
            costs += [math.inf] * (n - 1) + [total + clause]
            i += n
        return costs

    def _is_counted(self, i: int) -> bool:
        """Whether so many things begin at token i: "三个", but not "一个", nor how many people ask."""
        value, end = whole_at(self._tokens, i) or (0.0, i)
        return value > 1 and self._tokens[end : end + 1] == ("个",) and self._tokens[end + 1 : end + 2] != ("人",)

    def _is_bound(self, i: int) -> bool:
        """Whether a bound begins at token i: "三百以内"."""
        readings = (part for its in self._ends("P", i).values() for cost, part in its if cost < CLAUSE)
        return any(re.search(" [<>]=? ", part.text) for part in readings)

    def _trails(self) -> list[float]:
        """What it costs to end before each token."""
        n = len(self._tokens)
        costs = [0.0] * (n + 1)
        for end in range(n - 1, -1, -1):
            i, clause, total, is_first, most = end, 0.0, 0.0, True, _AFTER
            dear = _CHATTER
            while i < n:
                step, cost = self._left_out(i)
                if self._tokens[i] in MARKS:
                    total += clause if is_first else min(clause, most, dear)
                    most = _SAID if self._tokens[i] in "?？" else _AFTER
                    clause, is_first, dear = 0.0, False, _CHATTER
                elif not self._is_chatter[i]:
                    dear = max(dear, _AFTER)
                    if not is_first and self._is_bound(i):
                        most = dear = math.inf
                clause += cost
                i += step
            costs[end] = total + (clause if is_first else min(clause, most, dear))
        return costs

    @cached_property
    def _is_chatter(self) -> list[bool]:
        """Whether a token begins nothing that a question could be about; known of Chinese."""
        return [
            is_chinese(token)
            and token not in _ASKING
            and token not in _TURNING
            and (token,) not in self._table.degrees
            and not any(cost <= _FAR / 2 for _, _, cost in self._mentions.names_at(self._tokens, i))
            and not self._ends("P", i)
            for i, token in enumerate(self._tokens)
        ]

    def _left_out(self, i: int) -> tuple[int, float]:
        """How many tokens are left out at once from token i on, and what that costs."""
        if self._tokens[i] in MARKS:
            return 1, 0.0
        if idle := self._idle_at(i):
            return idle[-1], _IDLE
        return 1, _LOST if not is_chinese(self._tokens[i]) else _LOST / 2

    def _ends(self, symbol: str, i: int) -> dict[int, list[tuple[float, Part]]]:
        """Where a symbol that begins at token i may end, and what it is then, the likeliest first."""
        key = (symbol, i)
        if key not in self._found:
            self._found[key] = {}
            found: dict[int, dict[Part, float]] = {}
            for end, cost, part in self._readings(symbol, i):
                its = found.setdefault(end, {})
                if cost < its.get(part, math.inf):
                    its[part] = cost
            self._found[key] = {
                end: sorted(((cost, part) for part, cost in its.items()), key=lambda pair: pair[0])[:_KEPT]
                for end, its in found.items()
            }
        return self._found[key]

    def _readings(self, symbol: str, i: int) -> Iterator[tuple[int, float, Part]]:
        if symbol in self._lexical:
            if i < len(self._tokens):
                yield from self._lexical[symbol](i)
            return
        for phrase in self._phrases.get(_SYMBOLS[symbol], ()):
            if phrase.openings is not None and i < len(self._tokens) and self._tokens[i] not in phrase.openings:
                continue
            for end, cost, bound in self._match(phrase, 0, i, 0.0, {}):
                parts = self._asked(phrase.plan) if symbol in "EHO" else ((0.0, Part(fill(phrase.plan, bound))),)
                for dear, part in parts:
                    yield end, cost + dear + 1e-5 * phrase.rank, part

    def _asked(self, keys: str) -> list[tuple[float, Part]]:
        """The keys, of several that one may ask for alike, that something here has; else the first."""
        found = [self._mentions.keys.get(key_of(tokens_of(key)), (key, 0.2)) for key in keys.split(" / ")]
        known = sorted(dict.fromkeys(key for key, cost in found if cost <= _FAR), key=lambda key: not self._is_own(key))
        if known:
            return [(_NEXT * n, Part(write_key(Key(cut(key))))) for n, key in enumerate(known)]
        key = next((key for key, _ in found if self._is_told(key)), found[0][0])
        return [(0.1, Part(write_key(Key(cut(key)))))]

    def _match(self, phrase: Phrase, k: int, i: int, cost: float, bound: Bound) -> Iterator[tuple[int, float, Bound]]:
        """The ends of the phrase's items from the k-th on, from token i on."""
        self._n_steps += 1
        if cost > _HOPELESS or self._n_steps > MAX_STEPS:
            return
        if k == len(phrase.items):
            yield i, cost, bound
            return
        item = phrase.items[k]
        if item.is_optional:
            yield from self._match(phrase, k + 1, i, cost, bound)
        if isinstance(item, Gap):
            marks = [at for at in range(i, min(i + MAX_GAP, len(self._tokens))) if self._tokens[at] in MARKS]
            for at in range(marks[0], min(i + MAX_GAP, len(self._tokens))) if marks else ():
                between = self._tokens[i:at]
                dear = _SAID if _ASKS.search(" ".join(between)) else CLAUSE
                dear += 2 * CLAUSE * sum(token in MARKS for token in between)
                dear += _LOST * any(self._is_counted(k) for k in range(i, at)) + _NAMING * (between[:1] == ("and",))
                yield from self._match(phrase, k + 1, at, cost + dear, bound)
            return
        for at, skipped in self._skips[i] if k else self._skips[i][:1]:
            if isinstance(item, Literal):
                for n in range(1, item.longest + 1):
                    if self._tokens[at : at + n] in item.ways and at + n <= len(self._tokens):
                        yield from self._match(phrase, k + 1, at + n, cost + skipped, bound)
                continue
            if at == len(self._tokens):
                continue
            for end, readings in self._ends(item.symbol, at).items():
                for its, part in readings:
                    yield from self._match(phrase, k + 1, end, cost + skipped + its, {**bound, item.name: part})

    def _names(self, i: int) -> Iterator[tuple[int, float, Part]]:
        for end, words, cost in self._mentions.names_at(self._tokens, i):
            yield end, cost, Part(words)

    def _keys(self, i: int) -> Iterator[tuple[int, float, Part]]:
        for end, words, cost in self._mentions.keys_at(self._tokens, i):
            yield end, cost, Part(write_key(Key(cut(words))))

    def _looks(self, i: int) -> Iterator[tuple[int, float, Part]]:
        for end, words, cost in self._mentions.looks_at(self._tokens, i):
            yield end, cost, Part(write_set(Named(cut(words))))

    def _values(self, i: int) -> Iterator[tuple[int, float, Part]]:
        for end, key, words, cost in self._mentions.values_at(self._tokens, i):
            yield end, cost, Part(write_set(Named(cut(words))), (("key", write_key(Key(cut(key)))),))

    def _free(self, i: int) -> Iterator[tuple[int, float, Part]]:
        for end, words, cost in self._mentions.free_at(self._tokens, i):
            yield end, cost, Part(write_set(Named(cut(words))))

    def _absent(self, i: int) -> Iterator[tuple[int, float, Part]]:
        for end, words, cost in self._mentions.absent_at(self._tokens, i):
            yield end, cost, Part(write_set(Named(cut(words))))

    def _adjectives(self, i: int) -> Iterator[tuple[int, float, Part]]:
        for n in range(min(3, len(self._tokens) - i), 0, -1):
            degree = self._table.degrees.get(self._tokens[i : i + n])
            if degree:
                yield i + n, 0.0, self._degree(degree)

    def _comparatives(self, i: int) -> Iterator[tuple[int, float, Part]]:
        yield from self._inflected(i, "er", ("more",), ("little", "less"))

    def _superlatives(self, i: int) -> Iterator[tuple[int, float, Part]]:
        yield from self._inflected(i, "est", ("most", "最"), ("least",))

    def _inflected(self, i: int, ending: str, more: Tokens, less: Tokens) -> Iterator[tuple[int, float, Part]]:
        token = self._tokens[i]
        degree, its = self._table.forms.get(token, (None, ""))
        if degree is not None and its == ending:
            yield i + 1, 0.0, self._degree(degree)
        if token in more or token in less:
            for n in range(min(3, len(self._tokens) - i - 1), 0, -1):
                degree = self._table.degrees.get(self._tokens[i + 1 : i + 1 + n])
                if degree:
                    yield i + 1 + n, 0.0, self._degree(degree.opposite if token in less else degree)

    def _degree(self, degree: Degree) -> Part:
        """An adjective's pick, by the first of its keys that something here has."""
        key, most = next(((key, most) for key, most in degree.keys if self._is_told(key)), degree.keys[0])
        costs = key_of_costs([entry.graph for entry in self._choosing.scene.entries]) if key == "price" else ""
        return pick_by(costs or key, most)

    def _is_own(self, key: str) -> bool:
        """Whether a fact here has this very key."""
        graphs = (entry.graph for entry in self._choosing.scene.entries)
        return any(has_key(graph, key) for graph in graphs if graph)

    def _is_told(self, key: str) -> bool:
        return any(self._choosing.is_known(Key(key), k) for k in self._choosing.everything)
