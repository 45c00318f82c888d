"""SamplingConfig -> the engine's Sampling."""

from __future__ import annotations

from typing import Any

from scenewright.v1 import generation_pb2

from scenewright_server.engine.request import Sampling
from scenewright_server.service.settings import Limits
from scenewright_server.service.validate import check_count, check_range, check_text, refuse

MAX_STOPS = 8
MAX_STOP_CHARS = 64


def read_sampling(config: generation_pb2.SamplingConfig, limits: Limits, field: str = "sampling") -> Sampling:
    """The settings of one answer; what is unset decodes greedily. Raises `Refused`: FIELD_INVALID."""

    def get(name: Any, default: float, low: float, high: float) -> float:
        if not config.HasField(name):
            return default
        return check_range(f"{field}.{name}", getattr(config, name), low, high)

    for name in ("num_return_sequences", "num_beams"):
        if config.HasField(name) and getattr(config, name) != 1:
            refuse(f"{field}.{name}", getattr(config, name), "1 in this call")
    top_p = get("top_p", 1, 0, 1)
    if top_p == 0:
        refuse(f"{field}.top_p", 0, "more than 0, at most 1")
    check_count(f"{field}.stop", len(config.stop), 0, MAX_STOPS)
    for i, stop in enumerate(config.stop):
        check_text(f"{field}.stop[{i}]", stop, MAX_STOP_CHARS, required=False)
        if not stop:
            refuse(f"{field}.stop[{i}]", "empty", f"1 to {MAX_STOP_CHARS} characters")
    return Sampling(
        max_new_tokens=int(get("max_new_tokens", limits.max_new_tokens, 1, limits.max_new_tokens)),
        temperature=get("temperature", 0, 0, 2),
        top_k=config.top_k,
        top_p=top_p,
        repetition_penalty=get("repetition_penalty", 1, 1, 2),
        stop=tuple(config.stop),
        seed=config.seed,
    )
