"""Deployment: where the server listens and how much it takes in. The architecture travels with the bundle instead."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

EMBEDDED_BUNDLE = Path(__file__).resolve().parents[1] / "bundles" / "diorama"


class Limits(BaseModel):
    """Every bound on what a client may send or hold. A refusal names the field, its value and the bound."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    message_bytes: int = Field(24 << 20, gt=0, description="One gRPC message, either way.")
    image_bytes: int = Field(16 << 20, gt=0, description="One image, encoded or raw, all planes together.")
    image_pixels: int = Field(4096 * 3072, gt=0, description="Width times height, checked before decoding.")
    image_aspect: float = Field(4.0, ge=1, description="The longer side over the shorter one.")
    audio_bytes: int = Field(8 << 20, gt=0, description="One recording, encoded or raw.")
    audio_s: float = Field(30.0, gt=0, description="Seconds of sound; the model's own hearing may be shorter.")
    text_chars: int = Field(2000, gt=0, description="A question, or a text to embed.")
    label_chars: int = Field(64, gt=0, description="A scene object's label, or a label to rank.")
    id_chars: int = Field(128, gt=0, description="Any id that a client chooses.")
    graph_objects: int = Field(24, gt=0, description="Objects in a scene graph.")
    graph_metres: float = Field(10_000.0, gt=0, description="Absolute value of a coordinate, and of an extent.")
    embed_items: int = Field(64, gt=0, description="Texts to embed, or labels to rank, in one call.")
    new_tokens: int = Field(256, gt=0, description="Tokens of one answer.")
    sessions: int = Field(256, gt=0, description="Sessions held at once.")
    session_ttl_s: float = Field(600.0, gt=0, description="A session unused for so long is forgotten.")
    request_s: float = Field(120.0, gt=0, description="A call without a nearer deadline ends after this.")


class Settings(BaseSettings):
    """A server's deployment. Flags win over `SCENEWRIGHT_*` variables, these over the TOML file, that over defaults.

    A nested bound is `SCENEWRIGHT_LIMITS__AUDIO_S=8` in the environment and `[limits]` `audio_s = 8` in the file.
    """

    model_config = SettingsConfigDict(
        env_prefix="SCENEWRIGHT_", env_nested_delimiter="__", frozen=True, extra="forbid"
    )

    bundle: Path = Field(EMBEDDED_BUNDLE, description="The model to serve.")
    address: str = Field("127.0.0.1:7447", description="host:port, port 0 for any free one.")
    tls_certificate: Path | None = Field(None, description="PEM chain; with `tls_key`, the port speaks TLS.")
    tls_key: Path | None = Field(None, description="PEM private key.")
    metrics_port: int | None = Field(None, description="Prometheus at this port of `metrics_host`; none by default.")
    metrics_host: str = "127.0.0.1"
    device: str = Field("auto", description="auto, cpu, cuda or cuda:N.")
    queue_size: int = Field(64, gt=0, description="Requests waiting for the engine; more are OVERLOADED.")
    slots: int = Field(8, gt=0, description="Requests that the engine works on at once.")
    grace_s: float = Field(20.0, ge=0, description="How long running calls may go on after SIGTERM.")
    log_format: Literal["console", "json"] = "console"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    limits: Limits = Limits()

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
    """Settings from a TOML file (if any), the environment and `flags`; a flag of None counts as not given."""
    given = {name: value for name, value in flags.items() if value is not None}

    class FromFile(Settings):
        model_config = SettingsConfigDict(toml_file=config)

    return FromFile(**given)
