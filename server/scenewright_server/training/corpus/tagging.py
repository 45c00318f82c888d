"""Which language a text is in, by py3langid (Lui and Baldwin, 2012): naive Bayes over byte n-grams, offline."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from functools import cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

UNKNOWN = "und"
CHINESE = ("zh", "wuu", "yue")
"""Its tags of what is written in Chinese characters: short texts pass from one to another."""
N_CHARS = 2000  # of a text, that are looked at


class Tagger:
    """Tags texts with ISO 639 codes. `languages`: the ones that may occur; all that the library knows where none is
    named. Raises ValueError naming those that it does not know."""

    def __init__(self, languages: Sequence[str] = ()) -> None:
        self._identifier = copy(_load())
        if languages:
            unknown = sorted(set(languages) - set(self._identifier.labels))
            if unknown:
                raise ValueError(f"{unknown[0]!r} is none of the languages that py3langid tells apart")
            self._identifier.set_languages(languages)

    def tag(self, text: str) -> str:
        """The code, "zh" for all that is Chinese, "und" for a text without a letter."""
        text = text[:N_CHARS]
        if not any(map(str.isalpha, text)):
            return UNKNOWN
        tag = str(self._identifier.classify(text)[0])
        return "zh" if tag in CHINESE else tag


@cache
def _load() -> LanguageIdentifier:
    """The library's model, which takes seconds to unpack."""
    return LanguageIdentifier.from_model_file(MODEL_FILE)
