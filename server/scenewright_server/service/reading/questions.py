"""Typed questions -> words that the model can read."""

from __future__ import annotations

from scenewright_server.service.served import ServedModel
from scenewright_server.service.validate import check_text, refuse


def read_question(text: str, model: ServedModel, field: str) -> str:
    """The text, which must hold a word. Raises `Refused`: FIELD_REQUIRED, TEXT_TOO_LONG, FIELD_INVALID."""
    check_text(field, text, model.limits.max_text_chars, required=True, reason="TEXT_TOO_LONG")
    if not model.family.read(text):
        refuse(field, repr(text[:64]), "a word")
    return text
