"""The sets of a plan, told from all things of a scene."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import numpy as np

from scenewright_server.scene import expressions as x
from scenewright_server.scene.amounts import Amount, read_whole
from scenewright_server.scene.calling import Calling
from scenewright_server.scene.comparing import Comparing, is_range, is_same
from scenewright_server.scene.countries import other_words
from scenewright_server.scene.dates import as_date, read_date
from scenewright_server.scene.failures import Failed, Several
from scenewright_server.scene.hours import lasting, late
from scenewright_server.scene.matching import Match, Matching
from scenewright_server.scene.measures import PLACES, Measures, MixedUnits, Valued, holds, in_one_unit
from scenewright_server.scene.nearby import is_nearby, nearby
from scenewright_server.scene.relations import NoFront
from scenewright_server.scene.replies import Lost, Mixed, NotHere, Nothing, NotUnderstood, Unknown
from scenewright_server.scene.scene import Scene, Things
from scenewright_server.scene.states import is_so, is_state_alone

PICKS = (x.Extreme, x.Ordered, x.Middle, x.Nth)
"""Links that depend on what others are there."""


class Choosing:
    """Tells sets of a scene. `before`: the turn before, and `those`, what is meant by that word; `took` and `missing`
    gather names that were nearly right and names of nothing here; `ranked` are the amounts by which things were picked
    or ordered last; `kinds`: names of kinds that are asked for."""

    def __init__(self, scene: Scene) -> None:
        entries = scene.entries
        self.scene, self.everything = scene, tuple(range(len(entries)))
        self.before = scene.before
        self.those = scene.before.things if scene.before is not None else ()
        self.relations = scene.relations
        self.measures = Measures(entries, self.relations, scene.year)
        self.comparing = Comparing(scene, self.measures)
        self.calling = Calling(entries, self.matching, scene.kinds)
        self.forget_names()

    def forget_names(self) -> None:
        """Begin to gather names anew."""
        self.ranked: dict[int, Valued] = {}
        self.took: dict[str, int] = {}
        self.missing: dict[str, None] = {}
        self.kinds: frozenset[str] = frozenset()

    @property
    def texts(self) -> list[tuple[str, ...]]:
        return self.scene.texts

    @property
    def matching(self) -> Matching:
        return self.scene.matching

    def choose(self, of: x.Set, among: Things | None = None, one: bool = False) -> Things:
        """The things of a set in their order; `one`: names stand for what they name best. Raises Failed, Several."""
        among = self.everything if among is None else among
        links = of.links if isinstance(of, x.Narrowed) else (of,)
        n = next((i for i, link in enumerate(links) if isinstance(link, PICKS)), len(links))
        is_named = any(isinstance(link, x.Named | x.Kind | x.Joined) for link in links)
        corner = x.corner_of(links[:n])
        among = among if corner is None else self._in_corner(corner, among)
        for link in links[:n]:
            if corner is not None and link in [x.Related(side, x.Me()) for side in corner]:
                continue
            if isinstance(link, x.Other) and is_named:
                among = self._spoken_of(link, among)
            else:
                among = self._choose(link, among, one)
        among = self._plainly(links[:n], among)
        if self.scene.is_list and not any(isinstance(link, x.Those) for link in links[:n]):
            among = self.scene.in_rows(among)
        for link in links[n:]:
            if isinstance(link, x.Extreme) and self.joins_single(links[0]):
                self._need_values(link.key, among)
            among = self._choose(link, among, one)
        return among

    def _need_values(self, key: x.Key, among: Things) -> None:
        """Of things that were named one by one none is passed over. Raises Failed."""
        values = self.values(key, among)
        if values and (lacking := tuple(k for k in among if k not in values)):
            raise Failed(Unknown(key.name, lacking))

    def _those_of(self, is_so: np.ndarray, among: Things) -> Things:
        return tuple(k for k in among if is_so[k])

    def _in_corner(self, corner: tuple[x.Relation, x.Relation], among: Things) -> Things:
        side, along = corner
        is_there = self.relations.behind_user_on if along == "behind" else self.relations.ahead_of_user_on
        return self._those_of(is_there(side), among)

    def _choose(self, of: x.Set, among: Things, one: bool) -> Things:
        match of:
            case x.Narrowed():
                return self.choose(of, among, one)
            case x.Joined(parts):
                return self._join(parts, among, one)
            case x.Not(part):
                without = set(self._choose_or_none(part, among))
                return tuple(k for k in among if k not in without)
            case x.All():
                return among
            case x.Those() | x.This() | x.Other():
                return tuple(k for k in self._spoken_of(of) if k in among)
            case x.Named(words) if self.is_state(words):
                return tuple(k for k in among if is_so(words, self.texts[k]))
            case x.Named(words) | x.Kind(words):
                is_kind = isinstance(of, x.Kind)
                found = {*(self._of(words, self.calling.of_kind(words)) if is_kind else self._named(words, one))}
                return tuple(k for k in among if k in found)
            case x.Look(words):
                return self._look(words, among)
            case x.Multiple(_, part):
                return self.choose(part, among, one)
            case x.Nth(n):
                return among[-1:] if n == x.LAST else among[n - 1 : n]
            case x.After(part) | x.Before(part):
                rows = self.scene.in_rows(self.everything)
                at = [rows.index(k) for k in self.candidates(part)]
                its = rows[max(at) + 1 :] if isinstance(of, x.After) else rows[: min(at)]
                return tuple(k for k in its if k in among)
            case x.Visible():
                return tuple(k for k in among if self.scene.entries[k].box is not None)
            case x.Has(key):
                return tuple(k for k in among if self.has(key, k))
            case x.Same(key, as_):
                return self._same(key, as_, among)
            case x.Compared():
                return self._compared(of, among)
            case x.Extreme() | x.Ordered() | x.Middle():
                return self._picked(of, among)
            case _:
                mask = self._stands(of, among)
                return tuple(k for k in among if mask[k])

    def one(self, of: x.Set) -> int:
        """The one thing that a set is. Raises Failed, Several."""
        things = self.candidates(of)
        if len(things) > 1:
            raise Several(of, things)
        return things[0]

    def candidates(self, of: x.Set) -> Things:
        """The things of a set of which one is meant, at least one. Raises Failed, Several."""
        things = self.choose(of)
        if len(things) > 1:
            things = self.choose(of, one=True) or things
        if not things:
            raise Failed(Nothing())
        return self._lately(things) if len(things) > 1 and isinstance(of, x.Named | x.Kind) else things

    def _lately(self, things: Things) -> Things:
        """Of things of one name the one that was spoken of last, where it was alone: "the hotel"."""
        spoken = next((its for its in self.scene.recent if {*its} & {*things}), ())
        found = tuple(k for k in things if k in spoken)
        return found if len(found) == 1 else things

    def joins_single(self, of: x.Set) -> bool:
        """Whether a set joins things of which each is named alone, "cup + lamp": of each is told what is asked."""
        if not isinstance(of, x.Joined):
            return False
        for part in (its.of if isinstance(its, x.Multiple) else its for its in of.parts):
            with suppress(Failed):
                if not isinstance(part, x.Named) or len(self.candidates(part)) > 1:
                    return False
        return True

    def values(self, key: x.Key, among: Things, told: bool = False) -> dict[int, Valued]:
        """The amounts of those of these things that have one; `told`: facts before places."""
        to = None if key.to is None else self.one(key.to)
        found = {k: self.measures.value(key.name, k, to, told) for k in among if k != to}
        return {k: value for k, value in found.items() if value is not None}

    def is_known(self, key: x.Key, k: int) -> bool:
        """Whether anything is known of thing k under a key."""
        return bool(self.values(key, (k,))) if key.to is not None else self.comparing.is_known(key.name, k)

    def has(self, key: x.Key, k: int) -> bool:
        """Whether thing k has what a key tells of."""
        return bool(self.values(key, (k,))) if key.to is not None else self.comparing.has(key.name, k)

    def _join(self, parts: Sequence[x.Set], among: Things, one: bool) -> Things:
        found: dict[int, None] = {}
        failures: list[Failed] = []
        for part in parts:
            try:
                found.update(dict.fromkeys(self.choose(part, among, one)))
            except Failed as error:
                if not isinstance(error.result, NotHere):
                    raise
                failures.append(error)
        if len(failures) == len(parts):
            raise failures[-1]
        return tuple(found)

    def _choose_or_none(self, of: x.Set, among: Things) -> Things:
        """A set that may be named by nothing here: what is not that is everything."""
        try:
            return self.choose(of, among)
        except Failed as error:
            if isinstance(error.result, NotHere):
                self.missing.pop(error.result.words, None)
                return ()
            raise

    def _spoken_of(self, of: x.Those | x.This | x.Other, named: Things | None = None) -> Things:
        """What was told or is pointed at; the others of those that are `named`, else of those alike."""
        before = tuple(k for k in self.those if k in self.everything)
        if isinstance(of, x.This):
            if not self.scene.pointed:
                raise Failed(Lost("this"))
            return self.scene.pointed[:1]
        if not before:
            raise Failed(Lost("those" if isinstance(of, x.Those) else "other"))
        if isinstance(of, x.Those):
            return before
        if named is None and self.before is not None and self.before.left:
            return self.before.left
        return tuple(k for k in (self.calling.alike(before[0]) if named is None else named) if k not in before)

    def _look(self, words: str, among: Things) -> Things:
        """What looks so, or of which it is told; of a country by another word for it, where none is told by this."""
        for its in (words, *other_words(words)):
            if any(is_so(its, texts) for texts in self.texts):
                return tuple(k for k in among if is_so(its, self.texts[k]))
        return ()

    def is_state(self, words: str) -> bool:
        """Whether words that name nothing are a state's: "free"."""
        return is_state_alone(words) and not self.calling.find(words, one=False).things

    def _named(self, words: str, one: bool) -> Things:
        match = self.calling.find_of_kind(words) if words in self.kinds else self.calling.find(words, one)
        if not match.things and (told := self.comparing.with_value(words)):
            self.took |= {words: told[0]} if len(told) == 1 and self.comparing.is_other(words) else {}
            return told
        return self._of(words, match)

    def _of(self, words: str, match: Match) -> Things:
        """What these words are found to mean. Raises Failed."""
        if not match.things:
            self.missing[words] = None
            raise Failed(NotHere(words))
        if match.is_near:
            self.took[words] = match.things[0]
        return match.things

    def _same(self, key: x.Key, as_: x.Set, among: Things) -> Things:
        others = self.candidates(as_)
        if len(others) > 1:  # as any of them
            alike = {j for other in others for j in self._same_as(key, other, among)}
            return tuple(k for k in among if k in alike or k in others)
        return self._same_as(key, others[0], among)

    def _same_as(self, key: x.Key, other: int, among: Things) -> Things:
        if (own := self.values(key, (other,)).get(other)) is not None:
            values = self.values(key, among)
            return tuple(k for k in among if k != other and k in values and is_same(own.amount, values[k].amount))
        return self.comparing.same_text(key.name, other, among)

    def _compared(self, of: x.Compared, among: Things) -> Things:
        key, sign, with_ = of.key, of.sign, of.with_
        match with_:
            case str() if (day := read_date(with_)) is not None and self.values(key, among):
                bound = day
            case str() if (amount := read_whole(with_)) is not None and sign == "=" and amount.high is not None:
                values = self.values(key, among, told=True)
                return tuple(k for k, its in values.items() if is_range(its.amount, amount))
            case str() if sign == "=" and is_nearby(key.name) and (named := self.scene.named_by(with_)):
                return tuple({k: None for j in named for k in nearby(self.scene, j, among)})
            case str():
                return self.comparing.as_text(key.name, sign, with_, among)
            case x.Number(value, unit):
                bound = late(self.measures.in_currency(as_date(Amount(value, unit))), key.name)
            case _:
                other = self.one(with_)
                own = self.values(key, (other,), told=True).get(other)
                if own is None:
                    raise Failed(Unknown(key.name, (other,)))
                bound, among = own.amount, tuple(k for k in among if k != other)
        values = self.comparing.own(key.name, self.values(key, among, told=True))
        if among and not values:
            raise Failed(Unknown(key.name, among))
        held: dict[int, bool] = {}
        for k, its in values.items():
            with suppress(MixedUnits):
                items = [] if its.is_measured else self.comparing.listed(key.name, k)
                are_so = [holds(item, sign, bound) for item in items or [its.amount]]
                held[k] = all(are_so) if sign == "!=" else any(are_so)
        if values and not held:
            raise Failed(Mixed(key.name, tuple(values)))
        return tuple(k for k, is_so in held.items() if is_so)

    def _picked(self, of: x.Extreme | x.Ordered | x.Middle, among: Things) -> Things:
        if isinstance(of, x.Middle):
            row = self.relations.in_a_row(among)
            return tuple(row[(len(row) - 1) // 2 : len(row) // 2 + 1])
        told = tuple(k for k in among if of.key.name in PLACES and self.measures.is_told(of.key.name, k))
        are_told = len(told) > 1 and 2 * len(told) > len(among)  # how many are left, not how far to the left
        values = self.values(of.key, told if are_told else among, told=are_told)
        self.ranked = values = self.comparing.own(of.key.name, values)
        if not among:
            return ()
        if not values:
            raise Failed(Unknown(of.key.name, among))
        try:
            numbers, _ = in_one_unit(lasting([its.amount for its in values.values()]))
        except MixedUnits:
            self.ranked = values = self.comparing.of_its_dimension(of.key.name, values)
            numbers, _ = in_one_unit([its.amount for its in values.values()])
        sign = -1 if (of.down if isinstance(of, x.Ordered) else of.most) else 1
        rank = dict(zip(values, numbers, strict=True))
        row = sorted(values, key=lambda k: sign * rank[k])
        if isinstance(of, x.Ordered):
            return tuple(row)
        if of.nth or of.n > 1:
            return tuple(row[of.n - 1 if of.nth else 0 : of.n])
        return tuple(k for k in row if is_same(Amount(rank[k]), Amount(rank[row[0]])))

    def _stands(self, of: x.Set, among: Things) -> np.ndarray:
        """(N,) bool: what stands so."""
        relations = self.relations
        match of:
            case x.Related(relation, x.Me()):
                mask = relations.related_to_user(relation)
                if mask is None:
                    raise Failed(NotUnderstood(f"nothing is {relation!r} the user"))
                return mask
            case x.Related(relation, to, own, each):
                return self._related(relation, to, own, each, among)  # type: ignore[arg-type]
            case x.Between(a, b):
                return self._between(a, b)
            case x.Clock(hour):
                return relations.at_hour(hour)
            case x.Reachable():
                return relations.reachable()
            case x.Empty():
                told = (is_so("empty", texts) for texts in self.texts)
                return np.array([so if its is None else its for its, so in zip(told, relations.empty, strict=True)])
        raise AssertionError(of)

    def _plainly(self, links: Sequence[x.Set], among: Things) -> Things:
        """Of things on a side of the user or of a thing those that are plainly there, if one is: of what is named all
        to the left and the right of a thing."""
        related = [link for link in links if isinstance(link, x.Related) and link.relation in x.SIDES and not link.own]
        corner = x.corner_of(links)
        if corner is not None:
            plainly = self.relations.behind_user_on(corner[0], plainly=True)
            return (self._those_of(plainly, among) if corner[1] == "behind" else among) or among
        if len(related) != 1 or len(among) < 2:
            return among
        relation, to = related[0].relation, related[0].to
        if isinstance(to, x.Me):
            return self._those_of(self.relations.plainly_related_to_user(relation), among) or among
        if len(links) == 1 or relation not in ("left of", "right of"):
            others = self.choose(to) if related[0].each else self.candidates(to)
            for closely in (True, False):
                masks = [self.relations.plainly_related(relation, j, closely) for j in others]
                if plain := self._those_of(np.any(masks, axis=0), among):
                    return plain
        return among

    def _related(self, relation: x.Relation, to: x.Set, own: bool, each: bool, among: Things) -> np.ndarray:
        """To one thing; of several, to any, or else to the only one to which anything is, or to all alike."""
        others = self.choose(to) if each else self.candidates(to)
        if relation == "near" and (told := {j for k in others for j in nearby(self.scene, k, among)}):
            return np.isin(self.everything, [*told])
        try:
            find = self.relations.on_own_side if own else self.relations.related
            masks = [find(relation, j) for j in others]
        except NoFront:
            raise Failed(Unknown("front", others)) from None
        inside = np.isin(self.everything, among)
        if relation == "in" and not any((mask & inside).any() for mask in masks):
            masks = [find("on", j) for j in others]
        if each:
            return np.any(masks, axis=0) if masks else np.zeros(len(self.everything), bool)
        telling = {(mask & inside).tobytes(): mask for mask in masks if (mask & inside).any()}
        n_telling = sum(bool((mask & inside).any()) for mask in masks)
        if len(telling) > 1 or (len(telling) == 1 and n_telling not in (1, len(masks))):
            raise Several(to, others)
        return next(iter(telling.values()), masks[0] & False)

    def _between(self, a: x.Set | x.Me, b: x.Set | x.Me) -> np.ndarray:
        if not isinstance(a, x.Me) and a == b:
            pair = self.candidates(a)
            if len(pair) != 2:
                raise Several(a, pair)
            return self.relations.between(*pair)
        ends = [None if isinstance(end, x.Me) else self.one(end) for end in (a, b)]
        if ends[0] == ends[1]:
            raise Failed(NotUnderstood("between one thing and itself"))
        return self.relations.between(*ends)
