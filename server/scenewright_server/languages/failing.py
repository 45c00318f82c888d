"""What tells against a plan: what the scene replies to it."""

from __future__ import annotations

import re

from scenewright_server.languages.leaving import is_bare
from scenewright_server.languages.phrases import Tokens
from scenewright_server.scene import replies as r
from scenewright_server.scene.entries import Entry
from scenewright_server.scene.executing import execute
from scenewright_server.scene.facts import told_left
from scenewright_server.scene.parsing import parse
from scenewright_server.scene.questions import Count, Exist, Sum, Total
from scenewright_server.scene.scene import Scene
from scenewright_server.scene.states import STATE_WORDS
from scenewright_server.scene.topics import is_topic
from scenewright_server.scene.words import COLOURS, is_chinese

_OF_ALL = re.compile(r"^(?:name|describe|way|where|fact [^|]+ \|) (?:all & )?(?:max|min) ")
"""Plans of the most of everything, where something was just spoken of."""
_OF_SHAPE = re.compile(r"^fact [^|]+ \| (?:.* & )?(?:max|min) (?:\w+ )?(?:height|width|depth|size|speed|rating)$")
"""Plans of a fact of what is highest or the like: most of these ask what has the most of the fact."""
_OF_MOST = re.compile(r"^fact [^|]+ \| (?:max|min) [^|&]+$")
_OF_IT = frozenset("of 's who when where how have do cost in for on 的".split())
"""Plans of a fact of the most of something, and words that ask for it: "youngest inventor" is who is."""
_OF_SOME = re.compile(r"^(?:fact|check|sum|avg|way|where) .*(?: & |\| has )")
"""Plans that ask something of what is so and so."""
_OF_TWO = ("diff ", "ratio ", "again other")
"""Plans of what must be there."""
_INSIDE = re.compile(r"^(?:count|exist|again) (?:.* & )?in (?:those|this)$")
_TIED, _TIES = re.compile(r"^name .*\b(?:max|min) (?:width|height|depth|size)$"), 2
"""Plans of what is of the most extent, and how many may be alike in it."""
_OF_ONE = re.compile(r"^name ([a-z]+) & (?:max|min) [a-z ]+$")
_PARTS = re.compile(r"^count .+ & look ")
_AMONG = re.compile(r"^count those$|\bthose & (?:max|min|middle|\d+(?:st|nd|rd|th))\b")
_PRICED = re.compile(r"\b(?:price|价格) [<>]")
"""Plans that ask for a price, of a number that may be another's."""
_AGAIN_SO = re.compile(r"again (?:all & )?(?:not )?look |again (?:\d+ of )?人\b")
"""Plans that ask the last question anew of what is so, or of people: of most sentences they are not meant."""
_BOUNDED = re.compile(r"^(check|name|again) (?:those [|&] )?[^&|]+ [<>]=? [^&|]+$")
"""Plans whether those, or which of them, have so much of something."""
_TOGETHER = frozenset("together altogether total all both combined".split())
_WHICH = frozenset("which what who any anything anyone".split())
_OF_OTHER_UNIT = re.compile(
    r"(?:最低|最小)年龄 [<>]=? [\d.]+(?![\d.])(?! (?:周?岁|年|个月|月))"
    r"|(?:限重|载重|承重) [<>]=? [\d.]+(?![\d.])(?! (?:公斤|千克|斤|kg|克|吨|磅))"
)
"""Ages and loads that are told in what measures neither."""
_EARLY_CLOSING = re.compile(r"^check .* > 0?[3-8]:\d\d$")
_MORE = frozenset("and or what how which one ones with other another".split())
"""Words that ask the last question of something else."""
_FAILURES = ((r.NotHere, 0.1), (r.Nothing, 0.15), (r.Unclear, 0.5), (r.Mixed, 0.7))
"""What tells against a plan that has such a reply."""
_UNKNOWN, _NO_FACT, _NO_LOOK = 0.12, 0.6, 0.4
"""What tells against a fact that is not known, against one by a word that only another thing here has, and against a
look that nothing here has."""
_GUESSED = 0.4
"""What tells against asking whether there is something that is taken for something else."""
_LOOKED_FOR = re.compile(r"^(?:name|fact|where|way|check) .*\blook\b")
_MANY, _FORGETFUL = 6, 0.6
"""What tells against asking which of so many things that have a fact, or of any where things were just spoken of."""
_ASKED = (0.03, 0.2)
"""What tells against a plan that asks which is meant; against one that names nothing."""


