"""Chat templates: how a model wants a dialogue written, in Jinja as transformers reads it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

BASE_PROMPT = Path(__file__).with_name("base_prompt.jinja")
"""For a model without a template of its own, which no instructions have taught: a dialogue as an example, then lines of
who says what. Its answer ends with its line."""

_PLACE = re.compile("\ue000(\\d+)\ue001")


class Message(NamedTuple):
    """role: "system", "user" or "assistant"; `n` says which content belongs here."""

    role: str
    n: int


class Template:
    """`bos`, `eos`: how the tokens that begin and end a text are written. Raises ValueError for a template that does
    not put every message where it belongs."""

    def __init__(self, source: str, bos: str = "", eos: str = "") -> None:
        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
        )
        environment.filters["tojson"] = lambda value, **_: json.dumps(value, ensure_ascii=False)
        environment.globals["raise_exception"] = _refuse
        self._tokens = {"bos_token": bos, "eos_token": eos}
        dialogue = [Message(role, n) for n, role in enumerate(("user", "assistant", "user"))]
        try:
            self._template = environment.from_string(source)
            self._check(dialogue)
        except (TemplateError, ArithmeticError, LookupError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError(f"the template does not take a dialogue: {error}") from None
        try:
            self._check([Message("system", 3), *dialogue])
            self.has_system = True
        except (TemplateError, ValueError):
            self.has_system = False  # what it would say goes before the first question

    def lay_out(self, messages: Sequence[Message]) -> list[str | int]:
        """The dialogue up to where the model is to speak: the template's own text, and which content comes where."""
        text = self._template.render(
            messages=[{"role": role, "content": f"\ue000{n}\ue001"} for role, n in messages],
            add_generation_prompt=True,
            **self._tokens,
        )
        parts: list[Any] = _PLACE.split(text)
        parts[1::2] = map(int, parts[1::2])
        return [part for part in parts if part != ""]

    def _check(self, messages: Sequence[Message]) -> None:
        found = [part for part in self.lay_out(messages) if isinstance(part, int)]
        if found != [message.n for message in messages]:
            raise ValueError(f"the template puts {len(messages)} messages at {found}")


def _refuse(message: str) -> None:
    raise TemplateError(message)
