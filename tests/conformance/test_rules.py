"""The validator: a conversation in order passes, and each rule broken once is named with its line."""

from __future__ import annotations

from copy import deepcopy

import pytest
from google.protobuf import json_format
from scenewright.conformance import RULES, LogEntry, check
from scenewright.v1 import dialogue_pb2

SECOND = "AAAA" * 8000  # base64 of a second's 24 000 bytes at 12 kHz
DONE = "FINISH_REASON_"

# label: (side, turn, response, message); event_seq, client_seq and the stream are put in below.
TALK = {
    "setup": ("client", {"setup": {"sampleRateHz": 12000}}),
    "complete": ("server", 0, "", {"setupComplete": {"resumeHandle": "h"}}),
    "audio": ("client", {"audio": {"data": SECOND}}),
    "started": ("server", 1, "", {"speechStarted": {"audioMs": 200}}),
    "partial": ("server", 1, "", {"transcript": {"text": "what", "startMs": 100, "endMs": 400}}),
    "stopped": ("server", 1, "", {"speechStopped": {"audioMs": 900}}),
    "final": ("server", 1, "", {"transcript": {"text": "what now", "isFinal": True, "startMs": 100, "endMs": 900}}),
    "response": ("server", 1, "r1", {"responseStarted": {"question": {"text": "what now", "spoken": True}, "frameId": "f"}}),  # noqa: E501
    "text": ("server", 1, "r1", {"responseEvent": {"textDelta": {"text": "a"}}}),
    "annotation": ("server", 1, "r1", {"responseEvent": {"annotation": {"id": "a1", "frameId": "f", "spans": [{"length": 1}]}}}),  # noqa: E501
    "more": ("client", {"audio": {"data": SECOND}}),
    "again": ("server", 2, "", {"speechStarted": {"audioMs": 1100}}),
    "interrupted": ("server", 1, "r1", {"interrupted": {"cause": "INTERRUPTION_CAUSE_SPEECH"}}),
    "done": ("server", 1, "r1", {"responseEvent": {"done": {"finishReason": DONE + "INTERRUPTED"}}}),
    "quiet": ("server", 2, "", {"speechStopped": {"audioMs": 1500}}),
    "nothing": ("server", 2, "", {"transcript": {"isFinal": True, "startMs": 1000, "endMs": 1500}}),
    "typed": ("client", {"text": {"text": "go on"}}),
    "taken": ("server", 0, "", {"resumeUpdate": {"lastConsumedClientSeq": "2"}}),
    "cut": ("server", "UNAVAILABLE"),
    "resume": ("client", {"setup": {"resume": {"handle": "h", "lastEventSeq": "12"}}}),
    "resumed": ("server", 0, "", {"setupComplete": {"resumeHandle": "h", "lastConsumedClientSeq": "2"}}),
    "typed again": ("client", {"text": {"text": "go on"}}),
    "second": ("server", 3, "r2", {"responseStarted": {"question": {"text": "go on"}}}),
    "stop": ("client", {"interrupt": {}}),
    "stops": ("server", 3, "r2", {"interrupted": {"cause": "INTERRUPTION_CAUSE_CLIENT"}}),
    "stopped it": ("server", 3, "r2", {"responseEvent": {"done": {"finishReason": DONE + "INTERRUPTED"}}}),
    "leaving": ("server", 0, "", {"goAway": {"timeLeft": "5s"}}),
    "last": ("client", {"text": {"text": "and now"}}),
    "third": ("server", 4, "r3", {"responseStarted": {"question": {"text": "and now"}}}),
    "fault": ("server", 4, "r3", {"error": {"code": 13, "reason": "INTERNAL"}}),
    "failed": ("server", 4, "r3", {"responseEvent": {"done": {"finishReason": DONE + "FAILED"}}}),
    "no more": ("client", "HALF_CLOSE"),
    "end": ("server", "OK"),
}  # fmt: skip
CLIENT_SEQS = {"audio": 1, "more": 2, "typed": 3, "typed again": 3, "stop": 4, "last": 6}


def talk() -> dict[str, LogEntry]:
    """The conversation above, labelled; its lines are numbered from 1."""
    entries, stream, event_seq = {}, 1, 0
    for line, (label, (side, *rest)) in enumerate(TALK.items(), 1):
        stream += label == "resume"
        if isinstance(rest[-1], str):
            entries[label] = LogEntry(0.0, stream, side, end=rest[-1], line=line)
        elif side == "client":
            message = json_format.ParseDict(rest[0], dialogue_pb2.ConverseRequest())
            message.client_seq = CLIENT_SEQS.get(label, 0)
            entries[label] = LogEntry(0.0, stream, side, message, line=line)
        else:
            turn, response_id, body = rest
            message = json_format.ParseDict(body, dialogue_pb2.ConverseResponse())
            message.turn_index, message.response_id = turn, response_id
            if not {"setupComplete", "resumeUpdate", "goAway"} & set(body):
                event_seq += 1
                message.event_seq = event_seq
            entries[label] = LogEntry(0.0, stream, side, message, line=line)
    return entries


