"""What a call or a session looks at."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from scenewright_server.scene.entries import Detections, GraphObject
from scenewright_server.service.reading.graphs import World, view
from scenewright_server.service.reading.images import Frame
from scenewright_server.service.status import Refused


@dataclass(frozen=True)
class Sight:
    """A frame, a graph or both; `detections` once the frame has been looked at, or when features came."""

    frame: Frame | None = None
    detections: Detections | None = None
    world: World | None = None

    @property
    def frame_id(self) -> str:
        return "" if self.frame is None else self.frame.frame_id

    @property
    def revision(self) -> int:
        return 0 if self.world is None else self.world.revision

    @property
    def is_empty(self) -> bool:
        """There is neither a frame nor an object."""
        return self.frame is None and not (self.world is not None and self.world.objects)

    def need(self) -> None:
        """Raises `Refused` (NOTHING_TO_SEE) when it is empty."""
        if self.is_empty:
            raise Refused("NOTHING_TO_SEE", "there is neither an image nor a scene with objects, needs one of them")

    def over(self, older: Sight) -> Sight:
        """This sight, with the older one's frame or graph where it has none of its own."""
        seen = self if self.frame is not None else older
        return Sight(seen.frame, seen.detections, self.world if self.world is not None else older.world)

    def remembered(self, detections: Detections | None) -> Sight:
        """The sight without its pixels, once the engine knows what they show."""
        frame = None if self.frame is None else replace(self.frame, rgb=None, features=None)
        return Sight(frame, detections, self.world)

    def to_engine(self) -> tuple[np.ndarray | Detections | None, tuple[GraphObject, ...]]:
        """Frame and graph as the engine's request has them."""
        pixels = None if self.frame is None else self.frame.rgb
        graph = () if self.world is None else view(self.world, self.frame)
        return pixels if pixels is not None else self.detections, graph
