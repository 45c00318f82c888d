"""The rules of a conversation's streams: how they open and end, and how both directions are numbered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from scenewright.conformance.log import LogEntry

_OF_STREAM = ("setup_complete", "resume_update", "go_away")


@dataclass
class _Stream:
    number: int = 0
    opened: bool = False
    answered: bool = False
    going: bool = False
    ended: bool = False
    last_client_seq: int = 0


@dataclass
class StreamRules:
    """Takes a log line by line; `broken` is told the rule and how it was broken."""

    broken: Callable[[str, str], None]
    _stream: _Stream = field(default_factory=_Stream)
    _handle: str = ""
    _last_client_seq: int = 0
    _last_consumed: int = 0
    _last_event_seq: int = 0

    def take(self, entry: LogEntry) -> None:
        """Check one line against those before it."""
        if entry.stream != self._stream.number:
            if entry.stream != self._stream.number + 1:
                self.broken("stream-opening", f"stream {entry.stream} comes after stream {self._stream.number}")
            self._stream = _Stream(entry.stream)
        if self._stream.ended:
            self.broken("stream-end", f"{entry.kind or 'a message'} from the {entry.side}")
        if entry.kind == "end":
            self._stream.ended = entry.side == "server"
        elif entry.side == "client":
            self._client(entry)
        else:
            self._server(entry)

    def _client(self, entry: LogEntry) -> None:
        seq, last = entry.message.client_seq, self._stream.last_client_seq
        if (entry.kind == "setup") == self._stream.opened:
            self.broken("stream-opening", f"{entry.kind or 'an empty message'} from the client")
        self._stream.opened = True
        if entry.kind == "setup":
            self._setup(entry.body)
        if (seq == 0) != (entry.kind == "setup") or (seq and seq <= last):
            self.broken("client-seq", f"{entry.kind} has {seq} after {last}")
        self._stream.last_client_seq = max(last, seq)
        self._last_client_seq = max(self._last_client_seq, seq)

    def _setup(self, setup: Any) -> None:
        if not setup.HasField("resume"):
            if self._handle:
                self.broken("resuming", f"stream {self._stream.number} does not resume")
        elif setup.resume.handle != self._handle:
            self.broken("resuming", "the handle is none that setup_complete gave")
        elif setup.resume.last_event_seq != self._last_event_seq:
            self.broken("resuming", f"from event {setup.resume.last_event_seq}, {self._last_event_seq} had arrived")

    def _server(self, entry: LogEntry) -> None:
        message, kind = entry.message, entry.kind
        if (kind == "setup_complete") == self._stream.answered or not self._stream.opened:
            self.broken("stream-opening", f"{kind} from the server")
        self._stream.answered = True
        of_stream = kind in _OF_STREAM
        expected = 0 if of_stream else self._last_event_seq + 1
        if message.event_seq != expected:
            self.broken("event-seq", f"{kind} has {message.event_seq}, not {expected}")
        if of_stream and (message.turn_index or message.response_id):
            self.broken("event-seq", f"{kind} has turn {message.turn_index} and response {message.response_id!r}")
        self._last_event_seq = max(self._last_event_seq, message.event_seq)
        if kind == "setup_complete":
            self._complete(entry.body)
        elif kind == "resume_update":
            self._acknowledge(entry.body.last_consumed_client_seq)
        elif kind == "go_away":
            if self._stream.going:
                self.broken("going-away", "a second go_away")
            self._stream.going = True

    def _complete(self, complete: Any) -> None:
        if self._handle and complete.resume_handle != self._handle:
            self.broken("resuming", "setup_complete has another resume_handle than before")
        self._handle = complete.resume_handle
        self._acknowledge(complete.last_consumed_client_seq)
        self._stream.last_client_seq = complete.last_consumed_client_seq

    def _acknowledge(self, seq: int) -> None:
        if not self._last_consumed <= seq <= self._last_client_seq:
            self.broken("acknowledging", f"{seq} after {self._last_consumed}, with {self._last_client_seq} sent")
        self._last_consumed = max(self._last_consumed, seq)
