"""What is said for courtesy alone: thanks, a greeting, a goodbye."""

from __future__ import annotations

import re
from collections.abc import Mapping

from scenewright_server.scene.replies import Kindness

_SIGNS: Mapping[str, Mapping[Kindness, str]] = {
    "en": {
        "thanks": r"\b(?:thanks|thank you|thx|cheers|much obliged)\b",
        "bye": r"\b(?:bye|goodbye|good night|see you|see ya)\b",
        "hello": r"^(?:hello|hi|hey|good (?:morning|afternoon|evening))\b",
    },
    "zh": {"thanks": "谢谢|多谢|感谢|谢啦|谢了", "bye": "再见|拜拜|回头见", "hello": "^(?:你好|您好|嗨|哈喽)"},
}
_MOST = {"en": 10, "zh": 16}
"""Words, or characters, of what is no more than that."""


def courtesy(text: str, language: str) -> Kindness | None:
    """What a text is, if it is said for courtesy alone."""
    said = text.casefold().strip()
    n = len(re.findall(r"\w", said)) if language == "zh" else len(said.split())
    if n > _MOST[language] or re.search("[?？]", said):
        return None
    return next((kind for kind, sign in _SIGNS[language].items() if re.search(sign, said)), None)
