"""Questions of the lists among the written scenes: rows before and after each other, the values of a key, rows by two
values. Ways of asking them, written by hand, are filled with the keys, values and names that stand there."""

from __future__ import annotations

import random
import re
from collections import Counter
from dataclasses import dataclass, replace
from functools import cache

from scenewright_server.languages import SPEAKERS
from scenewright_server.languages.speaking import Spelt
from scenewright_server.scene import replies as r
from scenewright_server.scene.executing import execute
from scenewright_server.scene.expressions import PlanError
from scenewright_server.scene.parsing import parse
from scenewright_server.scene.scene import Scene
from scenewright_server.scene.writing import write, write_words
from scenewright_server.simulator.asking.questions import Asked
from scenewright_server.simulator.asking.tables import Code, read_sections
from scenewright_server.training.written import Written, read_scenes, tell_things

N_ASKED, N_TRIES, LEAST = 14, 120, 5
"""Questions of one list at most, tries to make them, and questions without which a list is left out."""
SEED = 11
_FAILED = (r.NotUnderstood, r.Lost, r.Mixed, r.Unknown, r.Nothing, r.Ask, r.NotHere, r.Unclear)
_VALUE = re.compile(r"[^\d,;:()\"。，、]{1,24}")
_HOLE = re.compile(r"\{(Ks|K2|V2|[KNVXY])\}")


@dataclass(frozen=True)
class _Way:
    """Ways of asking for a plan after a turn of this sort: "first", "one", "some"."""

    after: str
    plan: str
    said: tuple[str, ...]


@cache
def read_listed() -> tuple[Written, ...]:
    """Questions of all lists whose rows have names of their own, the same at each call."""
    rng, found = random.Random(SEED), []
    for name, labelled, scene in read_scenes():
        if not scene.is_list or len({*scene.called}) < len(scene.called):
            continue
        languages: list[Code] = ["zh"] if labelled == "zh" else ["en", "zh"] if rng.random() < 0.3 else ["en"]
        for language in languages:
            questions = _Lister(scene, language, rng).ask()
            if len(questions) >= LEAST:
                things = tuple(tell_things(scene.entries))
                found.append(Written(f"{name} listed", language, labelled, things, tuple(questions)))
    return tuple(found)


@cache
def _ways(code: Code) -> tuple[_Way, ...]:
    found: list[tuple[str, str, list[str]]] = []
    for after, lines in read_sections(f"{code}/lists.txt").items():
        for line in lines:
            if line.startswith("= "):
                found.append((after, line.removeprefix("= "), []))
            else:
                found[-1][2].append(line)
    return tuple(_Way(after, plan, tuple(said)) for after, plan, said in found)


class _Lister:
    """Asks about one list in one language."""

    def __init__(self, scene: Scene, language: Code, rng: random.Random) -> None:
        self._scene, self._language, self._rng = scene, language, rng
        facts = [fact for entry in scene.entries if entry.graph for fact in entry.graph.facts if _is_plain(fact.key)]
        texts = [(its.key, its.value) for its in facts if isinstance(its.value, str) and _is_value(its.value)]
        counts = Counter(key for key, _ in texts)
        values = {key: sorted({value for its, value in texts if its == key}) for key in counts}
        self._values = {key: its for key, its in values.items() if len(its) > 1 and counts[key] > 3}
        numbers = Counter(fact.key for fact in facts if not isinstance(fact.value, str))
        self._numbers = [key for key, n in numbers.items() if n > 3]

    def ask(self) -> list[Asked]:
        """Some questions, some after others."""
        asked: dict[str, Asked] = {}
        past: list[tuple[Scene, tuple[tuple[str, str], ...]]] = []
        for _ in range(N_TRIES if self._values else 0):
            if len(asked) == N_ASKED:
                break
            scene, before = self._rng.choice(past[-4:]) if past and self._rng.random() < 0.35 else (self._scene, ())
            made = self._make(scene)
            if made is None or made[0] in asked:
                continue
            question, plan = made
            replies = execute(parse(plan), scene)
            if isinstance(replies[0].results[0], _FAILED):
                continue
            asked[question] = Asked(before[-2:], question, plan)
            if replies[-1].turn.things:
                labels = Spelt(self._scene.called, self._scene)
                said = " ".join("".join(SPEAKERS[self._language].reply(reply, labels)) for reply in replies)
                past.append((replace(self._scene, before=replies[-1].turn), (*before, (question, said))))
        return list(asked.values())

    def _make(self, scene: Scene) -> tuple[str, str] | None:
        """A question and its plan; None where this list has not what they need."""
        rng, before = self._rng, scene.before
        after = "first" if before is None else "one" if len(before.things) == 1 else "some"
        ways = [way for way in _ways(self._language) if way.after == after]
        way = rng.choices(ways, [len(way.said) ** 0.7 for way in ways])[0]
        keys = rng.sample([*self._values], min(2, len(self._values)))
        if (len(keys) < 2 and "2}" in way.plan) or (not self._numbers and "{N}" in way.plan):
            return None
        words = dict(zip("XY", rng.sample(self._scene.called, 2), strict=True))
        words |= {"K": keys[0], "K2": keys[-1], "V": rng.choice(self._values[keys[0]]), "Ks": _plural(keys[0])}
        words |= {"V2": rng.choice(self._values[keys[-1]]), "N": rng.choice(self._numbers or [""])}
        question = _HOLE.sub(lambda hole: words[hole[1]], rng.choice(way.said))
        try:
            return question, write(parse(_HOLE.sub(lambda hole: write_words(words[hole[1]]), way.plan)))
        except PlanError:
            return None


def _is_plain(key: str) -> bool:
    return len(key.split()) < 3


def _is_value(text: str) -> bool:
    """Whether a fact's text is a few plain words, as people say them."""
    return _VALUE.fullmatch(text) is not None and len(text.split()) < 4 and text.lower() not in ("yes", "no", "none")


def _plural(key: str) -> str:
    if not key.isascii() or key.endswith("s"):
        return key
    return f"{key[:-1]}ies" if re.search("[^aeiou]y$", key) else f"{key}s"
