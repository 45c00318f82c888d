"""Voice activity by Silero's network (github.com/snakers4/silero-vad), whose wheel carries its weights."""

from __future__ import annotations

import importlib.util
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

FRAME = 512
"""Samples at 16 kHz that it judges at a time: 32 ms."""
_N_CONTEXT = 64  # samples before a frame that it hears again


@dataclass
class VoiceState:
    """What the network remembers of one stream of audio."""

    memory: Tensor = field(default_factory=lambda: torch.zeros(2, 1, 128))
    context: Tensor = field(default_factory=lambda: torch.zeros(1, _N_CONTEXT))


class VoiceActivity:
    """The network itself, which keeps no state: one serves any number of streams, from one thread at a time."""

    def __init__(self) -> None:
        # Not `import silero_vad`: that sets torch's number of threads for whoever imports it.
        found = importlib.util.find_spec("silero_vad")
        if found is None or not found.submodule_search_locations:
            raise ModuleNotFoundError("silero-vad is not installed; it belongs to scenewright[server]")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # torch.jit.load is deprecated; the wheel has no other form
            path = Path(found.submodule_search_locations[0], "data", "silero_vad.jit")
            self._network = torch.jit.load(str(path), map_location="cpu")._model.eval()
        state = VoiceState()
        for _ in range(3):  # the first runs compile
            self.probability(np.zeros(FRAME, np.float32), state)

    @torch.inference_mode()
    def probability(self, frame: np.ndarray, state: VoiceState) -> float:
        """How likely (FRAME,) float32 at 16 kHz holds speech, 0 to 1; moves the state on."""
        heard = torch.cat([state.context, torch.from_numpy(frame)[None]], 1)
        probability, state.memory = self._network(heard, state.memory)
        state.context = heard[:, -_N_CONTEXT:]
        return float(probability)
