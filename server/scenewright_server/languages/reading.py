"""Questions read by their words alone: the plan (docs/plans.md) that a phrase of the language's table gives with what
the question's words mention of the scene. The way back from `speaking`.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace

from scenewright_server.languages.chart import CLAUSE, Chart
from scenewright_server.languages.failing import is_vague
from scenewright_server.languages.filling import OPENS, TWICE, wrap
from scenewright_server.languages.leaving import is_bare
from scenewright_server.languages.listing import DEAR, goes_by_fact, without_kind
from scenewright_server.languages.mentions import Mentions, cut
from scenewright_server.languages.phrases import MARKS, Table, Tokens, read_table, tokens_of
from scenewright_server.languages.recalling import recall
from scenewright_server.languages.wishing import wished
from scenewright_server.scene import replies as r
from scenewright_server.scene.choosing import Choosing
from scenewright_server.scene.executing import execute
from scenewright_server.scene.expressions import Named, Set
from scenewright_server.scene.parsing import parse
from scenewright_server.scene.scene import Scene
from scenewright_server.scene.writing import write_set

MAX_TOKENS = 80
SURE = 0.5
"""The least confidence of a plan that is taken for what was meant."""
_DOUBTED, _WISHED = 0.3, 0.6
"""From where on a plan is held against two in one, and against what meets a wish."""
_VAGUE = 0.26
"""What a plan costs at least that finds nothing."""
_STATED = 0.12
"""The same of what somebody says of themselves and asks nothing."""
_SELF = frozenset(("i", "my", "me", "we", "our"))
_ASKING = frozenset("? ？ what which who whose where when why how do".split())
_ABSENT = 0.3
"""What a question costs that is only a word for what is not here."""
_AND = ("and", "和", "还", "plus")
_COUNTING = (
    *("how much", "how many", "左边", "右边", "左手", "右手", "身后", "后面", "背后"),
    *"几 谁 价 多少 平均 多久 多远 多长 多高 多大 多重 什么时候 什么时间 为什么 怎么了 怎么用 是不是 够不够".split(),
)
"""Words of questions that tell no wish."""
_BOUND = re.compile(r"again ([^ &|]+ [<>]=? [^&|;]+)")
"""A second question that bounds the first."""
_THOSE = re.compile(r'(?<!")\bthose\b(?!")( \+)?')
"""What was spoken of, in the plan of a second question; whether something is joined to it."""
_BOUNDED = re.compile(r"^name [^;+()]* [<>]=? [^;+()]*$")
"""Plans of what is so much: of two of these, both hold."""
_MEANT = re.compile(
    r"[这那哪][张件款部台种副条双支瓶盒柜]|合不合|会不会|能不能|要不要|[不没]到|以[上下内前后]|往[上下]|超过|之[间内前后]|[十百千\d][块元]|证件|得[上下]去|小心|的时候"
)
"""Words of Chinese questions of what is meant or bounded, which tell no wish, either."""
_PLACES = re.compile("哪[里儿边有能块]|[在去上往]哪|什么地方")


@dataclass(frozen=True)
class Reading:
    """A question's plan, and how surely it is what was meant, 0 to 1."""

    plan: str
    confidence: float


def read(question: str, scene: Scene, language: str) -> Reading | None:
    """What a question asks of a scene, after the turn that the scene knows of; None where no phrase fits it."""
    choosing = Choosing(scene)
    table = read_table(language)
    mentions = Mentions(choosing, table)
    tokens = _tokens(question, mentions)
    if not tokens:
        return None
    best = Chart(tokens, table, mentions, choosing).best()
    if (plainer := without_kind(tokens, mentions, table, scene)) is not None:
        of_all = Chart(plainer, table, mentions, choosing).best()
        if of_all is not None and goes_by_fact(of_all[1]):
            best = min(filter(None, (best, (of_all[0] + DEAR, of_all[1]))))
    if best is None or best[0] > _DOUBTED:
        both = _read_both(tokens, table, mentions, scene)
        best = min(filter(None, (best, both)), default=None)
    if best is None or best[0] > (_STATED if _is_stated(tokens) else _WISHED):
        tells_none = any(word in question for word in _COUNTING) or _MEANT.search(question) is not None
        tells_none |= language == "zh" and bool(mentions.named(tokens))
        thing = "" if tells_none else wished(tokens, mentions.names)
        if thing:
            is_place = "where" in tokens or _PLACES.search(question)
            asks = "where" if is_place else "way" if "way" in tokens else "name"
            best = (_WISHED, f"{asks} {thing}")
    if best is None and (absent := mentions.absent(tokens)):
        best = (_ABSENT, f"exist {write_set(Named(cut(absent)))}")
    if best is None:
        return None
    cost, plan = best
    if cost < _VAGUE and is_vague(plan, scene):
        cost = _VAGUE
    return Reading(plan, math.exp(-cost))


