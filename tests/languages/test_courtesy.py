"""What is said for courtesy alone."""

from __future__ import annotations

import pytest
from scenewright_server.languages import SPEAKERS
from scenewright_server.languages.courtesy import courtesy
from scenewright_server.languages.speaking import Spelt
from scenewright_server.scene import questions as q
from scenewright_server.scene import replies as r


@pytest.mark.parametrize(
    ("text", "language", "kind"),
    [
        ("thanks mate you're a star", "en", "thanks"), ("Hello there", "en", "hello"), ("ok bye!", "en", "bye"),
        ("hi, where can I get a thank you card for my aunt and my uncle", "en", None), ("thanks?", "en", None),
        ("which goodbyes are told", "en", None), ("好的谢谢你哦", "zh", "thanks"), ("再见", "zh", "bye"),
        ("你好，我爸妈来看我，妈妈坐轮椅，想找个地方走走", "zh", None),
    ],
)  # fmt: skip
def test_courtesy(text, language, kind):
    assert courtesy(text, language) == kind


@pytest.mark.parametrize("kind", ["thanks", "hello", "bye"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_it_is_answered_in_a_sentence(kind, language):
    (said,) = SPEAKERS[language].reply(r.Reply((r.Courtesy(kind),), r.Turn(q.Beyond(), ())), Spelt(()))
    assert said and said[-1] in ".。？"
