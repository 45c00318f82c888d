"""Questions that were written one by one, with their plans: the files of simulator/asking/written.

A JSON file a scene: "name", "domain", "language_of_labels", "scene" (a SceneGraph as protobuf writes it in JSON) and
"questions" with "id", "ask" and "plan"; "after": the question before it, by its id; "language", where that is not the
labels'; "points": the user points at the thing that is furthest to the left.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from importlib.resources import files
from typing import Any, cast

from scenewright_server.families.chat.planning import Thing
from scenewright_server.languages import SPEAKERS
from scenewright_server.languages.speaking import Spelt
from scenewright_server.scene.entries import Entry, merge
from scenewright_server.scene.executing import Scene, execute
from scenewright_server.scene.parsing import parse
from scenewright_server.scene.words import is_chinese
from scenewright_server.scene.writing import write
from scenewright_server.simulator import asking
from scenewright_server.simulator.asking.questions import Asked
from scenewright_server.simulator.asking.tables import Code
from scenewright_server.training.evaluation.graph_json import read_graph


@dataclass(frozen=True)
class Written:
    """A scene, and what is asked of it in one language."""

    name: str
    asked: Code
    labelled: Code
    things: tuple[Thing, ...]
    questions: tuple[Asked, ...]

    @cached_property
    def words(self) -> frozenset[str]:
        """The words of all names, questions and plans."""
        names = (name for thing in self.things for name in (thing.label, *thing.aliases))
        return words_of(*names, *(text for one in self.questions for text in (one.question, one.plan)))


def words_of(*texts: str) -> frozenset[str]:
    """The words of texts, of Chinese all pairs of characters that follow each other."""
    spaced = " ".join(texts).lower()
    pairs = (spaced[i : i + 2] for i in range(len(spaced)))
    return frozenset((*re.findall(r"[^\W_]+", spaced), *filter(is_chinese, pairs)))


@cache
def read_written() -> tuple[Written, ...]:
    """All of them. Raises KeyError, PlanError or TypeError where a file is not of the form above."""
    return tuple(its for data in _files() for its in _read(data))


def read_scenes() -> Iterator[tuple[str, Code, Scene]]:
    """Their scenes, by name and with the language of their labels."""
    for data in _files():
        yield data["name"], cast(Code, data["language_of_labels"]), _scene_of(data)


def _files() -> Iterator[Mapping[str, Any]]:
    folder = files(asking).joinpath("written")
    for path in sorted(folder.iterdir(), key=lambda path: path.name):
        if path.name.endswith(".json"):
            yield json.loads(path.read_text(encoding="utf-8"))


def _scene_of(data: Mapping[str, Any]) -> Scene:
    entries = merge(None, read_graph(data["scene"]))
    return Scene(entries, tuple(entry.graph.label if entry.graph else "" for entry in entries))


def tell_things(entries: tuple[Entry, ...]) -> list[Thing]:
    """The things of a scene as a planner reads of them, in no order of places."""
    told = sorted((entry.graph for entry in entries if entry.graph is not None), key=lambda its: its.id)
    return [Thing(its.label, its.aliases, tuple(fact.key for fact in its.facts), its.description) for its in told]


def _read(data: Mapping[str, Any]) -> list[Written]:
    alone, labelled = _scene_of(data), cast(Code, data["language_of_labels"])
    asked: dict[Code, list[Asked]] = {}
    past: dict[str, tuple[Scene, tuple[tuple[str, str], ...]]] = {"": (alone, ())}
    followed = {item.get("after") for item in data["questions"]}
    for item in data["questions"]:
        language, points = cast(Code, item.get("language", labelled)), bool(item.get("points"))
        scene, before = past[item.get("after", "")]
        plan = parse(item["plan"])
        if item["id"] in followed:
            replies = execute(plan, replace(scene, pointed=(0,) if points else ()))
            answer = " ".join("".join(SPEAKERS[language].reply(reply, Spelt(alone.called))) for reply in replies)
            past[item["id"]] = replace(alone, before=replies[-1].turn), (*before, (item["ask"], answer))
        asked.setdefault(language, []).append(Asked(before[-2:], item["ask"], write(plan), points))
    things = tuple(tell_things(alone.entries))
    return [Written(data["name"], language, labelled, things, tuple(its)) for language, its in asked.items()]
