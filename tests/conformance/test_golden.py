"""The recorded conversations obey the contract, and hold what other clients are to replay."""

from __future__ import annotations

import hashlib
import json
import wave
from pathlib import Path

import pytest
from scenewright.cli.app import main
from scenewright.conformance import LogEntry, check, read_log
from scenewright.v1 import dialogue_pb2

GOLDEN = Path(__file__).parents[1] / "golden" / "live"
LOGS = [GOLDEN / f"{name}.jsonl" for name in ("five_turns", "push_to_talk", "resumed")]


def kinds(entries: list[LogEntry], side: str) -> list[str]:
    return [entry.kind for entry in entries if entry.side == side]


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.stem)
def test_every_recorded_conversation_breaks_no_rule(path, capsys):
    assert check(read_log(path)) == []
    with pytest.raises(SystemExit) as ended:
        main(["live", "--check", str(path), "--json"])
    assert not ended.value.code
    assert json.loads(capsys.readouterr().out)["violations"] == []


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.stem)
def test_its_files_lie_beside_it(path):
    named = set()
    for entry in read_log(path):
        for taken in entry.bytes.values():
            if "file" not in taken:
                assert taken.get("silence")
                continue
            named.add(taken["file"])
            file = GOLDEN / taken["file"]
            if file.suffix == ".wav":
                with wave.open(str(file)) as sound:
                    assert taken["at"] + taken["n"] <= 2 * sound.getnframes()
            else:
                assert hashlib.sha256(file.read_bytes()).hexdigest() == taken["sha256"]
    assert "living_room.jpg" in named


def test_no_recorded_conversation_is_left_out():
    assert sorted(GOLDEN.glob("*.jsonl")) == LOGS


def test_five_spoken_turns_are_interrupted_by_voice_and_by_text():
    entries = list(read_log(GOLDEN / "five_turns.jsonl"))
    assert kinds(entries, "server").count("speech_started") >= 5
    assert {"text", "image", "scene_update"} <= set(kinds(entries, "client"))
    causes = {entry.body.cause for entry in entries if entry.kind == "interrupted"}
    assert causes == {dialogue_pb2.INTERRUPTION_CAUSE_SPEECH, dialogue_pb2.INTERRUPTION_CAUSE_TEXT}
    seen = [(entry.body.frame_id, entry.body.scene_revision) for entry in entries if entry.kind == "response_started"]
    assert seen[0] == ("frame-1", 1) and seen[-1] == ("frame-2", 2)


def test_a_key_is_pressed_and_the_client_stops_an_answer():
    entries = list(read_log(GOLDEN / "push_to_talk.jsonl"))
    assert {"activity_start", "activity_end", "interrupt", "playback_report"} <= set(kinds(entries, "client"))
    assert "interrupted" in kinds(entries, "server")


def test_a_broken_network_is_resumed():
    entries = list(read_log(GOLDEN / "resumed.jsonl"))
    assert {entry.stream for entry in entries} == {1, 2, 3}
    assert kinds(entries, "server").count("done") == 3
