"""What a live conversation looks at: the newest frame and the newest scene, however many come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from scenewright.v1 import dialogue_pb2, geometry_pb2, image_pb2, model_pb2

from scenewright_server.service.reading.graphs import check_revision, update_graph
from scenewright_server.service.reading.pointers import read_viewpoint
from scenewright_server.service.reading.poses import known_handedness
from scenewright_server.service.reading.sight import Sight
from scenewright_server.service.served import ServedModel, Stopwatch
from scenewright_server.service.status import Refused
from scenewright_server.service.validate import require_one_of


class Gaze:
    """Reads one frame at a time, off the event loop, `max_live_frames_per_s` at most; of those that wait meanwhile
    only the newest counts. Call `close`.

    `sight` is what has been read last, `handedness` that of what names none. `on_refusal` is told of a frame that
    cannot be read, and its number; the frame before stays.
    """

    def __init__(
        self, model: ServedModel, sight: Sight, handedness: int, on_refusal: Callable[[Refused, int], None]
    ) -> None:
        self.sight = sight
        self.handedness = handedness
        self.n_offered = 0
        self._model = model
        self._on_refusal = on_refusal
        self._pause_s = 1 / model.limits.max_live_frames_per_s
        self._waiting: tuple[image_pb2.ImageInput, int] | None = None
        self._n_read = 0
        self._looking: asyncio.Task[None] | None = None
        self._hurry = asyncio.Event()
        self._progress = asyncio.Event()

    def offer(self, image: image_pb2.ImageInput, client_seq: int) -> None:
        """A frame, to be read soon unless a newer one comes first."""
        self._waiting = image, client_seq
        self.n_offered += 1
        if self._looking is None:
            self._looking = asyncio.create_task(self._look())

    async def settle(self, n_offered: int) -> Sight:
        """What there is to see once the first `n_offered` frames have each been read or replaced."""
        while self._n_read < n_offered:
            self._hurry.set()
            self._progress.clear()
            await self._progress.wait()
        return self.sight

    def update(self, update: dialogue_pb2.SceneUpdate) -> None:
        """Another scene, or a change of it. Raises `Refused` as read_graph and update_graph do; the scene stays."""
        model, world = self._model, self.sight.world
        if require_one_of(update, "update", "scene_update") == "delta":
            model.need(model_pb2.CAPABILITY_SCENE_INPUT)
            world = update_graph(world, update.delta, model.limits, default=self.handedness)
            model.check_labels(update.delta.upserts, "scene_update.delta.upserts")
        else:
            world = model.read_graph(update.snapshot, "scene_update.snapshot", handedness=self.handedness)
            check_revision("scene_update.snapshot.revision", world.revision, self.sight.revision)
            self.handedness = known_handedness(update.snapshot, default=self.handedness)
            self.sight = Sight(world=world).over(self.sight)
        self.sight = replace(self.sight, world=world)

    def walk(self, viewpoint: geometry_pb2.Viewpoint) -> None:
        """The user stands elsewhere now. Raises `Refused` as `read_viewpoint` does."""
        self.sight = self.sight.from_viewpoint(*read_viewpoint(viewpoint, "viewpoint", self.handedness))

    def remember(self, used: Sight, seen: Sight) -> None:
        """What was `used` has been `seen`: its pixels are not needed again."""
        if self.sight.frame is used.frame:
            self.sight = replace(seen, world=self.sight.world, viewpoint=self.sight.viewpoint)

    def close(self) -> None:
        if self._looking is not None:
            self._looking.cancel()

    async def _look(self) -> None:
        while self._waiting is not None:
            (image, client_seq), number = self._waiting, self.n_offered
            self._waiting = None
            self._hurry.clear()
            try:
                seen, _ = await self._model.look_at_image(image, Stopwatch(), self.handedness)
                self.handedness = known_handedness(image, default=self.handedness)
                self.sight = seen.over(self.sight)
            except Refused as refused:
                self._on_refusal(refused, client_seq)
            finally:
                self._n_read = number
                self._progress.set()
            try:
                await asyncio.wait_for(self._hurry.wait(), self._pause_s)
            except asyncio.TimeoutError:
                continue
        self._looking = None
