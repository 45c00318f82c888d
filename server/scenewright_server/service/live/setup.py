"""ConverseSetup -> what a conversation is to be like."""

from __future__ import annotations

from dataclasses import dataclass

from scenewright.v1 import dialogue_pb2, model_pb2

from scenewright_server.engine.request import Sampling
from scenewright_server.service.live.turns import TurnRules
from scenewright_server.service.reading.sampling import read_sampling
from scenewright_server.service.reading.waves import PCM_RATES_HZ
from scenewright_server.service.served import ServedModel
from scenewright_server.service.validate import check_language, check_range, refuse

DEFAULT_END_SILENCE_MS = 600


@dataclass(frozen=True)
class Manner:
    """How a conversation goes. `rate_hz` 0: without audio; `language` empty: the session's."""

    rate_hz: int
    rules: TurnRules
    sampling: Sampling
    language: str


def read_setup(setup: dialogue_pb2.ConverseSetup, model: ServedModel) -> Manner:
    """Judge a setup, all but its frame and scene. Raises `Refused`: FIELD_INVALID, CAPABILITY_MISSING."""
    model.need(model_pb2.CAPABILITY_CONVERSE)
    if setup.sample_rate_hz:
        check_rate("setup.sample_rate_hz", setup.sample_rate_hz)
        model.need(model_pb2.CAPABILITY_AUDIO_INPUT)
    languages = model.family.spec.languages
    if setup.language:
        check_language("setup.language", setup.language, languages)
    if setup.turn_detection not in dialogue_pb2.TurnDetection.values():
        refuse("setup.turn_detection", setup.turn_detection, "a known TurnDetection")
    defaults = TurnRules()
    rules = TurnRules(
        manual=setup.turn_detection == dialogue_pb2.TURN_DETECTION_MANUAL,
        start_threshold=_optional(setup, "start_threshold", defaults.start_threshold, 0.1, 0.95),
        min_speech_ms=int(_optional(setup, "min_speech_ms", defaults.min_speech_ms, 32, 1000)),
        end_silence_ms=read_end_silence("setup.end_silence_ms", setup.end_silence_ms),
        prefix_padding_ms=int(_optional(setup, "prefix_padding_ms", defaults.prefix_padding_ms, 0, 1000)),
        max_s=model.limits.max_audio_s,
    )
    return Manner(
        setup.sample_rate_hz, rules, read_sampling(setup.sampling, model.limits, "setup.sampling"), setup.language
    )


def check_rate(field: str, rate_hz: int) -> None:
    """Refuse a rate that samples may not have."""
    check_range(field, rate_hz, *PCM_RATES_HZ, " Hz")


def read_end_silence(field: str, end_silence_ms: int) -> int:
    """The silence that ends a turn, milliseconds; 0 stands for the default."""
    return int(check_range(field, end_silence_ms or DEFAULT_END_SILENCE_MS, 100, 5000, " ms"))


def _optional(setup: dialogue_pb2.ConverseSetup, name: str, default: float, low: float, high: float) -> float:
    if not setup.HasField(name):  # type: ignore[arg-type]
        return default
    return check_range(f"setup.{name}", getattr(setup, name), low, high)
