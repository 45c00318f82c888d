"""English."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from scenewright_server.languages.language import MAX_NAMED, M, Names
from scenewright_server.languages.speaking import length_in
from scenewright_server.scene.findings import (
    Answer,
    Count,
    Distance,
    Kind,
    Look,
    One,
    Place,
    Placing,
    Reason,
    Refusal,
    Several,
    Survey,
    Things,
    Where,
    YesNo,
)

BELOW_TWENTY = (
    "none one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
).split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()


class English:
    """How English says what was found."""

    refusals: ClassVar[Mapping[Reason, str]] = {
        "missing": "i do not see that here",
        "lost": "i am not sure which one you mean",
        "unpointed": "i see nothing where you point",
        "blind": "i can not see behind you",
        "unsure": "i can not make out anything that i know",
        "beyond": "i can only talk about the things that are here",
        "unknown": "i do not know",
        "unclear": "i did not understand that",
    }
    unheard: ClassVar[str] = "I did not hear a question."
    places: ClassVar[Mapping[Place, str]] = {
        "left": "on the left", "middle": "in the middle", "right": "on the right", "you": "behind you",
        "behind": "behind it", "front": "in front of it", "beside": "to the right of it", "on": "on it",
    }  # fmt: skip

    def gap(self, words: str) -> str:
        return "" if words == "," else " "

    def count(self, n: int) -> str:
        """ "none", "two", "twenty-one"; in digits from a hundred on."""
        if n < 20:
            return BELOW_TWENTY[n]
        tens, ones = divmod(n, 10)
        return str(n) if n > 99 else TENS[tens - 2] + (f"-{BELOW_TWENTY[ones]}" if ones else "")

    def say(self, answer: Answer, names: Names[M]) -> tuple[str | M, ...]:
        """An answer as words and mentions."""
        match answer:
            case Refusal(reason):
                return (self.refusals[reason],)
            case Several(things):
                seen = f"i see {self.count(len(things))}"
                return (seen, ",", *self._list(things, names)) if len(things) <= MAX_NAMED else (seen,)
            case Look(_, _, value, str(told)):
                return ("i see", names.value(value), "but the scene tells of", names.value(told))
            case Look(_, _, value):
                return (names.value(value),)
            case Kind(thing, str(seen)):
                name, kind = names.noun(thing), names.value(seen)
                return ("i see", article(kind), kind, "but the scene tells of", names.article(name), name)
            case Kind(thing):
                name = names.noun(thing)
                return (names.article(name), name)
            case YesNo(_, _, is_so):
                return ("yes" if is_so else "no",)
            case Count(things):
                return (self.count(len(things)),)
            case Things(things):
                return self._list(things, names) or ("nothing",)
            case One(thing):
                return ("the", names.usual(thing))
            case Distance(_, metres):
                number, unit = length_in(metres)
                metre = "metre" if number == "1" else "metres"
                return (f"about {number} {metre if unit == 'm' else unit}",)
            case Where(_, _, int(under)):
                return ("on the", names.usual(under))
            case Where(_, place):
                return (self.places[place],)
            case Survey(facts):
                last = len(facts) - 1
                said = [part for n, fact in enumerate(facts) for part in self._tell(fact, n, n == last, names)]
                return tuple(said)

    def _list(self, things: Sequence[int], names: Names[M]) -> tuple[str | M, ...]:
        """ "the red chair, the table and the mug"."""
        parts: list[str | M] = []
        for n, k in enumerate(things):
            parts += ["and" if n == len(things) - 1 else ","] if n else []
            parts += ["the", names.usual(k)]
        return tuple(parts)

    def _tell(self, fact: Placing, n: int, is_last: bool, names: Names[M]) -> list[str | M]:
        """The n-th fact of a description."""
        parts: list[str | M] = ["and" if is_last else ","] if n else []
        mention = names.full(fact.thing)
        parts += [names.article(mention), mention]
        parts += [self.places[fact.place]] if fact.under is None else ["on the", names.noun(fact.under)]
        return parts + (["where i see", *map(names.value, fact.seen)] if fact.seen else [])


def article(words: str) -> str:
    """The indefinite article before these words."""
    return "an" if words[0] in "aeiou" else "a"


def plural(noun: str) -> str:
    """More than one of a noun."""
    if noun.endswith("f"):
        return noun[:-1] + "ves"
    return noun + ("es" if noun.endswith(("s", "x", "ch", "sh")) else "s")
