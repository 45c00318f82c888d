"""Looks and told qualities that things of a world have, in both languages."""

from __future__ import annotations

from collections.abc import Mapping

from scenewright_server.simulator.asking.tables import Code, read_sections

Look = Mapping[Code, str]


def _read(section: str) -> tuple[Look, ...]:
    pairs = (line.split(" / ") for line in read_sections("looks.txt")[section])
    return tuple({"en": en, "zh": zh} for en, zh in pairs)


COLOURS, QUALITIES = _read("colours"), _read("qualities")


def translate(words: str, code: Code) -> str:
    """A look in this language, as it is where no table has it."""
    return next((look[code] for look in QUALITIES + COLOURS if words in look.values()), words)
