"""Questions in which one part stands for another."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any

from scenewright_server.scene import expressions as x
from scenewright_server.scene import facts
from scenewright_server.scene import questions as q
from scenewright_server.scene.scene import Scene

_DISTANCES = ("distance to {}", "distance from {}", "距{}", "离{}", "距离{}", "到{}距离", "到{}的距离")


def with_told_keys(question: q.Question, scene: Scene) -> q.Question:
    """A question in which the distance to what is named, "distance to town", or what is on, in or by what compares,
    "on holiday = 10 August", is a fact, where one has that very key."""
    graphs = [entry.graph for entry in scene.entries if entry.graph is not None]

    def is_told(name: str) -> bool:
        return any(facts.has_key(graph, name) for graph in graphs)

    for part in dict.fromkeys(q.all_within(question)):
        match part:
            case x.Key(_, x.Named(words)):
                names = [its.format(words) for its in _DISTANCES]
                if (told := next(filter(is_told, names), None)) is not None:
                    question = replaced(question, part, x.Key(told))
            case x.Related(relation, x.Compared(key, sign, with_)) if is_told(f"{relation} {key.name}"):
                question = replaced(question, part, x.Compared(x.Key(f"{relation} {key.name}"), sign, with_))
    return question


def replaced(expression: Any, old: object, new: object) -> Any:
    """An expression with one of its parts, wherever it stands, replaced by another."""
    if expression == old:
        return new
    if isinstance(expression, tuple):
        return tuple(replaced(part, old, new) for part in expression)
    if not is_dataclass(expression) or isinstance(expression, type):
        return expression
    if isinstance(expression, x.Narrowed | x.Joined):
        return _linked(type(expression), replaced(_parts(expression), old, new))
    changed = {field.name: replaced(getattr(expression, field.name), old, new) for field in fields(expression)}
    return replace(expression, **changed)


def _parts(of: x.Narrowed | x.Joined) -> tuple[x.Set, ...]:
    return of.links if isinstance(of, x.Narrowed) else of.parts


def _linked(kind: type[x.Narrowed] | type[x.Joined], parts: tuple[x.Set, ...]) -> x.Set:
    """Parts linked in this way, the first of which may be so linked itself."""
    first = parts[0]
    return kind((*_parts(first), *parts[1:])) if isinstance(first, kind) else kind(parts)
