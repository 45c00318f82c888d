"""What is run before a question is known."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from scenewright_server.families.family import Event, FinishReason, Memory, Outcome, Pass, Span


class Anything:
    """See `families.family.Constraint`: any token may come."""

    forced: Sequence[int] = ()
    said: Sequence[int] = ()

    def mask(self, logits: Tensor) -> Tensor:
        return logits


class Ahead:
    """See `families.family.Script`: runs the spans with which the next response's pass begins, and says nothing.
    `memory` stays as it is."""

    confidence = 1.0

    def __init__(self, spans: tuple[Span, ...], memory: Memory, adapter: str = "") -> None:
        self._pass = Pass(spans, 1, Anything(), adapter, greedy=True)
        self._memory = memory

    def begin(self) -> Outcome:
        return Outcome(next=self._pass)

    def take(self, token: int, probability: float) -> Outcome:
        return Outcome(over=FinishReason.STOP)

    def finish(self) -> Sequence[Event]:
        return ()

    def memory(self, n_chars: int | None = None) -> Memory:
        return self._memory