def failure(plan: str, tokens: Tokens, scene: Scene) -> float:
    """What tells against a plan that was read from these tokens: that the scene gives no answer to it, or one that is
    seldom asked for."""
    replies = execute(parse(plan), scene)
    results = [result for reply in replies for result in reply.results]
    unknown = [result for result in results if isinstance(result, r.Unknown)]
    is_han = any(map(is_chinese, tokens))
    if is_han and unknown and re.match(r"(?:name|where|way) .*(?:max|min) ", plan):
        return 0.75
    before = scene.before
    if before is not None and before.asked is None and len(before.things) == 1 and _AMONG.search(plan):
        return 1.0  # there is but one
    if plan.startswith("exist ") and is_bare(tokens) and not any(map(_is_there, results)):
        return 0.5
    if before is not None and before.asked is None and (bounded := _BOUNDED.match(plan)):
        if isinstance(before.question, Total | Sum):
            return 0.5  # whether all that is so much
        asks, is_one, of_those = bounded[1], len(before.things) == 1, "those" in plan
        if asks == "again" or (of_those and is_one != (asks == "check")):
            return 0.7 if is_one or asks != "again" else 0.2
        if asks == "name" and not of_those and _WHICH.isdisjoint(tokens):
            return 0.25
    if re.match(r"(?:more|fewer) \(sum [^|]*\| those\) \| \d", plan) and not (
        before and isinstance(before.question, Total | Sum)
    ):
        return 0.0 if _TOGETHER & {*tokens} else 0.5
    if before is not None and before.asked is None:
        if len(before.things) > 1 and plan.startswith("again all & not "):
            return 0.3  # those that are not so
        if len(before.things) == 1 and plan.startswith("again those & look"):
            return 0.6  # whether that is so
    is_asked = any(isinstance(result, r.Ask) for result in results)
    if before is not None and len(before.things) > 1 and re.match(r"check those \| (?!each)", plan) and is_asked:
        return 0.4
    if before is not None and before.asked is not None and re.fullmatch("again (?:left|right) of me", plan):
        return 0.2  # one of those that were asked about is meant
    if before is not None and before.asked is None and re.fullmatch("again those & (?:max|min) .*", plan):
        return 0.2
    if before is not None and isinstance(before.question, Count | Exist) and plan.startswith("again those & "):
        return 0.3  # which it is, not how many
    if before is not None and len(before.things) == 1 and re.match(r"again .*[<>]=? ", plan):
        return 0.7  # whether it has so much
    if before is not None and before.asked is not None and plan.startswith("name those & "):
        return 0.1  # it tells which is meant
    if before is not None and len(before.things) > 1 and _OF_ALL.search(plan):
        return 0.05
    if any(isinstance(result, r.NotUnderstood | r.Lost) for result in results):
        return 1.0
    if re.match("count (?:all & )?look ", plan) and is_chinese(tokens[0]) and not {"有", "个", "只", "种"} & {*tokens}:
        return 0.7  # how much it is, not how many there are
    if (
        is_han
        and plan.startswith("exist ")
        and "还" in tokens
        and any(_has_left(scene.entries[k]) for reply in replies for k in reply.things)
    ):
        return 0.5  # whether some are left
    if plan.startswith("exist ") and any(reply.took for reply in replies):
        return _GUESSED
    if _TIED.search(plan) and any(isinstance(result, r.Listed) and len(result.things) > _TIES for result in results):
        return 0.6  # the boxes are alike: something else is meant
    if re.fullmatch(r"name all & look [\w ]+", plan) and len(replies[0].things) == len(scene.entries) > _MANY:
        return 0.6  # what all are called, which tells none of them
    if (among := _OF_ONE.match(plan)) and len(execute(parse(f"name {among[1]}"), scene)[0].things) == 1:
        return 0.7  # of one thing nobody asks which
    if _PARTS.match(plan) and sum(len(reply.things) for reply in replies) < 2:
        looks = {*re.findall(r"\blook ([a-z]+)", plan)} - {*STATE_WORDS} - {*COLOURS}
        if any(f"how many {look} " in " ".join(tokens) for look in looks):
            return 0.7  # how many of these a thing has
    if _INSIDE.search(plan) and not any(reply.things for reply in replies):
        return 0.4  # what is in it is told in words
    if _PRICED.search(plan) and any(isinstance(result, r.Unknown) for result in results):
        return 1.0
    if (
        is_han
        and (look := re.search(" look ([^&|]+)$", plan))
        and any(_counts(entry, look[1]) for entry in scene.entries)
    ):
        return 0.7  # how much it has
    if re.search(r"\bempty\b", plan) and any(map(_tells_empty, scene.entries)):
        return 0.5  # what is told to be so
    if plan.startswith("diff rating ") and any(isinstance(result, r.Unknown) for result in results):
        return 0.6  # "better" is of something else
    if (
        is_han
        and (of := re.match(r"fact size \| (.+)", plan))
        and execute(parse(f"name kind 人 & ({of[1]})"), scene)[0].things
    ):
        return 0.7  # somebody's age
    if before is not None and len(before.things) == 1:
        if re.fullmatch(r"(?:sum [^|]+|fact 价格) \| (?:each )?those", plan) and not {*"都全两俩"}.isdisjoint(tokens):
            return 0.7  # of more than that
        to = re.match(r"fact distance to \(?(.+?)\)? \| those", plan)
        if to and execute(parse(f"name {to[1]}"), scene)[0].things == before.things:
            return 1.0
    if _OF_OTHER_UNIT.search(plan) or _EARLY_CLOSING.search(plan):
        return 1.0
    if unknown and plan.startswith(("diff ", "ratio ", "more ", "fewer ", "equal ")) and is_han:
        return 0.6  # of something else
    if any(len(result.things) > 1 for result in unknown) and plan.startswith("fact "):
        return 0.4
    if before is not None and len(before.things) > 1 and plan.startswith("check those | 价格 <= "):
        return 0.5  # what they cost together
    if before is not None and len(before.things) > 1 and re.search(r"sum 价格 \| [\d.]+ of those", plan):
        return 0.5  # it may be all of them
    if before is not None and len(before.things) > 1 and re.match("again (?:max|min) ", plan):
        return 0.2  # of those
    if is_han and " + " in plan and plan.startswith("fact ") and any(isinstance(its, r.Ask) for its in results):
        return 0.5
    if is_han and plan.startswith(("name ", "count ")) and " & " in plan and not any(reply.things for reply in replies):
        return 0.75 if re.search("those|[<>]", plan) else 0.4 if " look " in plan else 0.3
    if re.match("(?:name|count|exist) has ", plan) and not any(reply.things for reply in replies):
        return 1.0
    if is_han and before is not None and plan.startswith("exist look ") and not any(map(_is_there, results)):
        return 0.3
    has_none = any(isinstance(result, r.Nothing | r.NotHere) for result in results)
    if has_none and (" | has " in plan or plan.startswith(("where look ", "where has "))):
        return 1.0
    if has_none and before is not None and len(before.things) == 1 and re.match(r"again [^&|]+ <=? ", plan):
        return 0.7  # whether it has so little
    if _OF_SOME.search(plan) and any(isinstance(result, r.Nothing) for result in results):
        return 0.7
    if plan.startswith(_OF_TWO) and any(isinstance(result, r.Nothing) for result in results):
        return 0.7
    if plan.startswith(("more (", "ratio (")) and any(isinstance(result, r.Ask) for result in results):
        return 0.5
    if plan.startswith("fact ") and any(isinstance(result, r.Nothing) for result in results):
        return 0.6
    if plan.startswith("again not "):
        return 0.3
    is_new = before is not None and before.asked is None and ("呢" not in tokens or "着" in tokens)
    if is_new and is_chinese(tokens[0]) and _AGAIN_SO.match(plan):
        return 0.6
    if is_new and before is not None and len(before.things) == 1 and _MORE.isdisjoint(tokens) and _AGAIN_SO.match(plan):
        return 0.6  # whether that thing is so
    if _OF_SHAPE.search(plan) or (_OF_MOST.search(plan) and _OF_IT.isdisjoint(tokens)):
        return 0.5
    if " | has " in plan and any(isinstance(its, r.Ask) and (before or len(its.things) > _MANY) for its in results):
        return _FORGETFUL
    if any(isinstance(result, r.Ask) for result in results):
        return _ASKED[" | has " in plan]
    if any(isinstance(result, r.Nothing) for result in results) and _LOOKED_FOR.search(plan):
        return _NO_LOOK
    return max((_failure_of(result) for result in results), default=0.0)


