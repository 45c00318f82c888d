"""A prompt that several sequences go on from: the first to need it runs it, the others take what it left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor

from scenewright_server.engine.kv_cache import KVCache

if TYPE_CHECKING:
    from scenewright_server.engine.decoding import Decoding


@dataclass(eq=False)
class Prompt:
    """Made with how many sequences will take it; the last lets go of it. runner: who runs it, until it has been run.
    cache: its keys and values, and perhaps more behind them; logits (V,): after its last position."""

    n_left: int
    runner: Decoding | None = None
    cache: KVCache | None = None
    logits: Tensor | None = None

    def keeps_waiting(self, decoding: Decoding) -> bool:
        """Whether somebody else runs it at present."""
        return self.logits is None and self.runner is not None and self.runner is not decoding

    def keep(self, cache: KVCache, logits: Tensor) -> None:
        """It has been run."""
        self.runner, self.cache, self.logits = None, cache, logits
        self.leave()

    def leave(self) -> None:
        """One of the sequences has what it needs, or has ended without it."""
        self.n_left -= 1
        if not self.n_left:
            self.cache = self.logits = None
