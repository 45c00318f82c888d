"""A request on its way through the engine."""

from __future__ import annotations

import time

import torch

from scenewright_server.engine.output import Output
from scenewright_server.engine.request import Request, Timings, Usage
from scenewright_server.engine.session import Session
from scenewright_server.engine.spelling import Speller


class Sequence:
    """What the engine knows of one request. Setting `cancelled`, from any thread, ends it within one step."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.session = request.session or Session()
        self.cancelled = False
        self.ids: list[int] = []  # the answer so far
        self.output: Output | None = None  # set with the prefill
        self.speller: Speller | None = None  # likewise
        self.generator: torch.Generator | None = None
        self.max_new_tokens = request.sampling.max_new_tokens
        self.usage = Usage()
        self.timings = Timings()
        self._taken_in = time.perf_counter()

    @property
    def age_ms(self) -> float:
        """Since the engine took the request in."""
        return 1e3 * (time.perf_counter() - self._taken_in)
