from __future__ import annotations

import pytest
from scenewright_server.engine.output import Output
from scenewright_server.engine.request import Mentioned, TextDelta
from scenewright_server.families.diorama.fusion import FusedModel

from tests.engine.oracle import detections, text_of


def pieces(model: FusedModel, text: str) -> list[int]:
    """One token a byte where the tokenizer has no word: the hardest stream for a stop string."""
    return [id for character in text for id in model.tokenizer.encode(character)]


def speaking(model: FusedModel, entries, stop: tuple[str, ...]) -> Output:
    """An output whose result is told."""
    output = Output(model.tokenizer, entries, False, stop)
    assert output.feed(model.tokenizer.refs[0], 1.0) == output.feed(model.tokenizer.say, 1.0) == []
    return output


@pytest.fixture
def entries(model):
    return model.read(detections(1), ()).entries


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
def test_text_ends_before_the_first_stop_string(model, entries, stop, said) -> None:
    output = speaking(model, entries, stop)
    events = []
    for token in pieces(model, "a red chair by a lamp"):
        events += output.feed(token, 0.5)
        if output.stopped:
            break
    assert text_of([*events, *output.finish()]) == said
    assert output.stopped == (said != "a red chair by a lamp")


def test_text_is_let_out_as_soon_as_it_cannot_begin_a_stop_string(model, entries) -> None:
    output = speaking(model, entries, ("mugs",))
    let_out = [text_of(output.feed(token, 0.5)) for token in pieces(model, "mum mug.")]
    assert let_out == ["", "", "mu", "m ", "", "", "", "mug."]


def test_a_mention_is_as_sure_as_its_words(model, entries) -> None:
    tokenizer = model.tokenizer
    output = speaking(model, entries, ())
    red, chair = tokenizer.words("red"), tokenizer.words("chair")
    assert len(red) == len(chair) == 1
    stream = [(tokenizer.refs[1], 0.1), (red[0], 0.9), (chair[0], 0.5), (tokenizer.end, 0.2)]
    events = [event for token, probability in stream for event in output.feed(token, probability)]
    assert events[-1] == Mentioned(1, "red chair", pytest.approx(0.7), entries[1])
    assert text_of(events) == "red chair"


def test_what_is_only_looked_at_is_as_sure_as_its_reference(model, entries) -> None:
    tokenizer = model.tokenizer
    output = Output(tokenizer, entries, True, ())
    assert output.feed(tokenizer.refs[2], 0.3) == [Mentioned(2, "", 0.3, entries[2])]
    assert output.feed(tokenizer.refs[0], 0.4) == [Mentioned(0, "", 0.4, entries[0])]
    assert output.feed(tokenizer.say, 0.9) == []
    assert output.feed(tokenizer.words("red")[0], 0.8) == [TextDelta("red")]


def test_a_mention_after_the_stop_string_is_not_told(model, entries) -> None:
    tokenizer = model.tokenizer
    output = speaking(model, entries, ("chair",))
    stream = [tokenizer.refs[1], *tokenizer.words("red"), *tokenizer.words("chair"), tokenizer.end]
    events = [event for token in stream for event in output.feed(token, 0.5)]
    assert events == [TextDelta("red"), TextDelta(" ")] and output.stopped
