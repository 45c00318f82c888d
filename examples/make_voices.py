"""Speaks the demo's questions into examples/*.wav, in voices that training never hears.

python examples/make_voices.py
"""

from __future__ import annotations

from pathlib import Path

import soundfile
from scenewright_server.simulator.speech import SAMPLE_RATE_HZ, TEST_VOICES, Delivery, speak

HERE = Path(__file__).parent
QUESTIONS = {
    "what_colour_is_the_chair": Delivery(voice=TEST_VOICES[0]),
    "where_is_the_barrel": Delivery(voice=TEST_VOICES[11], rate_wpm=150),
}


def main() -> None:
    for name, delivery in QUESTIONS.items():
        wave = speak(name.replace("_", " "), delivery)
        soundfile.write(HERE / f"{name}.wav", wave, SAMPLE_RATE_HZ, "PCM_16")


if __name__ == "__main__":
    main()
