"""What is asked and told in words: questions, instructions, what was said before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from google.protobuf.message import Message
from scenewright.v1 import model_pb2, session_pb2

from scenewright_server.families.family import Memory
from scenewright_server.service.served import ServedModel
from scenewright_server.service.validate import check_count, check_text, refuse


def given(request: Message, name: str) -> Any:
    """A sub-message, or None when it is unset."""
    return getattr(request, name) if request.HasField(name) else None


def read_question(text: str, model: ServedModel, field: str) -> str:
    """The text, which must hold a word. Raises `Refused`: FIELD_REQUIRED, TEXT_TOO_LONG, FIELD_INVALID."""
    check_text(field, text, model.limits.max_text_chars, required=True, reason="TEXT_TOO_LONG")
    if not model.family.read(text):
        refuse(field, repr(text[:64]), "a word")
    return text


def read_instructions(message: Any, model: ServedModel, field: str) -> str | None:
    """A message's instructions, "" to take them away, None where they stay as they are.

    Raises `Refused`: TEXT_TOO_LONG, and CAPABILITY_MISSING for a model that could only ignore them.
    """
    is_optional = message.DESCRIPTOR.fields_by_name["instructions"].has_presence
    if is_optional and not message.HasField("instructions"):
        return None
    text = message.instructions
    check_text(field, text, model.limits.max_instruction_chars, required=False, reason="TEXT_TOO_LONG")
    if text:
        model.need(model_pb2.CAPABILITY_INSTRUCTIONS)
    return text


async def read_history(history: Sequence[session_pb2.HistoryTurn], model: ServedModel, field: str) -> Memory | None:
    """What the model remembers of a history; None of an empty one. Raises `Refused`."""
    if not history:
        return None
    check_count(field, len(history), 0, model.limits.max_history_turns)
    for i, turn in enumerate(history):
        read_question(turn.question, model, f"{field}[{i}].question")
        check_text(
            f"{field}[{i}].answer", turn.answer, model.limits.max_text_chars, required=False, reason="TEXT_TOO_LONG"
        )
    return await model.perception.past([(turn.question, turn.answer) for turn in history])
