"""Words that mean the same, words that everybody knows, what meets a wish, simplified characters: read from tables,
whatever the scene."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files

from scenewright_server.languages.phrases import Tokens, tokens_of
from scenewright_server.scene.kinds import KINDS
from scenewright_server.scene.matching import single
from scenewright_server.scene.topics import TOPICS
from scenewright_server.scene.words import is_chinese


def key_of(tokens: Sequence[str]) -> Tokens:
    """Tokens as they are compared: the last in the singular."""
    return (*tokens[:-1], single(tokens[-1])) if tokens else ()


@cache
def _groups() -> tuple[tuple[str, ...], ...]:
    """Words that mean the same, English and Chinese, a line of nouns.txt each."""
    text = files(__package__).joinpath("nouns.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and line[0] != "#"]
    return tuple(tuple(word.strip() for word in re.split("[,/]", line) if word.strip()) for line in lines)


@cache
def synonyms() -> dict[Tokens, tuple[str, ...]]:
    """Of each of these words, all of its line."""
    found: dict[Tokens, tuple[str, ...]] = {}
    for group in _groups():
        for word in group:
            found[key_of(tokens_of(word))] = (*found.get(key_of(tokens_of(word)), ()), *group)
    return found


def translations(tokens: Tokens) -> Iterator[str]:
    """Other words for a name: those of its line in nouns.txt; for one of several words, in Chinese, those of its
    parts one after another, with its number before it or after it."""
    yield from synonyms().get(tokens, ())
    if len(tokens) < 2 or is_chinese(tokens[0]):
        return
    if (its := tokens[-1]).isdigit() or len(its) == 1:
        figures = (its, "零一二三四五六七八九十"[int(its)]) if its.isdigit() and int(its) < 11 else (its,)
        for head in filter(is_chinese, synonyms().get(key_of(tokens[:-1]), ())):
            for figure in figures:
                yield from (f"{figure}号{head}", f"{figure}{head}", f"{head}{figure}")
    heads = [word for word in synonyms().get(tokens[-1:], ()) if is_chinese(word)]
    befores = [word.removesuffix("的") for word in synonyms().get(tokens[:-1], ()) if is_chinese(word)]
    for before in befores:
        for head in heads:
            yield before + head
            yield before.removesuffix("色").removesuffix("制") + head


@cache
def common() -> frozenset[str]:
    """Words of things, of what is told of them and of wishes, whatever the scene."""
    words = {word for group in _groups() for word in group} | {word for topic in TOPICS for word in topic.words}
    nouns = {*KINDS} | {noun for nouns in KINDS.values() for noun in nouns}
    told = {token for signs, things in wishes() for its in (*signs, *things) for token in its}
    return frozenset(nouns | told | {token for word in words for token in tokens_of(word)})


@cache
def wishes() -> tuple[tuple[tuple[Tokens, ...], tuple[Tokens, ...]], ...]:
    """Words that tell a wish, and what meets it."""
    text = files(__package__).joinpath("wishes.txt").read_text(encoding="utf-8")
    pairs = [line.split(": ", 1) for line in text.splitlines() if line and line[0] != "#"]
    return tuple(
        (tuple(tokens_of(sign) for sign in signs.split("|")), tuple(tokens_of(thing) for thing in things.split(",")))
        for signs, things in pairs
    )


def simplify(text: str, told: str, respellings: Sequence[tuple[str, str]]) -> str:
    """A text in simplified characters and with its spellings put right, but for what is told so."""
    plain = "".join(char if char in told else _simplified().get(char, char) for char in text)
    for wrong, right in respellings:
        if wrong in plain and wrong not in told:
            plain = plain.replace(wrong, right)
    return plain


@cache
def _simplified() -> dict[str, str]:
    """Traditional characters and their simplified ones."""
    text = files(__package__).joinpath("traditional.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and line[0] != "#"]
    return {pair[0]: pair[1] for line in lines for pair in line.split()}
