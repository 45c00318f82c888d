"""The tokenizer's training text: scene talk, so that its words are single tokens, and words for open labels."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import numpy as np

from scenewright_server.families.diorama.results import words
from scenewright_server.families.diorama.tokenizer import N_REFS, Tokenizer
from scenewright_server.languages import LANGUAGES
from scenewright_server.languages.en import plural
from scenewright_server.scene.words import normalise
from scenewright_server.simulator.kinds import ATTRIBUTES
from scenewright_server.simulator.phrases import CHINESE, QUESTIONS
from scenewright_server.simulator.questions import dialogue
from scenewright_server.simulator.scene import sample
from scenewright_server.simulator.text import describe, in_view, plain
from scenewright_server.training.words import dictionary, label

N_VOCAB = 2304


def texts(n_scenes: int, seed: int) -> Iterator[str]:
    """Descriptions, questions and answers of `n_scenes` scenes, every word of scene talk, and open labels."""
    rng = np.random.default_rng(seed)
    for i in range(n_scenes):
        seen = in_view(sample(i))
        for language in LANGUAGES:
            yield " " + plain(describe(seen, language))
            for turn in dialogue(seen, rng, 8, ATTRIBUTES["kind"], language=language, is_measured=i % 2 == 0):
                yield " " + normalise(turn.question)
                yield " " + " ".join([*turn.plan, *words(turn.result)])
                yield " " + plain(turn.answer)
    questions = [form for forms in QUESTIONS.values() for some in forms.values() for form in some]
    refusals = [spoken.refusals[reason] for reason in LANGUAGES["en"].refusals for spoken in LANGUAGES.values()]
    for form in (*questions, *refusals):
        for _ in range(n_scenes // 20):
            yield " " + form.format("thing", "thing", rel="")
    english, chinese = ([spoken.count(n) for n in range(N_REFS + 1)] for spoken in LANGUAGES.values())
    for word in (*chain(*ATTRIBUTES.values()), *english, *CHINESE.values(), *chinese):
        for _ in range(n_scenes // 10):
            yield " " + word
            yield " " + plural(word)
    for word in dictionary():
        yield " " + word
    for _ in range(n_scenes):
        yield " " + label(rng)


def train_tokenizer(n_scenes: int = 2000, seed: int = 0) -> Tokenizer:
    """The diorama's own BPE."""
    return Tokenizer.train(texts(n_scenes, seed), N_VOCAB)
