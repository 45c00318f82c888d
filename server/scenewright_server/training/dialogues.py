"""Dialogues and plans that a user brings, a line of JSON each, all judged before anything is learnt."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scenewright_server.scene.entries import GraphObject
from scenewright_server.scene.expressions import PlanError
from scenewright_server.scene.parsing import parse
from scenewright_server.training.evaluation.graph_json import read_graph

MAX_LINES = 100_000
MAX_MESSAGES = 128
MAX_CHARS = 8000
DIALOGUE_KEYS = ("messages", "scene", "instructions")
PLAN_KEYS = ("scene", "question", "before", "plan")
ROLES = ("user", "assistant")
Exchange = tuple[str, str]


class LineError(ValueError):
    """A line that cannot be learnt from; the message names file, line, key, what was expected and what was found."""

    def __init__(self, file: str, line: int, key: str, expected: object, found: object) -> None:
        super().__init__(f"{file} line {line}: {key}: expected {expected}, found {found}")


@dataclass(frozen=True)
class Dialogue:
    """Questions and answers about a scene; instructions: "" for the family's own. `where`: its file and line."""

    where: tuple[str, int]
    exchanges: tuple[Exchange, ...]
    graph: tuple[GraphObject, ...] = ()
    instructions: str = ""


@dataclass(frozen=True)
class PlannedLine:
    """A question about a scene, the exchanges before it, and its plan."""

    where: tuple[str, int]
    question: str
    plan: str
    graph: tuple[GraphObject, ...]
    before: tuple[Exchange, ...] = ()


Line = Dialogue | PlannedLine


def read_lines(path: Path, scene: tuple[GraphObject, ...] = ()) -> list[Line]:
    """The lines of a file, all dialogues or all plans; `scene`: of those that bring none. Raises LineError.

    A dialogue is {"messages": [{"role": "user", "content": "..."}, {"role": "assistant", "content": "..."}, ...],
    "scene": a SceneGraph in protobuf's JSON, "instructions": "..."}; a first message of the role "system" stands for
    the instructions. A plan is {"scene": ..., "question": "...", "before": [["question", "answer"], ...], "plan":
    "where lamp"}. "scene", "instructions" and "before" may be left out.
    """
    name = path.name
    try:
        texts = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise LineError(name, 1, "the file", "text in UTF-8", error) from None
    if len(texts) > MAX_LINES:
        raise LineError(name, MAX_LINES + 1, "the file", f"at most {MAX_LINES} lines", len(texts))
    lines = [read_line(_load(text, (name, n)), (name, n), scene) for n, text in enumerate(texts, 1) if text.strip()]
    if not lines:
        raise LineError(name, 1, "the file", "a dialogue or a plan a line", "none")
    for line in lines:
        if type(line) is not type(lines[0]):
            kinds = {Dialogue: "a dialogue", PlannedLine: "a plan"}
            raise LineError(*line.where, "the line", f"{kinds[type(lines[0])]}, as before", kinds[type(line)])
    return lines


def read_line(told: Any, where: tuple[str, int], scene: tuple[GraphObject, ...] = ()) -> Line:
    """What the JSON of one line tells; `where`: its file and number. Raises LineError."""
    return _Reader(where, scene).read(told)


def _load(text: str, where: tuple[str, int]) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise LineError(*where, "the line", "JSON", error) from None


class _Reader:
    """Judges one line."""

    def __init__(self, where: tuple[str, int], scene: tuple[GraphObject, ...]) -> None:
        self._where, self._scene = where, scene

    def read(self, told: Any) -> Line:
        if not isinstance(told, dict):
            raise self._error("the line", "an object", told)
        if "plan" in told:
            return self._read_plan(told)
        self._check_keys(told, DIALOGUE_KEYS, "messages")
        return self._read_dialogue(told)

    def _read_dialogue(self, told: dict[str, Any]) -> Dialogue:
        messages = self._list(told["messages"], "messages")
        said = [self._read_message(item, f"messages[{n}]") for n, item in enumerate(messages)]
        instructions = self._text(told["instructions"], "instructions") if "instructions" in told else ""
        first = 0
        if said and said[0][0] == "system":
            if instructions:
                raise self._error("messages[0].role", "no system message beside instructions", "system")
            instructions, first = said[0][1], 1
        turns = said[first:]
        for n, (role, _) in enumerate(turns):
            if role != ROLES[n % 2]:
                raise self._error(f"messages[{first + n}].role", ROLES[n % 2], role)
        if len(turns) < 2:
            raise self._error("messages", "a question of the user and an answer of the assistant", len(turns))
        if len(turns) % 2:
            raise self._error(f"messages[{len(said) - 1}].role", "an answer of the assistant at the end", "user")
        asked, answers = [text for _, text in turns[::2]], [text for _, text in turns[1::2]]
        exchanges = tuple(zip(asked, answers, strict=True))
        return Dialogue(self._where, exchanges, self._read_scene(told), instructions)

    def _read_message(self, item: Any, key: str) -> tuple[str, str]:
        if not isinstance(item, dict) or set(item) != {"role", "content"}:
            raise self._error(key, "an object with role and content", item)
        if item["role"] not in ("system", *ROLES):
            raise self._error(f"{key}.role", "system, user or assistant", item["role"])
        content = self._text(item["content"], f"{key}.content")
        if item["role"] == "user":
            self._check_words(content, f"{key}.content")
        return item["role"], content

    def _read_plan(self, told: dict[str, Any]) -> PlannedLine:
        self._check_keys(told, PLAN_KEYS, "question")
        question, plan = self._text(told["question"], "question"), self._text(told["plan"], "plan")
        self._check_words(question, "question")
        try:
            parse(plan)
        except PlanError as error:
            raise self._error("plan", f"one that parses ({error})", plan) from None
        before = []
        for n, pair in enumerate(self._list(told.get("before", []), "before")):
            if not isinstance(pair, list) or len(pair) != 2:
                raise self._error(f"before[{n}]", "a question and its answer", pair)
            asked, answer = (self._text(text, f"before[{n}][{i}]") for i, text in enumerate(pair))
            before.append((asked, answer))
        return PlannedLine(self._where, question, " ".join(plan.split()), self._read_scene(told), tuple(before))

    def _read_scene(self, told: dict[str, Any]) -> tuple[GraphObject, ...]:
        if "scene" not in told:
            return self._scene
        try:
            return read_graph(told["scene"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise self._error("scene", f"a SceneGraph ({type(error).__name__}: {error})", told["scene"]) from None

    def _check_keys(self, told: dict[str, Any], known: Sequence[str], required: str) -> None:
        for key in told:
            if key not in known:
                raise self._error(key, f"one of {', '.join(known)}", "another key")
        if required not in told:
            raise self._error(required, "to be there", "nothing")

    def _list(self, value: Any, key: str) -> list[Any]:
        if not isinstance(value, list) or len(value) > MAX_MESSAGES:
            raise self._error(key, f"a list of at most {MAX_MESSAGES}", value)
        return value

    def _text(self, value: Any, key: str) -> str:
        if not isinstance(value, str) or not 0 < len(value.strip()) <= MAX_CHARS:
            raise self._error(key, f"a text of 1..{MAX_CHARS} characters", value)
        return value.strip()

    def _check_words(self, text: str, key: str) -> None:
        if not any(map(str.isalnum, text)):
            raise self._error(key, "a question with a word", text)

    def _error(self, key: str, expected: object, found: object) -> LineError:
        shown = found if isinstance(found, Exception) else json.dumps(found, ensure_ascii=False)[:80]
        return LineError(*self._where, key, expected, shown)
