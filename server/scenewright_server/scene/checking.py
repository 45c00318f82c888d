"""Whether things are among others, and what of all that is told of them says so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from scenewright_server.scene import expressions as x
from scenewright_server.scene import questions as q
from scenewright_server.scene.amounts import Amount
from scenewright_server.scene.choosing import PICKS, Choosing
from scenewright_server.scene.descriptions import contrasts
from scenewright_server.scene.facts import Known, told_of
from scenewright_server.scene.failures import Failed, Several
from scenewright_server.scene.matching import fold
from scenewright_server.scene.qualities import QUALITIES
from scenewright_server.scene.replies import NotHere, Nothing, Result, Told, Verdict
from scenewright_server.scene.scene import Things
from scenewright_server.scene.states import is_so, is_state_alone
from scenewright_server.scene.telling import tell_one
from scenewright_server.scene.topics import topic_of

Chosen: TypeAlias = dict[x.Set, Things]


def check(choosing: Choosing, of: x.Set, among: x.Set, each: bool) -> Result:
    """Whether the one thing that a set is, or each, is among others. Raises Failed, Several."""
    things = choosing.choose(of) if each else choosing.candidates(of)
    if not things:
        return Nothing()
    chosen: Chosen = {}
    verdicts = tuple(_verdict(choosing, among, k, chosen) for k in things)
    if not each and len({*verdicts}) > 1 and not choosing.joins_single(of):
        raise Several(of, things)
    because = _because(choosing, among, things[0], verdicts[0]) if len(things) == 1 else None
    return Verdict(things, verdicts, among, because)


def check_told(choosing: Choosing, compare: q.Compare) -> Result | None:
    """Whether the same is told of two things under a key, where that is no number of both, and whether a number is so
    of a list; None of other quantities, or where one thing tells nothing. Raises Failed, Several."""
    a, b, sign = compare.a, compare.b, compare.sign
    if not isinstance(a, q.Value):
        return None
    if isinstance(b, q.Number) and choosing.comparing.listed(a.key.name, choosing.one(a.of)):
        return check(choosing, a.of, x.Compared(a.key, sign, b), each=False)
    if not isinstance(b, q.Value) or a.key != b.key or sign != "=":
        return None
    things = tuple(choosing.one(its.of) for its in (a, b))
    are_numbers = all(choosing.values(a.key, (k,)) for k in things)
    if are_numbers or None in [choosing.comparing.tell(a.key.name, k) for k in things]:
        return None
    return check(choosing, a.of, x.Same(a.key, b.of), each=False)


def choose_or_none(choosing: Choosing, of: x.Set, among: Things | None = None) -> Things:
    """A set that may well be named by nothing here. Raises Failed, Several."""
    try:
        return choosing.choose(of, among)
    except Failed as error:
        if isinstance(error.result, NotHere) and error.result.words in names_within(of):
            return ()
        raise


def _verdict(choosing: Choosing, among: x.Set, k: int, chosen: Chosen) -> bool | None:
    """Whether thing k is among others; None where that is not known. `chosen` gathers sets that are so for all."""
    match among:
        case x.Not(part):
            verdict = _verdict(choosing, part, k, chosen)
            return None if verdict is None else not verdict
        case x.Joined(parts):
            verdicts = [_verdict(choosing, part, k, chosen) for part in parts]
            return True if True in verdicts else None if None in verdicts else False
        case x.Narrowed(links) if x.corner_of(links) is None and not any(isinstance(link, PICKS) for link in links):
            verdicts = [_verdict(choosing, link, k, chosen) for link in links]
            return False if False in verdicts else None if None in verdicts else True
        case x.Look(words) | x.Named(words) if isinstance(among, x.Look) or choosing.is_state(words):
            verdict = is_so(words, choosing.texts[k])
            is_other = verdict is None and not is_state_alone(words) and _other_value(choosing, words, k) is not None
            return False if is_other else verdict
        case x.Same(_, as_) if k in choosing.candidates(as_):
            return True
        case x.Compared() | x.Has():
            return bool(choosing.choose(among, (k,)))
    is_side = isinstance(among, x.Related) and among.relation in x.SIDES
    is_corner = isinstance(among, x.Narrowed) and not any(isinstance(link, PICKS) for link in among.links)
    if is_side or is_corner:
        return k in choose_or_none(choosing, among, (k,))
    if among not in chosen:
        chosen[among] = choose_or_none(choosing, among)
    return k in chosen[among]


def _because(choosing: Choosing, among: x.Set, k: int, verdict: bool | None) -> Told | None:
    """What is told of thing k that decides whether it is among others; None where that is not one fact or sentence."""
    graph = choosing.scene.entries[k].graph
    match among:
        case x.Not(part):
            return _because(choosing, part, k, None if verdict is None else not verdict)
        case x.Look(words) | x.Named(words) if (
            graph is not None and verdict is not None and (isinstance(among, x.Look) or choosing.is_state(words))
        ):
            telling = (told for told in told_of(graph) if is_so(words, _texts(told)) is verdict)
            known = next(telling, None) or (None if verdict else _other_value(choosing, words, k))
            return None if known is None else Told((k,), known.key, known.value, is_quoted=known.is_quoted)
        case x.Has(key) if key.to is None and verdict is False and choosing.comparing.is_known(key.name, k):
            return tell_one(choosing, key, k)
        case x.Compared(key, _, with_) if not isinstance(with_, x.Set) and key.to is None:
            told = tell_one(choosing, key, k)
            return None if told.value is None else told
    return None


def _other_value(choosing: Choosing, words: str, k: int) -> Known | None:
    """What thing k has under the key under which another thing has these words as its value, "main" for "starter", or
    under which such words always are: another material, another colour."""
    graphs = [entry.graph for entry in choosing.scene.entries]
    said = fold(words)
    keys = [fact.key for its in graphs if its for fact in its.facts if fold(str(fact.value)) == said]
    own = graphs[k]
    told = () if own is None else own.facts
    texts = [(its.key, its.value) for its in told if isinstance(its.value, str)]
    qualities = [(key, choosing.comparing.tell(key, k)) for key in QUALITIES]
    texts += [(key, its.value) for key, its in qualities if its and not its.is_quoted and isinstance(its.value, str)]
    return next((Known(text, key=key) for key, text in texts if key in keys or _is_another(said, key, text)), None)


def _is_another(said: str, key: str, value: str) -> bool:
    """Whether a fact tells a known material, or colour, where these words are one."""
    known = QUALITIES.get(topic_of(key).words[0])
    return known is not None and known.fullmatch(said) is not None and known.search(fold(value)) is not None


def _texts(known: Known) -> list[str]:
    """What is told, folded, in the pieces that are looked at."""
    value = known.value if not isinstance(known.value, Amount) else f"{known.value.value:g} {known.value.unit}"
    return [fold(f"{known.key} {value}")] if known.key else [fold(piece) for piece in contrasts(value)]


def names_within(of: x.Set) -> set[str]:
    """The names that make up a set, not those of things that it is related to."""
    return set(_named(of))


def _named(of: x.Set) -> Iterator[str]:
    match of:
        case x.Named(words) | x.Kind(words):
            yield words
        case x.Narrowed(parts) | x.Joined(parts):
            for part in parts:
                yield from _named(part)
        case x.Multiple(_, part):
            yield from _named(part)
