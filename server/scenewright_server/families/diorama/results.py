"""A finding as the decoder is told of it: words that both languages share, and indices of entries."""

from __future__ import annotations

from scenewright_server.families.diorama.tokenizer import Tokenizer
from scenewright_server.languages import LANGUAGES
from scenewright_server.languages.language import say_metres
from scenewright_server.scene.findings import (
    Answer,
    Count,
    Distance,
    Kind,
    Look,
    One,
    Placing,
    Refusal,
    Several,
    Survey,
    Things,
    Where,
    YesNo,
)

Part = str | int


def parts(answer: Answer) -> tuple[Part, ...]:
    """The words and the indices of an answer, such as (0, "red") or (0, 2, "yes"); each index becomes `<ref_k>`."""
    match answer:
        case Refusal("unpointed"):
            return ("missing",)  # the nearest of the reasons that the decoder was taught
        case Refusal("unclear"):
            return ("beyond",)
        case Refusal(reason):
            return (reason,)
        case Several(things):
            return ("several", *things)
        case Look(thing, _, value, str(told)):
            return (thing, value, "but", told)
        case Look(thing, _, value):
            return (thing, value)
        case Kind(thing, str(seen)):
            return (thing, seen, "but")
        case Kind(thing):
            return (thing,)
        case YesNo(_, things, is_so):
            return (*things, "yes" if is_so else "no")
        case Count(things):
            return (*things, LANGUAGES["en"].count(len(things)))
        case Things(things):
            return things or ("nothing",)
        case One(thing):
            return (thing,)
        case Distance(things, metres):
            return (*things, say_metres(metres))
        case Where(thing, place, under):
            return (thing, place) if under is None else (thing, "on", under)
        case Survey(facts):
            return tuple(part for fact in facts for part in _of_fact(fact))


def words(answer: Answer) -> list[str]:
    """The words among the parts of an answer."""
    return [part for part in parts(answer) if isinstance(part, str)]


def write(tokenizer: Tokenizer, answer: Answer) -> list[int]:
    """The tokens of an answer's parts."""
    told = ([tokenizer.refs[part]] if isinstance(part, int) else tokenizer.words(part) for part in parts(answer))
    return [id for ids in told for id in ids]


def _of_fact(fact: Placing) -> tuple[Part, ...]:
    under = () if fact.under is None else (fact.under,)
    seen = ("seen", *fact.seen) if fact.seen else ()
    return (fact.thing, fact.place, *under, *seen)
