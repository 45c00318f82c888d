"""A script on its way through the engine."""

from __future__ import annotations

import time

import torch
from torch import Tensor

from scenewright_server.engine.output import Output
from scenewright_server.engine.request import Sampling, Timings, Usage
from scenewright_server.engine.session import Session
from scenewright_server.families.family import Pass, Script


class Decoding:
    """What the engine knows of one script. Setting `cancelled`, from any thread, ends it within one step."""

    def __init__(
        self, script: Script, sampling: Sampling, session: Session | None = None, device: torch.device | None = None
    ) -> None:
        self.script = script
        self.sampling = sampling
        self.session = session or Session()
        self.cancelled = False
        self.output = Output(sampling.stop)
        self.passing: Pass | None = None  # the pass under way
        self.rest: Tensor | None = None  # embeddings (T, D) of its spans that are still to be run, once it is begun
        self.n_parts = 0  # of its spans that were run, by a step each
        self.ids: list[int] = []  # its tokens so far
        self.n_generated = 0  # by all passes
        self.usage = Usage()
        self.timings = Timings()
        self.generator = torch.Generator(device or "cpu")
        if sampling.seed is None:
            self.generator.seed()
        else:
            self.generator.manual_seed(sampling.seed)
        self._taken_in = time.perf_counter()

    @property
    def is_fresh(self) -> bool:
        """Its next step runs a pass's spans, or a part of them."""
        return not self.ids

    @property
    def age_ms(self) -> float:
        """Since the engine took the script in."""
        return 1e3 * (time.perf_counter() - self._taken_in)
