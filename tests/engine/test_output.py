from __future__ import annotations

import pytest
from scenewright_server.engine.output import Output
from scenewright_server.families.family import Mention, TextDelta
from scenewright_server.scene.entries import Entry

from tests.oracle import text_of

MENTION = Mention(0, "chair", 1.0, Entry(None, None, (0, 0, 1), (1, 1, 1), None, 1.0))


@pytest.mark.parametrize(
    ("stop", "said"),
    [
        ((), "a red chair by a lamp"),
        (("chair",), "a red "),
        (("chair", "red"), "a "),
        (("chairs", "mug"), "a red chair by a lamp"),  # begun and not finished
        (("lamp",), "a red chair by a "),
        (("lampshade",), "a red chair by a lamp"),  # let out at the end
        (("a",), ""),
        (("d c", "r by"), "a re"),
    ],
)
@pytest.mark.parametrize("size", [1, 3, 50])
def test_text_ends_before_the_first_stop_string(stop: tuple[str, ...], said: str, size: int) -> None:
    output, text, events = Output(stop), "a red chair by a lamp", []
    for at in range(0, len(text), size):
        events += output.feed([TextDelta(text[at : at + size])])
        if output.stopped:
            break
    assert text_of([*events, *output.finish()]) == said
    assert output.stopped == (said != text)


def test_text_is_let_out_as_soon_as_it_cannot_begin_a_stop_string() -> None:
    output = Output(("mugs",))
    let_out = [text_of(output.feed([TextDelta(character)])) for character in "mum mug."]
    assert let_out == ["", "", "mu", "m ", "", "", "", "mug."]


def test_a_mention_after_the_stop_string_is_not_told() -> None:
    output = Output(("chair",))
    assert output.feed([TextDelta("red "), MENTION, TextDelta("ch")]) == [TextDelta("red "), MENTION]
    assert output.feed([TextDelta("air"), MENTION]) == [] and output.stopped
    assert output.finish([TextDelta("more")]) == []
