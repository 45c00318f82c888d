"""The contract's rules of order for a live conversation, checked over a log of it; no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from scenewright.conformance._dialogue_rules import DialogueRules
from scenewright.conformance._stream_rules import StreamRules
from scenewright.conformance.log import LogEntry

RULES: Mapping[str, str] = {
    "stream-opening": "A stream is opened by exactly one setup of the client, and answered by exactly one"
    " setup_complete before any other event.",
    "stream-end": "Nothing comes over a stream that has ended.",
    "resuming": "The first stream's setup begins a conversation; every later one resumes it with its handle, from the"
    " last event that arrived.",
    "client-seq": "client_seq is 0 in setup and counts up in all other messages; over a resumed stream it goes on after"
    " last_consumed_client_seq.",
    "event-seq": "event_seq is 0 in setup_complete, resume_update and go_away, which have neither turn nor response;"
    " all other events count up by 1 from 1, over all streams.",
    "acknowledging": "last_consumed_client_seq never decreases and names a message that was sent.",
    "going-away": "A stream has at most one go_away.",
    "turn-index": "turn_index goes up by 1 with each speech_started and each response_started of a typed turn, and"
    " never down; the events of a response have its turn's.",
    "speech": "speech_started and speech_stopped alternate, belong to no response, and their audio_ms never decreases"
    " nor exceeds the audio that was sent.",
    "transcript": "A spoken turn's transcripts begin at one start_ms; those before speech_stopped are partial; one"
    " after it, before the response, may be final and is the last.",
    "response-opening": "A response begins with response_started, under an id never used before, while no other is"
    " open; a turn has one at most.",
    "response-events": "Only an open response has text_delta (never empty), annotation, interrupted and done.",
    "spans": "An annotation's spans lie within the response's text that has come before it.",
    "response-closing": "After interrupted or a response's error comes its done and nothing else of it;"
    " INTERRUPTED goes with interrupted, FAILED with error.",
    "barge-in": "speech_started during a response is followed at once by its interrupted, for SPEECH; TEXT and CLIENT"
    " follow a text or an interrupt of the client. What the setup's interruption leaves out stops nothing.",
    "question": "A response's question is the typed text or its turn's final transcript.",
    "frame": "A response's annotations belong to the frame that it looks at.",
    "completeness": "Every turn gets a response, but one without words; when a stream ends in peace, none is owed.",
}


@dataclass(frozen=True)
class Violation:
    """The `rule` (a key of RULES) that the log's `line` breaks, and how."""

    rule: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.rule}: {self.text}"


def check(entries: Iterable[LogEntry]) -> list[Violation]:
    """What breaks the rules, in the log's order; an empty list for a conversation in order."""
    violations: list[Violation] = []
    line = 0

    def broken(rule: str, text: str) -> None:
        violations.append(Violation(rule, line, text))

    streams, dialogue = StreamRules(broken), DialogueRules(broken)
    for entry in entries:
        line = entry.line
        streams.take(entry)
        dialogue.take(entry)
    return violations
