"""What a client must keep to go on after a broken connection: the messages that the server has not taken in."""

from __future__ import annotations

from collections import deque
from typing import Any

ACKNOWLEDGED_EVERY = 16
"""The server acknowledges every so many audio messages, and every other message at once."""


class Outbox:
    """Messages in the order of their `client_seq`, from the first that is not acknowledged on.

    It is full at `max_bytes`: whoever has more to say waits.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._kept: deque[tuple[Any, int]] = deque()
        self._n_sent = 0
        self._n_bytes = 0
        self._last_seq = 0

    @property
    def full(self) -> bool:
        """There is no room until the server takes something in."""
        return self._n_bytes >= self._max_bytes

    @property
    def awaits_answer(self) -> bool:
        """So much has been sent over this connection that the server must acknowledge it soon."""
        sent = [self._kept[i][0] for i in range(min(self._n_sent, ACKNOWLEDGED_EVERY))]
        return len(sent) == ACKNOWLEDGED_EVERY or any(not message.HasField("audio") for message in sent)

    def add(self, message: Any) -> int:
        """Number the message and keep it; gives its `client_seq`."""
        self._last_seq += 1
        message.client_seq = self._last_seq
        size = message.ByteSize()
        self._kept.append((message, size))
        self._n_bytes += size
        return self._last_seq

    def next(self) -> Any | None:
        """The next message to send over this connection; None if all were."""
        if self._n_sent == len(self._kept):
            return None
        message = self._kept[self._n_sent][0]
        self._n_sent += 1
        return message

    def acknowledge(self, client_seq: int) -> None:
        """Forget everything up to `client_seq`."""
        while self._kept and self._kept[0][0].client_seq <= client_seq:
            self._n_bytes -= self._kept.popleft()[1]
            self._n_sent = max(0, self._n_sent - 1)

    def rewind(self, last_consumed_seq: int, max_audio_bytes: int) -> int:
        """A new connection: forget what the server has, and have all of the rest sent over it.

        Of audio only the last `max_audio_bytes` are sent again, as the server takes no more at once; gives the
        bytes that are lost by it.
        """
        self.acknowledge(last_consumed_seq)
        self._n_sent = 0
        excess = sum(len(message.audio.data) for message, _ in self._kept) - max_audio_bytes
        lost, kept = 0, deque[tuple[Any, int]]()
        for message, size in self._kept:
            if message.HasField("audio") and lost < excess:
                lost += len(message.audio.data)
                self._n_bytes -= size
            else:
                kept.append((message, size))
        self._kept = kept
        return lost
