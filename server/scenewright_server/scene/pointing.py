"""What a user points at."""

from __future__ import annotations

from dataclasses import dataclass

from scenewright_server.scene.entries import Vector


@dataclass(frozen=True)
class Ray:
    """A ray in the camera's frame: where it starts (metres) and its unit direction."""

    origin: Vector
    direction: Vector
