"""Deployment: where the server listens and how much it takes in. Architecture travels with the bundle."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from scenewright_server.families.bundle import EMBEDDED_NAME
from scenewright_server.service.auth import read_sums

PREFIX = "SCENEWRIGHT_"
CLIENTS_OWN = ("SCENEWRIGHT_SERVER", "SCENEWRIGHT_TOKEN", "SCENEWRIGHT_WEIGHTS")
"""Variables that are no server's: the command's, the SDK's, the tests'."""
MAX_PORT = 65535


class Limits(BaseModel):
    """Every bound on what a client may send or hold, under the names that GetModel tells."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_message_bytes: int = Field(default=24 << 20, gt=0, description="Bytes of one gRPC message, either way.")
    max_image_bytes: int = Field(default=16 << 20, gt=0, description="Bytes of one image, encoded or raw.")
    max_image_pixels: int = Field(default=4096 * 3072, gt=0, description="Width times height, before decoding.")
    max_image_side: int = Field(default=8192, gt=0, description="Pixels of an image's longer side.")
    max_image_aspect: float = Field(default=4.0, ge=1, description="An image's longer side over its shorter.")
    max_audio_bytes: int = Field(default=8 << 20, gt=0, description="Bytes of one recording, encoded or raw.")
    max_audio_s: float = Field(default=30.0, gt=0, description="Seconds of one recording; a model may hear less.")
    max_text_chars: int = Field(default=2000, gt=0, description="Characters of a question.")
    max_instruction_chars: int = Field(default=2000, gt=0, description="Characters of a session's instructions.")
    max_history_turns: int = Field(default=64, gt=0, le=64, description="Turns of a history.")
    max_scene_objects: int = Field(default=512, gt=0, description="Objects of a scene graph; a model may take fewer.")
    max_facts: int = Field(default=32, gt=0, le=32, description="Facts of one object.")
    max_label_chars: int = Field(default=64, gt=0, description="Characters of a label or of a text to embed.")
    max_texts: int = Field(default=64, gt=0, description="Texts of EmbedText, labels of RankLabels.")
    max_new_tokens: int = Field(default=256, gt=0, description="Tokens of one response.")
    max_sessions: int = Field(default=64, gt=0, description="Sessions at a time.")
    max_session_ttl_s: int = Field(default=1800, gt=0, description="Seconds that an unused session lives.")
    max_requests: int = Field(default=64, gt=0, description="Requests that wait or run at a time.")
    max_calls: int = Field(default=256, gt=0, description="Calls of any kind at a time.")
    max_request_s: float = Field(default=120.0, gt=0, description="Seconds that one call may take.")
    max_live_s: int = Field(default=3600, gt=0, description="Seconds that one stream of audio may last.")
    max_resume_s: int = Field(default=60, ge=0, description="Seconds that a conversation waits to be resumed.")
    max_live_events: int = Field(default=1024, gt=0, description="A conversation's last events, kept for resuming.")
    max_live_frames_per_s: float = Field(default=5.0, gt=0, description="Frames that a conversation looks at.")
    max_live_lead_s: float = Field(default=10.0, gt=0, description="Seconds of audio ahead of the clock.")


