"""Plans out of their templates: what a phrase's slots hold is put in."""

from __future__ import annotations

import re
from dataclasses import dataclass

from scenewright_server.languages.phrases import SLOT
from scenewright_server.scene.expressions import Key, PlanError
from scenewright_server.scene.parsing import parse
from scenewright_server.scene.writing import write, write_key


@dataclass(frozen=True)
class Part:
    """What a slot holds: the text that stands for it in a plan, and others by their names ("D.key")."""

    text: str
    more: tuple[tuple[str, str], ...] = ()

    def get(self, name: str) -> str:
        return dict(self.more).get(name, "") if name else self.text


Bound = dict[str, Part]


def pick_by(key: str, most: bool) -> Part:
    """What picks the most or the least of a key, and what compares by it."""
    pick, text = "max" if most else "min", write_key(Key(key))
    named = (("key", text), ("pick", f"{pick} {text}"), ("way", pick))
    return Part(f"{pick} {text}", (*named, ("sign", ">" if most else "<"), ("ask", "more" if most else "fewer")))


TWICE = re.compile(r"^fact ([^,|]+), \1 \|")
VAIN = re.compile(
    r"^(?:again|exist|name|check) (?:each )?(?:those|this|all)$|^(?:where|way) (?:each )?(?:this|all)$|^where all"
    r"|^(?:fact|sum|avg) .*\| all(?: & (?:price|cost|价格)|$)|^fact (?:up|left|right)\b"
    r"|^(?:check|fact|exist) .*\b(?:someone|somebody|anyone|anybody|everyone)\b(?! & (?!look))|^check [^|]+ \| all\b"
    r"|^fact [^|]+ \| all & (?:left|right|behind|in front|on|under|in|near|beside|between|above)\b"
    r"|^(?:sum|fact|avg) [^|]*\| 人(?: &|$)|^count (?:.* & )?(?:max|min) |^(?:fact|diff|ratio) [^|(]*\| [^(]*\d of "
    r"|\blook [米元块度分年天岁斤克升一二两三四五六七八九十百千](?: |$)|\bin \(all\b"
    r"|\b(?:beside|near|on|in|under|above|behind|in front of|left of|right of) all(?: |$)"
    r"|^(?:diff|ratio|more|fewer|equal) .*\| ([^|]+) \| \1$"
    r"|^check (?:those|this) & [^|]*[<>]"
    r"|^exist (?:max|min)\b|(?:left|right) of me (?:.* )?& in reach|价格 >= 1$"
    r"|\b(?:max|min) \w+ & (?:max|min)\b|\d of 人"
    r"|^name (?:max|min) .* & in (?:those|this)"
    r"|^count (?:.* & )?look (?:\w+ )*\w+[^su\W]s$|^count (?:.* \+ )?\d+ of "
    r"|(?:behind|in front of|left of|right of) \(those & (?:max|min)"
    r"|^where (?:most|fewest|least)\b|\bhas [a-z]+ & 价格 [<>]|^count (?:[a-z]+ )?(?:eat|leave|cost|weigh)s? "
    r"|^exist more\b|^sum (?:price|价格) \| 1 of those|^count look (?:[^|]* )?(?:be|the|a|of|do|have)\b|\bin all\b"
    r"|(?:those|this) & not (?:those|this)\b"
    r"|\bage [<>]=? [12]\d{3}\b|\b(?:year|built) [<>]=? \d{1,3}$|^name \d+(?:st|nd|rd|th) \w"
    r"|\b(?:opens|closes|hours|departs|arrives) [<>]=? \d+(?: |$)"
    r"|(?:under|above|behind|in front of) \(all & |^check [^|]*[<>][^|]*\|"
    r"|^(?:more|fewer|equal|diff|ratio) .*\| all(?: \||$)|^check (?:.* )?\| all$|^check all [|&]"
)
"""Plans of words that tell nothing."""


def asks_of_named(template: str, bound: Bound) -> bool:
    """Whether a plan asks for a fact or a place of a thing that the question names: other words may change little."""
    return template.startswith(("fact", "where", "way")) and "A" in bound and bound["A"].text not in ("those", "this")


_FILLED = re.compile(rf"(?<![^\s(|&])({SLOT.pattern})(?:\.([a-zT]+))?(?![^\s)|&,])")
OPENS = re.compile(
    r"(?:^|\||&|\()\s*(?:(?:name|count|exist|describe|again|way|where|check|each|more|fewer|equal|diff)\s+)?$"
)


def wrap(text: str) -> str:
    """A set within another: in parentheses if it has several links."""
    return f"({text})" if " & " in text or " + " in text else text


def fill(template: str, bound: Bound) -> str:
    """A plan with what its slots hold; a set of several links in parentheses where it is part of another."""

    def put(found: re.Match[str]) -> str:
        part, more = bound[found[1]], found[2] or ""
        if more == "T":
            return part.text.replace(" ", f" {bound['T'].text} ", 1)
        text = part.get(more)
        before, after = template[: found.start()], template[found.end() :].lstrip()
        is_open = OPENS.search(before) is not None and (" + " not in text or not after.startswith("+"))
        is_open = is_open or (" + " in text and " & " not in text and before.rstrip().endswith("+"))
        is_composite = found[1][0] in "ABCJMPQ"
        return wrap(text) if is_composite and not is_open else text

    return _FILLED.sub(put, template)


def written(template: str, bound: Bound) -> str | None:
    """A template's plan as it is written; None where it is none."""
    try:
        return write(parse(TWICE.sub(r"fact \1 |", fill(template, bound))))
    except PlanError:
        return None
