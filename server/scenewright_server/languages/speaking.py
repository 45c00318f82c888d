"""How a language says replies to composed plans, in whole sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

from scenewright_server.scene import expressions as x
from scenewright_server.scene import questions as q
from scenewright_server.scene.amounts import Amount, many, symbol
from scenewright_server.scene.replies import Operand, Reply, Told
from scenewright_server.scene.scene import Scene
from scenewright_server.scene.states import is_half
from scenewright_server.scene.topics import topic_of

M = TypeVar("M")
M_co = TypeVar("M_co", covariant=True)

MAX_LISTED = 12
"""Of things that are named one by one; the others are counted."""
MAX_ASKED = 4
"""Of things that a question back names."""


class Labels(Protocol[M_co]):
    """What entry k is called, as it is spelt, and how a speaker mentions it: by words, or by a step that points."""

    def text(self, k: int) -> str: ...

    def mention(self, k: int) -> M_co: ...

    @property
    def scene(self) -> Scene | None:
        """What tells things of one label apart; None: they are not."""
        ...


class Spelt:
    """Labels that are mentioned by their words."""

    def __init__(self, called: Sequence[str], scene: Scene | None = None) -> None:
        self._called, self.scene = called, scene

    def text(self, k: int) -> str:
        return self._called[k]

    def mention(self, k: int) -> str:
        return self._called[k]


class Speaker(Protocol, Generic[M]):
    """Says replies. The parts of what is said follow each other as they are: spaces are among them."""

    def reply(self, reply: Reply, labels: Labels[M]) -> tuple[str | M, ...]:
        """A reply in whole sentences."""


def length_in(metres: float) -> tuple[str, str]:
    """A measured length as people tell it, and its unit: 40 cm, 3.5 m, 72 m, 1.2 km."""
    sign, metres = "-" if metres < 0 else "", abs(metres)
    if metres < 0.0095:
        return f"{sign}{round(metres * 1000)}", "mm"
    if metres < 0.995:
        return f"{sign}{round(metres * 100)}", "cm"
    if metres < 995:
        return f"{sign}{digits(round(metres, 1) if metres < 9.95 else round(metres))}", "m"
    kilometres = metres / 1000
    return f"{sign}{digits(round(kilometres, 1) if kilometres < 9.95 else round(kilometres))}", "km"


def digits(value: float, n_decimals: int = 2) -> str:
    """A number in digits: to so many decimals, without zeros at the end; smaller ones to two digits that count."""
    if value and abs(value) < 0.1:
        return f"{value:.2g}" if abs(value) >= 1e-4 else "0"
    text = f"{value:.{n_decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def money_digits(value: float) -> str:
    """An amount of money: two decimals, or none where it is whole."""
    return f"{value:.0f}" if abs(value - round(value)) < 0.005 else f"{value:.2f}"


def durations_in(amount: Amount) -> list[Amount]:
    """The hours, minutes and seconds, those that are any, that an amount of minutes or seconds is."""
    seconds = round(abs(amount.in_base()[0]))
    parts = Amount(seconds // 3600, "h"), Amount(seconds // 60 % 60, "min"), Amount(seconds % 60, "s")
    return [part for part in parts if part.value]


def is_year(operand: Operand) -> bool:
    """Whether a quantity is a year of our era, or a number that is held against one may be."""
    amount, key = operand.amount, operand.key
    if topic_of(key).dimension == "year" and not amount.unit:
        return True
    may_be = amount.value == int(amount.value) and 1000 <= amount.value <= 2100
    return may_be and (amount.unit in ("year", "年") or (not amount.unit and (key.endswith(("ed", "年")) or not key)))


def currency(amount: Amount) -> str:
    """The code of an amount's currency, "" where it is no money."""
    return symbol(amount.unit) if amount.dimension == "money" and many(amount.unit)[0] == 1 else ""


def speaks_for_itself(because: Told, among: x.Set) -> bool:
    """Whether what makes it so that a thing is among others is told with no "yes" before it: a sentence of what it is
    not, or that it is so in part, "half open"."""
    if isinstance(among, x.Not):
        return because.is_quoted
    return isinstance(among, x.Look) and is_half(str(because.value)) and not is_half(among.words)


def asks_of_a_name(question: q.Question | None) -> bool:
    """Whether it is asked if there is something of a name or kind, and of no more than that."""
    return isinstance(question, q.Exist) and isinstance(question.of, x.Named | x.Kind)


def is_bare_number(key: str, amount: Amount) -> bool:
    """Whether an amount says too little without its key: a number that is no year."""
    may_be_year = amount.value == int(amount.value) and 1500 <= amount.value <= 2100
    return bool(key) and not amount.unit and not may_be_year and not is_year(Operand(amount, (), key, "fact"))
