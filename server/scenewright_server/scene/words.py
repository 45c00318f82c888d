"""How the words of names and questions are compared."""

from __future__ import annotations

import re

SPELLINGS = {
    "color": "colour", "colors": "colours", "center": "centre", "meters": "metres", "further": "farther",
    "cannot": "can not", "what's": "what is", "where's": "where is", "i'm": "i am", "checked": "checkered",
}  # fmt: skip
COLOURS = set(
    "red blue green yellow black white brown orange pink purple grey gray golden gold silver beige turquoise teal "
    "maroon crimson scarlet burgundy magenta khaki indigo navy lilac mauve cyan ivory".split()
)
"""A thing of another colour is another thing."""
HAN_COLOURS = "红蓝绿黄黑白棕橙粉紫灰金银"
MATERIALS = set(
    "wood wooden oak pine steel metal iron bronze copper brass marble stone granite glass plastic leather cotton wool "
    "silk linen ceramic porcelain clay bamboo paper cardboard rubber acrylic aluminium aluminum concrete velvet suede "
    "denim corduroy tweed satin canvas nylon polyester titanium terracotta stoneware wicker rattan mahogany teak "
    "ebony".split()
)
HAN_MATERIALS = "木竹铁钢铜铝银金石玉瓷陶布皮棉麻丝纸"
WIDE = "\u3000-\u9fff\uff00-\uffef"


def is_chinese(text: str) -> bool:
    """Whether a text holds a Chinese character."""
    return re.search("[\u4e00-\u9fff]", text) is not None


def normalise(text: str) -> str:
    """Words as they are spoken: lower case, no punctuation, one spelling of each word, no space before Chinese."""
    text = re.sub(rf"([{WIDE}])([a-z0-9])", r"\1 \2", text.lower())
    words = re.sub(r"[^\w'-]+", " ", text).split()
    return re.sub(rf" (?=[{WIDE}])", "", " ".join(SPELLINGS.get(word, word) for word in words))
