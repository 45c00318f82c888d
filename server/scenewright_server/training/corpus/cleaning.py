"""What is taken out of a text, and the one form that is left. HTML's entities stay: a text may well speak of them."""

from __future__ import annotations

import re
import unicodedata

NEWLINES = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f"  # control characters, but tab and newline
    "\xad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # no width, or a direction
    "\ufdd0-\ufdef\ufffe\uffff\U0001fffe\U0001ffff\U000e0000-\U000e007f]"  # no characters, and tags
)
"""Nobody sees these and a model learns nothing from them. The joiners U+200C and U+200D stay: emoji and some scripts
are spelt with them."""
SPACES = re.compile("[ \xa0\u1680\u2000-\u200a\u202f\u205f\u3000]")
BLANK_LINES = re.compile("\n{3,}")
LOST = "\ufffd"
"""Stands where an earlier program could not read a character."""


def clean(text: str) -> str:
    """A text without what nobody sees; every end of a line is a newline."""
    return UNSEEN.sub("", NEWLINES.sub("\n", text))


def normalise(text: str) -> str:
    """A cleaned text in Unicode's form NFC: one kind of space, no space at a line's end, at most one blank line in a
    row, nothing blank around it. A line keeps its indentation: it may be code."""
    text = SPACES.sub(" ", unicodedata.normalize("NFC", text))
    lines = (line.rstrip(" \t") for line in text.split("\n"))
    return BLANK_LINES.sub("\n\n", "\n".join(lines)).strip(" \t\n")
