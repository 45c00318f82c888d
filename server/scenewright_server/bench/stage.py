"""What a benchmark's conversations are about: simulated rooms, and questions in voices that training never heard."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from scenewright_server.simulator import scene, speech
from scenewright_server.simulator.renderer import render

RATE_HZ = 16_000
LIST_QUESTION = "what do you see"
_FORMS = ("what colour is the {}", "where is the {}", "is there a {}", "what is next to the {}")


@dataclass(frozen=True)
class Line:
    """One question, and how it sounds: (n,) float32 samples at RATE_HZ, trimmed to the speech."""

    text: str
    voice: np.ndarray = field(repr=False)


class Stage:
    """Draws frames and questions about them from one seed."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._seed = 1_000_000 + seed

    def room(self) -> tuple[np.ndarray, list[str]]:
        """A frame, (H, W, 3) uint8, and the kinds of thing in it."""
        self._seed += 1
        room = scene.sample(self._seed, n_objects=5)
        pixels = render([room], (224, 224)).images[0].numpy()
        return pixels, sorted({item.kind for item in room.objects})

    def question(self, kinds: list[str]) -> Line:
        """A question about one of `kinds`, in a voice of its own."""
        form = _FORMS[int(self._rng.integers(len(_FORMS)))]
        return self.line(form.format(kinds[int(self._rng.integers(len(kinds)))]))

    def line(self, text: str) -> Line:
        """The text in some voice."""
        delivery = speech.draw_delivery(self._rng, speech.TEST_VOICES)
        return Line(text, speech.speak(text, delivery))

    def noise(self, number: int, n: int) -> np.ndarray:
        """(n,) samples in which nobody speaks: silence, hiss, rumble, hum, clicks, each at several levels."""
        level = 10 ** (-(60, 50, 40, 30)[number // 5 % 4] / 20)
        t = np.arange(n, dtype=np.float32) / RATE_HZ
        kind = number % 5
        wave: np.ndarray = np.zeros(n)
        if kind == 1:
            wave = self._rng.standard_normal(n)
        elif kind == 2:
            wave = speech.coloured_noise(n, self._rng)
        elif kind == 3:
            wave = np.sin(2 * np.pi * 50 * t) + 0.5 * np.sin(2 * np.pi * 150 * t)
        elif kind == 4:
            wave = (self._rng.random(n) < 2 / RATE_HZ) * 20.0
        return np.clip(wave * level, -1, 1).astype(np.float32)
