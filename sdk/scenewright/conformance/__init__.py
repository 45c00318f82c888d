"""Logs of live conversations, and the contract's rules of order checked over them (docs/live.md).

with conformance.LogWriter("talk.jsonl") as log:
    async with client.converse("room.jpg", log=log) as conversation:
        ...
print(conformance.check(conformance.read_log("talk.jsonl")))
"""

from scenewright.conformance.log import LogEntry, LogWriter, read_log
from scenewright.conformance.rules import RULES, Violation, check

__all__ = ["RULES", "LogEntry", "LogWriter", "Violation", "check", "read_log"]
