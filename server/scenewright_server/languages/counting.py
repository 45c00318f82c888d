"""Numbers, ordinals and times of day as what a phrase leaves open."""

from __future__ import annotations

from collections.abc import Iterator

from scenewright_server.languages.clocks import clock_at
from scenewright_server.languages.filling import Part
from scenewright_server.languages.numerals import ordinal_at, whole_at
from scenewright_server.languages.phrases import Tokens

_MOST = 1000


def times_at(tokens: Tokens, i: int) -> Iterator[tuple[int, float, Part]]:
    """Times of day from token i on: where they end, what they cost, what they are."""
    if found := clock_at(tokens, i):
        yield found[2], 0.0, Part(found[0], (("early", found[1]),))


def wholes_at(tokens: Tokens, i: int) -> Iterator[tuple[int, float, Part]]:
    """The same of whole numbers."""
    found = whole_at(tokens, i)
    if found and 1 <= found[0] <= _MOST and found[0] == int(found[0]):
        yield found[1], 0.0, Part(f"{found[0]:g}")


def ordinals_at(tokens: Tokens, i: int) -> Iterator[tuple[int, float, Part]]:
    """The same of ordinals, as a plan has them: "3rd"."""
    found = ordinal_at(tokens, i)
    if found and 1 <= found[0] <= _MOST:
        n = found[0]
        ending = "th" if n % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
        yield found[1], 0.0, Part(f"{n}{ending}")
