"""A request on its way through the engine."""

from __future__ import annotations

import time

import torch

from scenewright_server.engine.output import Output
from scenewright_server.engine.request import Request, Timings, Usage
from scenewright_server.engine.session import Session
from scenewright_server.families.diorama.script import Script
from scenewright_server.scene.entries import Entry


class Sequence:
    """What the engine knows of one request. Setting `cancelled`, from any thread, ends it within one step."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.session = request.session or Session()
        self.cancelled = False
        self.ids: list[int] = []  # the plan, what it gave and the answer so far
        self.plan_confidence = 1.0  # the least probability of a token that the decoder planned with
        self.output: Output | None = None  # set with the prefill
        self.script: Script | None = None  # likewise
        self.generator: torch.Generator | None = None
        self.max_new_tokens = request.sampling.max_new_tokens
        self.usage = Usage()
        self.timings = Timings()
        self.asked: list[int] = []  # the question's tokens
        self.language = request.language
        self._taken_in = time.perf_counter()

    def ask(self, ids: list[int], in_chinese: bool = False) -> None:
        """Take the question, once it is read or heard; it says in which language the answer is."""
        self.asked, self.language = ids, "zh" if in_chinese else "en"

    @property
    def settled(self) -> tuple[Entry, ...]:
        """What the answer to a question rests on: what "it" means in the next one."""
        if self.script is None or self.script.finding is None or self.request.task != "ask":
            return ()
        return tuple(self.session.entries[k] for k in self.script.finding.answer.things)

    @property
    def age_ms(self) -> float:
        """Since the engine took the request in."""
        return 1e3 * (time.perf_counter() - self._taken_in)
