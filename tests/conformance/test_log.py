"""Logs: what is written is read again, bytes are told by where they lie, and what is no log is refused by its line."""

from __future__ import annotations

import hashlib
import wave

import pytest
from scenewright.conformance import LogWriter, read_log
from scenewright.errors import InvalidInputError
from scenewright.v1 import dialogue_pb2

IMAGE = b"not looked at"
LOUD, QUIET = b"\1\0" * 160, bytes(320)


def request(seq: int = 0, **message) -> dialogue_pb2.ConverseRequest:
    return dialogue_pb2.ConverseRequest(client_seq=seq, **message)


def test_what_is_written_is_read_again(tmp_path):
    (tmp_path / "room.jpg").write_bytes(IMAGE)
    clock = iter([10.0, 10.25, 10.5, 11.0, 12.0, 12.0, 13.0])
    path = tmp_path / "talk.jsonl"
    with LogWriter(path, keep_audio=True, files=[tmp_path / "room.jpg"], clock=lambda: next(clock)) as log:
        log.write("client", 1, request(setup={"sample_rate_hz": 16_000, "image": {"encoded": IMAGE}}))
        for seq, data in enumerate((LOUD, QUIET, LOUD), 1):
            log.write("client", 1, request(seq, audio={"data": data}))
        spoken = {"text_delta": {"text": "a chair"}}
        log.write("server", 1, dialogue_pb2.ConverseResponse(event_seq=1, response_event=spoken))
        log.write_end("server", 1, "OK")
    entries = list(read_log(path))
    assert [entry.kind for entry in entries] == ["setup", "audio", "audio", "audio", "text_delta", "end"]
    assert [entry.t_ms for entry in entries] == [250.0, 500.0, 1000.0, 2000.0, 2000.0, 3000.0]
    assert [entry.line for entry in entries] == [1, 2, 3, 4, 5, 6]
    assert (entries[4].message.event_seq, entries[4].body.text, entries[5].end) == (1, "a chair", "OK")
    digest = hashlib.sha256(IMAGE).hexdigest()
    assert entries[0].bytes == {"setup.image.encoded": {"n": len(IMAGE), "sha256": digest, "file": "room.jpg"}}
    first, silent, last = (entry.bytes["audio.data"] for entry in entries[1:4])
    assert (first["at"], last["at"]) == (0, len(LOUD))
    assert silent == {"n": 320, "silence": True}
    with wave.open(str(tmp_path / first["file"])) as sound:
        assert sound.readframes(sound.getnframes()) == LOUD + LOUD


def test_audio_sent_again_after_a_cut_is_kept_once(tmp_path):
    path = tmp_path / "talk.jsonl"
    with LogWriter(path, keep_audio=True) as log:
        log.write("client", 1, request(setup={"sample_rate_hz": 16_000}))
        for stream in (1, 2):
            log.write("client", stream, request(1, audio={"data": LOUD}))
    once, again = list(read_log(path))[1:]
    assert once.bytes == again.bytes
    with wave.open(str(tmp_path / "talk.wav")) as sound:
        assert sound.getnframes() == 160


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", "JSONDecodeError"),
        ('{"t_ms": 0, "stream": 1, "message": {}}', "'from'"),
        ('{"t_ms": 0, "stream": 1, "from": "nobody", "message": {}}', "'nobody'"),
        ('{"t_ms": 0, "stream": 1, "from": "client", "message": {"colour": 1}}', "colour"),
        (" " * 1_000_000 + "{}", "1000003 characters, at most 1000000"),
    ],
)
def test_what_is_no_log_is_refused_by_its_line(line, words, tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text('{"t_ms": 0, "stream": 1, "from": "server", "end": "OK"}\n' + line + "\n", encoding="utf-8")
    with pytest.raises(InvalidInputError, match=r"log\.jsonl:2") as refused:
        list(read_log(path))
    assert words in refused.value.message
