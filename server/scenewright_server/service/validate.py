"""Checks of single fields. Every refusal names the field, its value and the bound."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NoReturn

from google.protobuf.message import Message

from scenewright_server.service.status import Refused

MAX_ID_CHARS = 128
MAX_SUBTAG_CHARS = 8


def refuse(field: str, value: Any, bound: Any, reason: str = "FIELD_INVALID") -> NoReturn:
    """Refuse a field's value: it `needs` the bound."""
    raise Refused(reason, f"{field} is {value}, needs {bound}", field=field, value=value, bound=bound)


def require(message: Message, name: str, field: str) -> None:
    """Refuse with FIELD_REQUIRED when the sub-message or oneof member `name` is unset."""
    if not message.HasField(name):
        raise Refused("FIELD_REQUIRED", f"{field} is missing", field=field)


def require_one_of(message: Message, oneof: str, field: str) -> str:
    """The name of the member that is set; FIELD_REQUIRED when none is."""
    name = message.WhichOneof(oneof)
    if name is None:
        members = ", ".join(member.name for member in message.DESCRIPTOR.oneofs_by_name[oneof].fields)
        raise Refused("FIELD_REQUIRED", f"{field} has none of {members}, needs exactly one", field=field)
    return name


def check_range(field: str, value: float, low: float, high: float, unit: str = "") -> float:
    """The value, which must be finite and within [low, high]."""
    if not low <= value <= high:
        refuse(field, f"{value:g}{unit}", f"{low:g} to {high:g}{unit}")
    return value


def check_finite(field: str, value: float) -> float:
    """The value, which must be neither NaN nor infinite."""
    if not math.isfinite(value):
        refuse(field, value, "a finite number")
    return value


def check_text(field: str, text: str, max_chars: int, *, required: bool, reason: str = "FIELD_INVALID") -> str:
    """The text, of at most `max_chars` characters; with `required`, not blank."""
    if required and not text.strip():
        raise Refused("FIELD_REQUIRED", f"{field} is empty, needs 1 to {max_chars} characters", field=field)
    if len(text) > max_chars:
        refuse(field, f"{len(text)} characters", f"at most {max_chars}", reason)
    return text


def check_count(field: str, count: int, low: int, high: int, reason: str = "FIELD_INVALID") -> None:
    """Refuse a list that has fewer than `low` or more than `high` items; an empty one is FIELD_REQUIRED."""
    if count < low:
        raise Refused("FIELD_REQUIRED", f"{field} has {count} items, needs {low} to {high}", field=field, value=count)
    if count > high:
        refuse(field, f"{count} items", f"at most {high}", reason)


def check_language(field: str, tag: str, languages: Sequence[str]) -> str:
    """The one of these languages that a tag means, by lookup: "zh-CN" and "ZH_hans" are zh; an empty tag is none.

    Subtags are left out from the end until one fits, whatever their case (RFC 4647, 3.4).
    """
    own = {language.lower(): language for language in languages}
    subtags = tag.lower().replace("_", "-").split("-")
    is_tag = all(subtag.isascii() and subtag.isalnum() and len(subtag) <= MAX_SUBTAG_CHARS for subtag in subtags)
    while is_tag and subtags:
        if (found := own.get("-".join(subtags))) is not None:
            return found
        subtags.pop()
        if subtags and len(subtags[-1]) == 1:  # a singleton means nothing without what follows it
            subtags.pop()
    if tag:
        refuse(field, repr(tag[:MAX_ID_CHARS]), f"one of {', '.join(languages)}" if languages else "empty")
    return ""
