"""Logs of live conversations: one line of JSON for each message, in the order of one client.

    {"t_ms": 1520.4, "stream": 1, "from": "client", "message": {"clientSeq": "48", "audio": {}},
     "bytes": {"audio.data": {"n": 1024, "file": "talk.wav", "at": 48128}}}

`message` is the ConverseRequest or ConverseResponse in protobuf's JSON mapping, so any language's protobuf reads it.
Its bytes are taken out: `bytes` names each field with its length and its digest or the file beside the log in which
they lie. `at` is the offset within the samples of a WAV file, which leaves out silence (`"silence": true`: zeros).
`stream` counts connections from 1, `t_ms` are milliseconds from the log's beginning. A line with `end` in place of
`message` ends a direction of a connection: HALF_CLOSE from the client, the name of the gRPC status from the server
(UNAVAILABLE where the network broke).
"""

from __future__ import annotations

import hashlib
import json
import time
import wave
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from google.protobuf import json_format
from google.protobuf.message import Message

from scenewright.errors import InvalidInputError
from scenewright.v1 import dialogue_pb2

Side: TypeAlias = Literal["client", "server"]
_KINDS: Mapping[str, type[Message]] = {
    "client": dialogue_pb2.ConverseRequest,
    "server": dialogue_pb2.ConverseResponse,
}
_MAX_LINE_CHARS = 1_000_000


@dataclass(frozen=True)
class LogEntry:
    """One line, `line` of the log from 1: a ConverseRequest or ConverseResponse, or None at an `end`.

    `bytes` tells what was taken out of `message`.
    """

    t_ms: float
    stream: int
    side: Side
    message: Any = None
    bytes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    end: str = ""
    line: int = 0

    @property
    def kind(self) -> str:
        """The message's oneof, that of a response_event in its place: "audio", "text_delta", "done", ...

        "end" for an end, "" where none is set or none is known.
        """
        if self.message is None:
            return "end"
        kind = self.message.WhichOneof("message" if self.side == "client" else "event") or ""
        return self.message.response_event.WhichOneof("event") or "" if kind == "response_event" else kind

    @property
    def body(self) -> Any:
        """What the oneof holds."""
        holder = self.message
        if self.side == "server" and holder.HasField("response_event"):
            holder = holder.response_event
        return getattr(holder, self.kind)


class LogWriter:
    """Writes a log, and with `keep_audio` the microphone's samples into a WAV file of the same name.

    `files` are those that images were read from: where an image's bytes are such a file's, the log names it.
    Use it in a `with` statement, or call `close()`.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        keep_audio: bool = False,
        files: tuple[str | Path, ...] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = Path(path)
        self._file = self._path.open("w", encoding="utf-8", newline="\n")
        self._clock = clock
        self._begun = clock()
        self._keep_audio = keep_audio
        self._wave: wave.Wave_write | None = None
        self._kept_seq = self._at = 0
        self._places: dict[int, int] = {}
        self._known = {_digest(Path(file).read_bytes()): Path(file).name for file in files}

    def __enter__(self) -> LogWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Finish both files."""
        self._file.close()
        if self._wave is not None:
            self._wave.close()

    def write(self, side: Side, stream: int, message: Any) -> None:
        """One more message, as it goes out or comes in."""
        if self._keep_audio and self._wave is None and side == "client" and message.setup.sample_rate_hz:
            self._open_wave(message.setup.sample_rate_hz)
        bare = type(message)()
        bare.CopyFrom(message)
        taken = {name: {"n": len(data), **self._place(message, name, data)} for name, data in _take_bytes(bare)}
        line = {"message": json_format.MessageToDict(bare)}
        self._write(side, stream, {**line, "bytes": taken} if taken else line)

    def write_end(self, side: Side, stream: int, end: str) -> None:
        """The client has no more to say (HALF_CLOSE), or the server's status ended the connection."""
        self._write(side, stream, {"end": end})

    def _write(self, side: Side, stream: int, what: Mapping[str, Any]) -> None:
        t_ms = round((self._clock() - self._begun) * 1000, 1)
        line = {"t_ms": t_ms, "stream": stream, "from": side, **what}
        self._file.write(json.dumps(line, ensure_ascii=False) + "\n")
        self._file.flush()

    def _place(self, message: Any, name: str, data: bytes) -> dict[str, Any]:
        if name != "audio.data" or not self._keep_audio:
            digest = _digest(data)
            known = self._known.get(digest)
            return {"sha256": digest} if known is None else {"sha256": digest, "file": known}
        if not any(data):
            return {"silence": True}
        if message.client_seq > self._kept_seq and self._wave is not None:  # else it is sent again after a cut
            self._kept_seq = message.client_seq
            self._places[message.client_seq] = self._at
            self._wave.writeframesraw(data)
            self._at += len(data)
        at = self._places.get(message.client_seq)
        return {"sha256": _digest(data)} if at is None else {"file": self._path.with_suffix(".wav").name, "at": at}

    def _open_wave(self, sample_rate_hz: int) -> None:
        self._wave = wave.open(str(self._path.with_suffix(".wav")), "wb")  # noqa: SIM115
        self._wave.setnchannels(1)
        self._wave.setsampwidth(2)
        self._wave.setframerate(sample_rate_hz)


def read_log(path: str | Path) -> Iterator[LogEntry]:
    """The log's messages; raises InvalidInputError, which names the line, where it is none."""
    try:
        with Path(path).open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield _entry(line, f"{path}:{number}", number)
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"log: cannot read {str(path)!r}: {error}") from error


def _entry(line: str, where: str, number: int) -> LogEntry:
    if len(line) > _MAX_LINE_CHARS:
        raise InvalidInputError(f"{where}: a line of {len(line)} characters, at most {_MAX_LINE_CHARS} may be")
    try:
        found = json.loads(line)
        side, end = found["from"], str(found.get("end", ""))
        message = None if end else json_format.ParseDict(found["message"], _KINDS[side]())
        return LogEntry(
            float(found["t_ms"]), int(found["stream"]), side, message, dict(found.get("bytes", {})), end, number
        )
    except (ValueError, KeyError, TypeError, json_format.ParseError) as error:
        raise InvalidInputError(f"{where} is not a message of a live log: {type(error).__name__}: {error}") from error


def _take_bytes(message: Message, prefix: str = "") -> Iterator[tuple[str, bytes]]:
    """Empty every field of bytes, those of messages within too; gives their names and what they held."""
    for descriptor, value in message.ListFields():
        name = f"{prefix}{descriptor.name}"
        repeated = isinstance(value, (list, tuple)) or hasattr(value, "append")
        if descriptor.type == descriptor.TYPE_BYTES and not repeated:
            setattr(message, descriptor.name, b"")
            yield name, value
        elif descriptor.message_type is not None and not descriptor.message_type.GetOptions().map_entry:
            for i, item in enumerate(value if repeated else [value]):
                yield from _take_bytes(item, f"{name}.{i}." if repeated else f"{name}.")


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
