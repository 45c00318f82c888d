"""Puts turns to a model without a server, greedy, many dialogues at a time."""

from __future__ import annotations

from collections.abc import Sequence

from scenewright_server.engine.decoding import Decoding
from scenewright_server.engine.engine import Engine
from scenewright_server.engine.request import Done, Failed, Sampling
from scenewright_server.engine.session import Session
from scenewright_server.families.chat.planned import PlannedScript
from scenewright_server.families.endpoint import Endpoint
from scenewright_server.families.family import Family, FinishReason, Heard, Memory, Mention, TextDelta, Turn
from scenewright_server.training.evaluation.scores import Reply

N_SLOTS = 32


class Dialogue:
    """Turns that follow one another, and the replies so far. memories: what is remembered at each, where that is not
    the turns before it."""

    def __init__(self, turns: Sequence[Turn], memories: Sequence[Memory | None] | None = None) -> None:
        self.replies: list[Reply] = []
        self.session = Session()
        self.memory: Memory | None = None
        self._left = list(turns)
        self._memories = None if memories is None else list(memories)

    def next(self) -> Turn | None:
        """The turn to be put now; its reply is appended. None when all have been."""
        if not self._left:
            return None
        turn = self._left.pop(0)
        if self._memories is not None:
            self.memory = self._memories.pop(0)
        self.replies.append(Reply(heard=turn.question.text if isinstance(turn.question, Heard) else ""))
        return turn


def ask_all(
    family: Family,
    dialogues: Sequence[Sequence[Turn]],
    memories: Sequence[Sequence[Memory | None]] | None = None,
) -> list[list[Reply]]:
    """What is replied to each turn of each dialogue by a model whose decoder is here; `memories`: what is remembered at
    each, None: the turns before it. Raises what a script raised."""
    assert not isinstance(family.decoder, Endpoint)
    engine = Engine(family.decoder, n_slots=N_SLOTS)
    held = [Dialogue(turns, None if memories is None else memories[i]) for i, turns in enumerate(dialogues)]
    runs: dict[Decoding, Dialogue] = {}

    def put(dialogue: Dialogue) -> None:
        turn = dialogue.next()
        if turn is not None:
            script = family.open(turn, dialogue.memory)
            runs[engine.add(script, Sampling(turn.max_new_tokens), dialogue.session)] = dialogue

    for dialogue in held:
        put(dialogue)
    while engine.has_work:
        for run, event in engine.step():
            dialogue = runs[run]
            reply = dialogue.replies[-1]
            if isinstance(event, TextDelta):
                reply.text += event.text
            elif isinstance(event, Mention):
                reply.mentions.append(event)
            elif isinstance(event, Done):
                reply.is_silent, reply.confidence = event.reason is FinishReason.NO_SPEECH, event.confidence
                reply.ms = event.timings.total
                if isinstance(run.script, PlannedScript):
                    reply.plan = run.script.plan
                dialogue.memory = run.script.memory()
                put(dialogue)
            elif isinstance(event, Failed):
                raise event.error
    return [dialogue.replies for dialogue in held]
