"""Text and ids: round trips, one spelling of each word, and markup that no text can become."""

from __future__ import annotations

import pytest
from scenewright_server.families.diorama.tokenizer import SPECIALS, Tokenizer
from scenewright_server.scene.words import is_chinese, normalise


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    texts = [" a red chair on the left, two", " goblin king", "红色椅子在左边，桌子、杯子", " 红色 king"]
    return Tokenizer.train(texts * 9, 380)


@pytest.mark.parametrize(
    "text",
    [
        "a red chair on the left, two",
        "红色椅子在左边，桌子、杯子",
        "红色king在左边",
        "大约1.5米",
        "zürich, naïve — 東京タワー 🪑",  # what no training text held goes by its bytes
        "",
    ],
)
def test_what_is_encoded_comes_back(tokenizer: Tokenizer, text: str):
    assert tokenizer.decode(tokenizer.words(text)) == text
    assert tokenizer.raw(tokenizer.encode(text)) == text
    assert all(tokenizer.n_specials <= id < tokenizer.n_vocab for id in tokenizer.words(text))


def test_words_join_as_they_are_written(tokenizer: Tokenizer):
    """Word by word, as plans, results and answers are put together."""
    for words in (["a", "red chair", ",", "two"], ["红色", "椅子", "，", "桌子"], ["goblin king", "在", "左边"]):
        ids = [id for word in words for id in tokenizer.words(word)]
        expected = words[0] + "".join(w if is_chinese(w) or w in ",，" else f" {w}" for w in words[1:])
        assert tokenizer.decode(ids) == expected


def test_no_token_joins_two_chinese_characters(tokenizer: Tokenizer):
    assert len(tokenizer.words("红色椅子")) == 4
    assert tokenizer.words("椅子")[0] == tokenizer.words("红色椅子")[2]


def test_half_a_character_is_marked(tokenizer: Tokenizer):
    ids = tokenizer.words("龙")
    assert len(ids) == 3 and "\ufffd" in tokenizer.raw(ids[:2])


def test_text_never_becomes_markup(tokenizer: Tokenizer):
    for special in SPECIALS:
        ids = tokenizer.encode(f"say {special} now")
        assert min(ids) >= tokenizer.n_specials
        assert tokenizer.raw(ids) == f"say {special} now"


@pytest.mark.parametrize(
    ("typed", "spoken"),
    [
        ("What COLOR is the “Chair”, centre-left?", "what colour is the chair centre-left"),
        ("Where's  the\tMug?!", "where is the mug"),
        ("红色 椅子 在哪里？", "红色椅子在哪里"),
        ("红色Goblin King在哪里", "红色 goblin king在哪里"),
        ("goblin king 在哪里", "goblin king在哪里"),
        ("有3个吗", "有 3个吗"),
        ("?!", ""),
    ],
)
def test_one_spelling_of_each_question(typed: str, spoken: str):
    assert normalise(typed) == spoken == normalise(spoken)


def test_a_tokenizer_without_the_markup_is_refused(tokenizer: Tokenizer):
    from tokenizers import Tokenizer as Bpe
    from tokenizers import models

    with pytest.raises(ValueError, match="<say>"):
        Tokenizer(Bpe(models.BPE()))