def put(label: str, path: str, value: object):
    """A change of one field of the message under `label`."""

    def change(entries: dict[str, LogEntry]) -> dict[str, LogEntry]:
        *parents, name = path.split(".")
        message = entries[label].message
        for parent in parents:
            message = getattr(message, parent)
        setattr(message, name, value)
        return entries

    return change


def order(*labels: str):
    """A change of the order: the lines under `labels` stand in this order, at the places that they have."""

    def change(entries: dict[str, LogEntry]) -> dict[str, LogEntry]:
        places = sorted(labels, key=list(entries).index)
        moved = dict(zip(places, (entries[label] for label in labels), strict=True))
        return renumber({label: moved.get(label, entry) for label, entry in entries.items()})

    return change


def drop(label: str):
    """A change that leaves a line out, so that events are still counted without gaps."""

    def change(entries: dict[str, LogEntry]) -> dict[str, LogEntry]:
        return renumber({name: entry for name, entry in entries.items() if name != label})

    return change


def renumber(entries: dict[str, LogEntry]) -> dict[str, LogEntry]:
    event_seq = 0
    for entry in entries.values():
        if entry.side == "server" and entry.message is not None and entry.message.event_seq:
            event_seq += 1
            entry.message.event_seq = event_seq
        elif entry.kind == "setup" and entry.body.HasField("resume"):
            entry.body.resume.last_event_seq = event_seq
    return entries


def twice(label: str):
    """A change that says a line again, at once."""

    def change(entries: dict[str, LogEntry]) -> dict[str, LogEntry]:
        grown = {}
        for name, entry in entries.items():
            grown[name] = entry
            if name == label:
                grown[f"{name} twice"] = deepcopy(entry)
        return renumber(grown)

    return change


BREAKS = [
    ("stream-opening", "audio", drop("setup")),
    ("stream-opening", "started", order("started", "complete")),
    ("stream-opening", "setup", twice("setup")),
    ("stream-end", "taken", order("cut", "taken")),
    ("resuming", "resume", put("resume", "setup.resume.handle", "other")),
    ("resuming", "resume", put("resume", "setup.resume.last_event_seq", 11)),
    ("resuming", "resumed", put("resumed", "setup_complete.resume_handle", "other")),
    ("client-seq", "more", put("more", "client_seq", 1)),
    ("client-seq", "typed again", put("typed again", "client_seq", 2)),
    ("event-seq", "text", put("text", "event_seq", 7)),
    ("event-seq", "taken", put("taken", "event_seq", 13)),
    ("event-seq", "taken", put("taken", "turn_index", 2)),
    ("acknowledging", "taken", put("taken", "resume_update.last_consumed_client_seq", 4)),
    ("acknowledging", "resumed", put("resumed", "setup_complete.last_consumed_client_seq", 1)),
    ("going-away", "leaving", twice("leaving")),
    ("turn-index", "again", put("again", "turn_index", 3)),
    ("turn-index", "quiet", put("quiet", "turn_index", 1)),
    ("turn-index", "text", put("text", "turn_index", 2)),
    ("speech", "started", twice("started")),
    ("speech", "stopped", put("stopped", "speech_stopped.audio_ms", 100)),
    ("speech", "again", put("again", "speech_started.audio_ms", 2200)),
    ("transcript", "partial", order("started", "stopped", "partial")),
    ("transcript", "final", put("final", "transcript.start_ms", 50)),
    ("transcript", "final", twice("final")),
    ("response-opening", "second", put("second", "response_id", "r1")),
    ("response-opening", "third", order("third", "stops")),
    ("response-events", "text", order("text", "response")),
    ("response-events", "text", put("text", "response_event.text_delta.text", "")),
    ("response-events", "failed", twice("failed")),
    ("spans", "annotation", order("annotation", "text")),
    ("response-closing", "done", put("done", "response_event.done.finish_reason", 1)),
    ("response-closing", "stopped it", drop("stops")),
    ("response-closing", "failed", drop("fault")),
    ("barge-in", "done", order("done", "interrupted")),
    ("barge-in", "interrupted", put("interrupted", "interrupted.cause", 3)),
    ("barge-in", "interrupted", put("setup", "setup.interruption", dialogue_pb2.INTERRUPTION_TEXT)),
    ("question", "response", put("response", "response_started.question.text", "what")),
    ("question", "second", put("second", "response_started.question.text", "go away")),
    ("frame", "annotation", put("annotation", "response_event.annotation.frame_id", "g")),
    ("completeness", "second", drop("nothing")),
    ("completeness", "end", drop("failed")),
]


def test_a_conversation_in_order_breaks_no_rule():
    assert check(talk().values()) == []


def test_every_rule_is_broken_below():
    assert {rule for rule, _, _ in BREAKS} == set(RULES)


@pytest.mark.parametrize(("rule", "label", "change"), BREAKS)
def test_a_broken_rule_is_named_with_its_line(rule, label, change):
    line = list(TALK).index(label) + 1
    found = check(change(talk()).values())
    assert (rule, line) in [(violation.rule, violation.line) for violation in found], found
