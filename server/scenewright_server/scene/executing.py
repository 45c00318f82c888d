"""Plans carried out on a scene: each question gives a reply."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import fields, replace

from scenewright_server.scene import expressions as x
from scenewright_server.scene import questions as q
from scenewright_server.scene.asking import ask
from scenewright_server.scene.calling import may_be_denied
from scenewright_server.scene.checking import check, check_told, choose_or_none, names_within
from scenewright_server.scene.choosing import Choosing
from scenewright_server.scene.descriptions import quote
from scenewright_server.scene.expressions import PlanError
from scenewright_server.scene.facts import has_key
from scenewright_server.scene.failures import Failed, Several
from scenewright_server.scene.hindrances import hindrances
from scenewright_server.scene.measures import holds
from scenewright_server.scene.parsing import parse
from scenewright_server.scene.placing import describe, direct, place_against, places
from scenewright_server.scene.quantities import difference, mixed_of, operand, pair, sum_of, times
from scenewright_server.scene.referring import those_of
from scenewright_server.scene.replacing import replaced, with_told_keys
from scenewright_server.scene.replies import (
    Against,
    Counted,
    Described,
    Directed,
    Exists,
    Listed,
    Lost,
    NotHere,
    Nothing,
    NotUnderstood,
    OutOfScene,
    Placed,
    Reply,
    Result,
    Told,
    Totalled,
    Turn,
    Unclear,
    Unknown,
    Verdict,
    Weighed,
)
from scenewright_server.scene.scene import Scene, Things
from scenewright_server.scene.states import is_so
from scenewright_server.scene.telling import having, sentence_that_tells, tell_all
from scenewright_server.scene.totalling import reckon, values_of

MAX_QUOTED = 2
"""Things whose descriptions are quoted where what was asked of them is not known."""


def execute(plan: q.Plan, scene: Scene) -> tuple[Reply, ...]:
    """A reply to each question of a plan. No plan that is within the limits raises, whatever the scene."""
    choosing = Choosing(scene)
    replies = []
    for question in plan:
        replies.append(_Execution(choosing).reply(question))
        turn, is_named = replies[-1].turn, isinstance(question, q.Name | q.Exist | q.Count)
        if turn.things and (is_named or choosing.before is None or not choosing.before.things):
            choosing.before = turn
    return tuple(replies)


def carry_out(text: str, scene: Scene) -> tuple[Reply, ...]:
    """The replies to a plan as text; to one that is no plan, that it was not understood."""
    try:
        plan = parse(text)
    except PlanError as error:
        return (Reply((NotUnderstood(str(error)),), scene.before or Turn(q.Beyond(), ())),)
    return execute(plan, scene)


class _Execution:
    """One question, carried out on a scene."""

    def __init__(self, choosing: Choosing) -> None:
        self._scene, self._choosing = choosing.scene, choosing
        choosing.forget_names()

    def reply(self, question: q.Question) -> Reply:
        asked: x.Set | None = None
        if isinstance(question, q.Again):
            again = self._again(question)
            if again is None:
                return Reply((Lost("again"),), Turn(question, ()))
            try:
                q.check((again,))
            except ValueError as error:
                return Reply((NotUnderstood(str(error)),), Turn(question, ()))
            question = again
        self._choosing.those = those_of(question, self._choosing)
        if isinstance(question, q.Name | q.Count | q.Exist):
            self._choosing.kinds = frozenset(names_within(question.of))
        results: tuple[Result, ...]
        try:
            results = tuple(self._find(with_told_keys(question, self._scene)))
        except Failed as error:
            results = (error.result,)
        except Several as error:
            results, asked = (ask(self._choosing, error.things, _keys_of(question)),), error.of
        results = self._without_guesses(results)
        if had := self._had(question, results):
            question, results = q.Name(next(iter(_sets(question)))), (Listed(tuple(had)),)
            self._choosing.missing.clear()
        missing = self._missing_beside(question, results)
        took, quotes = tuple(self._choosing.took.items()), tuple(had.items()) or tuple(self._quotes(question, results))
        reply = Reply(results, Turn(question, ()), took, missing, quotes, self._hindrances(question, results))
        before = self._choosing.before
        if before is not None and isinstance(results[0], OutOfScene | NotUnderstood):
            return replace(reply, turn=before)
        things = self._to_remember(question, reply)
        times = self._counts(question, reply, things)
        return replace(reply, turn=Turn(question, things, asked, times, self._left(question, things)))

    def _again(self, question: q.Again) -> q.Question | None:
        """The question of the turn before, asked of other things: of those for which it was asked back, or its own."""
        before = self._scene.before or self._choosing.before
        if before is None or isinstance(before.question, q.Again | q.Beyond):
            return None
        if before.asked is not None:
            return replaced(before.question, before.asked, question.of)
        first = next(iter(_sets(before.question)), None)
        return None if first is None else replaced(before.question, first, question.of)

    def _missing_beside(self, question: q.Question, results: tuple[Result, ...]) -> tuple[str, ...]:
        """Names of nothing here that the results do not tell."""
        told = {result.words for result in results if isinstance(result, NotHere | Unclear)}
        is_told = isinstance(question, q.Exist | q.Count | q.Check) and not any(isinstance(f, NotHere) for f in results)
        missing = self._choosing.missing
        return () if is_told and len(missing) < 2 else tuple(words for words in missing if words not in told)

    def _without_guesses(self, results: tuple[Result, ...]) -> tuple[Result, ...]:
        """Results that do not deny what only nobody knows by this name."""
        unclear = next((words for words in self._choosing.missing if not may_be_denied(words)), None)
        is_none = all(
            isinstance(result, NotHere | Nothing | Exists | Counted) and not result.things for result in results
        )
        return (Unclear(unclear),) if unclear is not None and is_none else results

    def _had(self, question: q.Question, results: tuple[Result, ...]) -> dict[int, str]:
        """Where nothing has the name that is looked for, the things that are told to have such in them, where these are
        few, and what tells it: "Spanners and a socket set"."""
        if not isinstance(question, q.Name | q.Exist | q.Where) or not isinstance(question.of, x.Named):
            return {}
        is_missing = question.of.words in self._choosing.missing and not any(result.things for result in results)
        found = having(self._scene, question.of.words) if is_missing else {}
        return found if len(found) <= MAX_QUOTED else {}

    def _may_be_untold(self, of: x.Set) -> bool:
        """Whether a set rests on what is told of things, which may be more than the scene tells: not where it tells it
        of all that are named."""
        links = of.links if isinstance(of, x.Narrowed) else (of,)
        names = tuple(link for link in links if isinstance(link, x.Named | x.Kind))
        of_names = x.Narrowed(names) if len(names) > 1 else names[0] if names else x.All()
        named = choose_or_none(self._choosing, of_names)
        graphs = [self._scene.entries[k].graph for k in named]
        for part in q.all_within(of):
            match part:
                case x.Has():
                    return True
                case x.Look(words) if not named or any(is_so(words, self._scene.texts[k]) is None for k in named):
                    return True
                case x.Compared(key, _, str()) if not all(its and has_key(its, key.name) for its in graphs):
                    return True
        return False

    def _quotes(self, question: q.Question, results: tuple[Result, ...]) -> Iterable[tuple[int, str]]:
        """What is told of the things of which nothing else is known that was asked, where they are few; of the one that
        was found by what its description tells, that."""
        for result in results:
            if isinstance(question, q.Name | q.Exist) and len(result.things) == 1:
                graph = self._scene.entries[result.things[0]].graph
                looks = [part.words for part in q.all_within(question.of) if isinstance(part, x.Look)]
                told = (
                    None if graph is None else next(filter(None, (sentence_that_tells(graph, w) for w in looks)), None)
                )
                if told is not None:
                    yield result.things[0], told
        things = dict.fromkeys(k for result in results if is_unknown(result) for k in result.things)
        for k in things if len(things) <= MAX_QUOTED and all(map(is_unknown, results)) else ():
            graph = self._scene.entries[k].graph
            if graph is not None and (text := quote(graph.description)):
                yield k, text

    def _hindrances(self, question: q.Question, results: tuple[Result, ...]) -> tuple[Told, ...]:
        """What keeps people from using what they looked for, where that is little."""
        if not isinstance(question, q.Name | q.Exist | q.Where):
            return ()
        found = [result for result in results if isinstance(result, Listed | Exists | Placed)]
        things = tuple(k for its in found for k in ((its.thing,) if isinstance(its, Placed) else its.things))
        return hindrances(self._choosing, q.all_within(question), things) if len(things) <= MAX_QUOTED else ()

    def _to_remember(self, question: q.Question, reply: Reply) -> Things:
        """What "it" and "those" mean next: what was asked of, not what it stands on."""
        things: dict[int, None] = {}
        for result in reply.results:
            match result:
                case Placed(thing) | Against(thing) | Directed(thing):
                    things[thing] = None
                case Described(place):
                    things[place.thing] = None
                case _:
                    things.update(dict.fromkeys(result.things))
        return tuple(things)

    def _left(self, question: q.Question, things: Things) -> Things:
        """The others of "those" of which a question picked things; as before where it is still of what was picked."""
        if (before := self._still(question, things)) is not None:
            return before.left
        picks = any(x.Those() in of.links for of in _sets(question) if isinstance(of, x.Narrowed))
        return tuple(k for k in self._choosing.those if k not in things) if picks and things else ()

    def _counts(self, question: q.Question, reply: Reply, things: Things) -> tuple[float, ...]:
        """How many of each thing are meant from now on: as in a total, or as before where it is still those."""
        if len(reply.results) == 1 and isinstance(found := reply.results[0], Totalled) and not found.lacking:
            return found.times
        before = self._still(question, things)
        return () if before is None else before.times

    def _still(self, question: q.Question, things: Things) -> Turn | None:
        """The turn before, where a question is of "those" and its answer of the same things."""
        before = self._choosing.before
        return before if before is not None and before.things == things and x.Those() in _sets(question) else None

    def _find(self, question: q.Question) -> Iterable[Result]:
        match question:
            case q.Beyond():
                return (OutOfScene(),)
            case q.Name(of):
                return (self._name(of),)
            case q.Count(of):
                return (Counted(choose_or_none(self._choosing, of)),)
            case q.Exist(of):
                things = choose_or_none(self._choosing, of)
                return (Exists(things, bool(things) or not self._may_be_untold(of)),)
            case q.Where(of, None, each):
                things = self._each_of(of, each)
                return tuple(its for k in things for its in places(self._choosing, k)) or (Nothing(),)
            case q.Where(of, against, each):
                other = self._choosing.one(against) if against is not None else 0
                return self._of_each(of, each, lambda k: place_against(self._choosing, k, other))
            case q.Way(of, each):
                return self._of_each(of, each, lambda k: direct(self._choosing, k))
            case q.Fact(keys, of, each):
                return tell_all(self._choosing, keys, of, each)
            case q.Values():
                return (values_of(self._choosing, question),)
            case q.Describe(of, each):
                return self._of_each(of, each, lambda k: describe(self._choosing, k))
            case q.Check(of, among, each):
                return (check(self._choosing, of, among, each),)
            case q.Total():
                return (reckon(self._choosing, question),)
            case q.Sum():
                its = sum_of(self._choosing, question)
                return (Totalled("sum", its.key, its.things, its.amount, is_measured=its.is_measured),)
            case q.Compare(sign, a, b):
                if (told := check_told(self._choosing, question)) is not None:
                    return (told,)
                one, two = pair(self._choosing, a, b)
                with mixed_of(one, two):
                    return (Weighed(sign, one, two, holds(one.amount, sign, two.amount)),)
            case q.Difference(a, b):
                return (difference(*pair(self._choosing, a, b)),)
            case q.Ratio(a, b):
                return (times(operand(self._choosing, a), operand(self._choosing, b)),)
        return (NotUnderstood("a question of no kind"),)

    def _of_each(self, of: x.Set, each: bool, find: Callable[[int], Result]) -> tuple[Result, ...]:
        """What is found of the one thing that a set is, or of each. Raises Failed, Several."""
        return tuple(find(k) for k in self._each_of(of, each)) or (Nothing(),)

    def _each_of(self, of: x.Set, each: bool) -> Things:
        """The one thing that a set is, or each of its things; each that it joins by name. Raises Failed, Several."""
        things = self._choosing.choose(of) if each else self._choosing.candidates(of)
        if not each and len(things) > 1 and not self._choosing.joins_single(of):
            raise Several(of, things)
        return things

    def _name(self, of: x.Set) -> Result:
        things = self._choosing.choose(of)
        if not things:
            return Nothing()
        last = of.links[-1] if isinstance(of, x.Narrowed) else of
        if not isinstance(last, x.Extreme | x.Ordered) or last.key.name in ("left", "right", "up", "load", "size"):
            return Listed(things)
        values = {k: its for k, its in self._choosing.ranked.items() if k in things}
        if len(values) < len(things):
            return Listed(things)
        is_measured = any(its.is_measured for its in values.values())
        return Listed(things, last.key.name, tuple(values[k].amount for k in things), is_measured)


def is_unknown(result: Result) -> bool:
    """Whether what was asked of things that are here is not known."""
    match result:
        case Told(value=None) | Unknown():
            return True
        case Verdict(are_so=verdicts):
            return all(its is None for its in verdicts)
    return False


def _keys_of(question: q.Question) -> tuple[str, ...]:
    """What a question asks for of things: of no use to tell them apart."""
    match question:
        case q.Fact(keys):
            return tuple(key.name for key in keys)
        case q.Total():
            return tuple(share.key.name for share in question.shares)
        case q.Check(_, x.Look()):
            return ("state",)
    return tuple(part.key.name for part in q.parts_of(question) if isinstance(part, q.Value))


def _sets(question: q.Question) -> Iterable[x.Set]:
    """The sets that a question asks of, first to last."""
    for field in fields(question):
        value = getattr(question, field.name)
        if field.name in ("of", "among", "against") and value is not None:
            yield value
        elif isinstance(value, tuple):
            yield from (of for its in value if isinstance(its, q.Addend) for of in _sets_of(its.of))
        else:
            yield from _sets_of(value)


def _sets_of(quantity: object) -> Iterable[x.Set]:
    """The sets that a quantity is of."""
    if isinstance(quantity, q.Count | q.Total | q.Value):
        yield quantity.of
    elif isinstance(quantity, q.Sum | q.Difference | q.Ratio):
        yield from _sets(quantity)
