"""What a session remembers of an answer that was not taken in to its end."""

from __future__ import annotations

import torch

from scenewright_server.engine.sequence import Sequence
from scenewright_server.families.diorama.fusion import FusedModel
from scenewright_server.families.diorama.markup import MarkupReader, TextDelta


@torch.inference_mode()
def remember(model: FusedModel, sequence: Sequence, n_bytes: int) -> None:
    """Let the session remember the first `n_bytes` UTF-8 bytes of its last answer's text, cut between tokens.

    `sequence` gave that answer, to its end or not. Of an answer of which nothing is left, the question is
    forgotten too. Only for the engine's thread, while no later turn of the session has begun.
    """
    if sequence.output is None:  # it ended before its turn began
        return
    ids = taken_in(model, sequence, n_bytes)
    answer = model.embed([*ids, model.tokenizer.eot]) if ids else None
    sequence.session.amend_turn(answer, sequence.settled)


def taken_in(model: FusedModel, sequence: Sequence, n_bytes: int) -> list[int]:
    """The answer's tokens up to the last one whose text lies within the first `n_bytes`; none without text."""
    session, tokenizer = sequence.session, model.tokenizer
    reader = MarkupReader(tokenizer, len(session.entries), points=False)
    n_read = n_kept = 0
    for i, token in enumerate(sequence.ids):
        n_text = sum(len(event.text.encode()) for event in reader.feed(token) if isinstance(event, TextDelta))
        n_read += n_text
        if n_read > n_bytes:
            break
        # A mention's end says nothing but belongs to the words before it.
        if n_text or (token == tokenizer.end and n_kept == i):
            n_kept = i + 1
    return sequence.ids[:n_kept]
