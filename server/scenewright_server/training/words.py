"""Words for open labels: what an app may call its objects, far beyond the simulator's own kinds."""

from __future__ import annotations

import re
from functools import cache

import numpy as np
from open_clip.tokenizer import SimpleTokenizer

from scenewright_server.simulator.kinds import ATTRIBUTES

ONSETS = "b br c ch cl d dr f fl g gl gr h j k kr l m n p pr qu r s sh sk sl st t th tr v w y z".split()
VOWELS = "a e i o u ai ea ee oo ou ar er or".split()
CODAS = ["", "", *"b ck d g k l ll m n nd ng nt p r rk rn s sk ss st t th x".split()]


@cache
def dictionary() -> tuple[str, ...]:
    """Whole lower-case words of CLIP's vocabulary (open_clip ships it), without the words of scene talk."""
    talk = {word for values in ATTRIBUTES.values() for word in values}
    talk |= set("the and of to in on it is you left right middle behind front thing things one two three".split())
    words = (token.removesuffix("</w>") for token in SimpleTokenizer().encoder if token.endswith("</w>"))
    return tuple(sorted(w for w in words if re.fullmatch(r"[a-z]{3,11}", w) and w not in talk))


def invented(rng: np.random.Generator) -> str:
    """A word that nobody has used: one to three random syllables."""
    pick = [(o[rng.integers(len(o))] for o in (ONSETS, VOWELS, CODAS)) for _ in range(rng.integers(1, 4))]
    return "".join("".join(syllable) for syllable in pick)


def characters(rng: np.random.Generator) -> str:
    """Two to four common Chinese characters (the first level of GB 2312)."""
    rows, columns = rng.integers(0xB0, 0xD7, 4), rng.integers(0xA1, 0xFE, 4)
    pairs = [bytes((int(r), int(c))) for r, c in zip(rows, columns, strict=True)]
    return b"".join(pairs[: rng.integers(2, 5)]).decode("gb2312")


def label(rng: np.random.Generator, language: str = "en") -> str:
    """An open label of one to three words, such as "brass telescope"; in a Chinese app often in Chinese."""
    if language == "zh" and rng.random() < 0.5:
        return characters(rng)
    n_words = rng.choice(3, p=[0.35, 0.5, 0.15]) + 1
    words = dictionary()
    kinds = ATTRIBUTES["kind"]
    chosen = [invented(rng) if rng.random() < 0.2 else words[rng.integers(len(words))] for _ in range(n_words)]
    if rng.random() < 0.15:
        chosen[-1] = kinds[rng.integers(len(kinds))]
    return " ".join(chosen)


OPENINGS = ("what is", "who is", "why is", "how do i", "tell me", "do you", "can you", "when will", "i want", "please",
            "", "explain", "where was", "should i", "give me", "let us", "is it")  # fmt: skip


def chatter(rng: np.random.Generator) -> str:
    """A sentence that no scene answers."""
    words = dictionary()
    said = [OPENINGS[rng.integers(len(OPENINGS))]]
    for _ in range(rng.integers(2, 6)):
        small = ("the", "a", "my", "of", "in", "and", "to", "for")
        said += [small[rng.integers(len(small))]] if rng.random() < 0.4 else []
        said.append(words[rng.integers(len(words))])
    return " ".join(said).strip()
