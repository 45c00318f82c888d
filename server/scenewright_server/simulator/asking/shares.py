"""How often a form of questions is asked."""

from __future__ import annotations

import re
from functools import cache

_BOOSTS = tuple(
    (re.compile(pattern), factor)
    for pattern, factor in (
        (r"^ratio", 4.0),
        (r"^(fewer|equal|diff)", 3.0),
        (r"^way", 6.0),
        (r"^sum|\(sum", 3.5),
        (r"\{Nth\}", 4.0),
        (r"^more", 2.2),
        (r"(left|right|in front of|behind) (of )?me", 5.0),
        (r"^count", 3.0),
        (r"in reach|in view", 3.0),
        (r"^avg", 2.0),
        (r"\{C|\{A\}", 2.0),
        (r"\{W\}", 2.5),
        (r"^check", 1.7),
        (r"max|min|\{M", 2.2),
        (r"^exist", 1.3),
    )
)


@cache
def boost(plan: str) -> float:
    """How much likelier a form of this plan is than its number of ways says: people ask some kinds more than others."""
    return next((factor for pattern, factor in _BOOSTS if pattern.search(plan)), 1.0)
