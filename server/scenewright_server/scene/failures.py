"""Why a set of a plan is not told."""

from __future__ import annotations

from scenewright_server.scene import expressions as x
from scenewright_server.scene.replies import Failure
from scenewright_server.scene.scene import Things


class Failed(Exception):
    """A set that cannot be told, and what is said instead."""

    def __init__(self, result: Failure) -> None:
        super().__init__(str(result))
        self.result = result


class Several(Exception):
    """A set of several things where one is needed."""

    def __init__(self, of: x.Set, things: Things) -> None:
        super().__init__(f"{len(things)} things, 1 needed")
        self.of, self.things = of, things
