"""What a call or a session looks at."""

from __future__ import annotations

from dataclasses import dataclass, replace

from scenewright_server.scene.entries import Detections, GraphObject
from scenewright_server.scene.world import World, view
from scenewright_server.service.reading.images import Frame
from scenewright_server.service.status import Refused


@dataclass(frozen=True)
class Sight:
    """A frame, a graph or both; `detections` once the frame has been looked at, or when features came in its place."""

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

    def seen(self, detections: Detections | None) -> Sight:
        """The sight without its pixels, once it is known what they show."""
        frame = None if self.frame is None else replace(self.frame, rgb=None)
        return Sight(frame, detections, self.world)

    @property
    def lens(self) -> Intrinsics | None:
        """Of the frame, where it was told or can be guessed from the frame's shape."""
        if self.frame is None:
            return None
        return self.frame.lens or guessed_lens(self.frame.aspect)

    @property
    def graph(self) -> tuple[GraphObject, ...]:
        """The world's objects as the frame's camera sees them."""
        if self.world is None:
            return ()
        frame = self.frame
        return view(self.world) if frame is None else view(self.world, frame.camera, frame.lens, frame.aspect)
