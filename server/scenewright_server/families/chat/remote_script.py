"""One response of an endpoint: a single completion, which is told what is here and what is known, and speaks."""

from __future__ import annotations

import math
from collections import Counter

from scenewright_server.families.chat.prompt import Said
from scenewright_server.families.chat.script import Telling
from scenewright_server.families.endpoint import Completion, Piece, Role
from scenewright_server.families.family import FinishReason, Outcome, SpanKind

TOKENS_A_MESSAGE = 8  # that a template puts around it


class RemoteScript(Telling):
    """Text of an endpoint; see `families.endpoint.TextScript`."""

    def _lay_out(self) -> Counter[SpanKind]:
        contents: list[tuple[Role, list[Said]]] = [("system", self._system)]
        for question, answer in self._written():
            contents += [("user", [Said(question, "past")]), ("assistant", [Said(answer, "past")])]
        contents.append(("user", self._asked))
        self._messages = tuple((role, "".join(said.text for said in part)) for role, part in contents)
        counts: Counter[SpanKind] = Counter({"text": TOKENS_A_MESSAGE * len(contents)})
        for _, part in contents:
            for said in part:
                counts[said.kind] += self._chat.n_tokens(said.text)
        self._counts = tuple(counts.items())
        return counts

    def begin(self) -> Outcome:
        if self._deaf:
            return self._say_deaf()
        return Outcome(next=Completion(self._messages, self._counts, self._n_new))

    def take(self, token: int, probability: float) -> Outcome:
        raise AssertionError("an endpoint gives text, no tokens")

    def take_text(self, piece: Piece) -> Outcome:
        self._log_probabilities.append(math.log(max(piece.probability, 1e-9)))
        self._n_said += self._chat.n_tokens(piece.text)
        return Outcome(self._ground(self._reader.feed(piece.text)))

    def end_pass(self) -> Outcome:
        return Outcome(over=FinishReason.STOP)
