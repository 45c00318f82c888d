"""From what settles a question to the words of its answer, in either language."""

from __future__ import annotations

from collections.abc import Sequence

from scenewright_server.simulator.phrases import CHINESE, CHINESE_NUMBERS, NUMBERS, PLACES, REFUSALS, article
from scenewright_server.simulator.text import Answer, Mention, Result, Thing

YES_NO = {
    "exist": {"yes": "有", "no": "没有"},
    "is": {"yes": "是", "no": "不是"},
    "reach": {"yes": "够得到", "no": "够不到"},
}
MAX_NAMED = 3


def reply(operation: str, result: Result, things: Sequence[Thing], language: str) -> Answer:
    """The answer in words. `operation` is the first word of the plan, `result` what it gave (see `questions`)."""
    words = [part for part in result if isinstance(part, str)]
    named = [part for part in result if isinstance(part, int)]
    is_english = language == "en"

    def mention(i: int) -> Mention:
        return Mention(i, things[i].words(language))

    if words and words[0] in REFUSALS:
        return (REFUSALS[words[0]][language],)
    if words and words[0] == "several":
        n = len(named)
        count = f"i see {NUMBERS[n]}" if is_english else f"我看到{CHINESE_NUMBERS[n]}"
        return (count, "," if is_english else "，", *_list(named, things, language)) if n <= MAX_NAMED else (count,)
    if operation in ("colour", "pattern", "size", "kind"):
        return _look(operation, words, named[0], things, language)
    if operation in YES_NO:
        return (words[0],) if is_english else (YES_NO[operation][words[0]],)
    if operation == "count":
        return (words[0],) if is_english else (CHINESE_NUMBERS[NUMBERS.index(words[0])],)
    if operation in ("what", "list"):
        if words == ["nothing"]:
            return ("nothing",) if is_english else ("什么都没有",)
        return _list(named, things, language)
    if operation in ("distance", "apart"):
        return (f"about {words[0]} metres",) if is_english else (f"大约{words[0]}米",)
    if operation == "where":
        if words[0] == "on":
            under = mention(named[1])
            return ("on the", under) if is_english else ("在", under, "上面")
        return (PLACES[words[0]]["en"],) if is_english else ("在" + PLACES[words[0]]["zh"],)
    return ("the", mention(named[0])) if is_english else (mention(named[0]),)


def _look(operation: str, words: list[str], i: int, things: Sequence[Thing], language: str) -> Answer:
    """A look or a kind; where the frame belies the label, what is seen and what the scene graph tells."""
    is_english = language == "en"
    if operation == "kind":
        name = Mention(i, things[i].words(language, ()))
        if words:
            seen = words[0] if is_english else CHINESE[words[0]]
            return ("i see", article(seen), seen, "but the scene tells of", article(name.words), name) if is_english \
                else (f"我看到一个{seen}，但场景说是一个", name)  # fmt: skip
        return (article(name.words), name) if is_english else ("一个", name)
    if len(words) == 1:
        return (words[0],) if is_english else (CHINESE[words[0]],)
    seen, told = words[0], words[-1]
    if is_english:
        return ("i see", seen, "but the scene tells of", told)
    return (f"我看到{CHINESE[seen]}，但场景说是{CHINESE[told]}",)


def _list(named: Sequence[int], things: Sequence[Thing], language: str) -> Answer:
    parts: list[str | Mention] = []
    for n, i in enumerate(named):
        if n:
            last = n == len(named) - 1
            parts += (["and"] if last else [","]) if language == "en" else (["和"] if last else ["、"])
        parts += ["the"] if language == "en" else []
        parts.append(Mention(i, things[i].words(language)))
    return tuple(parts)
