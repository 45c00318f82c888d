"""What LanguageService is asked for: a prompt, how to go on, and what the text must be."""

from __future__ import annotations

from dataclasses import dataclass, replace

from scenewright.v1 import generation_pb2, language_pb2

from scenewright_server.engine.request import Sampling
from scenewright_server.service.reading.sampling import read_sampling
from scenewright_server.service.settings import Limits
from scenewright_server.service.status import Refused
from scenewright_server.service.validate import check_range, check_text, refuse, require_one_of

MAX_SEQUENCES = MAX_BEAMS = 8
MAX_SCHEMA_CHARS = 16_384
MAX_LENGTH_PENALTY = 4.0


@dataclass(frozen=True)
class Wanted:
    """Continuations of a prompt. json_schema: "" for any text."""

    prompt: str
    sampling: Sampling
    n_sequences: int = 1
    json_schema: str = ""
    include_tokens: bool = False


def read_generate(request: language_pb2.GenerateRequest, limits: Limits) -> Wanted:
    """Raises `Refused`: FIELD_REQUIRED, TEXT_TOO_LONG, FIELD_INVALID."""
    config = generation_pb2.SamplingConfig()
    config.CopyFrom(request.sampling)
    n_sequences = _count(config, "num_return_sequences", MAX_SEQUENCES)
    n_beams = _count(config, "num_beams", MAX_BEAMS)
    config.ClearField("num_return_sequences")
    config.ClearField("num_beams")
    sampling = read_sampling(config, limits)
    if n_beams == 1:
        if n_sequences > 1 and not sampling.temperature:
            refuse("sampling.num_return_sequences", n_sequences, "1 without a temperature or beams")
        if request.early_stopping:
            refuse("early_stopping", True, "num_beams above 1")
        if request.HasField("length_penalty"):
            refuse("length_penalty", request.length_penalty, "num_beams above 1")
    else:
        if sampling.temperature:
            refuse("sampling.temperature", sampling.temperature, "0 with num_beams above 1")
        if n_sequences > n_beams:
            refuse("sampling.num_return_sequences", n_sequences, f"at most num_beams = {n_beams}")
        if request.json_schema:
            refuse("json_schema", "set", "num_beams of 1")
        penalty = 1.0
        if request.HasField("length_penalty"):
            penalty = check_range("length_penalty", request.length_penalty, -MAX_LENGTH_PENALTY, MAX_LENGTH_PENALTY)
        sampling = replace(
            sampling, n_beams=n_beams, early_stopping=request.early_stopping, length_penalty=penalty
        )  # fmt: skip
    return Wanted(
        _read_prompt(request, limits), sampling, n_sequences, _read_schema(request.json_schema), request.include_tokens
    )


def read_stream_generate(request: language_pb2.StreamGenerateRequest, limits: Limits) -> Wanted:
    """The same for one sequence without beams."""
    sampling = read_sampling(request.sampling, limits)
    return Wanted(_read_prompt(request, limits), sampling, json_schema=_read_schema(request.json_schema))


def _count(config: generation_pb2.SamplingConfig, name: str, high: int) -> int:
    if not config.HasField(name):  # type: ignore[arg-type]
        return 1
    return int(check_range(f"sampling.{name}", getattr(config, name), 1, high))


def _read_prompt(
    request: language_pb2.GenerateRequest | language_pb2.StreamGenerateRequest, limits: Limits
) -> str:  # fmt: skip
    """As it stands, blanks too."""
    require_one_of(request, "input", "input")
    if not request.prompt:
        raise Refused(
            "FIELD_REQUIRED", f"prompt is empty, needs 1 to {limits.max_text_chars} characters", field="prompt"
        )  # fmt: skip
    return check_text("prompt", request.prompt, limits.max_text_chars, required=False, reason="TEXT_TOO_LONG")


def _read_schema(schema: str) -> str:
    return check_text("json_schema", schema, MAX_SCHEMA_CHARS, required=False, reason="TEXT_TOO_LONG")
