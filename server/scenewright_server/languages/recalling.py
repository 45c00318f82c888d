"""Which thing a question is of that names none: the one that its words are told of."""

from __future__ import annotations

import math
from collections.abc import Sequence

from scenewright_server.languages.phrases import MARKS, Table, Tokens, tokens_of
from scenewright_server.scene.choosing import Choosing
from scenewright_server.scene.matching import single
from scenewright_server.scene.words import is_chinese

STEM = 5  # letters
LEAST, LEAD = 0.9, 1.3
"""What the words that are told of a thing weigh at least, one that is told of it alone being 1, and how many times what
they weigh for any other."""


def recall(tokens: Tokens, choosing: Choosing, table: Table) -> int | None:
    """The one thing whose names, description and facts hold the rarest words of a question, if there is one."""
    told = [{stem for text in texts for stem in _stems(tokens_of(text), table)} for texts in choosing.texts]
    weights = [0.0] * len(told)
    for stem in _stems(tokens, table):
        among = [k for k, stems in enumerate(told) if stem in stems]
        if among:
            weight = math.log((1 + len(told)) / len(among)) / math.log(1 + len(told))
            for k in among:
                weights[k] += weight * len(stem) / (STEM if not is_chinese(stem) else 2)
    ranked = sorted(range(len(told)), key=weights.__getitem__, reverse=True)
    if not ranked or weights[ranked[0]] < LEAST:
        return None
    if len(ranked) > 1 and weights[ranked[0]] < LEAD * weights[ranked[1]]:
        return None
    return ranked[0]


def _stems(tokens: Sequence[str], table: Table) -> set[str]:
    """What is left of the words that tell something, without endings; of Chinese, two characters at a time."""
    found = set()
    for i, token in enumerate(tokens):
        if token in MARKS:
            continue
        if is_chinese(token):
            if i + 1 < len(tokens) and is_chinese(tokens[i + 1]) and tokens[i : i + 2] not in table.idle:
                found.add(token + tokens[i + 1])
        elif (token,) not in table.idle and (len(token) > 3 or token.isdigit()) and token not in table.words:
            found.add(single(token)[:STEM])
    return found
