"""What keeps people from using what they looked for is told beside it."""

from __future__ import annotations

import pytest
from scenewright_server.languages import SPEAKERS
from scenewright_server.languages.speaking import Spelt
from scenewright_server.scene.entries import Fact, GraphObject
from scenewright_server.scene.executing import carry_out

from tests.scene.random_scenes import scene_of


def thing(x, label, description="", **facts):
    its = tuple(Fact(key, value) for key, value in facts.items())
    return GraphObject(label, label, (x, 0, 3), (0.2, 0.2, 0.1), description=description, facts=its)


CELLAR = scene_of([
    thing(-2, "big washer", "Takes duvets. Out of order until Friday."),
    thing(-1, "dryer", state="free"),
    thing(0, "hand gel", "Cleans hands.", state="empty"),
    thing(1, "kiosk", "Closed on Mondays."),
    thing(2, "打印机", "打印照片。", 状态="缺纸"),
    thing(3, "scissors", state="taken by Mia"),
    thing(4, "lift", "Out of order.", state="out of order"),
])  # fmt: skip


@pytest.mark.parametrize(
    ("plan", "language", "said"),
    [
        ("name look hands", "en", "It is the hand gel. It is empty."),
        ("exist washer", "en", "Yes, there is one: the big washer. It is out of order until Friday."),
        ("name scissors", "en", "It is the scissors. They are taken by Mia."),
        ("name hand gel + kiosk", "en", "They are the hand gel and the kiosk. The hand gel is empty."),
        ("name look 照片", "zh", "是打印机。上面写着：“打印照片”。打印机的状态是缺纸。"),
        ("name lift", "en", "It is the lift. It is out of order."),
        # what is not in the way, or what was asked for
        ("name dryer", "en", "It is the dryer."),
        ("name look empty", "en", "It is the hand gel."),
        ("name kiosk", "en", "It is the kiosk."),
        ("fact state | hand gel", "en", "The hand gel is empty."),
    ],
)
def test_what_keeps_from_use_is_told_beside_what_was_found(plan, language, said):
    (reply,) = carry_out(plan, CELLAR)
    assert "".join(SPEAKERS[language].reply(reply, Spelt(CELLAR.called, CELLAR))) == said
