"""The planner's prompt: what a planner's adapter reads, in training and in the server. Pure text.

Then the decoder writes the plan, its greedy text up to a newline: " name chair & look red". `docs/plans.md` has the
language of plans, `scene/parsing.py` its grammar.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

SCENE_CHARS = 6000
"""Of the scene's text: past it descriptions are left out, from the longest on."""
DESCRIPTION_CHARS = 240
TURNS_BEFORE = 2
ANSWER_CHARS = 200  # of a turn before


@dataclass(frozen=True)
class Thing:
    """What a planner knows of a thing: what it is called, which facts are told of it (not what they say), and its
    description. Never where it is: a camera that moves changes no prompt."""

    label: str
    aliases: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    description: str = ""


def scene_text(things: Sequence[Thing], n_chars: int = SCENE_CHARS) -> str:
    """The scene, a line a thing; equal lines are one that says how often. Descriptions are left out, the longest
    first, until the text has at most `n_chars` characters or none is left."""
    counts = Counter(map(_tidy, things))
    lines = {thing: _line(thing, n) for thing, n in counts.items()}
    excess = sum(len(line) + 1 for line in lines.values()) + len("Scene:\n") - n_chars
    bare = set()
    for thing in sorted(counts, key=lambda thing: len(thing.description), reverse=True):
        if excess <= 0 or not thing.description:
            break
        bare.add(thing)
        excess -= len(lines[thing]) - len(_line(replace(thing, description=""), counts[thing]))
    kept: Counter[Thing] = Counter()
    for thing, n in counts.items():
        kept[replace(thing, description="") if thing in bare else thing] += n
    return "Scene:\n" + "".join(f"{_line(thing, n)}\n" for thing, n in kept.items())


def question_text(question: str, before: Sequence[tuple[str, str]], points: bool) -> str:
    """The question after the last of the turns before it, questions and answers; `points`: the user points at
    something. The plan follows."""
    turns = [f"User: {_flat(q)}\nApp: {_cut(_flat(a), ANSWER_CHARS)}\n" for q, a in before[-TURNS_BEFORE:]]
    return "".join(turns) + f"User: {_flat(question)}{' (points)' if points else ''}\nPlan:"


def _line(thing: Thing, n: int) -> str:
    times = f" x{n}" if n > 1 else ""
    aliases = f" ({', '.join(thing.aliases)})" if thing.aliases else ""
    keys = f": {', '.join(thing.keys)}" if thing.keys else ""
    description = f". {thing.description}" if thing.description else ""
    return f"- {thing.label}{times}{aliases}{keys}{description}"


def _tidy(thing: Thing) -> Thing:
    return Thing(
        _flat(thing.label),
        tuple(map(_flat, thing.aliases)),
        tuple(map(_flat, thing.keys)),
        _cut(_flat(thing.description), DESCRIPTION_CHARS),
    )


def _flat(text: str) -> str:
    """On one line."""
    return " ".join(text.split())


def _cut(text: str, n_chars: int) -> str:
    """The first `n_chars` characters at most, up to the end of a word if there is one."""
    if len(text) <= n_chars:
        return text
    head, space, _ = text[: n_chars + 1].rpartition(" ")
    return head if space else text[:n_chars]
