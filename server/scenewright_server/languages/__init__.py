"""How results, places, refusals and numbers are said, one file a language."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from scenewright_server.languages.en import English
from scenewright_server.languages.en_speaking import EnglishSpeaker
from scenewright_server.languages.language import Language
from scenewright_server.languages.speaking import Speaker
from scenewright_server.languages.zh import Chinese
from scenewright_server.languages.zh_speaking import ChineseSpeaker

LANGUAGES: Mapping[str, Language] = MappingProxyType({"en": English(), "zh": Chinese()})
"""Every language, by its code (ISO 639-1)."""
SPEAKERS: Mapping[str, Speaker] = MappingProxyType({"en": EnglishSpeaker(), "zh": ChineseSpeaker()})
"""Who says replies to composed plans, by the same codes."""
