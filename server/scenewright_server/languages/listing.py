"""Scenes that are lists of one kind, a departure board or a menu: what all of them are called together ("which flight",
"the cheapest pizza"), though nothing there is told to be one.
"""

from __future__ import annotations

import re

from scenewright_server.languages.mentions import Mentions
from scenewright_server.languages.numerals import ordinal_at
from scenewright_server.languages.phrases import MARKS, Table, Tokens
from scenewright_server.languages.thesaurus import key_of
from scenewright_server.scene.scene import Scene

THING, THINGS = "thing", "things"
"""What stands for the kind's noun."""
DEAR = 0.01
"""What it costs to take a noun for the kind of all."""
_BEFORE = frozenset(
    "which what many any of all these those other another first second third fourth fifth next last".split()
)
_KINDS = frozenset(
    "ride rides train trains tram trams line lines flight flights bus buses plane planes ferry ferries boat boats"
    " tour tours show shows film films talk talks class classes course courses game games event events"
    " dish dishes drink drinks meal meals pizza pizzas pack packs plant plants weapon weapons"
    " room rooms tower towers island islands city cities player players".split()
)
"""Nouns of what lists are of, which may be words of questions, too."""
_FAR = 3
"""Words between these and the noun."""
_EXACT = 0.005
"""What a name costs that is a thing's whole name."""
_PLAIN = (0.02, 0.03)
"""What a name costs that is a thing's own, and a key that is a fact's own."""
_COMPARES = re.compile(
    r"(?:[\w\"'] (?:[<>]=?|=) |\b(?:same|look) "
    r"|\b(?:max|min) (?:\d\w+ )?(?!(?:height|width|depth|size|distance|left|right)\b)\w)"
)
"""Plans that go by a fact, or by what is told."""


def without_kind(tokens: Tokens, mentions: Mentions, table: Table, scene: Scene) -> Tokens | None:
    """A question with "thing" for the noun of which all in a list may be; None where there is no such noun."""
    if not scene.is_list:
        return None
    for i, token in enumerate(tokens):
        if not token.isalpha() or not token.isascii() or len(token) < 3 or not _is_asked(tokens, i, mentions, table):
            continue
        span = key_of((token,))
        is_own = any(
            found.get(span, ("", 1.0))[1] < plain
            for found, plain in zip((mentions.names, mentions.keys), _PLAIN, strict=True)
        )
        is_own &= token not in _KINDS or mentions.names.get(span, ("", 1.0))[1] < _EXACT
        is_noun = token in _KINDS or token not in table.words
        if is_noun and not is_own and ordinal_at(tokens, i) is None and (token,) not in mentions.values:
            return (*tokens[:i], THINGS if token.endswith("s") else THING, *tokens[i + 1 :])
    return None


def goes_by_fact(plan: str) -> bool:
    """Whether a plan compares a list's things by what is told of them."""
    return plan.startswith(("name ", "count ", "sum ", "avg ", "fact ")) and _COMPARES.search(plan) is not None


def _is_asked(tokens: Tokens, i: int, mentions: Mentions, table: Table) -> bool:
    """Whether a noun at token i is the one that is asked for: after "which", "how many", or a superlative."""
    for k in range(i - 1, max(i - 1 - _FAR, -1), -1):
        if tokens[k] in _BEFORE or table.forms.get(tokens[k], ("", ""))[1] == "est" or tokens[k] == "most":
            return True
        if tokens[k] in MARKS:
            return False
    before = tokens[max(i - 1, 0) : i]
    is_of = tokens[i + 1 : i + 2] in (("to",), ("for",), ("from",)) and before in (("the",), ("a",))
    return is_of or before in mentions.values or (tokens[:2] == ("be", "there") and i < 4)
