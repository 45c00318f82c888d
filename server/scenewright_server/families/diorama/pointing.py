"""What is pointed at, in the words that the decoder knows: "what colour is this chair" asks about "it"."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

import numpy as np

from scenewright_server.families.diorama.audio import HeardTokens
from scenewright_server.families.diorama.tokenizer import Tokenizer
from scenewright_server.scene.looks import Looks
from scenewright_server.scene.words import normalise

_CLASSIFIERS = "个把张只台盏本件块条"
_NO_THINGS = "里边儿么些样"  # here, there, so, these
_WHAT_IS_IT = {
    "what kind of thing is it": "(?:do you know |(?:can you )?tell me )?what (?:is it(?: called)?|it is)",
    "它是什么东西": "(?:你知道)?它[是叫]什么(?:东西)?",
}
"""The form that the decoder learnt, and others that mean it."""


def replace_demonstratives(question: str, looks: Looks) -> str:
    """A question with "it", "它", for "this", "that", "这个" and for what they stand before: "this red chair".

    As it came where nothing is pointed out. "The chair that is red" points at nothing.
    """
    text, name = normalise(question), looks.name_pattern("one", "thing")

    def replace(match: re.Match[str]) -> str:
        named_before = re.search(rf"{name} $", text[: match.start()])
        return match[0] if match[1] == "that" and named_before else "it"

    said = re.sub(rf"\b(this|that)\b(?: {name})?", replace, text)
    said = re.sub(rf"[这那](?![{_NO_THINGS}])[{_CLASSIFIERS}]?(?:{name})?", "它", said)
    if said == text:
        return question
    return next((known for known, form in _WHAT_IS_IT.items() if re.fullmatch(form, said)), said)


def replace_heard(heard: HeardTokens, looks: Looks, tokenizer: Tokenizer) -> HeardTokens:
    """The same of what was heard: words that are put in are as sure as if they had been typed."""
    text = tokenizer.decode(heard.ids)
    said = replace_demonstratives(text, looks)
    if said == text:
        return heard
    ids = tokenizer.words(said)
    rows = np.zeros((len(ids), heard.posteriors.shape[1]), np.float32)
    rows[range(len(ids)), ids] = 1
    for old, new, n in SequenceMatcher(None, heard.ids, ids, autojunk=False).get_matching_blocks():
        rows[new : new + n] = heard.posteriors[old : old + n]
    return HeardTokens(rows, ids, heard.confidence)
