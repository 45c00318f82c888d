"""How the words of names and questions are compared."""

from __future__ import annotations

import re

SPELLINGS = {
    "color": "colour", "colors": "colours", "center": "centre", "meters": "metres", "further": "farther",
    "cannot": "can not", "what's": "what is", "where's": "where is", "i'm": "i am", "checked": "checkered",
}  # fmt: skip
WIDE = "\u3000-\u9fff\uff00-\uffef"


def is_chinese(text: str) -> bool:
    """Whether a text holds a Chinese character."""
    return re.search("[\u4e00-\u9fff]", text) is not None


def normalise(text: str) -> str:
    """Words as they are spoken: lower case, no punctuation, one spelling of each word, no space before Chinese."""
    text = re.sub(rf"([{WIDE}])([a-z0-9])", r"\1 \2", text.lower())
    words = re.sub(r"[^\w'-]+", " ", text).split()
    return re.sub(rf" (?=[{WIDE}])", "", " ".join(SPELLINGS.get(word, word) for word in words))
