"""The plans of one question, weighed against each other."""

from __future__ import annotations

from collections.abc import Collection

from scenewright_server.families.chat.depths import without_depths
from scenewright_server.families.chat.doubts import NO_PLAN, Doubts, Weighed
from scenewright_server.scene.executing import execute
from scenewright_server.scene.expressions import PlanError
from scenewright_server.scene.parsing import parse
from scenewright_server.scene.scene import Scene
from scenewright_server.scene.writing import write

MENDED = 0.5
"""Against a plan that was mended."""


class Weighing:
    """Plans for a question, asked after other turns (their words), in one scene; `flat`: the
    entries of which nobody tells how far they are."""

    def __init__(self, question: str, before: str, scene: Scene, flat: Collection[int]) -> None:
        self.doubts = Doubts(question, before, scene)
        self.all: list[Weighed] = []
        self.n_tried = 0
        self._scene, self._flat = scene, flat

    @property
    def best(self) -> Weighed:
        return max(self.all, key=lambda weighed: weighed.score)

    def add(self, text: str, log_probability: float, trust: float) -> None:
        """Weigh a plan that is trusted so far."""
        self.n_tried += 1
        self.all.append(self._weigh(text, log_probability, trust))

    def add_written(self, text: str, log_probability: float, trust: float) -> None:
        """Weigh a plan of the decoder, and those like it that name values and keys that it leaves out."""
        self.add(text, log_probability, trust)
        if self.all[-1].error is None:
            for plan in self.doubts.mending.mended(parse(text)):
                self.all.append(self._weigh(write(plan), log_probability, trust - MENDED))

    def _weigh(self, text: str, log_probability: float, trust: float) -> Weighed:
        try:
            plan = parse(text)
        except PlanError as error:
            return Weighed(text, (), log_probability, trust - NO_PLAN, error)
        replies = tuple(without_depths(reply, self._flat) for reply in execute(plan, self._scene))
        return Weighed(text, replies, log_probability, trust - self.doubts.of(plan, replies))
