"""One stream of a live conversation, as a test holds it."""

from __future__ import annotations

import queue
from pathlib import Path

import numpy as np
import soundfile
from scenewright.conformance import LogEntry, check
from scenewright.v1 import dialogue_pb2

from tests.service.wire import graph, kind, said

VOICE = Path(__file__).resolve().parents[2] / "examples" / "what_colour_is_the_chair.wav"
RATE_HZ = 16_000


def voice():
    """A spoken question as PCM bytes at 16 kHz."""
    samples, rate_hz = soundfile.read(VOICE, dtype="int16")
    assert rate_hz == RATE_HZ
    return samples.astype("<i2").tobytes()


def silence(seconds):
    return np.zeros(int(seconds * RATE_HZ), "<i2").tobytes()


class Talk:
    """Sends when told to, keeps every event. `log` is shared by the streams of one conversation."""

    def __init__(self, stubs, log=None, seq=0, metadata=(), **setup):
        self.log = [] if log is None else log
        self.seq = seq
        self.events = []
        self._stream = 1 + max((entry.stream for entry in self.log), default=0)
        self._requests = queue.Queue()
        if "resume" not in setup:
            setup = {"scene": graph(), "sample_rate_hz": RATE_HZ, "sampling": {"max_new_tokens": 24}, **setup}
        self.send(setup=setup)
        self.call = stubs.dialogue.Converse(iter(self._requests.get, None), metadata=metadata)

    def send(self, **message):
        """A message, numbered unless it says otherwise."""
        if "setup" not in message and "client_seq" not in message:
            self.seq += 1
            message["client_seq"] = self.seq
        request = dialogue_pb2.ConverseRequest(**message)
        self._requests.put(request)
        self.log.append(LogEntry(0, self._stream, "client", request, line=len(self.log) + 1))

    def say(self, data, chunk_ms=100):
        size = 2 * RATE_HZ * chunk_ms // 1000
        for at in range(0, len(data), size):
            self.send(audio={"data": data[at : at + size]})

    def next(self):
        event = next(self.call)
        self.events.append(event)
        self.log.append(LogEntry(0, self._stream, "server", event, line=len(self.log) + 1))
        return event

    def until(self, name, **fields):
        """Read on to the next event of this kind, whose members are these."""
        while True:
            event = self.next()
            if kind(event) == name:
                member = getattr(event if event.WhichOneof("event") == name else event.response_event, name)
                if all(getattr(member, name) == value for name, value in fields.items()):
                    return event

    def hang_up(self):
        """End the stream in order; all the rest."""
        self._requests.put(None)
        return self.rest()

    def rest(self):
        """All that comes until the server ends the stream."""
        rest = []
        for event in self.call:
            rest.append(event)
            self.events.append(event)
            self.log.append(LogEntry(0, self._stream, "server", event, line=len(self.log) + 1))
        return rest

    def cut(self):
        """Lose the connection."""
        self.call.cancel()
        self._requests.put(None)

    def kinds(self, numbered=True):
        return [kind(event) for event in self.events if event.event_seq or not numbered]

    def text(self, response_id):
        return said(event for event in self.events if event.response_id == response_id)

    def check(self):
        """No rule of the contract is broken."""
        assert not [str(violation) for violation in check(self.log)]
