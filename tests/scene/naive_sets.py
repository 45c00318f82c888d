"""The slow way to sets: every thing asked by itself, in plain arithmetic over what made the scene."""

from __future__ import annotations

import math
from collections.abc import Sequence

from scenewright_server.scene import expressions as x
from scenewright_server.scene.choosing import PICKS
from scenewright_server.scene.entries import Entry

from tests.scene.naive_space import NaiveRelations, surface_distance


class Undecided(Exception):
    """No set: several fit where one is needed, or nothing is known, or nothing is so named."""


class NaiveSets:
    """Sets of a scene of English labels, whose facts are numbers and texts, without near names."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries, self.relations = entries, NaiveRelations(entries)
        self.everything = list(range(len(entries)))

    def fact(self, key: str, k: int) -> float | str | None:
        return next((fact.value for fact in self.entries[k].graph.facts if fact.key == key), None)

    def number(self, key: x.Key, k: int) -> float | None:
        entry = self.entries[k]
        if key.to is not None:
            to = self.one(key.to)
            return None if to == k else math.dist(entry.position, self.entries[to].position)
        if key.name == "distance":
            return math.dist(entry.position, (0, 0, 0))
        if key.name in ("left", "right"):
            turn = math.atan2(entry.position[0], entry.position[2])
            if entry.position[2] < 0:
                turn = math.atan2(entry.position[0], -entry.position[2])
            return turn if key.name == "right" else -turn
        if key.name == "up":
            return entry.position[1]
        if key.name == "load":
            return sum(self.relations.holds("on", i, k) for i in self.everything)
        if key.name in ("width", "height", "depth"):
            return entry.size["width height depth".split().index(key.name)]
        if key.name == "size":
            return entry.size[0] * entry.size[1] * entry.size[2]
        value = self.fact(key.name, k)
        return None if isinstance(value, str) else value

    def numbers(self, key: x.Key, among: Sequence[int]) -> dict[int, float]:
        found = {k: self.number(key, k) for k in among}
        known = {k: value for k, value in found.items() if value is not None}
        if among and not known:
            raise Undecided
        return known

    def one(self, of: x.Set) -> int:
        found = self._some(of)
        if len(found) != 1:
            raise Undecided
        return found[0]

    def _some(self, of: x.Set) -> list[int]:
        found = self.choose(of)
        if len(found) > 1 and isinstance(of, x.Named):
            found = [k for k in found if self.entries[k].graph.label == of.words] or found
        if not found:
            raise Undecided
        return found

    def choose(self, of: x.Set, among: Sequence[int] | None = None) -> list[int]:
        among = self.everything if among is None else among
        match of:
            case x.Narrowed(links):
                n = min((n for n, link in enumerate(links) if isinstance(link, PICKS)), default=len(links))
                among = self._plainly(links[:n], self._in_all(links[:n], among))
                return self._in_all(links[n:], among)
            case x.Related():
                return self._plainly([of], self._choose(of, among))
            case _:
                return self._choose(of, among)

    def _in_all(self, links: Sequence[x.Set], among: Sequence[int]) -> list[int]:
        of_user = [link for link in links if isinstance(link, x.Related) and isinstance(link.to, x.Me)]
        of_sides = [link for link in of_user if link.relation in ("behind", "left of", "right of")]
        sides = sorted(link.relation for link in of_sides)
        if {*sides} in ({"behind", "left of"}, {"behind", "right of"}) and sides.count(sides[-1]) == 1:
            sign = -1 if sides[-1] == "left of" else 1
            turn = {k: math.atan2(sign * self.entries[k].position[0], self.entries[k].position[2]) for k in among}
            among = [k for k in among if math.pi / 2 < turn[k] < math.radians(172)]
            among = self._in_all([link for link in links if link not in of_sides], among)
            return [k for k in among if turn[k] > 2] or among
        of_sides = [link for link in of_user if link.relation in ("in front of", "left of", "right of")]
        sides = sorted({link.relation for link in of_sides})
        if sides in (["in front of", "left of"], ["in front of", "right of"]) and len(of_sides) == 2:
            sign = -1 if sides[-1] == "left of" else 1
            turn = {k: math.atan2(sign * self.entries[k].position[0], self.entries[k].position[2]) for k in among}
            among = [k for k in among if 0.15 < turn[k] <= math.radians(60)]
            return self._in_all([link for link in links if link not in of_sides], among)
        for link in links:
            among = self._choose(link, among)
        return list(among)

    def _plainly(self, links: Sequence[x.Set], among: Sequence[int]) -> list[int]:
        """Those that are plainly on the one side that was named, of the user or of a thing, if any is."""
        related = [link for link in links if isinstance(link, x.Related) and not link.own]
        sides = [(link.relation, link.to) for link in related if link.relation in x.SIDES]
        degrees = {k: math.degrees(math.atan2(self.entries[k].position[0], self.entries[k].position[2])) for k in among}
        match sides:
            case [("left of", x.Me())]:
                plain = [k for k in among if -135 <= degrees[k] <= -math.degrees(0.6)]
            case [("right of", x.Me())]:
                plain = [k for k in among if math.degrees(0.6) <= degrees[k] <= 135]
            case [("behind", x.Me())]:
                plain = [k for k in among if abs(degrees[k]) >= 135]
            case [(relation, to)] if not isinstance(to, x.Me) and (relation[:2] in ("in", "be") or len(links) == 1):
                others = self.choose(to) if related[0].each else [self.one(to)]
                holds = self.relations.holds_plainly
                close = [k for k in among if any(holds(relation, k, j, closely=True) for j in others)]
                plain = close or [k for k in among if any(holds(relation, k, j) for j in others)]
            case _:
                plain = []
        return plain or list(among)

    def _choose(self, of: x.Set, among: Sequence[int]) -> list[int]:
        match of:
            case x.Narrowed():
                return self.choose(of, among)
            case x.Joined(parts):
                found: list[int] = []
                for part in parts:
                    found += [k for k in self.choose(part, among) if k not in found]
                return found
            case x.Not(part):
                without = self.choose(part, among)
                return [k for k in among if k not in without]
            case x.Extreme(key, most, n, nth):
                return self._extreme(key, most, n, nth, among)
            case x.Ordered(key, down):
                numbers = self.numbers(key, among)
                return sorted(numbers, key=lambda k: -numbers[k] if down else numbers[k])
            case x.Middle():
                turn = {k: math.atan2(self.entries[k].position[0], self.entries[k].position[2]) for k in among}
                if all(abs(its) > math.pi / 2 for its in turn.values()):
                    turn = {k: its % (2 * math.pi) for k, its in turn.items()}
                row = sorted(among, key=turn.__getitem__)
                return row[len(row) // 2 :][:1] if len(row) % 2 else row[len(row) // 2 - 1 :][:2]
            case x.Nth(n):
                return list(among)[-1:] if n == x.LAST else list(among)[n - 1 : n]
            case x.After(part):
                rows = [self.entries[k].row for k in self._some(part)]
                return sorted((k for k in among if self.entries[k].row > max(rows)), key=lambda k: self.entries[k].row)
            case x.Before(part):
                rows = [self.entries[k].row for k in self._some(part)]
                return sorted((k for k in among if self.entries[k].row < min(rows)), key=lambda k: self.entries[k].row)
            case x.Multiple(_, part):
                return self.choose(part, among)
            case x.Compared(key, sign, x.Number(bound)):
                return [k for k, its in self.numbers(key, among).items() if _holds(its, sign, bound)]
            case x.Compared(key, sign, str(text)):
                told = [k for k in among if self.fact(key.name, k) is not None]
                if among and not told:
                    raise Undecided
                return [k for k in told if (self.fact(key.name, k) == text) == (sign == "=")]
            case x.Compared(key, sign, other):
                j = self.one(other)  # type: ignore[arg-type]
                bound = self.number(key, j)
                if bound is None:
                    raise Undecided
                its = self.numbers(key, [k for k in among if k != j])
                return [k for k, value in its.items() if _holds(value, sign, bound)]
            case x.Related("on" | "in", x.Me()):
                raise Undecided
            case x.Named(words):
                if not any(self._is_named(words, k) for k in self.everything):
                    raise Undecided
        return [k for k in among if self._is_in(of, k)]

    def _is_in(self, of: x.Set, k: int) -> bool:
        match of:
            case x.All():
                return True
            case x.Named(words):
                return self._is_named(words, k)
            case x.Look(words):
                return words in self.entries[k].graph.label.split() or words == self.fact("colour", k)
            case x.Has(key):
                return self.fact(key.name, k) is not None or self.number(key, k) is not None
            case x.Reachable():
                return surface_distance(self.entries[k]) < 0.8
            case x.Related(relation, x.Me()):
                return self.relations.holds_for_user(relation, k)
            case x.Related(relation, to, own, each):
                holds = self.relations.on_own_side if own else self.relations.holds
                others = self.choose(to) if each else [self.one(to)]  # type: ignore[arg-type]
                return any(holds(relation, k, j) for j in others)
        raise Undecided

    def _is_named(self, words: str, k: int) -> bool:
        return self.entries[k].graph.label.split()[-len(words.split()) :] == words.split()

    def _extreme(self, key: x.Key, most: bool, n: int, nth: bool, among: Sequence[int]) -> list[int]:
        numbers = self.numbers(key, among)
        row: list[int] = []
        while len(row) < len(numbers):
            rest = [k for k in numbers if k not in row]
            row.append(max(rest, key=lambda k: numbers[k]) if most else min(rest, key=lambda k: numbers[k]))
        if nth:
            return row[n - 1 : n]
        return row[:n] if n > 1 else [k for k in row if abs(numbers[k] - numbers[row[0]]) < 1e-9]


def _holds(a: float, sign: str, b: float) -> bool:
    is_same = abs(a - b) < 1e-9
    return {"=": is_same, "!=": not is_same, "<": a < b and not is_same, "<=": a < b or is_same,
            ">": a > b and not is_same, ">=": a > b or is_same}[sign]  # fmt: skip
