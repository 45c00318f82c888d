"""A small decoder's lower-case words as a person writes them."""

from __future__ import annotations

import re

STOPS = {"en": ".", "zh": "。"}


class Dressing:
    """One answer's words, as they come: a capital first, "an" before a vowel, a full stop last."""

    def __init__(self, language: str) -> None:
        self._language = language
        self._said = ""
        self._waiting = ""  # an article, until it is known what follows it

    def feed(self, text: str) -> str:
        """What can be said now of the words so far."""
        text, self._waiting = self._waiting + text, ""
        if re.fullmatch(" ?a *", text):
            text, self._waiting = "", text
        text = re.sub("^( ?a)(?= +[aeiouAEIOU])", r"\1n", text)
        if not self._said and self._language == "en":
            text = text[:1].upper() + text[1:]
        self._said += text
        return text

    def end(self) -> str:
        """What stands behind the last word."""
        return "" if self._said[-1:] in ("", *".!?。！？") else STOPS[self._language]


def undress(text: str) -> str:
    """The words of an answer as the decoder wrote them, but for the case of names."""
    return text.rstrip("".join(STOPS.values())).lower()
