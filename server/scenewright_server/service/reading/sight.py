"""What a call or a session looks at."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from scenewright_server.scene.entries import Detections, GraphObject
from scenewright_server.scene.geometry import IDENTITY, Intrinsics, Pose, guessed_lens
from scenewright_server.scene.pointing import Ray
from scenewright_server.scene.world import World, view
from scenewright_server.service.reading.images import Frame
from scenewright_server.service.status import Refused


@dataclass(frozen=True)
class Sight:
    """A frame, a graph or both; `detections` once the frame has been looked at, or when features came in its place.

    viewpoint: where the user stands, told since the frame and the graph came: a camera in the world and its lens.
    """

    frame: Frame | None = None
    detections: Detections | None = None
    world: World | None = None
    viewpoint: tuple[Pose, Intrinsics | None] | None = None

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
        """This sight, with what the older one has where it has none of its own; a frame with a camera or a graph with a
        viewpoint says anew where the user stands."""
        seen = self if self.frame is not None else older
        stands = (self.frame is not None and self.frame.camera is not None) or (
            self.world is not None and self.world.viewpoint is not None
        )
        return Sight(
            seen.frame,
            seen.detections,
            self.world if self.world is not None else older.world,
            self.viewpoint or (None if stands else older.viewpoint),
        )

    def seen(self, detections: Detections | None) -> Sight:
        """The sight without its pixels, once it is known what they show."""
        frame = None if self.frame is None else replace(self.frame, rgb=None)
        return replace(self, frame=frame, detections=detections)

    def from_viewpoint(self, camera: Pose, lens: Intrinsics | None) -> Sight:
        """The world from where the user stands now; the lens stays as it is unless one is told. A frame that has a
        camera of its own is put aside: it shows what was seen from elsewhere."""
        known = None if self.viewpoint is None else self.viewpoint[1]
        if self.frame is None:
            return replace(self, viewpoint=(camera, lens or known))
        viewpoint = camera, lens or known or self.frame.lens
        if self.frame.camera is not None:
            return Sight(world=self.world, viewpoint=viewpoint)
        return replace(self, viewpoint=viewpoint)

    def ray(self, pointer: Ray) -> Ray:
        """A ray in the world, in the camera's frame."""
        return pointer.seen_from(self._camera or IDENTITY)

    @property
    def lens(self) -> Intrinsics | None:
        """Of the frame, where it was told or can be guessed from the frame's shape."""
        if self.frame is None:
            return None
        return self.frame.lens or guessed_lens(self.frame.aspect)

    @cached_property
    def graph(self) -> tuple[GraphObject, ...]:
        """The world's objects as the camera sees them."""
        if self.world is None:
            return ()
        lens = None if self.viewpoint is None else self.viewpoint[1]
        if self.frame is None:
            return view(self.world, self._camera, lens)
        return view(self.world, self._camera, lens or self.frame.lens, self.frame.aspect)

    @property
    def _camera(self) -> Pose | None:
        """Where the user stands: as was told last, by the frame, or by the graph."""
        if self.viewpoint is not None:
            return self.viewpoint[0]
        if self.frame is not None and self.frame.camera is not None:
            return self.frame.camera
        return None if self.world is None or self.world.viewpoint is None else self.world.viewpoint[0]
