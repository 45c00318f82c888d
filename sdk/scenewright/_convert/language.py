"""LanguageService's messages <-> dataclasses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from scenewright import types
from scenewright._convert import inputs, outputs
from scenewright.errors import InvalidInputError
from scenewright.v1 import language_pb2


def generate_to_proto(
    model: str,
    prompt: str,
    sampling: types.Sampling | None,
    num_return_sequences: int,
    num_beams: int,
    early_stopping: bool,
    length_penalty: float | None,
    json_schema: Mapping[str, Any] | str | None,
    include_tokens: bool,
) -> language_pb2.GenerateRequest:
    """The whole request."""
    request = language_pb2.GenerateRequest(
        model=model,
        prompt=prompt,
        sampling=inputs.sampling_to_proto(sampling),
        early_stopping=early_stopping,
        json_schema=schema_to_text(json_schema),
        include_tokens=include_tokens,
    )
    for name, value in (("num_return_sequences", num_return_sequences), ("num_beams", num_beams)):
        if value != 1:
            if not isinstance(value, int) or not 0 <= value < 2**32:
                raise InvalidInputError(f"{name}: expected 1 to 8, got {value!r}")
            setattr(request.sampling, name, value)
    if length_penalty is not None:
        request.length_penalty = length_penalty
    return request


def stream_generate_to_proto(
    model: str, prompt: str, sampling: types.Sampling | None, json_schema: Mapping[str, Any] | str | None
) -> language_pb2.StreamGenerateRequest:
    """The whole request."""
    return language_pb2.StreamGenerateRequest(
        model=model, prompt=prompt, sampling=inputs.sampling_to_proto(sampling), json_schema=schema_to_text(json_schema)
    )


def schema_to_text(schema: Mapping[str, Any] | str | None) -> str:
    """A JSON schema as the text that it is; "" for none."""
    if schema is None or isinstance(schema, str):
        return schema or ""
    try:
        return json.dumps(schema, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInputError(f"json_schema: expected what JSON can hold: {error}") from None


def generation_from_proto(proto: language_pb2.GenerateResponse) -> types.Generation:
    """All continuations."""
    return types.Generation(
        tuple(_sequence(one) for one in proto.sequences),
        outputs._flat(types.Usage, proto.usage),
        outputs._flat(types.Timings, proto.timings),
    )


def event_from_proto(proto: language_pb2.StreamGenerateResponse) -> types.ResponseEvent | None:
    """None for an event that this version does not know."""
    return outputs.response_event_from_proto(proto.response_event)


def _sequence(proto: language_pb2.GeneratedSequence) -> types.GeneratedSequence:
    return types.GeneratedSequence(
        text=proto.text,
        finish_reason=outputs._finish_reason(proto.finish_reason),
        log_probability=proto.log_probability,
        output_tokens=proto.output_tokens,
        score=proto.score if proto.HasField("score") else None,
        tokens=tuple(types.GeneratedToken(one.id, one.token, one.log_probability) for one in proto.tokens),
    )