class Settings(BaseSettings):
    """A server's deployment. Flags win over `SCENEWRIGHT_*` variables, these over the TOML file.

    A bound is `SCENEWRIGHT_LIMITS__MAX_AUDIO_S=8` in the environment, `limits.max_audio_s = 8` in TOML.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_nested_delimiter="__", frozen=True, extra="forbid")

    models: tuple[str, ...] = Field(default=(EMBEDDED_NAME,), min_length=1, description="To serve, by name or path.")
    address: str = Field(default="127.0.0.1:7447", description="host:port, port 0 for any free one.")
    tls_certificate: Path | None = Field(default=None, description="PEM chain; with `tls_key`, the port speaks TLS.")
    tls_key: Path | None = Field(default=None, description="PEM private key.")
    tokens: Path | None = Field(default=None, description="SHA-256 sums of the bearer tokens that are let in.")
    until_stdin_closes: bool = Field(default=False, description="End when standard input does.")
    metrics_port: int | None = Field(
        default=None, ge=0, le=MAX_PORT, description="Prometheus at this port of `metrics_host`; none by default."
    )
    metrics_host: str = "127.0.0.1"
    device: str = Field(default="auto", pattern=r"^(auto|cpu|cuda(:\d+)?)$", description="auto, cpu, cuda or cuda:N.")
    dtype: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto", description="Of weights, keys and values; auto: what suits the bundle and the device."
    )
    threads: int = Field(default=1, gt=0, description="Of torch, for the decoder; as many again to see and hear.")
    slots: int = Field(default=8, gt=0, description="Requests that an engine works on at once.")
    kv_bytes: int = Field(default=1 << 30, gt=0, description="Keys and values that idle sessions may keep.")
    grace_s: float = Field(default=20.0, ge=0, description="How long running calls may go on after SIGTERM.")
    log_format: Literal["console", "json"] = "console"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    limits: Limits = Limits()

    @field_validator("address")
    @classmethod
    def _check_address(cls, address: str) -> str:
        if re.fullmatch("unix:.+", address):
            return address
        host, _, port = address.rpartition(":")
        is_host = bool(re.fullmatch(r"\[[0-9a-fA-F:.%\w]+\]|[^\s:/\[\]]+", host))
        if not is_host or not re.fullmatch("[0-9]{1,5}", port) or int(port) > MAX_PORT:
            raise ValueError(f"expected host:port with a port of 0 to {MAX_PORT}")
        return address

    @model_validator(mode="after")
    def _check_pairs(self) -> Settings:
        """What is given by half, or is not there, is told at once."""
        pair = {"tls_certificate": self.tls_certificate, "tls_key": self.tls_key}
        for name, path in pair.items():
            other = next(one for one in pair if one != name)
            if path is not None and pair[other] is None:
                raise ValueError(f"{name} is given without {other}: a port that speaks TLS needs both")
        for name, path in {**pair, "tokens": self.tokens}.items():
            if path is not None and not path.is_file():
                raise ValueError(f"{name}: no file at {path}")
        for name, path in pair.items():
            if path is not None and b"-----BEGIN" not in path.read_bytes():
                raise ValueError(f"{name}: {path} holds no PEM")
        if self.tokens is not None:
            read_sums(self.tokens)
        return self

    @property
    def is_local(self) -> bool:
        """Only this machine reaches the address."""
        host = self.address.rpartition(":")[0].strip("[]")
        return host in ("127.0.0.1", "localhost", "::1") or self.address.startswith("unix:")

    @property
    def is_open(self) -> bool:
        """More than this machine reaches the address, and nobody is asked for a token."""
        return self.tokens is None and not self.is_local

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags, environment, then the TOML file that `load_settings` names."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def load_settings(config: Path | None = None, **flags: Any) -> Settings:
    """Settings from a TOML file (if any), the environment and `flags`; a flag of None counts as not given.

    Raises ValueError: pydantic's with field and value, or one that names the file or the unknown variable.
    """
    if config is not None and not config.is_file():
        raise ValueError(f"config: no file at {config}")
    for variable in os.environ:
        # On Windows names come in capitals, and elsewhere the case does not count either.
        if variable.upper().startswith(PREFIX) and not _is_known(variable.upper()):
            raise ValueError(f"{variable} in the environment: there is no such setting")

    class FromFile(Settings):
        model_config = SettingsConfigDict(toml_file=config)

    try:
        return FromFile(**_given(flags))
    except (ValidationError, SettingsError):
        raise
    except ValueError as error:
        raise ValueError(f"config: {config} is no TOML: {error}") from error


def local_settings(**flags: Any) -> Settings:
    """The defaults but for `flags`: of a server that only its own process talks to, whatever the environment says."""

    class Local(Settings):
        @classmethod
        def settings_customise_sources(
            cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *_: Any, **__: Any
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return (init_settings,)

    return Local(**_given(flags))


def _given(flags: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in flags.items() if value is not None}


def _is_known(variable: str) -> bool:
    name, nested, rest = variable.removeprefix(PREFIX).lower().partition("__")
    known = Limits.model_fields if nested and name == "limits" else Settings.model_fields
    is_key = variable.endswith("_KEY") and not name.startswith("tls")  # of an endpoint: its bundle names it
    return is_key or variable in CLIENTS_OWN or (rest if nested and name == "limits" else name + nested + rest) in known
