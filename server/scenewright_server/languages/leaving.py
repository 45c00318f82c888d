"""Words that a plan may not leave out: how a question begins, and its numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from scenewright_server.languages.numerals import whole_at
from scenewright_server.languages.phrases import MARKS, Tokens
from scenewright_server.scene.words import is_chinese

UNANSWERED = 0.7
"""What a plan costs that leaves such words out."""
_OPEN = frozenset("who what where when why how whose".split())
"""Words that ask for more than yes or no."""
_DAYS = frozenset("monday tuesday wednesday thursday friday saturday sunday weekend".split())
_POINTED = frozenset("this that these those it".split())
_EXISTS = frozenset("be have any there anything something anyone somewhere another see get sell".split())
"""Words of questions whether something is there."""

_ASKED_AFTER = re.compile(
    r"[,.;:?!] (?:(?:for|with|in|of|so|but|then|and) )?(?:what(?! about)|who|whose|when|why|how(?! about)|where)\b"
)
"""A clause that goes before, and what is asked in the next."""
_LASTS = re.compile(r"\bhow long (?:have|do|will|would|can|must|should)\b")
_MEASURED = re.compile(r"fact (?:width|length|depth|height|size|pages|thickness) \|")

_RECKONED = (
    ("average", "av"), ("difference", "diff|differ"), ("gap", "diff|gap"), ("double", "ratio|(?<!look )double|2"),
    ("twice", "ratio|twice|2"),
    ("times", "ratio|times|\\d of"), ("head", "ratio|per|head"), ("apiece", "ratio|each|price"),
)  # fmt: skip
"""Words of reckoning, and what is in a plan that answers to them."""
_AVERAGE = frozenset("average mean avg typical typically averages".split())
_SIDES = re.compile(r"\b(?:left|right|front|behind|back)\b.* or .*\b(?:left|right|front|behind|back)\b")
_ASKED_FOR = frozenset("you i we they one what which who or any anything there".split())
_WHICH = _OPEN | {"which"}
_FEW = 5
"""Words from which on a question is no bare name."""
_WITHIN = re.compile(r"\b(?:in|on|inside|with|without|under) (?!here|there|this|stock)")
_BARE = (
    r"(?!(?:left|right|in|on|own|under|behind|beside|near|between|above|at|max|min|middle|those|this|other|all|has|look"
    r"|same|empty|sort|person)\b)[\w ]+"
)
"""The name of a thing in a plan."""
_YES_OR_NO = frozenset("be do can could have will would".split())
_EACH = re.compile(
    r"\b(?:two|three|four|five|six|seven|eight|nine|ten|twelve|\d+) (?:of (?:us|them|those|these)|people|persons|adults"
    r"|kids|children|nights|days|weeks|months|pairs)\b"
)
"""So many people, or times."""
_COMPARED = re.compile(r"\b(?:max|min|more|fewer|equal|diff|ratio)\b|[<>]")
_PRICE = re.compile("(?:fact|sum) [^|]*(?:[价票费]|price|fee|ticket)")
_IS_ASKED = frozenset("吗没不么")


def leaves_open(tokens: Tokens, start: int, end: int, plan: str, n_lost: Sequence[int]) -> bool:
    """Whether a plan read from token `start` up to `end` leaves out what a question cannot do without: "how" where it
    only checks, a yes or no where it names, a number of pieces where it reckons."""
    first = max((i + 1 for i in range(start) if tokens[i] in MARKS), default=0)
    if is_chinese(tokens[start]) and _leaves_open_zh(tokens, first, start, end, plan):
        return True
    if plan.startswith(("check ", "exist ")) and not _OPEN.isdisjoint(tokens[first:start]):
        return True
    said = " ".join(tokens)
    if plan.startswith(("exist ", "again ")) and _ASKED_AFTER.search(said):
        return True
    if _MEASURED.match(plan) and _LASTS.search(said):
        return True  # how much time
    if plan.startswith("name ") and tokens[:1] == ("be",) and not {"there", "or", "what", "which", "who"} & {*tokens}:
        return True
    if plan.startswith("name ") and tokens[0] == "do" and _ASKED_FOR.isdisjoint(tokens):
        return True
    if plan.startswith(("fact open |", "fact opens |")) and not _DAYS.isdisjoint(tokens):
        return True  # whether it is open on that day
    if tokens[0] == "who" and re.match(r"fact (?:year|built|founded|opened) \|", plan):
        return True
    if plan.startswith("where ") and tokens[first : first + 1] == ("where",) and "from" in tokens[-2:]:
        return True
    if any(word in tokens and not re.search(needed, plan) for word, needed in _RECKONED):
        return True
    if plan.startswith("avg ") and _AVERAGE.isdisjoint(tokens) and not is_chinese(tokens[start]):
        return True
    if plan.startswith("fact ") and "both" in tokens and not re.search(r"\beach\b|\| those$", plan):
        return True
    if plan.startswith(("check ", "again ")) and _SIDES.search(said):
        return True  # on which side
    if re.fullmatch(rf"name {_BARE}", plan) and ("would", "you") in pairwise(tokens):
        return True  # what one would rather have
    if plan.startswith("exist ") and ("have", "to") in pairwise(tokens):
        return True
    if re.fullmatch(rf"exist {_BARE}", plan) and _WITHIN.search(" ".join(tokens[start:end])):
        return True  # whether there is something in it
    if (
        re.match(r"check [^|]+ \| (?:look )?[\w ]+$", plan)
        and "or" in tokens[:end]
        and not _YES_OR_NO & {tokens[first]}
    ):
        return True  # which of them
    if re.match(r"check (?:max|min) ", plan) and tokens[first] not in _YES_OR_NO:
        return True
    if re.fullmatch(rf"name {_BARE}", plan) and not _WHICH.isdisjoint(tokens[first:end]) and n_lost[first]:
        return True  # which of them is good for that
    if plan.startswith("fact ") and _EACH.search(said):
        return True  # so many times as much
    return plan.startswith(("sum price", "fact price", "more weight")) and any(
        re.search(rf"\b{number:g}\b", plan) is None for number in _numbers(tokens)
    )


def _leaves_open_zh(tokens: Tokens, first: int, start: int, end: int, plan: str) -> bool:
    """The same of Chinese: 几, 怎 or 多少 in the clause from token `first` on, 比 where nothing is compared, a number
    of pieces where a price is asked."""
    last = next((k for k in range(end, len(tokens)) if tokens[k] in MARKS), len(tokens))
    for k in (*range(first, start), *range(end, last)):
        if tokens[k] == "怎" or (tokens[k] == "几" and tokens[k - 1 : k] not in (("这",), ("那",), ("哪",))):
            return True
        if tokens[k : k + 2] == ("多", "少"):
            return True
    left_out = {*pairwise((*tokens[first:start], "")), *pairwise((*tokens[end:last], ""))}
    if any(word == "比" and after not in "较如例赛萨" for word, after in left_out) and not _COMPARED.search(plan):
        return True
    if not _PRICE.match(plan):
        return False
    return any(
        number > 2 and f"{number:g}" not in plan
        for span in (tokens[first:start], tokens[end:last])
        for number in (_numbers(span) if span else ())
    )


def is_clause(template: str, tokens: Tokens, n_lost: Sequence[int], i: int, end: int) -> bool:
    """Whether a Chinese phrase for what is here or where it is makes up a clause, from token i to `end`; `n_lost`:
    content words before each token."""
    if not template.startswith(("exist", "where")) or not is_chinese(tokens[i]):
        return False
    first = max((k + 1 for k in range(i) if tokens[k] in MARKS), default=0)
    last = next((k for k in range(end, len(tokens)) if tokens[k] in MARKS), len(tokens))
    if template.startswith("exist") and tokens[last - 1] not in _IS_ASKED and "没" not in tokens[i : i + 2]:
        return False
    return n_lost[i] == n_lost[first] and n_lost[end] == n_lost[last]


def is_bare(tokens: Tokens) -> bool:
    """Whether English words do not ask whether something is there, though they may name it."""
    if tokens[-1] == "?" and sum(token not in MARKS for token in tokens) < _FEW:
        return False  # "A leaf blower?"
    is_pointed = tokens[0] == "be" and not _POINTED.isdisjoint(tokens[1:2])
    return is_pointed or (tokens[0].isascii() and _EXISTS.isdisjoint(tokens))


def _numbers(tokens: Tokens) -> set[float]:
    """The whole numbers above one of a question, each at its beginning."""
    found: set[float] = set()
    i = 0
    while i < len(tokens):
        at = whole_at(tokens, i)
        if at is not None and at[1] > i:
            found |= {at[0]} if at[0] > 1 else set()
            i = at[1]
        else:
            i += 1
    return found
