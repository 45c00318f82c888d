"""ConverseSetup -> what a conversation is to be like."""

from __future__ import annotations

from dataclasses import dataclass

from scenewright.v1 import audio_pb2, dialogue_pb2, model_pb2

from scenewright_server.engine.request import Sampling
from scenewright_server.service.live.turns import TurnRules
from scenewright_server.service.reading.asked import read_instructions
from scenewright_server.service.reading.sampling import read_sampling
from scenewright_server.service.reading.waves import PCM_RATES_HZ
from scenewright_server.service.served import ServedModel
from scenewright_server.service.validate import check_language, check_range, refuse

_CAUSES = {
    dialogue_pb2.INTERRUPTION_UNSPECIFIED: {"speech", "text"},
    dialogue_pb2.INTERRUPTION_SPEECH: {"speech", "text"},
    dialogue_pb2.INTERRUPTION_TEXT: {"text"},
    dialogue_pb2.INTERRUPTION_NONE: set(),
}


@dataclass(frozen=True)
class Manner:
    """How a conversation goes. `rate_hz` 0: without audio. `interrupting`: what stops a response, of "speech" and
    "text". `language`, `instructions`: empty and None for the session's."""

    rate_hz: int
    rules: TurnRules
    interrupting: frozenset[str]
    sampling: Sampling
    language: str
    instructions: str | None


def read_setup(setup: dialogue_pb2.ConverseSetup, model: ServedModel) -> Manner:
    """Judge a setup, all but its session, history, frame and scene. Raises `Refused`: FIELD_INVALID,
    CAPABILITY_MISSING, TEXT_TOO_LONG."""
    model.need(model_pb2.CAPABILITY_CONVERSE)
    if setup.sample_rate_hz:
        check_rate("setup.sample_rate_hz", setup.sample_rate_hz)
        model.need(model_pb2.CAPABILITY_AUDIO_INPUT)
    language = check_language("setup.language", setup.language, model.family.spec.languages)
    if setup.turn_detection not in dialogue_pb2.TurnDetection.values():
        refuse("setup.turn_detection", setup.turn_detection, "a known TurnDetection")
    if setup.interruption not in _CAUSES:
        refuse("setup.interruption", setup.interruption, "a known Interruption")
    return Manner(
        setup.sample_rate_hz,
        read_rules(
            setup.voice_activity,
            "setup.voice_activity",
            model.limits.max_audio_s,
            manual=setup.turn_detection == dialogue_pb2.TURN_DETECTION_MANUAL,
        ),
        frozenset(_CAUSES[setup.interruption]),
        read_sampling(setup.sampling, model.limits, "setup.sampling"),
        language,
        read_instructions(setup, model, "setup.instructions"),
    )


def read_rules(activity: audio_pb2.VoiceActivity, field: str, max_s: float, *, manual: bool = False) -> TurnRules:
    """How turns are found; what is unset has its default. Raises `Refused`: FIELD_INVALID."""
    defaults = TurnRules()

    def get(name: str, low: float, high: float, unit: str = "") -> float:
        if not activity.HasField(name):  # type: ignore[arg-type]
            return getattr(defaults, name)
        return check_range(f"{field}.{name}", getattr(activity, name), low, high, unit)

    return TurnRules(
        manual=manual,
        start_threshold=get("start_threshold", 0.1, 0.95),
        min_speech_ms=int(get("min_speech_ms", 32, 1000, " ms")),
        end_silence_ms=int(get("end_silence_ms", 100, 5000, " ms")),
        prefix_padding_ms=int(get("prefix_padding_ms", 0, 1000, " ms")),
        max_s=max_s,
    )


def check_rate(field: str, rate_hz: int) -> None:
    """Refuse a rate that samples may not have."""
    check_range(field, rate_hz, *PCM_RATES_HZ, " Hz")