def fall_back(question: str, scene: Scene, language: str) -> tuple[str, r.Reply] | None:
    """For a question that nobody understood: all that is told of the one thing that it names, that its words are told
    of, or that was spoken of, as a plan and what it gives; None where there is not one."""
    names = [write_set(Named(cut(scene.called[k]))) for k in scene.called_in(question)]
    if not names:
        choosing, table = Choosing(scene), read_table(language)
        mentions = Mentions(choosing, table)
        tokens = _tokens(question, mentions)
        names = [*mentions.named(tokens)]
        told = recall(tokens, choosing, table) if not names else None
        names += [write_set(Named(cut(scene.called[told])))] if told is not None else []
    if not names and scene.before is not None and len(scene.before.things) == 1:
        names = ["those"]
    if len(names) != 1:
        return None
    plan = f"describe {names[0]}"
    (reply,) = execute(parse(plan), scene)
    if not all(isinstance(result, r.Described) for result in reply.results):
        return None
    return plan, replace(reply, results=(r.Unsure(), *reply.results))


def _tokens(question: str, mentions: Mentions) -> Tokens:
    """A question's last tokens, simplified and corrected."""
    return mentions.correct(tokens_of(mentions.simplify(question))[-MAX_TOKENS:])


def _is_stated(tokens: Tokens) -> bool:
    """Whether somebody says how they are, in English: "my hands are dirty"."""
    return not _SELF.isdisjoint(tokens) and _ASKING.isdisjoint(tokens) and tokens[0] not in ("be", "have", "can")


def _read_both(tokens: Tokens, table: Table, mentions: Mentions, scene: Scene) -> tuple[float, str] | None:
    """Two questions in one breath, the second of which may be about what the first is."""
    found: list[tuple[float, str]] = []
    for i in range(2, len(tokens) - 1):
        if (tokens[i] not in MARKS and tokens[i] not in _AND) or len(found) > 2:
            continue
        first = Chart(tokens[:i], table, mentions, Choosing(scene)).best()
        if first is None or first[0] > _DOUBTED or first[1] == "beyond":
            continue
        if first[1].startswith("exist ") and is_bare(tokens[:i]):
            continue
        turn = execute(parse(first[1]), scene)[-1].turn
        after = Choosing(replace(scene, before=turn))
        second = Chart(tokens[i + 1 :], table, mentions, after).best()
        if second is not None and second[0] <= _DOUBTED and not second[1].startswith(("again look ", "again behind ")):
            found.append((first[0] + second[0] + CLAUSE, in_one(first[1], second[1])))
    return min(found, default=None)


def in_one(first: str, second: str) -> str:
    """Two questions as one plan: facts of one set together, "those" of the second as the set of the first."""
    if first == second:
        return first
    if first.startswith("name ") and (bound := _BOUND.fullmatch(second)):
        return f"{first} & {bound[1]}"
    if first.startswith("name ") and second.startswith("name ") and _BOUNDED.search(first) and _BOUNDED.search(second):
        if second.startswith("name those & "):
            return f"{first} & {second.removeprefix('name those & ')}"
        return f"{second} & {first.removeprefix('name ')}"
    asks, _, of = first.partition(" | ")
    if first.startswith("fact ") and second.startswith("fact ") and second.endswith(" | those"):
        return TWICE.sub(r"fact \1 |", f"{asks}, {second[5:].removesuffix(' | those')} | {of}")
    its_set: Set | None = getattr(parse(first)[-1], "of", None)
    if its_set is None:
        return f"{first} ; {second}"
    its = write_set(its_set)

    def put(found: re.Match[str]) -> str:
        is_open = OPENS.search(second[: found.start()]) and not (found[1] and " & " in its)
        return f"{its if is_open else wrap(its)}{found[1] or ''}"

    return f"{first} ; {_THOSE.sub(put, second)}"