def _counts(entry: Entry, key: str) -> bool:
    """Whether a thing's fact of this key is a number."""
    facts = entry.graph.facts if entry.graph else ()
    return any(fact.key == key and not isinstance(fact.value, str) for fact in facts)


def _has_left(entry: Entry) -> bool:
    """Whether it is told how many of a thing are left."""
    return entry.graph is not None and told_left(entry.graph) is not None


def _tells_empty(entry: Entry) -> bool:
    """Whether a thing's facts tell that it is empty: "空着", "empty"."""
    facts = entry.graph.facts if entry.graph else ()
    return any(isinstance(fact.value, str) and fact.value.startswith(("空", "empty")) for fact in facts)


def is_vague(plan: str, scene: Scene) -> bool:
    """Whether the scene tells so little of what a plan asks that other words may have been meant: nothing known,
    nothing that looks so, none of what is counted."""
    results = [result for reply in execute(parse(plan), scene) for result in reply.results]
    if all(map(_tells_nothing, results)):
        return True
    return re.match(r"exist .*\blook |count ", plan) is not None and not any(result.things for result in results)


def _tells_nothing(result: r.Result) -> bool:
    if isinstance(result, r.Verdict):
        return all(is_so is None for is_so in result.are_so)
    return isinstance(result, r.Unknown | r.Nothing) or (isinstance(result, r.Told) and result.value is None)


def _is_there(result: r.Result) -> bool:
    return isinstance(result, r.Exists) and bool(result.things)


def _failure_of(result: r.Result) -> float:
    if isinstance(result, r.Unknown) or (isinstance(result, r.Told) and result.value is None):
        return _UNKNOWN if is_topic(result.key) else _NO_FACT
    return next((cost for kind, cost in _FAILURES if isinstance(result, kind)), 0.0)
