"""What a question of a list says by its words: which row comes after or before another, and which values a key has."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from scenewright_server.scene.matching import calls, fold
from scenewright_server.scene.scene import Scene
from scenewright_server.scene.words import is_chinese
from scenewright_server.scene.writing import write_words

_BEGIN = r"(?:(?:so|and|ok|well|now|then|tell me|do you know)[ ,]+)*"
_REST = (
    r"(?: (?:are|is|do|does|did|were|was|there|here|in|on|the|this|that|all|altogether|total|list|listed|table|board|"
    r"have|you|we|they|come|came|take|took|taking|part|represented|appear|shown|named|mentioned|it|be))*"
)
_AFTER = re.compile(
    r"\b(?:right|straight|immediately|directly|just|next)\b[^.]*\b(?:after|behind|below|following|to)\b|\bfollow(?:s|ed)\b"
    r"|(?:后面|之后|后边)(?:的|那个)?(?:一个)?(?:紧接着)?(?:是|排着)?(?:谁|哪|什么)|下一个(?:是|呢)"
)
_BEFORE = re.compile(
    r"\b(?:right|straight|immediately|directly|just)\b[^.]*\b(?:before|ahead of|above)\b|\bpreced(?:es|ed)\b"
    r"|(?:前面|之前|前边)(?:的|那个)?(?:一个)?(?:是|排着)?(?:谁|哪|什么)|[前上]一个(?:是|呢)"
)
_NEXT = re.compile(
    r"(?:and )?(?:then )?(?:who|what|which)\b.{0,24}\b(?:after|behind) (?:that|this|it|him|her|them|those)(?: one)?"
    r"|(?:and )?(?:the )?next(?: one)?|(?:and )?after (?:that|him|her)|(?:and )?who(?:'s| is| was| came)? next"
    r"|(?:那)?(?:下一个|后面一个|后面那个)(?:呢|是谁|是哪个|是什么)?"
)
_PREVIOUS = re.compile(
    r"(?:and )?(?:who|what|which)\b.{0,24}\bbefore (?:that|this|it|him|her|them|those)(?: one)?"
    r"|(?:and )?before (?:that|him|her)"
    r"|(?:那)?(?:[前上]一个|前面一个|前面那个)(?:呢|是谁|是哪个|是什么)?"
)
"""Of the row that was told."""
_MOST, _FEWEST = r"most\b(?! (?:recent|of|expensive))|最多|加起来最", r"fewest\b|least\b|最少"
_VERBS = "comes?|came|turns?|appears?|occurs?|won|wins?|got|gets?|took|takes?|picked"
_LEAST_ROWS = 2


def read_rows(question: str, scene: Scene) -> str | None:
    """The plan of a question about the rows of a list, or the values of a key; None for any other."""
    if not scene.is_list:
        return None
    said = fold(question).strip(" ?.!？。！")
    named = scene.called_in(question)
    if not named and scene.before is not None and len(scene.before.things) == 1:
        if _NEXT.fullmatch(said):
            return "name after those & 1st"
        if _PREVIOUS.fullmatch(said):
            return "name before those & last"
    if len(named) == 1:
        label = write_words(scene.called[named[0]])
        if _AFTER.search(said):
            return f"name after {label} & 1st"
        return f"name before {label} & last" if _BEFORE.search(said) else None
    if named:
        return None
    return next((plan for key in _keys(scene) if (plan := _of_values(said, key, scene)) is not None), None)


def _of_values(said: str, key: str, scene: Scene) -> str | None:
    """The plan of a question for the values of this key."""
    name, plural = re.escape(fold(key)), "|".join(map(re.escape, _plurals(fold(key))))
    if is_chinese(key):
        is_asked = re.search(rf"(?:几|多少)[种个类](?:不同的)?{name}|(?:哪些|哪几[种个类]){name}", said) is not None
        which = rf"哪[个种类支]{name}"
    else:
        is_asked = (
            re.fullmatch(rf"{_BEGIN}(?:how many|which|what)(?: different)? (?:{plural}){_REST}", said) is not None
        )
        which = rf"\b(?:which|what) {name} (?:has|had|have|{_VERBS})\b"
    words = write_words(key)
    if is_asked:
        return f"values {words} | all"
    pick = "max" if re.search(_MOST, said) else "min" if re.search(_FEWEST, said) else ""
    if not pick or not re.search(which, said):
        return None
    amounts = [its for its in _numbers(scene) if calls(said, its)]
    return f"values {pick} {words}{f', {write_words(amounts[0])}' if amounts else ''} | all"


def _plurals(key: str) -> tuple[str, ...]:
    return (f"{key}s", f"{key}es", *([f"{key[:-1]}ies"] if key.endswith("y") else []))


def _keys(scene: Scene) -> Iterator[str]:
    """The keys of texts that several rows have, those of most words first."""
    facts = [fact for entry in scene.entries if entry.graph for fact in entry.graph.facts]
    counts = Counter(fact.key for fact in facts if isinstance(fact.value, str))
    yield from sorted((key for key, n in counts.items() if n >= _LEAST_ROWS), key=len, reverse=True)


def _numbers(scene: Scene) -> list[str]:
    """The keys of numbers."""
    facts = [fact for entry in scene.entries if entry.graph for fact in entry.graph.facts]
    return [*dict.fromkeys(fact.key for fact in facts if not isinstance(fact.value, str))]
